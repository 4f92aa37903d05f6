"""Upkeep, by one replica: halls follow their mall's changed plan, and days that are over are closed."""

import asyncio
from datetime import UTC, datetime

import structlog

from mpp.eventsourcing.decider import Rejected
from mpp.eventsourcing.folds import Folds
from mpp.eventsourcing.log import About, connect
from mpp.service import Running
from queue_service import booking, tallies, views
from queue_service.command import ChangePlan, CloseHall, Complete, ExpectBookings
from queue_service.hall import stream_of
from queue_service.plan import Plan
from queue_service.slots import Offered

log = structlog.get_logger()
EVERY_SECONDS = 1.0
QUIET_MINUTES = 60
TOGETHER = 20  # days counted in one go
LAST_MOMENT = datetime.min.replace(
    tzinfo=UTC
)  # time does not run backwards in a hall: when its last event was


class Upkeep:
    """Looks at what is, not at what was said, so nothing is forgotten when a replica dies."""

    def __init__(self) -> None:
        self._planned: dict[str, int] = {}  # stream → position up to which its mall's facts were looked at
        self._read: tuple[Running, Folds] | None = None

    async def run(self, running: Running) -> None:
        while True:
            await self.change_plans(running)
            await self.keep_slots(running)
            await self.close_days(running)
            await self.count_days(running)
            await asyncio.sleep(EVERY_SECONDS)

    async def change_plans(self, running: Running) -> None:
        """Bring what the catalog said since into the halls that are open."""
        for hall in await views.stale_halls(running.reader):
            if self._planned.get(hall["stream"], 0) >= hall["position"]:
                continue
            facts = await views.facts_of(running.reader, hall["mall"])
            plan = Plan.of(hall["mall"], hall["date"], facts)
            await running.handle(hall["stream"], ChangePlan(_now(running), plan), About(role="system"))
            self._planned[hall["stream"]] = hall["position"]

    async def keep_slots(self, running: Running) -> None:
        """Offer what the mall offers now, let bookings lapse, and tell the open halls whom to expect."""
        for row in await views.slot_days(running.reader):
            stream, about = row["stream"], About(role="system")
            if row["position"] > max(row["planned"], self._planned.get(stream, 0)):
                facts = await views.facts_of(running.reader, row["mall"])
                offered = Offered.of(Plan.of(row["mall"], row["date"], facts))
                await running.handle(stream, booking.OfferSlots(_now(running), offered), about)
                self._planned[stream] = row["position"]
            hall = stream_of(row["mall"], row["date"])
            await self._keep_day(running, stream, hall, about)

    async def _keep_day(self, running: Running, stream: str, hall: str, about: About) -> None:
        """By the clock of the hall, which a simulated day has of its own."""
        slots = await self._folds(running).read(running.reader, stream)
        seen = await self._folds(running).read(running.reader, hall)
        at = _now(running) if running.settings.clock == "system" else seen.state.last_at
        if at.tzinfo:
            await self._lapse(running, stream, slots.state, at, about)
        if not seen.version or seen.state.closed:
            return
        expected = slots.state.expected()
        told = {line: dict(booked) for line, booked in seen.state.expected.items()}
        if expected != told:
            await running.handle(hall, ExpectBookings(_now(running), expected), about)

    async def _lapse(
        self, running: Running, stream: str, day: booking.SlotDay, at: datetime, about: About
    ) -> None:
        try:
            if booking.decide(booking.Lapse(at), day):
                await running.handle(stream, booking.Lapse(at), about)
        except booking.NotOffered:
            return

    def _folds(self, running: Running) -> Folds:
        if self._read is None or self._read[0] is not running:
            self._read = (running, Folds(running.handle))
        return self._read[1]

    async def count_days(self, running: Running) -> None:
        """Statistics of days that are over, on a connection of its own: nobody waits for them."""
        halls = await tallies.uncounted(running.reader, TOGETHER)
        if not halls:
            return
        connection = await connect(running.settings.database_url, running.schema, "tallies")
        try:
            for hall in halls:
                await tallies.count_closed(connection, hall)
        finally:
            await connection.close()

    async def close_days(self, running: Running) -> None:
        """A day that is over and quiet gets its end; a service that nobody ended is ended with it."""
        for stream in await views.halls_past(running.reader, QUIET_MINUTES):
            try:
                for ticket in await views.served_now(running.reader, stream):
                    await running.handle(stream, Complete(LAST_MOMENT, ticket), About(role="system"))
                await running.handle(stream, CloseHall(LAST_MOMENT), About(role="system"))
            except Rejected as refusal:
                log.warning("day not closed", stream=stream, refusal=refusal.code)


def _now(running: Running) -> datetime:
    return datetime.now(UTC) if running.settings.clock == "system" else LAST_MOMENT
