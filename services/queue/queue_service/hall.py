"""A hall: one mall on one day, its lines, counters and tickets; what must be decided together."""

from __future__ import annotations  # HashTrieMap has no type arguments at run time

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from rpds import HashTrieMap

from mpp.eventsourcing.decider import Decider, Event, Invalid, Rejected
from queue_service import ticket as t
from queue_service.places import Place, Places
from queue_service.plan import ORDINARY, Plan
from queue_service.ticket import Ticket, UnknownTicket, WrongState, number_of

CHANNELS = ("kiosk", "web", "mobile", "telegram", "counter")
GAP = 1 << 40  # between the orders of two tickets, so that forty others fit one before the other


def stream_of(mall: str, day: date) -> str:
    """The stream of one mall on one day: `hall-7406-2026-11-23`."""
    return f"hall-{mall}-{day.isoformat()}"


def mall_and_day(stream: str) -> tuple[str, date]:
    """`hall-7406-2-2026-11-23` → 7406-2 and the day."""
    return stream[:-11].removeprefix("hall-"), date.fromisoformat(stream[-10:])


class HallNotOpened(Rejected):
    """Nobody came yet: the day's plan must be brought first."""


class MallClosed(Rejected):
    """No ticket is issued now: before opening, after the last ticket, or a day without hours."""


class LineClosed(Rejected):
    """This line is closed by hand."""


class LineFull(Rejected):
    """The line's tickets of today are gone."""


class QuotaUsed(Rejected):
    """This channel's share of the line's tickets is gone; others may still have some."""


class UnknownPriority(Invalid):
    """No such priority class in this mall."""


class CounterBusy(Rejected):
    """The counter has somebody: finish first."""


class RejoinRefused(Rejected):
    """It is too late to come back, or it happened too often."""


class ServiceGoesOn(Rejected):
    """The day can't be closed while somebody is being served."""


class HallOpened(Event, type="hall-opened"):
    plan: Plan
    at: datetime


class PlanChanged(Event, type="plan-changed"):
    plan: Plan
    at: datetime


class HallClosed(Event, type="hall-closed"):
    at: datetime


@dataclass(frozen=True, slots=True)
class At:
    """Every command says when it is given."""

    at: datetime


@dataclass(frozen=True, slots=True)
class OpenHall(At):
    plan: Plan


@dataclass(frozen=True, slots=True)
class ChangePlan(At):
    plan: Plan


@dataclass(frozen=True, slots=True)
class IssueTicket(At):
    ticket: UUID
    service: str
    channel: str
    priority: str | None = None


@dataclass(frozen=True, slots=True)
class QuickServe(At):
    """Serve somebody who stands at the counter, without a wait."""

    ticket: UUID
    service: str
    counter: str


@dataclass(frozen=True, slots=True)
class CallNext(At):
    counter: str


@dataclass(frozen=True, slots=True)
class OfTicket(At):
    ticket: UUID


class Recall(OfTicket):
    pass


class Start(OfTicket):
    pass


class Complete(OfTicket):
    pass


class Hold(OfTicket):
    pass


class Miss(OfTicket):
    pass


class Rejoin(OfTicket):
    pass


class Cancel(OfTicket):
    pass


@dataclass(frozen=True, slots=True)
class Resume(OfTicket):
    counter: str | None = None


@dataclass(frozen=True, slots=True)
class Transfer(OfTicket):
    line: str | None = None
    counter: str | None = None


class CloseHall(At):
    """End the day; who still waits is let go."""


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
    served: HashTrieMap[str, tuple[int, float]] = HashTrieMap()  # line → people, seconds

    def ticket(self, id: UUID) -> Ticket:  # noqa: A002
        found = self.tickets.get(id)
        if found is None:
            raise UnknownTicket
        return found

    def line(self, key: str) -> Places:
        return self.waiting.get(key) or Places()

    def ahead_of(self, ticket: Ticket) -> int | None:
        """How many are called before this one if nobody else comes; None when it does not wait."""
        return self.line(ticket.waits_for).ahead_of(ticket.place) if ticket.status == "waiting" else None


def decide(command: At, hall: Hall) -> list[Event]:
    """The rules of a day; whatever a clock says, time does not run backwards in one hall."""
    if hall.plan is None:
        if isinstance(command, OpenHall):
            return [HallOpened(plan=command.plan, at=command.at)]
        raise HallNotOpened
    at, plan = max(command.at, hall.last_at), hall.plan
    match command:
        case OpenHall():
            return []
        case _ if hall.closed:
            raise MallClosed("the day is over", reason="day-over")
        case ChangePlan(plan=changed):
            return [] if changed == plan else [PlanChanged(plan=changed, at=at)]
        case IssueTicket():
            return [_issue(command, hall, plan, at)]
        case QuickServe():
            return _quick_serve(command, hall, plan, at)
        case CallNext(counter=counter):
            return _call_next(counter, hall, plan, at)
        case Transfer():
            return [_transfer(command, hall, plan, at)]
        case Rejoin(ticket=id):
            return [_rejoin(hall.ticket(id), hall, plan, at)]
        case CloseHall():
            return _close(hall, at)
        case OfTicket(ticket=id):
            return [_step(command, hall.ticket(id), hall, plan, at)]
    raise TypeError(f"{type(command).__name__} is no command of a hall")


def _issue(command: IssueTicket, hall: Hall, plan: Plan, at: datetime) -> t.TicketIssued:
    line = plan.line(plan.service(command.service).line)
    open_for_tickets(plan, at)
    issued, through = hall.issued.get(line.letter, 0), hall.issued.get(f"{line.letter}/{command.channel}", 0)
    quota = line.quotas.get(command.channel)
    if line.closed:
        raise LineClosed(line=line.letter, reason=line.closed)
    if line.capacity is not None and issued >= line.capacity:
        raise LineFull(line=line.letter, capacity=line.capacity)
    if quota is not None and through >= quota:
        raise QuotaUsed(line=line.letter, channel=command.channel, quota=quota)
    rank = ORDINARY
    if command.priority is not None:
        if command.priority not in plan.rules.ranks:
            raise UnknownPriority(known=sorted(plan.rules.ranks))
        rank = plan.rules.ranks[command.priority]
    return _issued(command, line.letter, rank, hall, at)


def _issued(
    command: IssueTicket | QuickServe, line: str, rank: int, hall: Hall, at: datetime
) -> t.TicketIssued:
    seq = hall.issued.get(line, 0) + 1
    return t.TicketIssued(
        ticket=command.ticket,
        number=number_of(line, seq),
        line=line,
        at=at,
        service=command.service,
        channel=command.channel if isinstance(command, IssueTicket) else "counter",
        seq=seq,
        rank=rank,
        order=(hall.count + 1) * GAP,
        priority=command.priority if isinstance(command, IssueTicket) else None,
        quick=isinstance(command, QuickServe),
    )


def open_for_tickets(plan: Plan, at: datetime) -> None:
    if plan.hours is None:
        raise MallClosed("the mall is closed today", reason=plan.closed)
    opens, last = plan.moment(plan.hours.opens), plan.moment(plan.hours.last_ticket)
    if at < opens:
        raise MallClosed("the mall is not open yet", reason="before-opening", opens_at=opens.isoformat())
    if at >= last:
        raise MallClosed("no more tickets today", reason="after-last-ticket", last_ticket=last.isoformat())


def _quick_serve(command: QuickServe, hall: Hall, plan: Plan, at: datetime) -> list[Event]:
    counter, line = plan.counter(command.counter), plan.service(command.service).line
    _free(counter.id, hall)
    issued = _issued(command, line, ORDINARY, hall, at)
    started = t.TicketStarted(
        ticket=issued.ticket, number=issued.number, line=line, at=at, counter=counter.id
    )
    return [issued, started]


def _call_next(counter_id: str, hall: Hall, plan: Plan, at: datetime) -> list[Event]:
    """Who is first among the counter's lines and those who wait for this counter alone."""
    counter = plan.counter(counter_id)
    _free(counter.id, hall)
    heads = [hall.line(key).first for key in (f"@{counter.id}", *counter.lines)]
    first = min((head for head in heads if head), default=None)
    if first is None:
        return []
    ticket = hall.ticket(first.ticket)
    return [t.TicketCalled(**_of(ticket, at), counter=counter.id, title=counter.title)]


def _step(command: OfTicket, ticket: Ticket, hall: Hall, plan: Plan, at: datetime) -> Event:
    """One ticket goes on by one step."""
    where = {**_of(ticket, at), "counter": ticket.counter}
    match command, ticket.status:
        case Recall(), "called":
            return t.TicketRecalled(**where, title=plan.counter(ticket.counter or "").title)
        case Start(), "called":
            return t.TicketStarted(**where)
        case Miss(), "called":
            return t.TicketMissed(**where)
        case Hold(), "called" | "serving":
            return t.TicketHeld(**where, served=ticket.served_until(at))
        case Resume(counter=counter), "held":
            chosen = plan.counter(counter or ticket.counter or "").id
            _free(chosen, hall)
            return t.TicketResumed(**{**where, "counter": chosen})
        case Complete(), "serving":
            return t.TicketCompleted(**where, service=ticket.service, served=ticket.served_until(at))
        case Cancel(), "waiting" | "called" | "held":
            return t.TicketCancelled(**_of(ticket, at))
    raise _wrong(ticket, type(command).__name__.lower())


def _transfer(command: Transfer, hall: Hall, plan: Plan, at: datetime) -> t.TicketTransferred:
    """To another line or to one counter; who was there first stays first."""
    ticket = hall.ticket(command.ticket)
    if (command.line is None) == (command.counter is None):
        raise Invalid("name a line or a counter to transfer to")
    if ticket.status not in ("waiting", "called", "serving", "held"):
        raise _wrong(ticket, "transfer")
    line = plan.line(command.line).letter if command.line else ticket.line
    counter = plan.counter(command.counter).id if command.counter else None
    to = {**_of(ticket, at), "line": line, "from_line": ticket.line, "counter": counter}
    return t.TicketTransferred(**to, served=ticket.served_until(at))


def _rejoin(ticket: Ticket, hall: Hall, plan: Plan, at: datetime) -> t.TicketRejoined:
    """Behind the next few of the line, never to its end."""
    rules = plan.rules
    if ticket.status != "missed" or ticket.missed_at is None:
        raise _wrong(ticket, "rejoin")
    until = ticket.missed_at + timedelta(minutes=rules.rejoin_minutes)
    if at > until or ticket.rejoins >= rules.rejoins:
        raise RejoinRefused(until=until.isoformat(), rejoins=ticket.rejoins, allowed=rules.rejoins)
    rank, line = ticket.place.rank, hall.line(ticket.line)
    start, end = line.start_of(rank), line.start_of(rank + 1)  # of those with the same right of way
    index = min(max(rules.rejoin_after, start), end)
    before, after = line.nth(index - 1) if index > start else None, line.nth(index) if index < end else None
    high = after.order if after else (hall.count + 1) * GAP  # before whoever comes next, too
    low = before.order if before else high - GAP
    return t.TicketRejoined(**_of(ticket, at), rank=rank, order=(low + high) // 2)


def _close(hall: Hall, at: datetime) -> list[Event]:
    """Everybody gets a final state."""
    ended: list[Event] = []
    for ticket in hall.tickets.values():
        if ticket.status == "serving":
            raise ServiceGoesOn(number=ticket.number, counter=ticket.counter)
        if ticket.status in ("waiting", "called", "held"):
            ended.append(t.TicketLapsed(**_of(ticket, at)))
    return [*sorted(ended, key=lambda lapsed: lapsed.ticket), HallClosed(at=at)]  # type: ignore[attr-defined]


def _free(counter: str, hall: Hall) -> None:
    if (busy := hall.busy.get(counter)) is not None:
        raise CounterBusy(counter=counter, number=hall.ticket(busy).number, ticket=str(busy))


def _of(ticket: Ticket, at: datetime) -> dict[str, Any]:
    return {"ticket": ticket.id, "number": ticket.number, "line": ticket.line, "at": at}


def _wrong(ticket: Ticket, wanted: str) -> WrongState:
    return WrongState(
        f"a ticket that is {ticket.status} can't {wanted}", number=ticket.number, status=ticket.status
    )


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
    ticket = Ticket(event.ticket, event.number, event.line, event.service, place, event.at)
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
        line = waiting.get(new.waits_for) or Places()
        waiting = waiting.insert(new.waits_for, line.add(new.place))
    if old.counter and busy.get(old.counter) == old.id:
        busy = busy.remove(old.counter)
    if new.counter and new.status in ("called", "serving"):
        busy = busy.insert(new.counter, new.id)
    if isinstance(event, t.AtCounter):
        seen = seen.insert(event.counter, event.at)
    served = hall.served
    if isinstance(event, t.TicketCompleted):
        people, seconds = served.get(old.line, (0, 0.0))
        served = served.insert(old.line, (people + 1, seconds + event.served))
    tickets = hall.tickets.insert(new.id, new)
    return replace(
        hall, last_at=event.at, tickets=tickets, waiting=waiting, busy=busy, seen=seen, served=served
    )


def _moved(old: Ticket, event: t.TicketEvent) -> Ticket:
    match event:
        case t.TicketCalled(counter=counter):
            return replace(old, status="called", counter=counter)
        case t.TicketStarted(counter=counter) | t.TicketResumed(counter=counter):
            return replace(old, status="serving", counter=counter, serving_since=event.at)
        case t.TicketHeld(served=served):
            return replace(old, status="held", serving_since=None, served=served)
        case t.TicketMissed():
            return replace(old, status="missed", counter=None, missed_at=event.at)
        case t.TicketCompleted(served=served):
            return replace(old, status="completed", serving_since=None, served=served)
        case t.TicketRejoined(rank=rank, order=order):
            place = old.place._replace(rank=rank, order=order)
            return replace(old, status="waiting", counter=None, place=place, rejoins=old.rejoins + 1)
        case t.TicketTransferred(line=line, counter=counter, served=served):
            return replace(
                old, status="waiting", line=line, counter=counter, serving_since=None, served=served
            )
        case t.TicketCancelled():
            return replace(old, status="cancelled", serving_since=None)
        case t.TicketLapsed():
            return replace(old, status="lapsed")
    return old


EVENTS: tuple[type[Event], ...] = (
    HallOpened,
    PlanChanged,
    HallClosed,
    t.TicketIssued,
    t.TicketCalled,
    t.TicketRecalled,
    t.TicketStarted,
    t.TicketHeld,
    t.TicketResumed,
    t.TicketMissed,
    t.TicketCompleted,
    t.TicketRejoined,
    t.TicketTransferred,
    t.TicketCancelled,
    t.TicketLapsed,
)
decider: Decider[Hall] = Decider("hall", Hall(), decide, evolve, EVENTS)
