"""A board on the wall: it hears every call of the day once, however often its connection breaks."""

import asyncio
import random
from contextlib import suppress

import httpx

from mpp_node.simulate.client import Client
from mpp_node.simulate.events import Event, events
from mpp_node.simulate.floor import QUEUE, Floor

REFRESH = (3.0, 9.0)  # real seconds after which somebody pulls the plug
PAUSE = 0.3
LATE = 20.0  # real seconds that the last call may take to be heard


class Board:
    """Follows `board/live` in real time; what it hears goes into the record."""

    def __init__(self, floor: Floor, client: Client) -> None:
        self._floor, self._client = floor, client
        self.connections = 0
        self.ready = asyncio.Event()
        self._news = asyncio.Event()

    async def follow(self) -> None:
        """Without end."""
        mall, record = self._floor.mall, self._floor.record
        path = f"{QUEUE}/malls/{mall.slug}/board/live"
        while True:
            try:
                async with asyncio.timeout(random.uniform(*REFRESH)):
                    self.connections += 1
                    self._connected(record.position)
                    async for event in events(self._client, path, record.position, date=str(mall.day)):
                        self._hear(event)
            except TimeoutError:
                continue
            except httpx.HTTPError:
                pass
            await asyncio.sleep(PAUSE)

    async def caught_up(self) -> None:
        """Until every acknowledged call was heard, or it is too late."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LATE):
                await self.heard_all()

    async def heard_all(self) -> None:
        """Until every call was heard that is acknowledged now."""
        record = self._floor.record
        calls = len(record.calls)
        while record.unheard(calls):
            self._news.clear()
            await self._news.wait()

    def _connected(self, position: int | None) -> None:
        if position is not None:
            self.ready.set()  # what it misses now, it will be told

    def _hear(self, event: Event) -> None:
        floor = self._floor
        if event.name == "snapshot":
            known = floor.record.position
            for call in reversed(event.data["calls"]):
                if known is None or call["id"] > known:
                    floor.record.add("heard", floor.clock.now, call=call)
            floor.record.add("board", floor.clock.now, position=event.data["position"])
            self.ready.set()
            self._news.set()
        elif event.name in ("call", "recall"):
            floor.record.add("heard", floor.clock.now, call=event.data)
            self._news.set()
