"""The edge: what happens to every request before and after the app itself."""

import json
import re
from typing import Any

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from mpp.eventsourcing.decider import Rejected
from mpp.telemetry import SpanKind, span
from mpp.web.exchange import Exchange
from mpp.web.problems import Malformed, TooLarge, failure, refusal

log = structlog.get_logger()

CALLER_LEFT = 499
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


class Edge:
    """Request id, trace, whole body within `body_limit` bytes, no NUL, a clean 500, one measurement."""

    def __init__(self, app: ASGIApp, service: str, body_limit: int) -> None:
        self.app, self.service, self.body_limit = app, service, body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = Exchange(self.service, scope, receive, send)
        parent = exchange.headers.get(b"traceparent", b"").decode("latin-1")
        with span(scope["method"], parent=parent, kind=SpanKind.SERVER) as exchange.span:
            await self._serve(exchange)
        follow = exchange.follow
        if follow is not None:  # a live page: the request is done and let go, the connection stays
            for name in scope.keys() - {"type", "method"}:  # those are asked for at every write
                del scope[name]
            del exchange, parent
            await follow(receive, send)

    async def _serve(self, exchange: Exchange) -> None:
        try:
            if not await self._read(exchange):
                exchange.note(CALLER_LEFT)
                return
            await self.app(exchange.scope, exchange.receive, exchange.send)
        except Rejected as error:
            answer = refusal(error, exchange.request_id)
            await answer(exchange.scope, exchange.receive, exchange.send)
        except Exception:
            log.exception(
                "request failed",
                request_id=exchange.request_id,
                method=exchange.scope["method"],
                route=exchange.route,
            )
            if not exchange.started:
                answer = failure(exchange.request_id)
                await answer(exchange.scope, exchange.receive, exchange.send)

    async def _read(self, exchange: Exchange) -> bool:
        whole = await exchange.read(self.body_limit)
        if whole is None:
            raise TooLarge("The body is larger than allowed.", limit_bytes=self.body_limit)
        if whole and _unstorable(exchange):
            raise Malformed("NUL and unpaired surrogates are not allowed.")
        return whole


def _unstorable(exchange: Exchange) -> bool:
    """Whether a text holds NUL or half a character: PostgreSQL stores neither, so no request may bring it."""
    scope, body = exchange.scope, exchange.body
    if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
        return True
    if not _SUSPECT.search(body) or b"json" not in exchange.headers.get(b"content-type", b"").lower():
        return False
    try:
        return _unstorable_in(json.loads(body))  # the parser that the app uses: both must read the same
    except ValueError:
        return False  # refused as malformed where it is parsed
    except RecursionError:
        return True


def _unstorable_in(value: Any) -> bool:
    match value:
        case str():
            return _UNSTORABLE.search(value) is not None
        case list():
            return any(map(_unstorable_in, value))
        case dict():
            return any(_unstorable_in(key) or _unstorable_in(item) for key, item in value.items())
    return False
