"""A disk is full under load, and has room again later."""

import asyncio
import time
from contextlib import suppress

import asyncpg
import pytest

from mpp_node.bench.world import until

from .crowd import Crowd
from .disk import Disk, small_disk
from .scene import Scene
from .stand import Stand

pytestmark = pytest.mark.long
FULL = 20.0  # seconds
CLEARLY = (503, "urn:mpp:problem:unavailable", "2")  # status, problem, Retry-After
SMALL = {"max_wal_size": "64MB", "min_wal_size": "32MB"}  # room for little before the disk itself ends it


@pytest.mark.parametrize("log", [False, True], ids=["tables", "log"])
async def test_the_disk_of_postgresql_is_full(scene: Scene, log: bool) -> None:
    """No room for rows; or none for its log either, and then it panics and can't even start."""
    stand = scene.stand
    stand.postgres.options |= SMALL
    with small_disk(stand.folder, 512) as disk:
        disk.hold(stand.postgres.data)
        async with scene.under_load() as crowd:
            await asyncio.to_thread(disk.fill)
            if log:
                await until(lambda: _panics(stand), "a panic")
            await until(lambda: len(crowd.failures()) > 20, "refusals")
            began = time.time()
            scene.say(f"the disk is full for {FULL:.0f} s")
            await asyncio.sleep(FULL)  # the fault itself
            ended = time.time()
            disk.free()
            crowd.strike()
            await crowd.recovered()
            _refused_clearly(crowd, began, ended)
            scene.say(f"{_said(stand, 'PANIC')} panics, {_said(stand, 'No space left')} times no space")
            assert (_said(stand, "PANIC") > 0) == log
    what = "no room for its log, it panics" if log else "no room for rows"
    scene.row(f"PostgreSQL's disk full for {FULL:.0f} s ({what}): 503 with Retry-After")


async def _panics(stand: Stand) -> bool:
    """Whether it did; each call uses up a file of its log."""
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        async with stand.database() as connection:
            await connection.execute("select pg_switch_wal(); select txid_current()")
    return _said(stand, "PANIC") > 0


def _said(stand: Stand, word: str) -> int:
    return stand.postgres.log.read_text(errors="replace").count(word)


def _refused_clearly(crowd: Crowd, began: float, ended: float) -> None:
    """While nothing could be written, every answer was a 503 that says when to come back."""
    failures = [failed for failed in crowd.failures() if began + 1 < failed["at"] < ended]
    strange = [one for one in failures if (one["status"], one["code"], one["later"]) != CLEARLY]
    assert failures and not strange, strange[:5]


async def test_the_disk_of_nats_is_full(scene: Scene) -> None:
    """Until the file of the stream itself can't grow: NATS may leave it alone until the node restarts it."""
    stand = scene.stand
    with small_disk(stand.folder, 256) as disk:
        disk.hold(stand.nats.data)
        async with scene.under_load() as crowd:
            await _write_error(stand, disk)
            before = len(crowd.told())
            scene.say(f"the disk is full for {FULL:.0f} s")
            await asyncio.sleep(FULL)  # the fault itself
            during = len(crowd.told()) - before
            assert during > FULL * 50, f"only {during} tickets while NATS could write nothing"
            disk.free()
            crowd.strike()
            await crowd.recovered()
    scene.row(f"NATS's disk full for {FULL:.0f} s: tickets go on, events follow")


async def _write_error(stand: Stand, disk: Disk) -> None:
    """Fills the disk until it happens while the stream's file grows; else batches are refused before."""
    async with asyncio.timeout(60):
        while b"Critical write error" not in stand.nats.log.read_bytes():
            disk.free()
            await stand.relaying()
            await asyncio.to_thread(disk.fill)
            await asyncio.sleep(1)  # for whatever is published now
