"""Forgetting: a service hears whom to forget, erases, and answers once, whatever dies in between."""

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from mpp.duty import every
from mpp.eventsourcing.decider import Decider, Event, Rejected
from mpp.eventsourcing.handler import Also, Step
from mpp.eventsourcing.log import About, Recorded
from mpp.eventsourcing.views import Changes
from mpp_contracts.profile import SubjectForgotten
from mpp_contracts.subjects import Answered, Kept

if TYPE_CHECKING:
    from mpp.service import Running

log = structlog.get_logger()
FORGETTING_SQL = files(__package__).joinpath("forgetting.sql").read_text()
PAUSE = 1.0  # seconds between two looks for somebody who is still known
SWEEP = timedelta(hours=1)  # between two deletions of keys that were disabled long enough
A = TypeVar("A", bound=Answered)


class ForgettingAsked(Event, type="forgetting-asked"):
    citizen: UUID
    request: UUID
    at: datetime


class ForgettingAnswered(Event, type="forgetting-answered"):
    citizen: UUID
    request: UUID
    erased: tuple[str, ...]
    kept: tuple[Kept, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Forget:
    """Somebody wants to be forgotten."""

    citizen: UUID
    request: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """It is done, but for what the law keeps."""

    citizen: UUID
    request: UUID
    erased: tuple[str, ...]
    kept: tuple[Kept, ...]
    at: datetime


Requests = frozenset[tuple[UUID, bool]]  # each request, and whether this service has answered


def decide(command: Forget | Answer, requests: Requests) -> list[Event]:
    match command:
        case Forget(citizen, request, at):
            known = {(request, False), (request, True)} & requests
            return [] if known else [ForgettingAsked(citizen=citizen, request=request, at=at)]
        case Answer(citizen, request, erased, kept, at):
            if (request, False) not in requests:
                return []
            facts = {"citizen": citizen, "request": request, "erased": erased, "kept": kept}
            return [ForgettingAnswered(**facts, at=at)]


def evolve(requests: Requests, event: Event) -> Requests:
    match event:
        case ForgettingAsked(request=request):
            return requests | {(request, False)}
        case ForgettingAnswered(request=request):
            return requests - {(request, False)} | {(request, True)}
    return requests


class View(SQLModel, registry=registry()):
    """The table of this page, among those of the service."""


class ForgettingRow(View, table=True):
    __tablename__ = "forgettings"
    citizen: UUID = Field(primary_key=True)
    request: UUID = Field(primary_key=True)
    asked_at: dt.datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))
    answered_at: dt.datetime | None = Field(sa_column=Column(TIMESTAMP(timezone=True)))


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased and what the law keeps, as words for the person; and what goes with the answer."""

    erased: tuple[str, ...]
    kept: tuple[Kept, ...] = ()
    steps: Sequence[Step] = ()
    also: Sequence[Also] = ()


Erase = Callable[["Running", UUID, datetime], Awaitable[Erased]]


class Forgetting:
    """How one service forgets: streams `subject-<citizen>`, a view, and the duty that erases and answers.

    erase(running, citizen, now) takes the keys away and says what else is to be written with the answer;
    it is called again when the process died before that, so doing it twice must do no harm.
    """

    def __init__(self, erase: Erase) -> None:
        self._erase = erase
        events = (ForgettingAsked, ForgettingAnswered)
        self.decider: Decider[Requests] = Decider("subject", frozenset(), decide, evolve, events)

    def steps(self, event: SubjectForgotten) -> Sequence[Step]:
        """What a service does when it hears of it."""
        return [Step(f"subject-{event.citizen}", Forget(event.citizen, event.request, event.at))]

    async def project(self, tx: asyncpg.Connection, recorded: Sequence[Recorded]) -> None:
        rows = Changes(ForgettingRow)
        for each in recorded:
            match each.event:
                case ForgettingAsked(citizen=citizen, request=request, at=at):
                    rows.put(citizen, request, asked_at=at)
                case ForgettingAnswered(citizen=citizen, request=request, at=at):
                    rows.change(citizen, request, answered_at=at)
        await rows.write(tx)

    def announced(self, recorded: Recorded, contract: type[A]) -> A | None:
        """The answer as the service publishes it."""
        if isinstance(recorded.event, ForgettingAnswered):
            return contract.model_validate(recorded.event.model_dump())
        return None

    async def answer(self, running: "Running") -> None:
        """The duty, without end: erase whoever is still known; at the start and hourly look at the keys."""
        swept = datetime.min.replace(tzinfo=UTC)

        async def look() -> None:
            nonlocal swept
            now = datetime.now(UTC)
            if now - swept > SWEEP:
                await self.sweep(running, now)
                swept = now
            await self.answer_all(running, now)

        await every(PAUSE, look, "forgetting")

    async def sweep(self, running: "Running", now: datetime) -> None:
        """Forget again whom a restored key store knows again; delete keys that were disabled long enough."""
        if running.vault is not None:
            rows = await running.reader.fetch("select distinct citizen from forgettings")
            await running.vault.replay(running.reader, now, [row["citizen"] for row in rows])
            await running.vault.sweep(now)

    async def answer_all(self, running: "Running", now: datetime) -> int:
        """Erase everybody who asked and was not answered yet; how many were answered."""
        sql = "select citizen, request from forgettings where answered_at is null order by asked_at limit 100"
        done = 0
        for row in await running.reader.fetch(sql):
            citizen, request = UUID(bytes=row["citizen"].bytes), UUID(bytes=row["request"].bytes)
            erased = await self._erase(running, citizen, now)
            answer = Answer(citizen, request, erased.erased, erased.kept, now)
            steps = [*erased.steps, Step(f"subject-{citizen}", answer)]
            try:
                await running.handle.all(steps, About(role="system"), also=erased.also)
                done += 1
            except Rejected as refusal:
                log.error("nobody could be forgotten", request=str(request), refusal=refusal.code)
        return done
