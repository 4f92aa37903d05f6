"""Each alert fires and stays silent when it must, and leads to a page that helps."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .promql import RULES, alerts

HOUSE = Path(__file__).parents[2]
STORIES = sorted(Path(__file__).parent.glob("rules/*.yaml"))
PARTS = [
    "What it means",
    "What citizens notice",
    "First look",
    "How to mend",
    "How to know that it is over",
]


@pytest.fixture(scope="session")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian: the package prometheus)")
    return found


def test_prometheus_accepts_the_rules(promtool: str) -> None:
    answer = subprocess.run([promtool, "check", "rules", RULES], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
def test_alerts_fire_and_stay_silent_as_their_stories_tell(promtool: str, story: Path) -> None:
    answer = subprocess.run([promtool, "test", "rules", story], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def told() -> list[dict[str, Any]]:
    """Every expectation of every story."""
    tests = [test for story in STORIES for test in yaml.safe_load(story.read_text())["tests"]]
    return [expected for test in tests for expected in test["alert_rule_test"]]


@pytest.mark.parametrize("alert", alerts(), ids=lambda rule: rule["alert"])
def test_every_alert_has_a_story_where_it_fires_and_one_where_it_is_silent(
    alert: dict[str, Any],
) -> None:
    fires = {bool(expected["exp_alerts"]) for expected in told() if expected["alertname"] == alert["alert"]}
    assert fires == {True, False}


@pytest.mark.parametrize("alert", alerts(), ids=lambda rule: rule["alert"])
def test_every_alert_leads_to_a_page_that_says_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("page", "ticket", "office")
    page = (HOUSE / alert["annotations"]["runbook"]).read_text()
    assert f"`{alert['alert']}`" in page
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == PARTS
    assert Path(alert["annotations"]["runbook"]).name in (HOUSE / "docs/operations/README.md").read_text()
