"""Tallies: what a day, a month and a year were like, counted in SQL from the tickets and their turns.

A day is counted when it is closed, in the same transaction, and added to its month; a day that goes on is
counted when somebody asks. Times are kept as histograms, so that any span has its percentiles.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

import asyncpg

from mpp.eventsourcing.log import Reading

BINS = 34
RATIO, FIRST = 1.25, 0.5  # minutes: up to 0.5, 0.625, 0.78 …; the last is above 640
BOUNDS = (0.0, *(FIRST * RATIO**n for n in range(BINS - 1)))
COUNTS = ("issued", "booked", "called", "served", "missed", "cancelled", "lapsed", "within")
BY = ("all", "hour", "week", "service", "line", "channel", "counter", "officer")

_BIN = f"width_bucket(%s, array[{', '.join(f'{bound:.6f}' for bound in BOUNDS[1:])}]::float8[])"
_WAITED, _SERVED = _BIN % "u.waited_seconds / 60", _BIN % "u.served_seconds / 60"
_BINS = (
    "array[" + ", ".join(f"coalesce(sum(n) filter (where bin = {n}), 0)" for n in range(BINS)) + "]::int[]"
)
_NONE = f"array_fill(0, array[{BINS}])"

COUNTED = f"""
    with days as materialized (select stream, mall, date, zone, target from halls where stream = any($1)),
    issued as (
        select d.mall, d.date, k.by, k.key, count(*) as issued,
            count(*) filter (where t.booking is not null) as booked,
            count(*) filter (where t.status = 'cancelled') as cancelled,
            count(*) filter (where t.status = 'lapsed') as lapsed
        from days d join tickets t on t.hall = d.stream
        cross join lateral (values ('all', ''), ('hour', to_char(t.issued_at at time zone d.zone, 'HH24')),
            ('week', to_char(t.issued_at at time zone d.zone, 'ID-HH24')), ('service', t.asked),
            ('line', t.first_line), ('channel', t.channel)) k(by, key)
        group by 1, 2, 3, 4),
    keyed as materialized (
        select d.mall, d.date, d.target, k.by, k.key, u.called_at, u.outcome, u.waited_seconds,
            u.served_seconds
        from days d join turns u on u.hall = d.stream join tickets t on t.hall = u.hall and t.id = u.ticket
        cross join lateral (values ('all', ''),
            ('hour', to_char(coalesce(u.called_at, u.started_at) at time zone d.zone, 'HH24')),
            ('week', to_char(coalesce(u.called_at, u.started_at) at time zone d.zone, 'ID-HH24')),
            ('service', u.service), ('line', u.line), ('channel', t.channel), ('counter', u.counter),
            ('officer', u.officer::text)) k(by, key)
        where k.key is not null),
    turned as (
        select mall, date, by, key, count(*) filter (where called_at is not null) as called,
            count(*) filter (where outcome = 'served') as served,
            count(*) filter (where outcome = 'missed') as missed,
            count(*) filter (where called_at is not null and waited_seconds <= target * 60) as within
        from keyed group by 1, 2, 3, 4),
    waits as (select mall, date, by, key, {_BINS} as bins from (
        select mall, date, by, key, {_WAITED} as bin, count(*) as n from keyed u where called_at is not null
        group by 1, 2, 3, 4, 5) w group by 1, 2, 3, 4),
    serves as (select mall, date, by, key, {_BINS} as bins from (
        select mall, date, by, key, {_SERVED} as bin, count(*) as n from keyed u where outcome = 'served'
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
    where mall = $1 and period = $2
    on conflict (mall, period, by, key) do update set {_MONTH},
        waits = {_ADDED.format("waits")}, serves = {_ADDED.format("serves")}
"""
_DAYS = f"""
    insert into tallies (mall, period, by, key, {_NAMES})
    select mall, date::text, by, key, {_NAMES} from ({COUNTED}) counted
    on conflict (mall, period, by, key) do nothing
"""


async def count_closed(tx: asyncpg.Connection, halls: Sequence[str]) -> None:
    """These days are over: count them, and add them to their months."""
    for hall in halls:
        row = await tx.fetchrow("select mall, date::text as day from halls where stream = $1", hall)
        if row is None:
            continue
        await tx.execute(_DAYS, [hall])
        await tx.execute(_INTO_MONTH, row["mall"], row["day"])


async def read(
    db: Reading, malls: Sequence[str] | None, begin: date, end: date, by: Iterable[str]
) -> list[dict[str, Any]]:
    """The tallies of this span, days that go on included: a row per mall, period and key; None: all."""
    wanted = [*by]
    sql = f"""select mall, period, by, key, {_NAMES} from tallies
        where ($1::text[] is null or mall = any($1)) and period = any($2) and by = any($3)"""
    rows = [dict(row) for row in await db.fetch(sql, malls, periods(begin, end), wanted)]
    sql = """select stream from halls where ($1::text[] is null or mall = any($1)) and date between $2 and $3
        and closed_at is null"""
    if going := [row["stream"] for row in await db.fetch(sql, malls, begin, end)]:
        counted = await db.fetch(COUNTED, going)
        rows += [{**row, "period": row["date"].isoformat()} for row in counted if row["by"] in wanted]
    return rows


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
