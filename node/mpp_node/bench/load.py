"""Load from a process of its own: keep-alive connections that ask, and read no more than they must.

A task comes as one line of JSON, the result leaves as one (see `load`). Several groups ask at the same
time; each answer is counted once, and none is left open at the end.
"""

import asyncio
import json
import os
import sys
import time
from collections import deque
from collections.abc import Generator
from itertools import cycle, islice
from typing import Any

import uvloop

DRAIN_SECONDS = 20.0
NOBODY = b"204"
Ask = tuple[bytes, bool]  # a request, and whether its answer counts
Script = Generator[Ask, bytes, None]


class Request:
    """A prepared POST; each use carries an Idempotency-Key of its own."""

    def __init__(self, path: str, body: str, headers: dict[str, str]) -> None:
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "Idempotency-Key: "]
        self._head, self._tail = "\r\n".join(lines).encode(), f"\r\n\r\n{body}".encode()

    def bytes(self) -> bytes:
        return self._head + os.urandom(16).hex().encode() + self._tail


def again(requests: list[Request], first: int) -> Script:
    """These requests in turn, without end."""
    for request in cycle([*requests[first:], *requests[:first]]):
        yield request.bytes(), True


def officer(counter: str, headers: dict[str, str]) -> Script:
    """Calls the next and lets go of whoever came, without end; the calls count."""
    call = Request(f"/api/queue/v1/counters/{counter}/call-next", "", headers)
    while True:
        answer = yield call.bytes(), True
        if answer[9:12] == NOBODY:
            continue
        start = answer.find(b'"id":"') + 6
        ticket = answer[start : start + 36].decode()
        yield Request(f"/api/queue/v1/tickets/{ticket}/miss", "", headers).bytes(), False


class Tally:
    """What a group was answered."""

    def __init__(self) -> None:
        self.counted, self.nobody, self.odd = 0, 0, dict[str, str]()

    @property
    def answered(self) -> bool:
        return bool(self.counted or self.nobody or self.odd)

    def odd_one(self, status: str, answer: bytes) -> None:
        self.odd.setdefault(status, answer[-300:].decode(errors="replace"))


class Caller(asyncio.Protocol):
    """One connection: asks what its script says, the next when the last is answered."""

    transport: asyncio.Transport

    def __init__(self, script: Script, tally: Tally, idle: "deque[Caller] | None") -> None:
        self._script, self._tally, self._idle = script, tally, idle
        self._answer: Any = None
        self._part, self._counts = b"", False
        self.busy = self.stopped = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.busy:
            self._tally.odd_one("lost", repr(exc).encode())
            self.busy = False

    def ask(self) -> None:
        request, self._counts = self._script.send(self._answer)
        self.busy = True
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        answer = self._part + data if self._part else data
        if not _whole(answer):
            self._part = answer
            return
        self._part, self._answer, self.busy = b"", answer, False
        status = answer[9:12]
        if status in (b"200", b"201"):
            self._tally.counted += self._counts
        elif status == NOBODY:
            self._tally.nobody += 1
        else:
            self._tally.odd_one(status.decode(), answer)
            return
        if self.stopped:
            return
        if self._idle is None:
            self.ask()
        else:
            self._idle.append(self)


def _whole(answer: bytes) -> bool:
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    at = answer[:end].lower().find(b"\r\ncontent-length:")
    length = int(answer[at + 17 : answer.find(b"\r", at + 2)]) if at >= 0 else 0
    return len(answer) >= end + 4 + length


class Group:
    """Connections that ask alike: as fast as they are answered, or `rate` times a second together."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.tally, self._told = Tally(), told
        self._rate: float | None = told.get("rate")
        self._idle: deque[Caller] | None = None if self._rate is None else deque()
        self.callers: list[Caller] = []
        self._pacing: asyncio.Task[None] | None = None

    def _scripts(self) -> list[Script]:
        told, headers = self._told, self._told["headers"]
        if "counters" in told:
            return [officer(counter, headers) for counter in told["counters"]]
        requests = [Request(each["path"], each["body"], headers) for each in told["requests"]]
        return [again(requests, first) for first in islice(cycle(range(len(requests))), told["connections"])]

    async def begin(self) -> None:
        loop = asyncio.get_running_loop()
        for script in self._scripts():
            caller = Caller(script, self.tally, self._idle)
            await loop.create_connection(lambda one=caller: one, "127.0.0.1", self._told["port"])  # type: ignore[misc]
            self.callers.append(caller)
        if self._idle is None or self._rate is None:
            for caller in self.callers:
                caller.ask()
        else:
            self._idle.extend(self.callers)
            self._pacing = asyncio.create_task(self._pace(self._idle, self._rate))

    async def _pace(self, idle: deque[Caller], rate: float) -> None:
        began, asked = time.perf_counter(), 0
        while True:
            while idle and asked < (time.perf_counter() - began) * rate:
                idle.popleft().ask()
                asked += 1
            await asyncio.sleep(0.001)

    async def end(self) -> None:
        if self._pacing:
            self._pacing.cancel()
        for caller in self.callers:
            caller.stopped = True
        until = time.perf_counter() + DRAIN_SECONDS
        while any(caller.busy for caller in self.callers) and time.perf_counter() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        for caller in self.callers:
            if caller.busy:
                self.tally.odd_one("unanswered", b"")
            caller.transport.close()


async def load(task: dict[str, Any]) -> dict[str, Any]:
    """Plays `task`: {groups, warm, seconds}; per group how many were counted in all and in the window.

    The warm time begins when each group had an answer: a hall of many events is in memory by then.
    """
    groups = [Group(told) for told in task["groups"]]
    for group in groups:
        await group.begin()
    until = time.perf_counter() + DRAIN_SECONDS
    while not all(group.tally.answered for group in groups) and time.perf_counter() < until:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    await asyncio.sleep(task["warm"])
    before, began, wall = [group.tally.counted for group in groups], time.perf_counter(), time.time()
    await asyncio.sleep(task["seconds"])
    after, ended = [group.tally.counted for group in groups], time.perf_counter()
    for group in groups:
        await group.end()
    told = [
        {
            "counted": now - then,
            "all": group.tally.counted,
            "nobody": group.tally.nobody,
            "odd": group.tally.odd,
        }
        for group, then, now in zip(groups, before, after, strict=True)
    ]
    return {"groups": told, "seconds": ended - began, "began": wall, "ended": wall + ended - began}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(load(json.loads(sys.stdin.readline())))))
