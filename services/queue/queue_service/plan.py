"""A plan: what is known of one mall for one day before anybody comes: hours, lines, counters, rules."""

from collections.abc import Mapping
from datetime import date as Date
from datetime import datetime, time
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from mpp.eventsourcing.decider import NotFound

ORDINARY = 1


class UnknownService(NotFound):
    """This mall has no line that serves it."""


class UnknownCounter(NotFound):
    """This mall has no such counter."""


class UnknownLine(NotFound):
    """This mall has no such line."""


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Hours(Frozen):
    """Opening hours of the day, in the mall's zone."""

    opens: time
    closes: time
    last_ticket: time


class Line(Frozen):
    """A queue group: a letter, the services it serves, and its limits."""

    letter: str
    title: str
    capacity: int | None = None
    quotas: Mapping[str, int] = {}
    closed: str | None = None  # the reason code of a line closed by hand


class Counter(Frozen):
    """A desk and the lines it serves."""

    id: str
    title: str
    agency: str = ""
    lines: tuple[str, ...] = ()


class Service(Frozen):
    """A public service, the line that serves it, and its typical minutes at the counter."""

    code: str
    line: str
    minutes: float


class Rules(Frozen):
    """How people who missed their call come back, and who goes first."""

    ranks: Mapping[str, int] = {"elderly": 0, "disabled": 0, "pregnant": 0}
    rejoin_minutes: int = 30
    rejoin_after: int = 3
    rejoins: int = 2


class Plan(Frozen):
    """One mall on one day as it was known when the day began, or last changed."""

    mall: str
    date: Date
    timezone: str
    hours: Hours | None
    closed: str = ""  # why there are no hours: weekly-closing, holiday, or a code set by hand
    lines: Mapping[str, Line] = {}
    services: Mapping[str, Service] = {}
    counters: Mapping[str, Counter] = {}
    rules: Rules = Rules()

    def service(self, code: str) -> Service:
        found = self.services.get(code)
        if found is None:
            raise UnknownService(service=code)
        return found

    def counter(self, counter: str) -> Counter:
        found = self.counters.get(counter)
        if found is None:
            raise UnknownCounter(counter=counter)
        return found

    def line(self, letter: str) -> Line:
        found = self.lines.get(letter)
        if found is None:
            raise UnknownLine(line=letter)
        return found

    @cached_property
    def desks(self) -> Mapping[str, tuple[Counter, ...]]:
        """Line → the counters that serve it."""
        counters = self.counters.values()
        return {line: tuple(c for c in counters if line in c.lines) for line in self.lines}

    @cached_property
    def minutes(self) -> Mapping[str, float]:
        """Line → the mean of its services' typical minutes."""
        by_line: dict[str, list[float]] = {}
        for service in self.services.values():
            by_line.setdefault(service.line, []).append(service.minutes)
        return {line: sum(each) / len(each) for line, each in by_line.items()}

    @cached_property
    def tickets_between(self) -> tuple[datetime, datetime] | None:
        """From when until before when tickets are issued; None on a day without hours."""
        return (self.moment(self.hours.opens), self.moment(self.hours.last_ticket)) if self.hours else None

    def moment(self, clock: time) -> datetime:
        """This time of the day as an instant."""
        return datetime.combine(self.date, clock, ZoneInfo(self.timezone))

    @classmethod
    def of(cls, mall: str, day: Date, facts: Mapping[tuple[str, str], dict[str, Any]]) -> "Plan":
        """The plan that these facts heard from the catalog make for this day.

        Hand-made overrides come before holidays, holidays before the week.
        """
        hours, closed = _hours(day, facts)
        lines, services, counters = {}, {}, {}
        minutes = {key: fact["minutes"] for (kind, key), fact in facts.items() if kind == "service"}
        for (kind, key), fact in facts.items():
            if kind == "line":
                by_hand = facts.get(("line-closed", key), {}).get("reason")
                lines[key] = Line(
                    letter=key,
                    title=fact["title"],
                    capacity=fact["capacity"],
                    quotas=fact["quotas"],
                    closed=by_hand,
                )
                for code in fact["services"]:
                    if code in minutes:
                        services[code] = Service(code=code, line=key, minutes=minutes[code])
            elif kind == "counter":
                counters[key] = Counter(
                    id=key, title=fact["title"], agency=fact["agency"], lines=fact["lines"]
                )
        zone = facts["mall", ""]["timezone"]
        return cls(
            mall=mall,
            date=day,
            timezone=zone,
            hours=hours,
            closed=closed,
            lines=lines,
            services=services,
            counters=counters,
        )


def _hours(day: Date, facts: Mapping[tuple[str, str], dict[str, Any]]) -> tuple[Hours | None, str]:
    override = facts.get(("day", day.isoformat()))
    if override:
        hours = override["hours"]
        return (Hours(**hours), "") if hours else (None, override["reason"])
    if day.isoformat() in facts.get(("holidays", str(day.year)), {}).get("days", {}):
        return None, "holiday"
    week = facts.get(("week", ""), {}).get("week")
    usual = week[day.weekday()] if week else None
    return (Hours(**usual), "") if usual else (None, "weekly-closing")
