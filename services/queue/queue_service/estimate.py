"""How long: an honest range for one ticket, from what was seen today and what the standard says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import combinations, pairwise
from math import sqrt
from typing import NamedTuple

from queue_service.hall import Hall
from queue_service.issuing import came_at
from queue_service.outlook import PRIOR_PEOPLE, Desk, Spells, outlook
from queue_service.places import Place
from queue_service.plan import ORDINARY, Booking, Counter, Plan
from queue_service.ticket import Ticket

DRIFT = 0.08  # coefficient of variation of what no figure of today tells
SHOWN_UP = 0.8  # share of those who booked and come, a usual value, until today's is known
OVERTAKEN = (
    0.8  # at most this share of the counters' time goes to people who come later with the right of way
)
SETS = 5  # lines that share counters; of more, only each alone and all together are looked at
Z90 = 1.2816
HORIZON = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Minutes until the call: as likely sooner as later, and the bound kept nine times in ten.

    unknown: why nothing honest can be said: no-counter, or paused.
    """

    p50_minutes: float | None
    p90_minutes: float | None
    unknown: str | None = None


UNKNOWN = Estimate(None, None)
NOW = Estimate(0.0, 1.0)


def estimate(hall: Hall, ticket: Ticket, at: datetime) -> Estimate:
    """Until the first call of a ticket that waits; of several lines, the one that calls first."""
    if ticket.status != "waiting" or hall.plan is None:
        return UNKNOWN
    only = ticket.counter
    lines = (ticket.line,) if only else ticket.waits_in
    each = [in_line(hall, line, ticket.place, at, only) for line in lines]
    known = [one for one in each if one.p50_minutes is not None]
    return min(known, key=lambda one: one.p50_minutes or 0) if known else each[0]


def of_line(hall: Hall, line: str, at: datetime) -> Estimate:
    """For somebody who would come now."""
    return in_line(hall, line, None, at)


def in_line(hall: Hall, line: str, place: Place | None, at: datetime, only: str | None = None) -> Estimate:
    """For this place in the line, or behind everybody; `only`: waiting for this one counter."""
    plan = hall.plan
    assert plan is not None  # noqa: S101
    look = outlook(hall, plan, line, at, only)
    if look.unknown or look.away is None:
        return Estimate(None, None, look.unknown)
    ahead = _ahead(hall, plan, look.lines, place, at, only)
    if look.idle and not ahead[0]:
        return NOW
    own = look.turns[0]
    work = [people * turn.minutes for people, turn in zip(ahead, look.turns, strict=True)]
    residual = 0.0 if look.idle else (1 + own.cv2) / 2  # of a turn, until one of the counters is free
    lines, counters = _bottleneck(work, look.desks)
    people = minutes = overtaking = 0.0
    for n, turn in enumerate(look.turns):
        if lines >> n & 1:
            people, minutes = people + ahead[n], minutes + work[n]
            overtaking += hall.preferred.get(look.lines[n], 0) * turn.minutes
    share = _overtaken(plan, place, overtaking, len(counters), at) if overtaking else 0.0
    mean = _until([look.away[c.id] for c in counters], minutes + residual * own.minutes, share, at)
    if mean is None:
        return Estimate(None, None, "paused")
    # A sum of turns, whose mean itself is known only so well: a gamma, by Wilson and Hilferty's cube.
    shape = 1 / (own.cv2 / max(people + residual, 0.5) + own.cv2 / own.people + DRIFT**2)
    return Estimate(round(mean * _cube(shape, 0), 1), round(mean * _cube(shape, Z90), 1))


def _cube(shape: float, z: float) -> float:
    return max(0.0, float(1 - 1 / (9 * shape) + z / (3 * sqrt(shape)))) ** 3


def _ahead(
    hall: Hall, plan: Plan, lines: Sequence[str], place: Place | None, at: datetime, only: str | None
) -> list[float]:
    """How many of each line are called before this place, those included who booked and may still come."""
    if only:
        own = hall.line(f"@{only}")
        return [float(own.ahead_of(place) if place else len(own))]
    found = []
    for n, each in enumerate(lines):
        waiting, people = hall.line(each), 0.0
        if waiting.chunks and n:
            people = _of_other(hall, plan, lines[0], each, place)
        elif waiting.chunks:
            people = float(waiting.ahead_of(place) if place else len(waiting))
        if each in hall.expected:
            people += _booked(hall, plan, each, place, at)
        found.append(people)
    return found


def _of_other(hall: Hall, plan: Plan, line: str, other: str, place: Place | None) -> float:
    """How many of another line go first: who came before, or what the shared counters' profiles prefer."""
    waiting, own = hall.line(other), hall.line(line)
    before = float(waiting.ahead_of(place) if place else len(waiting))
    shared = [c for c in plan.desks.get(line, ()) if other in c.lines] if plan.profiles else []
    told = []
    for counter in shared:
        profile = plan.profile(counter.id)
        if profile.mode == "order":
            order = (*profile.order, *counter.lines)
            told.append(float(len(waiting)) if order.index(other) < order.index(line) else 0.0)
        elif profile.mode == "ratio" and line in profile.ratio:
            mine = own.ahead_of(place) if place else len(own)
            told.append(min(len(waiting), (mine + 1) * profile.ratio.get(other, 0) / profile.ratio[line]))
        else:
            told.append(before)
    return sum(told) / len(told) if told else before


def _booked(hall: Hall, plan: Plan, line: str, place: Place | None, at: datetime) -> float:
    """Who booked, has not come yet, and will stand before this place."""
    rules = plan.booking.get(line, Booking())
    if rules.order == "arrival" or (place and place.rank < ORDINARY):
        return 0.0
    issued = at if place is None else came_at(place.order, plan)
    lead, late = timedelta(minutes=rules.lead_minutes), timedelta(minutes=rules.late_minutes)
    came = booked = 0
    still = 0.0
    for slot, people in hall.expected[line]:
        arrived = hall.arrived.get((line, slot), 0)
        if slot + late <= at:
            came, booked = came + arrived, booked + people
        elif slot - lead < issued:
            still += max(0, people - arrived)
    return still * (came + SHOWN_UP * PRIOR_PEOPLE) / (booked + PRIOR_PEOPLE)


def _bottleneck(work: Sequence[float], desks: Sequence[Desk]) -> tuple[int, list[Counter]]:
    """The lines that wait together with the first, a bit for each, and the counters that serve them.

    Counters take whoever came first, so lines that share them wait alike, as far as they can: the set with
    the most work for its counters goes first, and what is left is looked at again.
    """
    left = 1 | sum(1 << n for n, each in enumerate(work) if each)
    while left != 1:
        worst = _worst(work, _sets(left, tuple(serves for _, serves in desks)))
        served = [c for c, serves in desks if serves & worst]
        if worst & 1:
            return worst, served
        remaining = [(c, serves) for c, serves in desks if not serves & worst]
        if not any(serves & 1 for _, serves in remaining):
            break
        desks, left = remaining, left & ~worst
    return 1, [c for c, serves in desks if serves & 1]


class _Set(NamedTuple):
    """Lines as bits and as places, and how many counters serve any of them."""

    lines: int
    places: tuple[int, ...]
    counters: int


def _worst(work: Sequence[float], sets: Sequence[_Set]) -> int:
    """The lines with the most minutes of work for each of their counters; of equals, the fewer."""
    found, most = 0, -1.0
    for lines, places, counters in sets:
        minutes = 0.0
        for n in places:
            minutes += work[n]
        load = minutes / counters if counters else float("inf") if minutes else 0.0
        if load > most:
            found, most = lines, load
    return found


@lru_cache(maxsize=4096)
def _sets(lines: int, masks: tuple[int, ...]) -> tuple[_Set, ...]:
    """All sets of these lines, the smaller first; of many lines each alone, and all together."""
    each = [n for n in range(lines.bit_length()) if lines >> n & 1]
    few = len(each) <= SETS
    some = [some for n in range(1, len(each) + 1) for some in combinations(each, n)] if few else []
    found = []
    for places in some or [*((n,) for n in each), tuple(each)]:
        bits = sum(1 << n for n in places)
        found.append(_Set(bits, places, sum(mask & bits != 0 for mask in masks)))
    return tuple(found)


def _overtaken(plan: Plan, place: Place | None, work: float, counters: int, at: datetime) -> float:
    """The share of the counters' time that people take who come later and have the right of way."""
    if (place and place.rank < ORDINARY) or plan.hours is None or not counters:
        return 0.0
    since = max((at - plan.moment(plan.hours.opens)).total_seconds() / 60, 30.0)
    return min(OVERTAKEN, work / since / counters)


def _until(away: Sequence[Spells | None], work: float, share: float, at: datetime) -> float | None:
    """Minutes until so many counter-minutes are done, breaks left out; None when nobody is to return."""
    spells = [spell for spell in away if spell is not None]
    if not spells:
        return None
    if not any(spells):
        return work / (len(spells) * (1 - share))
    edges = sorted({at, at + HORIZON, *(edge for spell in spells for pair in spell for edge in pair)})
    left = work
    for edge, end in pairwise(edges):
        if end <= at:
            continue
        begin = max(edge, at)
        there = sum(not any(a <= begin < b for a, b in spell) for spell in spells) * (1 - share)
        minutes = (end - begin).total_seconds() / 60
        if there and left <= minutes * there:
            return (begin - at).total_seconds() / 60 + left / there
        left -= minutes * there
    return None
