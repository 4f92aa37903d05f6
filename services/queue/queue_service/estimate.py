"""How long: an honest range for one ticket, from what was seen today and what the standard says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import combinations, pairwise
from math import sqrt

from queue_service.hall import UNMANNED, UNSPENT, Hall
from queue_service.issuing import came_at
from queue_service.places import Place
from queue_service.plan import ORDINARY, Booking, Counter, Near, Plan
from queue_service.ticket import Ticket

PRIOR_PEOPLE = 5  # the standard's minutes weigh as much as five people served today
USUAL_MINUTES = 10.0  # where no service of the line is known
ACTIVE = timedelta(minutes=30)
SPREAD = 0.7  # coefficient of variation of one turn at a counter, a usual value, until today's is known
DRIFT = 0.08  # and of what no figure of today tells
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


Spells = list[tuple[datetime, datetime]]  # from when until when a counter is away
Desk = tuple[Counter, int]  # and a bit for each line that it serves
UNKNOWN = Estimate(None, None)
NOW = Estimate(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn at a counter: mean minutes, squared coefficient of variation, and how many people tell."""

    minutes: float
    cv2: float
    people: int


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
    near = _near(plan, line, only)
    working = {c.id for c, _ in near.counters if _working(hall, c.id, at)}
    desks = [each for each in near.counters if each[0].id in working]
    if not any(serves & 1 for _, serves in desks):
        desks = [*near.counters]
    serving = [c for c, serves in desks if serves & 1]
    if not serving:
        return Estimate(None, None, "no-counter")
    away = {c.id: _away(hall, plan, c, at) for c, _ in desks}
    if all(away[c.id] is None for c in serving):
        return Estimate(None, None, "paused")
    ahead = _ahead(hall, plan, near.lines, place, at, only)
    idle = any(c.id in working and c.id not in hall.busy and _there(away[c.id], at) for c in serving)
    if idle and not ahead[0]:
        return NOW
    turns = [_turn(hall, plan, each) if ahead[n] or not n else None for n, each in enumerate(near.lines)]
    work = [people * turn.minutes if turn else 0.0 for people, turn in zip(ahead, turns, strict=True)]
    own = turns[0]
    assert own is not None  # noqa: S101
    residual = 0.0 if idle else (1 + own.cv2) / 2  # of a turn, until one of the counters is free
    lines, counters = _bottleneck(work, desks)
    people = sum(each for n, each in enumerate(ahead) if lines >> n & 1)
    minutes = sum(each for n, each in enumerate(work) if lines >> n & 1) + residual * own.minutes
    overtaking = [
        hall.preferred.get(each, 0) * turn.minutes
        for n, (each, turn) in enumerate(zip(near.lines, turns, strict=True))
        if turn and lines >> n & 1
    ]
    share = _overtaken(plan, place, sum(overtaking), len(counters), at) if hall.preferred else 0.0
    mean = _until([away[c.id] for c in counters], minutes, share, at)
    if mean is None:
        return Estimate(None, None, "paused")
    # A sum of turns, whose mean itself is known only so well: a gamma, by Wilson and Hilferty's cube.
    shape = 1 / (own.cv2 / max(people + residual, 0.5) + own.cv2 / own.people + DRIFT**2)
    return Estimate(round(mean * _cube(shape, 0), 1), round(mean * _cube(shape, Z90), 1))


def _near(plan: Plan, line: str, only: str | None) -> Near:
    if only:
        counter = plan.counters.get(only)
        return Near((line,), ((counter, 1),) if counter else ())
    return plan.near.get(line) or Near((line,), ())


def _cube(shape: float, z: float) -> float:
    return max(0.0, float(1 - 1 / (9 * shape) + z / (3 * sqrt(shape)))) ** 3


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
        worst = max(_sets(left), key=lambda some: _load(some, work, desks))
        served = [(c, serves) for c, serves in desks if serves & worst]
        if worst & 1:
            return worst, [c for c, _ in served]
        remaining = [(c, serves) for c, serves in desks if not serves & worst]
        if not any(serves & 1 for _, serves in remaining):
            break
        desks, left = remaining, left & ~worst
    return 1, [c for c, serves in desks if serves & 1]


@cache
def _sets(lines: int) -> tuple[int, ...]:
    """All sets of these lines, the smaller first; of many lines each alone, and all together."""
    each = [1 << n for n in range(lines.bit_length()) if lines >> n & 1]
    if len(each) > SETS:
        return (*each, lines)
    return tuple(sum(some) for n in range(1, len(each) + 1) for some in combinations(each, n))


def _load(some: int, work: Sequence[float], desks: Sequence[Desk]) -> float:
    """Minutes of work for each counter of these lines."""
    minutes, serving = 0.0, 0
    for n, each in enumerate(work):
        if some >> n & 1:
            minutes += each
    for _, serves in desks:
        serving += serves & some != 0
    return minutes / serving if serving else float("inf") if minutes else 0.0


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
