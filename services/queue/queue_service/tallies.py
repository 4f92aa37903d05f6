"""Tallies: what a day, a month and a year were like, counted in SQL from the events of halls.

A day that is over is counted once, beside the work of the day, and added to its month; a day that goes on is
counted when somebody asks. Times are kept as histograms, so that any span has its percentiles.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

import asyncpg
from sqlalchemy import Integer
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from mpp.eventsourcing.log import Reading

BINS = 34
RATIO, FIRST = 1.25, 0.5  # minutes: up to 0.5, 0.625, 0.78 …; the last is above 640
BOUNDS = (0.0, *(FIRST * RATIO**n for n in range(BINS - 1)))
LATEST = 10  # days that one question counts
COUNTS = ("issued", "booked", "called", "served", "missed", "cancelled", "lapsed", "within")
BY = ("all", "hour", "week", "service", "line", "channel", "counter", "officer")


class Kept(SQLModel, registry=registry()):
    """A table that is made from the log by and by, not in the transaction of each event."""


class Tally(Kept, table=True):
    """A day or a month of one mall, counted by hour, service, counter …; times as histograms."""

    __tablename__ = "tallies"
    mall: str = Field(primary_key=True)
    period: str = Field(primary_key=True, description="2026-11-23 or 2026-11")
    by: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    issued: int
    booked: int
    called: int
    served: int
    missed: int
    cancelled: int
    lapsed: int
    within: int = Field(description="called within the target")
    waits: list[int] = Field(sa_type=ARRAY(Integer))
    serves: list[int] = Field(sa_type=ARRAY(Integer))


class Tallied(Kept, table=True):
    """A day that was counted."""

    __tablename__ = "tallied"
    hall: str = Field(primary_key=True)


TABLES: tuple[type[SQLModel], ...] = (Tally, Tallied)

_BIN = f"width_bucket(%s, array[{', '.join(f'{bound:.6f}' for bound in BOUNDS[1:])}]::float8[])"
_WAITED, _SERVED = _BIN % "u.waited / 60", _BIN % "u.served / 60"
_BINS = (
    "array[" + ", ".join(f"coalesce(sum(n) filter (where bin = {n}), 0)" for n in range(BINS)) + "]::int[]"
)
_NONE = f"array_fill(0, array[{BINS}])"
_KEYS = """('all', ''), ('hour', to_char(%s at time zone d.zone, 'HH24')),
    ('week', to_char(%s at time zone d.zone, 'ID-HH24'))"""

COUNTED = f"""
    with days as materialized (select stream, mall, date, zone, target from halls where stream = any($1)),
    e as materialized (select stream, version, type, data, about from events where stream = any($1)),
    issued_ as materialized (
        select stream, data ->> 'ticket' as ticket, (data ->> 'at')::timestamptz as at,
            data ->> 'service' as service, data ->> 'line' as line, data ->> 'channel' as channel,
            data ->> 'booking' as booking
        from e where type = 'ticket-issued'),
    last as (
        select distinct on (stream, data ->> 'ticket') stream, data ->> 'ticket' as ticket, type from e
        where type in ('ticket-cancelled', 'ticket-lapsed', 'ticket-rejoined', 'ticket-missed',
            'ticket-completed')
        order by stream, data ->> 'ticket', version desc),
    issued as (
        select d.mall, d.date, k.by, k.key, count(*) as issued, count(t.booking) as booked,
            count(*) filter (where l.type = 'ticket-cancelled') as cancelled,
            count(*) filter (where l.type = 'ticket-lapsed') as lapsed
        from days d join issued_ t using (stream) left join last l using (stream, ticket)
        cross join lateral (values {_KEYS % ("t.at", "t.at")}, ('service', t.service), ('line', t.line),
            ('channel', t.channel)) k(by, key)
        group by 1, 2, 3, 4),
    begun as (
        select stream, data ->> 'ticket' as ticket, (data ->> 'turn')::int as turn, data ->> 'line' as line,
            data ->> 'service' as service, data ->> 'counter' as counter, about ->> 'actor' as officer,
            (data ->> 'at')::timestamptz as at, true as called, (data ->> 'waited')::float8 as waited
        from e where type = 'ticket-called'
        union all
        select stream, data ->> 'ticket', (data ->> 'turn')::int, data ->> 'line', data ->> 'quick',
            data ->> 'counter', about ->> 'actor', (data ->> 'at')::timestamptz, false, null
        from e where type = 'ticket-started' and data ->> 'quick' is not null
        union all
        select stream, data ->> 'ticket', (data ->> 'turn')::int + 1, data -> 'onward' ->> 'line',
            data -> 'onward' ->> 'service', data ->> 'counter', about ->> 'actor',
            (data ->> 'at')::timestamptz, false, null
        from e where type = 'ticket-served' and (data ->> 'sitting')::boolean),
    ended as (
        select stream, data ->> 'ticket' as ticket, (data ->> 'turn')::int as turn, type,
            (data ->> 'served')::float8 as served
        from e where type in ('ticket-completed', 'ticket-served', 'ticket-missed')),
    keyed as materialized (
        select d.mall, d.date, d.target, k.by, k.key, u.called, u.waited, x.served, x.type
        from days d join begun u using (stream) left join ended x using (stream, ticket, turn)
        join issued_ t using (stream, ticket)
        cross join lateral (values {_KEYS % ("u.at", "u.at")}, ('service', u.service), ('line', u.line),
            ('channel', t.channel), ('counter', u.counter), ('officer', u.officer)) k(by, key)
        where k.key is not null),
    turned as (
        select mall, date, by, key, count(*) filter (where called) as called,
            count(*) filter (where type in ('ticket-completed', 'ticket-served')) as served,
            count(*) filter (where type = 'ticket-missed') as missed,
            count(*) filter (where called and waited <= target * 60) as within
        from keyed group by 1, 2, 3, 4),
    waits as (select mall, date, by, key, {_BINS} as bins from (
        select mall, date, by, key, {_WAITED} as bin, count(*) as n from keyed u where called
        group by 1, 2, 3, 4, 5) w group by 1, 2, 3, 4),
    serves as (select mall, date, by, key, {_BINS} as bins from (
        select mall, date, by, key, {_SERVED} as bin, count(*) as n from keyed u
        where type in ('ticket-completed', 'ticket-served')
        group by 1, 2, 3, 4, 5) s group by 1, 2, 3, 4)
    select mall, date, by, key, coalesce(issued, 0) as issued, coalesce(booked, 0) as booked,
        coalesce(called, 0) as called, coalesce(served, 0) as served, coalesce(missed, 0) as missed,
        coalesce(cancelled, 0) as cancelled, coalesce(lapsed, 0) as lapsed, coalesce(within, 0) as within,
        coalesce(waits.bins, {_NONE}) as waits, coalesce(serves.bins, {_NONE}) as serves
    from issued full join turned using (mall, date, by, key) left join waits using (mall, date, by, key)
    left join serves using (mall, date, by, key)
"""
_NAMES = f"{', '.join(COUNTS)}, waits, serves"
_ADDED = """(select array_agg(x.a + x.b order by x.i)
    from unnest(tallies.{0}, excluded.{0}) with ordinality as x(a, b, i))"""
_MONTH = ", ".join(f"{name} = tallies.{name} + excluded.{name}" for name in COUNTS)
_INTO_MONTH = f"""
    insert into tallies (mall, period, by, key, {_NAMES})
    select mall, left(period, 7), by, key, {_NAMES} from tallies
    where (mall, period) = (select mall, date::text from halls where stream = $1)
    on conflict (mall, period, by, key) do update set {_MONTH},
        waits = {_ADDED.format("waits")}, serves = {_ADDED.format("serves")}
"""
_DAYS = f"""
    insert into tallies (mall, period, by, key, {_NAMES})
    select mall, date::text, by, key, {_NAMES} from ({COUNTED}) counted
    on conflict (mall, period, by, key) do nothing
"""


async def uncounted(db: Reading, limit: int) -> list[str]:
    """Days that are over and were not counted yet."""
    sql = """select h.stream from halls h left join tallied t on t.hall = h.stream
        where h.closed_at is not null and t.hall is null order by h.date, h.stream limit $1"""
    return [row["stream"] for row in await db.fetch(sql, limit)]


async def count_closed(connection: asyncpg.Connection, hall: str) -> None:
    """Count one day that is over, and add it to its month; once, however often it is asked."""
    async with connection.transaction():
        sql = "insert into tallied (hall) values ($1) on conflict do nothing returning hall"
        if await connection.fetchval(sql, hall) is None:
            return
        await connection.execute(_DAYS, [hall])
        await connection.execute(_INTO_MONTH, hall)


async def read(
    db: Reading, malls: Sequence[str] | None, begin: date, end: date, by: Iterable[str]
) -> list[dict[str, Any]]:
    """What was counted in this span: a row per mall, period and key; None: every mall."""
    sql = f"""select mall, period, by, key, {_NAMES} from tallies
        where ($1::text[] is null or mall = any($1)) and period = any($2) and by = any($3)"""
    return [dict(row) for row in await db.fetch(sql, malls, periods(begin, end), [*by])]


async def going_on(db: Reading, mall: str, begin: date, end: date, by: Iterable[str]) -> list[dict[str, Any]]:
    """The same of days that go on, or were not counted yet; of the latest such days when they are many."""
    sql = f"""select h.stream from halls h left join tallied t on t.hall = h.stream
        where h.mall = $1 and h.date between $2 and $3 and t.hall is null
        order by h.date desc limit {LATEST}"""
    halls = [row["stream"] for row in await db.fetch(sql, mall, begin, end)]
    wanted, counted = [*by], await db.fetch(COUNTED, halls) if halls else []
    return [{**row, "period": row["date"].isoformat()} for row in counted if row["by"] in wanted]


_GLANCE = f"""
    select h.mall, k.*, {_NONE} as waits, {_NONE} as serves
    from halls h left join tallied t on t.hall = h.stream
    cross join lateral (
        select count(*)::int as issued, 0 as booked, count(called_at)::int as called, 0 as within,
            (count(*) filter (where status = 'completed'))::int as served,
            (count(*) filter (where status = 'missed'))::int as missed,
            (count(*) filter (where status = 'cancelled'))::int as cancelled,
            (count(*) filter (where status = 'lapsed'))::int as lapsed
        from tickets where hall = h.stream) k
    where ($1::text[] is null or h.mall = any($1)) and h.date between $2 and $3 and t.hall is null
"""


async def at_a_glance(
    db: Reading, malls: Sequence[str] | None, begin: date, end: date
) -> list[dict[str, Any]]:
    """Of many malls at once: numbers of days that go on, without their times."""
    return [{**row, "by": "all", "key": ""} for row in await db.fetch(_GLANCE, malls, begin, end)]


async def daily(db: Reading, mall: str, begin: date, end: date) -> list[dict[str, Any]]:
    """One row per day that was counted."""
    sql = f"""select period, {_NAMES} from tallies
        where mall = $1 and by = 'all' and length(period) = 10 and period between $2 and $3 order by period"""
    return [dict(row) for row in await db.fetch(sql, mall, begin.isoformat(), end.isoformat())]


def periods(begin: date, end: date) -> list[str]:
    """Whole months as months, the rest as days."""
    found, day = [], begin
    while day <= end:
        after = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        if day.day == 1 and after - timedelta(days=1) <= end:
            found.append(f"{day:%Y-%m}")
            day = after
        else:
            found.append(day.isoformat())
            day += timedelta(days=1)
    return found


def summed(rows: Iterable[Mapping[str, Any]], *names: str) -> dict[tuple[str, ...], dict[str, Any]]:
    """The rows of the same `names` as one: numbers added, bin by bin."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in names)
        known = found.get(key)
        if known is None:
            found[key] = {name: row[name] for name in (*COUNTS, "waits", "serves")}
            continue
        for name in COUNTS:
            known[name] += row[name]
        for name in ("waits", "serves"):
            known[name] = [a + b for a, b in zip(known[name], row[name], strict=True)]
    return found


def percentile(bins: Sequence[int], share: float) -> float | None:
    """Minutes, within the bin by proportion; None without anybody. Off by at most a quarter."""
    total = sum(bins)
    if not total:
        return None
    wanted, before = share * total, 0
    for n, reached in enumerate(accumulate(bins)):
        if reached >= wanted and bins[n]:
            low = BOUNDS[n]
            high = BOUNDS[n + 1] if n + 1 < BINS else low * RATIO
            return round(low + (high - low) * (wanted - before) / bins[n], 1)
        before = reached
    return None
