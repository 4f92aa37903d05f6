"""States of streams for reading: cached, and caught up from the log at every read."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

from mpp.eventsourcing.handler import Handler
from mpp.eventsourcing.log import Reading, rows_since
from mpp.eventsourcing.memory import Memory

TOGETHER = 500  # events folded before others get their turn


@dataclass(frozen=True, slots=True)
class Seen:
    """A stream as a reader saw it; `position` is the place of its last event in the log."""

    state: Any
    version: int
    position: int
    last: UUID | None


class Folds:
    """What a reader needs of a stream without a lock; never the handler's cache, which is the writer's."""

    def __init__(self, handle: Handler, cached: int = 1024):
        self._handle = handle
        self._seen: Memory[Seen] = Memory(cached)
        self._first: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def read(self, connection: Reading, stream: str) -> Seen:
        """The state after the last committed event; version 0 when there is none."""
        if stream in self._seen:
            return await self._read(connection, stream)
        first = self._first.setdefault(stream, asyncio.Lock())
        async with first:  # a whole day is folded once: whoever comes meanwhile waits, and catches up
            return await self._read(connection, stream)

    async def _read(self, connection: Reading, stream: str) -> Seen:
        seen = self._seen.get(stream)
        rows = (await rows_since(connection, {stream: seen.version if seen else 0}))[stream]
        if seen and (not rows or rows[0].id != seen.last):  # another history: the log was replaced
            self._seen.pop(stream, None)
            return await self._read(connection, stream)
        state = seen.state if seen else self._handle.decider(stream).initial
        for place, row in enumerate(rows[1:] if seen else rows, 1):
            state = self._handle.decider(stream).evolve(state, self._handle.decode(row))
            if place % TOGETHER == 0:
                await asyncio.sleep(0)
        if not rows:
            return Seen(state, 0, 0, None)
        last = rows[-1]
        return self._keep(stream, Seen(state, last.version, last.position, last.id))

    def _keep(self, stream: str, fresh: Seen) -> Seen:
        held = self._seen.get(stream)
        if held is None or fresh.version >= held.version:
            self._seen[stream] = fresh
        return fresh
