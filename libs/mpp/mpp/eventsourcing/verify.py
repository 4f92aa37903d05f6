"""What must be true of a log and of everything made from it."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import asyncpg
from sqlmodel import SQLModel

from mpp.eventsourcing.decider import Event
from mpp.eventsourcing.log import Recorded, Row, connect
from mpp.eventsourcing.rebuild import COLUMNS, project_all
from mpp.eventsourcing.views import Project

Invariants = Callable[[str, Sequence[Recorded]], list[str]]  # one stream, whole → what is wrong with it


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: how much of it there was, and what was wrong."""

    name: str
    looked_at: int
    violations: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.violations


async def snapshot(dsn: str, schema: str) -> asyncpg.Connection:
    """A connection that sees one moment of the log and its views, and holds up nobody."""
    connection = await connect(
        dsn, schema, "verify", statement_timeout="0", idle_in_transaction_session_timeout="0"
    )
    await connection.execute("begin isolation level repeatable read")
    return connection


async def contiguous(connection: asyncpg.Connection) -> Check:
    """Each stream's versions are 1, 2, 3 … in the order of their positions."""
    sql = """select stream, count(*) as events, min(version) as first, max(version) as last,
               bool_and(in_order) as in_order
        from (select stream, version, coalesce(version > lag(version)
                over (partition by stream order by position), true) as in_order from events) e
        group by stream"""
    streams = await connection.fetch(sql)
    wrong = [
        f"{s['stream']}: {s['events']} events from {s['first']} to {s['last']}"
        for s in streams
        if s["first"] != 1 or s["last"] != s["events"] or not s["in_order"]
    ]
    return Check("versions contiguous", len(streams), tuple(wrong))


async def invariants(
    connection: asyncpg.Connection, decode: Callable[[Row], Event], check: Invariants
) -> Check:
    """The service's own promises, stream by stream: no more than one is in memory."""
    streams, wrong = 0, list[str]()
    async for stream, events in _streams(connection, decode):
        streams += 1
        wrong += [f"{stream}: {broken}" for broken in check(stream, events)]
    return Check("promises of the streams", streams, tuple(wrong))


async def views_are_fold(
    connection: asyncpg.Connection,
    schema: str,
    tables: Sequence[type[SQLModel]],
    decode: Callable[[Row], Event],
    project: Project,
) -> Check:
    """The views equal what the log folds to: temporary tables of the same names come before the real."""
    for table in tables:
        name = table.__tablename__
        await connection.execute(f"create temp table {name} (like {schema}.{name} including all)")
    async for _ in project_all(connection, decode, project):
        pass
    rows, wrong = 0, []
    for table in tables:
        name = table.__tablename__
        rows += await connection.fetchval(f"select count(*) from {schema}.{name}")
        for ours, theirs, what in (("pg_temp", schema, "missing"), (schema, "pg_temp", "not in the log")):
            sql = f"select count(*) from (select * from {ours}.{name} except select * from {theirs}.{name}) d"
            if count := await connection.fetchval(sql):
                wrong.append(f"{name}: {count} rows {what}")
    return Check("views = fold of the log", rows, tuple(wrong))


async def _streams(
    connection: asyncpg.Connection, decode: Callable[[Row], Event]
) -> AsyncIterator[tuple[str, list[Recorded]]]:
    """Every stream with its events, one after the other."""
    events: list[Recorded] = []
    sql = f"select {COLUMNS} from events order by stream, version"
    async for record in connection.cursor(sql, prefetch=5000):
        row = Row(*record)
        if events and events[0].stream != row.stream:
            yield events[0].stream, events
            events = []
        events.append(row.recorded(decode(row)))
    if events:
        yield events[0].stream, events
