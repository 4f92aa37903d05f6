"""A working week and more of a busy mall on one node: everything clean, and nothing grows that must not."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.testing.node import RunningNode, running_node
from mpp_node.bench.memory import held_by
from mpp_node.home import Home
from mpp_node.services import SERVICES

from .table import Row

pytestmark = pytest.mark.long
DAYS = int(os.environ.get("SOAK_DAYS", "6"))
LONGEST = 1200.0  # real seconds that a day may take
GROWTH = 1.25  # of a service's memory from the second day, when its caches are warm, to the last


def test_a_week_of_kota_bogor_ends_clean_and_no_service_grows(
    tmp_path: Path, row: Callable[[Row], None]
) -> None:
    with running_node() as node:
        days = [_day(node, tmp_path / f"{n}.json") for n in range(DAYS)]
        verified = node.tell("verify", timeout=600)
    assert verified.returncode == 0, verified.stdout
    issued, held = sum(day for day, _ in days), [memory for _, memory in days]
    grown = {part: held[-1][part] / held[1][part] for part in held[-1]}
    assert max(grown.values()) < GROWTH, f"MiB after each day: {held}"
    part = max(grown, key=lambda part: grown[part])
    told = f"{part} grew most, by {grown[part] - 1:.0%} to {held[-1][part]:.0f} MiB"
    fault = f"no fault: {DAYS} days of MPP Kota Bogor on one node; of the services {told}"
    row(Row(fault, f"{issued // DAYS:,} people a day", issued, 0, 0, "–", "ok"))


def _day(node: RunningNode, report: Path) -> tuple[int, dict[str, float]]:
    """Tickets of the next working day, and MiB that each service holds after it."""
    words = ("--mall", "kota-bogor", "--speed", "max", "--json", str(report))
    played = subprocess.run(node.command("simulate", *words), env=node.env, timeout=LONGEST, check=False)
    assert played.returncode == 0
    parts = Home(node.folder / "home").state()["parts"]
    return json.loads(report.read_text())["issued"], {
        service.name: held_by(parts[service.name]["pid"]) for service in SERVICES
    }
