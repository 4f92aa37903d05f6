"""The rules of a mall: what each command changes, whole documents, and what must always hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from catalog_service import counter, hours, line, standard
from catalog_service.command import Command, Unknown
from catalog_service.counter import CounterDefined, DefineCounter
from catalog_service.document import BadDocument, Document, Fault, ImportMall, Rehearsed
from catalog_service.hours import SetHolidays
from catalog_service.line import CloseLine, DefineLine, LineClosed, LineDefined, LineOpened, OpenLine
from catalog_service.mall import AnotherMall, DefineMall, Mall, MallDefined, NoSuchMall, evolve
from catalog_service.standard import (
    NotOffered,
    PublishService,
    ServicePublished,
    ServiceWithdrawn,
    WithdrawService,
)
from catalog_service.tenant import OpenTenant, TenantOpened
from mpp.eventsourcing.decider import Decider, Event, Rejected, fold


@dataclass(frozen=True, slots=True)
class IfVersion:
    """A command that was given for one version of the mall and for no other."""

    version: int
    command: Command | ImportMall


class VersionMismatch(Rejected):
    """The mall has changed since the version that the command was given for."""

    status = 412


def decide(command: Command | ImportMall | IfVersion, mall: Mall) -> list[Event]:
    """What the command changes, [] when nothing; raises the broken rule."""
    match command:
        case IfVersion(version=version) if version != mall.version:
            raise VersionMismatch(f"the mall is at version {mall.version}", version=mall.version)
        case IfVersion(command=inner):
            return decide(inner, mall)
        case ImportMall():
            events = _import(command, mall)
            if command.rehearsal:
                raise Rehearsed(events)
            return events
        case DefineMall():
            pass
        case _ if mall.defined is None:
            raise NoSuchMall
    for fault in faults(command, mall):
        raise fault
    return _changes(command, mall)


def faults(command: Command, mall: Mall) -> Iterator[Rejected]:
    """Every rule that the command breaks by what it names."""
    match command:
        case DefineMall(code=code) if mall.defined and code != mall.code:
            yield AnotherMall(f"this mall is {mall.code}", field="code")
        case DefineMall(holidays=holidays):
            for year in holidays:
                yield from hours.faults(year)
        case SetHolidays():
            yield from hours.faults(command)
        case PublishService():
            yield from standard.faults(command, mall.tenants)
        case DefineLine():
            yield from line.faults(command, mall.lines, mall.services)
        case DefineCounter():
            yield from counter.faults(command, mall.code, mall.tenants, mall.lines)


def _changes(command: Command, mall: Mall) -> list[Event]:
    match command:
        case DefineMall(type=maturity, holidays=holidays):
            told = command.model_dump(exclude={"type", "holidays"})
            defined = MallDefined(**told, maturity=maturity)
            return [*_unless_known(defined, mall.defined), *_new_years(holidays, mall)]
        case OpenTenant(agency=agency):
            return _unless_known(TenantOpened(**command.model_dump()), mall.tenants.get(agency))
        case PublishService():
            return standard.publish(command, mall.services, mall.versions)
        case WithdrawService(code=code):
            return _withdraw(code, mall)
        case DefineLine() | CloseLine() | OpenLine():
            return line.decide(command, mall.lines)
        case DefineCounter(counter=id):
            return _unless_known(counter.defined(command), mall.counters.get(id))
    return hours.decide(command, mall.calendar)


def _unless_known(event: Event, known: Event | None) -> list[Event]:
    return [] if event == known else [event]


def _new_years(holidays: tuple[SetHolidays, ...], mall: Mall) -> list[Event]:
    unknown = [year for year in holidays if year.year not in mall.calendar.holidays]
    return [event for year in unknown for event in hours.decide(year, mall.calendar)]


def _withdraw(code: str, mall: Mall) -> list[Event]:
    """A line that served it is defined anew without it."""
    if code not in mall.services:
        raise NotOffered(f"{code} is not offered here", field="code")
    serving = [known.defined for known in mall.lines.values() if code in known.defined.services]
    lighter = [
        found.model_copy(update={"services": tuple(c for c in found.services if c != code)})
        for found in serving
    ]
    return [*lighter, ServiceWithdrawn(code=code)]


def _import(command: ImportMall, mall: Mall) -> list[Event]:
    if command.only_new and mall.defined:
        return _new_years(command.holidays, mall)
    events, after = _take_over(command.document, mall)
    return [*events, *_new_years(command.holidays, after)]


def _take_over(document: Document, mall: Mall) -> tuple[list[Event], Mall]:
    """The document's events and the mall after them; raises BadDocument with every fault.

    The document's lines are judged together: a service may move from one of them to another.
    """
    if mall.defined is None and not any(entry.part == "mall" for entry in document.entries):
        raise BadDocument(list(document.faults)) if document.faults else NoSuchMall()
    redefined = {entry.key for entry in document.entries if entry.part == "lines"}
    judged = replace(mall, lines={k: known for k, known in mall.lines.items() if k not in redefined})
    found = [*document.faults, *_repeats(document)]
    unreadable = {fault.part for fault in document.faults}
    events: list[Event] = []
    for entry in document.entries:
        for broken in faults(entry.command, judged):
            if not (isinstance(broken, Unknown) and broken.part in unreadable):
                found.append(Fault(entry.part, entry.row, broken.facts.get("field", ""), broken.detail))
        news = _changes(entry.command, mall)
        events += news
        for event in news:
            mall = evolve(mall, event)
        for event in _changes(entry.command, judged):
            judged = evolve(judged, event)
    if found:
        raise BadDocument(found)
    return events, mall


def _repeats(document: Document) -> Iterator[Fault]:
    first: dict[tuple[str, str], int] = {}
    for entry in document.entries:
        row = first.setdefault((entry.part, entry.key), entry.row)
        if row != entry.row:
            yield Fault(entry.part, entry.row, "", f"{entry.key or entry.part} is in row {row} already")


decider = Decider(
    kind="mall",
    initial=Mall(),
    decide=decide,
    evolve=evolve,
    events=(
        MallDefined,
        hours.HoursSet,
        hours.HolidaysSet,
        hours.DayOverridden,
        hours.DayRestored,
        TenantOpened,
        ServicePublished,
        ServiceWithdrawn,
        LineDefined,
        LineClosed,
        LineOpened,
        CounterDefined,
    ),
)


def stream(code: str) -> str:
    """The mall's stream: mall-7406."""
    return f"{decider.kind}-{code}"


def check(name: str, events: Sequence[Event]) -> list[str]:
    """What is wrong with a mall's events, each in a sentence."""
    mall = fold(decider, list(events))
    wrong = [] if stream(mall.code) == name else [f"describes mall {mall.code or 'none'}"]
    owner: dict[str, str] = {}
    for letter, known in mall.lines.items():
        for code in known.defined.services:
            if first := owner.get(code):
                wrong.append(f"service {code} is in lines {first} and {letter}")
            if code not in mall.services:
                wrong.append(f"line {letter} serves {code}, which is not offered")
            owner.setdefault(code, letter)
    wrong += [
        f"service {code} belongs to {service.agency}, which is not here"
        for code, service in mall.services.items()
        if service.agency not in mall.tenants
    ]
    for desk in mall.counters.values():
        if desk.counter.rpartition("-")[0] != mall.code:
            wrong.append(f"counter {desk.counter} is not of mall {mall.code}")
        wrong += [
            f"counter {desk.counter} serves line {letter}, which is not here"
            for letter in desk.lines
            if letter not in mall.lines
        ]
    return wrong + _versions(events)


def _versions(events: Sequence[Event]) -> list[str]:
    """A service's standards count 1, 2, 3 …; its title may change within one."""
    last: dict[str, int] = {}
    wrong = []
    for event in events:
        if isinstance(event, ServicePublished):
            known = last.get(event.code, 0)
            if event.version not in (known or 1, known + 1):
                wrong.append(f"service {event.code} went from standard {known} to {event.version}")
            last[event.code] = event.version
    return wrong
