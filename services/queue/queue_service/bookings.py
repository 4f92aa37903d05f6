"""HTTP for those who book: slots, bookings, their signed codes, and check-in."""

from datetime import UTC, datetime, timedelta
from datetime import date as Date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from icalendar import Alarm, Calendar
from icalendar import Event as Entry
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from mpp.eventsourcing.handler import Step
from mpp.eventsourcing.ids import new_id
from mpp.web.answer import json_response
from mpp.web.auth import Actor, Who
from mpp.web.direct import Direct
from mpp.web.exchange import header
from mpp.web.openapi import problems
from mpp.web.problems import Unauthenticated
from mpp.web.request import AboutIt, Now
from queue_service import booking as b
from queue_service import command as c
from queue_service import issuing, views
from queue_service.api import STAFF, Id, IssuedOut, answer
from queue_service.codes import Code, CodeForged
from queue_service.desk import AtDesk, Desk, Mall, UnknownMall, own_events
from queue_service.hall import mall_and_day
from queue_service.plan import Booking as Rules
from queue_service.plan import UnknownService
from queue_service.ticket import TicketIssued

router = APIRouter()
hot = APIRouter(route_class=Direct)
Channel = Literal["web", "mobile", "telegram", "portal", "counter"]
WHO: dict[str, tuple[str, ...]] = {
    "web": ("citizen", "system"),
    "mobile": ("citizen", "system"),
    "portal": ("system",),
    "telegram": ("citizen", "system"),
    "counter": STAFF,
}
REFUSED = (
    b.UnknownSlot,
    b.BookingNotOpen,
    b.BookingTooLate,
    b.SlotFull,
    b.ChannelUsedUp,
    b.PersonLimit,
)


async def said_secret(request: Request) -> str | None:
    return header(request, b"mpp-secret")


Secret = Annotated[str | None, Depends(said_secret)]


class OtherDay(issuing.CheckInLate):
    """The booking is for another day."""


class BookingCancelled(b.BookingEnded):
    """This booking was cancelled."""


class Wanted(BaseModel):
    """A slot asked for."""

    model_config = ConfigDict(extra="forbid")
    mall: Id = Field(description="code or slug")
    service: Id = Field(description="the service's code in the catalog")
    slot: AwareDatetime = Field(description="when it begins")
    channel: Channel
    hold: bool = Field(False, description="only keep it for some minutes, while the form is filled in")
    citizen: UUID | None = Field(None, description="for whom, when the portal or an officer books")


class Act(BaseModel):
    model_config = ConfigDict(extra="forbid")
    secret: Annotated[str, Field(max_length=64)] | None = Field(None, description="the booking's")
    slot: AwareDatetime | None = Field(None, description="move: to this slot")


class Here(BaseModel):
    """Who booked is at the mall."""

    model_config = ConfigDict(extra="forbid")
    code: Annotated[str, Field(max_length=2000)]
    mall: Id | None = Field(None, description="where the code is shown; it must be for this mall")
    priority: Id | None = None


class SlotOut(BaseModel):
    slot: str
    left: int
    takes: int


class SlotsOut(BaseModel):
    date: Date
    line: str | None
    opens_at: str | None = Field(description="from when on this day can be booked")
    slots: list[SlotOut]


class BookingOut(BaseModel):
    id: UUID
    mall: str
    service: str
    line: str
    slot: str
    channel: str
    status: str
    held_until: str | None
    check_in_from: str
    check_in_until: str
    ticket: UUID | None
    code: str | None = Field(description="signed, for the QR code; once it is booked")


class MadeOut(BookingOut):
    secret: str


class OwnOut(BaseModel):
    id: UUID
    mall: str
    service: str
    line: str
    slot: str
    status: str
    ticket: UUID | None


class KeysOut(BaseModel):
    keys: list[dict[str, str]]


@router.get("/bookings/keys", response_model=KeysOut)
async def keys(desk: AtDesk) -> Response:
    """The public keys with which anybody can check a booking's code without asking (RFC 7517, RFC 8037)."""
    return json_response({"keys": desk.codes.jwks}, headers={"Cache-Control": "max-age=3600"})


@router.get("/malls/{slug}/slots", response_model=SlotsOut, responses=problems(UnknownMall, UnknownService))
async def slots(slug: Id, service: Annotated[Id, Query()], date: Date, desk: AtDesk, now: Now) -> Response:
    """The slots of one day for one service, and how many places each has left."""
    mall = await desk.mall(slug)
    day = await desk.slots(mall, date)
    offered = day.offered
    line = offered.services.get(service) if offered else None
    if offered is None or line is None:
        return json_response({"date": date.isoformat(), "line": None, "opens_at": None, "slots": []})
    takes = offered.lines[line].takes
    told = [
        {"slot": mall.told(slot), "left": day.left(line, slot, now), "takes": takes}
        for slot in offered.slots(line)
    ]
    opens = mall.told(offered.opens(line))
    return json_response({"date": date.isoformat(), "line": line, "opens_at": opens, "slots": told})


@hot.post(
    "/bookings",
    status_code=201,
    response_model=MadeOut,
    responses=problems(UnknownMall, UnknownService, *REFUSED),
)
async def book(wanted: Wanted, desk: AtDesk, who: Who, about: AboutIt, now: Now) -> Response:
    """Book a slot, or hold it for a while. The same Idempotency-Key gives the same booking again."""
    mall = await desk.mall(wanted.mall)
    who.require(*WHO[wanted.channel], mall=None if "citizen" in WHO[wanted.channel] else mall.code)
    citizen = who.id if "citizen" in who.roles else wanted.citizen if who.roles else None
    if citizen is None and wanted.channel != "counter":
        raise Unauthenticated("A booking is somebody's: it needs a citizen's token, or the portal's.")
    names = (wanted.service, wanted.slot, wanted.channel, citizen, wanted.hold)
    command = b.Book(now, new_id(), *names)
    outcome = await desk.book(mall, mall.day(wanted.slot), command, about)
    event = own_events(outcome, b.SlotHeld) or own_events(outcome, b.BookingMade)
    return _told(outcome.state, event.booking, mall, desk, 201)


@router.get("/bookings/{booking}", response_model=BookingOut, responses=problems(b.UnknownBooking))
async def show(booking: UUID, desk: AtDesk, who: Who, secret: Secret) -> Response:
    """For its holder (by token, or by the secret in the header Mpp-Secret), and the staff of its mall."""
    mall, day = await _of(booking, desk)
    _may(who, booking, day, mall, desk, secret)
    return _told(day, booking, mall, desk)


@router.post(
    "/bookings/{booking}/{action}",
    response_model=BookingOut,
    responses=problems(b.UnknownBooking, b.BookingEnded, b.HoldExpired, *REFUSED),
)
async def act(
    booking: UUID,
    action: Literal["confirm", "move", "cancel"],
    desk: AtDesk,
    who: Who,
    about: AboutIt,
    now: Now,
    body: Act | None = None,
) -> Response:
    """Confirm what was held, move to another slot (a new booking with a new code), or cancel."""
    body = body or Act()
    mall, day = await _of(booking, desk)
    _may(who, booking, day, mall, desk, body.secret)
    old = day.booking(booking)
    when = mall.day(old.slot)
    if action == "confirm":
        outcome = await desk.book(mall, when, b.Confirm(now, booking), about)
        return _told(outcome.state, booking, mall, desk)
    if action == "cancel":
        reason = "by-staff" if who.may(*STAFF, mall=mall.code) else "by-holder"
        outcome = await desk.book(mall, when, b.Cancel(now, booking, reason), about)
        return _told(outcome.state, booking, mall, desk)
    slot = body.slot or old.slot
    leave = Step(b.stream_of(mall.code, when), b.Cancel(now, booking, "moved"))
    command = b.Book(now, new_id(), old.service, slot, old.channel, old.citizen)
    outcome = await desk.book(mall, mall.day(slot), command, about, [leave])
    made = own_events(outcome, b.BookingMade)
    return _told(outcome.state, made.booking, mall, desk, secret=True)


@router.get("/bookings/{booking}/calendar.ics", responses=problems(b.UnknownBooking))
async def calendar(booking: UUID, desk: AtDesk, who: Who, secret: Secret) -> Response:
    """The booking for a calendar (RFC 5545), with a reminder two hours before."""
    mall, day = await _of(booking, desk)
    _may(who, booking, day, mall, desk, secret)
    return Response(
        _calendar(day, day.booking(booking), mall),
        media_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="reservasi-{booking}.ics"'},
    )


@router.get("/me/bookings", response_model=list[OwnOut])
async def own(desk: AtDesk, who: Who) -> Response:
    """A citizen's own, the latest first."""
    who.require("citizen")
    assert who.id is not None  # noqa: S101
    rows = await views.bookings_of(desk.reader, who.id)
    told = []
    for row in rows:
        mall = await desk.mall(mall_and_day(row["stream"])[0])
        names = {name: row[name] for name in ("service", "line", "status")}
        ids = {"id": str(row["id"]), "ticket": str(row["ticket"]) if row["ticket"] else None}
        told.append(ids | names | {"mall": mall.code, "slot": mall.told(row["slot"])})
    return json_response(told)


@router.post(
    "/check-ins",
    status_code=201,
    response_model=IssuedOut,
    responses=problems(
        CodeForged,
        BookingCancelled,
        b.BookingEnded,
        issuing.BookingUsed,
        issuing.CheckInEarly,
        issuing.CheckInLate,
        issuing.MallClosed,
        OtherDay,
    ),
)
async def check_in(here: Here, desk: AtDesk, who: Who, about: AboutIt, now: Now) -> Response:
    """The signed code becomes a number in the line, without anybody else being asked."""
    code = desk.codes.read(here.code)
    mall = await desk.mall(code.mall)
    if here.mall and (await desk.mall(here.mall)).code != mall.code:
        raise CodeForged("This booking is for another mall.", mall=mall.title)
    day = mall.day(code.slot)
    if mall.day(now) != day:
        raise OtherDay(slot=mall.told(code.slot))
    seen = await desk.folds.read(desk.reader, b.stream_of(mall.code, day))
    known: b.Booked | None = seen.state.bookings.get(code.booking)
    if known and known.status == "cancelled":
        raise BookingCancelled(status="cancelled")
    ticket = new_id()
    stream = b.stream_of(mall.code, day)
    # A hall that was never told of this booking (its mall is cut off) believes the signature.
    first = [Step(stream, b.Use(now, code.booking, ticket))] if known and known.status != "used" else []
    citizen = known.citizen if known else None
    command = c.CheckIn(
        now, ticket, code.booking, code.service, code.slot, code.channel, here.priority, citizen
    )
    outcome = await desk.give(mall, command, about, first)
    issued = own_events(outcome, TicketIssued).ticket
    desk.remember(issued, outcome.stream)
    return answer(outcome, issued, mall, desk, now, 201)


async def _of(booking: UUID, desk: Desk) -> tuple[Mall, b.SlotDay]:
    stream = await views.booking_of(desk.reader, booking)
    if stream is None:
        raise b.UnknownBooking
    mall = await desk.mall(mall_and_day(stream)[0])
    return mall, (await desk.folds.read(desk.reader, stream)).state


def _may(who: Actor, booking: UUID, day: b.SlotDay, mall: Mall, desk: Desk, secret: str | None) -> None:
    """Its holder by secret or token, or the staff of its mall."""
    citizen = day.booking(booking).citizen
    mine = citizen is not None and "citizen" in who.roles and who.id == citizen
    if not mine and not desk.is_secret(booking, secret, "booking"):
        who.require(*STAFF, "system", mall=mall.code)


def _told(
    day: b.SlotDay, booking: UUID, mall: Mall, desk: Desk, status: int = 200, secret: bool = False
) -> Response:
    booked = day.booking(booking)
    code = Code(booking, mall.code, booked.service, booked.slot, booked.channel)
    opens, closes = _window(day, booked)
    told: dict[str, Any] = {
        "id": str(booking),
        "mall": mall.code,
        "service": booked.service,
        "line": booked.line,
        "slot": mall.told(booked.slot),
        "channel": booked.channel,
        "status": booked.status,
        "held_until": mall.told(booked.until) if booked.until and booked.status == "held" else None,
        "check_in_from": mall.told(opens),
        "check_in_until": mall.told(closes),
        "ticket": str(booked.ticket) if booked.ticket else None,
        "code": desk.codes.sign(code) if booked.status == "booked" else None,
    }
    if status == 201 or secret:
        told["secret"] = desk.secret(booking, "booking")
    return json_response(told, status)


def _window(day: b.SlotDay, booked: b.Booked) -> tuple[datetime, datetime]:
    offer = day.offered.lines.get(booked.line) if day.offered else None
    rules = offer.rules if offer else Rules()
    early, late = timedelta(minutes=rules.early_minutes), timedelta(minutes=rules.late_minutes)
    return booked.slot - early, booked.slot + late


def _calendar(day: b.SlotDay, booked: b.Booked, mall: Mall) -> bytes:
    made, entry, reminder = Calendar(), Entry(), Alarm()
    made.add("prodid", "-//MPP//Reservasi//ID")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    offer = day.offered.lines.get(booked.line) if day.offered else None
    opens, closes = _window(day, booked)
    clock = f"{mall.told(opens)[11:16]}-{mall.told(closes)[11:16]}".replace(":", ".")
    entry.add("uid", f"{booked.id}@mpp")
    entry.add("dtstamp", day.last_at.astimezone(UTC))
    entry.add("dtstart", booked.slot.astimezone(UTC))
    length = timedelta(minutes=offer.rules.slot_minutes if offer else 30)
    entry.add("dtend", (booked.slot + length).astimezone(UTC))
    entry.add("summary", f"Reservasi {mall.title}")
    entry.add("location", mall.title)
    entry.add("description", f"Ini belum nomor antrean. Check-in pukul {clock}.")
    entry.add("status", "CANCELLED" if booked.status == "cancelled" else "CONFIRMED")
    reminder.add("action", "DISPLAY")
    reminder.add("description", f"Reservasi {mall.title}")
    reminder.add("trigger", timedelta(hours=-2))
    entry.add_component(reminder)
    made.add_component(entry)
    written: bytes = made.to_ical()
    return written
