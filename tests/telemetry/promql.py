"""What dashboards and alerts ask of Prometheus: their expressions, and the metrics these name."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HOUSE = Path(__file__).parents[2]
TELEMETRY = HOUSE / "docker/telemetry"
RULES = HOUSE / "charts/mpp/rules.yaml"
OF_PROMETHEUS = {"up", "ALERTS"}  # what it knows by itself
_WORDS = {"and", "or", "unless", "on", "bool"}
_NOT_NAMES = re.compile(
    r'"(?:[^"\\]|\\.)*"'  # texts
    r"|\{[^{}]*\}|\[[^\[\]]*\]"  # label matchers, ranges
    r"|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)"  # lists of labels
    r"|\boffset\s+\w+"
    r"|\b\w+\s*(?=\()"  # functions
    r"|\b(?:by|without)\b"
)


def rules() -> list[dict[str, Any]]:
    """Every alert and every recorded series."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def dashboards() -> dict[str, Any]:
    """File name → dashboard, as committed."""
    return {path.name: json.loads(path.read_text()) for path in sorted(TELEMETRY.glob("dashboards/*.json"))}


def asked() -> Iterator[tuple[str, str]]:
    """(who asks, expression)"""
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for file, page in dashboards().items():
        for panel in page["panels"]:
            for target in panel.get("targets", ()):
                yield f"{file}: {panel['title']}", target["expr"]
        for variable in page["templating"]["list"]:
            if variable["type"] == "query":
                listed = re.fullmatch(r"label_values\((.+), \w+\)", variable["query"])
                assert listed, variable["query"]
                yield f"{file}: ${variable['name']}", listed[1]


def metrics(expression: str) -> set[str]:
    """The metrics that an expression names, without those that a rule records."""
    bare = _NOT_NAMES.sub(" ", _NOT_NAMES.sub(" ", expression))
    names = {*re.findall(r"(?<![\w:])[a-zA-Z_:][\w:]*", bare)} - _WORDS - OF_PROMETHEUS
    return {name for name in names if not re.match(r"inf|nan$", name, re.IGNORECASE)}


def recorded() -> set[str]:
    return {rule["record"] for rule in rules() if "record" in rule}
