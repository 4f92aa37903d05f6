"""A clock that only moves when everybody waits, and dice that fall the same way for the same seed."""

import asyncio
from asyncio import base_events
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any


class VirtualLoop(base_events.BaseEventLoop):
    """Time passes only while everybody waits, and then at once."""

    def __init__(self) -> None:
        super().__init__()
        self._now, self._selector = 0.0, self

    def time(self) -> float:
        return self._now

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("everybody waits for ever")
        self._now += timeout
        return []

    def _process_events(self, events: list[Any]) -> None: ...

    def _write_to_self(self) -> None: ...


class Dice:
    """All chance of one schedule; `each` looks at the world at every await."""

    def __init__(self, seed: int):
        self.random = Random(seed)
        self.trouble = self.random.choice((0.0, 0.01, 0.03, 0.1))
        self.each: Callable[[], None] = lambda: None

    def strikes(self) -> bool:
        return self.random.random() < self.trouble

    def delay(self) -> float:
        """Mostly a moment, now and then long enough to overtake everything."""
        return self.random.random() * (2 if self.strikes() else 0.01)

    async def pause(self) -> None:
        await asyncio.sleep(self.delay())
        self.each()


@contextmanager
def virtual_loop() -> Iterator[VirtualLoop]:
    """A loop of its own; what still runs at the end is cancelled."""
    loop = VirtualLoop()
    try:
        yield loop
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
