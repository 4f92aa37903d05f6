"""What citizens do elsewhere, for their history: a ticket or a complaint of theirs, one stream each."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from mpp.eventsourcing.decider import Decider, Event

Kind = Literal["ticket", "complaint"]


class Begun(Event, type="begun"):
    """A citizen who was signed in took a ticket, or filed a complaint."""

    kind: Kind
    citizen: UUID
    mall: str
    number: str
    service: str | None
    at: datetime


class Moved(Event, type="moved"):
    status: str
    at: datetime


class OwnerForgotten(Event, type="owner-forgotten"):
    """Whose it was is known no more."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Remember:
    begun: Begun


@dataclass(frozen=True, slots=True)
class Move:
    """It came to this state; ignored where nobody is known to whom it belongs."""

    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ForgetOwner:
    at: datetime


@dataclass(frozen=True, slots=True)
class Past:
    known: bool = False
    gone: bool = False
    status: str = ""


def decide(command: Remember | Move | ForgetOwner, past: Past) -> list[Event]:
    if past.gone:
        return []
    match command:
        case Remember(begun):
            return [] if past.known else [begun]
        case Move(status, at):
            return [Moved(status=status, at=at)] if past.known and status != past.status else []
        case ForgetOwner(at):
            return [OwnerForgotten(at=at)] if past.known else []


def evolve(past: Past, event: Event) -> Past:
    match event:
        case Begun():
            return replace(past, known=True)
        case Moved(status=status):
            return replace(past, status=status)
        case OwnerForgotten():
            return replace(past, gone=True)
    return past


decider: Decider[Past] = Decider("past", Past(), decide, evolve, (Begun, Moved, OwnerForgotten))
