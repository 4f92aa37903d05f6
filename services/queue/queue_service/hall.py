"""A hall: one mall on one day, its lines, counters and tickets; what must be decided together."""

from __future__ import annotations  # HashTrieMap has no type arguments at run time

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from rpds import HashTrieMap

from mpp.eventsourcing.decider import Event
from queue_service import ticket as t
from queue_service.places import Place, Places
from queue_service.plan import Plan
from queue_service.ticket import Ticket, UnknownTicket


def stream_of(mall: str, day: date) -> str:
    """The stream of one mall on one day: `hall-7406-2026-11-23`."""
    return f"hall-{mall}-{day.isoformat()}"


def mall_and_day(stream: str) -> tuple[str, date]:
    """`hall-7406-2-2026-11-23` → 7406-2 and the day."""
    return stream[:-11].removeprefix("hall-"), date.fromisoformat(stream[-10:])


class HallOpened(Event, type="hall-opened"):
    plan: Plan
    at: datetime


class PlanChanged(Event, type="plan-changed"):
    plan: Plan
    at: datetime


class HallClosed(Event, type="hall-closed"):
    at: datetime


NOBODY = Places()


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
    spent: HashTrieMap[str, tuple[int, float]] = HashTrieMap()  # line → people, seconds at counters

    def ticket(self, id: UUID) -> Ticket:  # noqa: A002
        found = self.tickets.get(id)
        if found is None:
            raise UnknownTicket
        return found

    def line(self, key: str) -> Places:
        found = self.waiting.get(key)
        return NOBODY if found is None else found

    def ahead_of(self, ticket: Ticket) -> int | None:
        """How many are called before this one if nobody else comes; None when it does not wait."""
        return self.line(ticket.waits_for).ahead_of(ticket.place) if ticket.status == "waiting" else None


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
    return hall


def _after_issue(hall: Hall, event: t.TicketIssued) -> Hall:
    place = Place(event.rank, event.order, event.seq, event.ticket)
    ticket = Ticket(event.ticket, event.number, event.line, event.service, place, event.at, event.citizen)
    through = f"{event.line}/{event.channel}"
    return replace(
        hall,
        last_at=event.at,
        count=hall.count + 1,
        tickets=hall.tickets.insert(ticket.id, ticket),
        waiting=hall.waiting.insert(ticket.line, hall.line(ticket.line).add(place)),
        issued=hall.issued.insert(event.line, event.seq).insert(through, hall.issued.get(through, 0) + 1),
    )


def _after(hall: Hall, old: Ticket, event: t.TicketEvent) -> Hall:
    """Move one ticket on, and with it the lists that it stands in."""
    new = _moved(old, event)
    waiting, busy, seen = hall.waiting, hall.busy, hall.seen
    if old.status == "waiting":
        waiting = waiting.insert(old.waits_for, hall.line(old.waits_for).remove(old.place))
    if new.status == "waiting":
        line = waiting.get(new.waits_for)
        waiting = waiting.insert(new.waits_for, (NOBODY if line is None else line).add(new.place))
    if old.counter and busy.get(old.counter) == old.id:
        busy = busy.remove(old.counter)
    if new.counter and new.status in ("called", "serving"):
        busy = busy.insert(new.counter, new.id)
    if isinstance(event, t.AtCounter):
        seen = seen.insert(event.counter, event.at)
    spent = hall.spent
    if old.taken_at and not new.taken_at:  # the counter is free again; who is held comes back to it
        people, seconds = spent.get(old.line, (0, 0.0))
        took = (event.at - old.taken_at).total_seconds()
        spent = spent.insert(old.line, (people + (new.status != "held"), seconds + took))
    tickets = hall.tickets.insert(new.id, new)
    return replace(
        hall, last_at=event.at, tickets=tickets, waiting=waiting, busy=busy, seen=seen, spent=spent
    )


def _moved(old: Ticket, event: t.TicketEvent) -> Ticket:
    gone: dict[str, Any] = {"taken_at": None, "serving_since": None}
    match event:
        case t.TicketCalled(counter=counter):
            return replace(old, status="called", counter=counter, taken_at=event.at)
        case t.TicketStarted(counter=counter) | t.TicketResumed(counter=counter):
            taken_at = old.taken_at or event.at
            return replace(old, status="serving", counter=counter, taken_at=taken_at, serving_since=event.at)
        case t.TicketHeld(served=served):
            return replace(old, status="held", served=served, **gone)
        case t.TicketMissed():
            return replace(old, status="missed", counter=None, missed_at=event.at, **gone)
        case t.TicketCompleted(served=served):
            return replace(old, status="completed", served=served, **gone)
        case t.TicketRejoined(rank=rank, order=order):
            place = old.place._replace(rank=rank, order=order)
            return replace(old, status="waiting", counter=None, place=place, rejoins=old.rejoins + 1)
        case t.TicketTransferred(line=line, counter=counter, served=served):
            return replace(old, status="waiting", line=line, counter=counter, served=served, **gone)
        case t.TicketCancelled():
            return replace(old, status="cancelled", **gone)
        case t.TicketLapsed():
            return replace(old, status="lapsed", **gone)
    return old
