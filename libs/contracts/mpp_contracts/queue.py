"""What queue publishes: the life of every ticket, and of the hall it was issued in."""

from datetime import date as Date
from datetime import datetime
from uuid import UUID

from pydantic import Field

from mpp_contracts.published import Published


class FromQueue(Published, owner="queue"):
    """An event of the queue service: one mall on one day."""

    date: Date = Field(description="the service day, in the mall's zone")
    at: datetime = Field(description="when it happened, with offset")


class HallOpened(FromQueue):
    """The first command of a mall's day was accepted."""


class HallChanged(FromQueue):
    """Hours, lines or counters of a day that has begun were changed."""


class HallClosed(FromQueue):
    """The day is over; every ticket has its final state."""


class OfTicket(FromQueue):
    """An event in the life of one ticket."""

    ticket: UUID
    number: str = Field(description="as the citizen knows it: A012")
    line: str = Field(description="the line it waits or waited in")
    citizen: UUID | None = Field(None, description="whose it is, when signed in")


class TicketIssued(OfTicket):
    """Somebody has a number."""

    service: str
    channel: str
    priority: str | None = None


class TicketCalled(OfTicket):
    """A number is called to a counter: once in each wait."""

    counter: str
    counter_title: str


class TicketRecalled(OfTicket):
    """The same call again, for somebody who did not hear it."""

    counter: str
    counter_title: str


class TicketStarted(OfTicket):
    """Service at the counter begins."""

    counter: str


class TicketHeld(OfTicket):
    """Service is interrupted; the citizen stays near."""

    counter: str


class TicketResumed(OfTicket):
    """Interrupted service goes on."""

    counter: str


class TicketMissed(OfTicket):
    """Nobody came to the counter."""

    counter: str


class TicketRejoined(OfTicket):
    """Somebody who missed a call waits again, behind the next few."""


class TicketTransferred(OfTicket):
    """The ticket waits again, in another line or for one counter."""

    from_line: str
    counter: str | None = None


class TicketCompleted(OfTicket):
    """Served."""

    counter: str
    service: str
    served_seconds: float


class TicketCancelled(OfTicket):
    """Given back by the citizen or an officer."""


class TicketLapsed(OfTicket):
    """The day ended before the ticket was called."""
