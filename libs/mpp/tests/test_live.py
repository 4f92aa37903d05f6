"""A live page misses no call, repeats none, and harms no other page by being slow."""

import asyncio
import contextlib
import re
import resource
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from textwrap import dedent
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import APIRouter
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from mpp.eventsourcing.decider import NotFound
from mpp.testing.serving import serving, settings_for
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

    def say(self, topic: str = "board", times: int = 1, **more: Any) -> None:
        for _ in range(times):
            self.position += 1
            self.hub.publish(topic, call(self.position), self.position, **more)


class Page:
    """What a browser's EventSource would have seen."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.head = b""
        self.events: list[tuple[str, str, int | None]] = []
        self.ended = False
        self._rest = b""

    async def until(self, enough: Any) -> None:
        async with asyncio.timeout(20):
            while not enough(self.events) and not self.ended:
                await self._more()

    async def end(self) -> None:
        await self.until(lambda _: False)

    async def _more(self) -> None:
        size = await self.reader.readline()
        body = await self.reader.readexactly(int(size, 16) + 2) if size.strip() else b"\r\n"
        self.ended = len(body) == 2
        *blocks, self._rest = (self._rest + body[:-2]).split(b"\n\n")
        for block in blocks:
            fields = dict(line.split(": ", 1) for line in block.decode().split("\n"))
            if "data" in fields:
                at = int(fields["id"]) if "id" in fields else None
                self.events.append((fields["event"], fields["data"], at))

    def ids(self, event: str = "call") -> list[int | None]:
        return [at for name, _, at in self.events if name == event]


@contextlib.asynccontextmanager
async def watching(url: str, path: str, after: int | None = None, **more: Any) -> AsyncIterator[Page]:
    there = urlsplit(url)
    where = {"host": there.hostname, "port": there.port} if not more else more
    page = Page(*await asyncio.open_connection(**where))
    last = "" if after is None else f"Last-Event-ID: {after}\r\n"
    page.writer.write(f"GET /api/hall/v1{path} HTTP/1.1\r\nHost: x\r\n{last}\r\n".encode())
    page.head = await page.reader.readuntil(b"\r\n\r\n")
    try:
        yield page
    finally:
        page.writer.close()


@pytest.fixture
def office() -> Iterator[Office]:
    office = Office()
    yield office
    office.hub.close()


@pytest.fixture
async def url(office: Office) -> AsyncIterator[str]:
    async with serving(office.app) as url:
        yield url
        office.hub.close()


def snapshot_seen(events: list[Any]) -> bool:
    return bool(events)


async def test_a_page_opens_with_a_snapshot_and_sees_each_call_once(office: Office, url: str) -> None:
    office.say(times=3)
    async with watching(url, "/board/live") as page:
        await page.until(snapshot_seen)
        office.say(times=3)
        office.hub.publish("board", call(6), 6)  # told twice, as messages are
        office.say()
        await page.until(lambda _: 7 in page.ids())
    assert page.events[0] == ("snapshot", "3", 3)
    assert page.ids() == [4, 5, 6, 7]
    head = page.head.decode().lower()
    assert "content-type: text/event-stream" in head and "content-length" not in head
    assert "cache-control: no-store" in head and "x-accel-buffering: no" in head and "x-request-id" in head


async def test_a_page_that_comes_back_misses_none_and_repeats_none(office: Office, url: str) -> None:
    seen: list[int | None] = []
    after: int | None = None
    for _ in range(5):
        async with watching(url, "/board/live", after) as page:
            if after is None:
                await page.until(snapshot_seen)
            office.say(times=4)
            await page.until(lambda _, page=page: len(page.ids()) >= 2)
            seen += page.ids()
            after = page.ids()[-1]
    async with watching(url, "/board/live", after) as page:
        office.say()
        await page.until(lambda _: office.position in page.ids())
        seen += page.ids()
    assert seen == list(range(1, office.position + 1))


async def test_a_page_that_was_away_too_long_gets_a_fresh_snapshot(office: Office, url: str) -> None:
    office.say(times=live.KEPT + 10)
    assert office.hub.since("board", 5) is None
    async with watching(url, "/board/live", 5) as page:
        await page.until(snapshot_seen)
        assert page.events == [("snapshot", str(office.position), office.position)]


async def test_a_page_that_saw_more_than_this_process_knows_repeats_nothing(office: Office, url: str) -> None:
    office.say(times=3)
    async with watching(url, "/board/live", 5) as page:  # another replica was ahead
        office.say(times=4)
        await page.until(lambda _: 7 in page.ids())
    assert page.ids() == [6, 7]


async def test_before_the_feed_begins_nothing_is_known_about_the_past() -> None:
    hub = Hub()
    assert hub.since("board", 7) is None
    hub.begin(100)
    assert hub.since("board", 99) is None
    assert hub.since("board", 100) == []


async def test_a_ticket_page_that_reads_late_gets_the_newest_only(office: Office, url: str) -> None:
    office.say("ticket", 3, kept=1)
    async with watching(url, "/ticket/live") as page:
        await page.until(lambda _: bool(page.ids()))
        assert page.ids() == [3]
        office.say("ticket", 50, kept=1)
        await page.until(lambda _: office.position in page.ids())
    assert page.ids()[-1] == office.position


async def test_refusals_come_as_problems_before_the_stream_begins(office: Office, url: str) -> None:
    async with httpx.AsyncClient(base_url=f"{url}/api/hall/v1") as http:
        missing = await http.get("/nobody/live")
        nonsense = await http.get("/board/live", headers={"Last-Event-ID": "yesterday"})
        office.hub.close()
        closing = await http.get("/board/live")
    assert [answer.status_code for answer in (missing, nonsense, closing)] == [404, 400, 503]
    assert {a.headers["content-type"] for a in (missing, nonsense, closing)} == {"application/problem+json"}


async def test_a_page_that_leaves_is_forgotten(office: Office, url: str) -> None:
    async with watching(url, "/board/live") as page:
        await page.until(snapshot_seen)
        assert office.hub.publish("board", frame("lines", b"[]")) == 1
    async with asyncio.timeout(10):
        while office.hub.publish("board", frame("lines", b"[]")):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_pages_are_told_that_they_are_still_alive() -> None:
    office = Office(beat=0.1)
    async with serving(office.app) as url:
        async with watching(url, "/board/live") as page, watching(url, "/ticket/live") as other:
            await page.until(lambda _: len(page.ids("ping")) >= 3)
            await other.until(lambda _: len(other.ids("ping")) >= 3)
        office.hub.close()


async def test_closing_ends_every_page_after_what_it_was_told(office: Office) -> None:
    async with serving(office.app) as url, watching(url, "/board/live") as page:
        await page.until(snapshot_seen)
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
        watching(url, "/board/live", sock=deaf, limit=64) as stuck,
        watching(url, "/board/live") as page,
    ):
        await page.until(snapshot_seen)
        last = 0
        async with asyncio.timeout(30):
            while live.DROPPED._value.get() == dropped:
                last += 1
                office.position = last
                office.hub.publish("board", frame("call", b"x" * 65536, last), last)
                await page.until(lambda _, last=last: last in page.ids())
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
    monkeypatch.setattr(live, "TOPICS", 10)
    hub = Hub()
    hub.begin(0)
    for position in range(1, 30):
        hub.publish(f"ticket-{position}", b"x", position, kept=1)
    assert len(hub._topics) <= 11
    assert hub.since("ticket-1", 0) is None
    assert hub.since("ticket-29", 28) == [b"x"]


SERVER = dedent("""
    import sys
    import uvicorn
    from fastapi import APIRouter
    from mpp.testing.serving import settings_for
    from mpp.web.answer import json_response
    from mpp.web.app import create_app
    from mpp.web.live import Hub, Live, frame

    hub, router = Hub(), APIRouter()

    @router.get("/live", response_class=Live)
    async def live():
        return Live(hub, "board", "every", [frame("snapshot", b"{}", 0)], after=0)

    @router.post("/say/{position}")
    async def say(position: int):
        rss = next(line for line in open("/proc/self/status") if line.startswith("VmRSS"))
        pages = hub.publish("board", frame("call", b"{}", position), position)
        return json_response({"pages": pages, "rss": int(rss.split()[1])})

    async def ready():
        return {}

    settings = settings_for("hall")
    app = create_app(
        service="hall", title="Hall", version="1", routers=[router], settings=settings, ready=ready
    )
    uvicorn.run(app, port=int(sys.argv[1]), log_config=None, access_log=False)
""")
PAGES = 1500


@contextlib.asynccontextmanager
async def another_process() -> AsyncIterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVER, str(port))
    try:
        async with asyncio.timeout(20):
            while not await answers(port):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


async def answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return False
    writer.close()
    return True


async def test_many_pages_hold_little_memory_and_each_sees_every_call() -> None:
    """1,500 real connections to another process: each sees 11 calls in order, for under 30 KiB a page."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    async with (
        another_process() as url,
        httpx.AsyncClient(base_url=f"{url}/api/hall/v1", timeout=30) as http,
        contextlib.AsyncExitStack() as stack,
    ):
        empty = (await http.post("/say/1")).json()
        pages = [await stack.enter_async_context(watching(url, "/live")) for _ in range(PAGES)]
        full = (await http.post("/say/2")).json()
        for position in range(3, 12):
            await http.post(f"/say/{position}")
        await asyncio.gather(*(page.until(lambda events: len(events) >= 12) for page in pages))
    assert full["pages"] == PAGES
    odd = [page.events for page in pages if page.ids() != list(range(1, 12))]
    assert odd == []
    assert (full["rss"] - empty["rss"]) / PAGES < 30


def test_the_retry_hint_differs_so_that_pages_do_not_all_come_back_at_once() -> None:
    hub = Hub()
    hints = {
        re.match(rb"retry: (\d+)", Live(hub, "b", "every")._catch_up(live.Topic(0, 1))) for _ in range(50)
    }
    assert len({hint[1] for hint in hints if hint}) > 10
