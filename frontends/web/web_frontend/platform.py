"""The platform as these pages know it: its public API over HTTP, through the gateway, and nothing else."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import structlog

from mpp.telemetry import traceparent

log = structlog.get_logger()
PATIENCE = httpx.Timeout(8.0, connect=2.0)
TRIES, PAUSE = (
    5,
    0.3,
)  # how often a request that failed on its way is sent, and seconds between, doubled each time


class Refused(Exception):
    """The platform said no: RFC 9457. `code` is the last word of its type: `line-full`."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status, self.facts = status, problem
        self.code = str(problem.get("type", "")).rpartition(":")[2] or "refused"
        super().__init__(f"{status} {self.code}")


class Away(Exception):
    """The platform does not answer now."""


@dataclass(frozen=True, slots=True)
class Caller:
    """In whose name, and by which clock, the platform is asked.

    ahead: on a development node, how far its visitor's clock is before the true one.
    """

    token: str = ""
    ahead: timedelta = field(default_factory=timedelta)
    language: str = "id"

    def headers(self) -> dict[str, str]:
        told = {"Accept-Language": self.language, "traceparent": traceparent()}
        if self.token:
            told["Authorization"] = f"Bearer {self.token}"
        if self.ahead:
            told["Mpp-Time"] = (datetime.now(UTC) + self.ahead).isoformat()
        return told


NOBODY = Caller()


class Platform:
    """`await platform.get("/queue/v1/malls/bombana/lines", caller)` → what the API answered.

    A request that got lost on its way is sent again, also one that changes something: under its own key the
    platform does it once.
    """

    def __init__(self, api_url: str, http: httpx.AsyncClient | None = None) -> None:
        limits = httpx.Limits(max_connections=500, max_keepalive_connections=100)
        self._base = f"{api_url}/api"
        self._http = http or httpx.AsyncClient(timeout=PATIENCE, limits=limits)

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str, caller: Caller = NOBODY, **params: Any) -> Any:
        answer = await self.send(
            "GET", path, caller, params={k: v for k, v in params.items() if v is not None}
        )
        return answer.json()

    async def post(
        self, path: str, caller: Caller = NOBODY, body: Any = None, *, key: str = "", **headers: str
    ) -> Any:
        """`key`: the Idempotency-Key, when the same press may come again; else one is made here."""
        return _said(
            await self.send("POST", path, caller, json=body, key=key or str(uuid4()), headers=headers)
        )

    async def put(self, path: str, caller: Caller, body: Any, **headers: str) -> Any:
        return _said(await self.send("PUT", path, caller, json=body, key=str(uuid4()), headers=headers))

    async def delete(self, path: str, caller: Caller) -> Any:
        return _said(await self.send("DELETE", path, caller, key=str(uuid4())))

    async def send(
        self,
        method: str,
        path: str,
        caller: Caller,
        *,
        key: str = "",
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        """The answer, whatever its kind. Raises Refused and Away."""
        told = caller.headers() | dict(headers or {}) | ({"Idempotency-Key": key} if key else {})
        pause = PAUSE
        for n in range(1, TRIES + 1):
            try:
                answer = await self._http.request(method, self._base + path, headers=told, **more)
            except httpx.TransportError as failure:
                log.warning("the platform is not reached", failure=type(failure).__name__, tried=n)
                if isinstance(failure, httpx.ReadTimeout) and n > 1:
                    break
            else:
                if answer.status_code not in (502, 503, 504) and not _no_route(answer):
                    return _checked(answer)
            if n < TRIES:
                await asyncio.sleep(pause)
                pause *= 2
        raise Away


def _no_route(answer: httpx.Response) -> bool:
    """A gateway that has just begun knows no routes: its plain 404 is not the platform's."""
    return answer.status_code == 404 and "json" not in answer.headers.get("content-type", "")


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.status_code >= 500:
        raise Away
    if answer.status_code >= 400:
        problem = "json" in answer.headers.get("content-type", "")
        raise Refused(answer.status_code, answer.json() if problem else {})
    return answer


def _said(answer: httpx.Response) -> Any:
    return answer.json() if answer.content else None
