"""What a browser's EventSource would have seen: a reader of live pages over a plain socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit


class LivePage:
    """Events as (name, data, id), in the order they came; `head` is the raw status line and headers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.head = b""
        self.events: list[tuple[str, str, int | None]] = []
        self.ended = False
        self._rest = b""

    async def until(self, enough: Callable[["LivePage"], bool], seconds: float = 20) -> None:
        """Read until it is enough, or the page has ended."""
        async with asyncio.timeout(seconds):
            while not enough(self) and not self.ended:
                await self._more()

    async def end(self) -> None:
        """Read to the end."""
        await self.until(lambda _: False)

    def ids(self, event: str = "call") -> list[int | None]:
        return [at for name, _, at in self.events if name == event]

    async def _more(self) -> None:
        size = int(await self.reader.readline(), 16)
        body = (await self.reader.readexactly(size + 2))[:-2]
        self.ended = size == 0
        *blocks, self._rest = (self._rest + body).split(b"\n\n")
        for block in blocks:
            fields = dict(line.split(": ", 1) for line in block.decode().split("\n"))
            if "data" in fields:
                at = int(fields["id"]) if "id" in fields else None
                self.events.append((fields["event"], fields["data"], at))


@contextlib.asynccontextmanager
async def watching(url: str, after: int | None = None, **connection: Any) -> AsyncIterator[LivePage]:
    """An open live page, as a browser opens it, or comes back to it with the last id it saw."""
    there = urlsplit(url)
    where = connection if "sock" in connection else {"host": there.hostname, "port": there.port} | connection
    page = LivePage(*await asyncio.open_connection(**where))
    last = "" if after is None else f"Last-Event-ID: {after}\r\n"
    page.writer.write(f"GET {there.path} HTTP/1.1\r\nHost: {there.netloc}\r\n{last}\r\n".encode())
    page.head = await page.reader.readuntil(b"\r\n\r\n")
    try:
        yield page
    finally:
        page.writer.close()
