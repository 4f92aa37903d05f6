"""A mall: one building, its calendar, tenants, services, lines and counters, decided together."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from catalog_service import hours
from catalog_service.command import Command, MallCode, Slug, Text, Title
from catalog_service.counter import CounterDefined
from catalog_service.hours import Calendar, SetHolidays
from catalog_service.line import Line, LineClosed, LineDefined, LineOpened
from catalog_service.standard import (
    ServicePublished,
    ServiceWithdrawn,
)
from catalog_service.tenant import TenantOpened
from mpp.eventsourcing.decider import Event, Invalid, NotFound


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise ValueError("not an IANA time zone, such as Asia/Makassar") from None


class MallTerms(Command):
    """How a mall is described."""

    slug: Slug
    title: Title
    region: Title
    timezone: Annotated[str, AfterValidator(_zone)]
    address: Text = ""
    type: Text = Field("", description="the ministry's maturity class: 2.0, 2.1 or 2.2")
    opened: dt.date | None = None
    sources: Text = Field("", description="where these facts were read")
    assumed: tuple[Text, ...] = Field((), description="what no source states")


class DefineMall(MallTerms):
    """Make a mall or change its description; `holidays` serve the years it does not know yet."""

    code: MallCode
    holidays: tuple[SetHolidays, ...] = ()


class MallDefined(Event, type="mall-defined"):
    code: str
    slug: str
    title: str
    region: str
    timezone: str
    address: str = ""
    maturity: str = ""  # `type` is taken by the event's own name
    opened: dt.date | None = None
    sources: str = ""
    assumed: tuple[str, ...] = ()


class NoSuchMall(NotFound):
    """There is no mall of this code."""


class AnotherMall(Invalid):
    """A mall keeps its code for ever."""


@dataclass(frozen=True, slots=True)
class Mall:
    """What the rules ask of a mall."""

    version: int = 0  # events so far
    defined: MallDefined | None = None
    calendar: Calendar = field(default_factory=Calendar)
    tenants: Mapping[str, TenantOpened] = field(default_factory=dict)
    services: Mapping[str, ServicePublished] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)  # of standards, also of withdrawn services
    lines: Mapping[str, Line] = field(default_factory=dict)
    counters: Mapping[str, CounterDefined] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return self.defined.code if self.defined else ""


def evolve(mall: Mall, event: Event) -> Mall:
    return replace(_evolve(mall, event), version=mall.version + 1)


def _evolve(mall: Mall, event: Event) -> Mall:
    match event:
        case MallDefined():
            return replace(mall, defined=event)
        case TenantOpened(agency=agency):
            return replace(mall, tenants={**mall.tenants, agency: event})
        case ServicePublished(code=code, version=version):
            return replace(
                mall, services={**mall.services, code: event}, versions={**mall.versions, code: version}
            )
        case ServiceWithdrawn(code=code):
            return replace(mall, services={c: known for c, known in mall.services.items() if c != code})
        case LineDefined(line=letter):
            closed = mall.lines[letter].closed if letter in mall.lines else ""
            return replace(mall, lines={**mall.lines, letter: Line(event, closed)})
        case LineClosed(line=letter, reason=reason):
            return replace(mall, lines={**mall.lines, letter: replace(mall.lines[letter], closed=reason)})
        case LineOpened(line=letter):
            return replace(mall, lines={**mall.lines, letter: replace(mall.lines[letter], closed="")})
        case CounterDefined(counter=id):
            return replace(mall, counters={**mall.counters, id: event})
    return replace(mall, calendar=hours.evolve(mall.calendar, event))
