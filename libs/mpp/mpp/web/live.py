"""Live pages: server-sent events, one pre-built frame offered to every page that watches a topic."""

import asyncio
import random
from collections.abc import Coroutine, Generator, Sequence
from typing import Any

from prometheus_client import Counter
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mpp.eventsourcing.log import Unavailable
from mpp.web.exchange import KEY
from mpp.web.hub import Hub, Mode, Topic

__all__ = ["Hub", "Live", "frame"]

BEHIND = 64  # frames a page may lag behind before it is dropped
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

DROPPED = Counter("live_pages_dropped", "Live pages closed because they did not read.")


def frame(event: str, data: bytes, id: int | None = None) -> bytes:  # noqa: A002 - its name on the wire
    """One server-sent event; `id` is the log position after which a page that comes back goes on."""
    name = b"" if id is None else b"id: %d\n" % id
    return b"%sevent: %s\ndata: %s\n\n" % (name, event.encode(), data.replace(b"\n", b"\ndata: "))


PING = frame("ping", b"{}")


class Live(Response):
    """A page that stays open: the opening frames, then every frame of its topic, or the newest only.

    `opening` brings the page up to the position `after`; without `after` only what comes next is
    shown. Mode `every` drops a page that lags too far; `newest` skips what it had no time to read.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        hub: Hub,
        topic: str,
        mode: Mode,
        opening: Sequence[bytes] = (),
        after: int | None = None,
        status_code: int = 200,
    ) -> None:
        super().__init__(None, status_code, HEADERS)
        del self.headers["content-length"]
        self.hub, self.topic, self.mode, self.opening, self.after = hub, topic, mode, opening, after
        self.slice = 0
        self._waiting: list[bytes] = []
        self._writer: asyncio.Task[None] | None = None
        self._send: Send | None = None
        self._busy = self._stalled = self._over = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        there = self.hub.join(self.topic, self)
        try:
            self._waiting.append(self._catch_up(there))
            start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            await send(start)
        except BaseException:
            self.hub.leave(self.topic, self)
            raise
        exchange = scope.get(KEY)
        if exchange is None:
            await self.stream(receive, send)
        else:
            exchange.follow = self.stream

    def _catch_up(self, there: Topic) -> bytes:
        said = [b"retry: %d\n\n" % random.randint(1000, 4000), *self.opening]  # noqa: S311 - not all at once
        if self.after is not None:
            if self.mode == "every" and self.after < there.lost:
                raise Unavailable("the feed does not reach back to the opening")
            missed = there.after(self.after)[-1 if self.mode == "newest" else 0 :]
            self.after = missed[-1][0] if missed else self.after
            said += [words for _, words in missed]
        self.opening = ()
        return b"".join(said)

    async def stream(self, receive: Receive, send: Send) -> None:
        """Write until the reader leaves or the page ends; the wait for `receive` is what sees it leave."""
        self._send = send
        try:
            self._wake()
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self._over = True
            self.hub.leave(self.topic, self)
            if self._writer is not None:
                self._writer.cancel()

    def offer(self, said: bytes, position: int | None = None) -> None:
        """Never waits: what cannot be written now is kept, replaced or ends the page, by mode."""
        if self._over:
            return
        if position is not None:
            if self.after is not None and position <= self.after:
                return
            self.after = position
        if self.mode == "newest" and self._send is not None:
            self._waiting.clear()
        elif len(self._waiting) >= BEHIND:
            self._drop()
            return
        self._waiting.append(said)
        self._wake()

    def beat(self) -> None:
        """A sign of life; a page that has read nothing since the last one is dropped."""
        if not self._busy:
            self.offer(PING)
        elif self._stalled:
            self._drop()
        else:
            self._stalled = True

    def end(self) -> None:
        """Say what is waiting, then goodbye."""
        if self._over:
            return
        self._over = True
        self._wake()

    def _wake(self) -> None:
        """Write at once when the connection takes it, as nearly all do; otherwise a task waits."""
        if self._busy or self._send is None:
            return
        self._busy = True
        writing = self._write(self._send)
        try:
            blocked = writing.send(None)
        except StopIteration:
            return
        self._writer = asyncio.create_task(_finish(_Rest(writing, blocked)))

    async def _write(self, send: Send) -> None:
        try:
            while self._waiting:
                said = b"".join(self._waiting)
                self._waiting.clear()
                await send({"type": "http.response.body", "body": said, "more_body": True})
                self._stalled = False
            if self._over:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError:
            self._over = True  # it left; `receive` will say so
        finally:
            self._busy = self._stalled = False

    def _drop(self) -> None:
        """Cut the connection: a reader that does not read cannot be told goodbye."""
        self._over = True
        DROPPED.inc()
        self._waiting.clear()
        transport = getattr(getattr(self._send, "__self__", None), "transport", None)
        if transport is not None:
            transport.abort()


class _Rest:
    """The rest of a coroutine that has run until it waits for `blocked`."""

    def __init__(self, writing: Coroutine[Any, None, None], blocked: Any) -> None:
        self.writing, self.blocked = writing, blocked

    def __await__(self) -> Generator[Any, None, None]:
        try:
            yield self.blocked
        except BaseException:
            self.writing.close()
            raise
        yield from self.writing.__await__()


async def _finish(rest: _Rest) -> None:
    await rest
