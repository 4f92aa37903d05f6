"""Boards: a process that holds the boards of malls open, and comes back when they break.

Every mall has two: one whose plug is pulled every few seconds, and a patient one, which returns when it must.
"""

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from .asking import until_told
from .ledger import Ledger

REFRESH = (2.0, 6.0)  # seconds after which somebody pulls the plug
PATIENT = " patient"
PAUSE = 0.2
SILENCE = httpx.Timeout(40.0, connect=2.0)  # a sign of life comes every 15 s
Said = tuple[str, Any, int | None]  # event, data, id


class Board:
    """One board; it begins at one of the ways in and goes on with the next each time."""

    def __init__(self, name: str, path: str, ways: Mapping[str, str], ledger: Ledger, first: int) -> None:
        self._name, self._path, self._ways, self._ledger = name, path, list(ways.values()), ledger
        self._turn, self._last = first, -1  # the last id heard; -1 before the first
        self.open = asyncio.Event()

    async def follow(self, http: httpx.AsyncClient, stop: asyncio.Event) -> None:
        """Until told to stop."""
        while not stop.is_set():
            try:
                async with asyncio.timeout(
                    None if self._name.endswith(PATIENT) else random.uniform(*REFRESH)
                ):
                    async for said in self._said(http):
                        self._hear(*said)
            except (TimeoutError, httpx.HTTPError):
                pass
            self._turn += 1
            await asyncio.sleep(PAUSE)

    async def _said(self, http: httpx.AsyncClient) -> AsyncIterator[Said]:
        """The events of one connection."""
        headers = {"Last-Event-ID": str(self._last)} if self._last >= 0 else {}
        url = self._ways[self._turn % len(self._ways)] + self._path
        async with http.stream("GET", url, headers=headers) as answer:
            answer.raise_for_status()
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name:
                    fields[name] = value
                    continue
                if "data" in fields:
                    known = int(fields["id"]) if "id" in fields else None
                    yield fields.get("event", "message"), json.loads(fields["data"]), known
                fields = {}

    def _hear(self, event: str, data: Any, position: int | None) -> None:
        if event == "snapshot":
            if self._last < 0:
                self._ledger.write("opened", board=self._name, position=position)
            else:  # it was away too long: what it may have missed is on the snapshot
                for call in reversed([call for call in data["calls"] if call["id"] > self._last]):
                    self._shown(call)
            self.open.set()
        elif event in ("call", "recall"):
            self._shown(data)
        self._last = self._last if position is None else position

    def _shown(self, call: dict[str, Any]) -> None:
        facts = {"position": call["id"], "ticket": call["ticket"], "number": call["number"]}
        self._ledger.write("shown", board=self._name, kind=call["kind"], **facts)


async def main(task: dict[str, Any]) -> None:
    """`task`: ledger, ways, boards (name → path)."""
    ledger, stop = Ledger(task["ledger"]), asyncio.Event()
    async with httpx.AsyncClient(timeout=SILENCE) as http:
        paths = enumerate(task["boards"].items())
        boards = [Board(name, path, task["ways"], ledger, n) for n, (name, path) in paths]
        following = [asyncio.create_task(board.follow(http, stop)) for board in boards]
        await asyncio.gather(*(board.open.wait() for board in boards))
        await until_told([], stop)
        for task_ in following:
            task_.cancel()
        await asyncio.gather(*following, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))
