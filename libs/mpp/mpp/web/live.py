"""Live pages: server-sent events, one pre-built frame offered to every page that watches a topic."""

import asyncio
import itertools
import random
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Literal

from prometheus_client import Counter, Gauge
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mpp.eventsourcing.log import Unavailable
from mpp.web.exchange import KEY

Mode = Literal["every", "newest"]

BEAT_SECONDS = 15.0
SLICES = 60
KEPT = 256  # frames a topic remembers for pages that come back
BEHIND = 64  # frames a page may lag behind before it is dropped
TOPICS = 20_000  # topics remembered while nobody watches them
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

PAGES = Gauge("live_pages", "Live pages that are open now.")
DROPPED = Counter("live_pages_dropped", "Live pages closed because they did not read.")


def frame(event: str, data: bytes, id: int | None = None) -> bytes:  # noqa: A002 - its name on the wire
    """One server-sent event; `id` is the log position after which a page that comes back goes on."""
    name = b"" if id is None else b"id: %d\n" % id
    return b"%sevent: %s\ndata: %s\n\n" % (name, event.encode(), data.replace(b"\n", b"\ndata: "))


PING = frame("ping", b"{}")


class Topic:
    """What was said last about one thing, and who listens."""

    __slots__ = ("floor", "lost", "newest", "pages", "ring")

    def __init__(self, floor: int, kept: int) -> None:
        self.ring: deque[tuple[int, bytes]] = deque(maxlen=kept)
        self.floor = floor  # what was said before may have been forgotten with an earlier Topic
        self.lost = self.newest = 0  # lost: last position that fell out of the ring
        self.pages: set[Live] = set()

    def keep(self, position: int, said: bytes) -> None:
        if len(self.ring) == self.ring.maxlen:
            self.lost = self.ring[0][0]
        self.ring.append((position, said))
        self.newest = position

    def after(self, position: int) -> list[tuple[int, bytes]]:
        return [(at, said) for at, said in self.ring if at > position]


class Hub:
    """Topics and the live pages that watch them; one per process, fed in the order of the log."""

    def __init__(self, beat: float = BEAT_SECONDS) -> None:
        self._beat = beat
        self._floor: int | None = None
        self._forgotten = 0
        self._topics: OrderedDict[str, Topic] = OrderedDict()
        self._slices: list[set[Live]] = [set() for _ in range(SLICES)]
        self._turn = itertools.cycle(range(SLICES))
        self._heart: asyncio.Task[None] | None = None
        self.closed = False

    def begin(self, position: int) -> None:
        """The feed is complete after this position; before this is said, `since` knows nothing."""
        self._floor = position

    def publish(self, topic: str, said: bytes, position: int | None = None, *, kept: int = KEPT) -> int:
        """Offer one frame (or several of one position) to every page of a topic; returns how many.

        A position already said is said no more. Without a position nothing is remembered. Topics
        watched in mode `newest` need `kept=1`.
        """
        there = self._topics.get(topic)
        if position is not None:
            there = there or self._open(topic, kept)
            if position <= there.newest:
                return 0
            there.keep(position, said)
            self._topics.move_to_end(topic)
        if there is None:
            return 0
        for page in tuple(there.pages):
            page.offer(said, position)
        return len(there.pages)

    def since(self, topic: str, position: int) -> list[bytes] | None:
        """The frames of a topic after a position; None when that is too old to know."""
        if self._floor is None or position < self._floor:
            return None
        there = self._topics.get(topic)
        if there is None:
            return [] if position >= self._forgotten else None
        if position < max(there.floor, there.lost):
            return None
        return [said for _, said in there.after(position)]

    def watched(self, topic: str) -> bool:
        """Whether a page is open on this topic."""
        there = self._topics.get(topic)
        return there is not None and bool(there.pages)

    def join(self, topic: str, page: "Live") -> Topic:
        """Raises Unavailable once the hub is closed."""
        if self.closed:
            raise Unavailable("closing")
        there = self._topics.get(topic) or self._open(topic, 1 if page.mode == "newest" else KEPT)
        there.pages.add(page)
        page.slice = next(self._turn)
        self._slices[page.slice].add(page)
        PAGES.inc()
        if self._heart is None:
            self._heart = asyncio.create_task(self._live())
        return there

    def leave(self, topic: str, page: "Live") -> None:
        self._topics[topic].pages.discard(page)
        self._slices[page.slice].discard(page)
        PAGES.dec()

    def close(self) -> None:
        """End every page cleanly, so that the server can drain; new ones are refused with 503."""
        self.closed = True
        if self._heart is not None:
            self._heart.cancel()
        for page in [page for part in self._slices for page in part]:
            page.end()

    def _open(self, topic: str, kept: int) -> Topic:
        self._topics[topic] = there = Topic(self._forgotten, kept)
        if len(self._topics) > TOPICS:
            self._forget()
        return there

    def _forget(self) -> None:
        for name in list(itertools.islice(self._topics, 1 + TOPICS // 100)):
            if self._topics[name].pages:
                self._topics.move_to_end(name)
            else:
                self._forgotten = max(self._forgotten, self._topics.pop(name).newest)

    async def _live(self) -> None:
        """One loop for all heartbeats, a slice of the pages at a time."""
        while True:
            for part in self._slices:
                await asyncio.sleep(self._beat / SLICES)
                for page in tuple(part):
                    page.beat()


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
        self._stalled = False
        self._over = False

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
        if self._writer is None:
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
        if self._writer is None and self._send is not None:
            self._writer = asyncio.create_task(self._write(self._send))

    async def _write(self, send: Send) -> None:
        try:
            while self._waiting:
                said = b"".join(self._waiting)
                self._waiting.clear()
                await send({"type": "http.response.body", "body": said, "more_body": True})
                self._stalled = False
            if self._over:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._writer = None
            self._stalled = False

    def _drop(self) -> None:
        """Cut the connection: a reader that does not read cannot be told goodbye."""
        self._over = True
        DROPPED.inc()
        self._waiting.clear()
        transport = getattr(getattr(self._send, "__self__", None), "transport", None)
        if transport is not None:
            transport.abort()
