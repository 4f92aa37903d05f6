"""Trap: state in memory that moves on before COMMIT returned; then the connection dies."""

from typing import Any

import asyncpg
import pytest

from mpp.eventsourcing.handler import Draft, Folded, Handler, Outcome, Step, Unit
from mpp.eventsourcing.log import Unavailable, Writing
from mpp.eventsourcing.memory import Memory
from mpp.testing import toy
from mpp.testing.toy import Give

from .stream import numbers
from .writers import started

A = "hall-7406"
ROUNDS, TOGETHER = 6, 10


class Keeps(Memory[Folded]):
    """What is in it stays, while `closed`."""

    closed = True

    def clear(self) -> None:
        if not self.closed:
            super().clear()

    def pop(self, stream: str, default: Any = None) -> Any:
        return default if self.closed else super().pop(stream, default)


class Guarded(Handler):
    """The product's, with only some of its guards.

    `draft`: the cache takes a batch when COMMIT returned; `clear`: after trouble it is emptied; `compare`:
    under the lock the last event seen is looked for.
    """

    def __init__(self, *guards: str) -> None:
        super().__init__([toy.decider], toy.project)
        self._guards = guards
        if "clear" not in guards:
            self._cache = Keeps(4096)

    async def _begin(self, tx: Writing, units: list[Unit], draft: Draft) -> None:
        if "compare" in self._guards:
            if isinstance(self._cache, Keeps):
                self._cache.closed = False
            await super()._begin(tx, units, draft)
            if isinstance(self._cache, Keeps):
                self._cache.closed = True
            return
        believed = dict(self._cache)
        await super()._begin(tx, units, draft)
        for stream in believed.keys() & draft.folds.keys():
            self._cache[stream] = draft.folds[stream] = believed[stream]

    def _decide(self, unit: Unit, draft: Draft) -> Outcome:
        outcome = super()._decide(unit, draft)
        if "draft" not in self._guards:
            self._cache.update(draft.folds)
        return outcome


async def given(handle: Handler, dsn: str, database: asyncpg.Connection) -> list[int]:
    """Six times ten people come, and each time the connection dies before COMMIT; the log's numbers."""
    doomed = set(range(ROUNDS))

    async with started(handle, dsn):
        for turn in range(ROUNDS):

            async def kill(tx: asyncpg.Connection, turn: int = turn) -> None:
                if turn in doomed:
                    doomed.remove(turn)
                    await database.execute("select pg_terminate_backend($1, 5000)", tx.get_server_pid())

            await handle.all([Step(A, Give(str(n))) for n in range(TOGETHER)], also=[kill])
    assert doomed == set()
    return await numbers(database)


async def test_a_cache_ahead_of_the_log_gives_away_numbers_that_nobody_has(
    dsn: str, database: asyncpg.Connection
) -> None:
    told = await given(Guarded(), dsn, database)

    assert (len(told), max(told)) == (60, 120)


@pytest.mark.parametrize("guard", ["draft", "clear", "compare"])
async def test_each_guard_alone_loses_no_number(dsn: str, database: asyncpg.Connection, guard: str) -> None:
    told = await given(Guarded(guard), dsn, database)

    assert told == list(range(1, 61))


async def test_the_product_loses_no_number(dsn: str, database: asyncpg.Connection) -> None:
    told = await given(toy.handler(), dsn, database)

    assert told == list(range(1, 61))


async def test_before_a_commit_returned_the_cache_knows_nothing_of_it(dsn: str) -> None:
    seen: list[int] = []

    async def look(tx: asyncpg.Connection) -> None:
        fold = handle._cache.get(A)
        seen.append(fold.version if fold else 0)

    async with started(toy.handler(), dsn) as handle:
        for _ in range(3):
            await handle(A, Give("x"), also=[look])

    assert seen == [0, 1, 2]


async def test_after_any_trouble_the_cache_is_empty(dsn: str, database: asyncpg.Connection) -> None:
    async def kill(tx: asyncpg.Connection) -> None:
        await database.execute("select pg_terminate_backend($1, 5000)", tx.get_server_pid())

    async with started(toy.handler(), dsn) as handle:
        await handle("hall-3271", Give("x"))
        with pytest.raises(Unavailable):
            await handle(A, Give("x"), also=[kill])
        assert len(handle._cache) == 0


async def test_a_cache_of_another_history_is_not_believed(dsn: str, database: asyncpg.Connection) -> None:
    async with started(toy.handler(), dsn) as handle:
        for _ in range(3):
            await handle(A, Give("x"))
        await database.execute(
            "delete from events where version = 3; delete from toy_numbers where number = 3"
        )
        await handle(A, Give("y"))

    assert await numbers(database) == [1, 2, 3]
