"""The rules of a hall: a command and the state of the day become events, or a refusal."""

from datetime import datetime, timedelta
from typing import Any

from mpp.eventsourcing.decider import Decider, Event, Invalid, Rejected
from queue_service import command as c
from queue_service import hall as h
from queue_service import kiosk
from queue_service import ticket as t
from queue_service.calling import choose
from queue_service.hall import Hall, evolve
from queue_service.issuing import (
    SERVICES,
    MallClosed,
    TooManyServices,
    check_in,
    free,
    has_room,
    issue,
    order_of,
    quick_serve,
)
from queue_service.plan import Plan
from queue_service.ticket import Stop, Ticket, WrongState

GAP = 1 << 46  # before the first of a line, a second of orders


class HallNotOpened(Rejected):
    """Nobody came yet: the day's plan must be brought first."""


class RejoinRefused(Rejected):
    """It is too late to come back, or it happened too often."""


class ServiceGoesOn(Rejected):
    """The day can't be closed while somebody is being served."""


def decide(command: c.At, hall: Hall) -> list[Event]:
    """The rules of a day; whatever a clock says, time does not run backwards in one hall."""
    if hall.plan is None:
        if isinstance(command, c.OpenHall):
            return [h.HallOpened(plan=command.plan, at=command.at)]
        raise HallNotOpened
    at, plan = max(command.at, hall.last_at), hall.plan
    events = _decide(command, hall, plan, at)
    return [*events, *_near(events, hall, at)] if hall.wishes or isinstance(command, c.WishNear) else events


def _decide(command: c.At, hall: Hall, plan: Plan, at: datetime) -> list[Event]:
    match command:
        case c.OpenHall():
            return []
        case _ if hall.closed:
            raise MallClosed("the day is over", reason="day-over")
        case c.ChangePlan(plan=changed):
            return [] if changed == plan else [h.PlanChanged(plan=changed, at=at)]
        case c.IssueTicket():
            return [issue(command, hall, plan, at)]
        case c.QuickServe():
            return quick_serve(command, hall, plan, at)
        case c.CheckIn():
            return [check_in(command, hall, plan, at)]
        case c.ExpectBookings(expected=expected):
            return _expect(expected, hall, at)
        case c.Announce():
            return [_message(command, hall, plan, at)]
        case c.CallNext(counter=counter):
            return _call_next(counter, hall, plan, at)
        case c.OfCounter():
            return _at_counter(command, hall, plan, at)
        case c.Transfer():
            return [_transfer(command, hall, plan, at)]
        case c.Rejoin(ticket=id):
            return [_rejoin(hall.ticket(id), hall, plan, at)]
        case c.AddService():
            return _add(command, hall, plan, at)
        case c.DropService(ticket=id, service=code):
            return [_drop(hall.ticket(id), code, at)]
        case c.WishNear(ticket=id, nth=nth):
            return _wish(hall.ticket(id), nth, at)
        case c.CloseHall():
            return _close(hall, at)
        case c.RequestPrint() | c.EndPrint():
            return kiosk.printed(command, hall.ticket(command.ticket), at)
        case c.ClaimCall() | c.HearCall():
            return kiosk.spoken(command, hall.ticket(command.ticket), hall.claims.get(command.call), at)
        case c.OfTicket(ticket=id):
            return [_step(command, hall.ticket(id), hall, plan, at)]
    raise TypeError(f"{type(command).__name__} is no command of a hall")


def _expect(expected: c.Expected, hall: Hall, at: datetime) -> list[Event]:
    known = {line: dict(slots) for line, slots in hall.expected.items()}
    wanted = {line: dict(slots) for line, slots in expected.items()}
    return [] if wanted == known else [h.BookingsExpected(expected=wanted, at=at)]


def _message(command: c.Announce, hall: Hall, plan: Plan, at: datetime) -> Event:
    if (command.minutes is None) == (command.kind == "delayed"):
        raise Invalid("a delay has minutes, a closing has none")
    if (command.closes_at is None) == (command.kind == "closing"):
        raise Invalid("a closing has its time, a delay has none")
    if command.line:
        plan.line(command.line)
    if command.ticket:
        hall.ticket(command.ticket)
    names = ("message", "kind", "minutes", "closes_at", "line", "ticket")
    return h.MessageSent(**{name: getattr(command, name) for name in names}, at=at)


def _call_next(counter_id: str, hall: Hall, plan: Plan, at: datetime) -> list[Event]:
    """Whom the rules choose; a counter that calls is not paused any longer."""
    counter = plan.counter(counter_id)
    free(counter.id, hall)
    paused = hall.desks.get(counter.id, h.UNMANNED).paused
    back: list[Event] = [h.CounterReopened(counter=counter.id, at=at)] if paused else []
    choice = choose(hall, plan, counter, at)
    if choice is None:
        return back
    where = {**t.of(choice.ticket, at), "line": choice.stop.line}
    called = t.TicketCalled(
        **where,
        counter=counter.id,
        title=counter.title,
        service=choice.stop.service,
        turn=choice.ticket.turn + 1,
        waited=(at - (choice.ticket.waits_since or choice.ticket.issued_at)).total_seconds(),
        why=choice.why,
        following=choice.turn,
    )
    return [*back, called]


def _at_counter(command: c.OfCounter, hall: Hall, plan: Plan, at: datetime) -> list[Event]:
    counter = plan.counter(command.counter).id
    desk, seat = hall.desks.get(counter), {"counter": counter, "at": at}
    match command:
        case c.SitDown(officer=officer, skills=skills):
            for code in skills or ():
                plan.service(code)
            return [h.CounterStaffed(**seat, officer=officer, skills=skills)]
        case c.PauseCounter(reason=reason, until=until):
            return [h.CounterPaused(**seat, reason=reason, until=until)]
        case c.ReopenCounter():
            return [h.CounterReopened(**seat)] if desk and desk.paused else []
        case c.LeaveCounter():
            free(counter, hall)
            return [h.CounterLeft(**seat)] if desk and desk != h.UNMANNED else []
    raise TypeError(f"{type(command).__name__} is no command of a counter")


def _step(command: c.OfTicket, ticket: Ticket, hall: Hall, plan: Plan, at: datetime) -> Event:
    """One ticket goes on by one step."""
    where = {**t.of(ticket, at), "counter": ticket.counter, "turn": ticket.turn}
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
            free(chosen, hall)
            return t.TicketResumed(**{**where, "counter": chosen})
        case c.Complete(onward=onward), "serving":
            return _complete(ticket, onward, where, at)
        case c.Cancel(), "waiting" | "called" | "held":
            return t.TicketCancelled(**t.of(ticket, at))
    raise _wrong(ticket, type(command).__name__.lower())


def _complete(ticket: Ticket, onward: str | None, where: dict[str, Any], at: datetime) -> Event:
    """The last service ends the ticket; after any other it goes on here, or waits for the rest."""
    done = {**where, "service": ticket.service, "served": ticket.served_until(at)}
    if onward is None and not ticket.rest:
        return t.TicketCompleted(**done)
    if onward is None:
        return t.TicketServed(**done, onward=ticket.rest[0], sitting=False)
    following = next((stop for stop in ticket.rest if stop.service == onward), None)
    if following is None:
        raise Invalid("the visit has no such service left", service=onward)
    return t.TicketServed(**done, onward=following, sitting=True)


def _add(command: c.AddService, hall: Hall, plan: Plan, at: datetime) -> list[Event]:
    """One more service for the same visit."""
    ticket = hall.ticket(command.ticket)
    stop = Stop(service=command.service, line=plan.service(command.service).line)
    if ticket.status in t.FINAL:
        raise _wrong(ticket, "add-service")
    if stop in (ticket.stop, *ticket.rest):
        return []
    if len(ticket.rest) + len(ticket.done) + 2 > SERVICES:
        raise TooManyServices(allowed=SERVICES)
    if command.limited:
        has_room(stop.line, hall, plan, at)
    return [t.ServiceAdded(**t.of(ticket, at), stop=stop)]


def _drop(ticket: Ticket, code: str, at: datetime) -> Event:
    """One service less; the last is given back with the ticket."""
    stop = next((stop for stop in (ticket.stop, *ticket.rest) if stop.service == code), None)
    if stop is None:
        raise Invalid("the visit has no such service left", service=code)
    if not ticket.rest or (stop == ticket.stop and ticket.status != "waiting"):
        raise _wrong(ticket, "drop-service")
    onward = ticket.rest[0] if stop == ticket.stop else ticket.stop
    return t.ServiceDropped(**t.of(ticket, at), stop=stop, onward=onward)


def _wish(ticket: Ticket, nth: int | None, at: datetime) -> list[Event]:
    if ticket.status in t.FINAL:
        raise _wrong(ticket, "near")
    return [] if ticket.near == nth else [t.NearWished(**t.of(ticket, at), nth=nth)]


def _near(events: list[Event], hall: Hall, at: datetime) -> list[Event]:
    """Who wanted to be told that it is the n-th, and now is; once."""
    for event in events:
        hall = evolve(hall, event)
    told: list[Event] = []
    for id_, nth in hall.wishes.items():
        ticket = hall.tickets[id_]
        ahead = hall.ahead_of(ticket)
        if ahead is not None and ahead < nth:
            told.append(t.TicketNear(**t.of(ticket, at), position=ahead + 1))
    return sorted(told, key=lambda near: near.ticket)  # type: ignore[attr-defined]


def _transfer(command: c.Transfer, hall: Hall, plan: Plan, at: datetime) -> t.TicketTransferred:
    """To another line or to one counter; who was there first stays first."""
    ticket = hall.ticket(command.ticket)
    if (command.line is None) == (command.counter is None):
        raise Invalid("name a line or a counter to transfer to")
    if ticket.status not in ("waiting", "called", "serving", "held"):
        raise _wrong(ticket, "transfer")
    line = plan.line(command.line).letter if command.line else ticket.line
    counter = plan.counter(command.counter).id if command.counter else None
    to = {**t.of(ticket, at), "line": line, "from_line": ticket.line, "counter": counter}
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
    high = after.order if after else order_of(hall, plan, at)  # before whoever comes next, too
    low = before.order if before and before.order < high else high - GAP
    return t.TicketRejoined(**t.of(ticket, at), rank=rank, order=(low + high) // 2)


def _close(hall: Hall, at: datetime) -> list[Event]:
    """Everybody gets a final state."""
    ended: list[Event] = []
    for ticket in hall.tickets.values():
        if ticket.status == "serving":
            raise ServiceGoesOn(number=ticket.number, counter=ticket.counter)
        if ticket.status in ("waiting", "called", "held"):
            ended.append(t.TicketLapsed(**t.of(ticket, at)))
    return [*sorted(ended, key=lambda lapsed: lapsed.ticket), h.HallClosed(at=at)]  # type: ignore[attr-defined]


def _wrong(ticket: Ticket, wanted: str) -> WrongState:
    return WrongState(
        f"a ticket that is {ticket.status} can't {wanted}", number=ticket.number, status=ticket.status
    )


EVENTS: tuple[type[Event], ...] = (
    h.HallOpened,
    h.PlanChanged,
    h.HallClosed,
    h.BookingsExpected,
    h.MessageSent,
    h.CounterStaffed,
    h.CounterPaused,
    h.CounterReopened,
    h.CounterLeft,
    *(
        e
        for e in vars(t).values()
        if isinstance(e, type) and issubclass(e, t.TicketEvent) and e.__dict__.get("type")
    ),
)
decider: Decider[Hall] = Decider("hall", Hall(), decide, evolve, EVENTS)
