"""A live page misses no call, repeats none, and harms no other page by being slow."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import APIRouter
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from mpp.eventsourcing.decider import NotFound
from mpp.testing.livepage import LivePage, watching
from mpp.testing.serving import serving, settings_for
from mpp.web import hub as hubs
from mpp.web import live
from mpp.web.app import create_app
from mpp.web.live import Hub, Live, frame
from mpp.web.request import LastEventId


def call(number: int) -> bytes:
    return frame("call", b'{"number":"A%03d"}' % number, number)


class Office:
    """A small service with a board (every call) and a ticket page (the newest only)."""

    def __init__(self, beat: float = 15.0) -> None:
        self.hub = Hub(beat)
        self.hub.begin(0)
        self.position = 0
        router = APIRouter()

        @router.get("/board/live", response_class=Live)
        async def board(after: LastEventId) -> Response:
            missed = None if after is None else self.hub.since("board", after)
            if after is not None and missed is not None:
                return Live(self.hub, "board", "every", after=after)
            snapshot = frame("snapshot", b"%d" % self.position, self.position)
            return Live(self.hub, "board", "every", [snapshot], after=self.position)

        @router.get("/ticket/live", response_class=Live)
        async def ticket() -> Response:
            return Live(self.hub, "ticket", "newest", [frame("snapshot", b"{}", 0)], after=0)

        @router.get("/nobody/live", response_class=Live)
        async def nobody() -> Response:
            raise NotFound("No such board.")

        async def ready() -> dict[str, bool]:
            return {}

        self.app = create_app(
            service="hall",
            title="Hall",
            version="1",
            routers=[router],
            settings=settings_for("hall"),
            ready=ready,
        )

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        async with serving(self.app) as url:
            yield f"{url}/api/hall/v1"

    def say(self, topic: str = "board", times: int = 1, **more: Any) -> None:
        for _ in range(times):
            self.position += 1
            self.hub.publish(topic, call(self.position), self.position, **more)


@pytest.fixture
def office() -> Iterator[Office]:
    office = Office()
    yield office
    office.hub.close()


@pytest.fixture
async def url(office: Office) -> AsyncIterator[str]:
    async with office.served() as url:
        yield url
        office.hub.close()


def saw(position: int) -> Callable[[LivePage], bool]:
    return lambda page: position in page.ids()


def opened(page: LivePage) -> bool:
    return bool(page.events)


async def test_a_page_opens_with_a_snapshot_and_sees_each_call_once(office: Office, url: str) -> None:
    office.say(times=3)
    async with watching(f"{url}/board/live") as page:
        await page.until(opened)
        office.say(times=3)
        office.hub.publish("board", call(6), 6)  # told twice, as messages are
        office.say()
        await page.until(saw(7))
    assert page.events[0] == ("snapshot", "3", 3)
    assert page.ids() == [4, 5, 6, 7]
    head = page.head.decode().lower()
    assert "content-type: text/event-stream" in head and "content-length" not in head
    assert "cache-control: no-store" in head and "x-accel-buffering: no" in head and "x-request-id" in head


async def test_a_page_that_comes_back_misses_none_and_repeats_none(office: Office, url: str) -> None:
    seen: list[int | None] = []
    after: int | None = None
    for _ in range(5):
        async with watching(f"{url}/board/live", after) as page:
            if after is None:
                await page.until(opened)
            office.say(times=4)
            await page.until(lambda page: len(page.ids()) >= 2)
            seen += page.ids()
            after = page.ids()[-1]
    async with watching(f"{url}/board/live", after) as page:
        office.say()
        await page.until(saw(office.position))
        seen += page.ids()
    assert seen == list(range(1, office.position + 1))


async def test_a_page_that_was_away_too_long_gets_a_fresh_snapshot(office: Office, url: str) -> None:
    office.say(times=hubs.KEPT + 10)
    assert office.hub.since("board", 5) is None
    async with watching(f"{url}/board/live", 5) as page:
        await page.until(opened)
        assert page.events == [("snapshot", str(office.position), office.position)]


async def test_a_page_that_saw_more_than_this_process_knows_repeats_nothing(office: Office, url: str) -> None:
    office.say(times=3)
    async with watching(f"{url}/board/live", 5) as page:  # another replica was ahead
        office.say(times=4)
        await page.until(saw(7))
    assert page.ids() == [6, 7]


async def test_before_the_feed_begins_nothing_is_known_about_the_past() -> None:
    hub = Hub()
    assert hub.since("board", 7) is None
    hub.begin(100)
    assert hub.since("board", 99) is None
    assert hub.since("board", 100) == []


async def test_a_ticket_page_that_reads_late_gets_the_newest_only(office: Office, url: str) -> None:
    office.say("ticket", 3, kept=1)
    async with watching(f"{url}/ticket/live") as page:
        await page.until(lambda page: bool(page.ids()))
        assert page.ids() == [3]
        office.say("ticket", 50, kept=1)
        await page.until(saw(office.position))
    assert page.ids()[-1] == office.position


async def test_refusals_come_as_problems_before_the_stream_begins(office: Office, url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        missing = await http.get("/nobody/live")
        nonsense = await http.get("/board/live", headers={"Last-Event-ID": "yesterday"})
        office.hub.close()
        closing = await http.get("/board/live")
    assert [answer.status_code for answer in (missing, nonsense, closing)] == [404, 400, 503]
    assert {a.headers["content-type"] for a in (missing, nonsense, closing)} == {"application/problem+json"}


async def test_a_page_that_leaves_is_forgotten(office: Office, url: str) -> None:
    async with watching(f"{url}/board/live") as page:
        await page.until(opened)
        assert office.hub.publish("board", frame("lines", b"[]")) == 1
    async with asyncio.timeout(10):
        while office.hub.publish("board", frame("lines", b"[]")):
            await asyncio.sleep(0.01)


async def test_pages_are_told_that_they_are_still_alive() -> None:
    office = Office(beat=0.1)
    async with office.served() as url:
        async with (
            watching(f"{url}/board/live") as page,
            watching(f"{url}/ticket/live") as other,
        ):
            await page.until(lambda page: len(page.ids("ping")) >= 3)
            await other.until(lambda page: len(page.ids("ping")) >= 3)
        office.hub.close()


async def test_closing_ends_every_page_after_what_it_was_told(office: Office) -> None:
    async with office.served() as url, watching(f"{url}/board/live") as page:
        await page.until(opened)
        office.say(times=3)
        office.hub.close()
        office.hub.close()
        await page.end()
        assert page.ids() == [1, 2, 3]
        assert page.ended


async def test_a_board_that_does_not_read_is_dropped_and_the_others_see_everything(
    office: Office, url: str
) -> None:
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.setblocking(False)
    await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", urlsplit(url).port or 0))
    dropped = live.DROPPED._value.get()
    async with (
        watching(f"{url}/board/live", sock=deaf, limit=2048) as stuck,
        watching(f"{url}/board/live") as page,
    ):
        await page.until(opened)
        last = 0
        async with asyncio.timeout(30):
            while live.DROPPED._value.get() == dropped:
                last += 1
                office.position = last
                office.hub.publish("board", frame("call", b"x" * 65536, last), last)
                await page.until(saw(last))
        assert page.ids() == list(range(1, last + 1))
        with contextlib.suppress(ConnectionError):
            while await stuck.reader.read(1 << 20):
                pass
        assert stuck.reader.at_eof() or stuck.reader.exception()


@given(st.binary(max_size=200).filter(lambda data: b"\r" not in data))
def test_a_frame_carries_any_lines_of_data(data: bytes) -> None:
    told = frame("call", data, 7)
    assert told.startswith(b"id: 7\nevent: call\n") and told.endswith(b"\n\n")
    lines = told[:-2].split(b"\n")[2:]
    assert b"\n".join(line.removeprefix(b"data: ") for line in lines) == data


@given(st.lists(st.integers(0, 60)), st.integers(0, 60), st.integers(1, 8))
def test_since_tells_exactly_what_came_after_or_that_it_does_not_know(
    said: list[int], after: int, kept: int
) -> None:
    hub = Hub()
    hub.begin(0)
    told: list[int] = []
    for position in said:
        hub.publish("board", b"%d " % position, position, kept=kept)
        if position > max(told, default=0):
            told.append(position)
    missed = hub.since("board", after)
    wanted = [position for position in told if position > after]
    assert missed == [b"%d " % position for position in wanted] or (missed is None and len(wanted) > kept)


def test_topics_nobody_watches_are_forgotten_and_their_past_becomes_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hubs, "TOPICS", 10)
    hub = Hub()
    hub.begin(0)
    for position in range(1, 30):
        hub.publish(f"ticket-{position}", b"x", position, kept=1)
    assert len(hub._topics) <= 11
    assert hub.since("ticket-1", 0) is None
    assert hub.since("ticket-29", 28) == [b"x"]


def test_the_retry_hint_differs_so_that_pages_do_not_all_come_back_at_once() -> None:
    hub = Hub()
    hints = {
        re.match(rb"retry: (\d+)", Live(hub, "b", "every")._catch_up(hubs.Topic(0, 1))) for _ in range(50)
    }
    assert len({hint[1] for hint in hints if hint}) > 10
