"""Scores: the error of each predictor on the same paths, and the intervals of the paired differences."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from mpp_node.bench.estimates.classics import NAMES
from mpp_node.bench.estimates.day import Day, Told
from mpp_node.bench.estimates.scenarios import Scenario

# Student's t, two-sided 95 %, by degrees of freedom.
T95 = {9: 2.262, 14: 2.145, 19: 2.093, 24: 2.064, 29: 2.045, 39: 2.023, 49: 2.010}


@dataclass(frozen=True)
class Versus:
    """A classic: its error, and by how much its squared error is larger than ours; minutes, minutes²."""

    rmse: float
    difference: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        return "better" if self.low > 0 else "worse" if self.high < 0 else "even"


@dataclass(frozen=True)
class Score:
    """Ours in one scenario; `within`: the share of waits not above p90."""

    scenario: str
    tickets: int
    mean_wait: float
    rmse: float
    bias: float
    within: float
    versus: dict[str, Versus]

    @property
    def to_oracle(self) -> float:
        return self.rmse / self.versus["oracle"].rmse


def score(scenario: Scenario, seed: int, days: int) -> Score:
    """So many independent days; each day is one observation of the paired differences."""
    played = [Day(scenario, seed * 10_000 + n).play() for n in range(days)]
    every = [told for day in played for told in day]
    ours = sqrt(fmean((told.p50 - told.waited) ** 2 for told in every))
    return Score(
        scenario.name,
        len(every),
        fmean(told.waited for told in every),
        ours,
        fmean(told.p50 - told.waited for told in every),
        fmean(told.waited <= told.p90 for told in every),
        {name: _versus(name, played) for name in NAMES},
    )


def _versus(name: str, days: Sequence[Sequence[Told]]) -> Versus:
    def error(told: Told) -> float:
        return (told.classics[name] - told.waited) ** 2

    rmse = sqrt(fmean(error(told) for day in days for told in day))
    differences = [fmean(error(told) - (told.p50 - told.waited) ** 2 for told in day) for day in days if day]
    mean, n = fmean(differences), len(differences)
    t95 = T95.get(n - 1) or 1.96 + 2.5 / max(1, n - 1)
    half = t95 * stdev(differences) / sqrt(n) if n > 1 else float("inf")
    return Versus(rmse, mean, mean - half, mean + half)
