"""Views are made anew from the log while writing goes on, and nobody notices."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from mpp.eventsourcing import rebuild as rebuilding
from mpp.eventsourcing import verify
from mpp.eventsourcing.log import Recorded, connect
from mpp.eventsourcing.rebuild import RebuildRuns, rebuild
from mpp.testing import toy
from mpp.testing.toy import Close, Give


async def test_a_rebuild_repairs_the_views_and_counts_the_events(postgres_url: str) -> None:
    await toy.create(postgres_url)
    database = await connect(postgres_url, "toy", "test")
    async with toy.writing(postgres_url) as handle:
        await asyncio.gather(*(handle(f"hall-{n % 3}", Give(str(n))) for n in range(30)))
        before = await database.fetch("select * from toy_numbers order by hall, number")
        await database.execute("delete from toy_numbers where number > 2")
        await database.execute("alter table toy_halls drop column closed")
        told: list[tuple[int, int]] = []

        events = await rebuild(
            postgres_url, "toy", toy.TABLES, handle.decode, toy.project, lambda *p: told.append(p)
        )

        assert events == 30
        assert await database.fetch("select * from toy_numbers order by hall, number") == before
        assert [r["closed"] for r in await database.fetch("select closed from toy_halls")] == [False] * 3
        assert told[-1] == (30, 30)
        await handle("hall-1", Close())
        assert await database.fetchval("select closed from toy_halls where hall = 'hall-1'")
    await database.close()


async def test_many_chunks_of_the_log_leave_the_rows_and_indexes_of_one(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await toy.create(postgres_url)
    database = await connect(postgres_url, "toy", "test")
    numbers, halls = (f"select * from {name} order by 1, 2" for name in ("toy_numbers", "toy_halls"))
    indexes = "select indexdef from pg_indexes where schemaname = 'toy' order by indexname"
    async with toy.writing(postgres_url) as handle:
        await asyncio.gather(*(handle(f"hall-{n % 3}", Give(str(n))) for n in range(50)))
        await handle("hall-2", Close())
        before = [await database.fetch(sql) for sql in (numbers, halls, indexes)]
        monkeypatch.setattr("mpp.eventsourcing.rebuild.CHUNK", 7)

        assert await rebuild(postgres_url, "toy", toy.TABLES, handle.decode, toy.project) == 51
        assert [await database.fetch(sql) for sql in (numbers, halls, indexes)] == before
    await database.close()


async def test_views_equal_the_fold_after_rebuilds_during_writing(postgres_url: str) -> None:
    await toy.create(postgres_url)
    database = await connect(postgres_url, "toy", "test")
    async with toy.writing(postgres_url, batch=8) as handle, toy.writing(postgres_url, batch=8) as other:
        stop = asyncio.Event()

        async def write(name: int) -> int:
            given = 0
            while not stop.is_set():
                await (handle, other)[name % 2](f"hall-{name}", Give(str(given)))
                given += 1
            return given

        async def read() -> None:
            while not stop.is_set():
                assert await database.fetchval("select count(*) from toy_numbers") >= 0

        work = [asyncio.create_task(write(name)) for name in range(6)]
        reading = asyncio.create_task(read())
        for _ in range(3):
            await rebuild(postgres_url, "toy", toy.TABLES, handle.decode, toy.project)
        stop.set()
        given = await asyncio.gather(*work)
        await reading

        moment = await verify.snapshot(postgres_url, "toy")
        check = await verify.views_are_fold(moment, "toy", toy.TABLES, handle.decode, toy.project)
        await moment.close()
    assert check.violations == ()
    assert check.looked_at == sum(given) + 6
    await database.close()


async def test_a_rebuild_that_fails_leaves_the_views_as_they_were(postgres_url: str) -> None:
    await toy.create(postgres_url)
    database = await connect(postgres_url, "toy", "test")
    async with toy.writing(postgres_url) as handle:
        await handle("hall-1", Give("x"))

        async def fails(*_: object) -> None:
            raise RuntimeError("no")

        with pytest.raises(RuntimeError, match="no"):
            await rebuild(postgres_url, "toy", toy.TABLES, handle.decode, fails)
        assert await database.fetchval("select count(*) from toy_numbers") == 1
        await handle("hall-1", Give("y"))

        assert await rebuild(postgres_url, "toy", toy.TABLES, handle.decode, toy.project) == 2
    await database.close()


async def test_a_rebuild_beside_a_long_reader_holds_up_no_writer(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "PAUSE", 0.05)
    await toy.create(postgres_url)
    async with toy.writing(postgres_url) as handle:
        await handle("hall-1", Give("x"))
        reader = await verify.snapshot(postgres_url, "toy")
        await reader.fetchval("select count(*) from toy_numbers")
        work = asyncio.create_task(rebuild(postgres_url, "toy", toy.TABLES, handle.decode, toy.project))
        for n in range(20):
            await handle("hall-1", Give(str(n)))
        assert not work.done()
        await reader.close()

        assert await work == 21


async def test_a_rebuild_gives_up_when_the_views_are_read_without_end(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "TRIES", 2)
    monkeypatch.setattr(rebuilding, "PAUSE", 0.05)
    await toy.create(postgres_url)
    async with toy.writing(postgres_url) as handle:
        await handle("hall-1", Give("x"))
        reader = await verify.snapshot(postgres_url, "toy")
        await reader.fetchval("select count(*) from toy_numbers")
        with pytest.raises(rebuilding.ViewsInUse):
            await rebuild(postgres_url, "toy", toy.TABLES, handle.decode, toy.project)
        await reader.close()


async def test_two_rebuilds_of_the_same_views_do_not_run_at_once(postgres_url: str) -> None:
    await toy.create(postgres_url)
    async with toy.writing(postgres_url) as handle:
        await handle("hall-1", Give("x"))

        async def meanwhile(connection: asyncpg.Connection, recorded: Sequence[Recorded]) -> None:
            with pytest.raises(RebuildRuns):
                await rebuild(postgres_url, "toy", toy.TABLES, handle.decode, toy.project)
            await toy.project(connection, recorded)

        assert await rebuild(postgres_url, "toy", toy.TABLES, handle.decode, meanwhile) == 1
