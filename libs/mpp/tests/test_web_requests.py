"""What an endpoint learns from its request, and how lists and versions are told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from starlette.responses import Response

from mpp.eventsourcing.log import Unavailable
from mpp.testing.postgres import fresh_database
from mpp.testing.serving import serving, settings_for
from mpp.testing.tokens import TokenMint
from mpp.web.answer import Page, decode_cursor, encode_cursor, etag, json_response
from mpp.web.app import create_app
from mpp.web.problems import Malformed, VersionMismatch
from mpp.web.request import AboutIt, Db, IfMatch, Key, LastEventId, Now

router = APIRouter()
version = 12
broken: set[str] = set()


@router.get("/now")
async def what_time(now: Now) -> Response:
    return json_response({"now": now.isoformat()})


@router.post("/about")
async def about_it(about: AboutIt, key: Key, body: dict[str, Any]) -> Response:
    asked = {"actor": about.actor and str(about.actor), "role": about.role, "key": about.key}
    return json_response(
        asked | {"request": about.request.hex(), "trace": about.traceparent, "same": str(key)}
    )


@router.put("/mall")
async def change(based_on: IfMatch) -> Response:
    if based_on is not None and based_on != version:
        raise VersionMismatch("Somebody was faster.", current=version)
    return json_response({}, headers={"ETag": etag(version)})


@router.get("/live")
async def live(after: LastEventId) -> Response:
    return json_response({"after": after})


@router.get("/rows")
async def rows(db: Db, cursor: str | None = None) -> Response:
    after = decode_cursor(cursor, int) or (0,)
    found = await db.fetch("select n from generate_series(1, 5) n where n > $1 order by n limit 2", *after)
    numbers = [row["n"] for row in found]
    return json_response({"items": numbers, "next": encode_cursor(numbers[-1]) if numbers[-1] < 5 else None})


@router.get("/pool")
async def pool(db: Db) -> Response:
    return json_response({"pid": await db.fetchval("select pg_backend_pid()")})


async def ready() -> dict[str, bool]:
    if "postgres" in broken:
        raise Unavailable("postgres")
    return {"postgres": "view" not in broken}


class Served:
    def __init__(self, http: httpx.AsyncClient, mint: TokenMint, app: FastAPI) -> None:
        self.http, self.mint, self.app = http, mint, app


@pytest.fixture(scope="module")
async def served(postgres_server: str) -> AsyncIterator[Served]:
    async with fresh_database(postgres_server) as url:

        @asynccontextmanager
        async def reader(app: FastAPI) -> AsyncIterator[None]:
            async with asyncpg.create_pool(url, min_size=1, max_size=1) as app.state.reader:
                yield

        with TokenMint() as mint:
            app = create_app(
                service="hall",
                title="Hall",
                version="1",
                routers=[router],
                settings=settings_for("hall", issuers=(mint.issuer(),)),
                ready=ready,
                lifespan=reader,
            )
            async with serving(app) as at, httpx.AsyncClient(base_url=f"{at}/api/hall/v1") as http:
                yield Served(http, mint, app)


async def test_the_time_of_a_request_is_now_unless_a_development_node_is_told(served: Served) -> None:
    at = "2026-11-23T08:15:00+08:00"
    assert (await served.http.get("/now", headers={"Mpp-Time": at})).json()["now"] == at
    assert datetime.fromisoformat((await served.http.get("/now")).json()["now"]).tzinfo is not None


@pytest.mark.parametrize("nonsense", ["noon", "2026-11-23T08:15:00", "", "2026-13-40T00:00:00Z"])
async def test_a_time_that_is_none_or_has_no_offset_is_refused(served: Served, nonsense: str) -> None:
    assert (await served.http.get("/now", headers={"Mpp-Time": nonsense})).status_code == 400


async def test_a_production_node_cannot_be_told_the_time() -> None:
    app = create_app(
        service="hall",
        title="Hall",
        version="1",
        routers=[router],
        settings=settings_for("hall", clock="system"),
        ready=ready,
    )
    async with serving(app) as at, httpx.AsyncClient() as http:
        told = await http.get(f"{at}/api/hall/v1/now", headers={"Mpp-Time": "2020-01-01T00:00:00Z"})
    assert told.json()["now"] > "2026"


async def test_a_command_is_about_its_actor_its_key_and_exactly_what_was_asked(served: Served) -> None:
    who, key = str(uuid4()), str(uuid4())
    token = served.mint.token("officer", roles=["citizen"], malls=["7406"], subject=who)
    headers = {
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": key.upper(),
        "traceparent": "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01",
    }
    one = (await served.http.post("/about", json={"a": 1}, headers=headers)).json()
    again = (await served.http.post("/about", json={"a": 1}, headers=headers)).json()
    other = (await served.http.post("/about", json={"a": 2}, headers=headers)).json()
    elsewhere = (await served.http.post("/about?x=1", json={"a": 1}, headers=headers)).json()
    assert (one["actor"], one["role"], one["key"], one["same"]) == (who, "officer", key, key)
    assert one["trace"].startswith("00-" + "ab" * 16)
    assert one["request"] == again["request"]
    assert len({one["request"], other["request"], elsewhere["request"]}) == 3


async def test_nobody_without_a_key_is_about_nobody(served: Served) -> None:
    told = (await served.http.post("/about", json={})).json()
    assert (told["actor"], told["role"], told["key"]) == (None, "", "")
    assert told["trace"].startswith("00-")


async def test_a_key_that_is_no_uuid_is_refused(served: Served) -> None:
    answer = await served.http.post("/about", json={}, headers={"Idempotency-Key": "again"})
    assert answer.json()["type"] == "urn:mpp:problem:malformed"


async def test_a_change_is_based_on_the_version_it_names(served: Served) -> None:
    assert (await served.http.put("/mall")).headers["etag"] == '"12"'
    assert (await served.http.put("/mall", headers={"If-Match": '"12"'})).status_code == 200
    assert (await served.http.put("/mall", headers={"If-Match": "*"})).status_code == 200
    stale = await served.http.put("/mall", headers={"If-Match": '"11"'})
    assert (stale.status_code, stale.json()["current"]) == (412, 12)
    for nonsense in ("12", 'W/"12"', '"x"', '"1", "2"', '"' + "9" * 30 + '"'):
        assert (await served.http.put("/mall", headers={"If-Match": nonsense})).status_code == 400


async def test_the_last_event_seen_is_a_position_or_nonsense(served: Served) -> None:
    assert (await served.http.get("/live")).json() == {"after": None}
    assert (await served.http.get("/live", headers={"Last-Event-ID": "42"})).json() == {"after": 42}
    for nonsense in ("", "-1", "x", "1.5", "9" * 30, "4 2"):
        assert (await served.http.get("/live", headers={"Last-Event-ID": nonsense})).status_code == 400


async def test_a_list_is_read_to_its_end_by_cursors(served: Served) -> None:
    seen: list[int] = []
    following: str | None = ""
    while following is not None:
        page = (await served.http.get("/rows", params={"cursor": following} if following else {})).json()
        seen += page["items"]
        following = page["next"]
    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "bm9uc2Vuc2U",
        encode_cursor("a"),
        encode_cursor(1, 2),
        encode_cursor(True),
        encode_cursor(1 << 63),
    ],
)
async def test_a_cursor_that_is_not_ours_is_refused(served: Served, cursor: str) -> None:
    answer = await served.http.get("/rows", params={"cursor": cursor})
    assert answer.json()["type"] == "urn:mpp:problem:malformed"


@given(
    st.tuples(
        st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), st.integers(-9, 9)
    )
)
def test_a_cursor_gives_back_what_it_holds(values: tuple[str, int]) -> None:
    assert decode_cursor(encode_cursor(*values), str, int) == values


def test_a_cursor_cannot_smuggle_nul() -> None:
    with pytest.raises(Malformed):
        decode_cursor(encode_cursor("a\x00"), str)


def test_a_page_tells_its_items_and_where_to_go_on() -> None:
    class Mall(BaseModel):
        slug: str

    assert Page[Mall](items=[Mall(slug="bombana")]).model_dump() == {
        "items": [{"slug": "bombana"}],
        "next": None,
    }


async def test_a_connection_is_given_back_before_the_answer(served: Served) -> None:
    """With one connection in the pool, the next request gets the same one without waiting."""
    pids = {(await served.http.get("/pool")).json()["pid"] for _ in range(3)}
    assert len(pids) == 1
    assert served.app.state.reader.get_idle_size() == 1


async def test_health_tells_live_started_and_ready_apart(served: Served) -> None:
    root = str(served.http.base_url).split("/api")[0]
    async with httpx.AsyncClient(base_url=root) as http:
        broken.add("view")
        assert (await http.get("/health/startup")).status_code == 503
        broken.clear()
        assert (await http.get("/health/ready")).json() == {"status": "ready", "checks": {"postgres": True}}
        broken.add("postgres")
        assert (await http.get("/health/ready")).status_code == 503
        assert (await http.get("/health/live")).status_code == 200
        assert (await http.get("/health/startup")).status_code == 200
        broken.clear()
        served.app.state.draining = True
        assert (await http.get("/health/ready")).json()["checks"] == {"postgres": True, "draining": False}
        served.app.state.draining = False


async def test_metrics_count_by_route_and_never_by_path(served: Served) -> None:
    root = str(served.http.base_url).split("/api")[0]
    await served.http.get("/now")
    await served.http.get("/0812-3456-7890")
    await served.http.request("PROPFIND", "/now")
    async with httpx.AsyncClient() as http:
        told = (await http.get(f"{root}/metrics")).text
    here = 'route="/api/hall/v1/now",service="hall"'
    assert f'http_requests_seconds_bucket{{le="0.3",method="GET",{here},status="200"}}' in told
    assert 'method="GET",route="unmatched",service="hall",status="404"' in told
    assert f'method="OTHER",{here},status="405"' in told
    assert "0812-3456" not in told
