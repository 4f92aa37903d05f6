"""The duty of time limits, by one replica: what comes near or passes is said once; silence may grant."""

from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from mpp.duty import every
from mpp.eventsourcing.decider import Rejected
from mpp.eventsourcing.log import About
from mpp.service import Running
from tracking_service import queries
from tracking_service.command import LookAtClock

log = structlog.get_logger()
EVERY_SECONDS = 5.0


def real() -> datetime:
    return datetime.now(UTC)


class Scheduler:
    """Looks at what is; the application's own state decides what was said already."""

    def __init__(self, now: Callable[[], datetime] = real) -> None:
        self._now = now

    async def run(self, running: Running) -> None:
        await every(EVERY_SECONDS, lambda: self.look(running, self._now()), "time limits")

    async def look(self, running: Running, now: datetime) -> int:
        """Everything there is to say at this time; how many applications were looked at."""
        found = await queries.to_look_at(running.reader, now)
        for application in found:
            try:
                await running.handle(f"application-{application}", LookAtClock(now), About(role="system"))
            except Rejected as refusal:
                log.warning("time limit not told", application=str(application), refusal=refusal.code)
        return len(found)
