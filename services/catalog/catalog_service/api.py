"""What anybody may read of the catalog over HTTP."""

import datetime as dt
from dataclasses import asdict
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from catalog_service import queries, search
from catalog_service.answers import (
    AgencyAnswer,
    CounterAnswer,
    DayAnswer,
    LineAnswer,
    MallAnswer,
    MallPage,
    Place,
    ServiceAnswer,
    ServicePage,
    Today,
)
from catalog_service.mall import NoSuchMall
from catalog_service.standard import NotOffered
from mpp.web import request as web
from mpp.web.answer import Page, etag, json_response
from mpp.web.request import Db

router = APIRouter()


async def here(slug: str, db: Db) -> Place:
    """The mall of the path, by slug or code."""
    if found := await queries.find(db, slug):
        return found
    raise NoSuchMall(f"there is no mall {slug[:60]}")


Here = Annotated[Place, Depends(here)]
Cursor = Annotated[str | None, Query(description="`next` of the page before", max_length=500)]
Limit = Annotated[int, Query(ge=1, le=500)]
Words = Annotated[str | None, Query(max_length=200, description="what is looked for; a typo is forgiven")]
Agency = Annotated[str | None, Query(max_length=60)]
Version = Annotated[int | None, Query(ge=1, le=1_000_000, description="version of the standard")]


@router.get("/malls")
async def malls(db: Db, cursor: Cursor = None, limit: Limit = 100) -> Page[MallAnswer]:
    return await queries.malls(db, cursor, limit)


@router.get("/malls/{slug}", response_model=MallPage)
async def mall(place: Here, db: Db, now: web.Now) -> Response:
    moment = now.astimezone(ZoneInfo(place.description["timezone"]))
    calendar = await queries.calendar(db, place.code, moment.date(), moment.date())
    day, state = calendar.at(moment)
    today = Today(**asdict(day), state=state)
    page = MallPage(**place.answer(), hours=calendar.week, today=today)
    return json_response(page.model_dump(mode="json"), headers={"ETag": etag(place.version)})


@router.get("/malls/{slug}/days")
async def days(
    place: Here,
    db: Db,
    now: web.Now,
    first: Annotated[dt.date | None, Query(alias="from", description="default: today in the mall")] = None,
    count: Annotated[int, Query(alias="days", ge=1, le=400)] = 31,
) -> Page[DayAnswer]:
    first = first or now.astimezone(ZoneInfo(place.description["timezone"])).date()
    last = min(first.toordinal() + count - 1, dt.date.max.toordinal())
    calendar = await queries.calendar(db, place.code, first, dt.date.fromordinal(last))
    dates = [dt.date.fromordinal(number) for number in range(first.toordinal(), last + 1)]
    return Page(items=[DayAnswer(**asdict(calendar.hours_on(date))) for date in dates], next=None)


@router.get("/malls/{slug}/agencies")
async def agencies(place: Here, db: Db, cursor: Cursor = None, limit: Limit = 100) -> Page[AgencyAnswer]:
    return await queries.listed(db, queries.AGENCIES, AgencyAnswer, "agency", place.code, cursor, limit)


@router.get("/malls/{slug}/lines")
async def lines(place: Here, db: Db, cursor: Cursor = None, limit: Limit = 100) -> Page[LineAnswer]:
    return await queries.listed(db, queries.LINES, LineAnswer, "line", place.code, cursor, limit)


@router.get("/malls/{slug}/counters")
async def counters(place: Here, db: Db, cursor: Cursor = None, limit: Limit = 200) -> Page[CounterAnswer]:
    return await queries.listed(db, queries.COUNTERS, CounterAnswer, "id", place.code, cursor, limit)


@router.get("/malls/{slug}/services")
async def services(
    place: Here, db: Db, q: Words = None, agency: Agency = None, cursor: Cursor = None, limit: Limit = 100
) -> Page[ServiceAnswer]:
    return await search.services(db, mall=place.code, agency=agency, words=q, cursor=cursor, limit=limit)


@router.get("/malls/{slug}/services/{code}")
async def service(place: Here, db: Db, code: str, standard: Version = None) -> ServicePage:
    if found := await queries.service(db, place.code, code, standard):
        return found
    raise NotOffered("there is no such service, or no such version of its standard")


@router.get("/services")
async def services_everywhere(
    db: Db, q: Words = None, agency: Agency = None, cursor: Cursor = None, limit: Limit = 100
) -> Page[ServiceAnswer]:
    return await search.services(db, mall=None, agency=agency, words=q, cursor=cursor, limit=limit)
