"""Call rules: whom a free counter calls next, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from queue_service.hall import Hall
from queue_service.places import Place
from queue_service.plan import ORDINARY, Counter, Plan, Profile
from queue_service.ticket import Stop, Ticket, Why


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is called, for which of his services, by which rule; `turn`: whose turn is next in a ratio."""

    ticket: Ticket
    stop: Stop
    why: Why
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class _Head:
    """The first of a list whom this counter can serve; `passed`: how many stand before."""

    key: str
    place: Place
    ticket: Ticket
    stop: Stop
    passed: int


def choose(hall: Hall, plan: Plan, counter: Counter, at: datetime) -> Choice | None:
    """The rules in their order: a line that waits too long, the right of way, then the counter's profile."""
    profile, own = plan.profile(counter.id), f"@{counter.id}"
    heads = {head.key: head for key in (own, *counter.lines) if (head := _head(hall, counter, key))}
    if not heads:
        return None
    for threshold in profile.thresholds:
        late = heads.get(threshold.line)
        if late and (at - late.ticket.issued_at).total_seconds() > threshold.minutes * 60:
            return _choice(late, "threshold", at, lines=(threshold.line,), minutes=threshold.minutes)
    first = min(heads.values(), key=lambda head: head.place)
    if first.place.rank < ORDINARY:
        return _choice(first, "priority", at)
    if own in heads and (profile.mode != "longest" or first.key == own):
        return _choice(heads[own], "own", at)
    return _by_profile(profile, hall, counter, heads, first, at)


def _by_profile(
    profile: Profile, hall: Hall, counter: Counter, heads: dict[str, _Head], first: _Head, at: datetime
) -> Choice:
    if profile.mode == "order":
        order = (*profile.order, *counter.lines)
        return _choice(next(heads[line] for line in order if line in heads), "order", at, lines=profile.order)
    turns = profile.turns
    if profile.mode == "ratio" and heads.keys() & {*turns}:
        begin = hall.turns.get(counter.id, 0)
        turn = next(n for n in range(begin, begin + len(turns)) if turns[n % len(turns)] in heads)
        chosen = heads[turns[turn % len(turns)]]
        ratio = tuple(profile.ratio.items())
        return _choice(chosen, "ratio", at, ratio=ratio, turn=(turn + 1) % len(turns))
    return _choice(first, "longest", at, lines=counter.lines)


def _choice(head: _Head, rule: str, at: datetime, turn: int | None = None, **facts: object) -> Choice:
    ticket = head.ticket
    waited = int((at - ticket.issued_at).total_seconds() // 60)
    why = Why(
        rule=rule,
        waited_minutes=waited,
        priority=ticket.priority,
        slot=ticket.slot,
        passed=head.passed,
        rejoined=ticket.rejoins > 0,
        **facts,
    )
    return Choice(ticket, head.stop, why, turn)


def _head(hall: Hall, counter: Counter, key: str) -> _Head | None:
    """Whoever comes first and wants what the officer here knows; those before wait for another."""
    skills = hall.skills(counter.id)
    for passed, place in enumerate(hall.line(key)):
        ticket = hall.ticket(place.ticket)
        for stop in _wanted(ticket, key):
            if skills is None or stop.service in skills:
                return _Head(key, place, ticket, stop, passed)
    return None


def _wanted(ticket: Ticket, key: str) -> Iterator[Stop]:
    """What a ticket wants in this list; who was sent to this counter wants what he was sent for."""
    if key.startswith("@"):
        yield ticket.stop
        return
    yield from (stop for stop in (ticket.stop, *ticket.rest) if stop.line == key)
