"""Commands of a hall: what may be asked of one mall on one day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from queue_service.plan import Plan

Channel = Literal["kiosk", "web", "mobile", "telegram", "counter"]
Expected = Mapping[str, Mapping[datetime, int]]  # line → slot → how many are booked


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
    also: tuple[str, ...] = ()  # other services of the same visit


@dataclass(frozen=True, slots=True)
class CheckIn(At):
    """Who booked is here: the booking becomes a ticket. Its signature was checked before."""

    ticket: UUID
    booking: UUID
    service: str
    slot: datetime
    channel: str
    priority: str | None = None
    citizen: UUID | None = None


@dataclass(frozen=True, slots=True)
class ExpectBookings(At):
    """How many are booked, so that their places are kept while they may still come."""

    expected: Expected


@dataclass(frozen=True, slots=True)
class Announce(At):
    """Tell those who wait: `delayed` by minutes, `closing` at a time; one ticket, one line, or all."""

    message: UUID
    kind: Literal["delayed", "closing"]
    minutes: int | None = None
    closes_at: datetime | None = None
    line: str | None = None
    ticket: UUID | None = None


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
class OfCounter(At):
    counter: str


@dataclass(frozen=True, slots=True)
class SitDown(OfCounter):
    """An officer begins to work at a counter; `skills`: the services she knows, None: all of its lines."""

    officer: UUID | None
    skills: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class PauseCounter(OfCounter):
    """The counter calls nobody for now; `until` when that is known."""

    reason: str
    until: datetime | None = None


class ReopenCounter(OfCounter):
    pass


class LeaveCounter(OfCounter):
    pass


@dataclass(frozen=True, slots=True)
class OfTicket(At):
    ticket: UUID


class Recall(OfTicket):
    pass


class Start(OfTicket):
    pass


@dataclass(frozen=True, slots=True)
class Complete(OfTicket):
    """`onward`: the service of the visit that follows at once at the same counter."""

    onward: str | None = None


@dataclass(frozen=True, slots=True)
class AddService(OfTicket):
    """One more service of the visit; `limited`: only while its line takes tickets."""

    service: str
    limited: bool = False


@dataclass(frozen=True, slots=True)
class DropService(OfTicket):
    service: str


@dataclass(frozen=True, slots=True)
class WishNear(OfTicket):
    """Tell me when I am the n-th; None: don't."""

    nth: int | None


class Hold(OfTicket):
    pass


class Miss(OfTicket):
    pass


class Rejoin(OfTicket):
    pass


class Cancel(OfTicket):
    pass


@dataclass(frozen=True, slots=True)
class RequestPrint(OfTicket):
    """A paper; `free`: as often as it is asked for, as the staff may."""

    job: UUID
    device: UUID | None = None
    free: bool = False


@dataclass(frozen=True, slots=True)
class EndPrint(OfTicket):
    """The printer's word: done, or the reason why not."""

    job: UUID
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ClaimCall(OfTicket):
    """A board wants to speak a call, which was made then."""

    call: int
    board: UUID
    called_at: datetime


@dataclass(frozen=True, slots=True)
class HearCall(OfTicket):
    """It has."""

    call: int
    board: UUID


@dataclass(frozen=True, slots=True)
class Resume(OfTicket):
    counter: str | None = None


@dataclass(frozen=True, slots=True)
class Transfer(OfTicket):
    line: str | None = None
    counter: str | None = None


class CloseHall(At):
    """End the day; who still waits is let go."""
