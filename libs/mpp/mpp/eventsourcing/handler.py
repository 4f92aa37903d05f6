"""Commands become facts: lock, catch up, decide, append, project; many commands in one commit."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import structlog

from mpp.eventsourcing.decider import Decider, Event, Rejected
from mpp.eventsourcing.ids import new_id
from mpp.eventsourcing.log import (
    About,
    Commands,
    CommitUnknown,
    Key,
    New,
    Recorded,
    Remembered,
    Row,
    Unavailable,
    Writing,
)

log = structlog.get_logger()
Also = Callable[[Any], Awaitable[None]]  # rows that must be atomic with the events


NOBODY = About()


class KeyReused(Rejected):
    """The idempotency key came back with another request."""

    status = 422


class Transactions(Protocol):
    """Where the handler gets its transactions: `mpp.eventsourcing.log.Log`, or a simulation."""

    def transaction(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Step:
    """One command for one stream; `about` when it is not that of the whole unit."""

    stream: str
    command: Any
    about: About | None = None


@dataclass(frozen=True, slots=True)
class Folded:
    """A stream as far as it was read: its state, and the last event that made it."""

    state: Any
    version: int = 0
    last: UUID | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command led to: the stream's version and state after it, and its events, if any."""

    stream: str
    version: int
    events: tuple[Event, ...]
    state: Any
    repeated: bool = False


@dataclass(slots=True)
class Unit:
    """Steps that are decided together or not at all, and the caller who waits for them."""

    steps: Sequence[Step]
    about: About
    also: Sequence[Also]
    caller: "asyncio.Future[Outcome]"
    key: Key | None  # under which the command is remembered
    outcome: Outcome | Rejected | None = None

    def settle(self, answer: Outcome | BaseException) -> None:
        if self.caller.done():  # the caller went away: nobody else may suffer for it
            return
        if isinstance(answer, BaseException):
            self.caller.set_exception(answer)
        else:
            self.caller.set_result(answer)


@dataclass(slots=True)
class Draft:
    """A batch in the making: folds on top of the cache, and what will be written."""

    folds: dict[str, Folded] = field(default_factory=dict)
    remembered: Commands = field(default_factory=dict)
    events: list[New] = field(default_factory=list)
    commands: Commands = field(default_factory=dict)


class Handler:
    """The one way to write: `await handle(stream, command, about)` → Outcome, or raises Rejected.

    Commands that arrive while a commit is under way wait together for the next. The cache takes a batch
    only after its COMMIT returned, so it never runs ahead of the log.
    """

    def __init__(
        self,
        deciders: Sequence[Decider[Any]],
        project: Callable[[Any, Sequence[Recorded]], Awaitable[None]],
        *,
        batch: int = 256,
        cached: int = 4096,
    ):
        self._deciders = {decider.kind: decider for decider in deciders}
        self.project, self._batch, self._cached = project, batch, cached
        self.committed: Callable[[], None] = lambda: None
        self._cache: OrderedDict[str, Folded] = OrderedDict()
        self._waiting: list[Unit] = []
        self._arrived, self._closing = asyncio.Event(), False
        self._writer: asyncio.Task[None] | None = None

    def start(self, log: Transactions) -> None:
        """Begin to write to this log; `committed` is called after each commit that added events."""
        self._log, self._closing = log, False
        self._cache.clear()
        self._arrived = asyncio.Event()
        self._writer = asyncio.create_task(self._write(), name="handler")

    async def stop(self) -> None:
        """Finish what was accepted, refuse what comes later."""
        self._closing = True
        self._arrived.set()
        if self._writer:
            await self._writer

    async def __call__(
        self, stream: str, command: Any, about: About = NOBODY, *, also: Sequence[Also] = ()
    ) -> Outcome:
        return await self.all([Step(stream, command)], about, also=also)

    async def all(
        self, steps: Sequence[Step], about: About = NOBODY, *, also: Sequence[Also] = ()
    ) -> Outcome:
        """Decide these steps as one; the outcome is the last step's, with the events of all."""
        if self._closing or self._writer is None or self._writer.done():
            raise Unavailable("this replica is shutting down")
        key = about.remembered_as if about.key else None
        unit = Unit(steps, about, also, asyncio.get_running_loop().create_future(), key)
        self._waiting.append(unit)
        self._arrived.set()
        return await unit.caller

    def decider(self, stream: str) -> Decider[Any]:
        return self._deciders[stream.partition("-")[0]]

    def decode(self, row: Row) -> Event:
        return self.decider(row.stream).decode(row.type, row.data)

    async def _write(self) -> None:
        while not (self._closing and not self._waiting):
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                units = [unit for unit in self._waiting[: self._batch] if not unit.caller.done()]
                del self._waiting[: self._batch]
                await self._commit(units)

    async def _commit(self, units: list[Unit], *, again: bool = True) -> None:
        """One transaction for all; what fails otherwise than by a rule is halved until it stands alone."""
        if not units:
            return
        draft = Draft()
        try:
            await self._attempt(units, draft)
        except (Unavailable, CommitUnknown) as trouble:
            self._cache.clear()
            landed = isinstance(trouble, CommitUnknown) and await self._landed(draft)
            if not landed:
                if again and landed is not None:  # nothing was written: one more try, on a new connection
                    return await self._commit(units, again=False)
                for unit in units:
                    unit.settle(Unavailable("this could not be written now; ask again with the same key"))
                return
        except Exception as failure:
            for stream in {step.stream for unit in units for step in unit.steps}:
                self._cache.pop(stream, None)
            if len(units) == 1:
                if not isinstance(failure, Rejected):
                    log.exception("command failed", streams=[step.stream for step in units[0].steps])
                return units[0].settle(failure)
            await self._commit(units[: len(units) // 2])
            return await self._commit(units[len(units) // 2 :])
        self._take(draft, units)

    async def _attempt(self, units: list[Unit], draft: Draft) -> None:
        async with self._log.transaction() as tx:
            await self._begin(tx, units, draft)
            for unit in units:
                try:
                    unit.outcome = await self._repeat(tx, unit, draft) or self._decide(unit, draft)
                except Rejected as refusal:
                    unit.outcome = refusal
            if draft.events or draft.commands:
                recorded = await tx.append(draft.events, draft.commands)
            if draft.events:
                await self.project(tx.connection, recorded)
            for unit in units:
                if isinstance(unit.outcome, Outcome) and not unit.outcome.repeated:
                    for also in unit.also:
                        await also(tx.connection)

    async def _landed(self, draft: Draft) -> bool | None:
        """Whether a batch whose reply was lost is in the log; None when that can't be known.

        Taking the log's lock waits for the end of the old transaction.
        """
        try:
            async with self._log.transaction() as tx:
                if draft.events:
                    mark = draft.events[-1]
                    rows = await tx.span(mark.stream, mark.version, mark.version)
                    return any(row.id == mark.id for row in rows)
                if draft.commands:
                    _, known = await tx.look({}, list(draft.commands))
                    return bool(known == draft.commands)
        except Exception as failure:  # whatever it was, the callers must not wait for ever
            log.warning("a commit's end is unknown", trouble=type(failure).__name__)
        return None

    async def _begin(self, tx: Writing, units: list[Unit], draft: Draft) -> None:
        """The folds of the streams concerned, as the log has them now, and the keys used before."""
        streams = dict.fromkeys(step.stream for unit in units for step in unit.steps)
        known = {stream: self._cache.get(stream) for stream in streams}
        keys = list({unit.key for unit in units if unit.key})
        seen = {s: fold.version if fold else 0 for s, fold in known.items()}
        rows, draft.remembered = await tx.look(seen, keys)
        changed = [s for s, fold in known.items() if fold and (not rows[s] or rows[s][0].id != fold.last)]
        if changed:  # what was seen is no longer there: this cache belongs to another history
            self._cache.clear()
            known = dict.fromkeys(streams)
            rows, _ = await tx.look(dict.fromkeys(streams, 0), [])
        draft.folds = {s: self._catch_up(s, f, rows[s][1:] if f else rows[s]) for s, f in known.items()}

    def _catch_up(self, stream: str, fold: Folded | None, rows: Sequence[Row]) -> Folded:
        decider = self.decider(stream)
        state = fold.state if fold else decider.initial
        for row in rows:
            state = decider.evolve(state, decider.decode(row.type, row.data))
        if rows:
            return Folded(state, rows[-1].version, rows[-1].id)
        return fold or Folded(state)

    def _decide(self, unit: Unit, draft: Draft) -> Outcome:
        if not unit.steps:
            return Outcome("", 0, (), None)
        folds, news = dict[str, Folded](), list[New]()
        for step in unit.steps:
            fold = folds.get(step.stream) or draft.folds[step.stream]
            decider, about = self.decider(step.stream), (step.about or unit.about).as_json()
            for event in decider.decide(step.command, fold.state):
                last = new_id()
                fold = Folded(decider.evolve(fold.state, event), fold.version + 1, last)
                news.append(New(last, step.stream, fold.version, event, about))
            folds[step.stream] = fold
        draft.folds.update(folds)
        draft.events += news
        own = [new.event for new in news if new.stream == step.stream]
        if unit.key:
            draft.commands[unit.key] = Remembered(unit.about.request, step.stream, fold.version, len(own))
        return Outcome(step.stream, fold.version, tuple(new.event for new in news), fold.state)

    async def _repeat(self, tx: Writing, unit: Unit, draft: Draft) -> Outcome | None:
        """The first answer to a key that was used before."""
        key = unit.key
        if key is None:
            return None
        first = draft.commands.get(key) or draft.remembered.get(key)
        if first is None:
            return None
        if first.request != unit.about.request:
            raise KeyReused("this Idempotency-Key was used for another request")
        since, fold = first.version - first.events, draft.folds.get(first.stream)
        if key in draft.remembered:
            rows = await tx.span(first.stream, since + 1, first.version)
            events = [self.decode(row) for row in rows]
        else:
            news = (new for new in draft.events if new.stream == first.stream)
            events = [new.event for new in news if since < new.version <= first.version]
        if fold is None:
            rows_of, _ = await tx.look({first.stream: 0}, [])
            fold = self._catch_up(first.stream, None, rows_of[first.stream])
        return Outcome(first.stream, first.version, tuple(events), fold.state, repeated=True)

    def _take(self, draft: Draft, units: list[Unit]) -> None:
        for stream, fold in draft.folds.items():
            if fold.version:
                self._cache[stream] = fold
                self._cache.move_to_end(stream)
        while len(self._cache) > self._cached:
            self._cache.popitem(last=False)
        if draft.events:
            self.committed()
        for unit in units:
            unit.settle(unit.outcome)  # type: ignore[arg-type]
