"""Trap: state in memory that moves on before COMMIT returned; then the connection dies."""

from typing import Any

import asyncpg

from mpp.eventsourcing.handler import Draft, Folded, Handler, Outcome, Step, Unit
from mpp.eventsourcing.log import Writing
from mpp.testing import toy
from mpp.testing.toy import Give

from .stream import numbers
from .writers import started

A = "hall-7406"
ROUNDS, TOGETHER = 6, 10


class CacheAhead(Handler):
    """The product's, but its folds are kept as soon as they are decided, and believed for ever."""

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
    told = await given(CacheAhead([toy.decider], toy.project), dsn, database)

    assert (len(told), max(told)) == (60, 120)


async def test_a_cache_that_follows_the_log_loses_no_number(dsn: str, database: asyncpg.Connection) -> None:
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
