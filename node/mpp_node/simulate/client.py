"""Clients of the public API: own tokens, own connections, and the patience of a good client."""

import asyncio
import random
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import httpx

from mpp_node.simulate.clock import Clock

PATIENCE = 60.0  # real seconds without any answer, then the node is given up
PAUSES = (0.05, 5.0)  # real seconds between two tries: the first, the longest
TLS = ssl.create_default_context()  # dear to make, and the same for everybody


class Refused(Exception):
    """The API said no; `code` is the stable word of the problem's type."""

    def __init__(self, status: int, problem: dict[str, Any], asked: str) -> None:
        self.status, self.problem = status, problem
        self.code = str(problem.get("type")).removeprefix("urn:mpp:problem:")
        super().__init__(f"{asked}: {status} {self.code}: {problem.get('detail', '')}")


class Unreachable(RuntimeError):
    """The node gave no useful answer for a minute."""


@dataclass
class Tally:
    """Real requests and what became of them, since `began` (monotonic seconds)."""

    began: float = field(default_factory=monotonic)
    requests: int = 0
    retried: int = 0
    failed: list[str] = field(default_factory=list)  # answers 500: a defect, whatever caused it
    under_way: int = 0
    busy: asyncio.Event = field(default_factory=asyncio.Event)  # set while requests are under way

    @property
    def seconds(self) -> float:
        return monotonic() - self.began

    @contextmanager
    def request(self) -> Iterator[None]:
        """One request is under way meanwhile."""
        self.requests += 1
        self.under_way += 1
        self.busy.set()
        try:
            yield
        finally:
            self.under_way -= 1
            if not self.under_way:
                self.busy.clear()


class Client:
    """One party that speaks to the API: a kiosk, a browser, an officer's console."""

    def __init__(self, http: httpx.AsyncClient, clock: Clock, tally: Tally, token: str = "") -> None:
        self.http, self._clock, self._tally = http, clock, tally
        self._auth = {"Authorization": f"Bearer {token}"} if token else {}

    def of(self, token: str) -> "Client":
        """Another party on the same connections."""
        return Client(self.http, self._clock, self._tally, token)

    @property
    def headers(self) -> dict[str, str]:
        """Who asks, and when in simulated time."""
        return {**self._auth, "Mpp-Time": self._clock.now.isoformat()}

    async def get(self, path: str, **query: str | int) -> Any:
        """The answer's JSON. Raises Refused, Unreachable."""
        return await self._ask("GET", path, query, None, {})

    async def put(self, path: str, body: Any) -> Any:
        """Set something; a repeat sets the same."""
        return await self._ask("PUT", path, {}, body, {})

    async def post(self, path: str, body: Any = None, key: UUID | None = None, **query: str) -> Any:
        """Give a command once, however often it has to be sent; its answer's JSON, None for 204."""
        return await self._ask("POST", path, query, body, {"Idempotency-Key": str(key or uuid4())})

    async def items(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        """All pages of a list."""
        page = await self.get(path, limit=200, **query)
        items: list[dict[str, Any]] = page["items"]
        while page["next"]:
            page = await self.get(path, limit=200, cursor=page["next"], **query)
            items += page["items"]
        return items

    async def _ask(
        self, method: str, path: str, query: dict[str, Any], body: Any, headers: dict[str, str]
    ) -> Any:
        headers = {**self.headers, **headers}
        request = self.http.build_request(method, path, params=query or None, json=body, headers=headers)
        answer = await self._send(request)
        if answer is None:
            with self._clock.stopped():
                answer = await self._insist(request)
        if answer.status_code >= 400:
            raise Refused(answer.status_code, answer.json(), f"{method} {path}")
        return None if answer.status_code == 204 else answer.json()

    async def _insist(self, request: httpx.Request) -> httpx.Response:
        """The same request again and again, more and more slowly."""
        until, (pause, longest) = monotonic() + PATIENCE, PAUSES
        while monotonic() < until:
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            self._tally.retried += 1
            if (answer := await self._send(request)) is not None:
                return answer
            pause = min(2 * pause, longest)
        raise Unreachable(f"{request.method} {request.url.path}: no answer for {PATIENCE:.0f} s")

    async def _send(self, request: httpx.Request) -> httpx.Response | None:
        """One try; None when it is worth another."""
        try:
            with self._tally.request():
                answer = await self.http.send(request)
        except httpx.TransportError:
            return None
        if answer.status_code == 500:
            self._tally.failed.append(f"{request.method} {request.url.path}: 500 {answer.text[:300]}")
        return answer if _final(answer) else None


def _final(answer: httpx.Response) -> bool:
    """Whether this is the API's word; a gateway that has just started says a plain 404 to everything."""
    if answer.status_code >= 400 and "problem+json" not in answer.headers.get("content-type", ""):
        return False
    return answer.status_code < 500 and answer.status_code != 429


def connections(base: str) -> httpx.AsyncClient:
    """Connections of one client machine, its own."""
    return httpx.AsyncClient(base_url=base, verify=TLS, timeout=httpx.Timeout(15.0, connect=5.0))
