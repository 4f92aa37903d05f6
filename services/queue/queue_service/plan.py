"""A plan: what is known of one mall for one day before anybody comes: hours, lines, counters, rules."""

from collections.abc import Mapping
from datetime import date as Date
from datetime import datetime, time
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

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
    """How people who missed their call come back, who goes first, and how much one person may book a day."""

    ranks: Mapping[str, int] = {"elderly": 0, "disabled": 0, "pregnant": 0}
    rejoin_minutes: int = Field(30, ge=0, le=600)
    rejoin_after: int = Field(3, ge=0, le=100)
    rejoins: int = Field(2, ge=0, le=100)
    bookings_per_person: int = Field(2, ge=1, le=20)
    target_minutes: int = Field(30, ge=1, le=480, description="a wait up to this is within the service level")


class Booking(Frozen):
    """How the slots of a line are offered, and when a booking becomes a ticket.

    A slot takes as many as its counters serve in `slot_minutes` by the standard, less the share kept for
    walk-ins, or `per_slot`; `quotas`: channel → bookings a day. A day opens `days_ahead` before it at
    `opens_at`; check-in is from `early_minutes` before the slot until `late_minutes` after it. By the order
    `slot` a ticket stands as if its holder had come `lead_minutes` before the slot, by `arrival` as it came.
    """

    slot_minutes: int = Field(30, ge=5, le=480)
    per_slot: int | None = Field(None, ge=0, le=10_000)
    walk_in_share: float = Field(0.5, ge=0, le=1)
    buffer_minutes: int = Field(0, ge=0, le=240)
    quotas: Mapping[str, int] = {}
    days_ahead: int = Field(7, ge=0, le=90)
    opens_at: time = time(8)
    closes_minutes: int = Field(60, ge=0, le=10_000)
    hold_minutes: int = Field(5, ge=1, le=60)
    early_minutes: int = Field(30, ge=0, le=480)
    late_minutes: int = Field(15, ge=0, le=480)
    order: Literal["slot", "arrival"] = "slot"
    lead_minutes: int = Field(30, ge=0, le=480)


class Threshold(Frozen):
    """When somebody in this line waits longer, the line goes first."""

    line: str
    minutes: int = Field(ge=1, le=600)


class Profile(Frozen):
    """How a counter works: whom it calls, and when it is planned to be away.

    `longest`: whoever came first in any of its lines; `order`: the first of its lines that has somebody;
    `ratio`: its lines in turn, each as often as `ratio` says. Those with the right of way come before.
    """

    mode: Literal["longest", "order", "ratio"] = "longest"
    order: tuple[str, ...] = ()
    ratio: Mapping[str, Annotated[int, Field(ge=1, le=20)]] = {}
    thresholds: tuple[Threshold, ...] = ()
    breaks: tuple[tuple[time, time], ...] = ()

    @cached_property
    def turns(self) -> tuple[str, ...]:
        """2:1:1 is A, A, B, C."""
        return tuple(line for line, times in self.ratio.items() for _ in range(times))


class Pause(Frozen):
    """No tickets for now, by hand; `until` when it is known."""

    reason: str
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return self.until is None or at < self.until


LONGEST = Profile()


class Near(NamedTuple):
    """A line, the lines beside it, and their counters, each with a bit for every line that it serves."""

    lines: tuple[str, ...]
    counters: tuple[tuple[Counter, int], ...]


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
    booking: Mapping[str, Booking] = {}  # line → how it is booked; a line that is not here is not
    profiles: Mapping[str, Profile] = {}  # counter → how it works
    pauses: Mapping[str, Pause] = {}  # line → its pause, and "": the whole mall's

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

    def profile(self, counter: str) -> Profile:
        return self.profiles.get(counter, LONGEST)

    def pause(self, line: str, at: datetime) -> Pause | None:
        """Why no tickets are issued in this line now, if that was said by hand."""
        found = (self.pauses.get(""), self.pauses.get(line))
        return next((pause for pause in found if pause and pause.holds(at)), None)

    @cached_property
    def desks(self) -> Mapping[str, tuple[Counter, ...]]:
        """Line → the counters that serve it."""
        counters = self.counters.values()
        return {line: tuple(c for c in counters if line in c.lines) for line in self.lines}

    @cached_property
    def of_line(self) -> Mapping[str, tuple[Service, ...]]:
        """Line → the services that it serves."""
        services = self.services.values()
        return {line: tuple(s for s in services if s.line == line) for line in self.lines}

    @cached_property
    def near(self) -> Mapping[str, "Near"]:
        """Line → itself and the lines that share a counter with it, and the counters of all these."""
        found = {}
        for line in self.lines:
            sharing = [
                other for counter in self.desks[line] for other in counter.lines if other in self.lines
            ]
            lines = tuple(dict.fromkeys((line, *sharing)))
            counters = {c.id: c for each in lines for c in self.desks[each]}
            serve = [
                (c, sum(1 << n for n, each in enumerate(lines) if each in c.lines)) for c in counters.values()
            ]
            found[line] = Near(lines, tuple(serve))
        return found

    @cached_property
    def outlooks(self) -> dict[tuple[str, str | None], Any]:
        """What was seen last of each line: a memory beside the plan, no part of it."""
        return {}

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
        booking, profiles, pauses = {}, {}, {}
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
            elif kind == "booking":
                booking[key] = Booking(**fact)
            elif kind == "profile":
                profiles[key] = Profile(**fact)
            elif kind == "pause":
                pauses[key] = Pause(**fact)
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
            rules=Rules(**facts.get(("rules", ""), {})),
            booking={line: how for line, how in booking.items() if line in lines},
            profiles={counter: how for counter, how in profiles.items() if counter in counters},
            pauses=pauses,
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
