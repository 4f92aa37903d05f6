"""A node starts, shows what is public and nothing else, mends what dies, and keeps its data."""

import asyncio
import json
import os
import signal
import stat
import time
from typing import Any

import asyncpg
import httpx
import jwt
import nats
import pytest

from mpp.testing.node import RunningNode
from mpp.testing.postgres import scratch
from mpp_node.home import Home
from mpp_node.node import NAMES
from mpp_node.services import KEYS, environment, nats_users, service
from mpp_servers.processes import Process, born
from mpp_servers.server import accepts

from .conftest import node_of_stand_ins


def state(node: RunningNode) -> dict[str, Any]:
    parts: dict[str, Any] = Home(node.folder / "home").state()["parts"]
    return parts


def await_restart(node: RunningNode, part: str, before: dict[str, Any]) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        now = state(node)[part]
        if now["ready"] and now["pid"] != before["pid"]:
            assert now["restarts"] == before["restarts"] + 1
            return
        time.sleep(0.05)
    raise AssertionError(f"{part} did not come back:\n{state(node)}")


def test_the_discovery_document_names_keys_that_verify_a_token_of_the_command_line(node: RunningNode) -> None:
    discovery = httpx.get(f"{node.address}/.well-known/openid-configuration").json()
    assert discovery["issuer"] == node.address
    keys = {key["kid"]: jwt.PyJWK(key) for key in httpx.get(discovery["jwks_uri"]).json()["keys"]}
    answer = node.tell("token", "--role", "officer", "--mall", "7406", "--agency", "dukcapil")
    assert answer.returncode == 0, answer.stderr
    token = answer.stdout.strip()
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["ES256"], audience="mpp", issuer=node.address)
    assert (claims["roles"], claims["malls"], claims["agencies"]) == (["officer"], ["7406"], ["dukcapil"])


def test_a_token_may_name_the_mall_by_its_slug(node: RunningNode) -> None:
    token = node.tell("token", "--role", "kiosk", "--mall", "bombana").stdout.strip()
    assert jwt.decode(token, options={"verify_signature": False})["malls"] == ["7406"]


def test_an_unknown_role_or_mall_is_refused_in_a_sentence(node: RunningNode) -> None:
    for words in (["--role", "king"], ["--role", "kiosk", "--mall", "atlantis"]):
        answer = node.tell("token", *words)
        assert answer.returncode == 2
        assert "no such role" in answer.stderr or "no mall atlantis" in answer.stderr


def test_a_service_gets_a_system_token_for_its_client_credentials_and_nobody_else_does(
    node: RunningNode,
) -> None:
    env = environment(Home(node.folder / "home"), service("queue"))
    url, client = f"{node.address}/oidc/token", env["MPP_SYSTEM_CLIENT_ID"]
    grant = {"grant_type": "client_credentials"}
    basic = httpx.post(url, data=grant, auth=(client, env["MPP_SYSTEM_CLIENT_SECRET"]))
    posted = {**grant, "client_id": client, "client_secret": env["MPP_SYSTEM_CLIENT_SECRET"]}
    for answer in (basic, httpx.post(url, data=posted)):
        claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
        assert claims["roles"] == ["system"]
    assert httpx.post(url, data=grant, auth=(client, "guess")).json() == {"error": "invalid_client"}
    assert httpx.post(url, data={**grant, "client_id": "nobody"}).status_code == 401
    assert httpx.post(url, data={"grant_type": "password"}).json() == {"error": "unsupported_grant_type"}
    assert httpx.post(url, content=b"x" * 100_000).status_code == 400


@pytest.mark.parametrize("name", NAMES)
def test_the_gateway_routes_the_public_api_of_each_service(node: RunningNode, name: str) -> None:
    assert httpx.get(f"{node.address}/api/{name}/v1/openapi.json").json()["of"] == name


@pytest.mark.parametrize(
    "path",
    [
        "/internal/events",
        "/metrics",
        "/health/ready",
        "/api/queue/internal/events",
        "/api/queue/v1/../../../internal/events",
        "/api/queue/v1/..%2f..%2f..%2finternal%2fevents",
        "/api/queue/v1x/openapi.json",
        "/static/../node.json",
        "/nonsense",
    ],
)
def test_what_is_internal_or_unknown_is_not_found_through_the_gateway(node: RunningNode, path: str) -> None:
    with httpx.Client() as client:
        request = client.build_request("GET", node.address)
        request.url = request.url.copy_with(raw_path=path.encode())
        assert client.send(request).status_code in (400, 404)


def test_the_first_event_of_a_live_stream_is_not_held_back(node: RunningNode) -> None:
    with httpx.stream("GET", f"{node.address}/api/queue/v1/live", timeout=5) as answer:
        assert next(answer.iter_lines()) == "event: snapshot"


def test_the_page_allows_scripts_of_its_own_origin_alone(node: RunningNode) -> None:
    page = httpx.get(f"{node.address}/")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert 'lang="id"' in page.text
    for file in ("board.css", "board.js"):
        assert httpx.get(f"{node.address}/static/{file}").status_code == 200


def test_a_refusal_of_a_service_passes_the_gateway_unchanged(node: RunningNode) -> None:
    answer = httpx.get(f"{node.address}/api/queue/v1/busy")
    assert (answer.status_code, answer.json()["of"]) == (503, "queue")


def test_a_killed_service_is_back_and_meanwhile_the_gateway_says_so_as_a_problem(node: RunningNode) -> None:
    before = state(node)["queue"]
    os.kill(before["pid"], signal.SIGSTOP)  # it cannot come back before it has been asked
    victim = Process(before["pid"], born(before["pid"]))
    os.kill(before["pid"], signal.SIGKILL)
    assert victim.ends_within(5)
    answer = httpx.get(f"{node.address}/api/queue/v1/openapi.json")
    if answer.status_code != 200:
        assert answer.status_code == 502
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == 502
    await_restart(node, "queue", before)


async def test_a_killed_postgres_is_back_with_its_data(node: RunningNode) -> None:
    before = state(node)["postgres"]
    os.kill(before["pid"], signal.SIGKILL)
    await asyncio.to_thread(await_restart, node, "postgres", before)
    env = environment(Home(node.folder / "home"), service("catalog"))
    connection = await asyncpg.connect(env["MPP_DATABASE_URL"])
    assert await connection.fetchval("select said from catalog.fact") == "seeded"
    await connection.close()


@pytest.mark.parametrize("part", ["nats", "traefik", "site"])
def test_every_other_part_that_is_killed_is_back_too(node: RunningNode, part: str) -> None:
    before = state(node)[part]
    os.kill(before["pid"], signal.SIGKILL)
    await_restart(node, part, before)


async def test_a_service_sees_no_other_services_tables(node: RunningNode) -> None:
    env = environment(Home(node.folder / "home"), service("queue"))
    connection = await asyncpg.connect(env["MPP_DATABASE_URL"])
    await connection.execute("select * from queue.fact")
    for forbidden in (
        "select * from catalog.fact",
        "create table public.fact ()",
        "create schema mine",
        "set role catalog",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(forbidden)
    await connection.close()
    for elsewhere in ("postgres", KEYS):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(env["MPP_DATABASE_URL"].removesuffix("mpp") + elsewhere)


async def test_a_service_publishes_under_its_own_name_alone_and_reads_everybody(node: RunningNode) -> None:
    home = Home(node.folder / "home")
    secret = next(user.password for user in nats_users(home) if user.name == "queue")
    refused: list[str] = []

    async def note(error: Exception) -> None:
        refused.append(str(error))

    client = await nats.connect(
        f"nats://queue:{secret}@127.0.0.1:{home.port('nats')}", error_cb=note, max_reconnect_attempts=1
    )
    stream = client.jetstream()
    await stream.add_stream(name="mpp-queue", subjects=["mpp.queue.>"])
    assert (await stream.publish("mpp.queue.7406.said.v1", b"own")).seq == 1
    reader = await stream.pull_subscribe("mpp.queue.>", stream="mpp-queue")
    assert [message.data for message in await reader.fetch(1)] == [b"own"]
    await client.publish("mpp.catalog.7406.said.v1", b"forged")
    await client.flush()
    hasty = client.jetstream(timeout=0.5)  # the server does not answer what it refuses
    with pytest.raises(nats.errors.TimeoutError):
        await hasty.delete_stream("mpp-queue")
    with pytest.raises(nats.errors.TimeoutError):
        await hasty.add_stream(name="mpp-catalog")
    await client.close()
    assert len(refused) == 3


def test_a_second_node_in_the_same_folder_is_refused(node: RunningNode) -> None:
    answer = node.tell("up")
    assert answer.returncode == 1
    assert "mpp down" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_status_shows_every_part_as_healthy(node: RunningNode) -> None:
    answer = node.tell("status")
    assert answer.returncode == 0, answer.stdout
    for part in ("postgres", "nats", "traefik", "site", *NAMES):
        assert part in answer.stdout


def test_verify_asks_every_service_and_can_answer_in_json(node: RunningNode) -> None:
    assert json.loads(node.tell("verify", "--json").stdout) == {name: [{"clean": True}] for name in NAMES}
    assert node.tell("rebuild", "elsewhere").returncode == 2
    assert node.tell("rebuild", "queue").returncode == 1  # the stand-in cannot, and says so


def test_secrets_are_readable_by_their_owner_alone(node: RunningNode) -> None:
    home = node.folder / "home"
    for file in ("node.json", "issuer.pem", "nats.conf"):
        assert stat.S_IMODE((home / file).stat().st_mode) == 0o600


def ended(parts: dict[str, Any]) -> bool:
    return not any(accepts(port) for part in parts.values() for port in part["ports"])


def test_a_second_start_keeps_yesterdays_data_and_nothing_is_left_running_after_down() -> None:
    with scratch("mpp-node-") as folder:
        node = node_of_stand_ins(folder)
        first = node.up()
        secret = Home(folder / "home").secret("services")
        assert node.tell("down").returncode == 0
        assert first.wait(10) == 0
        assert ended(state(node))

        again = node.up()
        assert Home(folder / "home").secret("services") == secret
        again.send_signal(signal.SIGINT)
        assert again.wait(60) == 0
        assert ended(state(node))
        assert node.tell("down").stdout == "Nothing runs.\n"
        assert "does not run" in node.tell("status").stderr


def test_a_node_whose_supervisor_was_killed_starts_again() -> None:
    with scratch("mpp-node-") as folder:
        node = node_of_stand_ins(folder)
        first = node.up()
        first.kill()
        first.wait()
        second = node.up()
        second.terminate()
        assert second.wait(60) == 0


def test_a_taken_port_is_said_in_a_sentence(node: RunningNode) -> None:
    with scratch("mpp-node-") as folder:
        other = node_of_stand_ins(folder)
        other.port = node.port
        answer = other.tell("up")
        assert answer.returncode == 1
        assert f"listens on port {node.port}" in answer.stderr
        assert ended({name: part for name, part in state(other).items() if name != "traefik"})


def test_a_service_that_cannot_migrate_stops_the_start_with_its_own_words() -> None:
    with scratch("mpp-node-") as folder:
        node = node_of_stand_ins(folder)
        (folder / "queue_service" / "__main__.py").write_text("raise SystemExit('no such table')")
        answer = node.tell("up")
        assert answer.returncode == 1
        assert "queue ended with 1" in answer.stderr
        assert "no such table" in answer.stderr
