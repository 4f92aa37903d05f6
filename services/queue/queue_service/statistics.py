"""HTTP for those who count: what one mall's queue was like, and all malls beside each other."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date as Date
from datetime import timedelta
from io import StringIO
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from mpp.eventsourcing.decider import Invalid
from mpp.web.answer import json_response
from mpp.web.auth import Who
from mpp.web.openapi import problems
from mpp.web.request import Now
from queue_service import tallies
from queue_service.api import Id
from queue_service.desk import AtDesk, Desk, Mall, UnknownMall

router = APIRouter()
LED = ("supervisor", "mall-admin", "national-admin", "analyst")
NATION = ("national-admin", "analyst")
LONGEST = timedelta(days=1100)
By = Literal["hour", "service", "line", "channel", "counter", "officer"]
GROUPS: tuple[By, ...] = ("hour", "service", "line", "channel", "counter", "officer")
Slug = Annotated[Id, Path(description="code or slug")]
From = Annotated[Date | None, Query(alias="from", description="the first day; today when not given")]
To = Annotated[Date | None, Query(alias="to", description="the last day; today when not given")]


class Counted(BaseModel):
    """Numbers of tickets and calls; minutes, off by at most a quarter where they come from a histogram."""

    issued: int
    booked: int = Field(description="issued to people who had booked")
    called: int
    served: int = Field(description="services done: a visit may have several")
    missed: int
    cancelled: int
    lapsed: int
    within_target: float | None = Field(description="share of calls within the mall's target")
    wait_p50: float | None
    wait_p90: float | None
    serve_p50: float | None
    serve_p90: float | None


class Keyed(Counted):
    key: str = Field(
        description="hour 00–23, a service's code, a line, a channel, a counter, or our id of one"
    )


class Heat(BaseModel):
    weekday: int = Field(description="1: Monday")
    hour: int
    issued: int
    wait_p50: float | None


class OfDay(Counted):
    date: Date


class OfMall(Counted):
    mall: str
    title: str


class StatisticsOut(BaseModel):
    mall: str
    begin: Date
    end: Date
    total: Counted
    by: dict[By, list[Keyed]]
    heat: list[Heat]
    days: list[OfDay] = Field(description="days that are over")


class NationOut(BaseModel):
    begin: Date
    end: Date
    total: Counted
    malls: list[OfMall]


async def _span(
    desk: Desk, slug: str, now: Now, begin: Date | None, end: Date | None
) -> tuple[Mall, Date, Date]:
    mall = await desk.mall(slug)
    today = mall.day(now)
    return mall, *_checked(begin or end or today, end or today)


async def _rows(desk: Desk, mall: Mall, begin: Date, end: Date, by: Sequence[str]) -> list[dict[str, Any]]:
    counted = await tallies.read(desk.reader, [mall.code], begin, end, by)
    return counted + await tallies.going_on(desk.reader, mall.code, begin, end, by)


def _checked(begin: Date, end: Date) -> tuple[Date, Date]:
    if end < begin or end - begin > LONGEST:
        raise Invalid("`from` is not after `to`, and not more than three years before it")
    return begin, end


@router.get(
    "/malls/{slug}/statistics", response_model=StatisticsOut, responses=problems(UnknownMall, Invalid)
)
async def statistics(
    slug: Slug, desk: AtDesk, who: Who, now: Now, begin: From = None, end: To = None
) -> Response:
    """What the queue was like: in all, by hour, service, line, channel, counter, officer; and a heat map."""
    mall, begin, end = await _span(desk, slug, now, begin, end)
    who.require(*LED, mall=mall.code)
    rows = await _rows(desk, mall, begin, end, tallies.BY)
    found = tallies.summed(rows, "by", "key")
    days = await tallies.daily(desk.reader, mall.code, begin, end)
    told = {
        "mall": mall.code,
        "begin": begin.isoformat(),
        "end": end.isoformat(),
        "total": counted(found.get(("all", ""), NOTHING)),
        "by": {by: _keyed(found, by) for by in GROUPS},
        "heat": _heat(found),
        "days": [{"date": day["period"], **counted(day)} for day in days],
    }
    return json_response(told)


@router.get("/malls/{slug}/statistics.csv", response_class=Response, responses=problems(UnknownMall, Invalid))
async def statistics_csv(
    slug: Slug, by: By | Literal["day"], desk: AtDesk, who: Who, now: Now, begin: From = None, end: To = None
) -> Response:
    """One table of the statistics, for a spreadsheet."""
    mall, begin, end = await _span(desk, slug, now, begin, end)
    who.require(*LED, mall=mall.code)
    if by == "day":
        days = await tallies.daily(desk.reader, mall.code, begin, end)
        rows = [{"key": day["period"], **counted(day)} for day in days]
    else:
        found = tallies.summed(await _rows(desk, mall, begin, end, [by]), "by", "key")
        rows = _keyed(found, by)
    return _csv(rows, by, f"{mall.slug}-{begin}-{end}-{by}.csv")


@router.get("/statistics", response_model=NationOut, responses=problems(Invalid))
async def nation(desk: AtDesk, who: Who, now: Now, begin: From = None, end: To = None) -> Response:
    """All malls beside each other; of days that go on the numbers, without times and service level."""
    who.require(*NATION)
    today = now.date()
    begin, end = _checked(begin or end or today, end or today)
    malls = None if who.malls is None else sorted(who.malls)
    rows = await tallies.read(desk.reader, malls, begin, end, ["all"])
    rows += await tallies.at_a_glance(desk.reader, malls, begin, end)
    found = tallies.summed(rows, "mall")
    told = []
    for (code,), row in sorted(found.items()):
        told.append({"mall": code, "title": (await desk.mall(code)).title, **counted(row)})
    every = tallies.summed(rows, "by").get(("all",), NOTHING)
    return json_response(
        {"begin": begin.isoformat(), "end": end.isoformat(), "total": counted(every), "malls": told}
    )


NOTHING: dict[str, Any] = dict.fromkeys(tallies.COUNTS, 0) | {"waits": [], "serves": []}


def counted(row: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: row[name] for name in tallies.COUNTS if name != "within"}
    return told | {
        "within_target": round(row["within"] / timed, 4) if (timed := sum(row["waits"])) else None,
        "wait_p50": tallies.percentile(row["waits"], 0.5),
        "wait_p90": tallies.percentile(row["waits"], 0.9),
        "serve_p50": tallies.percentile(row["serves"], 0.5),
        "serve_p90": tallies.percentile(row["serves"], 0.9),
    }


def _keyed(found: Mapping[tuple[str, ...], dict[str, Any]], by: str) -> list[dict[str, Any]]:
    return [{"key": key, **counted(row)} for (group, key), row in sorted(found.items()) if group == by]


def _heat(found: Mapping[tuple[str, ...], dict[str, Any]]) -> list[dict[str, Any]]:
    told = []
    for (group, key), row in sorted(found.items()):
        if group == "week":
            wait = tallies.percentile(row["waits"], 0.5)
            told.append(
                {"weekday": int(key[0]), "hour": int(key[2:]), "issued": row["issued"], "wait_p50": wait}
            )
    return told


def _csv(rows: Iterable[Mapping[str, Any]], by: str, name: str) -> Response:
    """With a byte order mark, so that spreadsheets read it as UTF-8."""
    text = StringIO()
    names = ["key", *Counted.model_fields]
    writer = csv.writer(text)
    writer.writerow([by, *names[1:]])
    writer.writerows([row[name] for name in names] for row in rows)
    said = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8", headers=said)
