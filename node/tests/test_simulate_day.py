"""A simulated day on a whole node with the real services: undisturbed, and while its parts are killed."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mpp.testing.node import RunningNode, running_node
from mpp_node.node import NAMES


class Day:
    """A running node with the services as they are, and the days simulated on it."""

    def __init__(self, node: RunningNode) -> None:
        self.node, self.home = node, node.folder / "home"

    def simulate(self, *words: str) -> "subprocess.Popen[str]":
        command, told = self.node.command("simulate", *words), subprocess.PIPE
        return subprocess.Popen(command, env=self.node.env, stdout=told, stderr=subprocess.STDOUT, text=True)

    def pid(self, part: str) -> int:
        return int(json.loads((self.home / "state.json").read_text())["parts"][part]["pid"] or 0)

    def kill(self, part: str) -> None:
        """kill -9, and wait until the supervisor has another one."""
        killed = self.pid(part)
        os.kill(killed, signal.SIGKILL)
        until(lambda: self.pid(part) not in (0, killed))

    def facts(self, date: str) -> int:
        """How much was acknowledged of this day so far."""
        files = [*(self.home / "simulated").glob(f"*-{date}-*.jsonl")]
        return sum(len(file.read_bytes().splitlines()) for file in files)


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def day() -> Iterator[Day]:
    with running_node() as node:
        yield Day(node)


def ended(simulation: "subprocess.Popen[str]", report: Path) -> dict[str, Any]:
    """The verdict of a simulation that ends cleanly."""
    said, _ = simulation.communicate(timeout=240)
    assert simulation.returncode == 0, said
    assert "a clean day" in said
    verdict: dict[str, Any] = json.loads(report.read_text())
    return verdict


def test_a_short_day_of_bombana_ends_clean(day: Day, tmp_path: Path) -> None:
    report = tmp_path / "verdict.json"
    verdict = ended(day.simulate("--speed", "max", "--tickets", "60", "--json", str(report)), report)
    ends = ("served", "missed", "cancelled", "lapsed")
    assert verdict["issued"] == 60 == sum(verdict[end] for end in ends)
    assert verdict["served"] > 45
    assert verdict["calls"] >= verdict["served"]
    assert {*verdict["checks"]} == {*NAMES}


def test_a_day_goes_on_after_ctrl_c_and_kills_and_nothing_acknowledged_is_lost(
    day: Day, tmp_path: Path
) -> None:
    date, report = "2027-03-03", tmp_path / "verdict.json"
    words = ("--date", date, "--tickets", "60", "--seed", "3", "--speed", "3600", "--json", str(report))
    first = day.simulate(*words)
    until(lambda: day.facts(date) > 60)
    first.send_signal(signal.SIGINT)
    said, _ = first.communicate(timeout=30)
    assert first.returncode == 130 and "goes on" in said, said
    second = day.simulate(*words)
    for part in ("queue", "nats", "postgres"):
        goal = day.facts(date) + 40
        until(lambda goal=goal: day.facts(date) > goal)  # type: ignore[misc]
        assert second.poll() is None
        day.kill(part)
    verdict = ended(second, report)
    assert verdict["issued"] == 60
    assert verdict["played"]["retried"] > 0


def test_a_day_that_somebody_else_began_is_refused(day: Day) -> None:
    simulation = day.simulate("--date", "2027-03-03", "--seed", "99")
    said, _ = simulation.communicate(timeout=60)
    assert simulation.returncode == 1
    assert "60 tickets that this simulation did not take" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--date", "2027-03-06"], "gives no service on 2027-03-06"),
        (["--mall", "atlantis"], "404"),
        (["--speed", "backwards"], "positive number"),
    ],
)
def test_a_day_that_can_not_be_played_is_said_in_one_sentence(day: Day, words: list[str], told: str) -> None:
    simulation = day.simulate(*words)
    said, _ = simulation.communicate(timeout=60)
    assert simulation.returncode != 0
    assert told in said and "Traceback" not in said
