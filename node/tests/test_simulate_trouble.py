"""Trouble: one fault after the other, none of them holds up the day, and one that stays makes it unclean."""

import asyncio
import datetime as dt
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mpp_node.simulate import trouble as module
from mpp_node.simulate.client import Tally
from mpp_node.simulate.clock import Clock
from mpp_node.simulate.faults import Fault
from mpp_node.simulate.record import Record
from mpp_node.simulate.trouble import Trouble

EIGHT = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)


@dataclass
class Patient:
    """A node that is harmed and does not mind, unless it `stays` broken."""

    stays: bool = False
    suffering: int = 0
    most: int = 0
    suffered: list[Fault] = field(default_factory=list)

    async def suffer(self, fault: Fault) -> None:
        self.suffering += 1
        self.most = max(self.most, self.suffering)
        await asyncio.sleep(0.01)
        self.suffered.append(fault)
        self.suffering -= 1

    async def whole(self) -> None:
        if self.stays:
            await asyncio.Event().wait()

    def note(self, said: str) -> None:
        return


class Desk:
    """An API that answers, and a board that told everything."""

    async def get(self, path: str) -> None:
        return

    async def heard_all(self) -> None:
        return


async def played(patient: Patient, every: float) -> tuple[Trouble, Any]:
    """A day from eight to ten on which nobody comes, with its faults; and its floor."""
    clock = Clock(EIGHT, None)
    mall = SimpleNamespace(opens=EIGHT, closes=EIGHT + dt.timedelta(hours=2), day=EIGHT.date(), slug="mall")
    async with asyncio.TaskGroup() as tasks:
        floor: Any = SimpleNamespace(
            mall=mall, seed=1, clock=clock, tally=Tally(), record=Record(), tasks=tasks, surprises=[]
        )
        floor.actor = lambda acts: clock.start(tasks, acts)
        floor.tally.under_way = 1
        desk = cast(Any, Desk())
        trouble = Trouble(floor, desk, desk, lambda _: None)
        trouble.draw(cast(Any, patient), every)
        await clock.run()
        await trouble.over()
    return trouble, floor


async def test_faults_come_one_after_the_other_and_the_day_ends_though_nobody_is_called_any_more() -> None:
    patient = Patient()
    async with asyncio.timeout(30):
        trouble, floor = await played(patient, 40)
    assert len(patient.suffered) == 3 and patient.most == 1
    assert [fault["fault"] for fault in trouble.facts()] == [str(fault) for fault in patient.suffered]
    moments = [dt.time.fromisoformat(fault["at"]) for fault in trouble.facts()]
    assert moments == sorted(moments) and moments[0] >= dt.time(8, 40)
    assert floor.surprises == [] and floor.clock.speed is None


async def test_a_fault_that_is_due_while_another_lasts_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACE", 1e6)  # each lasts for hours of simulated time
    patient = Patient()
    trouble, floor = await played(patient, 15)
    assert len(patient.suffered) == len(trouble.facts()) == 8 and patient.most == 1
    assert floor.clock.now > floor.mall.closes


async def test_a_fault_that_is_not_mended_makes_the_day_unclean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    trouble, floor = await played(Patient(stays=True), 120)
    assert [fault["seconds"] for fault in trouble.facts()] == [None]
    assert len(floor.surprises) == 1 and "not mended" in floor.surprises[0]
