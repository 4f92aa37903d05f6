"""The charts before the judges: helm, the schemas of Kubernetes and of others, checkov, hadolint."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

HOUSE = Path(__file__).parents[2]
SCHEMAS = Path(__file__).parent / "schemas"
VALUES = ("dev", "province", "nation")
MODELS = """
import json, sys
from cloudcoil.models.prometheus_operator import v1
for found in json.load(sys.stdin):
    getattr(v1, found["kind"]).model_validate(found, extra="forbid")
"""


def run(*words: str | Path, told: str = "") -> str:
    """What a program says; a failure shows it."""
    ended = subprocess.run(
        [str(word) for word in words], input=told, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.mark.parametrize("name", VALUES)
def test_helm_has_nothing_to_say_against_a_values_file(tools: Path, chart: Path, name: str) -> None:
    run(tools / "helm", "lint", "--strict", chart, "-f", chart / "values" / f"{name}.yaml")


@pytest.mark.parametrize(
    "word", ["global.image.tagg=1", "queue.replica=2", "queue.settings.PATH=/", "natts.enabled=no"]
)
def test_a_value_that_is_misspelt_is_refused(tools: Path, chart: Path, word: str) -> None:
    asked = [str(tools / "helm"), "template", "mpp", str(chart), "--set", word]
    ended = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "additional propert" in ended.stderr.lower() or "does not match" in ended.stderr


@pytest.mark.parametrize("name", VALUES)
def test_kubernetes_knows_every_field(
    tools: Path, rendered: Mapping[str, str], tmp_path: Path, name: str
) -> None:
    (tmp_path / "all.yaml").write_text(rendered[name])
    run(tools / "kubernetes-validate", "--strict", "--no-warn", "-k", "1.37", tmp_path / "all.yaml")


@pytest.mark.parametrize("name", VALUES)
def test_routes_follow_the_gateway_api(manifests: Callable[[str], list[dict[str, Any]]], name: str) -> None:
    for kind in ("HTTPRoute", "Gateway"):
        schema = json.loads((SCHEMAS / f"gateway.networking.k8s.io.v1.{kind}.json").read_text())
        schema["properties"]["metadata"] = {"type": "object"}
        judge = jsonschema_rs.validator_for(strict(schema))
        found = [each for each in manifests(name) if each["kind"] == kind]
        assert found
        for each in found:
            judge.validate(each)


def strict(schema: Any) -> Any:
    """The same, where an unknown field is a mistake; metadata is another schema's."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: strict(value) for key, value in schema.items()}
    closed = "properties" in inner and "additionalProperties" not in inner
    return inner | ({"additionalProperties": False} if closed else {})


def test_what_the_prometheus_operator_reads_follows_its_models(
    tools: Path, manifests: Callable[[str], list[dict[str, Any]]]
) -> None:
    found = [each for each in manifests("nation") if each["apiVersion"] == "monitoring.coreos.com/v1"]
    assert {each["kind"] for each in found} == {"ServiceMonitor", "PrometheusRule"}
    run(tools / "python", "-c", MODELS, told=json.dumps(found))


@pytest.mark.parametrize("name", ["dev", "nation"])
def test_checkov_finds_nothing_that_is_not_explained(
    tools: Path, rendered: Mapping[str, str], tmp_path: Path, name: str
) -> None:
    (tmp_path / "all.yaml").write_text(rendered[name])
    run(tools / "checkov", "-f", tmp_path / "all.yaml", "--config-file", HOUSE / "charts" / "checkov.yaml")


def test_the_image_file_is_clean(tools: Path) -> None:
    run(tools / "hadolint", HOUSE / "docker" / "service.Dockerfile")
