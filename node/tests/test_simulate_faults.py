"""A day with faults: their order comes from the seed, each strikes and is mended, the day is clean."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mpp.testing.node import RunningNode, running_node
from mpp_node.home import Home
from mpp_node.simulate.faults import FROZEN, KILLED, drawn
from mpp_node.simulate.victim import NotForFaults, Victim

KINDS = len(KILLED) + len(FROZEN) + 3
DAY = ("--date", "2027-03-04", "--seed", "8498", "--tickets", "80", "--speed", "max", "--faults", "100")
ORDER = [
    "delete the queue's stream",
    "kill -9 queue",
    "kill -9 nats, cut the end of the queue's stream",
    "kill -9 postgres",
    "kill -9 everything",
]


@pytest.fixture(scope="module")
def node() -> Iterator[RunningNode]:
    with running_node() as node:
        yield node


def home(node: RunningNode) -> Home:
    return Home(node.folder / "home")


def restarts(node: RunningNode) -> dict[str, int]:
    return {name: part["restarts"] for name, part in home(node).state()["parts"].items()}


def test_a_seed_draws_the_same_faults_and_each_kind_once_before_one_comes_again() -> None:
    faults = drawn(Random("7"), 3 * KINDS)
    assert faults == drawn(Random("7"), 3 * KINDS) != drawn(Random("8"), 3 * KINDS)
    for first in (0, KINDS, 2 * KINDS):
        assert len({(fault.how, fault.part) for fault in faults[first : first + KINDS]}) == KINDS


def test_a_day_on_which_everything_is_killed_and_streams_are_lost_ends_clean(
    node: RunningNode, tmp_path: Path
) -> None:
    file = tmp_path / "verdict.json"
    played = node.tell("simulate", *DAY, "--json", str(file), timeout=300)
    assert played.returncode == 0, played.stdout + played.stderr
    verdict: dict[str, Any] = json.loads(file.read_text())
    assert verdict["clean"] and verdict["issued"] == 80
    assert [fault["fault"] for fault in verdict["struck"]] == ORDER
    assert all(fault["seconds"] is not None for fault in verdict["struck"])
    assert all(fault["under_way"] for fault in verdict["struck"][:-1])  # hardly anybody is left at the last
    assert verdict["played"]["retried"] > 0
    twice = {"postgres", "nats", "queue"}
    assert all(count >= 1 + (name in twice) for name, count in restarts(node).items()), restarts(node)

    told = played.stdout.splitlines()
    begins = told.index("5 faults, drawn from seed 8498:")
    assert [line.split(maxsplit=1)[1] for line in told[begins + 1 : begins + 6]] == ORDER
    struck = [line for line in told if "requests under way" in line]
    assert [line.partition(", with")[0].split(maxsplit=1)[1] for line in struck] == ORDER
    log = (home(node).logs / "faults.log").read_text()
    assert [line for line in struck if line not in log] == []


def test_a_node_that_goes_by_the_real_clock_is_not_harmed(
    node: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mpp_node.simulate.victim.environment", lambda *_: {"MPP_CLOCK": "system"})
    with pytest.raises(NotForFaults):
        Victim(home(node))
