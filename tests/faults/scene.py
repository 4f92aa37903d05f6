"""A scene: one fault from its beginning to its row in the table."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .comparison import Findings, arrived, compare
from .crowd import Crowd
from .stand import Stand
from .table import Row, keep

SETTLED = 300  # tickets acknowledged before the fault, and again after it


class Scene:
    """What a test of a fault works with; the stand is not started before `under_load`."""

    def __init__(self, name: str, stand: Stand) -> None:
        self.name, self.stand = name, stand
        self.crowd = Crowd(stand)
        self.findings = Findings()
        self.verified, self.played = "", False

    def say(self, said: str) -> None:
        """Progress, for whoever watches."""
        sys.stdout.write(f"  {said}\n")
        sys.stdout.flush()

    @asynccontextmanager
    async def under_load(self, *, arrives: bool = True, whole: bool = True) -> AsyncIterator[Crowd]:
        """The block is the fault: it begins under full load; after it, everything is compared and verified.

        `arrives=False`: do not wait until the consumer, the boards and JetStream have the whole log.
        `whole=False`: JetStream need not reach back to the beginning.
        """
        async with self.stand.running():
            try:
                await self.crowd.begin()
                await self.crowd.tickets(SETTLED)
                self.say("under load")
                yield self.crowd
                await self.crowd.tickets(SETTLED)
                await self.crowd.finish()
                late = await arrived(self.stand, self.crowd) if arrives else ""
                await self.crowd.close()
                self.findings = await compare(self.stand, self.crowd, whole=whole)
                self.findings.wrong += [late] if late else []
                self.verified = await self._verified()
            finally:
                await self.crowd.kill()

    async def _verified(self) -> str:
        """The checks of `mpp verify` in one cell."""
        checks = await self.stand.verify()
        broken = [
            f"{check['check']}: {'; '.join(check['violations'])}" for check in checks if not check["holds"]
        ]
        return " · ".join(broken) or f"ok ({len(checks)} checks)"

    def row(self, fault: str, *, load: str = "", promise: str = "") -> None:
        """The row of the table: kept when all is clean, or when a `promise` is named that is not made."""
        found, crowd = self.findings, self.crowd
        recovers = f"{crowd.first:.1f} · {crowd.every:.1f}"
        counts = (found.acknowledged, len(found.lost), len(found.doubled))
        told = f"{counts}, {found.unacknowledged} unacknowledged, {found.calls} calls, recovers {recovers}"
        self.say(f"{fault}: {told}, verify {self.verified} {found.told()}")
        if not promise:
            assert found.clean, found.told()
            assert self.verified.startswith("ok"), self.verified
        keep(self.name, Row(fault, load or "as above", *counts, recovers, self.verified, promise))
        self.played = True
