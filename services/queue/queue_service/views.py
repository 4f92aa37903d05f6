"""Read tables of the queue, and the questions asked of them."""

from collections.abc import Sequence
from datetime import date as Date
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import TIMESTAMP, BigInteger, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from mpp.eventsourcing.log import Reading, Recorded
from mpp.eventsourcing.views import Changes
from queue_service import booking as b
from queue_service import ticket as t
from queue_service.hall import HallClosed, HallOpened, PlanChanged
from queue_service.mall import FactHeard


class View(SQLModel, registry=registry()):
    """A table that can be made anew from the log."""


def _moment(**kwargs: Any) -> Any:
    return Field(sa_type=TIMESTAMP(timezone=True), **kwargs)


class Fact(View, table=True):
    """What the catalog said last of each thing."""

    __tablename__ = "facts"
    mall: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fact: dict[str, Any] | None = Field(sa_type=JSONB)
    position: int = Field(sa_type=BigInteger)
    __table_args__ = (
        Index("facts_position", "position"),
        Index("facts_mall_position", "mall", "position"),
    )


class HallDay(View, table=True):
    """A mall's day that was opened."""

    __tablename__ = "halls"
    stream: str = Field(primary_key=True)
    mall: str
    date: Date
    opened_at: datetime = _moment()
    closed_at: datetime | None = _moment(default=None, nullable=True)
    planned: int = Field(sa_type=BigInteger, description="position of the plan in force")
    zone: str
    target: int = Field(description="minutes of waiting within the service level")
    __table_args__ = (Index("halls_mall_date", "mall", "date"),)


class TicketRow(View, table=True):
    """Every ticket, with where it is and when it got there."""

    __tablename__ = "tickets"
    id: UUID = Field(primary_key=True)
    hall: str
    number: str
    line: str
    service: str
    channel: str
    priority: str | None = None
    status: str
    counter: str | None = None
    issued_at: datetime = _moment()
    called_at: datetime | None = _moment(default=None, nullable=True)
    started_at: datetime | None = _moment(default=None, nullable=True)
    ended_at: datetime | None = _moment(default=None, nullable=True)
    served_seconds: float | None = None
    __table_args__ = (Index("tickets_hall_line", "hall", "line"),)


class Call(View, table=True):
    """What the board showed: every call and recall."""

    __tablename__ = "calls"
    position: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    hall: str
    ticket: UUID
    number: str
    line: str
    counter: str
    counter_title: str
    kind: str
    at: datetime = _moment()
    __table_args__ = (Index("calls_hall", "hall", "position"),)


class SlotDay(View, table=True):
    """A mall's day whose slots were offered."""

    __tablename__ = "slot_days"
    stream: str = Field(primary_key=True)
    mall: str
    date: Date
    planned: int = Field(sa_type=BigInteger, description="position of what is offered now")
    __table_args__ = (Index("slot_days_mall_date", "mall", "date"),)


class BookingRow(View, table=True):
    """Every booking, and what became of it."""

    __tablename__ = "bookings"
    id: UUID = Field(primary_key=True)
    stream: str
    line: str
    service: str
    slot: datetime = _moment()
    channel: str
    citizen: UUID | None = None
    status: str
    ticket: UUID | None = None
    __table_args__ = (Index("bookings_stream", "stream"), Index("bookings_citizen", "citizen"))


TABLES: tuple[type[SQLModel], ...] = (Fact, HallDay, TicketRow, Call, SlotDay, BookingRow)


async def project(tx: asyncpg.Connection, recorded: Sequence[Recorded]) -> None:
    """All events of a batch as one set per table."""
    facts, halls, tickets, calls = Changes(Fact), Changes(HallDay), Changes(TicketRow), Changes(Call)
    days, bookings = Changes(SlotDay), Changes(BookingRow)
    for r in recorded:
        match r.event:
            case FactHeard(kind=kind, key=key, fact=fact):
                facts.put(r.stream.removeprefix("mall-"), kind, key, fact=fact, position=r.position)
            case HallOpened(plan=plan, at=at):
                known = {"mall": plan.mall, "date": plan.date, "zone": plan.timezone}
                target = plan.rules.target_minutes
                halls.put(r.stream, **known, opened_at=at, planned=r.position, target=target)
            case PlanChanged(plan=plan):
                halls.change(r.stream, planned=r.position, target=plan.rules.target_minutes)
            case HallClosed(at=at):
                halls.change(r.stream, closed_at=at)
            case t.TicketCalled() | t.TicketRecalled():
                _called(r, r.event, tickets, calls)
            case t.TicketEvent():
                _moved(r, r.event, tickets)
            case b.SlotsOffered(offered=offered):
                days.put(r.stream, mall=offered.mall, date=offered.date, planned=r.position)
            case b.BookingEvent():
                _booked(r, r.event, bookings)
    for changes in (facts, halls, tickets, calls, days, bookings):
        await changes.write(tx)


def _called(r: Recorded, e: t.TicketCalled | t.TicketRecalled, tickets: Changes, calls: Changes) -> None:
    kind = "call" if isinstance(e, t.TicketCalled) else "recall"
    where = {"number": e.number, "line": e.line, "counter": e.counter, "counter_title": e.title}
    calls.put(r.position, hall=r.stream, ticket=e.ticket, kind=kind, at=e.at, **where)
    if kind == "call":
        here = {"service": e.service} if isinstance(e, t.TicketCalled) and e.service else {}
        tickets.change(e.ticket, status="called", line=e.line, counter=e.counter, called_at=e.at, **here)


def _booked(r: Recorded, e: b.BookingEvent, bookings: Changes) -> None:
    match e:
        case b.SlotHeld() | b.BookingMade():
            names = ("line", "service", "slot", "channel", "citizen")
            made = {name: getattr(e, name) for name in names}
            status = "held" if isinstance(e, b.SlotHeld) else "booked"
            bookings.put(e.booking, stream=r.stream, status=status, **made)
        case b.BookingCancelled():
            bookings.change(e.booking, status="cancelled")
        case b.BookingUsed(ticket=ticket):
            bookings.change(e.booking, status="used", ticket=ticket)
        case b.BookingLapsed():
            bookings.change(e.booking, status="lapsed")


def _moved(r: Recorded, e: t.TicketEvent, tickets: Changes) -> None:
    match e:
        case t.TicketIssued():
            asked = {"service": e.service, "channel": e.channel, "priority": e.priority}
            tickets.put(
                e.ticket,
                hall=r.stream,
                number=e.number,
                line=e.line,
                status="waiting",
                issued_at=e.at,
                **asked,
            )
        case t.TicketStarted(counter=counter):
            tickets.change(e.ticket, status="serving", counter=counter, started_at=e.at)
        case t.TicketResumed(counter=counter):
            tickets.change(e.ticket, status="serving", counter=counter)
        case t.TicketHeld(served=served):
            tickets.change(e.ticket, status="held", served_seconds=served)
        case t.TicketMissed():
            tickets.change(e.ticket, status="missed", ended_at=e.at)
        case t.TicketServed(onward=onward, served=served):
            waits = {} if e.sitting else {"status": "waiting", "counter": None}
            here = {"line": onward.line, "service": onward.service, "served_seconds": served}
            tickets.change(e.ticket, **here, **waits)
        case t.ServiceDropped(onward=onward):
            tickets.change(e.ticket, line=onward.line, service=onward.service)
        case t.TicketCompleted(served=served):
            tickets.change(e.ticket, status="completed", served_seconds=served, ended_at=e.at)
        case t.TicketRejoined():
            tickets.change(e.ticket, status="waiting", counter=None, ended_at=None)
        case t.TicketTransferred(line=line, counter=counter, served=served):
            tickets.change(e.ticket, status="waiting", line=line, counter=counter, served_seconds=served)
        case t.TicketCancelled():
            tickets.change(e.ticket, status="cancelled", ended_at=e.at)
        case t.TicketLapsed():
            tickets.change(e.ticket, status="lapsed", ended_at=e.at)


async def booking_of(db: Reading, booking: UUID) -> str | None:
    """The stream of the day for which this booking was made."""
    found: str | None = await db.fetchval("select stream from bookings where id = $1", booking)
    return found


async def bookings_of(db: Reading, citizen: UUID) -> list[asyncpg.Record]:
    """Somebody's bookings, the next first."""
    sql = "select * from bookings where citizen = $1 order by slot desc limit 100"
    return list(await db.fetch(sql, citizen))


async def slot_days(db: Reading) -> list[asyncpg.Record]:
    """Days from today on whose slots were offered, and how far what was heard of their mall reaches."""
    sql = """select d.stream, d.mall, d.date, d.planned, heard.position from slot_days d
        cross join lateral (select max(position) as position from facts f where f.mall = d.mall) heard
        where d.date >= (now() at time zone 'Asia/Jakarta')::date - 1"""
    return list(await db.fetch(sql))


async def hall_of(db: Reading, ticket: UUID) -> str | None:
    """The stream of the hall that issued this ticket."""
    found: str | None = await db.fetchval("select hall from tickets where id = $1", ticket)
    return found


async def facts_of(db: Reading, mall: str) -> dict[tuple[str, str], dict[str, Any]]:
    """What the catalog said of this mall, by kind and key."""
    sql = "select kind, key, fact from facts where mall = $1 and fact is not null"
    return {(r["kind"], r["key"]): _plain(r["fact"]) for r in await db.fetch(sql, mall)}


async def fact_of(db: Reading, mall: str, kind: str, key: str) -> dict[str, Any] | None:
    """One thing that is known of this mall, as it is now."""
    sql = "select fact from facts where mall = $1 and kind = $2 and key = $3"
    found = await db.fetchval(sql, mall, kind, key)
    return None if found is None else dict(_plain(found))


async def call(db: Reading, position: int) -> asyncpg.Record | None:
    """One call or recall."""
    rows = await db.fetch("select * from calls where position = $1", position)
    return rows[0] if rows else None


async def malls(db: Reading) -> list[dict[str, Any]]:
    """Code, slug, title and zone of every mall heard of."""
    rows = await db.fetch("select mall, fact from facts where kind = 'mall' and fact is not null")
    return [{"code": r["mall"], **_plain(r["fact"])} for r in rows]


async def calls_of(db: Reading, hall: str, limit: int) -> list[asyncpg.Record]:
    """The latest calls, newest first."""
    sql = "select * from calls where hall = $1 order by position desc limit $2"
    return list(await db.fetch(sql, hall, limit))


async def stale_halls(db: Reading) -> list[asyncpg.Record]:
    """Open halls whose mall was spoken of since their plan was made."""
    sql = """select h.stream, h.mall, h.date, heard.position from halls h
        join lateral (select max(position) as position from facts f where f.mall = h.mall) heard
            on heard.position > h.planned
        where h.closed_at is null"""
    return list(await db.fetch(sql))


async def halls_past(db: Reading, quiet_minutes: int) -> list[str]:
    """Open halls whose day is over in every zone of the country, and in which nothing happened lately."""
    sql = """select h.stream from halls h
        where h.closed_at is null and h.date < (now() at time zone 'Asia/Jakarta')::date
          and not exists (select 1 from events e where e.stream = h.stream
              and e.recorded_at > now() - make_interval(mins => $1))"""
    return [r["stream"] for r in await db.fetch(sql, quiet_minutes)]


def _plain(fact: Any) -> Any:
    return orjson.loads(fact) if isinstance(fact, str) else fact


async def facts_head(db: Reading) -> int:
    """The position of what was heard last of any mall."""
    return int(await db.fetchval("select coalesce(max(position), 0) from facts"))


async def agencies(db: Reading) -> dict[str, dict[str, str]]:
    """Per mall its counters and whose they are."""
    found: dict[str, dict[str, str]] = {}
    sql = (
        "select mall, key, fact ->> 'agency' as agency from facts where kind = 'counter' and fact is not null"
    )
    for r in await db.fetch(sql):
        found.setdefault(r["mall"], {})[r["key"]] = r["agency"] or ""
    return found


async def served_now(db: Reading, hall: str) -> list[UUID]:
    """Tickets that are being served."""
    rows = await db.fetch("select id from tickets where hall = $1 and status = 'serving'", hall)
    return [r["id"] for r in rows]


async def calls_between(db: Reading, hall: str, after: int, until: int, limit: int) -> list[asyncpg.Record]:
    """The events behind the calls that a board has not seen, oldest first."""
    sql = """select e.position, e.id, e.stream, e.version, e.type, e.data, e.about, e.recorded_at
        from calls c join events e using (position)
        where c.hall = $1 and c.position > $2 and c.position <= $3 order by c.position limit $4"""
    return list(await db.fetch(sql, hall, after, until, limit))


async def tickets_of(
    db: Reading, hall: str, status: str | None, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """The hall's tickets in order of issue: their ids grow with time."""
    sql = """select * from tickets where hall = $1 and ($2::text is null or status = $2)
        and ($3::uuid is null or id > $3) order by id limit $4"""
    return list(await db.fetch(sql, hall, status, after, limit))
