"""The OpenAPI page says what really happens: a stranger who tries everything finds no other answer."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
import schemathesis
from fastapi import APIRouter
from hypothesis import HealthCheck, settings
from pydantic import BaseModel, Field
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.responses import Response

from mpp.eventsourcing.decider import NotFound, Rejected
from mpp.testing.serving import settings_for
from mpp.web.answer import Page, decode_cursor, encode_cursor, etag, json_response
from mpp.web.app import create_app
from mpp.web.auth import Actor, Who, needs
from mpp.web.openapi import problems
from mpp.web.request import AboutIt, IfMatch, LastEventId, Now

router = APIRouter()
Admin = Annotated[Actor, needs("mall-admin")]


class LineFull(Rejected):
    """The line takes no more today."""


class Ask(BaseModel):
    mall: str = Field(pattern=r"^[a-z-]{1,30}$")
    channel: Literal["kiosk", "web"]


class Ticket(BaseModel):
    number: str
    mall: str


@router.post("/tickets", status_code=201, response_model=Ticket, responses=problems(LineFull))
async def issue(ask: Ask, about: AboutIt, now: Now) -> Response:
    """Take a number."""
    if len(ask.mall) > 10:
        raise LineFull
    return json_response({"number": "A001", "mall": ask.mall}, 201)


@router.get("/tickets/{ticket}", response_model=Ticket)
async def ticket(ticket: UUID, actor: Who) -> Response:
    """One ticket."""
    if ticket.int % 2:
        raise NotFound("No such ticket.")
    return json_response({"number": "A001", "mall": "bombana"})


@router.get("/tickets", response_model=Page[Ticket])
async def tickets(after: LastEventId, cursor: str | None = None) -> Response:
    """All tickets."""
    decode_cursor(cursor, int)
    return json_response({"items": [], "next": encode_cursor(1)})


@router.put("/malls/{mall}", response_model=Ask)
async def change(mall: str, ask: Ask, admin: Admin, based_on: IfMatch) -> Response:
    """Change a mall."""
    admin.require("mall-admin", mall=mall)
    return json_response(ask.model_dump(), headers={"ETag": etag(based_on or 1)})


async def ready() -> dict[str, bool]:
    return {}


app = create_app(
    service="hall",
    title="Hall",
    version="1",
    routers=[router],
    settings=settings_for("hall"),
    ready=ready,
)
schema = schemathesis.openapi.from_asgi("/api/hall/v1/openapi.json", app)


@pytest.fixture(scope="module")
def page() -> Iterator[dict[str, Any]]:
    yield app.openapi()


@schema.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_answer_is_undocumented_and_none_is_a_failure_of_ours(case: Any) -> None:
    case.call_and_validate(excluded_checks=[positive_data_acceptance])  # a cursor's shape is our secret


def operations(page: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    paths = page["paths"]
    return paths["/api/hall/v1/tickets"]["post"], paths["/api/hall/v1/malls/{mall}"]["put"]


def codes(words: str) -> set[str]:
    return set(words.split())


def test_every_refusal_is_documented_as_a_problem(page: dict[str, Any]) -> None:
    issue, change = operations(page)
    assert page["openapi"] == "3.1.0"
    assert set(issue["responses"]) == codes("201 400 401 403 409 413 415 422 503")
    assert issue["responses"]["409"]["description"] == "The line takes no more today."
    assert set(change["responses"]) == codes("200 400 401 403 404 409 412 413 415 422 503")
    for status, answer in {**issue["responses"], **change["responses"]}.items():
        assert status < "300" or list(answer["content"]) == ["application/problem+json"]


def test_headers_and_tokens_are_documented_where_they_count(page: dict[str, Any]) -> None:
    issue, change = operations(page)
    assert issue["security"] == [{}, {"bearer": []}]
    assert change["security"] == [{"bearer": []}]
    assert change["x-roles"] == ["mall-admin"]
    assert {"Idempotency-Key"} == {p["name"] for p in issue["parameters"]}
    assert {"mall", "If-Match"} == {p["name"] for p in change["parameters"]}


def test_only_the_public_api_is_on_the_page(page: dict[str, Any]) -> None:
    assert all(path.startswith("/api/hall/v1/") for path in page["paths"])
    assert "HTTPValidationError" not in page["components"]["schemas"]
