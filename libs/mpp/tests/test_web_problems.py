"""Whatever is asked, the answer is a result or a clear problem, and nobody else is harmed."""

import asyncio
import json
from collections.abc import AsyncIterator, MutableMapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response
from structlog.testing import capture_logs

from mpp.eventsourcing.decider import Rejected
from mpp.eventsourcing.log import Unavailable
from mpp.testing.serving import serving, settings_for
from mpp.web.answer import json_response
from mpp.web.app import create_app

LIMIT = 8192


class LineFull(Rejected):
    """The line takes no more today."""


class Asked(BaseModel):
    mall: str
    channel: Literal["kiosk", "web"]
    wish: Annotated[Any, Field()] = None


router = APIRouter()
FAULTS: dict[str, Exception] = {
    "bug": ZeroDivisionError("0812-3456-7890"),
    "log": Unavailable("log"),
    "refused": ConnectionRefusedError(111, "refused"),
    "slow": TimeoutError(),
    "shutdown": asyncpg.AdminShutdownError("terminating connection"),
    "crowded": asyncpg.TooManyConnectionsError("too many"),
    "closed": asyncpg.InterfaceError("connection is closed"),
    "standby": asyncpg.ReadOnlySQLTransactionError("read only"),
    "upstream": httpx.ConnectError("no route"),
}


@router.post("/tickets")
async def issue(asked: Asked) -> Response:
    if asked.mall == "full":
        raise LineFull("Line A is full.", line="A", status=999)
    return json_response({"mall": asked.mall}, 201)


@router.get("/tickets/{ticket}")
async def ticket(ticket: UUID) -> Response:
    return json_response({"id": str(ticket)})


@router.delete("/tickets/{ticket}")
async def cancel(ticket: UUID) -> Response:
    return json_response({"id": str(ticket)})


@router.get("/names/{name}")
async def name(name: str, q: str = "") -> Response:
    return json_response({"name": name, "q": q})


doors: dict[str, asyncio.Event] = {}


@router.get("/doors/{name}")
async def wait(name: str) -> Response:
    arrived, doors[name] = doors[name], asyncio.Event()
    arrived.set()
    await doors[name].wait()
    return json_response(b"x" * 1_000_000)


@router.get("/faults/{kind}")
async def fault(kind: str) -> Response:
    raise FAULTS[kind]


async def ready() -> dict[str, bool]:
    return {"log": True}


app = create_app(
    service="hall",
    title="Hall",
    version="1",
    routers=[router],
    settings=settings_for("hall", body_limit=LIMIT),
    ready=ready,
)


@pytest.fixture(scope="module")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app) as url, httpx.AsyncClient(base_url=f"{url}/api/hall/v1") as client:
        yield client


def is_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["type"] == f"urn:mpp:problem:{code}"
    assert told["status"] == status
    assert told["title"] and told["detail"]
    assert told["instance"] == f"urn:mpp:request:{answer.headers['x-request-id']}"
    return told


async def raw(client: httpx.AsyncClient, request: bytes) -> bytes:
    """What comes back for bytes that no polite client would send."""
    there = urlsplit(str(client.base_url))
    reader, writer = await asyncio.open_connection(there.hostname, there.port)
    writer.write(request)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    return answer


GOOD = {"mall": "bombana", "channel": "kiosk"}


async def test_a_rule_that_refuses_is_named_with_its_facts_and_cannot_overwrite_the_status(
    http: httpx.AsyncClient,
) -> None:
    told = is_problem(await http.post("/tickets", json=GOOD | {"mall": "full"}), 409, "line-full")
    assert told["line"] == "A"
    assert told["detail"] == "Line A is full."


async def test_fields_that_are_wrong_are_named_without_repeating_what_was_typed(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.post("/tickets", json={"channel": "0812-3456-7890"})
    told = is_problem(answer, 422, "invalid")
    assert {error["at"] for error in told["errors"]} == {"body.mall", "body.channel"}
    assert "0812" not in answer.text


@pytest.mark.parametrize(
    "body",
    [b"{", b"nonsense", b'{"mall": }', b"\xff\xfe", b"[" * 4000, b'{"a": ' + b"9" * 5000 + b"}"],
    ids=["cut", "word", "hole", "not utf-8", "deep", "long number"],
)
async def test_a_body_that_is_not_json_is_malformed(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post("/tickets", content=body, headers={"Content-Type": "application/json"})
    is_problem(answer, 400, "malformed")


@pytest.mark.parametrize(
    "body",
    [
        rb'{"mall": "a\u0000", "channel": "kiosk"}',
        rb'{"mall": "a", "channel": "kiosk", "wish": {"\u0000": 1}}',
        rb'{"mall": "a\u0000", "channel": "kiosk", "wish": "\ud800"}',
        rb'{"mall": "a", "channel": "kiosk", "wish": ["\uDC00"]}',
        b'{"mall": "a\x00", "channel": "kiosk"}',
    ],
    ids=["value", "key", "hidden behind half a character", "half a character", "bare"],
)
async def test_nul_and_half_characters_are_refused_anywhere_in_json(
    http: httpx.AsyncClient, body: bytes
) -> None:
    answer = await http.post("/tickets", content=body, headers={"Content-Type": "Application/JSON"})
    is_problem(answer, 400, "malformed")


async def test_an_escaped_backslash_before_u0000_is_plain_text(http: httpx.AsyncClient) -> None:
    body = rb'{"mall": "C:\\u0000", "channel": "web", "wish": "\ud83d\ude00"}'
    answer = await http.post("/tickets", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201
    assert answer.json() == {"mall": r"C:\u0000"}


@pytest.mark.parametrize("path", ["/names/a%00b", "/names/a?q=%00"])
async def test_nul_is_refused_in_path_and_query(http: httpx.AsyncClient, path: str) -> None:
    is_problem(await http.get(path), 400, "malformed")


async def test_a_body_of_another_kind_is_refused_by_its_kind(http: httpx.AsyncClient) -> None:
    answer = await http.post("/tickets", content=b"<a/>", headers={"Content-Type": "application/xml"})
    is_problem(answer, 415, "unsupported-media-type")


async def test_a_missing_body_is_invalid(http: httpx.AsyncClient) -> None:
    is_problem(await http.post("/tickets"), 422, "invalid")


async def test_unknown_paths_and_malformed_ids_are_problems(http: httpx.AsyncClient) -> None:
    is_problem(await http.get("/nowhere"), 404, "not-found")
    is_problem(await http.get("/tickets/12"), 422, "invalid")


async def test_a_method_that_is_not_there_is_told_which_are(http: httpx.AsyncClient) -> None:
    answer = await http.put("/tickets/0198c2f4-0000-7000-8000-000000000000")
    is_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "DELETE, GET"


async def test_a_large_body_is_refused_by_its_announced_length(http: httpx.AsyncClient) -> None:
    told = is_problem(await http.post("/tickets", content=b" " * 10_000_000), 413, "too-large")
    assert told["limit_bytes"] == LIMIT


async def test_a_large_body_is_refused_when_it_comes_in_pieces(http: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 1000

    is_problem(await http.post("/tickets", content=pieces()), 413, "too-large")


async def test_a_body_in_pieces_below_the_limit_is_read_whole(http: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in json.dumps(GOOD).encode():
            yield bytes([piece])

    answer = await http.post("/tickets", content=pieces(), headers={"Content-Type": "application/json"})
    assert answer.json() == {"mall": "bombana"}


async def test_our_own_mistake_is_told_by_its_request_id_only_and_logged_once(
    http: httpx.AsyncClient,
) -> None:
    with capture_logs() as lines:
        answer = await http.get("/faults/bug", headers={"X-Request-Id": "kiosk-3.0815"})
    told = is_problem(answer, 500, "internal-error")
    assert told["instance"] == "urn:mpp:request:kiosk-3.0815"
    assert "0812" not in answer.text
    (line,) = lines
    assert line["request_id"] == "kiosk-3.0815"
    assert line["route"] == "/api/hall/v1/faults/{kind}"
    assert line["exc_info"]


@pytest.mark.parametrize("kind", sorted(set(FAULTS) - {"bug"}))
async def test_what_cannot_be_reached_now_is_503_with_a_time_to_retry(
    http: httpx.AsyncClient, kind: str
) -> None:
    answer = await http.get(f"/faults/{kind}")
    is_problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("given", ["short", "a" * 65, "two words", 'x"; drop'])
async def test_a_request_id_that_is_not_sane_is_replaced(http: httpx.AsyncClient, given: str) -> None:
    answer = await http.get("/names/a", headers={"X-Request-Id": given})
    assert answer.headers["x-request-id"] != given
    assert len(answer.headers["x-request-id"]) == 32


async def test_answers_may_not_be_stored_sniffed_or_framed(http: httpx.AsyncClient) -> None:
    answer = await http.get("/names/a")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def of_requests(lines: list[MutableMapping[str, Any]]) -> list[MutableMapping[str, Any]]:
    """Without what services of other tests, which run in the same process, say of their inboxes."""
    return [line for line in lines if "source" not in line]


async def test_who_leaves_in_the_middle_of_a_body_harms_nobody(http: httpx.AsyncClient) -> None:
    there = urlsplit(str(http.base_url))
    with capture_logs() as lines:
        for _ in range(5):
            _, writer = await asyncio.open_connection(there.hostname, there.port)
            writer.write(b"POST /api/hall/v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
            await writer.drain()
            writer.transport.abort()
        assert (await http.post("/tickets", json=GOOD)).status_code == 201
    assert of_requests(lines) == []


async def test_who_leaves_while_we_work_harms_nobody(http: httpx.AsyncClient) -> None:
    there = urlsplit(str(http.base_url))
    with capture_logs() as lines:
        doors["a"] = arrived = asyncio.Event()
        _, writer = await asyncio.open_connection(there.hostname, there.port)
        writer.write(b"GET /api/hall/v1/doors/a HTTP/1.1\r\nHost: x\r\n\r\n")
        await arrived.wait()
        writer.transport.abort()
        doors["a"].set()
        assert (await http.post("/tickets", json=GOOD)).status_code == 201
    assert of_requests(lines) == []


async def test_requests_that_are_not_http_are_refused(http: httpx.AsyncClient) -> None:
    assert (await raw(http, b"\x16\x03\x01 hello\r\n\r\n")).startswith(b"HTTP/1.1 400")
    odd = b"GET /api/hall/v1/names/\xff%ff%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert not (await raw(http, odd)).startswith(b"HTTP/1.1 5")
