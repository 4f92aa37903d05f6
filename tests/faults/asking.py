"""A client that gives each command under one key, again and again, until it is answered."""

import asyncio
import random
import sys
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

import httpx

from .ledger import Ledger

PAUSES = (0.05, 0.5)  # seconds between two tries: the first, the longest
SILENCE = httpx.Timeout(8.0, connect=5.0)
SHOWN = ("number", "line", "mall", "counter")


@dataclass(frozen=True, slots=True)
class Answer:
    """The API's last word on one command; `body` is empty for 204."""

    status: int
    body: Mapping[str, Any]

    @property
    def ticket(self) -> str:
        return str(self.body.get("id") or self.body.get("ticket") or "")


class Client:
    """One party. It begins at the `first` of the ways in, and goes on with the next when one fails."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        ways: Mapping[str, str],
        headers: Mapping[str, str],
        ledger: Ledger,
        first: int,
    ) -> None:
        self._http, self._ways, self._headers, self._ledger = http, ways, headers, ledger
        self._names, self._first = list(ways), first

    async def give(self, act: str, path: str, body: Any = None, **about: str) -> Answer:
        """One command under one new key; every try and the answer go into the ledger."""
        key = str(uuid4())
        self._ledger.write("asked", key=key, act=act, **about)
        pause, longest = PAUSES
        for n in count():
            way, sent = self._names[(self._first + n) % len(self._names)], time.time()
            answer = await self._try(way, path, body, key, act)
            if answer is not None:
                moments = {"way": way, "sent": sent, "at": time.time(), "tries": n + 1}
                self._ledger.write("told", key=key, act=act, **_told(answer), **moments)
                return answer
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(2 * pause, longest)
        raise AssertionError("unreachable")

    async def _try(self, way: str, path: str, body: Any, key: str, act: str) -> Answer | None:
        """The answer, or None when it is worth another try."""
        headers = {**self._headers, "Idempotency-Key": key}
        failed: dict[str, Any] = {"key": key, "act": act, "way": way, "later": None}
        try:
            answer = await self._http.post(self._ways[way] + path, json=body, headers=headers)
        except httpx.TransportError as failure:
            self._ledger.write("failed", **failed, status=0, code=type(failure).__name__, at=time.time())
            return None
        problem = "problem+json" in answer.headers.get("content-type", "")
        if _final(answer.status_code, problem):
            return Answer(answer.status_code, answer.json() if answer.content else {})
        code = str(answer.json().get("type", "")) if problem else ""
        failed |= {"status": answer.status_code, "code": code, "later": answer.headers.get("retry-after")}
        self._ledger.write("failed", **failed, at=time.time())
        return None


def _final(status: int, problem: bool) -> bool:
    """Whether this is the API's word; a gateway that has just started says a plain 404 to everything."""
    return status < 500 and status != 429 and (status < 400 or problem)


def _told(answer: Answer) -> dict[str, Any]:
    facts = {name: answer.body[name] for name in SHOWN if name in answer.body}
    if answer.status >= 400:
        facts = {"code": answer.body.get("type", "")}
    return {"status": answer.status, "ticket": answer.ticket, **facts}


async def until_told(clients: Sequence[Coroutine[Any, Any, None]], stop: asyncio.Event) -> None:
    """Runs these until the input of this process ends, and then until each has finished."""
    tasks = [asyncio.create_task(client) for client in clients]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    stop.set()
    await asyncio.gather(*tasks)


def connections() -> httpx.AsyncClient:
    """Connections enough for everybody in one process."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=200)
    return httpx.AsyncClient(timeout=SILENCE, limits=limits)
