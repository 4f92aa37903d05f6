"""Upkeep, by one replica: halls follow their mall's changed plan, and days that are over are closed."""

import asyncio
from datetime import UTC, datetime

import structlog

from mpp.eventsourcing.decider import Rejected
from mpp.eventsourcing.log import About
from mpp.service import Running
from queue_service import views
from queue_service.command import ChangePlan, CloseHall, Complete
from queue_service.plan import Plan

log = structlog.get_logger()
EVERY_SECONDS = 1.0
QUIET_MINUTES = 60
LAST_MOMENT = datetime.min.replace(
    tzinfo=UTC
)  # time does not run backwards in a hall: when its last event was


class Upkeep:
    """Looks at what is, not at what was said, so nothing is forgotten when a replica dies."""

    def __init__(self) -> None:
        self._planned: dict[str, int] = {}  # hall → position up to which its mall's facts were looked at

    async def run(self, running: Running) -> None:
        while True:
            await self.change_plans(running)
            await self.close_days(running)
            await asyncio.sleep(EVERY_SECONDS)

    async def change_plans(self, running: Running) -> None:
        """Bring what the catalog said since into the halls that are open."""
        for hall in await views.stale_halls(running.reader):
            if self._planned.get(hall["stream"], 0) >= hall["position"]:
                continue
            facts = await views.facts_of(running.reader, hall["mall"])
            plan = Plan.of(hall["mall"], hall["date"], facts)
            at = datetime.now(UTC) if running.settings.clock == "system" else LAST_MOMENT
            await running.handle(hall["stream"], ChangePlan(at, plan), About(role="system"))
            self._planned[hall["stream"]] = hall["position"]

    async def close_days(self, running: Running) -> None:
        """A day that is over and quiet gets its end; a service that nobody ended is ended with it."""
        for stream in await views.halls_past(running.reader, QUIET_MINUTES):
            try:
                for ticket in await views.served_now(running.reader, stream):
                    await running.handle(stream, Complete(LAST_MOMENT, ticket), About(role="system"))
                await running.handle(stream, CloseHall(LAST_MOMENT), About(role="system"))
            except Rejected as refusal:
                log.warning("day not closed", stream=stream, refusal=refusal.code)
