"""HTTP of lists: the public register and statistics, the staff's list, and what is held of one citizen."""

from datetime import datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from feedback_service import cases, queries, views
from feedback_service.api import BriefOut
from feedback_service.complaint import Status
from feedback_service.desk import AtDesk, Desk, Mall, UnknownMall
from feedback_service.period import NoPeriod, days_of
from feedback_service.surveys import Period, Slug
from mpp.web.answer import Page, decode_cursor, encode_cursor, json_response
from mpp.web.auth import Actor, Who, needs
from mpp.web.openapi import problems
from mpp.web.problems import Malformed
from mpp.web.request import Now

router = APIRouter()
internal = APIRouter()
Only = Annotated[Status | None, Query(description="only those that are")]
Cursor = Annotated[str | None, Query(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=500)]


class CountOut(BaseModel):
    of: str | None
    complaints: int
    in_time: float | None
    median_days: float | None


class StatisticsOut(BaseModel):
    mall: str
    period: str
    all: list[CountOut]
    class_: list[CountOut] = Field(serialization_alias="class", validation_alias="class")
    agency: list[CountOut]
    status: list[CountOut]


async def _page(desk: Desk, mall: Mall, limit: int, cursor: str | None, **only: Any) -> Response:
    rows = await queries.complaints(desk.reader, mall.code, after=_after(cursor), limit=limit + 1, **only)
    more = len(rows) > limit
    last = rows[limit - 1] if more else None
    following = encode_cursor(last["filed_at"].isoformat(), str(last["id"])) if last else None
    return json_response({"items": [cases.brief(row, mall) for row in rows[:limit]], "next": following})


def _after(cursor: str | None) -> tuple[datetime, UUID] | None:
    said = decode_cursor(cursor, str, str)
    try:
        return (datetime.fromisoformat(said[0]), UUID(said[1])) if said else None
    except ValueError:
        raise Malformed("The cursor is not one of ours.") from None


@router.get("/malls/{slug}/complaints", response_model=Page[BriefOut], responses=problems(UnknownMall))
async def complaints(
    slug: Slug, desk: AtDesk, who: Who, status: Only = None, cursor: Cursor = None, limit: Limit = 100
) -> Response:
    """For the staff: the newest first; officers see what their agencies have."""
    mall = await desk.mall(slug)
    who.require("officer", *cases.COORDINATORS, mall=mall.code)
    agencies = None if who.agencies is None else [*who.agencies]
    return await _page(desk, mall, limit, cursor, status=status, agencies=agencies)


@router.get("/malls/{slug}/register", response_model=Page[BriefOut], responses=problems(UnknownMall))
async def register(
    slug: Slug, desk: AtDesk, status: Only = None, cursor: Cursor = None, limit: Limit = 100
) -> Response:
    """For everybody: complaints that are not secret, without text and without who reported them."""
    return await _page(desk, await desk.mall(slug), limit, cursor, status=status, public=True)


@router.get(
    "/malls/{slug}/complaint-statistics",
    response_model=StatisticsOut,
    responses=problems(UnknownMall, NoPeriod),
)
async def statistics(slug: Slug, desk: AtDesk, now: Now, period: Period = None) -> Response:
    """Counts, median days to an answer and the share in time, by class, agency and status; no text."""
    mall = await desk.mall(slug)
    period = period or str(mall.day(now).year)
    first, last = days_of(period)
    begins = datetime.combine(first, time(), mall.zone)
    ends = datetime.combine(last + timedelta(days=1), time(), mall.zone)
    counted = cases.statistics(await queries.statistics(desk.reader, mall.code, begins, ends))
    return json_response({"mall": mall.code, "period": period, **counted})


@internal.get("/subjects/{citizen}")
async def subject(citizen: UUID, desk: AtDesk, _: Annotated[Actor, needs("system")]) -> Response:
    """Everything held of one citizen, for the right of access; answers to surveys can't be found."""
    shown = []
    for row in await views.complaints_by(desk.reader, citizen):
        shown.append(await cases.whole(desk, row, await desk.mall(row["mall"]), reporter=True))
    return json_response({"complaints": shown})
