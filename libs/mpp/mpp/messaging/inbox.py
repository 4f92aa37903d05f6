"""The inbox: others' published events become our commands, once, in order, the cursor in the same commit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from time import time
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from mpp.eventsourcing.decider import Rejected, UnknownEvent
from mpp.eventsourcing.handler import Handler, Step
from mpp.eventsourcing.log import About, Unavailable
from mpp.messaging.jetstream import UNREACHABLE, Gap, JetStream
from mpp.messaging.message import Message, NotOurs, received
from mpp.messaging.tail import Owner, sequence_of
from mpp.telemetry import SpanKind, span, traceparent
from mpp_contracts.published import Published

log = structlog.get_logger()
HANDLED = Counter("inbox_handled_total", "Messages handled", ["service", "source"])
BEHIND = Gauge(
    "inbox_seconds_behind", "Seconds of which it is not known that all was handled", ["service", "source"]
)
OTHER = Gauge(
    "inbox_other_history",
    "1 while the source's log does not hold what was heard of it",
    ["service", "source"],
)
PARKED = Counter(
    "inbox_parked_total", "Messages parked because their key can't be handled", ["service", "source"]
)


React = Callable[[Published], Sequence[Step]]


class AlreadyHandled(Rejected):
    """Another replica's commit moved the cursor first."""


class OtherHistory(Exception):
    """The source's log no longer holds what was heard of it: it lost facts, and numbers on from before."""


class Place(NamedTuple):
    """The last message that was handled: its position in the source's log, 0 before the first, and its id."""

    position: int
    id: UUID | None = None


# An event that we can't fold was written by a newer version of ourselves: it goes on, we wait.
WAITS = (Gap, NotOurs, AlreadyHandled, Unavailable, UnknownEvent, *UNREACHABLE)


class Cursors(Protocol):
    """Where the inbox keeps its place and what it parked: `mpp.messaging.parking.Parking`."""

    async def place(self, source: str) -> tuple[Place, set[str]]: ...
    def advance(
        self, source: str, before: Place, after: Place, count: int
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
        self.caught_up, self._reason, self._fresh = asyncio.Event(), "", 0.0

    async def run(self) -> None:
        """Without end; after any trouble go on from the cursor."""
        behind, self._fresh = BEHIND.labels(self._service, self._source), time()
        behind.set_function(self.behind)
        try:
            while True:
                await self._read_on()
        finally:
            behind.set_function(lambda: 0)  # the replica that reads now tells
            OTHER.labels(self._service, self._source).set(0)

    def behind(self) -> float:
        """Seconds since it was known that everything told by then was handled."""
        return max(0.0, time() - self._fresh)

    async def _read_on(self) -> None:
        other = OTHER.labels(self._service, self._source)
        try:
            async for batch in self._jetstream.read(self._source, await self._bootstrap()):
                other.set(0)
                await self.handle([received(stored.subject, stored.payload) for stored in batch])
                if not batch:
                    self.caught_up.set()
                    self._fresh = time()
        except OtherHistory as alarm:
            other.set(1)
            log.error("the source lost facts; nothing is heard", source=self._source, alarm=str(alarm))
            await asyncio.sleep(5)
        except WAITS as trouble:
            log.warning("inbox waits", source=self._source, trouble=type(trouble).__name__, why=str(trouble))
            await asyncio.sleep(0.5)

    async def _bootstrap(self) -> int:
        """Read from the owner what JetStream no longer holds; the sequence after which JetStream goes on."""
        while True:
            cursor, _ = await self._cursors.place(self._source)
            sequence, complete = await sequence_of(self._jetstream, self._source, cursor.position)
            if complete and await self._ends_with(sequence, cursor):
                return sequence
            if messages := await self._owner(cursor.position, cursor.id):
                await self.handle(messages)
            elif (await self._jetstream.bounds(self._source))[1] == sequence:
                return sequence
            else:
                raise Gap(f"the owner has nothing after {cursor.position}, JetStream has")

    async def _ends_with(self, sequence: int, cursor: Place) -> bool:
        """Whether the stream holds the very message that was handled last, or none was yet."""
        if cursor.position == 0:
            return True
        stored = await self._jetstream.get(self._source, sequence)
        if stored is None or stored.sequence != sequence:
            return False
        there = received(stored.subject, stored.payload)
        if there.position == cursor.position and cursor.id not in (None, there.id):
            raise OtherHistory(f"{there.id} is at {cursor.position}, {cursor.id} was heard")
        return there.position == cursor.position

    async def handle(self, messages: Sequence[Message]) -> None:
        """These in order, in one transaction; if that can't be, one by one. Gap: something is missing."""
        cursor, stuck = await self._cursors.place(self._source)
        fresh = [m for m in messages if m.position > cursor.position]
        if not fresh:
            return
        if fresh[0].previous > cursor.position:
            raise Gap(f"nothing between {cursor.position} and {fresh[0].previous}")
        _same_history(fresh[0], cursor)
        if not stuck.isdisjoint(m.key for m in fresh) or not await self._together(fresh, cursor):
            await self._one_by_one(fresh, cursor, stuck)
        HANDLED.labels(self._service, self._source).inc(len(fresh))
        self._fresh = fresh[-1].time.timestamp()

    async def _one_by_one(self, messages: Sequence[Message], cursor: Place, stuck: set[str]) -> None:
        for message in messages:
            if message.key in stuck:
                await self._park(message, cursor, "an earlier message of this key is parked", behind=True)
            elif not await self._together([message], cursor):
                await self._park(message, cursor, self._reason)
                stuck.add(message.key)
            cursor = _place(message)

    async def _together(self, messages: Sequence[Message], cursor: Place) -> bool:
        """Whether these could be handled; trouble that passes is raised."""
        try:
            steps: list[Step] = []
            advance = self._cursors.advance(self._source, cursor, _place(messages[-1]), len(messages))
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

    async def _park(self, message: Message, cursor: Place, reason: str, *, behind: bool = False) -> None:
        park = self._cursors.park(self._source, message, reason, behind=behind)
        advance = self._cursors.advance(self._source, cursor, _place(message), 1)
        await self._handle.all([], also=[park, advance])
        log.error("message parked", source=self._source, position=message.position, reason=reason)
        PARKED.labels(self._service, self._source).inc()

    def steps(self, message: Message) -> Sequence[Step]:
        """The commands that this message leads to; none when it is of a type not listened to."""
        contract = self._contracts.get(message.type)
        return self._react(contract.model_validate(message.data)) if contract else []


def _place(message: Message) -> Place:
    return Place(message.position, message.id)


def _same_history(following: Message, cursor: Place) -> None:
    """The message that follows was told after the very one that was handled last, as far as both say."""
    if cursor.position and following.previous != cursor.position:
        raise OtherHistory(f"{following.position} follows {following.previous}, {cursor.position} was heard")
    if cursor.id and following.previous_id not in (None, cursor.id):
        raise OtherHistory(f"{following.position} follows {following.previous_id}, {cursor.id} was heard")
