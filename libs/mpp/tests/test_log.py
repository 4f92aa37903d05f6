"""The log is read on by position: in commit order, past holes, and never past a fact it has lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from mpp.eventsourcing.handler import Handler
from mpp.eventsourcing.log import Log, LogLostFacts, Row, Unavailable, connect
from mpp.testing import toy
from mpp.testing.toy import Give, Spoil
from mpp_servers.postgres import Postgres

A = "hall-7406"


@pytest_asyncio.fixture
async def handle(postgres_url: str) -> AsyncIterator[Handler]:
    await toy.create(postgres_url)
    async with toy.writing(postgres_url) as handler:
        yield handler


@pytest_asyncio.fixture
async def log(handle: Handler, postgres_url: str) -> AsyncIterator[Log]:
    reading = Log(postgres_url, "toy", "read")
    yield reading
    await reading.close()


@pytest_asyncio.fixture
async def database(handle: Handler, postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(postgres_url, "toy", "test")
    yield connection
    await connection.close()


async def test_a_reader_that_follows_many_writers_misses_nothing(
    handle: Handler, log: Log, postgres_url: str
) -> None:
    seen: list[Row] = []

    async def follow() -> None:
        while len(seen) < 300:
            last = seen[-1] if seen else None
            seen.extend(await log.read_after(last.position if last else 0, last.id if last else None, 7))

    async with toy.writing(postgres_url, batch=3) as other:
        following = asyncio.create_task(follow())
        await asyncio.gather(*((handle, other)[n % 2](f"hall-{n % 5}", Give(str(n))) for n in range(300)))
        async with asyncio.timeout(20):
            await following

    assert [row.position for row in seen] == sorted({row.position for row in seen})
    for stream in {row.stream for row in seen}:
        assert [row.version for row in seen if row.stream == stream] == list(range(1, 61))


async def test_positions_that_a_rollback_left_empty_are_no_lost_facts(handle: Handler, log: Log) -> None:
    with pytest.raises(RuntimeError):
        await handle(A, Spoil())
    await handle(A, Give("x"))

    start = await log.first_since(datetime.now(UTC) - timedelta(days=1))
    rows = await log.read_after(start, None, 10)

    assert [(row.version, row.type) for row in rows] == [(1, "number-given")]
    assert rows[0].position > 1


async def test_reading_on_from_an_event_that_is_gone_is_an_error(
    handle: Handler, log: Log, database: asyncpg.Connection
) -> None:
    for n in range(3):
        await handle(A, Give(str(n)))
    rows = await log.read_after(0, None, 10)
    last = rows[-1]

    assert await log.read_after(last.position, last.id, 10) == []
    with pytest.raises(LogLostFacts):
        await log.read_after(last.position, uuid4(), 10)
    await database.execute("delete from events where position = $1", last.position)
    with pytest.raises(LogLostFacts):
        await log.read_after(last.position, last.id, 10)


async def test_the_first_position_since_a_moment_leaves_older_events_out(
    handle: Handler, log: Log, database: asyncpg.Connection
) -> None:
    for n in range(4):
        await handle(A, Give(str(n)))
    await database.execute("update events set recorded_at = now() - interval '20 days' where version <= 2")
    start = await log.first_since(datetime.now(UTC) - timedelta(days=14))

    assert [row.version for row in await log.read_after(start, None, 10)] == [3, 4]
    future = await log.first_since(datetime.now(UTC) + timedelta(days=1))
    assert await log.read_after(future, None, 10) == []


async def test_a_lost_reading_connection_is_unavailable_and_made_anew(own_postgres: Postgres) -> None:
    await toy.create(own_postgres.url())
    log = Log(own_postgres.url(), "toy", "read")
    async with toy.writing(own_postgres.url()) as handle:
        await handle(A, Give("x"))
        assert len(await log.read_after(0, None, 10)) == 1
        own_postgres.kill()
        with pytest.raises(Unavailable):  # its sessions end a moment after the server that was killed
            async with asyncio.timeout(10):
                while await log.read_after(0, None, 10):
                    await asyncio.sleep(0.01)
        with pytest.raises(Unavailable):
            await log.first_since(datetime.now(UTC))
        own_postgres.start()
        assert len(await log.read_after(0, None, 10)) == 1
    await log.close()


async def test_a_writer_waits_for_the_lock_of_another(handle: Handler, database: asyncpg.Connection) -> None:
    async with database.transaction():
        await database.execute("select pg_advisory_xact_lock(hashtextextended('log:toy', 0))")
        waiting = asyncio.create_task(handle(A, Give("x")))
        held_up = """select count(*) from pg_locks l join pg_database d on d.oid = l.database
            where locktype = 'advisory' and not granted and datname = current_database()"""
        while not await database.fetchval(held_up):
            await asyncio.sleep(0.01)
        assert not waiting.done()

    assert (await waiting).version == 1
