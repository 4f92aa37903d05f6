"""An outlook: how a line is served from now on: its counters, when they are away, and what a turn takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from queue_service.hall import UNMANNED, UNSPENT, Hall
from queue_service.plan import Counter, Near, Plan

PRIOR_PEOPLE = 5  # the standard's minutes weigh as much as five people served today
USUAL_MINUTES = 10.0  # where no service of the line is known
ACTIVE = timedelta(minutes=30)
SPREAD = 0.7  # coefficient of variation of one turn at a counter, a usual value, until today's is known
KEPT = timedelta(minutes=1)

Spells = list[tuple[datetime, datetime]]  # from when until when a counter is away
Desk = tuple[Counter, int]  # and a bit for each line that it serves


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn at a counter: mean minutes, squared coefficient of variation, and how many people tell."""

    minutes: float
    cv2: float
    people: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """How a line is served.

    lines: itself and those that share its counters, with a turn of each; desks: the counters of all these at
    which somebody sits, and when each is away (None: it may stay away); idle: one of its own is free now.
    unknown: why nothing honest can be said, no-counter or paused. It holds from `at` until before `until`,
    while nothing happens at any counter.
    """

    at: datetime
    until: datetime
    parts: tuple[Any, ...]
    lines: tuple[str, ...]
    desks: tuple[Desk, ...] = ()
    away: Mapping[str, Spells | None] | None = None
    turns: tuple[Turn, ...] = ()
    idle: bool = False
    unknown: str | None = None

    def holds(self, hall: Hall, at: datetime) -> bool:
        """Whether nothing happened since but people who came, who move it slowly."""
        desks, busy, seen, spent = self.parts
        same = desks is hall.desks and busy is hall.busy and seen is hall.seen and spent is hall.spent
        return same and self.at <= at < self.until


def outlook(hall: Hall, plan: Plan, line: str, at: datetime, only: str | None = None) -> Outlook:
    """Of this line; `only`: of those who wait for this one counter. The plan remembers the last."""
    known = plan.outlooks.get((line, only))
    if known is None or not known.holds(hall, at):
        known = plan.outlooks[line, only] = _looked(hall, plan, line, at, only)
    return known


def _looked(hall: Hall, plan: Plan, line: str, at: datetime, only: str | None) -> Outlook:
    near = _near(plan, line, only)
    parts = (hall.desks, hall.busy, hall.seen, hall.spent)
    working = {c.id for c, _ in near.counters if _working(hall, c.id, at)}
    desks = tuple(each for each in near.counters if each[0].id in working)
    if not any(serves & 1 for _, serves in desks):
        desks = near.counters
    serving = [c for c, serves in desks if serves & 1]
    if not serving:
        return Outlook(at, at + KEPT, parts, near.lines, unknown="no-counter")
    away = {c.id: _away(hall, plan, c, at) for c, _ in desks}
    edges = [edge for spells in away.values() for spell in spells or () for edge in spell if edge > at]
    until = min((at + KEPT, *edges))
    if all(away[c.id] is None for c in serving):
        return Outlook(at, until, parts, near.lines, unknown="paused")
    idle = any(c.id in working and c.id not in hall.busy and _there(away[c.id], at) for c in serving)
    turns = tuple(_turn(hall, plan, each) for each in near.lines)
    return Outlook(at, until, parts, near.lines, desks, away, turns, idle)


def _near(plan: Plan, line: str, only: str | None) -> Near:
    if only:
        counter = plan.counters.get(only)
        return Near((line,), ((counter, 1),) if counter else ())
    return plan.near.get(line) or Near((line,), ())


def _turn(hall: Hall, plan: Plan, line: str) -> Turn:
    """What one person of this line takes a counter, from the call until it is free.

    Of each service today's turns, drawn towards the standard's minutes while they are few; together as the
    services are asked for.
    """
    total = first = second = 0.0
    told = PRIOR_PEOPLE
    for service in plan.of_line.get(line, ()):
        spent, weight = hall.spent.get(service.code, UNSPENT), hall.asked.get(service.code, 0) + 0.2
        n, usual = PRIOR_PEOPLE + spent.people, service.minutes
        total += weight
        first += weight * (usual * PRIOR_PEOPLE + spent.seconds / 60) / n
        second += weight * (usual**2 * (1 + SPREAD**2) * PRIOR_PEOPLE + spent.squares / 3600) / n
        told += spent.people
    if not total:
        return Turn(USUAL_MINUTES, SPREAD**2, PRIOR_PEOPLE)
    mean = first / total
    return Turn(mean, max(0.05, second / total / mean**2 - 1), told)


def _away(hall: Hall, plan: Plan, counter: Counter, at: datetime) -> Spells | None:
    """When this counter is away from now on: its breaks, and a pause; None when it may stay away."""
    seat, profile = hall.desks.get(counter.id, UNMANNED), plan.profiles.get(counter.id)
    breaks = [(plan.moment(a), plan.moment(b)) for a, b in profile.breaks] if profile else []
    spells = [(begin, end) for begin, end in breaks if end > at and not _works_on(hall, counter, begin, at)]
    if seat.paused:
        if seat.until is None or seat.until <= at:
            back = max((end for begin, end in breaks if begin <= at < end), default=None)
            return None if back is None else [*spells, (at, back)]
        spells.append((at, seat.until))
    return spells


def _works_on(hall: Hall, counter: Counter, begin: datetime, at: datetime) -> bool:
    """Whether it works although its break has begun."""
    seen = hall.seen.get(counter.id)
    return begin <= at and (counter.id in hall.busy or (seen is not None and seen > begin + ACTIVE / 3))


def _there(spells: Spells | None, at: datetime) -> bool:
    return spells is not None and not any(begin <= at < end for begin, end in spells)


def _working(hall: Hall, counter: str, at: datetime) -> bool:
    """Whether somebody sits there: she said so, has a person, or had one lately."""
    seen, seat = hall.seen.get(counter), hall.desks.get(counter, UNMANNED)
    if seat.officer or seat.paused:
        return True
    return counter in hall.busy or (seen is not None and at - seen <= ACTIVE)
