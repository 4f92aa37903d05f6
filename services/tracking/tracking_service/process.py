"""A process: how an agency decides one kind of application, as data that is checked before anybody files."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mpp.eventsourcing.decider import Decider, Event, Invalid
from tracking_service.clock import Unit

APPROVED, REJECTED = "approved", "rejected"
ENDS = (APPROVED, REJECTED)
Code = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
Service = Annotated[str, Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$", max_length=60)]
Media = Literal["application/pdf", "image/jpeg", "image/png"]
Office = Literal["officer", "supervisor"]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(Part):
    """The same in Indonesian and English."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    en: Annotated[str, Field(min_length=1, max_length=200)]


class Limit(Part):
    """How long something may take, in the mall's working time."""

    amount: Annotated[int, Field(ge=1, le=1000)]
    unit: Unit


class Demand(Part):
    """A document that is asked for: which types of file, and how large (bytes)."""

    code: Code
    title: Words
    required: bool = True
    media: tuple[Media, ...] = ("application/pdf", "image/jpeg", "image/png")
    limit: Annotated[int, Field(ge=1, le=20_000_000)] = 2_000_000


class Step(Part):
    """One step at the agency: who takes it, how long it may last, and what may follow."""

    code: Code
    title: Words
    office: Office = "officer"
    limit: Limit | None = None
    leads_to: Annotated[tuple[str, ...], Field(max_length=20)]


class Keeping(Part):
    """How long the law keeps a filed application, also when its applicant wants to be forgotten."""

    days: Annotated[int, Field(ge=0, le=36_500)]
    law: Code


class Process(Part):
    """`form`: JSON Schema of the answers; `x-prefill` names the fact of the profile that fills a field."""

    code: Code
    services: Annotated[tuple[Service, ...], Field(min_length=1, max_length=50)]
    title: Words
    limit: Limit
    deemed_granted: bool = Field(False, description="silence past the limit grants it (UU 30/2014 art. 53)")
    form: dict[str, Any]
    documents: Annotated[tuple[Demand, ...], Field(max_length=30)] = ()
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=50)]
    product: Words | None = None
    keeping: Keeping | None = None

    def step(self, code: str) -> Step | None:
        return next((step for step in self.steps if step.code == code), None)

    def demand(self, code: str) -> Demand | None:
        return next((each for each in self.documents if each.code == code), None)

    @property
    def first(self) -> Step:
        return self.steps[0]


class ProcessFlawed(Invalid):
    """This process can't work."""


class ProcessDefined(Event, type="process-defined"):
    version: int
    process: Process
    at: datetime


@dataclass(frozen=True, slots=True)
class DefineProcess:
    """From now on applications are decided so; those under way keep the version they were filed under."""

    process: Process
    at: datetime


@dataclass(frozen=True, slots=True)
class Defined:
    """What is in force; version 0: nothing."""

    version: int = 0
    process: Process | None = None


def flaws(process: Process) -> Iterator[str]:
    """What keeps it from working, a sentence each."""
    codes = [step.code for step in process.steps]
    for kind, named in (("step", codes), ("document", [each.code for each in process.documents])):
        yield from (f"{kind} {code} is there twice" for code in {*named} if named.count(code) > 1)
    yield from (f"step {code} is named like an end" for code in codes if code in ENDS)
    known = {*codes, *ENDS}
    for step in process.steps:
        yield from (
            f"step {step.code} leads to {to}, which is none" for to in step.leads_to if to not in known
        )
    reached = _closure({process.first.code}, {step.code: {*step.leads_to} for step in process.steps})
    yield from (f"step {code} is never reached" for code in codes if code not in reached)
    back: dict[str, set[str]] = {}
    for step in process.steps:
        for to in step.leads_to:
            back.setdefault(to, set()).add(step.code)
    ending = _closure({*ENDS}, back)
    yield from (f"step {code} never comes to an end" for code in codes if code not in ending)
    if APPROVED not in reached:
        yield "it never grants anything"


def _closure(begin: set[str], leads: dict[str, set[str]]) -> set[str]:
    """Everything that is reached from there."""
    found, fresh = set(begin), set(begin)
    while fresh:
        fresh = {to for each in fresh for to in leads.get(each, ())} - found
        found |= fresh
    return found


def decide(command: DefineProcess, state: Defined) -> list[Event]:
    """Raises ProcessFlawed."""
    if command.process == state.process:
        return []
    if found := [*flaws(command.process)]:
        raise ProcessFlawed(found[0], flaws=found)
    return [ProcessDefined(version=state.version + 1, process=command.process, at=command.at)]


def evolve(state: Defined, event: Event) -> Defined:
    return Defined(event.version, event.process) if isinstance(event, ProcessDefined) else state


decider: Decider[Defined] = Decider("process", Defined(), decide, evolve, (ProcessDefined,))
