"""What the queue promises of every hall, checked on the log alone and without its own fold."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from mpp.eventsourcing.log import Recorded
from queue_service import booking as b
from queue_service import ticket as t
from queue_service.hall import HallClosed, HallOpened, PlanChanged
from queue_service.plan import Plan
from queue_service.slots import Offered


def check(stream: str, recorded: Sequence[Recorded]) -> list[str]:
    """Broken promises of one hall: gaps, doubles, people called twice, limits passed, open ends; of one day's
    slots: oversold, booked twice, used twice.
    """
    if stream.startswith("slots-"):
        return _slots(recorded)
    if not stream.startswith("hall-"):
        return []
    every = (_numbers, _lives, _counters, _limits, _check_ins)
    return [broken for promise in every for broken in promise(recorded)]


def _numbers(recorded: Sequence[Recorded]) -> list[str]:
    """Each line counts 1, 2, 3 … and no ticket is issued twice."""
    lines: dict[str, list[str]] = defaultdict(list)
    tickets: Counter[UUID] = Counter()
    for r in recorded:
        if isinstance(r.event, t.TicketIssued):
            lines[r.event.line].append(r.event.number)
            tickets[r.event.ticket] += 1
    wrong = [
        f"line {line}: numbers are not 1…{len(numbers)}"
        for line, numbers in lines.items()
        if numbers != [t.number_of(line, n + 1) for n in range(len(numbers))]
    ]
    return wrong + [f"ticket {ticket} issued {n} times" for ticket, n in tickets.items() if n > 1]


def _lives(recorded: Sequence[Recorded]) -> list[str]:
    """Called once in each wait and never after the end, ended once; when the day is closed, everybody is."""
    waits: dict[UUID, bool] = {}
    ended: set[UUID] = set()
    wrong, closed = [], False
    for event in (r.event for r in recorded):
        match event:
            case t.TicketIssued(ticket=ticket):
                waits[ticket] = True
            case t.TicketCalled(ticket=ticket, number=number):
                if not waits.get(ticket):
                    wrong.append(f"{number} called twice, or not waiting")
                waits[ticket] = False
            case t.TicketStarted(ticket=ticket) | t.TicketServed(ticket=ticket, sitting=True):
                waits[ticket] = False
            case t.TicketServed(ticket=ticket):
                waits[ticket] = True
            case t.TicketTransferred(ticket=ticket, number=number):
                if ticket in ended:
                    wrong.append(f"{number} handed on after its end")
                waits[ticket] = True
            case t.TicketRejoined(ticket=ticket, number=number):
                if ticket not in ended:
                    wrong.append(f"{number} came back without having gone")
                waits[ticket] = True
                ended.discard(ticket)
            case t.TicketMissed() | t.TicketCompleted() | t.TicketCancelled() | t.TicketLapsed():
                if event.ticket in ended:
                    wrong.append(f"{event.number} ended twice")
                ended.add(event.ticket)
                waits[event.ticket] = False
            case HallClosed():
                closed = True
    return wrong + [
        f"ticket {ticket} has no final state" for ticket in waits if closed and ticket not in ended
    ]


def _counters(recorded: Sequence[Recorded]) -> list[str]:
    """A counter has one person at a time, and a person one counter."""
    at: dict[UUID, str] = {}
    wrong = []
    for event in (r.event for r in recorded):
        match event:
            case t.TicketCalled() | t.TicketStarted() | t.TicketResumed():
                others = [ticket for ticket, counter in at.items() if counter == event.counter]
                if any(ticket != event.ticket for ticket in others):
                    wrong.append(f"{event.counter} has two people")
                if at.get(event.ticket, event.counter) != event.counter:
                    wrong.append(f"{event.number} is at two counters")
                at[event.ticket] = event.counter
            case t.TicketServed(sitting=True):
                if event.counter != at.get(event.ticket):
                    wrong.append(f"{event.number} goes on at another counter")
            case t.TicketIssued() | t.TicketRecalled() | t.Aside():
                continue
            case t.TicketEvent(ticket=ticket):
                at.pop(ticket, None)
    return wrong


def _limits(recorded: Sequence[Recorded]) -> list[str]:
    """Capacity and quotas of the plan as it was when the ticket was issued."""
    plan: Plan | None = None
    issued: Counter[str] = Counter()
    wrong = []
    for event in (r.event for r in recorded):
        match event:
            case HallOpened() | PlanChanged():
                plan = event.plan
            case t.TicketIssued(line=line, channel=channel):
                issued[line] += 1
                issued[f"{line}/{channel}"] += event.booking is None
                limits = plan.lines.get(line) if plan else None
                if limits is None or event.quick or event.booking:
                    continue
                if limits.capacity is not None and issued[line] > limits.capacity:
                    wrong.append(f"line {line}: more than {limits.capacity} tickets")
                if issued[f"{line}/{channel}"] > limits.quotas.get(channel, issued.total()):
                    wrong.append(f"line {line}: more than its quota for {channel}")
    return wrong


def _check_ins(recorded: Sequence[Recorded]) -> list[str]:
    """A booking becomes one ticket."""
    used = Counter(
        r.event.booking for r in recorded if isinstance(r.event, t.TicketIssued) and r.event.booking
    )
    return [f"booking {booking} became {n} tickets" for booking, n in used.items() if n > 1]


def _slots(recorded: Sequence[Recorded]) -> list[str]:
    """No slot has more bookings than it took when the last was made; a booking is made and ended once."""
    offered: Offered | None = None
    slots: dict[UUID, tuple[str, datetime]] = {}
    ended: set[UUID] = set()
    wrong = []
    for event in (r.event for r in recorded):
        match event:
            case b.SlotsOffered():
                offered = event.offered
            case b.BookingMade(booking=booking, line=line, slot=slot):
                if booking in slots:
                    wrong.append(f"booking {booking} made twice")
                slots[booking] = (line, slot)
                live = sum(place == (line, slot) for each, place in slots.items() if each not in ended)
                if offered is None or live > offered.lines[line].takes:
                    wrong.append(f"line {line} at {slot.isoformat()} is oversold")
            case b.BookingUsed(booking=booking) | b.BookingCancelled(booking=booking):
                if booking in ended:
                    wrong.append(f"booking {booking} ended twice")
                if isinstance(event, b.BookingCancelled):
                    ended.add(booking)
    used = Counter(r.event.booking for r in recorded if isinstance(r.event, b.BookingUsed))
    return wrong + [f"booking {booking} used {n} times" for booking, n in used.items() if n > 1]
