"""A ticket: one number, issued once, called once in each wait, ended once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

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


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the rules ask about one ticket; `place` is where it waits, or waited last."""

    id: UUID
    number: str
    line: str
    service: str
    place: Place
    issued_at: datetime
    citizen: UUID | None = None
    status: Status = "waiting"
    counter: str | None = None  # where it is called, served or held; or whom it waits for
    missed_at: datetime | None = None
    rejoins: int = 0
    taken_at: datetime | None = None  # since when it has a counter to itself
    serving_since: datetime | None = None
    served: float = 0.0  # seconds before the interruption or transfer

    @property
    def waits_for(self) -> str:
        """The list it stands in: its line's, or one counter's own."""
        return f"@{self.counter}" if self.counter else self.line

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


class AtCounter(TicketEvent):
    """An event at a counter."""

    counter: str


class TicketCalled(AtCounter, type="ticket-called"):
    title: str


class TicketRecalled(AtCounter, type="ticket-recalled"):
    title: str


class TicketStarted(AtCounter, type="ticket-started"):
    pass


class TicketHeld(AtCounter, type="ticket-held"):
    served: float


class TicketResumed(AtCounter, type="ticket-resumed"):
    pass


class TicketMissed(AtCounter, type="ticket-missed"):
    pass


class TicketCompleted(AtCounter, type="ticket-completed"):
    service: str
    served: float


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
