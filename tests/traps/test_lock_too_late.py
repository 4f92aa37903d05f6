"""Trap: the lock after the insert, or in one statement with the reading of what is new."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from mpp.eventsourcing import log as product
from mpp.eventsourcing.handler import Handler
from mpp.eventsourcing.log import Log
from mpp.testing import toy

from .stream import numbers
from .writers import LOCK, UNLOCKED, WRITERS, Turns, lock, missed, write

A = "hall-7406"
# The offset is computed first: the lock is waited for inside the statement, after its snapshot was taken.
IN_ONE = f"{product._LOOK} offset (select 0 from {LOCK.partition('select ')[2]})"


async def unseen(tx: Any, events: Sequence[Any]) -> None:
    """No views: their keys would refuse a second number too."""


async def crowded(dsn: str, database: asyncpg.Connection) -> list[Exception]:
    """Eight writers ask the same hall for its numbers; what failed."""
    turns, failed = Turns(database), list[Exception]()
    handlers = [Handler([toy.decider], unseen) for _ in range(WRITERS)]
    with capture_logs():  # each failure would be logged with its stack
        await turns.play([write(dsn, handle, A, [turns.hold], failed) for handle in handlers])
    return failed


async def without_constraint(database: asyncpg.Connection) -> None:
    await database.execute("alter table events drop constraint events_stream_version_key")


async def test_a_lock_after_the_insert_loses_as_much_as_none(
    dsn: str, database: asyncpg.Connection, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product, "_BEGIN", UNLOCKED)

    assert await missed(dsn, database, log, then=[lock]) == (62, 96)


async def test_lock_and_catch_up_in_one_statement_decide_on_what_is_over(
    dsn: str, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product, "_BEGIN", UNLOCKED)
    monkeypatch.setattr(product, "_LOOK", IN_ONE)
    failed = await crowded(dsn, database)

    assert {type(failure) for failure in failed} == {asyncpg.UniqueViolationError}
    assert (len(failed), await numbers(database)) == (84, list(range(1, 13)))


async def test_and_where_no_constraint_refuses_it_the_same_number_is_given_many_times(
    dsn: str, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product, "_BEGIN", UNLOCKED)
    monkeypatch.setattr(product, "_LOOK", IN_ONE)
    await without_constraint(database)
    failed = await crowded(dsn, database)
    given = await numbers(database)

    assert (failed, len(given)) == ([], 96)
    assert given.count(1) == WRITERS


async def test_the_lock_first_and_alone_gives_each_number_once(
    dsn: str, database: asyncpg.Connection
) -> None:
    await without_constraint(database)
    failed = await crowded(dsn, database)

    assert failed == []
    assert await numbers(database) == list(range(1, 97))
