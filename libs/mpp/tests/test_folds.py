"""Folds for reading: always the committed state, whoever wrote it."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from mpp.eventsourcing.decider import Event
from mpp.eventsourcing.folds import Folds
from mpp.eventsourcing.log import Row, connect
from mpp.testing import toy
from mpp.testing.toy import Give


@pytest_asyncio.fixture
async def database(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    await toy.create(postgres_url)
    connection = await connect(postgres_url, "toy", "read")
    yield connection
    await connection.close()


async def test_each_read_is_caught_up_with_what_others_wrote(
    postgres_url: str, database: asyncpg.Connection
) -> None:
    async with toy.writing(postgres_url) as handle, toy.writing(postgres_url) as other:
        folds = Folds(handle)
        assert (await folds.read(database, "hall-1")).version == 0
        for n in range(1, 4):
            outcome = await (other if n % 2 else handle)("hall-1", Give(str(n)))
            seen = await folds.read(database, "hall-1")
            assert (seen.version, seen.state) == (outcome.version, outcome.state)
            assert seen.position == await database.fetchval("select max(position) from events")


async def test_readers_at_once_never_step_back(postgres_url: str, database: asyncpg.Connection) -> None:
    pool = await asyncpg.create_pool(
        postgres_url, min_size=0, max_size=4, server_settings={"search_path": "toy"}
    )
    async with toy.writing(postgres_url) as handle:
        folds, versions = Folds(handle), list[int]()

        async def read() -> None:
            for _ in range(30):
                versions.append((await folds.read(pool, "hall-1")).version)

        async def write() -> None:
            for n in range(30):
                await handle("hall-1", Give(str(n)))

        await asyncio.gather(write(), read(), read(), read())
        assert (await folds.read(database, "hall-1")).version == 30 >= max(versions)
    await pool.close()


async def test_a_log_that_was_replaced_is_folded_anew(
    postgres_url: str, database: asyncpg.Connection
) -> None:
    async with toy.writing(postgres_url) as handle:
        folds = Folds(handle)
        await handle("hall-1", Give("a"))
        await handle("hall-1", Give("b"))
        before = await folds.read(database, "hall-1")
        await database.execute("delete from events where version = 2")
        await database.execute("update events set id = gen_random_uuid()")
        after = await folds.read(database, "hall-1")
        assert (before.version, after.version) == (2, 1)
        await database.execute("delete from events")
        assert (await folds.read(database, "hall-1")).version == 0


async def test_only_so_many_streams_are_remembered(postgres_url: str, database: asyncpg.Connection) -> None:
    async with toy.writing(postgres_url) as handle:
        folds = Folds(handle, cached=2)
        for n in range(5):
            await handle(f"hall-{n}", Give("a"))
            await folds.read(database, f"hall-{n}")
        assert [*folds._seen] == ["hall-3", "hall-4"]
        assert (await folds.read(database, "hall-0")).version == 1


async def test_a_crowd_that_comes_after_a_restart_has_the_day_folded_once(
    postgres_url: str, database: asyncpg.Connection
) -> None:
    pool = await asyncpg.create_pool(
        postgres_url, min_size=0, max_size=8, server_settings={"search_path": "toy"}
    )
    async with toy.writing(postgres_url) as handle:
        for n in range(20):
            await handle("hall-1", Give(str(n)))
        folds, decoded = Folds(handle), list[int]()
        decode = handle.decode

        def counted(row: Row) -> Event:
            decoded.append(row.version)
            return decode(row)

        handle.decode = counted  # type: ignore[method-assign]
        crowd = await asyncio.gather(*(folds.read(pool, "hall-1") for _ in range(30)))

        assert {seen.version for seen in crowd} == {20}
        assert decoded == [*range(1, 21)]
    await pool.close()
