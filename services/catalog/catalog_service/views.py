"""The read tables of the catalog, and how events change them."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

import asyncpg
from sqlalchemy import ARRAY, Column, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from catalog_service import counter, hours, line, mall, standard, tenant
from mpp.eventsourcing.decider import Event
from mpp.eventsourcing.log import Recorded
from mpp.eventsourcing.views import Changes


def _json() -> Any:
    return Column(JSONB, nullable=False)


def _texts() -> Any:
    return Column(ARRAY(Text), nullable=False)


class View(SQLModel, registry=registry()):
    """A table of this service."""


class MallRow(View, table=True):
    __tablename__ = "malls"
    code: str = Field(primary_key=True)
    version: int
    slug: str = Field(index=True)
    description: dict[str, Any] = Field(sa_column=_json())


class WeekRow(View, table=True):
    __tablename__ = "weeks"
    mall: str = Field(primary_key=True)
    week: list[Any] = Field(sa_column=_json())


class HolidayRow(View, table=True):
    __tablename__ = "holidays"
    mall: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    days: dict[str, str] = Field(sa_column=_json())


class DayRow(View, table=True):
    __tablename__ = "days"
    mall: str = Field(primary_key=True)
    date: dt.date = Field(primary_key=True)
    hours: dict[str, Any] | None = Field(sa_column=Column(JSONB))
    reason: str


class TenantRow(View, table=True):
    __tablename__ = "tenants"
    mall: str = Field(primary_key=True)
    agency: str = Field(primary_key=True)
    title: str
    generated: bool


class ServiceRow(View, table=True):
    __tablename__ = "services"
    __table_args__ = (
        Index("services_words", text("to_tsvector('indonesian', words)"), postgresql_using="gin"),
        Index(
            "services_trigrams",
            "words",
            postgresql_using="gin",
            postgresql_ops={"words": "public.gin_trgm_ops"},
        ),
    )
    mall: str = Field(primary_key=True)
    code: str = Field(primary_key=True)
    agency: str
    title: str
    standard: int
    minutes: float
    generated: bool
    words: str  # what a search looks through


class StandardRow(View, table=True):
    __tablename__ = "standards"
    mall: str = Field(primary_key=True)
    code: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    agency: str
    title: str
    content: dict[str, Any] = Field(sa_column=_json())
    as_of: dt.datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))


class LineRow(View, table=True):
    __tablename__ = "lines"
    mall: str = Field(primary_key=True)
    line: str = Field(primary_key=True)
    title: str
    services: list[str] = Field(sa_column=_texts())
    capacity: int | None
    quotas: dict[str, int] = Field(sa_column=_json())


class ClosedLineRow(View, table=True):
    __tablename__ = "closed_lines"
    mall: str = Field(primary_key=True)
    line: str = Field(primary_key=True)
    reason: str


class CounterRow(View, table=True):
    __tablename__ = "counters"
    id: str = Field(primary_key=True)
    mall: str = Field(index=True)
    title: str
    agency: str
    lines: list[str] = Field(sa_column=_texts())


TABLES: tuple[type[View], ...] = (
    MallRow,
    WeekRow,
    HolidayRow,
    DayRow,
    TenantRow,
    ServiceRow,
    StandardRow,
    LineRow,
    ClosedLineRow,
    CounterRow,
)
Tables = dict[type[View], Changes]


async def project(tx: asyncpg.Connection, recorded: Sequence[Recorded]) -> None:
    """Bring the read tables up to these events."""
    changes = {table: Changes(table) for table in TABLES}
    for each in recorded:
        code = each.stream.removeprefix("mall-")
        match each.event:
            case mall.MallDefined(slug=slug) as defined:
                described = defined.model_dump(mode="json", exclude={"code", "slug"})
                changes[MallRow].put(code, version=each.version, slug=slug, description=described)
            case hours.HoursSet() | hours.HolidaysSet() | hours.DayOverridden() | hours.DayRestored():
                _calendar(changes, code, each.event)
            case standard.ServicePublished() | standard.ServiceWithdrawn():
                _services(changes, code, each)
            case event:
                _places(changes, code, event)
        changes[MallRow].change(code, version=each.version)
    for table in TABLES:
        await changes[table].write(tx)


def _calendar(changes: Tables, code: str, event: Event) -> None:
    match event:
        case hours.HoursSet():
            changes[WeekRow].put(code, **event.model_dump(mode="json"))
        case hours.HolidaysSet(year=year):
            changes[HolidayRow].put(code, year, days=event.model_dump(mode="json")["days"])
        case hours.DayOverridden(date=day):
            told = event.model_dump(mode="json", include={"hours", "reason"})
            changes[DayRow].put(code, day, **told)
        case hours.DayRestored(date=day):
            changes[DayRow].drop(code, day)


def _services(changes: Tables, code: str, recorded: Recorded) -> None:
    match recorded.event:
        case standard.ServicePublished() as told:
            content = told.standard
            named = {"agency": told.agency, "title": told.title}
            changes[ServiceRow].put(
                code,
                told.code,
                **named,
                standard=told.version,
                minutes=content.minutes,
                generated=content.generated,
                words=_words(told.title, content.product, told.code, told.agency),
            )
            changes[StandardRow].put(
                code,
                told.code,
                told.version,
                **named,
                content=content.model_dump(mode="json"),
                as_of=recorded.recorded_at,
            )
        case standard.ServiceWithdrawn(code=service):
            changes[ServiceRow].drop(code, service)


def _words(*texts: str) -> str:
    return " ".join(re.sub(r"[.-]", " ", text) for text in texts if text)


def _places(changes: Tables, code: str, event: Event) -> None:
    match event:
        case tenant.TenantOpened(agency=agency):
            changes[TenantRow].put(code, agency, **event.model_dump(exclude={"agency"}))
        case line.LineDefined(line=letter):
            changes[LineRow].put(code, letter, **event.model_dump(exclude={"line"}))
        case line.LineClosed(line=letter, reason=reason):
            changes[ClosedLineRow].put(code, letter, reason=reason)
        case line.LineOpened(line=letter):
            changes[ClosedLineRow].drop(code, letter)
        case counter.CounterDefined(counter=id):
            changes[CounterRow].put(id, mall=code, **event.model_dump(exclude={"counter"}))
