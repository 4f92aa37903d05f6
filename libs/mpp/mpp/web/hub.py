"""The hub of live pages: topics, what was said on them last, and who watches."""

import asyncio
import itertools
from collections import OrderedDict, deque
from typing import Literal, Protocol

from prometheus_client import Gauge

from mpp.eventsourcing.log import Unavailable

Mode = Literal["every", "newest"]

BEAT_SECONDS = 15.0
SLICES = 60
KEPT = 256  # frames a topic remembers for pages that come back
TOPICS = 20_000  # topics remembered while nobody watches them

PAGES = Gauge("live_pages", "Live pages that are open now.")


class Page(Protocol):
    """What watches a topic; `slice` is the hub's own note. None of its methods waits."""

    mode: Mode
    slice: int

    def offer(self, said: bytes, position: int | None = None) -> None: ...

    def beat(self) -> None: ...

    def end(self) -> None: ...


class Topic:
    """What was said last about one thing, and who listens."""

    __slots__ = ("floor", "lost", "newest", "pages", "ring")

    def __init__(self, floor: int, kept: int) -> None:
        self.ring: deque[tuple[int, bytes]] = deque(maxlen=kept)
        self.floor = floor  # what was said before may have been forgotten with an earlier Topic
        self.lost = self.newest = 0  # lost: last position that fell out of the ring
        self.pages: set[Page] = set()

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
        self._slices: list[set[Page]] = [set() for _ in range(SLICES)]
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

    def join(self, topic: str, page: Page) -> Topic:
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

    def leave(self, topic: str, page: Page) -> None:
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
