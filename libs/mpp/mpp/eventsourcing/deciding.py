"""A batch in the making: streams are caught up, keys looked up, and each command is decided in its turn."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from mpp.eventsourcing.decider import Decider, Event, Rejected
from mpp.eventsourcing.ids import new_id
from mpp.eventsourcing.log import About, Commands, Key, New, Remembered, Row, Span, Writing
from mpp.eventsourcing.memory import Memory

Also = Callable[[Any], Awaitable[None]]  # rows that must be atomic with the events


class KeyReused(Rejected):
    """The idempotency key came back with another request."""

    status = 422


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
    """What a batch will write, and its folds on top of the cache; `first`: what a known key led to."""

    folds: dict[str, Folded] = field(default_factory=dict)
    remembered: Commands = field(default_factory=dict)
    first: dict[Key, list[Event]] = field(default_factory=dict)
    events: list[New] = field(default_factory=list)
    commands: Commands = field(default_factory=dict)


class Deciding:
    """Decides the commands of a batch on the streams as the log has them now."""

    def __init__(self, deciders: Sequence[Decider[Any]], cached: int):
        self._deciders = {decider.kind: decider for decider in deciders}
        self._cache: Memory[Folded] = Memory(cached)

    def decider(self, stream: str) -> Decider[Any]:
        return self._deciders[stream.partition("-")[0]]

    def decode(self, row: Row) -> Event:
        return self.decider(row.stream).decode(row.type, row.data)

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
        if draft.remembered:
            await self._recall(tx, draft)

    def _catch_up(self, stream: str, fold: Folded | None, rows: Sequence[Row]) -> Folded:
        decider = self.decider(stream)
        state = fold.state if fold else decider.initial
        for row in rows:
            state = decider.evolve(state, decider.decode(row.type, row.data))
        if rows:
            return Folded(state, rows[-1].version, rows[-1].id)
        return fold or Folded(state)

    async def _recall(self, tx: Writing, draft: Draft) -> None:
        """What the keys that came back led to: together, for after trouble whole crowds ask again."""
        used = draft.remembered.values()
        spans = [Span(first.stream, first.version - first.events + 1, first.version) for first in used]
        for key, rows in zip(draft.remembered, await tx.spans(spans), strict=True):
            draft.first[key] = [self.decode(row) for row in rows]
        if others := {first.stream for first in used} - {*draft.folds, ""}:
            found, _ = await tx.look(dict.fromkeys(others, 0), [])
            draft.folds |= {stream: self._catch_up(stream, None, found[stream]) for stream in others}

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

    def _repeat(self, unit: Unit, draft: Draft) -> Outcome | None:
        """The first answer to a key that was used before."""
        key = unit.key
        if key is None:
            return None
        first = draft.commands.get(key) or draft.remembered.get(key)
        if first is None:
            return None
        if first.request != unit.about.request:
            raise KeyReused("this Idempotency-Key was used for another request")
        if key in draft.first:
            events = draft.first[key]
        else:
            since, news = first.version - first.events, (e for e in draft.events if e.stream == first.stream)
            events = [new.event for new in news if since < new.version <= first.version]
        state = draft.folds[first.stream].state
        return Outcome(first.stream, first.version, tuple(events), state, repeated=True)
