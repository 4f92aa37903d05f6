"""Traces join, logs are JSON that tells where they belong, and neither tells about people."""

import asyncio
import json
import logging
from collections.abc import Iterator

import asyncpg
import httpx
import pytest
import structlog
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from mpp.telemetry import SpanKind, configure, span, traceparent
from mpp.testing.otlp import OtlpReceiver
from mpp.testing.serving import serving, settings_for
from mpp.web.answer import json_response
from mpp.web.app import create_app

KNOWN = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, level = logging.getLogger(), logging.getLogger().level
    handlers = list(root.handlers)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as receiver:
        yield receiver


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_without_a_collector_a_trace_still_has_an_id_and_a_remote_one_goes_on_unchanged() -> None:
    configure("hall")
    assert traceparent() == ""
    with span("outer"):
        assert len(traceparent()) == 55
        outer = traceparent()
        with span("inner"):
            assert traceparent() == outer
    with span("consumer", parent=KNOWN):
        assert traceparent() == KNOWN
    assert traceparent() == ""


@pytest.mark.parametrize(
    "nonsense", ["x", "00-" + "0" * 32 + "-" + "cd" * 8 + "-01", KNOWN + "-", KNOWN.upper()]
)
def test_a_parent_that_is_no_traceparent_begins_a_new_trace(nonsense: str) -> None:
    configure("hall")
    with span("a", parent=nonsense):
        assert traceparent() not in ("", nonsense)


async def test_spans_reach_the_collector_with_parent_links_and_failure(receiver: OtlpReceiver) -> None:
    telemetry = configure("hall", otlp_endpoint=receiver.endpoint)
    with span("consume", parent=KNOWN, kind=SpanKind.CONSUMER, links=[KNOWN, "x"], batch=2), span("handle"):
        inside = traceparent()
    with pytest.raises(ZeroDivisionError), span("fail"):
        raise ZeroDivisionError("0812-3456-7890")
    await asyncio.to_thread(telemetry.shutdown)
    spans = {seen.name: seen for seen in await receiver.await_spans(lambda seen: len(seen) == 3)}
    consume, handle, fail = spans["consume"], spans["handle"], spans["fail"]
    assert (consume.trace, consume.parent, consume.kind) == ("ab" * 16, "cd" * 8, "consumer")
    assert (consume.service, consume.attributes, consume.links) == ("hall", {"batch": 2}, ("ab" * 16,))
    assert (handle.trace, handle.parent) == (consume.trace, consume.id)
    assert inside == f"00-{handle.trace}-{handle.id}-01"
    assert fail.failed and "0812" not in str(fail)


async def test_a_trace_that_was_not_chosen_is_carried_on_and_not_recorded(receiver: OtlpReceiver) -> None:
    telemetry = configure("hall", otlp_endpoint=receiver.endpoint, sample=0)
    with span("unchosen"):
        assert int(traceparent()[-2:], 16) & 1 == 0
    with span("refused elsewhere", parent=KNOWN[:-1] + "0"):
        assert traceparent().startswith("00-" + "ab" * 16)
    with span("chosen elsewhere", parent=KNOWN):
        pass
    await asyncio.to_thread(telemetry.shutdown)
    assert [seen.name for seen in await receiver.await_spans(lambda seen: len(seen) >= 1)] == [
        "chosen elsewhere"
    ]


async def test_a_collector_that_is_away_stops_nothing() -> None:
    telemetry = configure("hall", otlp_endpoint="http://127.0.0.1:9")
    with span("a"):
        pass
    await asyncio.to_thread(telemetry.shutdown)


async def test_a_request_is_one_span_named_by_its_route(receiver: OtlpReceiver) -> None:
    router = APIRouter()

    @router.get("/tickets/{ticket}")
    async def ticket(ticket: str) -> Response:
        with span("decide"):
            return json_response({"trace": traceparent()})

    async def ready() -> dict[str, bool]:
        return {}

    telemetry = configure("hall", otlp_endpoint=receiver.endpoint)
    app = create_app(
        service="hall",
        title="Hall",
        version="1",
        routers=[router],
        settings=settings_for("hall"),
        ready=ready,
    )
    async with serving(app) as url, httpx.AsyncClient() as http:
        answer = await http.get(f"{url}/api/hall/v1/tickets/secret?s=secret", headers={"traceparent": KNOWN})
    await asyncio.to_thread(telemetry.shutdown)
    spans = {seen.name: seen for seen in await receiver.await_spans(lambda seen: len(seen) == 2)}
    request, decide = spans["GET /api/hall/v1/tickets/{ticket}"], spans["decide"]
    assert (request.trace, request.parent, request.kind) == ("ab" * 16, "cd" * 8, "server")
    assert request.attributes["http.response.status_code"] == 200
    assert (decide.trace, decide.parent) == (request.trace, request.id)
    assert answer.json()["trace"].startswith(f"00-{request.trace}")
    assert "secret" not in str(receiver.spans)


def test_logs_are_json_with_trace_and_service(capsys: pytest.CaptureFixture[str]) -> None:
    configure("hall")
    with span("a", parent=KNOWN):
        structlog.get_logger().info("ticket issued", stream="hall-7406", number=42)
        logging.getLogger("uvicorn.error").warning("closing %s", "now")
    structlog.get_logger().debug("not told")
    ours, theirs = lines(capsys)
    assert ours["event"] == "ticket issued" and ours["number"] == 42 and ours["level"] == "info"
    assert ours["trace_id"] == "ab" * 16 and ours["service"] == "hall"
    assert theirs["event"] == "closing now" and theirs["library"] == "uvicorn.error"
    assert theirs["trace_id"] == "ab" * 16


def test_a_stack_trace_names_places_and_not_people(capsys: pytest.CaptureFixture[str]) -> None:
    class Person(BaseModel):
        age: int

    configure("hall")
    try:
        try:
            Person.model_validate({"age": "0812-3456-7890"})
        except ValueError as error:
            taken = asyncpg.UniqueViolationError("duplicate key value violates unique constraint")
            taken.__dict__.update(sqlstate="23505", detail="Key (phone)=(0812-3456-7890) already exists.")
            raise taken from error
    except asyncpg.PostgresError:
        structlog.get_logger().exception("request failed")
    (told,) = lines(capsys)
    trace = str(told["exception"])
    assert "test_telemetry.py" in trace and "ValidationError: ('age',): int_parsing" in trace
    assert "23505 duplicate key" in trace
    assert "3456" not in trace.replace('"0812-3456-7890"', "")  # the source line itself is shown
