"""A hall: one mall on one day, its lines, counters and tickets; what must be decided together."""

from __future__ import annotations  # HashTrieMap has no type arguments at run time

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from rpds import HashTrieMap

from mpp.eventsourcing.decider import Event
from queue_service import ticket as t
from queue_service.places import Place, Places
from queue_service.plan import ORDINARY, Plan
from queue_service.ticket import Ticket, UnknownTicket


def stream_of(mall: str, day: date) -> str:
    """The stream of one mall on one day: `hall-7406-2026-11-23`."""
    return f"hall-{mall}-{day.isoformat()}"


def mall_and_day(stream: str) -> tuple[str, date]:
    """`hall-7406-2-2026-11-23` and `slots-7406-2-2026-11-23` → 7406-2 and the day."""
    return stream[:-11].partition("-")[2], date.fromisoformat(stream[-10:])


class HallOpened(Event, type="hall-opened"):
    plan: Plan
    at: datetime


class PlanChanged(Event, type="plan-changed"):
    plan: Plan
    at: datetime


class HallClosed(Event, type="hall-closed"):
    at: datetime


class BookingsExpected(Event, type="bookings-expected"):
    """How many are booked: line → slot → people, whether they came or not."""

    expected: dict[str, dict[datetime, int]]
    at: datetime


class MessageSent(Event, type="message-sent"):
    """Those who wait are told something: all, one line, or one ticket."""

    message: UUID
    kind: str
    minutes: int | None = None
    closes_at: datetime | None = None
    line: str | None = None
    ticket: UUID | None = None
    at: datetime

    def holds(self, at: datetime) -> bool:
        """A delay is over when its minutes are."""
        return self.minutes is None or at < self.at + timedelta(minutes=self.minutes)


class CounterEvent(Event):
    """Something that happened to a counter; `officer`: our own id of whoever sits there."""

    counter: str
    at: datetime


class CounterStaffed(CounterEvent, type="counter-staffed"):
    officer: UUID | None
    skills: tuple[str, ...] | None


class CounterPaused(CounterEvent, type="counter-paused"):
    reason: str
    until: datetime | None = None


class CounterReopened(CounterEvent, type="counter-reopened"):
    pass


class CounterLeft(CounterEvent, type="counter-left"):
    pass


NOBODY = Places()


@dataclass(frozen=True, slots=True)
class Seat:
    """Who sits at a counter and what she knows; `paused`: why it calls nobody now, `until` if known."""

    officer: UUID | None = None
    skills: frozenset[str] | None = None
    paused: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """Turns at counters: how many people, their seconds, and the squares of these."""

    people: int = 0
    seconds: float = 0.0
    squares: float = 0.0


@dataclass(frozen=True, slots=True)
class Claim:
    """A board speaks a call, alone until then; afterwards it was heard, or another may try."""

    board: UUID
    until: datetime
    heard: bool = False


UNMANNED, UNSPENT = Seat(), Spent()


@dataclass(frozen=True, slots=True)
class Hall:
    """The state of the day."""

    plan: Plan | None = None
    closed: bool = False
    last_at: datetime = datetime.min
    count: int = 0
    tickets: HashTrieMap[UUID, Ticket] = HashTrieMap()
    waiting: HashTrieMap[str, Places] = HashTrieMap()
    issued: HashTrieMap[str, int] = HashTrieMap()  # per line, and per line/channel
    busy: HashTrieMap[str, UUID] = HashTrieMap()  # counter → the ticket it has
    seen: HashTrieMap[str, datetime] = HashTrieMap()  # counter → when it last did something
    spent: HashTrieMap[str, Spent] = HashTrieMap()  # service → turns at counters
    asked: HashTrieMap[str, int] = HashTrieMap()  # service → how often it was asked for
    preferred: HashTrieMap[str, int] = HashTrieMap()  # line → tickets with the right of way
    extra: HashTrieMap[str, int] = HashTrieMap()  # line → further services of visits that began elsewhere
    turns: HashTrieMap[str, int] = HashTrieMap()  # counter → whose turn it is in its ratio
    desks: HashTrieMap[str, Seat] = HashTrieMap()  # counter → who sits there
    used: HashTrieMap[UUID, UUID] = HashTrieMap()  # booking → its ticket
    expected: HashTrieMap[str, tuple[tuple[datetime, int], ...]] = HashTrieMap()  # line → slot, people booked
    arrived: HashTrieMap[tuple[str, datetime], int] = HashTrieMap()  # line, slot → people who checked in
    wishes: HashTrieMap[UUID, int] = HashTrieMap()  # ticket → tell its holder when it is the n-th
    messages: tuple[MessageSent, ...] = ()
    claims: HashTrieMap[int, Claim] = HashTrieMap()  # call → who speaks it, or has

    def ticket(self, id: UUID) -> Ticket:  # noqa: A002
        found = self.tickets.get(id)
        if found is None:
            raise UnknownTicket
        return found

    def line(self, key: str) -> Places:
        found = self.waiting.get(key)
        return NOBODY if found is None else found

    def ahead_of(self, ticket: Ticket) -> int | None:
        """How many stand before this one where fewest do; None when it does not wait."""
        if ticket.status != "waiting":
            return None
        return min(self.line(key).ahead_of(ticket.place) for key in ticket.waits_in)

    def skills(self, counter: str) -> frozenset[str] | None:
        """The services that whoever sits there knows; None: all."""
        return self.desks.get(counter, UNMANNED).skills

    def still_expected(self, line: str, at: datetime, late: timedelta) -> int:
        """How many who booked may still come in time."""
        return sum(
            max(0, people - self.arrived.get((line, slot), 0))
            for slot, people in self.expected.get(line, ())
            if slot + late > at
        )

    def messages_to_many(self, at: datetime) -> list[MessageSent]:
        """What was said to a line or to everybody, and still holds."""
        return [m for m in self.messages if m.ticket is None and m.holds(at)]

    def messages_for(self, ticket: Ticket, at: datetime) -> list[MessageSent]:
        """What was said to this ticket, its lines or everybody since it was issued, and still holds."""
        lines = {ticket.line, *(stop.line for stop in ticket.rest)}
        return [
            m
            for m in self.messages
            if (m.ticket == ticket.id or (m.ticket is None and (m.line is None or m.line in lines)))
            and m.holds(at)
        ]


def evolve(hall: Hall, event: Event) -> Hall:
    match event:
        case HallOpened(plan=plan, at=at) | PlanChanged(plan=plan, at=at):
            return replace(hall, plan=plan, last_at=at)
        case HallClosed(at=at):
            return replace(hall, closed=True, last_at=at)
        case t.TicketIssued():
            return _after_issue(hall, event)
        case t.TicketEvent(ticket=id):
            return _after(hall, hall.tickets[id], event)
        case CounterEvent():
            return _at_desk(hall, event)
        case BookingsExpected(expected=expected, at=at):
            lines = {line: tuple(sorted(slots.items())) for line, slots in expected.items()}
            return replace(hall, expected=HashTrieMap(lines), last_at=at)
        case MessageSent(at=at):
            return replace(hall, messages=(*hall.messages, event), last_at=at)
    return hall


def _after_issue(hall: Hall, e: t.TicketIssued) -> Hall:
    place = Place(e.rank, e.order, e.seq, e.ticket)
    ticket = Ticket(
        e.ticket, e.number, e.line, e.service, place, e.at, e.citizen, e.priority, e.booking, e.slot, e.also
    )
    issued, waiting, extra = hall.issued.insert(e.line, e.seq), hall.waiting, hall.extra
    if e.booking is None:
        through = f"{e.line}/{e.channel}"
        issued = issued.insert(through, hall.issued.get(through, 0) + 1)
    for key in ticket.waits_in:
        waiting = waiting.insert(key, hall.line(key).add(place))
    for stop in e.also:
        extra = extra.insert(stop.line, extra.get(stop.line, 0) + 1)
    hall = replace(
        hall,
        last_at=e.at,
        count=hall.count + 1,
        tickets=hall.tickets.insert(ticket.id, ticket),
        waiting=waiting,
        issued=issued,
        extra=extra,
        asked=hall.asked.insert(e.service, hall.asked.get(e.service, 0) + 1),
    )
    if e.rank < ORDINARY:
        hall = replace(hall, preferred=hall.preferred.insert(e.line, hall.preferred.get(e.line, 0) + 1))
    return _arrived(hall, e, e.booking, e.slot) if e.booking and e.slot else hall


def _arrived(hall: Hall, e: t.TicketIssued, booking: UUID, slot: datetime) -> Hall:
    came = hall.arrived.get((e.line, slot), 0) + 1
    return replace(
        hall, used=hall.used.insert(booking, e.ticket), arrived=hall.arrived.insert((e.line, slot), came)
    )


def _after(hall: Hall, old: Ticket, event: t.TicketEvent) -> Hall:
    """Move one ticket on, and with it the lists that it stands in."""
    new = _moved(old, event)
    waiting, busy, seen = hall.waiting, hall.busy, hall.seen
    for key in old.waits_in if old.status == "waiting" else ():
        waiting = waiting.insert(key, waiting[key].remove(old.place))
    for key in new.waits_in if new.status == "waiting" else ():
        line = waiting.get(key)
        waiting = waiting.insert(key, (NOBODY if line is None else line).add(new.place))
    if old.counter and busy.get(old.counter) == old.id:
        busy = busy.remove(old.counter)
    if new.counter and new.status in ("called", "serving"):
        busy = busy.insert(new.counter, new.id)
    if isinstance(event, t.AtCounter):
        seen = seen.insert(event.counter, event.at)
    spent = hall.spent
    if old.taken_at and new.taken_at != old.taken_at:  # that turn is over; who is held comes back to it
        known, took = spent.get(old.service, UNSPENT), (event.at - old.taken_at).total_seconds()
        people = known.people + (new.status != "held")
        spent = spent.insert(old.service, Spent(people, known.seconds + took, known.squares + took * took))
    hall = replace(
        hall,
        last_at=event.at,
        tickets=hall.tickets.insert(new.id, new),
        waiting=waiting,
        busy=busy,
        seen=seen,
        spent=spent,
    )
    return _aside(hall, new, event)


def _aside(hall: Hall, ticket: Ticket, event: t.TicketEvent) -> Hall:
    """What few events touch: turns of a ratio, further services, wishes to be told."""
    if isinstance(event, t.TicketCalled) and event.following is not None:
        hall = replace(hall, turns=hall.turns.insert(event.counter, event.following))
    if isinstance(event, t.CallClaimed):
        return replace(hall, claims=hall.claims.insert(event.call, Claim(event.board, event.until)))
    if isinstance(event, t.CallHeard):
        heard = replace(hall.claims[event.call], heard=True)
        return replace(hall, claims=hall.claims.insert(event.call, heard))
    if isinstance(event, t.ServiceAdded):
        line = event.stop.line
        hall = replace(hall, extra=hall.extra.insert(line, hall.extra.get(line, 0) + 1))
    if ticket.near is not None and ticket.status == "waiting":
        return replace(hall, wishes=hall.wishes.insert(ticket.id, ticket.near))
    if ticket.id in hall.wishes:
        return replace(hall, wishes=hall.wishes.remove(ticket.id))
    return hall


def _moved(old: Ticket, event: t.TicketEvent) -> Ticket:
    gone: dict[str, Any] = {"taken_at": None, "serving_since": None}
    match event:
        case t.TicketCalled(counter=counter):
            stop, rest = old.here_for(event.line, event.service)
            here: dict[str, Any] = {"line": stop.line, "service": stop.service, "rest": rest}
            if old.counter:  # sent to this counter: for what it was here for
                here = {}
            here |= {"heard_at": None, "taken_at": event.at, "why": event.why, "turn": event.turn}
            return replace(old, status="called", counter=counter, **here)
        case t.TicketStarted(counter=counter) | t.TicketResumed(counter=counter):
            here = {"taken_at": old.taken_at or event.at, "serving_since": event.at, "turn": event.turn}
            return replace(old, status="serving", counter=counter, **here)
        case t.TicketHeld(served=served):
            return replace(old, status="held", served=served, **gone)
        case t.TicketMissed():
            return replace(old, status="missed", counter=None, missed_at=event.at, **gone)
        case t.TicketServed():
            return _served(old, event)
        case t.TicketCompleted(served=served):
            return replace(old, status="completed", served=served, done=(*old.done, old.stop), **gone)
        case t.TicketRejoined(rank=rank, order=order):
            place = old.place._replace(rank=rank, order=order)
            again: dict[str, Any] = {"rejoins": old.rejoins + 1, "waits_since": event.at}
            return replace(old, status="waiting", counter=None, place=place, **again)
        case t.TicketTransferred(line=line, counter=counter, served=served):
            to: dict[str, Any] = {"line": line, "counter": counter, "served": served, "waits_since": event.at}
            return replace(old, status="waiting", **to, **gone)
        case t.TicketCancelled():
            return replace(old, status="cancelled", **gone)
        case t.TicketLapsed():
            return replace(old, status="lapsed", **gone)
    return _wished(old, event)


def _served(old: Ticket, event: t.TicketServed) -> Ticket:
    """One service of the visit is done."""
    done, stop = (*old.done, old.stop), event.onward
    here: dict[str, Any] = {"done": done, "served": 0.0, "line": stop.line, "service": stop.service}
    rest = tuple(each for each in old.rest if each != stop)
    if event.sitting:
        return replace(old, **here, rest=rest, taken_at=event.at, serving_since=event.at, turn=old.turn + 1)
    waits: dict[str, Any] = {"status": "waiting", "counter": None, "taken_at": None, "serving_since": None}
    return replace(old, **here, **waits, rest=rest, waits_since=event.at)


def _wished(old: Ticket, event: t.TicketEvent) -> Ticket:
    """What its holder wants besides."""
    match event:
        case t.TicketRecalled():
            return replace(old, heard_at=None)
        case t.CallHeard():
            return replace(old, heard_at=event.at)
        case t.PrintRequested(job=job):
            return replace(old, jobs=(*old.jobs, (job, "pending")))
        case t.PrintConfirmed(job=job):
            return replace(old, jobs=tuple((j, "printed" if j == job else s) for j, s in old.jobs))
        case t.PrintFailed(job=job, reason=reason):
            return replace(old, jobs=tuple((j, reason if j == job else s) for j, s in old.jobs))
        case t.ServiceAdded(stop=stop):
            return replace(old, rest=(*old.rest, stop))
        case t.ServiceDropped(onward=onward):
            rest = tuple(each for each in old.rest if each not in (event.stop, onward))
            return replace(old, line=onward.line, service=onward.service, rest=rest)
        case t.NearWished(nth=nth):
            return replace(old, near=nth)
        case t.TicketNear():
            return replace(old, near=None)
    return old


def _at_desk(hall: Hall, event: CounterEvent) -> Hall:
    desk, seen = hall.desks.get(event.counter, UNMANNED), hall.seen.insert(event.counter, event.at)
    match event:
        case CounterStaffed(officer=officer, skills=skills):
            desk = Seat(officer, None if skills is None else frozenset(skills))
        case CounterPaused(reason=reason, until=until):
            desk = replace(desk, paused=reason, until=until)
        case CounterReopened():
            desk = replace(desk, paused=None, until=None)
        case CounterLeft():
            desk, seen = UNMANNED, hall.seen.discard(event.counter)
    return replace(hall, last_at=event.at, seen=seen, desks=hall.desks.insert(event.counter, desk))
