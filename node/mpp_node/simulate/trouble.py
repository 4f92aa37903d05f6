"""Trouble: faults that strike the node every so many simulated minutes, while the day goes on."""

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from random import Random
from time import monotonic
from typing import Any

from mpp_node.simulate.board import Board
from mpp_node.simulate.client import Client
from mpp_node.simulate.faults import Fault, drawn
from mpp_node.simulate.floor import QUEUE, Floor
from mpp_node.simulate.victim import PATIENCE, Victim

PACE = 240.0  # simulated seconds per second, at most, from a fault until it is mended
OFFSET = 0.05  # real seconds within which a fault strikes, so that it hits anything
QUIET = 1.0  # real seconds to wait for a request under way


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that struck: real seconds until it was mended (None: it was not), and the load meanwhile."""

    at: str
    fault: str
    under_way: int  # requests at the moment of the fault
    seconds: float | None
    requests: int
    retried: int


class Trouble:
    """Faults of one day, drawn from its seed, one after the other; none unless `draw` is called.

    Each strikes while requests are under way. It is mended when every part is ready, the API answers, and
    the board told every call acknowledged until then. Meanwhile, and until another call is made and told
    or the next fault is due, the day goes on at PACE at most.
    """

    def __init__(self, floor: Floor, board: Board, asking: Client, say: Callable[[str], None]) -> None:
        self._floor, self._board, self._asking, self._say = floor, board, asking, say
        self._chance = Random(f"{floor.seed} {floor.mall.day} faults")
        self._struck: list[Struck] = []
        self._now: asyncio.Task[None] | None = None
        self._enough = asyncio.Event()  # what comes next can't wait for another call

    def draw(self, victim: Victim, every: float) -> None:
        """A fault every so many simulated minutes, from the opening to the closing; the order is told."""
        mall, step = self._floor.mall, dt.timedelta(minutes=every)
        many = int((mall.closes - mall.opens) / step)
        order = [(mall.opens + n * step, fault) for n, fault in enumerate(drawn(self._chance, many), 1)]
        self._victim = victim
        self._tell(f"{many} faults, drawn from seed {self._floor.seed}:")
        for moment, fault in order:
            self._tell(f"  {moment:%H:%M} {fault}")
        self._floor.actor(self._act(order))

    async def _act(self, order: Sequence[tuple[dt.datetime, Fault]]) -> None:
        """On simulated time, later when the one before takes long; not what a day that goes on had."""
        begins = self._floor.clock.now
        for moment, fault in order:
            if moment > begins:
                await self._floor.clock.until(moment)
                await self.over()
                self._enough.clear()
                self._now = self._floor.tasks.create_task(self._happen(fault))

    async def over(self) -> None:
        """Until the fault that struck last is mended."""
        self._enough.set()
        if self._now is not None:
            await asyncio.wait([self._now])

    async def _happen(self, fault: Fault) -> None:
        floor, tally = self._floor, self._floor.tally
        await asyncio.sleep(self._chance.uniform(0, OFFSET))
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIET):
                await self._busy()
        at, began, before = f"{floor.clock.now:%H:%M}", monotonic(), (tally.requests, tally.retried)
        under_way = tally.under_way
        self._tell(f"{at} {fault}, with {under_way} requests under way")
        with floor.clock.slowed(PACE):
            await self._victim.suffer(fault)
            seconds = await self._mended(began)
            await self._next_call()
        requests, retried = tally.requests - before[0], tally.retried - before[1]
        self._struck.append(Struck(at, str(fault), under_way, seconds, requests, retried))
        if seconds is None:
            floor.surprises.append(f"{at} {fault}: not mended within {PATIENCE:.0f} s")
        else:
            self._tell(f"      mended after {seconds:.1f} s, {requests} requests meanwhile, {retried} again")

    async def _busy(self) -> None:
        """Until a request is under way."""
        while not self._floor.tally.under_way:
            await self._floor.tally.busy.wait()

    async def _mended(self, began: float) -> float | None:
        """Seconds since `began` when everything works again, None when it does not in time."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._victim.whole()
                await self._asking.get(f"{QUEUE}/malls/{self._floor.mall.slug}/lines")
                await self._board.heard_all()
        except TimeoutError:
            return None
        return round(monotonic() - began, 2)

    async def _next_call(self) -> None:
        """Until a call that was made after the fault was mended is on the board, too, if there is one."""
        calls = self._floor.record.calls
        before = len(calls)
        while len(calls) == before and not self._enough.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        with suppress(TimeoutError):  # the verdict will tell
            async with asyncio.timeout(PATIENCE):
                await self._board.heard_all()

    def facts(self) -> list[dict[str, Any]]:
        """Every fault that struck, for the verdict."""
        return [asdict(struck) for struck in self._struck]

    def _tell(self, said: str) -> None:
        self._victim.note(said)
        self._say(said)
