"""Live pages of tickets held open by a process of its own: how many stay open, and when some were told what.

It is told the port, the paths, and how many of the first to write down; at the end of its input it answers
with how many are open still, and for each of the first with (position of the log, moment) of all it was told.
"""

import asyncio
import json
import re
import resource
import sys
import time
from itertools import islice
from typing import Any

import uvloop

OPENING_SECONDS = 60
QUIET_SECONDS = 1.5
AT_ONCE = 64  # pages that open at the same time
POSITION = re.compile(rb"^id: (\d+)$", re.MULTILINE)


class Page(asyncio.Protocol):
    """One page: open with its first frame; `told` are (position, seconds since the epoch), if kept."""

    def __init__(self, path: str, kept: bool) -> None:
        self._path, self._kept = path, kept
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.told: list[tuple[int, float]] = []
        self._rest, self.ended = b"", False

    def connection_made(self, transport: Any) -> None:
        # To HTTP/1.0 nothing is sent in chunks, whose borders would have to be taken out of the frames.
        transport.write(f"GET {self._path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(f"{self._path} was closed"))

    def data_received(self, data: bytes) -> None:
        now = time.time()
        if not self.opened.done():
            if b"event: ticket" not in data:
                return
            self.opened.set_result(None)
        if not self._kept:
            return
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        for block in blocks:
            if found := POSITION.search(block):
                self.told.append((int(found[1]), now))


async def hold(task: dict[str, Any]) -> dict[str, Any]:
    """Keeps the pages open until the input ends."""
    loop, many = asyncio.get_running_loop(), task["kept"]
    pages = [Page(path, n < many) for n, path in enumerate(task["paths"])]

    async def opened(page: Page) -> None:
        await loop.create_connection(lambda: page, "127.0.0.1", task["port"])
        async with asyncio.timeout(OPENING_SECONDS):
            await page.opened

    coming = iter(pages)
    while some := [*islice(coming, AT_ONCE)]:
        await asyncio.gather(*map(opened, some))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    kept, before = pages[:many], -1
    while (said := sum(len(page.told) for page in kept)) > before:  # what is under way may still come
        before = said
        await asyncio.sleep(QUIET_SECONDS)
    return {"open": sum(not page.ended for page in pages), "told": [page.told for page in kept]}


def open_files() -> int:
    """As many as this process, and those it starts, may have; that is raised as far as it goes."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


if __name__ == "__main__":
    open_files()
    print(json.dumps(uvloop.run(hold(json.loads(sys.stdin.readline())))))
