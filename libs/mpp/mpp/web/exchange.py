"""An exchange: one request, its answer, and what we note about both."""

import random
import re
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from opentelemetry.trace import Span, Status, StatusCode
from prometheus_client import Histogram, disable_created_metrics
from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send

KEY = "mpp.exchange"
UNMATCHED = "unmatched"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
_NO_STORE = (b"cache-control", b"no-store")

disable_created_metrics()  # type: ignore[no-untyped-call]
SECONDS = Histogram(
    "http_requests_seconds",
    "Time until the answer begins; a live page stays open for hours.",
    ["service", "method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10),
)
_series: dict[tuple[str, str, str, int], Histogram] = {}


class Exchange:
    """Sits between server and app; `body` holds the whole request body once it is read."""

    __slots__ = (
        "_began",
        "_raw_receive",
        "_raw_send",
        "_replayed",
        "actor",
        "body",
        "follow",
        "headers",
        "request_id",
        "scope",
        "service",
        "span",
        "started",
    )

    def __init__(self, service: str, scope: Scope, receive: Receive, send: Send) -> None:
        self.service, self.scope, self._raw_receive, self._raw_send = service, scope, receive, send
        self._began = perf_counter()
        self.headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))  # the first of a name counts
        given = self.headers.get(b"x-request-id", b"").decode("latin-1")
        self.request_id = given if _SANE_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"
        self.body = b""
        self._replayed = self.started = False
        self.span: Span | None = None
        self.actor: Any = None  # who asks, once somebody wants to know
        self.follow: Callable[[Receive, Send], Awaitable[None]] | None = None
        scope[KEY] = self

    @property
    def route(self) -> str:
        """The template of the route, never the path: paths hold ids."""
        return getattr(self.scope.get("route"), "path_format", UNMATCHED)

    async def read(self, limit: int) -> bool | None:
        """Read the body: True when whole, None when larger than `limit` bytes, False when the caller left."""
        length = self.headers.get(b"content-length")
        if length is None and b"transfer-encoding" not in self.headers:
            return True
        if length is not None and int(length) > limit:
            return None
        parts, size, more = [], 0, True
        while more:
            message = await self._raw_receive()
            if message["type"] == "http.disconnect":
                return False
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                return None
            more = message.get("more_body", False)
        self.body = parts[0] if len(parts) == 1 else b"".join(parts)
        return True

    async def receive(self) -> Message:
        if self._replayed:
            return await self._raw_receive()
        self._replayed = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._dress(message)
            self.note(message["status"])
        await self._raw_send(message)

    def _dress(self, message: Message) -> None:
        headers = list(message.get("headers", ()))
        if all(name != b"cache-control" for name, _ in headers):
            headers.append(_NO_STORE)
        headers += _HEADERS
        headers.append((b"x-request-id", self.request_id.encode()))
        message["headers"] = headers

    def note(self, status: int) -> None:
        """Count the exchange, and name its span."""
        method, route = self.scope["method"], self.route
        if method not in _METHODS:
            method = "OTHER"
        key = (self.service, method, route, status)
        series = _series.get(key)
        if series is None:
            series = _series[key] = SECONDS.labels(*key)
        series.observe(perf_counter() - self._began)
        if self.span is not None and self.span.is_recording():
            self.span.update_name(f"{method} {route}")
            self.span.set_attribute("http.route", route)
            self.span.set_attribute("http.response.status_code", status)
            if status >= 500:
                self.span.set_status(Status(StatusCode.ERROR))


def exchange_of(scope: Scope) -> Exchange:
    """The exchange a request belongs to."""
    exchange: Exchange = scope[KEY]
    return exchange


def header(request: HTTPConnection, name: bytes) -> str | None:
    """A header's value by its name in lower case."""
    value = exchange_of(request.scope).headers.get(name)
    return None if value is None else value.decode("latin-1")
