"""Boards held open by a process of its own: what each was told, and when.

It is told the port and the paths; at the end of its input it answers, board by board, with the id of each
call and the moment at which it came.
"""

import asyncio
import json
import re
import sys
import time
from typing import Any

import uvloop

OPENING_SECONDS = 20


class Board(asyncio.Protocol):
    """One page: `calls` are (id, seconds since the epoch)."""

    def __init__(self, path: str, headers: dict[str, str]) -> None:
        # To HTTP/1.0 nothing is sent in chunks, whose borders would have to be taken out of the frames.
        lines = [f"GET {path} HTTP/1.0", "Host: 127.0.0.1", *(f"{k}: {v}" for k, v in headers.items())]
        self._request = "\r\n".join([*lines, "", ""]).encode()
        self.open, self.calls = asyncio.Event(), list[tuple[int, float]]()
        self._rest, self.head, self.ended = b"", b"", False

    def connection_made(self, transport: Any) -> None:
        transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self.head = self.head or data[:500]
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        for block in blocks:
            if b"event: snapshot" in block:
                self.open.set()
            elif b"event: call" in block:
                found = re.search(rb"id: (\d+)", block)
                if found:
                    self.calls.append((int(found[1]), now))


async def watch(task: dict[str, Any]) -> list[list[tuple[int, float]]]:
    """Keeps the pages open until the input ends."""
    boards = [Board(path, task["headers"]) for path in task["paths"]]
    loop = asyncio.get_running_loop()
    for board in boards:
        await loop.create_connection(lambda board=board: board, "127.0.0.1", task["port"])  # type: ignore[misc]
        try:
            async with asyncio.timeout(OPENING_SECONDS):
                await board.open.wait()
        except TimeoutError:
            raise ConnectionError(f"a board did not open: {board.head!r}") from None
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    if any(board.ended for board in boards):
        raise ConnectionError("a board was closed")
    return [board.calls for board in boards]


if __name__ == "__main__":
    print(json.dumps(uvloop.run(watch(json.loads(sys.stdin.readline())))))
