"""When a mall is open: weekly hours, holidays, and single days that differ by hand."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from catalog_service.command import Command, Reason, Text
from mpp.eventsourcing.decider import Event, Invalid, NotFound, Rejected

# JSON Schema's format `time` means one with an offset; these are wall-clock times.
Clock = Annotated[
    dt.time,
    WithJsonSchema(
        {"type": "string", "pattern": r"^[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?$", "examples": ["07:30"]}
    ),
]


class Hours(BaseModel):
    """One day's opening hours in the mall's zone; no ticket is issued from `last_ticket` on."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    opens: Clock
    closes: Clock
    last_ticket: Clock

    @model_validator(mode="before")
    @classmethod
    def _last_ticket_at_closing(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("last_ticket") is None and "closes" in given:
            return {**given, "last_ticket": given["closes"]}
        return given

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not all(moment.tzinfo is None for moment in (self.opens, self.closes, self.last_ticket)):
            raise ValueError("hours are wall-clock times of the mall, without an offset")
        if not self.opens < self.last_ticket <= self.closes:
            raise ValueError("hours must run opens < last_ticket ≤ closes")
        return self


Week = tuple[Hours | None, Hours | None, Hours | None, Hours | None, Hours | None, Hours | None, Hours | None]
CLOSED: Week = (None,) * 7


class SetHours(Command):
    """Seven days from Monday, null where closed."""

    week: Week


class SetHolidays(Command):
    """The public holidays and joint leave days of one year, replacing what was known of it."""

    year: int = Field(ge=2000, le=2100)
    days: dict[dt.date, Text]


class DayTerms(Command):
    """The hours of one day, null when closed, and why they differ."""

    hours: Hours | None = None
    reason: Reason


class OverrideDay(DayTerms):
    """One date differs from week and holidays."""

    date: dt.date


class RestoreDay(Command):
    """Take an override back."""

    date: dt.date


class HoursSet(Event, type="hours-set"):
    week: Week


class HolidaysSet(Event, type="holidays-set"):
    year: int
    days: dict[dt.date, str]


class DayOverridden(Event, type="day-overridden"):
    date: dt.date
    hours: Hours | None = None
    reason: str


class DayRestored(Event, type="day-restored"):
    date: dt.date


class DayOfAnotherYear(Invalid):
    """The holidays of a year lie in it."""


class DayNotOverridden(NotFound):
    """There is no override to take back."""


Why = Literal["week", "holiday", "override"]
State = Literal["closed", "not-yet-open", "open", "last-ticket-passed", "over"]


@dataclass(frozen=True, slots=True)
class Day:
    """One date: its hours, None when closed, and what says so."""

    date: dt.date
    hours: Hours | None
    why: Why
    reason: str = ""  # the override's reason code
    holiday: str = ""  # the holiday's name, also where an override opens the mall on it

    def state_at(self, moment: dt.time) -> State:
        """How the mall stands at this wall-clock time of the day."""
        if self.hours is None:
            return "closed"
        if moment < self.hours.opens:
            return "not-yet-open"
        if moment >= self.hours.closes:
            return "over"
        return "open" if moment < self.hours.last_ticket else "last-ticket-passed"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Week, holidays by year, and overrides by date."""

    week: Week = CLOSED
    holidays: Mapping[int, Mapping[dt.date, str]] = field(default_factory=dict)
    overrides: Mapping[dt.date, DayOverridden] = field(default_factory=dict)

    def hours_on(self, date: dt.date) -> Day:
        """An override speaks before a holiday, a holiday before the week."""
        holiday = self.holidays.get(date.year, {}).get(date, "")
        if override := self.overrides.get(date):
            return Day(date, override.hours, "override", override.reason, holiday)
        if holiday:
            return Day(date, None, "holiday", holiday=holiday)
        return Day(date, self.week[date.weekday()], "week")

    def at(self, moment: dt.datetime) -> tuple[Day, State]:
        """The day and its state at a moment already in the mall's zone."""
        day = self.hours_on(moment.date())
        return day, day.state_at(moment.time())


def faults(command: SetHolidays) -> Iterator[Rejected]:
    if stray := [day for day in command.days if day.year != command.year]:
        yield DayOfAnotherYear(f"{stray[0]} is not in {command.year}", field="days")


def decide(command: Command, calendar: Calendar) -> list[Event]:
    """What changes in the calendar; raises DayNotOverridden."""
    match command:
        case SetHours(week=week):
            return [] if week == calendar.week else [HoursSet(week=week)]
        case SetHolidays(year=year, days=days):
            return [] if calendar.holidays.get(year) == days else [HolidaysSet(year=year, days=days)]
        case OverrideDay(date=date, hours=hours, reason=reason):
            event = DayOverridden(date=date, hours=hours, reason=reason)
            return [] if calendar.overrides.get(date) == event else [event]
        case RestoreDay(date=date) if date not in calendar.overrides:
            raise DayNotOverridden(f"{date} has no override", field="date")
        case RestoreDay(date=date):
            return [DayRestored(date=date)]
    return []


def evolve(calendar: Calendar, event: Event) -> Calendar:
    match event:
        case HoursSet(week=week):
            return replace(calendar, week=week)
        case HolidaysSet(year=year, days=days):
            return replace(calendar, holidays={**calendar.holidays, year: days})
        case DayOverridden(date=date):
            return replace(calendar, overrides={**calendar.overrides, date: event})
        case DayRestored(date=date):
            return replace(calendar, overrides={d: o for d, o in calendar.overrides.items() if d != date})
    return calendar
