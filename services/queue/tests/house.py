"""The queue service as it runs, for tests: real HTTP on a loopback port, malls of one's own, live pages."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import uvicorn

from mpp.eventsourcing.handler import Handler, Step
from mpp.operations import verified
from mpp.service import Running, Service
from mpp.serving import Draining
from mpp.settings import Settings
from mpp.testing.tokens import TokenMint
from queue_service import views
from queue_service.__main__ import service
from queue_service.desk import Desk
from queue_service.hall import stream_of
from queue_service.handling import DECIDERS
from queue_service.mall import Hear
from queue_service.upkeep import Upkeep

from .page import PATIENCE, Page

DAY = date(2031, 3, 3)  # a Monday that is neither past nor today
HOURS = {"opens": "07:30:00", "closes": "16:00:00", "last_ticket": "15:30:00"}
T = TypeVar("T")


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
    desk: Desk

    async def verify(self) -> list[str]:
        """What is broken."""
        checks = await verified(self.service, self.running)
        assert all(check.looked_at for check in checks)
        return [broken for check in checks for broken in check.violations]


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[House]:
    """With a handler of its own, so that several may run in one process."""
    handle = Handler(DECIDERS, project=views.project)
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
        yield House(f"http://127.0.0.1:{port}", own, app.state.running, app.state.desk)
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

    def page(self, path: str, last: int | None = None) -> Page:
        headers = {"Mpp-Time": f"{self.day.isoformat()}T08:30:00+08:00"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        return Page(f"{self.url}/api/queue/v1{path}", headers)

    def board(self, last: int | None = None) -> Page:
        return self.page(f"/malls/{self.slug}/board/live", last)


_codes = itertools.count(1000)


def facts(code: str, counters: int, agency: str, **line: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """A mall as the catalog would tell it: lines A and B, counters of one agency at A, the last of y at B."""
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
        whose, lines = (agency, ["A"]) if n <= counters else ("y", ["B"])
        told["counter", f"{code}-{n:02d}"] = {"title": f"Loket {n}", "agency": whose, "lines": lines}
    return told


async def found(handle: Handler, counters: int = 3, agency: str = "x", **line: Any) -> str:
    """A new mall that the queue has heard of; its code."""
    code = str(next(_codes))
    heard = facts(code, counters, agency, **line)
    await handle.all([Step(f"mall-{code}", Hear(kind, key, fact)) for (kind, key), fact in heard.items()])
    return code


def key() -> str:
    """A new Idempotency-Key."""
    return str(uuid4())


async def called(venue: Venue, counter: int = 1) -> str:
    """A ticket that is issued and called; the counter is free again."""
    ticket = await venue.ticket()
    answer = await venue.call(counter)
    assert answer.status_code == 200
    await venue.act(answer.json(), "miss")
    number: str = ticket["number"]
    return number


async def eventually(ask: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
    """The first answer that is as it should be."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if holds(answer := await ask()):
                return answer
            await asyncio.sleep(0.05)
