"""HTTP for those who look: the board, the lines, and one ticket, once or live."""

from datetime import date as Date
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from mpp.eventsourcing.folds import Seen
from mpp.eventsourcing.log import Row
from mpp.messaging.message import messages_of
from mpp.web.answer import Page, decode_cursor, encode_cursor, json_response
from mpp.web.auth import Who
from mpp.web.live import Live, frame
from mpp.web.openapi import problems
from mpp.web.problems import Malformed
from mpp.web.request import AboutIt, LastEventId, Now
from queue_service import command as c
from queue_service import hall as h
from queue_service import issuing, rules, views
from queue_service.announcements import announce
from queue_service.answers import (
    SHOWN_CALLS,
    board_answer,
    call_frame,
    known_ticket,
    lines_answer,
    ticket_answer,
)
from queue_service.api import STAFF, EstimateOut, Id, MessageOut
from queue_service.desk import AtDesk, Desk, Mall, UnknownMall
from queue_service.pages import board_topic, ticket_topic
from queue_service.ticket import Status, UnknownTicket

router = APIRouter()
REPLAYED_CALLS = 500  # a board that missed more begins anew
Slug = Annotated[Id, Path(description="code or slug")]
Day = Annotated[Date | None, Query(description="a service day; today when not given")]


class KnownTicketOut(BaseModel):
    id: UUID
    number: str
    line: str
    service: str
    channel: str
    priority: str | None
    status: str
    counter: str | None
    issued_at: str
    called_at: str | None
    started_at: str | None
    ended_at: str | None
    served_seconds: float | None


class MallOut(BaseModel):
    code: str
    slug: str
    title: str
    timezone: str


class CallOut(BaseModel):
    id: int
    ticket: UUID
    number: str
    line: str
    counter: str
    counter_title: str
    kind: str
    at: str


class LineOut(BaseModel):
    line: str
    title: str
    open: bool
    reason: str | None
    waiting: int
    issued: int
    capacity: int | None
    left: int | None
    estimate: EstimateOut


class BoardMessageOut(MessageOut):
    line: str | None = Field(description="to whom; null: to everybody")


class BoardOut(BaseModel):
    mall: MallOut
    date: Date | None
    position: int
    calls: list[CallOut]
    messages: list[BoardMessageOut]
    lines: list[LineOut]


async def _board(desk: Desk, mall: Mall, day: Date) -> tuple[dict[str, Any], int]:
    """The board, and the position of the log up to which it shows everything.

    The head is read first: whatever comes after it is either in what is read next, or heard live.
    """
    head = await desk.reader.fetchval("select coalesce(max(position), 0) from events")
    calls = await views.calls_of(desk.reader, h.stream_of(mall.code, day), SHOWN_CALLS)
    seen: Seen = await desk.state(desk.reader, mall, day)
    shown = [call for call in calls if call["position"] <= head]
    return board_answer(seen.state, mall, shown, desk.clock(seen.state), head), head


def _id(said: str) -> UUID:
    try:
        return UUID(said)
    except ValueError:
        raise Malformed("The cursor is not one of ours.") from None


@router.get("/malls/{slug}/board", response_model=BoardOut, responses=problems(UnknownMall))
async def board(slug: Slug, desk: AtDesk, now: Now, date: Day = None) -> Response:
    """The latest calls, each number with its counter, and every line."""
    mall = await desk.mall(slug)
    return json_response((await _board(desk, mall, date or mall.day(now)))[0])


@router.get("/malls/{slug}/board/live", response_class=Live, responses=problems(UnknownMall))
async def board_live(slug: Slug, desk: AtDesk, now: Now, last: LastEventId, date: Day = None) -> Response:
    """`snapshot`, then each `call`, `recall` and `message` once, and `lines` when they change.

    With Last-Event-ID only what was missed follows, unless that is too old: then a new snapshot.
    """
    mall = await desk.mall(slug)
    day = date or mall.day(now)
    stream = h.stream_of(mall.code, day)
    await desk.pages.watch_board(stream)
    missed = None if last is None else await _missed(desk, mall, stream, last)
    if missed is not None:
        await desk.pages.watch_board(stream)  # again: a slow database may have made it count as gone
        return Live(desk.hub, board_topic(stream), "every", missed[0], after=missed[1])
    snapshot, head = await _board(desk, mall, day)
    await desk.pages.watch_board(stream)
    opening = frame("snapshot", orjson.dumps(snapshot), head)
    return Live(desk.hub, board_topic(stream), "every", [opening], after=head)


async def _missed(desk: Desk, mall: Mall, stream: str, last: int) -> tuple[list[bytes], int] | None:
    """The calls after an event id, and how far they reach; None when that can't be told."""
    head = await desk.reader.fetchval("select coalesce(max(position), 0) from events")
    if last > head:
        return None
    calls = await views.calls_between(desk.reader, stream, last, head, REPLAYED_CALLS + 1)
    if len(calls) > REPLAYED_CALLS:
        return None
    rows = [Row(*call) for call in calls]
    told = messages_of((row.recorded(desk.handle.decode(row)) for row in rows), announce, 0)
    frames = [call_frame(message, mall) for message in told]
    return [said for said in frames if said is not None], head


@router.get("/malls/{slug}/lines", response_model=Page[LineOut], responses=problems(UnknownMall))
async def lines(slug: Slug, desk: AtDesk, now: Now, date: Day = None) -> Response:
    """Every line: open or not and why, how many wait, and how long somebody new would."""
    mall = await desk.mall(slug)
    day = date or mall.day(now)
    seen = await desk.state(desk.reader, mall, day)
    at = max(now, seen.state.last_at) if seen.version else now
    return json_response({"items": lines_answer(seen.state, at), "next": None})


@router.get("/malls/{slug}/tickets", response_model=Page[KnownTicketOut], responses=problems(UnknownMall))
async def tickets(
    slug: Slug,
    desk: AtDesk,
    who: Who,
    now: Now,
    date: Day = None,
    status: Annotated[Status | None, Query(description="only those that are")] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """For the staff of a mall: the day's tickets in order of issue, all or those in one state."""
    mall = await desk.mall(slug)
    who.require(*STAFF, mall=mall.code)
    after = decode_cursor(cursor, str)
    hall = h.stream_of(mall.code, date or mall.day(now))
    rows = await views.tickets_of(desk.reader, hall, status, _id(after[0]) if after else None, limit + 1)
    more = encode_cursor(str(rows[limit - 1]["id"])) if len(rows) > limit else None
    return json_response({"items": [known_ticket(row, mall) for row in rows[:limit]], "next": more})


@router.get("/tickets/{ticket}/live", response_class=Live, responses=problems(UnknownTicket))
async def ticket_live(ticket: UUID, desk: AtDesk, now: Now, last: LastEventId) -> Response:
    """`ticket` whenever something about it changes: always the newest, never what is past."""
    stream = await desk.hall_of(ticket)
    desk.pages.watch_ticket(stream, ticket)
    mall, seen = await desk.mall(h.mall_and_day(stream)[0]), await desk.folds.read(desk.reader, stream)
    answer = ticket_answer(seen.state, seen.state.ticket(ticket), mall, max(now, seen.state.last_at))
    desk.pages.watch_ticket(stream, ticket)  # again: a slow database may have made it count as gone
    opening = frame("ticket", orjson.dumps(answer), seen.position)
    return Live(desk.hub, ticket_topic(ticket), "newest", [opening], after=seen.position)


@router.post(
    "/malls/{slug}/day/close",
    status_code=204,
    responses=problems(UnknownMall, rules.ServiceGoesOn, issuing.MallClosed),
)
async def close_day(
    slug: Slug, desk: AtDesk, who: Who, about: AboutIt, now: Now, date: Day = None
) -> Response:
    """End the day: who still waits is let go. It happens by itself when a day is over and quiet."""
    mall = await desk.mall(slug)
    who.require("supervisor", "mall-admin", "national-admin", mall=mall.code)
    await desk.handle(h.stream_of(mall.code, date or mall.day(now)), c.CloseHall(now), about)
    return Response(status_code=204)
