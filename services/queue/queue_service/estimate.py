"""How long: an honest range for one ticket, from what was seen today and what the standard says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from queue_service.hall import Hall
from queue_service.plan import Counter
from queue_service.ticket import Ticket

PRIOR_PEOPLE = 5  # the standard's minutes weigh as much as five people served today
USUAL_MINUTES = 10.0  # where no service of the line is known
ACTIVE = timedelta(minutes=30)
SPREAD = 0.7  # coefficient of variation of one turn at a counter, a usual value
DRIFT = 0.2  # and of what no figure of today tells: breaks, rushes, who gets priority
Z90 = 1.2816


@dataclass(frozen=True, slots=True)
class Estimate:
    """Minutes until the call: as likely sooner as later, and the bound kept nine times in ten."""

    p50_minutes: float | None
    p90_minutes: float | None


UNKNOWN = Estimate(None, None)


def estimate(hall: Hall, ticket: Ticket, ahead: int | None, at: datetime) -> Estimate:
    """The range for a ticket with so many `ahead`; unknown when it does not wait, or no counter serves it."""
    if ahead is None or hall.plan is None:
        return UNKNOWN
    return of_line(hall, ticket.line, ahead, at, only=ticket.counter)


def of_line(hall: Hall, line: str, ahead: int, at: datetime, only: str | None = None) -> Estimate:
    """The range with `ahead` people before; `only`: waiting for this one counter."""
    servers = _servers(hall, line, at, only)
    if not servers:
        return UNKNOWN
    idle = any(_working(hall, counter, at) and counter not in hall.busy for counter in servers)
    if idle and ahead == 0:
        return Estimate(0.0, 1.0)
    minutes, people = _minutes(hall, line)
    # A sum of turns, whose mean itself is known only so well: a gamma, by Wilson and Hilferty's cube.
    departures = ahead + (0 if idle else 1)
    mean = departures * minutes / sum(servers.values())
    shape = 1 / (SPREAD**2 / departures + SPREAD**2 / people + DRIFT**2)
    return Estimate(round(mean * _cube(shape, 0), 1), round(mean * _cube(shape, Z90), 1))


def _cube(shape: float, z: float) -> float:
    return float((1 - 1 / (9 * shape) + z / (3 * sqrt(shape))) ** 3)


def _minutes(hall: Hall, line: str) -> tuple[float, int]:
    """Mean minutes that one person takes a counter, from the call until it is free, and how many tell.

    Today's, drawn towards the standard's while little is known.
    """
    assert hall.plan is not None  # noqa: S101
    people, seconds = hall.spent.get(line, (0, 0.0))
    prior, told = hall.plan.minutes.get(line, USUAL_MINUTES), PRIOR_PEOPLE + people
    return (prior * PRIOR_PEOPLE + seconds / 60) / told, told


def _servers(hall: Hall, line: str, at: datetime, only: str | None) -> dict[str, float]:
    """Counters that work for this line, each with its share: one that serves two busy lines counts half."""
    plan = hall.plan
    assert plan is not None  # noqa: S101
    counters: Sequence[Counter] = plan.desks.get(line, ())
    if only:
        counters = [c for c in (plan.counters.get(only),) if c]
    working = [c for c in counters if _working(hall, c.id, at)]
    others = {key for c in counters for key in c.lines if key != line and hall.line(key).chunks}
    return {c.id: 1 / (1 + len(others.intersection(c.lines))) for c in working or counters}


def _working(hall: Hall, counter: str, at: datetime) -> bool:
    """Whether somebody sits there: it has a person, or had one lately."""
    seen = hall.seen.get(counter)
    return counter in hall.busy or (seen is not None and at - seen <= ACTIVE)
