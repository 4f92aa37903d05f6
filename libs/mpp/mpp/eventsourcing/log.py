"""The append-only log of one service: one lock, one order."""

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from importlib.resources import files
from typing import Any, Protocol
from uuid import UUID

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from mpp.eventsourcing.rows import (
    About,
    Commands,
    Key,
    New,
    Recorded,
    Remembered,
    Row,
    Rows,
    Span,
)

__all__ = [
    "SCHEMA_SQL",
    "About",
    "Commands",
    "CommitUnknown",
    "Key",
    "Log",
    "LogLostFacts",
    "New",
    "Reading",
    "Recorded",
    "Remembered",
    "Row",
    "Rows",
    "Span",
    "Unavailable",
    "Writing",
    "connect",
    "lost",
    "rows_since",
]

SCHEMA_SQL = files(__package__).joinpath("log.sql").read_text()
_LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # told to go between two statements, asyncpg loses its place
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
    asyncpg.ReadOnlySQLTransactionError,  # connected to a standby
)


def lost(failure: BaseException) -> bool:
    """Whether the server can't be worked with now (bad data is an InterfaceError too, and is not meant)."""
    if isinstance(failure, BaseExceptionGroup):
        return all(map(lost, failure.exceptions))
    return isinstance(failure, _LOST) and not isinstance(failure, ValueError)


class Unavailable(Exception):
    """The log cannot be reached now; ask again with the same key."""


class CommitUnknown(Exception):
    """The connection was lost while the commit was under way."""


class LogLostFacts(Exception):
    """An event that was seen in the log is no longer in it: a restore or a lagging standby took it away."""


class Reading(Protocol):
    """Whatever can be asked: a connection, or a pool of them."""

    def fetch(self, query: str, /, *args: Any) -> Awaitable[list[Any]]: ...
    def fetchval(self, query: str, /, *args: Any) -> Awaitable[Any]: ...


class Writing(Protocol):
    """A transaction that holds the lock of the log.

    look: per stream its events from a version on, that one included; and what these keys were used for.
    witness: the commit waits for the disk, and in a cluster for the second machine, although it writes
    nothing: what was found may have been there alone until now.
    """

    @property
    def connection(self) -> Any: ...
    async def look(self, known: Mapping[str, int], keys: Sequence[Key]) -> tuple[Rows, Commands]: ...
    async def spans(self, spans: Sequence[Span]) -> list[list[Row]]: ...
    async def append(self, events: Sequence[New], commands: Commands) -> list[Recorded]: ...
    async def witness(self) -> None: ...


_COLUMNS = "position, id, stream, version, type, data, about, recorded_at"
# The lock comes first and alone: a snapshot taken before it would miss what the last holder committed.
_BEGIN = "begin; select pg_advisory_xact_lock(hashtextextended('log:' || current_schema(), 0))"
# `offset 0` keeps the index scan per stream; a plain join turns into a sequential scan on few long streams.
_SINCE = f"""select e.* from unnest($1::text[], $2::int[]) as known(stream, version)
    cross join lateral (select {_COLUMNS} from events where events.stream = known.stream
                        and events.version >= known.version order by events.version offset 0) e"""
_LOOK = f"""{_SINCE.replace("e.*", "e.*, null::bytea, null::bytea, null::int")}
    union all
    select null, c.actor, c.stream, c.version, null, null, null, null, c.key, c.request, c.events
    from unnest($3::uuid[], $4::bytea[]) as asked(actor, key)
    cross join lateral (select * from commands
                        where commands.actor = asked.actor and commands.key = asked.key offset 0) c
    order by version"""
_SPANS = f"""select asked.place, e.* from unnest($1::text[], $2::int[], $3::int[])
        with ordinality as asked(stream, first, last, place)
    cross join lateral (select {_COLUMNS} from events where events.stream = asked.stream
                        and events.version between asked.first and asked.last
                        order by events.version offset 0) e"""
_APPEND = """with remembered as (
        insert into commands (actor, key, request, stream, version, events)
        select * from unnest($7::uuid[], $8::bytea[], $9::bytea[], $10::text[], $11::int[], $12::int[]))
    insert into events (id, stream, version, type, data, about)
    select id, stream, version, type, data, about
    from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::jsonb[], $6::jsonb[])
        with ordinality as new(id, stream, version, type, data, about, place) order by place
    returning position, recorded_at"""


async def rows_since(connection: Reading, known: Mapping[str, int]) -> Rows:
    """Per stream its events from the given version on, that version included."""
    found: Rows = {stream: [] for stream in known}
    for record in await connection.fetch(_SINCE, list(known), list(known.values())):
        found[record["stream"]].append(Row(*record))
    return found


class PostgresWriting:
    """A transaction on PostgreSQL that holds the lock of the log."""

    def __init__(self, connection: asyncpg.Connection):
        self.connection = connection

    async def look(self, known: Mapping[str, int], keys: Sequence[Key]) -> tuple[Rows, Commands]:
        asked = [list(known), list(known.values()), [key[0] for key in keys], [key[1] for key in keys]]
        rows: Rows = {stream: [] for stream in known}
        commands: Commands = {}
        for record in await self.connection.fetch(_LOOK, *asked):
            *columns, key, request, events = record
            if key is None:
                rows[record["stream"]].append(Row(*columns))
            else:
                used = Remembered(request, record["stream"], record["version"], events)
                commands[record["id"], key] = used
        return rows, commands

    async def spans(self, spans: Sequence[Span]) -> list[list[Row]]:
        """The events of each, in their order."""
        found: list[list[Row]] = [[] for _ in spans]
        for place, *columns in await self.connection.fetch(_SPANS, *map(list, zip(*spans, strict=True))):
            found[place - 1].append(Row(*columns))
        return found

    async def witness(self) -> None:
        await self.connection.execute("select pg_logical_emit_message(true, 'mpp', ''::text)")

    async def append(self, events: Sequence[New], commands: Commands) -> list[Recorded]:
        places = await self.connection.fetch(
            _APPEND,
            [e.id for e in events],
            [e.stream for e in events],
            [e.version for e in events],
            [e.event.type for e in events],
            [e.event.model_dump_json() for e in events],
            [e.about for e in events],
            [actor for actor, _ in commands],
            [key for _, key in commands],
            [used.request for used in commands.values()],
            [used.stream for used in commands.values()],
            [used.version for used in commands.values()],
            [used.events for used in commands.values()],
        )
        return [
            Recorded(place["position"], e.id, e.stream, e.version, e.event, place["recorded_at"], e.about)
            for e, place in zip(events, places, strict=True)
        ]


class Log:
    """The log as its writers and readers reach it: one connection of its own, made anew when lost.

    A server that says nothing for `patience` seconds counts as lost.
    """

    def __init__(self, dsn: str, schema: str, name: str = "log", patience: float = 20):
        self._dsn, self._schema, self._name, self._patience = dsn, schema, name, patience
        self._connection: asyncpg.Connection | None = None

    async def connection(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            try:
                self._connection = await connect(
                    self._dsn, self._schema, self._name, patience=self._patience, primary=True
                )
            except _LOST as failure:
                raise Unavailable("the database does not answer") from failure
        return self._connection

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Writing]:
        """Lock, run the body, commit; Unavailable, or CommitUnknown when the commit's reply is lost."""
        connection = await self.connection()
        try:
            await connection.execute(_BEGIN)
            yield PostgresWriting(connection)
        except BaseException as failure:
            await self._give_up(connection, failure)
            raise
        try:
            ended = await connection.execute("commit")
        except _LOST as failure:
            await self.close()
            raise CommitUnknown from failure
        if ended != "COMMIT":  # the body swallowed a failed statement
            raise RuntimeError("the transaction had failed and was rolled back")

    async def _give_up(self, connection: asyncpg.Connection, failure: BaseException) -> None:
        if lost(failure) or connection.is_closed() or not isinstance(failure, Exception):
            await self.close()
        else:
            try:
                await connection.execute("rollback")
            except _LOST:
                await self.close()
        if lost(failure) or isinstance(failure, asyncpg.LockNotAvailableError):
            raise Unavailable("the database went away") from failure

    async def read_after(self, position: int, id: UUID | None, limit: int) -> list[Row]:  # noqa: A002
        """The next events after `position`; LogLostFacts when event `id` is no longer there."""
        sql = f"select {_COLUMNS} from events where position >= $1 order by position limit $2"
        if id is None:
            return [Row(*record) for record in await self._fetch(sql, position + 1, limit)]
        rows = [Row(*record) for record in await self._fetch(sql, position, limit + 1)]
        if not rows or rows[0].id != id:
            raise LogLostFacts(f"event {id} at position {position} is gone")
        return rows[1:]

    async def first_since(self, moment: datetime) -> int:
        """The position before the first event recorded at or after `moment`."""
        sql = """select coalesce(min(position) - 1, (select coalesce(max(position), 0) from events))
            from events where recorded_at >= $1"""
        return int((await self._fetch(sql, moment))[0][0])

    async def _fetch(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        connection = await self.connection()
        try:
            return list(await connection.fetch(sql, *values))
        except _LOST as failure:
            await self.close()
            raise Unavailable("the database went away") from failure


async def connect(
    dsn: str,
    schema: str,
    name: str,
    patience: float | None = None,
    *,
    primary: bool = False,
    **settings: str,
) -> asyncpg.Connection:
    """A connection whose tables are the service's own, and that never holds a lock for long.

    patience: seconds after which a server that says nothing counts as lost. primary: a standby is refused:
    it may not know yet what the primary committed last.
    """
    limits = {"idle_in_transaction_session_timeout": "10s", "lock_timeout": "5s", "statement_timeout": "60s"}
    server = {
        "search_path": f"{schema}, public",
        "application_name": f"{schema}-{name}",
        **limits,
        **settings,
    }
    return await asyncpg.connect(
        dsn,
        server_settings=server,
        timeout=3,
        command_timeout=patience,
        target_session_attrs=SessionAttribute.primary if primary else None,
    )
