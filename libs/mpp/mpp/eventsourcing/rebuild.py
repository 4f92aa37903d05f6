"""Views made anew from the log beside the old ones, and swapped in without a gap."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager

import asyncpg
from sqlmodel import SQLModel

from mpp.eventsourcing.decider import Event
from mpp.eventsourcing.log import Reading, Recorded, Row, connect
from mpp.eventsourcing.views import Project, index_statements, table_statements

CHUNK = 5000  # events in one transaction
MOMENT = "200ms"  # for which writers wait until readers of the old views are done
PAUSE, TRIES = 1.0, 600  # seconds until the next such moment, and how many
COLUMNS = "position, id, stream, version, type, data, about, recorded_at"
_ALONE = "select pg_try_advisory_lock(hashtextextended('rebuild:' || $1, 0))"
_LOCK = "select pg_advisory_xact_lock(hashtextextended('log:' || $1, 0))"


class RebuildRuns(Exception):
    """Somebody else rebuilds these views now."""


class ViewsInUse(Exception):
    """Somebody reads the old views without end, so they can't be replaced."""


async def recorded_after(
    connection: Reading, decode: Callable[[Row], Event], position: int, limit: int
) -> list[Recorded]:
    """The next `limit` events after this position."""
    sql = f"select {COLUMNS} from events where position > $1 order by position limit $2"
    rows = [Row(*record) for record in await connection.fetch(sql, position, limit)]
    return [row.recorded(decode(row)) for row in rows]


async def project_all(
    connection: asyncpg.Connection, decode: Callable[[Row], Event], project: Project, after: int = 0
) -> AsyncIterator[int]:
    """Project the whole log in chunks; yields the position reached after each."""
    while recorded := await recorded_after(connection, decode, after, CHUNK):
        await project(connection, recorded)
        after = recorded[-1].position
        yield after


async def _project_ahead(
    reader: asyncpg.Connection, writer: asyncpg.Connection, decode: Callable[[Row], Event], project: Project
) -> AsyncIterator[int]:
    """The same over two connections: a chunk is read and decoded while the one before it is written."""
    coming = asyncio.create_task(recorded_after(reader, decode, 0, CHUNK))
    try:
        while recorded := await coming:
            after = recorded[-1].position
            coming = asyncio.create_task(recorded_after(reader, decode, after, CHUNK))
            await project(writer, recorded)
            yield after
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Events hold no cycles: to look for some among so many took a third of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


async def rebuild(
    dsn: str,
    schema: str,
    tables: Sequence[type[SQLModel]],
    decode: Callable[[Row], Event],
    project: Project,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> int:
    """Replace the views by the fold of the log while the service runs; returns the events folded.

    Raises RebuildRuns when one is under way. Short transactions up to the end; the last events and the
    swap happen under the log's lock.
    """
    connection = await connect(dsn, f"{schema}_rebuild, {schema}", "rebuild", statement_timeout="0")
    try:
        if not await connection.fetchval(_ALONE, schema):
            raise RebuildRuns(f"the views of {schema} are being rebuilt already")
        await _make_tables(connection, schema, tables)
        reader = await connect(dsn, schema, "rebuild-reader")
        try:
            with _uncollected():
                position = await _fold(reader, connection, decode, project, progress)
        finally:
            await reader.close()
        for statement in index_statements(tables):  # at once is quicker than row by row
            await connection.execute(statement)
        return await _swap(connection, schema, tables, decode, project, position)
    finally:
        await connection.close()


async def _make_tables(connection: asyncpg.Connection, schema: str, tables: Sequence[type[SQLModel]]) -> None:
    """Empty tables without indexes but their keys, in a schema of their own."""
    beside = f"{schema}_rebuild"
    if not await connection.fetchval("select 1 from pg_namespace where nspname = $1", beside):
        await connection.execute(f"create schema {beside}")
    for table in reversed(tables):
        await connection.execute(f"drop table if exists {beside}.{table.__tablename__}")
    for statement in table_statements(tables):
        await connection.execute(statement)


async def _fold(
    reader: asyncpg.Connection,
    writer: asyncpg.Connection,
    decode: Callable[[Row], Event],
    project: Project,
    progress: Callable[[int, int], None],
) -> int:
    """Everything up to the end of the log as it is met; the position reached."""
    position, end = 0, await reader.fetchval("select coalesce(max(position), 0) from events")
    async for position in _project_ahead(reader, writer, decode, project):
        progress(position, max(end, position))
    return position


async def _swap(
    connection: asyncpg.Connection,
    schema: str,
    tables: Sequence[type[SQLModel]],
    decode: Callable[[Row], Event],
    project: Project,
    position: int,
) -> int:
    """The last events, and the new tables in the place of the old, under the log's lock; how many events.

    Whoever reads the old tables is waited for, but with the log's lock in hand only for a moment, in which
    nobody can write. Raises ViewsInUse when they are read without end.
    """
    for _ in range(TRIES):
        async for reached in project_all(connection, decode, project, position):
            position = reached
        try:
            async with connection.transaction():
                await _lock(connection, schema, tables)
                async for reached in project_all(connection, decode, project, position):
                    position = reached
                await _exchange(connection, schema, tables)
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(PAUSE)
        else:
            counted = "select count(*) from events where position <= $1"
            return int(await connection.fetchval(counted, position))
    raise ViewsInUse(f"the views of {schema} are read without end: by a verify or a backup?")


async def _lock(connection: asyncpg.Connection, schema: str, tables: Sequence[type[SQLModel]]) -> None:
    """The log first, as every writer does, then the old views."""
    await connection.execute("set local lock_timeout = '30s'")
    await connection.execute(_LOCK, schema)
    await connection.execute(f"set local lock_timeout = '{MOMENT}'")
    names = ", ".join(f"{schema}.{table.__tablename__}" for table in tables)
    await connection.execute(f"lock table {names} in access exclusive mode")


async def _exchange(connection: asyncpg.Connection, schema: str, tables: Sequence[type[SQLModel]]) -> None:
    for table in tables:
        await connection.execute(f"drop table {schema}.{table.__tablename__}")
        await connection.execute(f"alter table {schema}_rebuild.{table.__tablename__} set schema {schema}")
