"""Issuing: who gets a number: walk-ins, people served at once, and people who booked."""

from datetime import datetime, time, timedelta

from mpp.eventsourcing.decider import Event, Invalid, Rejected
from queue_service import command as c
from queue_service import ticket as t
from queue_service.hall import Hall
from queue_service.plan import ORDINARY, Booking, Plan
from queue_service.ticket import Stop, number_of

SERVICES = 8  # most in one visit
COUNTED, SECOND = (1 << 20) - 1, timedelta(seconds=1)


class MallClosed(Rejected):
    """No ticket is issued now: before opening, after the last ticket, or a day without hours."""


class LinePaused(Rejected):
    """No tickets for now, by hand; waiting goes on."""


class LineClosed(Rejected):
    """This line is closed by hand."""


class LineFull(Rejected):
    """The line's tickets of today are gone, or the last are kept for people who booked."""


class QuotaUsed(Rejected):
    """This channel's share of the line's tickets is gone; others may still have some."""


class UnknownPriority(Invalid):
    """No such priority class in this mall."""


class TooManyServices(Invalid):
    """One visit has at most eight services, each once."""


class CheckInEarly(Rejected):
    """It is not time for this booking yet."""


class CheckInLate(Rejected):
    """The booking was for earlier today; a number for walk-ins can still be taken."""


class BookingUsed(Rejected):
    """This booking has become a ticket already."""


class CounterBusy(Rejected):
    """The counter has somebody: finish first."""


def order_of(hall: Hall, plan: Plan, at: datetime) -> int:
    """Where somebody stands who comes at this time: by seconds of the day, then as they come.

    Between two who follow each other others fit twenty-six times; 63 bits in all.
    """
    since = (at - plan.moment(time(0))) // SECOND
    return (since << 46) + ((hall.count & COUNTED) << 26)


def came_at(order: int, plan: Plan) -> datetime:
    """The time for which somebody stands."""
    return plan.moment(time(0)) + (order >> 46) * SECOND


def issue(command: c.IssueTicket, hall: Hall, plan: Plan, at: datetime) -> t.TicketIssued:
    open_for_tickets(plan, at)
    first, *others = _stops((command.service, *command.also), plan)
    for stop in (first, *others):
        has_room(stop.line, hall, plan, at)
    quota = plan.line(first.line).quotas.get(command.channel)
    if quota is not None and hall.issued.get(f"{first.line}/{command.channel}", 0) >= quota:
        raise QuotaUsed(line=first.line, channel=command.channel, quota=quota)
    return t.TicketIssued(
        **_numbered(first.line, hall),
        ticket=command.ticket,
        at=at,
        service=first.service,
        channel=command.channel,
        rank=_rank(command.priority, plan),
        order=order_of(hall, plan, at),
        priority=command.priority,
        citizen=command.citizen,
        also=tuple(others),
    )


def _stops(services: tuple[str, ...], plan: Plan) -> list[Stop]:
    if len(services) > SERVICES or len({*services}) < len(services):
        raise TooManyServices(allowed=SERVICES)
    return [Stop(service=code, line=plan.service(code).line) for code in services]


def has_room(letter: str, hall: Hall, plan: Plan, at: datetime) -> None:
    """Raise LineClosed, LinePaused or LineFull."""
    line = plan.line(letter)
    if line.closed:
        raise LineClosed(line=letter, reason=line.closed)
    if pause := plan.pause(letter, at):
        until = pause.until.isoformat() if pause.until else None
        raise LinePaused(line=letter, reason=pause.reason, until=until)
    if line.capacity is not None and not room(letter, hall, plan, at):
        kept = kept_for_bookings(letter, hall, plan, at)
        raise LineFull(line=letter, capacity=line.capacity, kept_for_bookings=kept)


def room(letter: str, hall: Hall, plan: Plan, at: datetime) -> int | None:
    """How many tickets are left for people who did not book; None: no limit."""
    capacity = plan.line(letter).capacity
    if capacity is None:
        return None
    gone = hall.issued.get(letter, 0) + hall.extra.get(letter, 0)
    return max(0, capacity - gone - kept_for_bookings(letter, hall, plan, at))


def kept_for_bookings(letter: str, hall: Hall, plan: Plan, at: datetime) -> int:
    """Places of people who booked and may still come in time."""
    if letter not in hall.expected:
        return 0
    late = plan.booking.get(letter, Booking()).late_minutes
    return hall.still_expected(letter, at, timedelta(minutes=late))


def _numbered(line: str, hall: Hall) -> dict[str, object]:
    seq = hall.issued.get(line, 0) + 1
    return {"number": number_of(line, seq), "line": line, "seq": seq}


def _rank(priority: str | None, plan: Plan) -> int:
    if priority is None:
        return ORDINARY
    if priority not in plan.rules.ranks:
        raise UnknownPriority(known=sorted(plan.rules.ranks))
    return plan.rules.ranks[priority]


def open_for_tickets(plan: Plan, at: datetime) -> None:
    if plan.tickets_between is None:
        raise MallClosed("the mall is closed today", reason=plan.closed)
    opens, last = plan.tickets_between
    if at < opens:
        raise MallClosed("the mall is not open yet", reason="before-opening", opens_at=opens.isoformat())
    if at >= last:
        raise MallClosed("no more tickets today", reason="after-last-ticket", last_ticket=last.isoformat())


def check_in(command: c.CheckIn, hall: Hall, plan: Plan, at: datetime) -> t.TicketIssued:
    """The booking becomes a ticket in the one line; its place was promised, so no limit is asked."""
    if (ticket := hall.used.get(command.booking)) is not None:
        raise BookingUsed(number=hall.ticket(ticket).number, ticket=str(ticket))
    if plan.hours is None:
        raise MallClosed("the mall is closed today", reason=plan.closed)
    line, slot = plan.service(command.service).line, command.slot
    rules = plan.booking.get(line, Booking())
    opens, closes = (
        slot - timedelta(minutes=rules.early_minutes),
        slot + timedelta(minutes=rules.late_minutes),
    )
    if at < opens:
        raise CheckInEarly(opens_at=opens.isoformat(), slot=slot.isoformat())
    if at > closes:
        raise CheckInLate(closed_at=closes.isoformat(), slot=slot.isoformat())
    stands = at if rules.order == "arrival" else slot - timedelta(minutes=rules.lead_minutes)
    return t.TicketIssued(
        **_numbered(line, hall),
        ticket=command.ticket,
        at=at,
        service=command.service,
        channel=command.channel,
        rank=_rank(command.priority, plan),
        order=order_of(hall, plan, stands),
        priority=command.priority,
        citizen=command.citizen,
        booking=command.booking,
        slot=slot,
    )


def quick_serve(command: c.QuickServe, hall: Hall, plan: Plan, at: datetime) -> list[Event]:
    counter, line = plan.counter(command.counter), plan.service(command.service).line
    free(counter.id, hall)
    issued = t.TicketIssued(
        **_numbered(line, hall),
        ticket=command.ticket,
        at=at,
        service=command.service,
        channel="counter",
        rank=ORDINARY,
        order=order_of(hall, plan, at),
        quick=True,
    )
    started = t.TicketStarted(
        ticket=issued.ticket,
        number=issued.number,
        line=line,
        at=at,
        counter=counter.id,
        turn=1,
        quick=command.service,
    )
    return [issued, started]


def free(counter: str, hall: Hall) -> None:
    if (busy := hall.busy.get(counter)) is not None:
        raise CounterBusy(counter=counter, number=hall.ticket(busy).number, ticket=str(busy))
