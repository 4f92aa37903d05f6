"""The scenarios, written down before the first run; minutes everywhere, counted from midnight.

What the platform is told (the plan) and what is true differ as they do in a mall: the standard's minutes are
a guess, breaks are planned, no-shows and the right of way are not announced.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

Draw = Callable[[Random], float]  # minutes of one service
OPENS, CLOSES = 7.5 * 60, 16 * 60


def exponential(mean: float) -> Draw:
    return lambda chance: chance.expovariate(1 / mean)


def lognormal(mean: float, cv: float) -> Draw:
    from math import log, sqrt

    sigma = sqrt(log(1 + cv**2))
    return lambda chance: mean * chance.lognormvariate(-(sigma**2) / 2, sigma)


@dataclass(frozen=True)
class Service:
    """`share` of the arrivals; `standard` minutes are what the platform is told, `mean` is true."""

    code: str
    line: str
    share: float
    standard: float
    mean: float
    draw: Draw


@dataclass(frozen=True)
class Scenario:
    """`rate(minute)`: arrivals a minute; `counters`: counter → its lines; `breaks`: counter → begin and end.

    `preferred`: share of arrivals with the right of way; `absent`: share that does not come when called, for
    whom the counter waits `patience` minutes; tickets issued before `scored_from` are not scored.
    """

    name: str
    about: str
    services: tuple[Service, ...]
    counters: Mapping[str, tuple[str, ...]]
    rate: Callable[[float], float]
    peak: float  # the highest rate
    opens: float = OPENS
    last_ticket: float = CLOSES - 30
    breaks: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    preferred: float = 0.0
    absent: float = 0.0
    patience: float = 1.5
    scored_from: float = 0.0


def _one(counters: int) -> dict[str, tuple[str, ...]]:
    return {str(n): ("A",) for n in range(1, counters + 1)}


def _steady(rate: float) -> Callable[[float], float]:
    return lambda minute: rate


def _morning(minute: float) -> float:
    """130 % of what five counters can serve until half past ten, 65 % later."""
    return (1.3 if minute < 10.5 * 60 else 0.65) * 5 / 8


EXP8 = Service("a", "A", 1.0, 8, 8, exponential(8))
EXP9 = Service("a", "A", 1.0, 8, 9, exponential(9))
SCENARIOS = (
    Scenario(
        "stationary M/M/s",
        "five counters, load 0.9, exponential services of 9 minutes where the standard says 8; 20 hours,"
        " scored after the first four",
        (EXP9,),
        _one(5),
        _steady(0.9 * 5 / 9),
        0.9 * 5 / 9,
        opens=0,
        last_ticket=20 * 60,
        scored_from=4 * 60,
    ),
    Scenario(
        "morning peak",
        "five counters, 130 % of their capacity until half past ten, 65 % later",
        (EXP8,),
        _one(5),
        _morning,
        1.3 * 5 / 8,
    ),
    Scenario(
        "lunch breaks",
        "six counters, load 0.9; three are away from 11.30 to 12.30, three from 12.30 to 13.30, as planned",
        (EXP8,),
        _one(6),
        _steady(0.9 * 6 / 8),
        0.9 * 6 / 8,
        breaks={str(n): (11.5 * 60, 12.5 * 60) if n <= 3 else (12.5 * 60, 13.5 * 60) for n in range(1, 7)},
    ),
    Scenario(
        "priorities and no-shows",
        "five counters; 15 % have the right of way, 10 % do not come when called",
        (EXP8,),
        _one(5),
        _steady(0.98 * 5 / 8),
        0.98 * 5 / 8,
        preferred=0.15,
        absent=0.10,
    ),
    Scenario(
        "lognormal services",
        "five counters; two services in one line, 6 and 15 minutes, coefficient of variation 0.6, where the"
        " standard says 8 and 12",
        (
            Service("a", "A", 0.7, 8, 6, lognormal(6, 0.6)),
            Service("b", "A", 0.3, 12, 15, lognormal(15, 0.6)),
        ),
        _one(5),
        _steady(0.95 * 5 / 8.7),
        0.95 * 5 / 8.7,
    ),
    Scenario(
        "two services sharing counters",
        "two counters for A, one for B, three for both; A takes 6 minutes, B 12; load 0.93",
        (
            Service("a", "A", 0.6, 6, 6, exponential(6)),
            Service("b", "B", 0.4, 12, 12, exponential(12)),
        ),
        {"1": ("A",), "2": ("A",), "3": ("B",), "4": ("A", "B"), "5": ("A", "B"), "6": ("A", "B")},
        _steady(0.93 * 6 / 8.4),
        0.93 * 6 / 8.4,
    ),
)
