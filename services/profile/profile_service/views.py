"""The read tables of profile, and how events change them; not one of them tells who somebody is."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import ARRAY, Column, Index, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from mpp.eventsourcing.log import Recorded
from mpp.eventsourcing.views import Changes
from profile_service import citizen, leaving, reading


def _time(*, nullable: bool = False) -> Any:
    return Column(TIMESTAMP(timezone=True), nullable=nullable)


def _texts() -> Any:
    return Column(ARRAY(Text), nullable=False)


class View(SQLModel, registry=registry()):
    """A table of this service."""


class CitizenRow(View, table=True):
    __tablename__ = "citizens"
    citizen: UUID = Field(primary_key=True)
    version: int
    registered_at: dt.datetime | None = Field(sa_column=_time(nullable=True))
    mall: str | None  # where an officer registered them
    consents: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))


class HistoryRow(View, table=True):
    __tablename__ = "history"
    citizen: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    at: dt.datetime = Field(sa_column=_time())
    what: str
    actor: UUID | None  # who did it, and as what
    role: str
    facts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))


class ReadingRow(View, table=True):
    __tablename__ = "readings"
    citizen: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    at: dt.datetime = Field(sa_column=_time())
    reader: UUID | None
    role: str
    kinds: list[str] = Field(sa_column=_texts())
    purpose: str


class LeavingRow(View, table=True):
    __tablename__ = "leavings"
    __table_args__ = (Index("leavings_open", "closed_at", "late_at", "asked_at"),)
    citizen: UUID = Field(primary_key=True)
    request: UUID
    asked_at: dt.datetime = Field(sa_column=_time())
    asked: list[str] = Field(sa_column=_texts())
    late_at: dt.datetime | None = Field(sa_column=_time(nullable=True))
    closed_at: dt.datetime | None = Field(sa_column=_time(nullable=True))


class AnswerRow(View, table=True):
    __tablename__ = "answers"
    citizen: UUID = Field(primary_key=True)
    service: str = Field(primary_key=True)
    at: dt.datetime = Field(sa_column=_time())
    erased: list[str] = Field(sa_column=_texts())
    kept: list[Any] = Field(sa_column=Column(JSONB, nullable=False))


TABLES: tuple[type[View], ...] = (CitizenRow, HistoryRow, ReadingRow, LeavingRow, AnswerRow)


async def project(tx: asyncpg.Connection, recorded: Sequence[Recorded]) -> None:
    """Bring the read tables up to these events."""
    changes = {table: Changes(table) for table in TABLES}
    consents = await _consents(tx, recorded)
    for each in recorded:
        match each.event:
            case reading.FactsRead(citizen=who, by=by) as seen:
                told = seen.model_dump(include={"at", "role", "kinds", "purpose"})
                changes[ReadingRow].put(who, each.version, reader=by, **told)
            case citizen.OfCitizen(citizen=who) as event:
                _citizen(changes, each, event, consents.setdefault(who, {}))
                facts = event.model_dump(mode="json", exclude={"citizen", "at"})
                by = orjson.loads(each.about)
                told = {"actor": by.get("actor"), "role": by.get("role", ""), "facts": facts}
                changes[HistoryRow].put(who, each.version, at=event.at, what=event.type, **told)
    for table in TABLES:
        await changes[table].write(tx)


async def _consents(tx: asyncpg.Connection, recorded: Sequence[Recorded]) -> dict[UUID, dict[str, Any]]:
    """The consents as they were before these events, of those whose consents they change."""
    kinds = citizen.ConsentGiven | citizen.ConsentWithdrawn
    people = list({each.event.citizen for each in recorded if isinstance(each.event, kinds)})
    if not people:
        return {}
    sql = """select citizen, p.key, p.value #>> '{}' as text from citizens, jsonb_each(consents) as p
        where citizen = any($1::uuid[])"""
    held: dict[UUID, dict[str, Any]] = {}
    for row in await tx.fetch(sql, people):
        held.setdefault(row["citizen"], {})[row["key"]] = row["text"]
    return held


def _citizen(
    changes: dict[type[View], Changes], recorded: Recorded, event: citizen.OfCitizen, consents: dict[str, Any]
) -> None:
    who = event.citizen
    if recorded.version == 1:
        changes[CitizenRow].put(who, version=1, consents={})
    changes[CitizenRow].change(who, version=recorded.version)
    match event:
        case citizen.Registered(mall=mall, at=at):
            changes[CitizenRow].change(who, registered_at=at, mall=mall)
        case citizen.ConsentGiven(purpose=purpose, text=text):
            consents[purpose] = text
            changes[CitizenRow].change(who, consents=dict(consents))
        case citizen.ConsentWithdrawn(purpose=purpose):
            consents.pop(purpose, None)
            changes[CitizenRow].change(who, consents=dict(consents))
        case _:
            _leaving(changes, event)


def _leaving(changes: dict[type[View], Changes], event: citizen.OfCitizen) -> None:
    who = event.citizen
    match event:
        case leaving.ForgettingAsked(request=request, at=at, asked=asked):
            changes[LeavingRow].put(who, request=request, asked_at=at, asked=list(asked))
            changes[CitizenRow].change(who, consents={})
        case leaving.ForgettingLate(at=at):
            changes[LeavingRow].change(who, late_at=at)
        case leaving.ForgettingClosed(at=at):
            changes[LeavingRow].change(who, closed_at=at)
        case leaving.ServiceAnswered(service=service) as answer:
            told = answer.model_dump(mode="json", include={"at", "erased", "kept"})
            changes[AnswerRow].put(who, service, **told)
