"""Commands become facts: lock, catch up, decide, append, project; many commands in one commit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import structlog

from mpp.eventsourcing.decider import Decider, Rejected
from mpp.eventsourcing.deciding import (
    Also,
    Deciding,
    Draft,
    Folded,
    KeyReused,
    Outcome,
    Step,
    Unit,
)
from mpp.eventsourcing.log import About, CommitUnknown, Recorded, Span, Unavailable

__all__ = ["Also", "Draft", "Folded", "Handler", "KeyReused", "Outcome", "Step", "Unit"]

log = structlog.get_logger()
MOST_WAITING = 20_000  # commands; more are refused at once: they could not be answered in time


NOBODY = About()


class Transactions(Protocol):
    """Where the handler gets its transactions: `mpp.eventsourcing.log.Log`, or a simulation."""

    def transaction(self) -> Any: ...


class Handler(Deciding):
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
        super().__init__(deciders, cached)
        self.project, self._batch = project, batch
        self.committed: Callable[[], None] = lambda: None
        self.died: Callable[[], None] = lambda: None
        self._waiting: list[Unit] = []
        self._under_way: list[Unit] = []
        self._arrived, self._closing = asyncio.Event(), False
        self._writer: asyncio.Task[None] | None = None

    def start(self, log: Transactions) -> None:
        """Begin to write to this log; `committed` is called after each commit that added events, `died` when
        nothing can be written any more although nobody said `stop`."""
        self._log, self._closing = log, False
        self._cache.clear()
        self._arrived = asyncio.Event()
        self._writer = asyncio.create_task(self._write(), name="handler")
        self._writer.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Finish what was accepted, refuse what comes later."""
        self._closing = True
        self._arrived.set()
        if self._writer:
            await asyncio.wait([self._writer])

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
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable("too many are waiting; ask again with the same key")
        key = about.remembered_as if about.key else None
        unit = Unit(steps, about, also, asyncio.get_running_loop().create_future(), key)
        self._waiting.append(unit)
        self._arrived.set()
        return await unit.caller

    async def _write(self) -> None:
        try:
            while not (self._closing and not self._waiting):
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    units = [unit for unit in self._waiting[: self._batch] if not unit.caller.done()]
                    del self._waiting[: self._batch]
                    self._under_way = units
                    await self._commit(units)
        finally:
            for unit in (*self._under_way, *self._waiting):  # whatever ended it, nobody waits for ever
                unit.settle(Unavailable("this replica is shutting down; ask again with the same key"))

    def _ended(self, writer: "asyncio.Task[None]") -> None:
        failure = None if writer.cancelled() else writer.exception()
        if not self._closing:
            log.critical("the writer ended", failure=type(failure).__name__, exc_info=failure)
            self.died()

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
        except (Exception, asyncio.CancelledError) as failure:
            if isinstance(failure, asyncio.CancelledError) and _cancelled():
                raise
            return await self._apart(units, failure)
        self._take(draft, units)

    async def _apart(self, units: list[Unit], failure: BaseException) -> None:
        """Each half by itself: whoever made it fail is found, and fails alone."""
        for stream in {step.stream for unit in units for step in unit.steps}:
            self._cache.pop(stream, None)
        if len(units) > 1:
            await self._commit(units[: len(units) // 2])
            return await self._commit(units[len(units) // 2 :])
        if not isinstance(failure, Rejected):
            log.error("command failed", streams=[step.stream for step in units[0].steps], exc_info=failure)
        stray = isinstance(failure, asyncio.CancelledError)  # of something it asked, not of itself
        units[0].settle(Unavailable("this was broken off; ask again with the same key") if stray else failure)

    async def _attempt(self, units: list[Unit], draft: Draft) -> None:
        async with self._log.transaction() as tx:
            await self._begin(tx, units, draft)
            for unit in units:
                try:
                    unit.outcome = self._repeat(unit, draft) or self._decide(unit, draft)
                except Rejected as refusal:
                    unit.outcome = refusal
            if draft.events or draft.commands:
                recorded = await tx.append(draft.events, draft.commands)
            if draft.events:
                await self.project(tx.connection, recorded)
            answered = [unit for unit in units if isinstance(unit.outcome, Outcome)]
            for unit in answered:
                if not unit.outcome.repeated:  # type: ignore[union-attr]
                    for also in unit.also:
                        await also(tx.connection)
            if answered and not (draft.events or draft.commands):
                await tx.witness()

    async def _landed(self, draft: Draft) -> bool | None:
        """Whether a batch whose reply was lost is in the log; None when that can't be known.

        Taking the log's lock waits for the end of the old transaction.
        """
        try:
            async with self._log.transaction() as tx:
                if draft.events:
                    mark = draft.events[-1]
                    [rows] = await tx.spans([Span(mark.stream, mark.version, mark.version)])
                    landed = any(row.id == mark.id for row in rows)
                elif draft.commands:
                    _, known = await tx.look({}, list(draft.commands))
                    landed = bool(known == draft.commands)
                else:
                    return None
                if landed:
                    await tx.witness()
            return landed
        except Exception as failure:  # whatever it was, the callers must not wait for ever
            log.warning("a commit's end is unknown", trouble=type(failure).__name__)
        return None

    def _take(self, draft: Draft, units: list[Unit]) -> None:
        for stream, fold in draft.folds.items():
            if fold.version:
                self._cache[stream] = fold
        if draft.events:
            self.committed()
        for unit in units:
            unit.settle(unit.outcome)  # type: ignore[arg-type]


def _cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
