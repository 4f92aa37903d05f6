"""How a citizen is forgotten: one request, an answer of each service, and who is late with it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from mpp.eventsourcing.decider import Event
from profile_service.citizen import OfCitizen
from profile_service.command import Of

ANSWERING = frozenset({"profile", "tracking", "notify", "feedback"})  # each that may hold data of people
TERM = timedelta(hours=72)  # UU PDP 27/2022: rights are granted within 3 × 24 hours


class Retained(BaseModel):
    """What the law keeps: for which purpose, until when, by which rule."""

    model_config = ConfigDict(frozen=True)
    purpose: str
    until: datetime
    law: str


@dataclass(frozen=True, slots=True)
class AskForgetting(Of):
    """Everybody must forget this citizen; asked again, the first request stands."""

    request: UUID
    asked: frozenset[str] = ANSWERING  # the services of this installation


@dataclass(frozen=True, slots=True)
class HearAnswer(Of):
    """A service has forgotten."""

    request: UUID
    service: str
    erased: tuple[str, ...]
    kept: tuple[Retained, ...]


@dataclass(frozen=True, slots=True)
class CheckTerm(Of):
    """Is somebody late?"""


class ForgettingAsked(OfCitizen, type="forgetting-requested"):
    request: UUID
    asked: tuple[str, ...] = tuple(sorted(ANSWERING))


class ServiceAnswered(OfCitizen, type="service-answered"):
    request: UUID
    service: str
    erased: tuple[str, ...]
    kept: tuple[Retained, ...]


class ForgettingLate(OfCitizen, type="forgetting-late"):
    request: UUID
    missing: tuple[str, ...]


class ForgettingClosed(OfCitizen, type="forgetting-closed"):
    request: UUID


@dataclass(frozen=True, slots=True)
class Leaving:
    """A request under way."""

    request: UUID
    asked_at: datetime
    asked: frozenset[str] = ANSWERING
    answered: frozenset[str] = frozenset()
    late: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(sorted(self.asked - self.answered))


def ask(command: AskForgetting) -> list[Event]:
    asked = tuple(sorted(command.asked))
    of = {"citizen": command.citizen, "request": command.request, "at": command.at}
    return [ForgettingAsked(**of, asked=asked)]


def hear(command: HearAnswer, leaving: Leaving | None) -> list[Event]:
    """The first answer of each expected service counts; the last one closes the request."""
    if leaving is None or leaving.request != command.request or command.service not in leaving.missing:
        return []
    of = {"citizen": command.citizen, "request": command.request, "at": command.at}
    answer = ServiceAnswered(**of, service=command.service, erased=command.erased, kept=command.kept)
    closes = leaving.missing == (command.service,)
    return [answer, ForgettingClosed(**of)] if closes else [answer]


def check_term(command: CheckTerm, leaving: Leaving | None) -> list[Event]:
    """Said once, when the term has passed and somebody is missing."""
    if leaving is None or leaving.late or not leaving.missing or command.at < leaving.asked_at + TERM:
        return []
    of = {"citizen": command.citizen, "request": leaving.request, "at": command.at}
    return [ForgettingLate(**of, missing=leaving.missing)]
