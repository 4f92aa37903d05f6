"""Views made anew from the log beside the old ones, and swapped in without a gap."""

from collections.abc import AsyncIterator, Callable, Sequence

import asyncpg
from sqlmodel import SQLModel

from mpp.eventsourcing.decider import Event
from mpp.eventsourcing.log import Recorded, Row, connect
from mpp.eventsourcing.views import Project, create_statements

_COLUMNS = "position, id, stream, version, type, data, about, recorded_at"
_ALONE = "select pg_try_advisory_lock(hashtextextended('rebuild:' || $1, 0))"
_LOCK = "select pg_advisory_xact_lock(hashtextextended('log:' || $1, 0))"


class RebuildRuns(Exception):
    """Somebody else rebuilds these views now."""


async def recorded_after(
    connection: asyncpg.Connection, decode: Callable[[Row], Event], position: int, limit: int
) -> list[Recorded]:
    """The next `limit` events after this position."""
    sql = f"select {_COLUMNS} from events where position > $1 order by position limit $2"
    rows = [Row(*record) for record in await connection.fetch(sql, position, limit)]
    return [row.recorded(decode(row)) for row in rows]


async def project_all(
    connection: asyncpg.Connection, decode: Callable[[Row], Event], project: Project, after: int = 0
) -> AsyncIterator[int]:
    """Project the whole log in chunks; yields the position reached after each."""
    while recorded := await recorded_after(connection, decode, after, 5000):
        await project(connection, recorded)
        after = recorded[-1].position
        yield after


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
    beside = f"{schema}_rebuild"
    connection = await connect(dsn, f"{beside}, {schema}", "rebuild", statement_timeout="0")
    try:
        if not await connection.fetchval(_ALONE, schema):
            raise RebuildRuns(f"the views of {schema} are being rebuilt already")
        if not await connection.fetchval("select 1 from pg_namespace where nspname = $1", beside):
            await connection.execute(f"create schema {beside}")
        for table in reversed(tables):
            await connection.execute(f"drop table if exists {beside}.{table.__tablename__}")
        for statement in create_statements(tables):
            await connection.execute(statement)
        position, end = 0, await connection.fetchval("select coalesce(max(position), 0) from events")
        async for position in project_all(connection, decode, project):
            progress(position, max(end, position))
        async with connection.transaction():
            await connection.execute("set local lock_timeout = '30s'")
            await connection.execute(_LOCK, schema)
            async for reached in project_all(connection, decode, project, position):
                position = reached
            for table in tables:
                await connection.execute(f"drop table {schema}.{table.__tablename__}")
                await connection.execute(f"alter table {beside}.{table.__tablename__} set schema {schema}")
        return int(await connection.fetchval("select count(*) from events where position <= $1", position))
    finally:
        await connection.close()
