"""Commands of a hall: what may be asked of one mall on one day."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from queue_service.plan import Plan

Channel = Literal["kiosk", "web", "mobile", "telegram", "counter"]


@dataclass(frozen=True, slots=True)
class At:
    """Every command says when it is given."""

    at: datetime


@dataclass(frozen=True, slots=True)
class OpenHall(At):
    plan: Plan


@dataclass(frozen=True, slots=True)
class ChangePlan(At):
    plan: Plan


@dataclass(frozen=True, slots=True)
class IssueTicket(At):
    ticket: UUID
    service: str
    channel: Channel
    priority: str | None = None
    citizen: UUID | None = None  # who takes it, when signed in


@dataclass(frozen=True, slots=True)
class QuickServe(At):
    """Serve somebody who stands at the counter, without a wait."""

    ticket: UUID
    service: str
    counter: str


@dataclass(frozen=True, slots=True)
class CallNext(At):
    counter: str


@dataclass(frozen=True, slots=True)
class OfTicket(At):
    ticket: UUID


class Recall(OfTicket):
    pass


class Start(OfTicket):
    pass


class Complete(OfTicket):
    pass


class Hold(OfTicket):
    pass


class Miss(OfTicket):
    pass


class Rejoin(OfTicket):
    pass


class Cancel(OfTicket):
    pass


@dataclass(frozen=True, slots=True)
class Resume(OfTicket):
    counter: str | None = None


@dataclass(frozen=True, slots=True)
class Transfer(OfTicket):
    line: str | None = None
    counter: str | None = None


class CloseHall(At):
    """End the day; who still waits is let go."""
