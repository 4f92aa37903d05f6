"""A citizen: registered once, facts of which only the kinds are told, and consent for each purpose."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mpp.eventsourcing.decider import Event
from profile_service.command import Kind, Of, Purpose


@dataclass(frozen=True, slots=True)
class Register(Of):
    """Somebody becomes known; `mall` is where an officer did it for them."""

    mall: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeFacts(Of):
    """Facts of this kind are new; which ways of contact there are, when it is about these."""

    kind: Kind
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Consent(Of):
    """Data may be used for this purpose, or no longer; `text` is the version of what was read."""

    purpose: Purpose
    given: bool
    text: str


class OfCitizen(Event):
    """An event in the life of a citizen's profile."""

    citizen: UUID
    at: datetime


class Registered(OfCitizen, type="citizen-registered"):
    mall: str | None = None


class FactsChanged(OfCitizen, type="facts-changed"):
    kind: str
    channels: tuple[str, ...] = ()


class ConsentGiven(OfCitizen, type="consent-given"):
    purpose: str
    text: str


class ConsentWithdrawn(OfCitizen, type="consent-withdrawn"):
    purpose: str
    text: str


def changed(command: ChangeFacts) -> list[Event]:
    return [
        FactsChanged(citizen=command.citizen, kind=command.kind, channels=command.channels, at=command.at)
    ]


def consent(command: Consent, consents: frozenset[tuple[str, str]]) -> list[Event]:
    """Nothing when it is as it was, under the same text."""
    told = {"citizen": command.citizen, "purpose": command.purpose, "text": command.text, "at": command.at}
    if command.given:
        known = (command.purpose, command.text) in consents
        return [] if known else [ConsentGiven(**told)]
    held = any(purpose == command.purpose for purpose, _ in consents)
    return [ConsentWithdrawn(**told)] if held else []
