"""The dashboards are what their code says, and every panel asks something that can be asked."""

import shutil
import subprocess

import pytest
import yaml

from mpp_node.dashboards.__main__ import written

from .promql import TELEMETRY, asked, dashboards, metrics, recorded


def test_the_dashboards_are_what_their_code_writes() -> None:
    """After a change: `python -m mpp_node.dashboards docker/telemetry/dashboards`."""
    committed = {path.name: path.read_text() for path in TELEMETRY.glob("dashboards/*")}
    assert committed == written()


def test_every_panel_has_its_own_number_and_a_place_on_the_screen() -> None:
    for file, page in dashboards().items():
        panels = page["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels), file
        places = [panel["gridPos"] for panel in panels]
        assert all(place["x"] + place["w"] <= 24 for place in places), file
        corners = {(place["x"], place["y"]) for place in places}
        assert len(corners) == len(places), file


def test_what_rules_record_is_used_and_what_is_used_is_recorded() -> None:
    named = {name for _, expression in asked() for name in metrics(expression) if ":" in name}
    assert named == recorded()


def test_the_names_in_an_expression_are_found() -> None:
    expression = (
        'max by (a, b) (x_total{c="d"} offset 2m) > on (a) group_left () sum(rate(y_bucket{le=~"e.*"}[5m]))'
        ' unless on (a) label_replace(z:ratio5m, "f", "$1", "g", "(.*)") == 1'
    )
    assert metrics(expression) == {"x_total", "y_bucket", "z:ratio5m"}


def test_every_expression_of_a_panel_is_promql(tmp_path_factory: pytest.TempPathFactory) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: the package prometheus)")
    written_as_rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$", "")}
        for number, (_, expression) in enumerate(asked())
    ]
    file = tmp_path_factory.mktemp("panels") / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": written_as_rules}]}))
    answer = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
