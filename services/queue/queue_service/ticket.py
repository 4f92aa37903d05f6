"""A ticket: one number, issued once, called once in each wait, ended once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from mpp.eventsourcing.decider import Event, NotFound, Rejected
from queue_service.places import Place

Status = Literal["waiting", "called", "serving", "held", "missed", "completed", "cancelled", "lapsed"]
FINAL: frozenset[Status] = frozenset({"missed", "completed", "cancelled", "lapsed"})


class UnknownTicket(NotFound):
    """No such ticket in this hall."""


class WrongState(Rejected):
    """The ticket is not in a state in which this can be done."""


def number_of(line: str, seq: int) -> str:
    """A012; more than 999 take a digit more."""
    return f"{line}{seq:03d}"


class Stop(BaseModel):
    """One service of a visit, and the line that serves it."""

    model_config = ConfigDict(frozen=True)
    service: str
    line: str


class Why(BaseModel):
    """Why this ticket was called and no other: the rule that chose it, and its facts.

    rule: own, threshold, priority, longest, order or ratio; passed: how many before it need another officer.
    """

    model_config = ConfigDict(frozen=True)
    rule: str
    waited_minutes: int
    lines: tuple[str, ...] = ()
    minutes: int | None = None
    ratio: tuple[tuple[str, int], ...] = ()
    priority: str | None = None
    slot: datetime | None = None
    passed: int = 0
    rejoined: bool = False


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the rules ask about one ticket; `place` is where it waits, or waited last.

    `line` and `service` are what it is here for now, `rest` the other services of the visit: it waits in all
    their lines at once and is called by one at a time.
    """

    id: UUID
    number: str
    line: str
    service: str
    place: Place
    issued_at: datetime
    citizen: UUID | None = None
    priority: str | None = None
    booking: UUID | None = None
    slot: datetime | None = None
    rest: tuple[Stop, ...] = ()
    done: tuple[Stop, ...] = ()
    turn: int = 0  # how often it was at a counter
    waits_since: datetime | None = None  # when the last wait began, if not with the number
    near: int | None = None  # its holder wants to be told when it is the n-th
    why: Why | None = None  # of its last call
    heard_at: datetime | None = None  # when a board had spoken that
    jobs: tuple[tuple[UUID, str], ...] = ()  # print jobs: pending, printed or a reason why not
    status: Status = "waiting"
    counter: str | None = None  # where it is called, served or held; or whom it waits for
    missed_at: datetime | None = None
    rejoins: int = 0
    taken_at: datetime | None = None  # since when it has a counter to itself
    serving_since: datetime | None = None
    served: float = 0.0  # seconds before the interruption or transfer

    @property
    def waits_in(self) -> tuple[str, ...]:
        """The lists it stands in: those of its lines, or one counter's own."""
        if self.counter:
            return (f"@{self.counter}",)
        return (
            tuple(dict.fromkeys((self.line, *(stop.line for stop in self.rest))))
            if self.rest
            else (self.line,)
        )

    @property
    def stop(self) -> Stop:
        return Stop(service=self.service, line=self.line)

    def here_for(self, line: str, service: str | None = None) -> tuple[Stop, tuple[Stop, ...]]:
        """What it is called for in this line, and what is left then."""
        wanted = (self.stop, *self.rest)
        fitting = [stop for stop in wanted if stop.line == line and service in (None, stop.service)]
        chosen = fitting[0] if fitting else self.stop
        return chosen, tuple(stop for stop in wanted if stop != chosen)

    def served_until(self, at: datetime) -> float:
        """Seconds of service so far."""
        return self.served + ((at - self.serving_since).total_seconds() if self.serving_since else 0.0)


class TicketEvent(Event):
    """Something that happened to one ticket; `citizen`: our own id of somebody signed in, who may be told."""

    ticket: UUID
    number: str
    line: str
    at: datetime
    citizen: UUID | None = None


class TicketIssued(TicketEvent, type="ticket-issued"):
    service: str
    channel: str
    seq: int
    rank: int
    order: int
    priority: str | None = None
    quick: bool = False  # served at once, without a wait and outside the limits
    also: tuple[Stop, ...] = ()  # the other services of the visit
    booking: UUID | None = None
    slot: datetime | None = None


class AtCounter(TicketEvent):
    """An event at a counter; `turn`: the n-th of this ticket."""

    counter: str
    turn: int = 0


class TicketCalled(AtCounter, type="ticket-called"):
    """`line` is the one that called it; `waited` seconds; `following`: whose turn is next in a ratio."""

    title: str
    service: str | None = None
    waited: float = 0.0
    why: Why | None = None
    following: int | None = None


class TicketRecalled(AtCounter, type="ticket-recalled"):
    title: str


class TicketStarted(AtCounter, type="ticket-started"):
    """`quick`: the service of somebody who was not called."""

    quick: str | None = None


class TicketHeld(AtCounter, type="ticket-held"):
    served: float


class TicketResumed(AtCounter, type="ticket-resumed"):
    pass


class TicketMissed(AtCounter, type="ticket-missed"):
    pass


class TicketCompleted(AtCounter, type="ticket-completed"):
    service: str
    served: float


class TicketServed(AtCounter, type="ticket-served"):
    """One of several services is done: `onward` follows in the same sitting, or is waited for."""

    service: str
    served: float
    onward: Stop
    sitting: bool


class Aside(TicketEvent):
    """Something about a ticket that leaves it where it is."""


class ServiceAdded(Aside, type="service-added"):
    stop: Stop


class ServiceDropped(Aside, type="service-dropped"):
    """`onward`: what the ticket is here for then."""

    stop: Stop
    onward: Stop


class NearWished(Aside, type="near-wished"):
    """Its holder wants to be told when it is the n-th in line; null: no longer."""

    nth: int | None


class TicketNear(Aside, type="ticket-near"):
    """It is as near as its holder wanted to know."""

    position: int


class PrintRequested(Aside, type="print-requested"):
    """A paper is to be printed; `again`: it is not the first."""

    job: UUID
    device: UUID | None
    again: bool


class PrintConfirmed(Aside, type="print-confirmed"):
    job: UUID


class PrintFailed(Aside, type="print-failed"):
    job: UUID
    reason: str


class CallClaimed(Aside, type="call-claimed"):
    """A board is about to speak this call, and nobody else until then."""

    call: int
    board: UUID
    until: datetime


class CallHeard(Aside, type="call-heard"):
    """A board has spoken this call."""

    call: int


class TicketRejoined(TicketEvent, type="ticket-rejoined"):
    rank: int
    order: int


class TicketTransferred(TicketEvent, type="ticket-transferred"):
    """`line` is the new one; `counter` the one it waits for, if it does."""

    from_line: str
    counter: str | None
    served: float


class TicketCancelled(TicketEvent, type="ticket-cancelled"):
    pass


class TicketLapsed(TicketEvent, type="ticket-lapsed"):
    pass


def of(ticket: Ticket, at: datetime) -> dict[str, Any]:
    """What every event of this ticket says."""
    who = {"ticket": ticket.id, "number": ticket.number, "line": ticket.line, "citizen": ticket.citizen}
    return who | {"at": at}
