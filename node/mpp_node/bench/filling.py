"""Logs filled fast: a day lived by the rules, copies of it by the hundred, halls in which many wait."""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from mpp.eventsourcing.handler import Handler, Step
from mpp.eventsourcing.ids import new_id
from mpp.eventsourcing.log import Log, connect
from mpp.eventsourcing.rebuild import rebuild
from mpp_node.bench.malls import LINES, ZONE, counters_of, opening, service_of
from queue_service import command as c
from queue_service import views
from queue_service.hall import stream_of
from queue_service.handling import handle
from queue_service.plan import Plan
from queue_service.reactions import react

MODEL, MODEL_DAY = "0000", date(2020, 1, 2)  # words that nothing else in an event looks like
VISITS = 500  # in a day: 2,002 events
UNIT = 500  # commands in one transaction
AT_ONCE = 50  # days copied by one statement

# In the text of an event its mall begins a string, its day every moment, and its tickets end in zeros.
_COPY = f"""
    insert into events (id, stream, version, type, data, about, recorded_at)
    select gen_random_uuid(), 'hall-' || copy.mall || '-' || copy.day, e.version, e.type,
           replace(replace(replace(e.data::text, '-000000000000"', copy.tail), '{MODEL_DAY}', copy.day),
                   '"{MODEL}', '"' || copy.mall)::jsonb,
           e.about, now() - make_interval(days => 400 - copy.n / 20)
    from (select n, '97' || lpad((n % 20)::text, 2, '0') as mall, (date '2020-01-03' + n / 20)::text as day,
                 '-' || lpad(to_hex(n), 12, '0') || '"' as tail
          from generate_series($1::int, $2::int) n) copy
    cross join (select version, type, data, about from events where stream = $3 offset 0) e
    order by copy.n, e.version
"""


@asynccontextmanager
async def writing(dsn: str) -> AsyncIterator[Handler]:
    """The queue's own way to write, into this database."""
    log = Log(dsn, "queue", "bench")
    handle.start(log)
    try:
        yield handle
    finally:
        await handle.stop()
        await log.close()


async def fill(dsn: str, events: int) -> None:
    """At least so many events of days that are over, in malls that nobody speaks of; and the views of all.

    Nobody else may be writing. What was in the log, too, counts as recorded long ago: no relay tells of it.
    """
    async with writing(dsn) as write:
        await _give(write, stream_of(MODEL, MODEL_DAY), _a_day())
    connection = await connect(dsn, "queue", "bench", statement_timeout="0")
    try:
        stream = stream_of(MODEL, MODEL_DAY)
        each = await connection.fetchval("select count(*) from events where stream = $1", stream)
        await connection.execute("update events set recorded_at = now() - interval '401 days'")
        copies = -(-events // each)
        for first in range(1, copies + 1, AT_ONCE):
            await connection.execute(_COPY, first, min(first + AT_ONCE - 1, copies), stream)
        await connection.execute("analyze events")
    finally:
        await connection.close()
    await rebuild(dsn, "queue", views.TABLES, handle.decode, handle.project)


async def gather(dsn: str, mall: str, day: date, lines: Iterable[str]) -> list[UUID]:
    """A ticket for each of these lines of a mall, none of them called."""
    connection: asyncpg.Connection = await connect(dsn, "queue", "bench")
    try:
        plan = Plan.of(mall, day, await views.facts_of(connection, mall))
    finally:
        await connection.close()
    at = datetime.combine(day, time(9), ZoneInfo(ZONE))
    issued = [c.IssueTicket(at, new_id(), service_of(line), "kiosk") for line in lines]
    async with writing(dsn) as write:
        await _give(write, stream_of(mall, day), [c.OpenHall(at, plan), *issued])
    return [command.ticket for command in issued]


async def _give(write: Handler, stream: str, commands: Iterable[c.At]) -> None:
    steps = [Step(stream, command) for command in commands]
    for start in range(0, len(steps), UNIT):
        await write.all(steps[start : start + UNIT])


def _a_day() -> Iterator[c.At]:
    """Everybody takes a ticket, is called, is served and goes; then the hall closes."""
    heard = [step.command for event in opening(MODEL) for step in react(event)]
    plan = Plan.of(MODEL, MODEL_DAY, {(fact.kind, fact.key): fact.fact for fact in heard})
    at = datetime.combine(MODEL_DAY, time(8), ZoneInfo(ZONE))
    counters = counters_of(MODEL)
    yield c.OpenHall(at, plan)
    for n in range(VISITS):
        ticket, at = UUID(f"0198c0de-{n:04x}-7000-8000-000000000000"), at + timedelta(minutes=1)
        yield c.IssueTicket(at, ticket, service_of(LINES[n % len(LINES)]), "kiosk")
        yield c.CallNext(at + timedelta(seconds=10), counters[n % len(counters)])
        yield c.Start(at + timedelta(seconds=20), ticket)
        yield c.Complete(at + timedelta(seconds=50), ticket)
    yield c.CloseHall(at + timedelta(minutes=1))
