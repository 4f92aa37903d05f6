"""The clock of a simulated day: real time at a given speed, or as fast as answers come."""

import asyncio
import heapq
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime, timedelta
from itertools import count
from time import monotonic
from typing import Any

AT_ONCE = timedelta(seconds=5)  # without a speed, what lies this close together happens at the same time

_own: ContextVar[datetime] = ContextVar("own")


class Sleeper:
    """Somebody who waits until a moment, or until a bell rings."""

    def __init__(self, clock: "Clock", moment: datetime) -> None:
        self.moment, self._clock = moment, clock
        self.woken: asyncio.Future[datetime] = asyncio.get_running_loop().create_future()

    def wake(self, at: datetime) -> None:
        if not self.woken.done():
            self.woken.set_result(at)
            self._clock.awake += 1


class Bell:
    """Wakes everybody who waits for it."""

    def __init__(self) -> None:
        self._waiting: list[Sleeper] = []

    def ring(self, at: datetime) -> None:
        waiting, self._waiting = self._waiting, []
        for sleeper in waiting:
            sleeper.wake(at)

    def hold(self, sleeper: Sleeper) -> None:
        self._waiting.append(sleeper)

    def let_go(self, sleeper: Sleeper) -> None:
        if sleeper in self._waiting:
            self._waiting.remove(sleeper)


class Clock:
    """Simulated time from `start` on, for actors that only ever wait for it or for an answer.

    speed: simulated seconds per real second; None: time jumps to whoever is next as soon as nobody
    is under way, and each actor has the moment it was woken for as its own time.
    """

    def __init__(self, start: datetime, speed: float | None) -> None:
        self.speed = speed
        self.awake = 0
        self._now, self._seen, self._held = start, monotonic(), 0
        self._actors = 0
        self._sleepers: list[tuple[datetime, int, Sleeper]] = []
        self._turn = count()
        self._changed = asyncio.Event()

    @property
    def now(self) -> datetime:
        """The time of the actor who asks."""
        if self.speed is None:
            return max(_own.get(self._now), self._now)
        real = monotonic()
        if not self._held:
            self._now += timedelta(seconds=(real - self._seen) * self.speed)
        self._seen = real
        return self._now

    def turn_to(self, moment: datetime) -> None:
        """It is at least this late."""
        self._now = max(self._now, moment)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Time stands still meanwhile: whoever can't reach the node delays the day, and misses none of it."""
        _ = self.now
        self._held += 1
        try:
            yield
        finally:
            _ = self.now
            self._held -= 1
            self._changed.set()

    @contextmanager
    def slowed(self, speed: float) -> Iterator[None]:
        """Meanwhile time flows with real time, at this speed at most."""
        before, slow = self.speed, min(speed, self.speed or speed)
        if before is None:
            self._now += AT_ONCE  # whoever is under way may be ahead by so much: nobody's time runs back
        self._flow_at(slow)
        try:
            yield
        finally:
            self._flow_at(before)

    def _flow_at(self, speed: float | None) -> None:
        _ = self.now
        self.speed, self._seen = speed, monotonic()
        self._changed.set()

    async def until(self, moment: datetime, *bells: Bell) -> None:
        """Sleep until then, or until one of the bells rings."""
        sleeper = Sleeper(self, max(moment, self.now))
        heapq.heappush(self._sleepers, (sleeper.moment, next(self._turn), sleeper))
        for bell in bells:
            bell.hold(sleeper)
        self._rest()
        try:
            at = await sleeper.woken
        except asyncio.CancelledError:
            sleeper.wake(moment)
            raise
        finally:
            for bell in bells:
                bell.let_go(sleeper)
        _own.set(max(at, _own.get(at)))

    async def wait(self, minutes: float, *bells: Bell) -> None:
        """Sleep for so many simulated minutes, or until one of the bells rings."""
        await self.until(self.now + timedelta(minutes=minutes), *bells)

    def start(self, tasks: asyncio.TaskGroup, actor: Coroutine[Any, Any, None]) -> None:
        """Let somebody act; the day lasts until the last one has finished."""
        self._actors += 1
        self.awake += 1
        tasks.create_task(self._act(actor))

    async def run(self) -> None:
        """Move time on until no actor is left."""
        while self._actors:
            self._changed.clear()
            due = self._due()
            if due is None:
                await self._changed.wait()
            elif (delay := self._real_seconds_to(due)) > 0:
                await _at_most(delay, self._changed)
            else:
                self._wake_until(self.now if self.speed else due + AT_ONCE)

    def _due(self) -> datetime | None:
        """When the next sleeper wakes; None while nothing may move."""
        while self._sleepers and self._sleepers[0][2].woken.done():
            heapq.heappop(self._sleepers)
        if not self._sleepers or self._held or (self.speed is None and self.awake):
            return None
        return self._sleepers[0][0]

    def _real_seconds_to(self, moment: datetime) -> float:
        return (moment - self.now).total_seconds() / self.speed if self.speed else 0.0

    def _wake_until(self, horizon: datetime) -> None:
        if self.speed is None:
            self._now = max(self._now, self._sleepers[0][0])
        while self._sleepers and self._sleepers[0][0] <= horizon:
            moment, _, sleeper = heapq.heappop(self._sleepers)
            sleeper.wake(moment)

    async def _act(self, actor: Coroutine[Any, Any, None]) -> None:
        try:
            await actor
        finally:
            self._actors -= 1
            self._rest()

    def _rest(self) -> None:
        self.awake -= 1
        self._changed.set()


async def _at_most(seconds: float, event: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
