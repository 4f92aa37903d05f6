"""The queue service as it runs, for tests: real HTTP on a loopback port, malls of one's own, live pages."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Self
from uuid import uuid4

import httpx
import orjson
import uvicorn

from mpp.eventsourcing.handler import Handler, Step
from mpp.operations import verified
from mpp.service import Draining, Running, Service
from mpp.settings import Settings
from mpp.testing.tokens import TokenMint
from queue_service import hall, mall, views
from queue_service.__main__ import service
from queue_service.hall import stream_of
from queue_service.mall import Hear
from queue_service.upkeep import Upkeep

DAY = date(2031, 3, 3)  # a Monday that is neither past nor today
HOURS = {"opens": "07:30:00", "closes": "16:00:00", "last_ticket": "15:30:00"}
PATIENCE = 20.0  # seconds until a test gives up waiting


class _Server(Draining):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # Ctrl-C belongs to the test run


@dataclass
class House:
    """A service that answers at `url`."""

    url: str
    service: Service
    running: Running

    async def verify(self) -> list[str]:
        """What is broken once everything in the log is published."""
        async with asyncio.timeout(PATIENCE):
            while broken := [
                b for check in await verified(self.service, self.running) for b in check.violations
            ]:
                if not all("JetStream" in b or "not published" in b for b in broken):
                    return broken
                await asyncio.sleep(0.1)
        return []


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[House]:
    """With a handler of its own, so that several may run in one process."""
    handle = Handler([hall.decider, mall.decider], project=views.project)
    own = replace(service, handle=handle, once={"upkeep": Upkeep().run})
    app = own.app(settings)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_config=None, ws="none", timeout_graceful_shutdown=5
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            raise RuntimeError("the service did not start") from task.exception()
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield House(f"http://127.0.0.1:{port}", own, app.state.running)
    finally:
        server.should_exit = True
        await task


@dataclass
class Venue:
    """A mall of one's own and the clients that speak of it; requests are made on DAY at `clock`."""

    code: str
    url: str
    mint: TokenMint
    client: httpx.AsyncClient
    day: date = DAY
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        return f"mall-{self.code}"

    @property
    def stream(self) -> str:
        return stream_of(self.code, self.day)

    def counter(self, number: int) -> str:
        return f"{self.code}-{number:02d}"

    def token(self, role: str, **claims: Any) -> str:
        """Of somebody of this mall, unless the claims say otherwise."""
        return self.mint.token(role, **{"malls": [self.code]} | claims)

    def _staff(self, role: str) -> str:
        return self.tokens.setdefault(role, self.token(role))

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: str | None = None,
        token: str | None = None,
        key: object = None,
        clock: str = "08:30:00",
        **more: Any,
    ) -> httpx.Response:
        headers = {"Mpp-Time": f"{self.day.isoformat()}T{clock}+08:00"} | more.pop("headers", {})
        if role or token:
            headers["Authorization"] = f"Bearer {token or self._staff(role or '')}"
        if key is not None:
            headers["Idempotency-Key"] = str(key)
        if body is not None:
            more["json"] = body
        return await self.client.request(
            method, f"{self.url}/api/queue/v1{path}", headers=headers, timeout=PATIENCE, **more
        )

    async def get(self, path: str, **more: Any) -> Any:
        answer = await self.ask("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def issue(
        self, service: str = "a.1", channel: str = "web", *, priority: str | None = None, **more: Any
    ) -> httpx.Response:
        wanted = {"mall": self.slug, "service": service, "channel": channel}
        return await self.ask(
            "POST", "/tickets", wanted | ({"priority": priority} if priority else {}), **more
        )

    async def ticket(self, service: str = "a.1", **more: Any) -> dict[str, Any]:
        """One that was issued."""
        answer = await self.issue(service, **more)
        assert answer.status_code == 201, answer.text
        ticket: dict[str, Any] = answer.json()
        return ticket

    async def call(self, counter: int = 1, role: str | None = "officer", **more: Any) -> httpx.Response:
        return await self.ask("POST", f"/counters/{self.counter(counter)}/call-next", role=role, **more)

    async def act(
        self, ticket: dict[str, Any], action: str, body: Any = None, role: str | None = "officer", **more: Any
    ) -> httpx.Response:
        return await self.ask("POST", f"/tickets/{ticket['id']}/{action}", body, role=role, **more)

    def page(self, path: str, last: int | None = None) -> "Page":
        headers = {"Mpp-Time": f"{self.day.isoformat()}T08:30:00+08:00"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        return Page(f"{self.url}/api/queue/v1{path}", headers)

    def board(self, last: int | None = None) -> "Page":
        return self.page(f"/malls/{self.slug}/board/live", last)


@dataclass(frozen=True, slots=True)
class Said:
    """One server-sent event."""

    event: str
    data: Any
    id: int | None


class Page:
    """An open live page: everything it was told, in order."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._url, self._headers = url, headers
        self.said: list[Said] = []
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._read())
        await self.until(lambda said: True)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        timeout = httpx.Timeout(PATIENCE)
        try:
            async with (
                httpx.AsyncClient(timeout=timeout) as client,
                client.stream("GET", self._url, headers=self._headers) as answer,
            ):
                assert answer.status_code == 200, await answer.aread()
                fields = dict[str, str]()
                async for line in answer.aiter_lines():
                    if line:
                        name, _, value = line.partition(": ")
                        fields[name] = value
                    elif "event" in fields:
                        number = int(fields["id"]) if "id" in fields else None
                        self.said.append(Said(fields["event"], orjson.loads(fields["data"]), number))
                        self._news.set()
                        fields = {}
        finally:
            self._news.set()

    async def until(self, wanted: Callable[[Said], bool]) -> Said:
        """The first that is wanted, when it comes."""
        seen = 0
        async with asyncio.timeout(PATIENCE):
            while True:
                for said in self.said[seen:]:
                    seen += 1
                    if wanted(said):
                        return said
                if self._task.done():
                    await self._task
                    raise AssertionError(f"the page ended; it was told {self.said[-3:]}")
                self._news.clear()
                await self._news.wait()

    async def ended(self) -> None:
        """When the server closed the page."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([self._task])

    def calls(self, kind: str = "call") -> list[tuple[str, str]]:
        """The numbers called, each with its counter."""
        return [(s.data["number"], s.data["counter"]) for s in self.said if s.event == kind]

    @property
    def last(self) -> int | None:
        """The id a browser would come back with."""
        return max((said.id for said in self.said if said.id is not None), default=None)


Open = Callable[..., Any]
_codes = itertools.count(1000)


def facts(code: str, counters: int, **line: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """A mall as the catalog would tell it: lines A and B, counters of agency x at A, the last of y at B."""
    told: dict[tuple[str, str], dict[str, Any]] = {
        ("mall", ""): {"slug": f"mall-{code}", "title": f"MPP {code}", "timezone": "Asia/Makassar"},
        ("week", ""): {"week": [HOURS] * 5 + [None, None]},
    }
    for letter in "AB":
        told["service", f"{letter.lower()}.1"] = {"code": f"{letter.lower()}.1", "minutes": 8}
        told["line", letter] = {
            "title": f"Line {letter}",
            "services": [f"{letter.lower()}.1"],
            "capacity": None,
            "quotas": {},
        } | (line if letter == "A" else {})
    for n in range(1, counters + 2):
        agency, lines = ("x", ["A"]) if n <= counters else ("y", ["B"])
        told["counter", f"{code}-{n:02d}"] = {"title": f"Loket {n}", "agency": agency, "lines": lines}
    return told


async def found(handle: Handler, counters: int = 3, code: str | None = None, **line: Any) -> str:
    """A new mall that the queue has heard of; its code."""
    code = code or str(next(_codes))
    heard = facts(code, counters, **line)
    await handle.all([Step(f"mall-{code}", Hear(kind, key, fact)) for (kind, key), fact in heard.items()])
    return code


def key() -> str:
    return str(uuid4())
