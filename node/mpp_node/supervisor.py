"""Starts servers, starts again what dies, and stops everything in order."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mpp_servers.server import DidNotStart, Server

FIRST_PAUSE, LONGEST_PAUSE, SETTLED = 0.1, 10.0, 5.0  # seconds; who was ready for the last is well
LOOK, PATIENCE = (
    10.0,
    3,
)  # seconds between two looks at a server's health, bad ones before it is started again


@dataclass(slots=True)
class Part:
    """A server under supervision."""

    server: Server
    restarts: int = 0
    ready: bool = False
    since: float = field(default_factory=time.time)  # when it got ready, seconds since 1970
    pause: float = FIRST_PAUSE  # seconds before it is started again
    watch: asyncio.Task[None] | None = None


class Supervisor:
    """`note` is told a sentence when something happens, `changed` when a part got ready or ended."""

    def __init__(
        self, note: Callable[[str], None] = lambda _: None, changed: Callable[[], None] = lambda: None
    ) -> None:
        self.parts: dict[str, Part] = {}
        self._note, self._changed = note, changed

    async def start(self, server: Server, patience: float = 60.0) -> None:
        """Starts, waits `patience` seconds until ready and watches from then on; raises DidNotStart."""
        server.spawn()
        part = self.parts[server.name] = Part(server)
        await self._until_ready(part, patience)
        part.watch = asyncio.create_task(self._watch(part), name=f"watch {server.name}")

    async def stop(self, names: Iterable[str]) -> None:
        """Stops these parts side by side, politely first."""
        parts = [self.parts.pop(name) for name in names if name in self.parts]
        for part in parts:
            if part.watch:
                part.watch.cancel()
        await asyncio.gather(*(asyncio.to_thread(part.server.stop) for part in parts))

    def kill(self) -> None:
        """Ends every part at once, for good."""
        for part in self.parts.values():
            if part.watch:
                part.watch.cancel()
            part.server.kill()

    async def _watch(self, part: Part) -> None:
        while True:
            await self._until_ended(part)
            if part.ready and time.time() - part.since > SETTLED:
                part.pause = FIRST_PAUSE
            self._is(part, ready=False)
            self._note(f"{part.server.name} ended; starting it again")
            await asyncio.sleep(part.pause)
            part.pause = min(2 * part.pause, LONGEST_PAUSE)
            part.restarts += 1
            try:
                part.server.spawn()
                await self._until_ready(part)
                self._note(f"{part.server.name} is back")
            except DidNotStart as failure:
                self._note(str(failure).splitlines()[0])

    async def _until_ended(self, part: Part) -> None:
        """Until it ended, or was ended because it runs and can't work any more."""
        bad, due = 0, time.monotonic() + LOOK
        while part.server.alive:
            await asyncio.sleep(0.05)
            if time.monotonic() < due:
                continue
            due = time.monotonic() + LOOK
            bad = 0 if await asyncio.to_thread(part.server.well) else bad + 1
            if bad == PATIENCE:
                self._note(f"{part.server.name} runs and can't work; ending it")
                await asyncio.to_thread(part.server.stop)

    async def _until_ready(self, part: Part, patience: float = float("inf")) -> None:
        until = time.monotonic() + patience
        while not await asyncio.to_thread(part.server.ready):
            if not part.server.alive or time.monotonic() > until:
                raise part.server.give_up()
            await asyncio.sleep(0.02)
        self._is(part, ready=True)

    def _is(self, part: Part, *, ready: bool) -> None:
        part.ready = ready
        part.since = time.time() if ready else part.since
        self._changed()
