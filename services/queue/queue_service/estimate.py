"""How long: an honest range for one ticket, from what was seen today and what the standard says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, pairwise
from math import sqrt

from queue_service.hall import UNMANNED, UNSPENT, Hall
from queue_service.issuing import came_at
from queue_service.places import Place
from queue_service.plan import ORDINARY, Booking, Counter, Plan
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
    if only:
        chosen = plan.counters.get(only)
        counters = {only: chosen} if chosen else {}
        lines: tuple[str, ...] = (line,)
    else:
        lines = plan.neighbours.get(line, (line,))
        counters = {c.id: c for each in lines for c in plan.desks.get(each, ())}
    there = {id_: c for id_, c in counters.items() if _working(hall, id_, at)} or counters
    if not any(only or line in c.lines for c in there.values()):
        there = counters
    serving = [c for c in there.values() if only or line in c.lines]
    if not serving:
        return Estimate(None, None, "no-counter")
    open_ = [c for c in serving if _free_from(hall, plan, c, at) is not None]
    if not open_:
        return Estimate(None, None, "paused")
    ahead = _ahead(hall, plan, line, lines, place, at, only)
    idle = any(
        _working(hall, c.id, at) and c.id not in hall.busy and _free_from(hall, plan, c, at) == at
        for c in serving
    )
    if idle and not ahead.get(line):
        return NOW
    turns = {each: _turn(hall, plan, each) for each in lines if ahead.get(each) or each == line}
    residual = 0.0 if idle else (1 + turns[line].cv2) / 2  # of a turn, until one of the counters is free
    chosen_lines, desks = _bottleneck(line, ahead, turns, there.values(), only)
    people = sum(ahead.get(each, 0.0) for each in chosen_lines)
    work = sum(ahead.get(each, 0.0) * turns[each].minutes for each in chosen_lines)
    work += residual * turns[line].minutes
    share = _overtaken(hall, plan, chosen_lines, place, turns, len(desks), at)
    mean = _until(hall, plan, desks, work, share, at)
    if mean is None:
        return Estimate(None, None, "paused")
    own = turns[line]
    # A sum of turns, whose mean itself is known only so well: a gamma, by Wilson and Hilferty's cube.
    shape = 1 / (own.cv2 / max(people + residual, 0.5) + own.cv2 / own.people + DRIFT**2)
    return Estimate(round(mean * _cube(shape, 0), 1), round(mean * _cube(shape, Z90), 1))


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
    hall: Hall,
    plan: Plan,
    line: str,
    lines: Iterable[str],
    place: Place | None,
    at: datetime,
    only: str | None,
) -> dict[str, float]:
    """Line → how many of it are called before this place, those included who booked and may still come."""
    if only:
        own = hall.line(f"@{only}")
        return {line: float(own.ahead_of(place) if place else len(own))}
    found = {}
    for each in lines:
        waiting = hall.line(each)
        if waiting.chunks:
            found[each] = (
                _of_other(hall, plan, line, each, place)
                if each != line
                else float(waiting.ahead_of(place) if place else len(waiting))
            )
        if each in hall.expected:
            found[each] = found.get(each, 0.0) + _booked(hall, plan, each, place, at)
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


def _bottleneck(
    line: str,
    ahead: Mapping[str, float],
    turns: Mapping[str, Turn],
    counters: Iterable[Counter],
    only: str | None,
) -> tuple[tuple[str, ...], list[Counter]]:
    """The lines that wait together with this one, and the counters that serve them.

    Counters take whoever came first, so lines that share them wait alike, as far as they can: the set with
    the most work for its counters goes first, and what is left is looked at again.
    """
    desks, lines = [*counters], [each for each in turns if each == line or ahead.get(each)]
    if only or len(lines) == 1:
        return (line,), [c for c in desks if only or line in c.lines]
    while True:
        worst = max(
            _sets(lines), key=lambda each: _load(each, ahead, turns, desks)
        )  # the first of equals: the smallest
        served = [c for c in desks if not {*worst}.isdisjoint(c.lines)]
        if line in worst or not served:
            return worst if line in worst else (line,), served or [c for c in counters if line in c.lines]
        lines = [each for each in lines if each not in worst]
        left = [c for c in desks if c not in served]
        if not any(line in c.lines for c in left):
            return (line,), [c for c in desks if line in c.lines]
        desks = left


def _sets(lines: list[str]) -> list[tuple[str, ...]]:
    if len(lines) > SETS:
        return [*((each,) for each in lines), tuple(lines)]
    return [some for n in range(1, len(lines) + 1) for some in combinations(lines, n)]


def _load(
    lines: tuple[str, ...], ahead: Mapping[str, float], turns: Mapping[str, Turn], counters: list[Counter]
) -> float:
    serving = sum(not {*lines}.isdisjoint(c.lines) for c in counters)
    work = sum(ahead.get(each, 0.0) * turns[each].minutes for each in lines)
    return work / serving if serving else float("inf") if work else 0.0


def _overtaken(
    hall: Hall,
    plan: Plan,
    lines: Iterable[str],
    place: Place | None,
    turns: Mapping[str, Turn],
    counters: int,
    at: datetime,
) -> float:
    """The share of the counters' time that people take who come later and have the right of way."""
    if (place and place.rank < ORDINARY) or plan.hours is None or not counters:
        return 0.0
    since = max((at - plan.moment(plan.hours.opens)).total_seconds() / 60, 30.0)
    work = sum(hall.preferred.get(each, 0) * turns[each].minutes for each in lines if each in turns)
    return min(OVERTAKEN, work / since / counters)


def _until(
    hall: Hall, plan: Plan, counters: list[Counter], work: float, share: float, at: datetime
) -> float | None:
    """Minutes until so many counter-minutes are done, breaks left out; None when nobody is to return."""
    told = (_away(hall, plan, c, at) for c in counters)
    spells = [spell for spell in told if spell is not None]
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


def _away(hall: Hall, plan: Plan, counter: Counter, at: datetime) -> list[tuple[datetime, datetime]] | None:
    """When this counter is away from now on: its breaks, and a pause; None when it may stay away."""
    seat = hall.desks.get(counter.id, UNMANNED)
    breaks = [(plan.moment(begin), plan.moment(end)) for begin, end in plan.profile(counter.id).breaks]
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


def _free_from(hall: Hall, plan: Plan, counter: Counter, at: datetime) -> datetime | None:
    """From when on this counter is there; None when nobody said."""
    spells = _away(hall, plan, counter, at)
    if spells is None:
        return None
    return max((end for begin, end in spells if begin <= at < end), default=at)


def _idle(hall: Hall, plan: Plan, counter: Counter, at: datetime) -> bool:
    """Whether somebody sits there and has nobody."""
    there = _working(hall, counter.id, at) and _free_from(hall, plan, counter, at) == at
    return there and counter.id not in hall.busy


def _working(hall: Hall, counter: str, at: datetime) -> bool:
    """Whether somebody sits there: she said so, has a person, or had one lately."""
    seen, seat = hall.seen.get(counter), hall.desks.get(counter, UNMANNED)
    if seat.officer or seat.paused:
        return True
    return counter in hall.busy or (seen is not None and at - seen <= ACTIVE)
