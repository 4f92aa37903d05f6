"""A line: the people who wait for one group of services, under one letter."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from catalog_service.command import (
    Command,
    Letter,
    Reason,
    ServiceCode,
    Title,
    UnknownService,
    names,
)
from mpp.eventsourcing.decider import Event, Invalid, NotFound, Rejected

Channel = Literal["kiosk", "web", "mobile", "telegram", "counter"]
Places = Annotated[int, Field(ge=0, le=100_000)]


class LineTerms(Command):
    """A line's title, services, and tickets a day in all and by channel."""

    title: Title
    services: tuple[ServiceCode, ...] = ()
    capacity: Places | None = Field(None, description="tickets a day; null: no limit")
    quotas: dict[Channel, Places] = Field(default_factory=dict, description="most tickets a day by channel")


class DefineLine(LineTerms):
    """Make a line or change it."""

    line: Letter


class CloseLine(Command):
    """Take no more tickets, until it is opened again."""

    line: Letter
    reason: Reason


class OpenLine(Command):
    """Take tickets again."""

    line: Letter


class LineDefined(Event, type="line-defined"):
    line: str
    title: str
    services: tuple[str, ...] = ()
    capacity: int | None = None
    quotas: dict[str, int] = Field(default_factory=dict)


class LineClosed(Event, type="line-closed"):
    line: str
    reason: str


class LineOpened(Event, type="line-opened"):
    line: str


class NoSuchLine(NotFound):
    """The mall has no line of this letter."""


class ServiceInAnotherLine(Rejected):
    """A service waits in one line only."""


class ServiceTwice(Invalid):
    """A line names each service once."""


class QuotasExceedCapacity(Invalid):
    """The channels may not be promised more tickets than the line has."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line as last defined; `closed` holds the reason while it is closed by hand."""

    defined: LineDefined
    closed: str = ""


def faults(command: DefineLine, lines: Mapping[str, Line], services: Container[str]) -> Iterator[Rejected]:
    if command.capacity is not None and (promised := sum(command.quotas.values())) > command.capacity:
        yield QuotasExceedCapacity(f"quotas of {promised} exceed {command.capacity} a day", field="quotas")
    if twice := {code for code in command.services if command.services.count(code) > 1}:
        yield ServiceTwice(f"named twice: {names(twice)}", field="services")
    if unknown := [code for code in command.services if code not in services]:
        yield UnknownService(f"not offered here: {names(unknown)}", field="services")
    for letter, other in lines.items():
        if letter != command.line and (shared := set(other.defined.services) & set(command.services)):
            yield ServiceInAnotherLine(f"already in line {letter}: {names(shared)}", field="services")


def decide(command: DefineLine | CloseLine | OpenLine, lines: Mapping[str, Line]) -> list[Event]:
    """What changes; raises NoSuchLine."""
    known = lines.get(command.line)
    match command:
        case DefineLine():
            event = LineDefined.model_validate(command.model_dump())
            return [] if known and known.defined == event else [event]
        case _ if known is None:
            raise NoSuchLine(f"there is no line {command.line}", field="line")
        case CloseLine(reason=reason):
            return [] if known.closed == reason else [LineClosed(line=command.line, reason=reason)]
        case OpenLine():
            return [LineOpened(line=command.line)] if known.closed else []
