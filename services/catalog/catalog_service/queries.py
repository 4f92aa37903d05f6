"""Queries of the catalog: from read tables to answers, page by page."""

import datetime as dt
from typing import TypeVar

import asyncpg
import orjson
from pydantic import BaseModel, TypeAdapter

from catalog_service.answers import MallAnswer, Place, ServicePage, parsed
from catalog_service.hours import CLOSED, Calendar, DayOverridden, Week
from mpp.web.answer import Page, decode_cursor, encode_cursor

A = TypeVar("A", bound=BaseModel)
WEEK: TypeAdapter[Week] = TypeAdapter(Week)
MALL = "select code, slug, version, description from malls"


async def find(db: asyncpg.Connection, name: str) -> Place | None:
    """The mall of this slug or code."""
    found = await db.fetchrow(f"{MALL} where code = $1 or slug = $1 order by code limit 1", name)
    return Place.model_validate(dict(found)) if found else None


async def malls(db: asyncpg.Connection, cursor: str | None, limit: int) -> Page[MallAnswer]:
    """Malls by code."""
    (after,) = decode_cursor(cursor, str) or ("",)
    rows = await db.fetch(f"{MALL} where code > $1 order by code limit $2", after, limit + 1)
    items = [MallAnswer(**Place.model_validate(dict(row)).answer()) for row in rows[:limit]]
    return Page(items=items, next=encode_cursor(items[-1].code) if len(rows) > limit else None)


async def calendar(db: asyncpg.Connection, mall: str, first: dt.date, last: dt.date) -> Calendar:
    """What decides the hours of these days."""
    week = await db.fetchval("select week from weeks where mall = $1", mall)
    years = await db.fetch(
        "select year, days from holidays where mall = $1 and year between $2 and $3",
        mall,
        first.year,
        last.year,
    )
    days = await db.fetch(
        "select date, hours, reason from days where mall = $1 and date between $2 and $3", mall, first, last
    )
    holidays = {row["year"]: orjson.loads(row["days"]) for row in years}
    overrides = [DayOverridden(**{**row, "hours": parsed(row["hours"])}) for row in days]
    return Calendar(
        WEEK.validate_json(week) if week else CLOSED,
        {year: {dt.date.fromisoformat(day): name for day, name in d.items()} for year, d in holidays.items()},
        {override.date: override for override in overrides},
    )


AGENCIES = """select agency, title, generated,
    (select count(*) from services s where s.mall = t.mall and s.agency = t.agency) as services
    from tenants t where mall = $1 and agency > $2 order by agency limit $3"""
LINES = """select line, title, services, capacity, quotas, c.reason as closed,
    array(select id from counters d where d.mall = l.mall and l.line = any(d.lines) order by id) as counters
    from lines l left join closed_lines c using (mall, line)
    where mall = $1 and (length(line), line) > (length($2), $2) order by length(line), line limit $3"""
COUNTERS = """select id, title, agency, lines from counters
    where mall = $1 and (length(id), id) > (length($2), $2) order by length(id), id limit $3"""
STANDARD = """select st.mall, st.code, st.title, st.agency, st.version, st.content as standard, st.as_of,
    s.code is not null as offered,
    array(select v.version from standards v where (v.mall, v.code) = (st.mall, st.code)
        order by v.version) as versions
    from standards st left join services s on s.mall = st.mall and s.code = st.code
    where st.mall = $1 and st.code = $2 and st.version = coalesce($3, s.standard)"""


async def listed(
    db: asyncpg.Connection, sql: str, answer: type[A], key: str, mall: str, cursor: str | None, limit: int
) -> Page[A]:
    """One page of a list that is ordered by `key`, a text."""
    (after,) = decode_cursor(cursor, str) or ("",)
    rows = await db.fetch(sql, mall, after, limit + 1)
    items = [answer.model_validate(dict(row)) for row in rows[:limit]]
    return Page[A](items=items, next=encode_cursor(rows[limit - 1][key]) if len(rows) > limit else None)


async def service(db: asyncpg.Connection, mall: str, code: str, version: int | None) -> ServicePage | None:
    """A service under this version of its standard; without one, under that in force."""
    row = await db.fetchrow(STANDARD, mall, code, version)
    return ServicePage.model_validate(dict(row)) if row else None
