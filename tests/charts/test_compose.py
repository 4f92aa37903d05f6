"""The containers of one machine: every service of the house, told all it must know, behind the gateway."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from mpp.settings import Settings

HOUSE = Path(__file__).parents[2]
SERVICES = {path.parent.name for path in HOUSE.glob("services/*/pyproject.toml")}
GIVEN = {"SECRET": "ab" * 32, "MASTER": "ab" * 32, "ISSUERS": "[]", "URL": "http://identity/token"}


@pytest.fixture(scope="module")
def compose() -> Mapping[str, Any]:
    return dict(yaml.safe_load((HOUSE / "docker/compose.yaml").read_text())["services"])


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_understands_what_its_container_is_told(
    compose: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for variable, value in compose[name]["environment"].items():
        asked = [given for word, given in GIVEN.items() if str(value).startswith("${") and word in value]
        monkeypatch.setenv(variable, asked[-1] if asked else value)
    settings = Settings()
    assert settings.service == settings.system_client_id == name
    assert set(settings.owners) == SERVICES
    assert compose[name]["build"]["args"] == {"SERVICE": name}
    assert compose[name]["read_only"]


def test_every_file_that_a_container_is_given_is_there(compose: Mapping[str, Any]) -> None:
    given = [volume for each in compose.values() for volume in each.get("volumes", ())]
    folder = HOUSE / "docker"
    assert [v for v in given if v.startswith("./") and not (folder / v.split(":")[0]).exists()] == []


def test_the_gateway_knows_the_public_api_of_each_service_and_nothing_else() -> None:
    routes = yaml.safe_load((HOUSE / "docker/gateway.yaml").read_text())["http"]
    expected = {name: f"PathPrefix(`/api/{name}/v1/`)" for name in SERVICES}
    assert {name: route["rule"] for name, route in routes["routers"].items()} == expected
    assert "buffering" not in str(routes["middlewares"])
