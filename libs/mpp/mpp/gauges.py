"""Gauges read from tables: what waits, what is late, and how far each part of a service has come."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Protocol

import asyncpg
import structlog
from prometheus_client import Counter, Gauge

from mpp.eventsourcing.log import Reading, connect, lost

log = structlog.get_logger()
EVERY_SECONDS = 10.0
QUERY_SECONDS = 3  # the most that one query may take
ANSWER_SECONDS = 8.0  # a server that has not answered all of them by then does not answer
DATABASE = Gauge("database_up", "1 while the service's database answers", ["service"])
NATS = Gauge("nats_up", "1 while the service is connected to NATS", ["service"])
MEASURED = Gauge("measured_timestamp_seconds", "When all gauges from tables were read last", ["service"])


class Measure(Protocol):
    """Something told by the tables of a service; what can't be read is forgotten, never kept."""

    async def read(self, db: Reading, service: str) -> None: ...
    def forget(self, service: str) -> None: ...


class Gauges:
    """What one query tells now: each row sets the gauges named by its columns, under its labels.

    A row that is gone takes its gauges with it. Every replica reads the same, so a page shows the `max`.
    every: seconds between two readings, where the query reads much.
    """

    def __init__(self, sql: str, labels: Sequence[str] = (), every: float = 0, **says: str) -> None:
        self._sql, self._labels, self._every = sql, labels, every
        self._next: dict[str, float] = {}
        self._gauges = {name: Gauge(name, help, ["service", *labels]) for name, help in says.items()}  # noqa: A001
        self._shown: dict[str, dict[tuple[str, ...], list[Gauge]]] = {}

    async def read(self, db: Reading, service: str) -> None:
        if self._next.get(service, 0) > monotonic():
            return
        rows = await db.fetch(self._sql)
        self._next[service] = monotonic() + self._every
        shown, found = self._shown.setdefault(service, {}), set()
        for row in rows:
            key = tuple(str(row[label]) for label in self._labels)
            found.add(key)
            series = shown.get(key)
            if series is None:  # looking a series up costs more than setting it
                series = shown[key] = [gauge.labels(service, *key) for gauge in self._gauges.values()]
            for name, gauge in zip(self._gauges, series, strict=True):
                gauge.set(row[name])
        self._keep(service, found)

    def forget(self, service: str) -> None:
        self._next.pop(service, None)
        self._keep(service, set())

    def _keep(self, service: str, found: set[tuple[str, ...]]) -> None:
        shown = self._shown.get(service, {})
        for gone in shown.keys() - found:
            del shown[gone]
            for gauge in self._gauges.values():
                gauge.remove(service, *gone)


class Tally:
    """Events counted from the log since the process began, each label an expression over `events`.

    Every replica counts all of them: a page shows the `max` of their rates. Nothing is counted on the way
    of a command.
    """

    def __init__(self, name: str, says: str, where: str = "true", **labels: str) -> None:
        self._labels = [*labels]
        self._counter = Counter(name, says, ["service", *labels])
        columns = "".join(f"{sql} as {label}, " for label, sql in labels.items())
        grouped = ", ".join(str(place) for place in range(1, len(labels) + 1)) or "()"
        self._sql = f"""select {columns} count(*) as events from events
            where position > $1 and position <= $2 and {where} group by {grouped}"""
        self._counted: dict[str, int] = {}

    async def read(self, db: Reading, service: str) -> None:
        last = await db.fetchval("select coalesce(max(position), 0) from events")
        counted = self._counted.setdefault(service, last)
        if last > counted:
            for row in await db.fetch(self._sql, counted, last):
                key = (str(row[label]) for label in self._labels)
                self._counter.labels(service, *key).inc(row["events"])
        self._counted[service] = last

    def forget(self, service: str) -> None:
        """A count stays true while nobody can look."""


# Of every service: how far its log and its inboxes have come, and what waits for a human.
VITALS: tuple[Measure, ...] = (
    Gauges(
        "select coalesce(max(position), 0) as log_position from events",
        log_position="Position of the last event in the log",
    ),
    Gauges(
        """select source, position as inbox_position, (select count(distinct key) from parked
            where parked.source = inbox.source) as inbox_parked_keys from inbox""",
        ["source"],
        inbox_position="Position of the last message handled",
        inbox_parked_keys="Keys whose messages wait for a human",
    ),
    Tally("log_events_total", "Events appended to the log", type="type"),
)


async def follow(
    service: str, dsn: str, schema: str, connected: Callable[[], bool], measures: Sequence[Measure]
) -> None:
    """Read the vital signs and these every few seconds, without end."""
    while True:
        NATS.labels(service).set(connected())
        await look(service, dsn, schema, [*VITALS, *measures])
        await asyncio.sleep(EVERY_SECONDS)


async def look(service: str, dsn: str, schema: str, measures: Sequence[Measure]) -> None:
    """Read these now, over a connection of its own: a frozen server must not hold those of readers."""
    whole, most = False, f"{QUERY_SECONDS}s"
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            connection = await connect(dsn, schema, "gauges", statement_timeout=most)
            try:
                whole = await _read(service, connection, measures)
            finally:
                connection.terminate()
        DATABASE.labels(service).set(1)
    except Exception as failure:
        if not lost(failure):
            raise
        DATABASE.labels(service).set(0)
        for measure in measures:
            measure.forget(service)
    if whole:
        MEASURED.labels(service).set_to_current_time()


async def _read(service: str, connection: Reading, measures: Sequence[Measure]) -> bool:
    """Whether all could be read; one that fails does not hide the others."""
    whole = True
    for measure in measures:
        try:
            await measure.read(connection, service)
        except Exception as failure:
            if lost(failure) and not isinstance(failure, asyncpg.QueryCanceledError):  # it only took too long
                raise
            whole = False
            measure.forget(service)
            log.exception("not measured", service=service)
    return whole
