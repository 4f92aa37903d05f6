"""The bench of estimates: a seed is a day, and the estimates are as good as they are said to be."""

import pytest

from mpp_node.bench.estimates.day import Day
from mpp_node.bench.estimates.scenarios import SCENARIOS, Scenario
from mpp_node.bench.estimates.scoring import score

STATIONARY = SCENARIOS[0]


def test_a_seed_is_a_day() -> None:
    first, again, other = (Day(SCENARIOS[1], seed).play() for seed in (7, 7, 8))
    assert first == again and first != other
    assert all(told.waited >= 0 and told.p50 <= told.p90 for told in first)


def test_in_the_stationary_queue_it_is_nearly_the_oracle() -> None:
    scored = score(STATIONARY, 1, 6)
    assert scored.to_oracle < 1.10 and 0.85 <= scored.within <= 0.95
    assert all(scored.versus[name].rmse > scored.rmse for name in ("HOL", "LES", "mean-20"))


@pytest.mark.parametrize("scenario", SCENARIOS[1:], ids=lambda each: each.name)
def test_in_every_scenario_it_is_better_than_what_only_looks_back(scenario: Scenario) -> None:
    scored = score(scenario, 1, 5)
    assert all(scored.versus[name].rmse > scored.rmse for name in ("HOL", "LES", "mean-20"))
    assert 0.8 < scored.within < 0.97
