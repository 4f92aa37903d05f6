"""Slots: what can be booked at one mall on one day, made from its plan."""

from collections.abc import Mapping
from datetime import date as Date
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from queue_service.plan import Booking, Frozen, Plan


class Offer(Frozen):
    """The slots of one line: when they begin, how many each takes, and by which rules."""

    starts: tuple[time, ...]
    takes: int
    rules: Booking


class Offered(Frozen):
    """What one mall offers on one day."""

    mall: str
    date: Date
    timezone: str
    closed: str = ""
    services: Mapping[str, str] = {}  # service → line
    lines: Mapping[str, Offer] = {}
    per_person: int = 1

    def moment(self, clock: time) -> datetime:
        return datetime.combine(self.date, clock, ZoneInfo(self.timezone))

    def opens(self, line: str) -> datetime:
        """From when on this day can be booked."""
        rules = self.lines[line].rules
        return self.moment(rules.opens_at) - timedelta(days=rules.days_ahead)

    def slots(self, line: str) -> list[datetime]:
        return [self.moment(start) for start in self.lines[line].starts]

    def has(self, line: str, slot: datetime) -> bool:
        offer = self.lines.get(line)
        return bool(offer and offer.takes and slot in self.slots(line))

    @classmethod
    def of(cls, plan: Plan) -> "Offered":
        lines = {
            letter: _offer(plan, letter, rules)
            for letter, rules in plan.booking.items()
            if plan.lines[letter].closed is None
        }
        return cls(
            mall=plan.mall,
            date=plan.date,
            timezone=plan.timezone,
            closed=plan.closed,
            services={s.code: s.line for s in plan.services.values() if s.line in lines},
            lines=lines,
            per_person=plan.rules.bookings_per_person,
        )


def _offer(plan: Plan, line: str, rules: Booking) -> Offer:
    starts = _starts(plan, rules)
    takes = rules.per_slot
    if takes is None:
        served = (
            len(plan.desks.get(line, ())) * rules.slot_minutes / plan.minutes.get(line, rules.slot_minutes)
        )
        takes = int(served * (1 - rules.walk_in_share))
    capacity = plan.lines[line].capacity
    if capacity is not None and starts:  # of a limited line the walk-ins keep their share, too
        takes = min(takes, int(capacity * (1 - rules.walk_in_share)) // len(starts))
    return Offer(starts=starts, takes=takes, rules=rules)


def _starts(plan: Plan, rules: Booking) -> tuple[time, ...]:
    """One slot after the other, with the buffer between them, so that each ends before the last ticket."""
    if plan.hours is None:
        return ()
    slot, last = plan.moment(plan.hours.opens), plan.moment(plan.hours.last_ticket)
    length, step = (
        timedelta(minutes=rules.slot_minutes),
        timedelta(minutes=rules.slot_minutes + rules.buffer_minutes),
    )
    starts = []
    while slot + length <= last:
        starts.append(slot.time())
        slot += step
    return tuple(starts)
