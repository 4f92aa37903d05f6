"""A whole day of Bombana, undisturbed by what happens to the node every twenty minutes."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from mpp.testing.node import RunningNode, running_node

from .table import Row

pytestmark = pytest.mark.long
MINUTES = 20  # simulated, between two faults
LONGEST = 1200.0  # real seconds that a day may take


@pytest.fixture(scope="module")
def node() -> Iterator[RunningNode]:
    with running_node() as node:
        yield node


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_day_with_a_fault_every_twenty_minutes_ends_clean(
    node: RunningNode, seed: int, tmp_path: Path, row: Callable[[Row], None]
) -> None:
    report, words = tmp_path / "verdict.json", ("--mall", "bombana", "--speed", "max")
    order = ("--seed", str(seed), "--faults", str(MINUTES), "--json", str(report))
    day = node.command("simulate", *words, *order)
    played = subprocess.run(day, env=node.env, timeout=LONGEST, check=False)  # tells its progress itself
    assert played.returncode == 0
    verdict = json.loads(report.read_text())
    assert verdict["clean"]
    assert len(verdict["struck"]) >= 20  # on a day of eight and a half hours
    assert [fault for fault in verdict["struck"] if fault["seconds"] is None] == []
    row(_row(seed, verdict))


def _row(seed: int, verdict: dict[str, Any]) -> Row:
    """The whole day in one line."""
    seconds, checks = [struck["seconds"] for struck in verdict["struck"]], verdict["checks"]
    return Row(
        f"a day of MPP Bombana on a whole node, {len(seconds)} faults, seed {seed}",
        f"{verdict['issued']} people, {verdict['calls']} calls, a board, {verdict['pages_followed']} pages",
        verdict["issued"],
        len(verdict["lost"]) + len(verdict["gaps"]) + verdict["board_missed"],
        len(verdict["duplicates"]) + len(verdict["called_twice"]) + verdict["board_repeated"],
        f"{median(seconds):.1f} · {max(seconds):.1f}",
        f"ok ({sum(map(len, checks.values()))} checks of {len(checks)} services)",
    )
