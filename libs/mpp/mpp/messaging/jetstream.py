"""The only file that knows NATS: one stream per service, fenced publishing, ordered reading."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from secrets import token_hex
from typing import NamedTuple

import nats
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    PubAck,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import APIError, NotFoundError

log = structlog.get_logger()
KEPT_DAYS = 14
PING_SECONDS = 5  # two unanswered, and the connection counts as lost
FEW = 16  # messages that are stored sooner, and at less cost, one by one: a batch costs the server 3 ms
UNREACHABLE = (NatsError, OSError)
_EXPECTED, _BEHIND = "Nats-Expected-Last-Sequence", "Nats-Expected-Last-Msg-Id"
_REFUSED = (10071, 10070, 10176)  # the stream ends elsewhere, by number or id; a part of the batch is missing
_EXPIRED = ("404", "408")  # an order that found too few messages


class Fenced(Exception):
    """The stream's end is not where the writer thought: somebody else wrote, or it was cut."""


class NoStream(NatsError):
    """The service whose events these are has not made its stream yet."""


class TooOld(NatsError):
    """The server does not know what the fence is made of."""


class Gap(Exception):
    """Messages were not delivered one after the other; read on from the last one handled."""


class Stored(NamedTuple):
    """A message as the stream holds it."""

    sequence: int
    subject: str
    payload: bytes


class JetStream:
    """A connection to NATS and the stream of each service on it."""

    def __init__(self, url: str, name: str, replicas: int = 1):
        self._url, self._name, self._replicas = url, name, replicas
        self._client, self._poking, self._closing = Client(), False, False
        self._pokes: dict[str, Callable[[], None]] = {}
        self._again: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Wait for the server as long as it takes; later losses are mended in the background."""
        while True:
            try:
                return await self._connect()
            except UNREACHABLE as trouble:  # refused, not away: rights and limits are changed by people
                log.warning("NATS refuses", trouble=type(trouble).__name__, why=str(trouble))
                await asyncio.sleep(0.5)

    async def _connect(self) -> None:
        self._client = await nats.connect(
            self._url,
            name=self._name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,
            allow_reconnect=True,
            ping_interval=PING_SECONDS,
            max_outstanding_pings=2,
            error_cb=_reported,
            closed_cb=self._closed,
        )
        self._js = self._client.jetstream(timeout=5)
        for service, act in self._pokes.items():
            await self._listen(service, act)

    async def _closed(self) -> None:
        """The client gives up for good at some errors of the server: then it is made anew."""
        if not self._closing:
            self._again = asyncio.create_task(self.connect(), name="nats again")

    @property
    def connected(self) -> bool:
        return self._client.is_connected

    async def close(self) -> None:
        self._closing = True
        if self._again:
            self._again.cancel()
        if self._client.is_connected or self._client.is_reconnecting:
            await self._client.close()

    def poke(self, service: str) -> None:
        """Tell the replica that relays this service that its log grew; if that is lost, it looks anyway."""
        if self._client.is_connected and not self._poking:
            self._poking = True
            asyncio.get_running_loop().create_task(self._poke(service))

    async def _poke(self, service: str) -> None:
        try:
            await self._client.publish(f"poke.{service}")
        except UNREACHABLE:
            log.debug("nobody poked", service=service)
        finally:
            self._poking = False

    async def on_poke(self, service: str, act: Callable[[], None]) -> None:
        """Call `act` whenever another replica of the service pokes."""
        self._pokes[service] = act
        await self._listen(service, act)

    async def _listen(self, service: str, act: Callable[[], None]) -> None:
        async def poked(_: Msg) -> None:
            act()

        await self._client.subscribe(f"poke.{service}", cb=poked)

    async def ensure(self, service: str) -> None:
        """The stream of this service, kept on disk for 14 days."""
        config = StreamConfig(
            name=stream_of(service),
            subjects=[f"mpp.{service}.>"],
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            max_age=KEPT_DAYS * 86_400,
            num_replicas=self._replicas,
            allow_direct=True,
            allow_atomic=True,
        )
        try:
            made = await self._js.update_stream(config)
        except NotFoundError:
            made = await self._js.add_stream(config)
        if not made.config.allow_atomic:  # it would store each message of a batch by itself, without a fence
            raise TooOld("NATS must be 2.12 or newer")

    async def bounds(self, service: str) -> tuple[int, int]:
        """The first and the last sequence that the stream holds; first > last when it is empty.

        Raises NoStream while its owner has not made it.
        """
        try:
            state = (await self._js.stream_info(stream_of(service))).state
        except NotFoundError as missing:
            raise NoStream(stream_of(service)) from missing
        return (state.first_seq, state.last_seq) if state.messages else (state.last_seq + 1, state.last_seq)

    async def get(self, service: str, sequence: int) -> Stored | None:
        """The message with this sequence, or the next one the stream still holds."""
        try:
            raw = await self._js.get_msg(
                stream_of(service), seq=sequence, subject=f"mpp.{service}.>", next=True
            )
        except NotFoundError:
            return None
        return Stored(raw.seq or 0, raw.subject or "", raw.data or b"")

    async def last(self, service: str) -> Stored | None:
        """The last message that the stream holds; later ones may have been deleted."""
        try:
            raw = await self._js.get_last_msg(stream_of(service), f"mpp.{service}.>")
        except NotFoundError:
            return None
        return Stored(raw.seq or 0, raw.subject or "", raw.data or b"")

    async def publish(self, messages: Sequence[tuple[str, bytes]], expected: int) -> int:
        """Store these (subject, payload), 1,000 at most, after sequence `expected`; the last sequence.

        Raises Fenced when the stream ends elsewhere. Then, and after any other trouble, a few may be stored
        up to one of them, many as a whole or not at all; what is sent twice is refused the second time.
        """
        store = self._one_by_one if len(messages) <= FEW else self._as_batch
        try:
            last = await store(messages, expected)
        except APIError as refused:
            if refused.err_code in _REFUSED:
                raise Fenced(str(refused.description)) from refused
            raise
        if last != expected + len(messages):
            raise Fenced(f"stored up to {last}, not to {expected + len(messages)}")
        return last

    async def _one_by_one(self, messages: Sequence[tuple[str, bytes]], expected: int) -> int:
        """All on their way at once, each stored right behind the one before it or not at all.

        A sequence would not do as their fence: where the first is refused, the stream may end just there
        where the second expects it to. Their ids are new each time, so none is taken for a repeat.
        """
        window, sent = token_hex(8), []
        for place, (subject, payload) in enumerate(messages, 1):
            headers = {"Nats-Msg-Id": f"{window}-{place}"}
            headers |= {_BEHIND: f"{window}-{place - 1}"} if place > 1 else {_EXPECTED: str(expected)}
            sent.append(self._js.publish(subject, payload, headers=headers))
        acks = await asyncio.gather(*sent, return_exceptions=True)
        return [ack.seq for ack in map(_raised, acks)][-1]

    async def _as_batch(self, messages: Sequence[tuple[str, bytes]], expected: int) -> int:
        """One atomic batch: nobody sees a part of it, and no other writer's message comes between."""
        batch = token_hex(8)
        for place, (subject, payload) in enumerate(messages, 1):
            headers = {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(place)}
            if place == 1:
                headers[_EXPECTED] = str(expected)
            if place < len(messages):
                await self._client.publish(subject, payload, headers=headers)
        headers["Nats-Batch-Commit"] = "1"
        return (await self._js.publish(subject, payload, headers=headers)).seq

    async def read(self, service: str, after: int, *, idle: float = 2.0) -> AsyncIterator[list[Stored]]:
        """Batches in order from sequence `after` + 1 on, without end; an empty batch when `idle` s passed.

        Raises Gap when a message is missing or the stream no longer reaches `after`.
        """
        window = _Window(self._client, stream_of(service))
        await window.open(after + 1)
        try:
            while True:
                batch = await window.next(idle)
                for place, stored in enumerate(batch):
                    if stored.sequence != after + 1:
                        if place:
                            yield batch[:place]
                        raise Gap(f"{stored.sequence} follows {after}")
                    after = stored.sequence
                if not batch and (await self.bounds(service))[1] != after:
                    raise Gap(f"nothing came after {after}")
                yield batch
        finally:
            await window.close()


class _Window:
    """An ephemeral pull consumer that always has some messages on order, so that none waits for a request."""

    def __init__(self, client: Client, stream: str, size: int = 500):
        self._client, self._stream, self._size, self._ordered = client, stream, size, 0

    async def open(self, start: int) -> None:
        self._inbox = self._client.new_inbox()
        self._subscription = await self._client.subscribe(self._inbox)
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=start,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=60,
            mem_storage=True,
            num_replicas=1,
        )
        self._consumer = (await self._client.jsm().add_consumer(self._stream, config)).name
        await self._order()

    async def next(self, idle: float, limit: int = 100) -> list[Stored]:
        stored: list[Stored] = []
        try:
            while not stored or (len(stored) < limit and self._subscription.pending_msgs):
                message = await self._subscription.next_msg(timeout=idle)
                if status := (message.headers or {}).get("Status"):
                    if status not in _EXPIRED:
                        raise Gap(f"the consumer is gone: {status}")
                    self._ordered = 0
                else:
                    self._ordered -= 1
                    metadata = message.metadata
                    stored.append(Stored(metadata.sequence.stream, message.subject, message.data))
                if self._ordered < self._size // 2:
                    await self._order()
        except NatsTimeout:
            return stored
        return stored

    async def _order(self) -> None:
        order = json.dumps({"batch": self._size - self._ordered, "expires": 30_000_000_000})
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}"
        await self._client.publish(subject, order.encode(), reply=self._inbox)
        self._ordered = self._size

    async def close(self) -> None:
        try:
            await self._subscription.unsubscribe()
        except UNREACHABLE:
            log.debug("the subscription ended with its connection")


def _raised(ack: PubAck | BaseException) -> PubAck:
    if isinstance(ack, BaseException):
        raise ack
    return ack


def stream_of(service: str) -> str:
    return f"mpp-{service}"


async def _reported(failure: Exception) -> None:
    log.warning("nats", failure=type(failure).__name__, why=str(failure))
