"""A thousand lives with faults at every await: no promise is broken, and planted faults are found."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from mpp.eventsourcing.decider import Rejected
from mpp.eventsourcing.handler import Draft, Folded, Handler, Outcome, Unit
from mpp.eventsourcing.log import Recorded, Writing
from mpp.messaging.jetstream import Fenced
from mpp.messaging.message import messages_of
from mpp.testing import simulated, toy
from mpp.testing.simulation import Kit, Violation, World, project, simulate

SCHEDULES = int(os.environ.get("SIMULATION_SCHEDULES", "1000"))


def test_no_schedule_breaks_a_promise() -> None:
    worlds = [simulate(seed) for seed in range(SCHEDULES)]

    assert {fault for world in worlds for fault in world.faults} >= {"_crash", "_cut", "_no_nats", "_second"}
    assert sum(len(world.acknowledged) for world in worlds) > 10 * SCHEDULES


def test_a_failover_that_lost_facts_breaks_nothing_else() -> None:
    worlds = [simulate(seed, lossy=True) for seed in range(SCHEDULES // 4)]

    assert any(world.lost and world.alarmed_at_end for world in worlds)
    assert any(world.lost and not world.alarmed_at_end for world in worlds)


def test_a_seed_always_leads_the_same_life() -> None:
    def life(world: World) -> tuple[object, ...]:
        return world.faults, world.acknowledged, [(row.stream, row.data) for row in world.database.rows]

    assert life(simulate(7)) == life(simulate(7))
    assert life(simulate(7)) != life(simulate(8))


class CacheAhead(Handler):
    """Planted: the cache takes what was decided before it is committed."""

    def _decide(self, unit: Unit, draft: Draft) -> Outcome:
        outcome = super()._decide(unit, draft)
        self._cache.update(draft.folds)
        return outcome


class NeverLooksBack(Handler):
    """Planted: the cache is ahead, and never compared with the log again."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._mine: dict[str, Folded] = {}

    async def _begin(self, tx: Writing, units: list[Unit], draft: Draft) -> None:
        await super()._begin(tx, units, draft)
        draft.folds |= {stream: fold for stream, fold in self._mine.items() if stream in draft.folds}

    def _decide(self, unit: Unit, draft: Draft) -> Outcome:
        outcome = super()._decide(unit, draft)
        self._mine |= draft.folds
        return outcome


class TriesAgain(Handler):
    """Planted: a lost reply to a commit is taken for a lost commit."""

    async def _landed(self, draft: Draft) -> bool:
        return False


class Believes(Handler):
    """Planted: a lost commit is taken for a lost reply."""

    async def _landed(self, draft: Draft) -> bool:
        return True


class ForgetsKeys(Handler):
    """Planted: whoever asks again is served again."""

    def _repeat(self, unit: Unit, draft: Draft) -> None:
        return None


class MixesUp(Handler):
    """Planted: the callers of a batch get each other's answers."""

    def _take(self, draft: Draft, units: list[Unit]) -> None:
        outcomes: list[Outcome | Rejected | None] = [unit.outcome for unit in units]
        for unit, outcome in zip(units, reversed(outcomes), strict=True):
            unit.outcome = outcome
        super()._take(draft, units)


class Unfenced(simulated.SimulatedJetStream):
    """Planted: messages are stored wherever the stream ends."""

    def _arrive(self, sent: simulated.Sent, epoch: int, reply: Any) -> None:
        super()._arrive(simulated.without_fence(sent, self.nats.last), epoch, reply)


class FencedByNumber(simulated.SimulatedJetStream):
    """Planted: each message of a few expects a sequence, not the message before it."""

    async def publish(self, messages: Sequence[tuple[str, bytes]], expected: int) -> int:
        sent = [simulated.Sent([message], expected + place) for place, message in enumerate(messages)]
        await asyncio.gather(*map(self._send, sent))
        return expected + len(messages)


def publishes_before_commit(jetstream: simulated.SimulatedJetStream) -> Callable[..., Awaitable[None]]:
    """Planted: the projection tells of events that are not facts yet."""

    async def projecting(tx: simulated.Transaction, events: Sequence[Recorded]) -> None:
        await project(tx, events)
        for message in messages_of(events, toy.announce, 0):
            told = [(message.subject, message.encode())]
            try:
                jetstream.nats.store(simulated.Sent(told, jetstream.nats.last))
            except Fenced:
                return

    return projecting


PLANTED = {
    "cache ahead of the log": (Kit(handler=CacheAhead), "a cache holds"),
    "cache ahead and never compared": (
        Kit(handler=NeverLooksBack),
        "unique violation|numbers|versions",
    ),
    "publishes before commit": (Kit(project=publishes_before_commit), "JetStream holds"),
    "tries again without asking": (Kit(handler=TriesAgain), "has two numbers"),
    "believes a lost commit": (Kit(handler=Believes), "acknowledged and lost|a cache holds"),
    "forgets keys": (Kit(handler=ForgetsKeys), "has two numbers"),
    "mixes answers up": (Kit(handler=MixesUp), "got the answer of"),
    "unfenced relay": (Kit(jetstream=Unfenced), "JetStream holds"),
    "fenced by number": (Kit(jetstream=FencedByNumber), "JetStream holds"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(name: str) -> None:
    kit, violation = PLANTED[name]

    with pytest.raises(Violation, match=violation):
        for seed in range(SCHEDULES):
            simulate(seed, kit)
