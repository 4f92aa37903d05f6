"""What the catalog answers: the shapes of its resources."""

import datetime as dt
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, BeforeValidator, Field

from catalog_service.hours import Hours as Span
from catalog_service.hours import State, Week, Why
from catalog_service.standard import Standard


def parsed(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) else value


Stored = BeforeValidator(parsed)  # jsonb comes from the driver as text


class DayAnswer(BaseModel):
    """One day of a mall: its hours, null when closed, and what says so."""

    date: dt.date
    hours: Span | None
    why: Why = Field(description="what decides the hours: week, holiday or override")
    reason: str = Field("", description="the override's reason code")
    holiday: str = Field("", description="the holiday's name, also when the mall is open on it")


class Today(DayAnswer):
    """Today, and how the mall stands at this moment."""

    state: State


class MallAnswer(BaseModel):
    """A mall in a list."""

    code: str
    slug: str
    title: str
    region: str
    timezone: str
    address: str
    type: str = Field(description="the ministry's maturity class")


class MallPage(MallAnswer):
    """A mall with its hours and today's state."""

    version: int
    opened: dt.date | None
    sources: str
    assumed: list[str] = Field(description="what no source states")
    hours: Week = Field(description="seven days from Monday, null where closed")
    today: Today


class AgencyAnswer(BaseModel):
    agency: str
    title: str
    services: int = Field(description="how many it offers here")
    generated: bool


class LineAnswer(BaseModel):
    line: str
    title: str
    services: list[str]
    counters: list[str]
    capacity: int | None = Field(description="tickets a day; null: no limit")
    quotas: Annotated[dict[str, int], Stored]
    closed: str | None = Field(description="the reason code, while closed by hand")


class CounterAnswer(BaseModel):
    id: str
    title: str
    agency: str
    lines: list[str]


class ServiceAnswer(BaseModel):
    """A service in a list."""

    mall: str
    code: str
    title: str
    agency: str
    agency_title: str
    line: str | None = Field(description="the line that serves it; null: none yet")
    minutes: float = Field(description="typical minutes at the counter")
    standard: int = Field(description="version of its standard")
    generated: bool


class ServicePage(BaseModel):
    """A service under one version of its standard."""

    mall: str
    code: str
    title: str
    agency: str
    version: int
    versions: list[int]
    as_of: dt.datetime
    offered: bool
    standard: Annotated[Standard, Stored]


class Place(BaseModel):
    """Which mall is meant."""

    code: str
    slug: str
    version: int
    description: Annotated[dict[str, Any], Stored]

    def answer(self) -> dict[str, Any]:
        told = {**self.description, "type": self.description["maturity"]}
        return {"code": self.code, "slug": self.slug, "version": self.version, **told}


class Written(BaseModel):
    """What a change led to."""

    mall: str
    version: int = Field(description="the mall's version now, also in the ETag")
    changes: int = Field(description="events written; 0: all was so already")


class Imported(BaseModel):
    """What an import led to, or would lead to."""

    mall: str
    dry_run: bool
    rows: dict[str, int] = Field(description="rows read, by part")
    changes: dict[str, int] = Field(description="events written, by type; none: all was so already")
