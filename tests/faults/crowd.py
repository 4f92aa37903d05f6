"""The crowd: kiosks, officers and boards as processes of their own, and what their ledgers say."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from mpp_node.bench.malls import LINES, counters_of, service_of
from mpp_node.bench.world import until

from .boards import PATIENT
from .ledger import Entry, Reading
from .stand import HOUSE, VENUES, Stand

KIOSKS, RATE, OFFICERS = 48, 150.0, 8
LOAD = f"{RATE:.0f} tickets/s at {len(VENUES)} malls, {OFFICERS} officers, {2 * len(VENUES)} boards"
PATIENCE = 90.0  # seconds


class Party:
    """One process of clients: begun with a task, ended by the end of its input."""

    def __init__(self, module: str, folder: Path) -> None:
        self._module, self.file = module, folder / f"{module}.jsonl"
        self.ledger = Reading(self.file)
        self._process: asyncio.subprocess.Process | None = None

    async def begin(self, task: dict[str, Any]) -> None:
        """Until it is ready: its boards are open, or its clients ask."""
        pipe, words = asyncio.subprocess.PIPE, ["-m", f"{__package__}.{self._module}"]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *words, stdin=pipe, stdout=pipe, cwd=HOUSE
        )
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"ledger": str(self.file), **task}).encode() + b"\n")
        async with asyncio.timeout(PATIENCE):
            said = await self._process.stdout.readline()
        assert said == b"ready\n", f"the {self._module} did not start"

    def finish(self) -> None:
        """Ask nothing new."""
        assert self._process and self._process.stdin
        self._process.stdin.close()

    async def ended(self) -> None:
        """When everything asked has its answer."""
        assert self._process
        async with asyncio.timeout(PATIENCE):
            assert await self._process.wait() == 0, f"the {self._module} failed"

    async def kill(self) -> None:
        """At once, if it runs."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


class Crowd:
    """Everybody at the stand. `struck`: the moment (epoch seconds) from which recovery counts."""

    def __init__(self, stand: Stand) -> None:
        self.stand, self.struck = stand, 0.0
        self.first = self.every = 0.0  # seconds until there were tickets again: on any way in, on every
        self.kiosks, self.officers, self.boards = (
            Party(module, stand.folder) for module in ("kiosks", "officers", "boards")
        )

    async def begin(self) -> None:
        """All are there, and tickets are taken on every way in."""
        ways = {part: f"http://127.0.0.1:{port}" for part, port in self.stand.ways_in().items()}
        wanted = [
            {"mall": mall, "service": service_of(line), "channel": "kiosk"}
            for line in LINES
            for mall in VENUES
        ]
        counters = [counters_of(VENUES[n % len(VENUES)])[n // len(VENUES)] for n in range(OFFICERS)]
        boards = {
            mall + kind: f"/api/queue/v1/malls/{mall}/board/live?date={self.stand.day}"
            for mall in VENUES
            for kind in ("", PATIENT)
        }
        await self.boards.begin({"ways": ways, "boards": boards})
        asking = {"ways": ways, "kiosks": KIOSKS, "rate": RATE, "wanted": wanted}
        await self.kiosks.begin(asking | {"headers": self.stand.headers("kiosk")})
        officers = {"ways": ways, "counters": counters, "headers": self.stand.headers("officer")}
        await self.officers.begin(officers)

    async def kill(self) -> None:
        for party in (self.kiosks, self.officers, self.boards):
            await party.kill()

    def told(self) -> list[Entry]:
        """Every answer to a kiosk that is a ticket."""
        return [told for told in self.kiosks.ledger.entries("told") if told["status"] == 201]

    async def tickets(self, many: int) -> None:
        """Until so many more tickets are acknowledged."""
        goal = len(self.told()) + many
        await until(lambda: len(self.told()) >= goal, f"{many} tickets", PATIENCE)

    def strike(self) -> None:
        """Now it happens, or ends: recovery counts from here."""
        self.struck = time.time()

    async def recovered(self) -> None:
        """Until a ticket asked for after the strike is acknowledged, on every way in; the slowest counts."""
        await until(lambda: len(self._since()) == len(self.stand.ways_in()), "tickets again", PATIENCE)
        since = self._since().values()
        self.first, self.every = max(self.first, min(since)), max(self.every, *since)

    def _since(self) -> dict[str, float]:
        """Way in → seconds from the strike to its first ticket asked for after it."""
        found: dict[str, float] = {}
        for told in self.told():
            if told["sent"] >= self.struck:
                found.setdefault(told["way"], told["at"] - self.struck)
        return found

    async def finish(self) -> None:
        """Nobody asks anything new, and everybody has an answer."""
        for party in (self.kiosks, self.officers):
            party.finish()
        for party in (self.kiosks, self.officers):
            await party.ended()

    async def close(self) -> None:
        """The boards have seen what there is to see."""
        self.boards.finish()
        await self.boards.ended()

    def failures(self) -> list[Entry]:
        """Every try that got no useful answer: act, status (0: none), code, later (Retry-After), way, at."""
        return [*self.kiosks.ledger.entries("failed"), *self.officers.ledger.entries("failed")]
