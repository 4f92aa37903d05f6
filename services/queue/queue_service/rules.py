"""The rules of a hall: a command and the state of the day become events, or a refusal."""

from datetime import datetime, timedelta
from typing import Any

from mpp.eventsourcing.decider import Decider, Event, Invalid, Rejected
from queue_service import command as c
from queue_service import ticket as t
from queue_service.hall import Hall, HallClosed, HallOpened, PlanChanged, evolve
from queue_service.plan import ORDINARY, Plan
from queue_service.ticket import Ticket, WrongState, number_of

GAP = 1 << 40  # between the orders of two tickets, so that forty others fit one before the other


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


def decide(command: c.At, hall: Hall) -> list[Event]:
    """The rules of a day; whatever a clock says, time does not run backwards in one hall."""
    if hall.plan is None:
        if isinstance(command, c.OpenHall):
            return [HallOpened(plan=command.plan, at=command.at)]
        raise HallNotOpened
    at, plan = max(command.at, hall.last_at), hall.plan
    match command:
        case c.OpenHall():
            return []
        case _ if hall.closed:
            raise MallClosed("the day is over", reason="day-over")
        case c.ChangePlan(plan=changed):
            return [] if changed == plan else [PlanChanged(plan=changed, at=at)]
        case c.IssueTicket():
            return [_issue(command, hall, plan, at)]
        case c.QuickServe():
            return _quick_serve(command, hall, plan, at)
        case c.CallNext(counter=counter):
            return _call_next(counter, hall, plan, at)
        case c.Transfer():
            return [_transfer(command, hall, plan, at)]
        case c.Rejoin(ticket=id):
            return [_rejoin(hall.ticket(id), hall, plan, at)]
        case c.CloseHall():
            return _close(hall, at)
        case c.OfTicket(ticket=id):
            return [_step(command, hall.ticket(id), hall, plan, at)]
    raise TypeError(f"{type(command).__name__} is no command of a hall")


def _issue(command: c.IssueTicket, hall: Hall, plan: Plan, at: datetime) -> t.TicketIssued:
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
    command: c.IssueTicket | c.QuickServe, line: str, rank: int, hall: Hall, at: datetime
) -> t.TicketIssued:
    seq = hall.issued.get(line, 0) + 1
    return t.TicketIssued(
        ticket=command.ticket,
        number=number_of(line, seq),
        line=line,
        at=at,
        service=command.service,
        channel=command.channel if isinstance(command, c.IssueTicket) else "counter",
        seq=seq,
        rank=rank,
        order=(hall.count + 1) * GAP,
        priority=command.priority if isinstance(command, c.IssueTicket) else None,
        citizen=command.citizen if isinstance(command, c.IssueTicket) else None,
        quick=isinstance(command, c.QuickServe),
    )


def open_for_tickets(plan: Plan, at: datetime) -> None:
    if plan.tickets_between is None:
        raise MallClosed("the mall is closed today", reason=plan.closed)
    opens, last = plan.tickets_between
    if at < opens:
        raise MallClosed("the mall is not open yet", reason="before-opening", opens_at=opens.isoformat())
    if at >= last:
        raise MallClosed("no more tickets today", reason="after-last-ticket", last_ticket=last.isoformat())


def _quick_serve(command: c.QuickServe, hall: Hall, plan: Plan, at: datetime) -> list[Event]:
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


def _step(command: c.OfTicket, ticket: Ticket, hall: Hall, plan: Plan, at: datetime) -> Event:
    """One ticket goes on by one step."""
    where = {**_of(ticket, at), "counter": ticket.counter}
    match command, ticket.status:
        case c.Recall(), "called":
            return t.TicketRecalled(**where, title=plan.counter(ticket.counter or "").title)
        case c.Start(), "called":
            return t.TicketStarted(**where)
        case c.Miss(), "called":
            return t.TicketMissed(**where)
        case c.Hold(), "called" | "serving":
            return t.TicketHeld(**where, served=ticket.served_until(at))
        case c.Resume(counter=counter), "held":
            chosen = plan.counter(counter or ticket.counter or "").id
            _free(chosen, hall)
            return t.TicketResumed(**{**where, "counter": chosen})
        case c.Complete(), "serving":
            return t.TicketCompleted(**where, service=ticket.service, served=ticket.served_until(at))
        case c.Cancel(), "waiting" | "called" | "held":
            return t.TicketCancelled(**_of(ticket, at))
    raise _wrong(ticket, type(command).__name__.lower())


def _transfer(command: c.Transfer, hall: Hall, plan: Plan, at: datetime) -> t.TicketTransferred:
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
    who = {"ticket": ticket.id, "number": ticket.number, "line": ticket.line, "citizen": ticket.citizen}
    return who | {"at": at}


def _wrong(ticket: Ticket, wanted: str) -> WrongState:
    return WrongState(
        f"a ticket that is {ticket.status} can't {wanted}", number=ticket.number, status=ticket.status
    )


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
