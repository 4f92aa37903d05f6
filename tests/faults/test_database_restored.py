"""PostgreSQL comes back as a copy of what it was: complete, or older than what clients were told."""

import asyncio
import time
from pathlib import Path

import pytest

from mpp_node import database
from mpp_servers.postgres import Postgres

from .database_copies import base_backup, dump, exchange, load, same_password
from .database_history import PROMISE, alarmed, noticed, silent, told
from .scene import Scene
from .stand import LISTENER, QUEUES, Stand

pytestmark = pytest.mark.long
MINUTE = 60.0  # seconds


def shut(stand: Stand, *, out: bool) -> None:
    """Whether the processes of the queue are kept away from PostgreSQL."""
    for part in QUEUES:
        proxy = stand.proxies[part, "postgres"]
        proxy.refusing = out
        proxy.cut()


async def new_cluster(stand: Stand, copy: Path) -> None:
    """The old one is gone for good; a new one, prepared as a node does it, gets what was dumped."""
    await stand.down("postgres")
    old = stand.postgres
    stand.postgres = Postgres(stand.folder / "new" / old.data.name, old.port, old.options, log=old.log)
    stand.postgres.folder.mkdir()
    await asyncio.to_thread(stand.postgres.prepare)
    await stand.up(stand.postgres)
    await database.prepare(stand.postgres, stand.home)
    await same_password(stand.postgres, old)
    await asyncio.to_thread(load, stand.postgres, copy)


async def test_the_database_moves_to_a_new_cluster_by_a_dump(scene: Scene) -> None:
    """Nobody writes after the dump; the processes of the queue go on with what they have in memory."""
    stand, copy = scene.stand, scene.stand.folder / "copy"
    stand.proxied = ("postgres",)
    async with scene.under_load() as crowd:
        listener = await stand.down(LISTENER)
        shut(stand, out=True)
        await asyncio.to_thread(dump, stand.postgres, copy)
        await new_cluster(stand, copy)
        crowd.strike()
        shut(stand, out=False)
        await stand.up(listener)
        await crowd.recovered()
        assert [stand.supervisor.parts[part].restarts for part in QUEUES] == [0, 0]
    scene.row("PostgreSQL moved to a new cluster by pg_dump; nobody writes meanwhile")


async def test_the_database_is_restored_from_a_dump_made_under_load(scene: Scene) -> None:
    stand, copy = scene.stand, scene.stand.folder / "copy"
    stand.proxied = ("postgres",)
    async with scene.under_load(arrives=False) as crowd:
        copied = time.time()
        await asyncio.to_thread(dump, stand.postgres, copy)
        await crowd.tickets(300)
        listener = await stand.down(LISTENER)
        shut(stand, out=True)
        lost = time.time()
        await new_cluster(stand, copy)
        end = await told(stand)
        crowd.strike()
        shut(stand, out=False)
        await stand.up(listener)
        await crowd.recovered()
        await alarmed(stand)
        await silent(scene, end)
    noticed(scene, copied, lost)
    scene.row("PostgreSQL lost, restored from a pg_dump made under load", promise=PROMISE)


async def test_the_database_is_replaced_by_a_copy_one_minute_old(scene: Scene) -> None:
    stand, copy = scene.stand, scene.stand.folder / "copy" / "postgres"
    async with scene.under_load(arrives=False) as crowd:
        copied = time.time()
        await asyncio.to_thread(base_backup, stand.postgres, copy)
        scene.say(f"copied; {MINUTE:.0f} s of tickets follow")
        await asyncio.sleep(MINUTE)  # the minute itself
        server = await stand.down("postgres")
        lost = time.time()
        exchange(stand.postgres.data, copy)
        end = await told(stand)
        crowd.strike()
        await stand.up(server)
        await crowd.recovered()
        await alarmed(stand)
        await silent(scene, end)
    noticed(scene, copied, lost)
    scene.row(f"PostgreSQL replaced by a copy of its files {MINUTE:.0f} s old", promise=PROMISE)
