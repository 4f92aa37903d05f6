"""A counter: a desk with officers of one agency that serves one or more lines."""

from collections.abc import Container, Iterator
from typing import Annotated

from pydantic import StringConstraints

from catalog_service.command import Command, Letter, Slug, Title, UnknownAgency, UnknownLine, names
from mpp.eventsourcing.decider import Event, Invalid, Rejected

CounterId = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}(-[1-9][0-9]?)?-[0-9]{2,3}$")]


class CounterTerms(Command):
    """A desk's title, whose officers sit there, and the lines it serves; without lines it serves nobody."""

    title: Title
    agency: Slug | None = None
    lines: tuple[Letter, ...] = ()


class DefineCounter(CounterTerms):
    """Make a desk or change it."""

    counter: CounterId


class CounterDefined(Event, type="counter-defined"):
    counter: str
    title: str
    agency: str = ""
    lines: tuple[str, ...] = ()


class CounterOfAnotherMall(Invalid):
    """A counter's id begins with the code of its mall."""


def faults(
    command: DefineCounter, mall: str, tenants: Container[str], lines: Container[str]
) -> Iterator[Rejected]:
    if command.counter.rpartition("-")[0] != mall:
        yield CounterOfAnotherMall(f"{command.counter} does not begin with {mall}-", field="counter")
    if command.agency and command.agency not in tenants:
        yield UnknownAgency(f"{command.agency} is not in this mall", field="agency")
    if unknown := [letter for letter in command.lines if letter not in lines]:
        yield UnknownLine(f"no such line: {names(unknown)}", field="lines")


def defined(command: DefineCounter) -> CounterDefined:
    return CounterDefined(
        counter=command.counter,
        title=command.title,
        agency=command.agency or "",
        lines=tuple(dict.fromkeys(command.lines)),
    )
