"""The hot route answers exactly as FastAPI would, and takes no endpoint that it could not answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Response
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from mpp.eventsourcing.decider import NotFound
from mpp.eventsourcing.log import Unavailable
from mpp.testing.serving import settings_for
from mpp.web.answer import json_response
from mpp.web.app import create_app
from mpp.web.auth import Who
from mpp.web.direct import Direct
from mpp.web.request import AboutIt, Db, Now


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=5)]
    many: Annotated[int, Field(le=100)] = 1


class NoSuchThing(NotFound):
    """Nothing is known of this thing."""


async def make(id_: Annotated[UUID, Field(alias="id_")], thing: Thing, who: Who, about: AboutIt) -> Response:
    match thing.name:
        case "gone":
            raise NoSuchThing(thing=str(id_))
        case "db":
            raise Unavailable("the database")
        case "bug":
            raise ZeroDivisionError
    return json_response({"id": str(id_), "thing": thing.model_dump(), "key": about.key}, 201)


async def touch(number: int, now: Now, thing: Thing | None = None) -> Response:
    return json_response({"number": number, "thing": thing and thing.model_dump()})


def app_of(**options: Any) -> FastAPI:
    router = APIRouter(**options)
    router.post("/things/{id_}", status_code=201)(make)
    router.put("/numbers/{number}")(touch)

    async def ready() -> dict[str, bool]:
        return {}

    return create_app(
        service="x",
        title="x",
        version="1",
        routers=[router],
        settings=settings_for("x"),
        ready=ready,
    )


HOT, COLD = app_of(route_class=Direct), app_of()
THING = "/things/0192f0c1-2b3c-7d4e-8f50-61728394a5b6"
JSON = "application/json"


async def answered(app: FastAPI, method: str, path: str, body: bytes, headers: dict[str, str]) -> Any:
    """Status, body and headers, without what differs between any two requests."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://x/api/x/v1") as http:
        answer = await http.request(method, path, content=body, headers=headers)
    told = json.loads(answer.content) if answer.content else None
    if isinstance(told, dict):
        told.pop("instance", None)
    rest = {
        name: value
        for name, value in answer.headers.items()
        if name not in ("x-request-id", "content-length")
    }
    return answer.status_code, told, rest


def agree(method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    hot, cold = (asyncio.run(answered(app, method, path, body, headers)) for app in (HOT, COLD))
    assert hot == cold
    return hot[0], hot[1]


def test_a_direct_endpoint_is_answered_and_counted_as_any_other() -> None:
    key = "3f0c8f1e-0000-4000-8000-000000000001"
    headers = {"Content-Type": JSON, "Idempotency-Key": key}
    status, told = agree("POST", THING, b'{"name":"kursi","many":2}', headers)

    assert status == 201
    assert told == {"id": THING[8:], "thing": {"name": "kursi", "many": 2}, "key": key}


@pytest.mark.parametrize(
    ("status", "method", "path", "body", "headers"),
    [
        (200, "PUT", "/numbers/7", b"", {}),
        (
            200,
            "PUT",
            "/numbers/7",
            b'{"name":"x"}',
            {"Content-Type": "application/merge+json; charset=utf-8"},
        ),
        (422, "PUT", "/numbers/seven", b"", {}),
        (422, "POST", "/things/none", b"{}", {"Content-Type": JSON}),
        (422, "POST", THING, b"", {}),
        (422, "POST", THING, b'{"name":"","more":1}', {"Content-Type": JSON}),
        (422, "POST", THING, b"[]", {"Content-Type": JSON}),
        (400, "POST", THING, b'{"name":', {"Content-Type": JSON}),
        (400, "POST", THING, b'{"name":"\xff"}', {"Content-Type": JSON}),
        (400, "POST", THING, b"[" * 100_000, {"Content-Type": JSON}),
        (400, "POST", THING, b'{"name":"\\u0000"}', {"Content-Type": JSON}),
        (400, "POST", THING, b'{"name":"x"}', {"Content-Type": JSON, "Idempotency-Key": "no uuid"}),
        (401, "POST", THING, b'{"name":"x"}', {"Content-Type": JSON, "Authorization": "Basic eDp5"}),
        (404, "POST", THING, b'{"name":"gone"}', {"Content-Type": JSON}),
        (404, "POST", "/nothing", b"", {}),
        (405, "GET", THING, b"", {}),
        (413, "POST", THING, b" " * 2_000_000, {"Content-Type": JSON}),
        (415, "POST", THING, b'{"name":"x"}', {"Content-Type": "text/plain"}),
        (415, "POST", THING, b'{"name":"x"}', {}),
        (500, "POST", THING, b'{"name":"bug"}', {"Content-Type": JSON}),
        (503, "POST", THING, b'{"name":"db"}', {"Content-Type": JSON}),
    ],
)
def test_a_direct_endpoint_refuses_as_fastapi_does(
    status: int, method: str, path: str, body: bytes, headers: dict[str, str]
) -> None:
    assert agree(method, path, body, headers)[0] == status


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
THINGS = st.fixed_dictionaries({}, optional={"name": VALUES, "many": VALUES, "more": VALUES})


@given(st.one_of(THINGS, VALUES))
@example({"name": "x", "many": 2.0})
@example({"name": "x", "many": "2"})
@example({"name": "x", "many": 10**400})
def test_whatever_the_body_says_the_hot_route_reads_it_as_fastapi_does(said: Any) -> None:
    agree("POST", THING, json.dumps(said).encode(), {"Content-Type": JSON})


async def query(word: str) -> Response:
    return Response(word)


async def two_bodies(one: Thing, two: Thing) -> Response:
    return Response()


async def reading(db: Db) -> Response:
    return Response()


async def generated() -> AsyncIterator[int]:
    yield 1


async def with_generated(one: Annotated[int, Depends(generated)]) -> Response:
    return Response()


@pytest.mark.parametrize("endpoint", [query, two_bodies, reading, with_generated])
def test_an_endpoint_that_asks_for_more_is_refused_when_it_is_written(endpoint: Any) -> None:
    router = APIRouter(route_class=Direct)
    with pytest.raises(TypeError, match="asks for more than a hot route gives"):
        router.post("/x")(endpoint)


def test_a_direct_endpoint_is_described_as_any_other() -> None:
    assert HOT.openapi() == COLD.openapi()
