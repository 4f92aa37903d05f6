"""The duty of deadlines, by one replica: what comes near or passes is said once, silence closes."""

from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from feedback_service import queries
from feedback_service.rules import LookAtClock
from mpp.duty import every
from mpp.eventsourcing.decider import Rejected
from mpp.eventsourcing.log import About
from mpp.service import Running

log = structlog.get_logger()
EVERY_SECONDS = 5.0


def real() -> datetime:
    return datetime.now(UTC)


class Deadlines:
    """Looks at what is; the complaint's own state decides what was said already."""

    def __init__(self, now: Callable[[], datetime] = real) -> None:
        self._now = now

    async def run(self, running: Running) -> None:
        await every(EVERY_SECONDS, lambda: self.look(running, self._now()), "deadlines")

    async def look(self, running: Running, now: datetime) -> int:
        """Everything there is to say at this time; how many complaints were looked at."""
        found = await queries.to_look_at(running.reader, now)
        for complaint in found:
            try:
                await running.handle(f"complaint-{complaint}", LookAtClock(now), About(role="system"))
            except Rejected as refusal:
                log.warning("deadline not told", complaint=str(complaint), refusal=refusal.code)
        return len(found)
