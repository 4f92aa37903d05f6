"""The clock of an application: how long it ran in the mall's working time, and when it must have ended."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from datetime import date as Date
from typing import Literal
from zoneinfo import ZoneInfo

from mpp.eventsourcing.decider import Rejected

Unit = Literal["hours", "working-hours", "working-days"]
Hours = tuple[time, time]
Pause = tuple[datetime, datetime]
Span = tuple[datetime, datetime]
HORIZON = 3 * 366  # days looked ahead before a calendar counts as one that never opens
MIDNIGHT, DAY, SATURDAY = time(), timedelta(days=1), 5
OFFICE: Hours = (time(8), time(16))  # where the catalog has not told the mall's hours
WEEK: tuple[Hours | None, ...] = (OFFICE,) * 5 + (None, None)


class NeverOpen(Rejected):
    """The mall's calendar has no working time for years, so no time limit can be told."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a mall works: seven days from Monday; `closed`: holidays; `special`: single dates by hand."""

    zone: str
    week: tuple[Hours | None, ...] = WEEK
    closed: frozenset[Date] = frozenset()
    special: Mapping[Date, Hours | None] = field(default_factory=dict)

    def hours(self, day: Date) -> Hours | None:
        if day in self.special:
            return self.special[day]
        return None if day in self.closed else self.week[day.weekday()]

    def at(self, day: Date, clock: time) -> datetime:
        """This wall-clock time in UTC, so that differences are real durations."""
        return datetime.combine(day, clock, ZoneInfo(self.zone)).astimezone(UTC)

    def day(self, moment: datetime) -> Date:
        return moment.astimezone(ZoneInfo(self.zone)).date()


def due(
    calendar: Calendar, started: datetime, amount: float, unit: Unit, pauses: Sequence[Pause] = ()
) -> datetime:
    """When so much working time has gone by since `started`; UTC. Raises NeverOpen.

    hours: around the clock on working days (Permendagri 19/2018 speaks of hours, not of office hours);
    working-hours: while the mall is open; working-days: until the end of the n-th working day after the day
    of the start, a day on which the clock was paused during all opening hours not counted.
    """
    if unit == "working-days":
        return _end_of(calendar, started, int(amount), pauses)
    rest = timedelta(hours=amount)
    for opens, closes in _running(calendar, unit, started, pauses):
        if rest <= closes - opens:
            return opens + rest
        rest -= closes - opens
    raise NeverOpen


def _end_of(calendar: Calendar, started: datetime, days: int, pauses: Sequence[Pause]) -> datetime:
    day = calendar.day(started)
    for _ in range(HORIZON):
        if days <= 0:
            return calendar.at(day + DAY, MIDNIGHT)
        day += DAY
        days -= _counts(calendar, day, pauses)
    raise NeverOpen


def _counts(calendar: Calendar, day: Date, pauses: Sequence[Pause]) -> bool:
    hours = calendar.hours(day)
    return hours is not None and bool([*_outside(_span(calendar, day, hours), pauses)])


def _running(calendar: Calendar, unit: Unit, started: datetime, pauses: Sequence[Pause]) -> Iterator[Span]:
    """The spans in which the clock runs, in order, each within one day."""
    first = calendar.day(started)
    for n in range(HORIZON):
        day = first + n * DAY
        if hours := calendar.hours(day):
            whole = unit == "hours"
            opens, closes = _span(calendar, day, (MIDNIGHT, MIDNIGHT) if whole else hours)
            yield from _outside((max(opens, started.astimezone(UTC)), closes), pauses)


def _span(calendar: Calendar, day: Date, hours: Hours) -> Span:
    """Closing at midnight is the end of the day."""
    opens, closes = hours
    return calendar.at(day, opens), calendar.at(day + DAY if closes == MIDNIGHT else day, closes)


def _outside(span: Span, pauses: Sequence[Pause]) -> Iterator[Span]:
    """What is left of a span without the pauses."""
    at, end = span
    for begins, ends in sorted(pauses):
        if ends <= at or begins >= end:
            continue
        if begins > at:
            yield at, begins
        at = max(at, ends)
    if at < end:
        yield at, end
