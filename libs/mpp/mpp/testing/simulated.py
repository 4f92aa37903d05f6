"""A log and a JetStream that exist only in memory, and fail by the dice of one seed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from nats.errors import TimeoutError as NatsTimeout

from mpp.eventsourcing.log import (
    Commands,
    CommitUnknown,
    Key,
    LogLostFacts,
    New,
    Recorded,
    Row,
    Span,
    Unavailable,
)
from mpp.messaging.jetstream import FEW, Fenced, Stored
from mpp.testing.virtual import Dice

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Database:
    """What survives the processes: the committed rows, and the lock."""

    dice: Dice
    rows: list[Row] = field(default_factory=list)
    keys: Commands = field(default_factory=dict)
    views: dict[UUID, Any] = field(default_factory=dict)
    commits: "list[Transaction]" = field(default_factory=list)
    position: int = 0
    up: bool = True
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    committed: Callable[[Sequence[Row]], None] = lambda rows: None

    def versions(self, stream: str) -> list[Row]:
        return [row for row in self.rows if row.stream == stream]

    def apply(self, commit: "Transaction") -> None:
        self.rows += commit.rows
        self.keys |= commit.keys
        self.views |= commit.views
        self.commits.append(commit)

    def lose(self, count: int) -> list[Row]:
        """Fail over to a standby that lacks the last `count` commits; every connection breaks."""
        kept = len(self.commits) - min(count, len(self.commits))
        commits, self.commits = self.commits, []
        self.rows, self.keys, self.views = [], {}, {}
        for commit in commits[:kept]:
            self.apply(commit)
        gone = [row for commit in commits[kept:] for row in commit.rows]
        # a restored sequence hands out the lost positions again, a standby's has leapt ahead
        self.position = self.rows[-1].position if self.rows and self.dice.strikes() else self.position + 32
        self.lock = asyncio.Lock()
        return gone


class Transaction:
    """A transaction under the lock: its writes reach the database when it commits."""

    def __init__(self, database: Database):
        self.database, self.lock = database, database.lock
        self.rows: list[Row] = []
        self.keys: Commands = {}
        self.views: dict[UUID, Any] = {}
        self.connection = self

    async def io(self) -> None:
        """One round trip; the connection may be lost."""
        await self.database.dice.pause()
        if self.lock is not self.database.lock or not self.database.up or self.database.dice.strikes():
            raise OSError("connection lost")

    async def look(
        self, known: Mapping[str, int], keys: Sequence[Key]
    ) -> tuple[dict[str, list[Row]], Commands]:
        await self.io()
        rows = {s: [r for r in self.database.versions(s) if r.version >= v] for s, v in known.items()}
        return rows, {key: self.database.keys[key] for key in keys if key in self.database.keys}

    async def spans(self, spans: Sequence[Span]) -> list[list[Row]]:
        await self.io()
        return [
            [row for row in self.database.versions(stream) if first <= row.version <= last]
            for stream, first, last in spans
        ]

    async def witness(self) -> None:
        await self.io()

    async def append(self, events: Sequence[New], commands: Commands) -> list[Recorded]:
        await self.io()
        taken = {(row.stream, row.version) for row in self.database.rows}
        recorded = []
        for e in events:
            if (e.stream, e.version) in taken:
                raise RuntimeError(f"unique violation: {e.stream} {e.version}")
            self.database.position += 1
            place = (self.database.position, e.id, e.stream, e.version)
            self.rows.append(Row(*place, e.event.type, e.event.model_dump_json(), e.about, _EPOCH))
            recorded.append(Recorded(*place, e.event, _EPOCH, e.about))
        self.keys |= commands
        return recorded

    def end(self, commit: bool) -> None:
        """On the server, whether or not anybody still waits for the reply."""
        if commit:
            self.database.apply(self)
            self.database.committed(self.rows)
        self.lock.release()


class SimulatedLog:
    """The log as `mpp.eventsourcing.log.Log` offers it."""

    def __init__(self, database: Database):
        self._database, self._dice = database, database.dice

    async def _reach(self) -> None:
        await self._dice.pause()
        if not self._database.up or self._dice.strikes():
            raise Unavailable("the database does not answer")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        await self._reach()
        tx, loop = Transaction(self._database), asyncio.get_running_loop()
        await tx.lock.acquire()
        try:
            yield tx
        except BaseException as failure:
            broken = isinstance(failure, OSError) or not isinstance(failure, Exception)
            # the server notices a broken connection only later
            loop.call_later(self._dice.delay() if broken else 0, tx.end, False)
            if isinstance(failure, OSError):
                raise Unavailable("the database went away") from failure
            raise
        arrives, answered = not self._dice.strikes(), not self._dice.strikes()
        ended = loop.create_future()

        def end() -> None:
            survives = self._database.up and tx.lock is self._database.lock
            tx.end(arrives and survives)
            if not ended.done():
                ended.set_result(survives)

        loop.call_later(self._dice.delay(), end)
        survived = arrives and answered and await ended
        await self._dice.pause()
        if not survived:
            raise CommitUnknown

    async def read_after(self, position: int, id: UUID | None, limit: int) -> list[Row]:  # noqa: A002
        await self._reach()
        if id is not None and not any(r.position == position and r.id == id for r in self._database.rows):
            raise LogLostFacts(f"event {id} at position {position} is gone")
        return [row for row in self._database.rows if row.position > position][:limit]

    async def first_since(self, moment: datetime) -> int:
        await self._reach()
        return 0


@dataclass(frozen=True, slots=True)
class Sent:
    """Subjects and payloads on their way to the server, and what must have been stored before them."""

    messages: Sequence[tuple[str, bytes]]
    expected: int | UUID  # a sequence, or the id of the message before
    id: UUID = field(default_factory=uuid4)


@dataclass
class Nats:
    """The server: one stream, whose sequences only grow unless it is made anew or cut."""

    dice: Dice
    stream: dict[int, Stored] = field(default_factory=dict)
    last: int = 0
    last_id: UUID | None = None
    up: bool = True
    epoch: int = 0  # connections of an earlier epoch are broken
    few: int = 0  # more messages than so many are stored as one batch

    def __post_init__(self) -> None:
        self.few = self.dice.random.choice((0, FEW))  # the lives are short, their pages small

    def store(self, sent: Sent) -> int:
        if sent.expected not in (self.last, self.last_id):
            raise Fenced(f"{sent.expected} is not {self.last}")
        self.last_id = sent.id
        for subject, payload in sent.messages:
            self.last += 1
            self.stream[self.last] = Stored(self.last, subject, payload)
        return self.last

    def cut(self) -> str:
        """Delete the stream, purge it, or lose its end; says which."""
        how = self.dice.random.choice(("deleted", "purged", "end lost", "head lost"))
        match how:
            case "deleted":
                self.stream, self.last, self.last_id = {}, 0, None
            case "purged":
                self.stream = {}
            case "head lost" if self.stream:
                self.stream = dict(list(self.stream.items())[len(self.stream) // 2 :])
            case "end lost" if self.stream:  # as a power cut does: the server starts anew
                self.last_id, self.epoch = None, self.epoch + 1
                kept = dict(list(self.stream.items())[: self.dice.random.randrange(len(self.stream))])
                self.last = max(kept, default=min(self.stream) - 1)
                self.stream = kept
        return how

    def messages(self) -> Iterator[Stored]:
        return iter(self.stream.values())


class SimulatedJetStream:
    """One process's connection: what it sends arrives in order, late, or never."""

    def __init__(self, nats: Nats):
        self.nats, self._dice, self._due = nats, nats.dice, 0.0

    async def _reach(self) -> None:
        await self._dice.pause()
        if not self.nats.up or self._dice.strikes():
            raise NatsTimeout

    async def ensure(self, service: str) -> None:
        await self._reach()

    async def bounds(self, service: str) -> tuple[int, int]:
        await self._reach()
        return min(self.nats.stream, default=self.nats.last + 1), self.nats.last

    async def get(self, service: str, sequence: int) -> Stored | None:
        await self._reach()
        return next((m for at, m in self.nats.stream.items() if at >= sequence), None)

    async def last(self, service: str) -> Stored | None:
        await self._reach()
        return next(reversed(self.nats.stream.values()), None)

    async def publish(self, messages: Sequence[tuple[str, bytes]], expected: int) -> int:
        if len(messages) > self.nats.few:
            return await self._send(Sent(messages, expected))
        window = [Sent(messages[:1], expected)]
        for message in messages[1:]:
            window.append(Sent([message], window[-1].id))
        answers = await asyncio.gather(*map(self._send, window), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return expected + len(messages)

    async def _send(self, sent: Sent) -> int:
        loop, epoch = asyncio.get_running_loop(), self.nats.epoch
        reply = loop.create_future()
        self._due = max(self._due + 1e-6, loop.time() + self._dice.delay())
        if not self._dice.strikes():
            loop.call_at(self._due, self._arrive, sent, epoch, reply)
        try:
            async with asyncio.timeout(5):
                return int(await reply)
        except TimeoutError as late:
            raise NatsTimeout from late

    def _arrive(self, sent: Sent, epoch: int, reply: "asyncio.Future[int]") -> None:
        if epoch != self.nats.epoch or not self.nats.up:
            return
        answered = not self._dice.strikes() and not reply.done()
        try:
            sequence = self.nats.store(sent)
        except Fenced as refused:
            if answered:
                reply.set_exception(refused)
            return
        if answered:
            reply.set_result(sequence)


def without_fence(sent: Sent, last: int) -> Sent:
    """The same messages, stored wherever the stream ends."""
    return replace(sent, expected=last)
