"""The relay: the log is read on by position, and what is announced is stored in JetStream, fenced."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from mpp.eventsourcing.decider import Event
from mpp.eventsourcing.log import LogLostFacts, Row, Unavailable
from mpp.messaging.jetstream import KEPT_DAYS, UNREACHABLE, Fenced, Stored
from mpp.messaging.message import Announce, decode, messages_of

log = structlog.get_logger()
PUBLISHED = Counter("relay_published_total", "Events stored in JetStream", ["service"])
LAG = Gauge(
    "relay_lag_seconds", "Age of the oldest event that the relay has read and not yet stored", ["service"]
)
RUNNING = Gauge("relay_running", "1 on the replica that relays", ["service"])
READ = Gauge("relay_position", "Position up to which the relay has read the log", ["service"])
TOLD = Gauge("relay_published_position", "Position of the last event stored in JetStream", ["service"])
FENCED = Gauge("relay_log_lost_facts", "1 while JetStream knows events that the log has lost", ["service"])


class Reads(Protocol):
    """What the relay asks of a log."""

    async def read_after(self, position: int, id: UUID | None, limit: int) -> list[Row]: ...  # noqa: A002
    async def first_since(self, moment: datetime) -> int: ...


class Stores(Protocol):
    """What the relay asks of JetStream."""

    async def ensure(self, service: str) -> None: ...
    async def bounds(self, service: str) -> tuple[int, int]: ...
    async def last(self, service: str) -> Stored | None: ...
    async def publish(self, messages: Sequence[tuple[str, bytes]], expected: int) -> int: ...


class Relay:
    """Reads a service's log in order and stores what it announces, once, in the log's order.

    Where to go on is read from JetStream's own end, so a stream that was lost or cut refills itself. An
    event that JetStream has and the log no longer has means that acknowledged facts were lost: nothing
    is published, and `relay_log_lost_facts` is 1.
    """

    def __init__(
        self,
        service: str,
        reads: Reads,
        stores: Stores,
        decode_row: Callable[[Row], Event],
        announce: Announce,
        *,
        window: int = 256,
    ):
        self._service, self._reads, self._stores = service, reads, stores
        self._decode_row, self._announce, self._window = decode_row, announce, window
        self._position, self._told, self._sequence = 0, 0, 0
        self._id: UUID | None = None
        self._told_id: UUID | None = None
        self._poked, self.running = asyncio.Event(), False

    def poke(self) -> None:
        """There is something new in the log."""
        self._poked.set()

    async def run(self) -> None:
        """Without end; whatever goes wrong, begin again from what JetStream holds."""
        self.running = True
        RUNNING.labels(self._service).set(1)
        try:
            while True:
                await self._relay()
        finally:
            self.running = False
            RUNNING.labels(self._service).set(0)

    async def _relay(self) -> None:
        try:
            await self.resume()
            while True:
                began = monotonic()
                more = await self.step()
                FENCED.labels(self._service).set(0)
                if more:  # a few more gather before the next read
                    await asyncio.sleep(max(0, began + 0.005 - monotonic()))
                else:
                    await self._wait()
        except LogLostFacts as alarm:
            FENCED.labels(self._service).set(1)
            log.error("the log lost facts; nothing is published", service=self._service, alarm=str(alarm))
            await asyncio.sleep(5)
        except (Fenced, Unavailable, *UNREACHABLE) as trouble:
            log.warning("relay begins again", service=self._service, trouble=type(trouble).__name__)
            await asyncio.sleep(0.5)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(0.25):
                await self._poked.wait()
        except TimeoutError:
            return
        finally:
            self._poked.clear()

    async def resume(self) -> None:
        """Find the last message that the stream still holds, and the event in the log that it told."""
        await self._stores.ensure(self._service)
        bounds, stored = await self._stores.bounds(self._service), await self._stores.last(self._service)
        while bounds != (again := await self._stores.bounds(self._service)):  # made anew between two looks?
            bounds, stored = again, await self._stores.last(self._service)
        self._sequence = bounds[1]
        if stored is not None:
            last = decode(stored.payload)
            self._position, self._id = last.position, last.id
        else:
            kept_since = datetime.now(UTC) - timedelta(days=KEPT_DAYS)
            self._position, self._id = await self._reads.first_since(kept_since), None
        self._told, self._told_id = self._position, self._id
        READ.labels(self._service).set(self._position)
        TOLD.labels(self._service).set(self._position if stored else 0)

    async def step(self) -> bool:
        """Publish the next page; whether there was one."""
        rows = await self._reads.read_after(self._position, self._id, self._window)
        if not rows:
            LAG.labels(self._service).set(0)
            return False
        LAG.labels(self._service).set(max(0.0, (datetime.now(UTC) - rows[0].recorded_at).total_seconds()))
        recorded = (row.recorded(self._decode_row(row)) for row in rows)
        messages = messages_of(recorded, self._announce, self._told, self._told_id)
        if messages:
            await self._stores.publish([(m.subject, m.encode()) for m in messages], self._sequence)
            self._told, self._told_id = messages[-1].position, messages[-1].id
            self._sequence += len(messages)
            TOLD.labels(self._service).set(self._told)
        self._position, self._id = rows[-1].position, rows[-1].id
        READ.labels(self._service).set(self._position)
        PUBLISHED.labels(self._service).inc(len(messages))
        return True
