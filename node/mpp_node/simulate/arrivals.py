"""Arrivals: who comes on a day, when, for what, and what they will be like; the same for the same seed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from importlib.resources import files
from itertools import pairwise
from math import exp, log
from random import Random
from typing import TypeVar

import yaml

from mpp_node.simulate.mall import Mall

T = TypeVar("T")

# How eagerly people come, from the opening (0) to the last ticket (1): a rush, a dip at noon, a small return.
RUSH = ((0.0, 2.2), (0.06, 2.4), (0.25, 1.6), (0.5, 0.7), (0.58, 0.5), (0.7, 0.9), (0.85, 0.6), (1.0, 0.2))
COMFORT = 0.7  # of what its counters can serve, for a mall without a known volume
CHANNELS = {"kiosk": 0.65, "web": 0.25, "mobile": 0.10}
PRIORITIES: Mapping[str | None, float] = {None: 0.88, "elderly": 0.08, "disabled": 0.02, "pregnant": 0.02}
BOOKED = 0.3  # share of people who book
SPREAD = 0.5  # sigma of the logarithm of a service's minutes


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who comes `arrives` minutes after the opening; all other times are minutes too."""

    n: int
    arrives: float
    service: str
    channel: str
    priority: str | None
    signed_in: bool  # web and mobile: with a citizen's token, or anonymous
    minutes: float  # at the counter
    hears: int  # shows up at this call: 1, or 2 after a recall, 3 for one who went away
    comes_back: float | None  # who went away: so long after the miss
    gives_up: float | None  # cancels after so long, when still waiting
    looks: tuple[float, ...]  # at the ticket's page
    follows: bool  # the ticket's page, live
    fetches: float | None  # something that is missing, in the middle of the service
    misplaced: bool  # stands in the wrong line
    books: bool = False  # a slot, the day before
    early: float = 0.0  # who booked comes so long before the slot; negative: after it
    also: str | None = None  # another service of the same visit
    nth: int | None = None  # wants to be told when he is the n-th


@cache
def volumes() -> dict[str, tuple[int, int]]:
    """By code of a mall: fewest and most tickets of a working day that a source states."""
    text = files(__package__).joinpath("volumes.yaml").read_text(encoding="utf-8")
    return {code: (low, high) for code, (low, high) in yaml.safe_load(text).items()}


def volume(mall: Mall, seed: int) -> int:
    """How many come on this day: the mall's known volume, or what its counters serve in comfort."""
    known = volumes().get(mall.code)
    if known:
        return _chance(mall, seed, "volume").randint(*known)
    open_minutes = (mall.last_ticket - mall.opens) / timedelta(minutes=1)
    return round(COMFORT * sum(mall.capacity.values()) * open_minutes)


def plan(mall: Mall, total: int, seed: int) -> list[Person]:
    """Everybody who comes, by time: a Poisson process of varying rate, given its total."""
    chance = _chance(mall, seed, "people")
    each_line = [service.line for service in mall.offered]
    weights = [mall.capacity[s.line] / each_line.count(s.line) for s in mall.offered]
    services = chance.choices(mall.offered, weights, k=total)
    minutes = _moments(chance, total, (mall.last_ticket - mall.opens) / timedelta(minutes=1))
    people = [
        _person(chance, n, at, service.code, service.minutes)
        for n, (at, service) in enumerate(zip(minutes, services, strict=True), 1)
    ]
    wishes = _chance(mall, seed, "wishes")
    return [_wishing(wishes, person, mall) for person in people]


def _wishing(chance: Random, person: Person, mall: Mall) -> Person:
    """Some book, some have two errands, some want to be told in time."""
    online = person.channel != "kiosk"
    other = chance.choice(mall.offered).code
    return replace(
        person,
        books=chance.random() < BOOKED,
        early=chance.uniform(-20, 28),
        also=other if chance.random() < 0.06 and other != person.service else None,
        nth=chance.randint(1, 5) if online and chance.random() < 0.3 else None,
    )


def rate(share: float) -> float:
    """How eagerly people come at this share of the day, without a unit."""
    for (x0, y0), (x1, y1) in pairwise(RUSH):
        if share <= x1:
            return y0 + (y1 - y0) * (share - x0) / (x1 - x0)
    return 0.0


def _moments(chance: Random, total: int, length: float) -> list[float]:
    minutes = range(int(length))
    chosen = chance.choices(minutes, [rate((minute + 0.5) / length) for minute in minutes], k=total)
    return sorted(minute + chance.random() for minute in chosen)


def _person(chance: Random, n: int, at: float, service: str, minutes: float) -> Person:
    channel = _one(chance, CHANNELS)
    hears = _one(chance, {1: 0.92, 2: 0.04, 3: 0.04})
    online = channel != "kiosk"
    return Person(
        n=n,
        arrives=at,
        service=service,
        channel=channel,
        priority=_one(chance, PRIORITIES),
        signed_in=online and chance.random() < 0.4,
        minutes=service_minutes(chance, minutes),
        hears=hears,
        comes_back=chance.uniform(3, 35) if hears == 3 and chance.random() < 0.6 else None,
        gives_up=chance.choice((0.3, 30, 90)) * chance.random() if chance.random() < 0.08 else None,
        looks=tuple(sorted(chance.uniform(0.5, 40) for _ in range(chance.randint(0, 3)))) if online else (),
        follows=online and chance.random() < 0.15,
        fetches=chance.uniform(3, 15) if chance.random() < 0.05 else None,
        misplaced=chance.random() < 0.03,
    )


def service_minutes(chance: Random, typical: float) -> float:
    """Minutes at the counter, lognormal with this mean."""
    drawn = exp(chance.gauss(log(typical) - SPREAD**2 / 2, SPREAD))
    return min(max(drawn, 0.5), 4 * typical)


def stranger(chance: Random, typical: float) -> Person:
    """Somebody whose ticket was not taken by the simulation: comes when called, and is served."""
    minutes = service_minutes(chance, typical)
    return Person(0, 0, "", "", None, False, minutes, 1, None, None, (), False, None, False)


def _one(chance: Random, shares: Mapping[T, float]) -> T:
    return chance.choices([*shares], [*shares.values()])[0]


def _chance(mall: Mall, seed: int, of: str) -> Random:
    return Random(f"{mall.code} {mall.day} {seed} {of}")
