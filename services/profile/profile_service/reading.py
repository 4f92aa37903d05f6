"""Who else has read which kinds of somebody's data, and for which purpose: a trace of its own stream."""

from dataclasses import dataclass
from uuid import UUID

from mpp.eventsourcing.decider import Decider, Event
from profile_service.citizen import OfCitizen
from profile_service.command import Of


@dataclass(frozen=True, slots=True)
class NoteReading(Of):
    """Somebody else has looked."""

    by: UUID | None
    role: str
    kinds: tuple[str, ...]
    purpose: str


class FactsRead(OfCitizen, type="facts-read"):
    by: UUID | None = None
    role: str
    kinds: tuple[str, ...]
    purpose: str


def decide(command: NoteReading, _: None) -> list[Event]:
    facts = {"by": command.by, "role": command.role, "kinds": command.kinds, "purpose": command.purpose}
    return [FactsRead(citizen=command.citizen, at=command.at, **facts)]


def evolve(_: None, __: Event) -> None:
    return None


decider: Decider[None] = Decider("reading", None, decide, evolve, (FactsRead,))


def stream(citizen: UUID) -> str:
    return f"reading-{citizen}"
