"""A proxy in front of a server: it passes bytes, holds them, or cuts the connection, where a test says so."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Ruling:
    """What becomes of some bytes: the first `passed` go on (None: all), then `then` happens."""

    passed: int | None = None
    then: str = "pass"  # or "hold", "cut"


PASS = Ruling()


def hold(after: int = 0) -> Ruling:
    """Let so many bytes pass and keep the rest until `Proxy.let_go`."""
    return Ruling(after, "hold")


def cut(after: int = 0) -> Ruling:
    """Let so many bytes pass and end the connection to both sides."""
    return Ruling(after, "cut")


@dataclass(eq=False, slots=True)
class Link:
    """One client's connection; `note` is for the rule of a test."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    note: dict[str, int] = field(default_factory=dict)

    def cut(self) -> None:
        for writer in (self.client, self.server):
            writer.transport.abort()


Rule = Callable[[Link, bool, bytes], Ruling]  # link, whether the bytes go up to the server, the bytes


def everything(_: Link, __: bool, ___: bytes) -> Ruling:
    return PASS


def nothing(_: Link, __: bool, ___: bytes) -> Ruling:
    return hold()


class Proxy:
    """Listens on a port of 127.0.0.1 of its own and speaks to `target` there.

    `rule` decides about each piece of bytes as it comes; a held piece is not asked about again. `refusing`:
    new connections are closed at once.
    """

    def __init__(self, target: int) -> None:
        self.target, self.refusing = target, False
        self.rule: Rule = everything
        self.links: set[Link] = set()
        self._free = asyncio.Event()
        self._free.set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        self.let_go()

    def hold(self) -> None:
        """From now on nothing passes, in either direction, until `let_go`; connections stay open."""
        self.rule = nothing
        self._free.clear()

    def let_go(self, rule: Rule = everything) -> None:
        """Everything held goes on, and what comes from now on follows this rule."""
        self.rule = rule
        self._free.set()

    def silence(self) -> None:
        """Nothing passes any more on the connections of now, and none is closed; new ones are as before.

        A machine that lost its power says goodbye to nobody.
        """
        dead = set(self.links)
        self.rule = lambda link, up, data: hold() if link in dead else PASS

    def cut(self) -> None:
        """End every connection that is open now."""
        for link in tuple(self.links):
            link.cut()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        link = Link(writer, to_server)
        self.links.add(link)
        ways = [self._pump(link, reader, to_server, True), self._pump(link, from_server, writer, False)]
        try:
            await asyncio.gather(*ways)
        except asyncio.CancelledError:  # the loop ends, and asyncio would call that an error of its own
            return
        finally:
            link.cut()
            self.links.discard(link)

    async def _pump(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, up: bool
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                ruling = self.rule(link, up, data)
                passed = len(data) if ruling.passed is None else ruling.passed
                writer.write(data[:passed])
                await writer.drain()
                if ruling.then == "cut":
                    return link.cut()
                if ruling.then == "hold":
                    self._free.clear()
                    await self._free.wait()
                    writer.write(data[passed:])
                    await writer.drain()
        writer.close()  # what was written before still arrives
