"""Trap: reading on by position without a lock; positions are given out before the commit."""

import asyncpg
import pytest

from mpp.eventsourcing import log as product
from mpp.eventsourcing.log import Log

from .writers import UNLOCKED, missed


async def test_without_the_lock_a_follower_passes_over_whoever_commits_later(
    dsn: str, database: asyncpg.Connection, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product, "_BEGIN", UNLOCKED)

    assert await missed(dsn, database, log) == (62, 96)


async def test_with_the_lock_a_follower_misses_nothing(
    dsn: str, database: asyncpg.Connection, log: Log
) -> None:
    assert await missed(dsn, database, log) == (0, 96)
