"""The inbox: others' published events become our commands, once, in order, the cursor in the same commit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog
from prometheus_client import Counter, Gauge

from mpp.eventsourcing.decider import Rejected, UnknownEvent
from mpp.eventsourcing.handler import Handler, Step
from mpp.eventsourcing.log import About, Unavailable
from mpp.messaging.jetstream import UNREACHABLE, Gap, JetStream
from mpp.messaging.message import Message, NotOurs, received
from mpp.messaging.tail import sequence_of
from mpp.telemetry import SpanKind, span, traceparent
from mpp_contracts.published import Published

log = structlog.get_logger()
HANDLED = Counter("inbox_handled_total", "Messages handled", ["service", "source"])
BEHIND = Gauge("inbox_seconds_behind", "Age of the last message handled", ["service", "source"])
PARKED = Counter(
    "inbox_parked_total", "Messages parked because their key can't be handled", ["service", "source"]
)


React = Callable[[Published], Sequence[Step]]
Owner = Callable[[int], Awaitable[list[Message]]]  # the owner's published events after a position


class AlreadyHandled(Rejected):
    """Another replica's commit moved the cursor first."""


# An event that we can't fold was written by a newer version of ourselves: it goes on, we wait.
WAITS = (Gap, NotOurs, AlreadyHandled, Unavailable, UnknownEvent, *UNREACHABLE)


class Cursors(Protocol):
    """Where the inbox keeps its place and what it parked: `mpp.messaging.parking.Parking`."""

    async def place(self, source: str) -> tuple[int, set[str]]: ...
    def advance(
        self, source: str, before: int, after: int, count: int
    ) -> Callable[[Any], Awaitable[None]]: ...
    def park(
        self, source: str, message: Message, reason: str, *, behind: bool
    ) -> Callable[[Any], Awaitable[None]]: ...


class Inbox:
    """One source's events for one service.

    The place in the source's log moves in the transaction of the facts it led to, so a message is handled
    once whatever dies in between. What can never be handled parks its key: later messages of that mall
    queue behind it. Trouble with the database or NATS only makes the inbox wait.
    """

    def __init__(
        self,
        service: str,
        source: str,
        contracts: Sequence[type[Published]],
        react: React,
        handle: Handler,
        cursors: Cursors,
        jetstream: JetStream,
        owner: Owner,
    ):
        self._service, self._source, self._handle = service, source, handle
        self._contracts = {f"mpp.{c.owner}.{c.event}.v{c.version}": c for c in contracts}
        self._react, self._cursors, self._jetstream, self._owner = react, cursors, jetstream, owner
        self.caught_up, self._reason = asyncio.Event(), ""

    async def run(self) -> None:
        """Without end; after any trouble go on from the cursor."""
        behind = BEHIND.labels(self._service, self._source)
        try:
            while True:
                await self._read_on(behind)
        finally:
            behind.set(0)  # the replica that reads now tells

    async def _read_on(self, behind: Gauge) -> None:
        try:
            async for batch in self._jetstream.read(self._source, await self._bootstrap()):
                await self.handle([received(stored.subject, stored.payload) for stored in batch])
                if not batch:
                    self.caught_up.set()
                    behind.set(0)
        except WAITS as trouble:
            log.warning("inbox waits", source=self._source, trouble=type(trouble).__name__, why=str(trouble))
            await asyncio.sleep(0.5)

    async def _bootstrap(self) -> int:
        """Read from the owner what JetStream no longer holds; the sequence after which JetStream goes on."""
        while True:
            cursor, _ = await self._cursors.place(self._source)
            sequence, complete = await sequence_of(self._jetstream, self._source, cursor)
            if complete:
                return sequence
            if messages := await self._owner(cursor):
                await self.handle(messages)
            elif (await self._jetstream.bounds(self._source))[1] == sequence:
                return sequence
            else:
                raise Gap(f"the owner has nothing after {cursor}, JetStream has")

    async def handle(self, messages: Sequence[Message]) -> None:
        """These in order, in one transaction; if that can't be, one by one. Gap: something is missing."""
        cursor, stuck = await self._cursors.place(self._source)
        fresh = [m for m in messages if m.position > cursor]
        if not fresh:
            return
        if fresh[0].previous > cursor:
            raise Gap(f"nothing between {cursor} and {fresh[0].previous}")
        if not stuck.isdisjoint(m.key for m in fresh) or not await self._together(fresh, cursor):
            await self._one_by_one(fresh, cursor, stuck)
        HANDLED.labels(self._service, self._source).inc(len(fresh))
        BEHIND.labels(self._service, self._source).set((datetime.now(UTC) - fresh[-1].time).total_seconds())

    async def _one_by_one(self, messages: Sequence[Message], cursor: int, stuck: set[str]) -> None:
        for message in messages:
            if message.key in stuck:
                await self._park(message, cursor, "an earlier message of this key is parked", behind=True)
            elif not await self._together([message], cursor):
                await self._park(message, cursor, self._reason)
                stuck.add(message.key)
            cursor = message.position

    async def _together(self, messages: Sequence[Message], cursor: int) -> bool:
        """Whether these could be handled; trouble that passes is raised."""
        try:
            steps: list[Step] = []
            advance = self._cursors.advance(self._source, cursor, messages[-1].position, len(messages))
            with ExitStack() as spans:  # each message goes on in the trace that it came with
                for message in messages:
                    spans.enter_context(
                        span(message.type, parent=message.traceparent, kind=SpanKind.CONSUMER)
                    )
                    about = About(role="system", traceparent=traceparent())
                    steps += [replace(step, about=about) for step in self.steps(message)]
                await self._handle.all(steps, also=[advance])
        except WAITS:
            raise
        except Exception as failure:
            self._reason = (
                f"{type(failure).__name__}: {failure}"[:200]
                if isinstance(failure, Rejected)
                else type(failure).__name__
            )
            return False
        return True

    async def _park(self, message: Message, cursor: int, reason: str, *, behind: bool = False) -> None:
        park = self._cursors.park(self._source, message, reason, behind=behind)
        advance = self._cursors.advance(self._source, cursor, message.position, 1)
        await self._handle.all([], also=[park, advance])
        log.error("message parked", source=self._source, position=message.position, reason=reason)
        PARKED.labels(self._service, self._source).inc()

    def steps(self, message: Message) -> Sequence[Step]:
        """The commands that this message leads to; none when it is of a type not listened to."""
        contract = self._contracts.get(message.type)
        return self._react(contract.model_validate(message.data)) if contract else []
