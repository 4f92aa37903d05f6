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
    booking: UUID | None = Field(None, description="the booking that it was made from")


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


class TicketServed(OfTicket):
    """One of several services of a visit is done; the next goes on at once, or the ticket waits for it."""

    counter: str
    service: str
    served_seconds: float


class ServiceAdded(OfTicket):
    """The visit has one more service."""


class ServiceDropped(OfTicket):
    """The visit has one service less."""


class NearWished(OfTicket):
    """Its holder chose when to be told."""


class TicketNear(OfTicket):
    """The ticket is as near as its holder wanted to know."""

    position: int = Field(description="1: next")


class MessageSent(FromQueue):
    """Those who wait are told something: all, one line, or one ticket."""

    message: UUID
    kind: str = Field(description="delayed or closing")
    minutes: int | None = None
    closes_at: datetime | None = None
    line: str | None = None
    ticket: UUID | None = None


class AtCounter(FromQueue):
    """An event of one counter."""

    counter: str


class CounterStaffed(AtCounter):
    """An officer begins to work at a counter."""


class CounterPaused(AtCounter):
    """The counter calls nobody for now."""

    reason: str
    until: datetime | None = None


class CounterReopened(AtCounter):
    """The counter calls again."""


class CounterLeft(AtCounter):
    """The officer is gone."""


class OfBooking(FromQueue):
    """An event in the life of one booking."""

    booking: UUID


class BookingMade(OfBooking):
    """A slot is promised; check-in on the day makes it a ticket."""

    line: str
    service: str
    slot: datetime
    channel: str
    citizen: UUID | None = None


class BookingCancelled(OfBooking):
    """The promise is taken back."""

    line: str
    service: str
    slot: datetime
    citizen: UUID | None = None
    reason: str = Field(description="by-holder, by-staff, moved or slot-withdrawn")


class BookingUsed(OfBooking):
    """Its holder checked in."""

    ticket: UUID


class BookingLapsed(OfBooking):
    """Nobody came in time; the place is for walk-ins again."""

    line: str
    service: str
    slot: datetime
    citizen: UUID | None = None


class PrintRequested(OfTicket):
    """A paper is to be printed."""

    job: UUID


class PrintConfirmed(OfTicket):
    """The paper came out."""

    job: UUID


class PrintFailed(OfTicket):
    """It did not; the number holds all the same."""

    job: UUID
    reason: str


class CallClaimed(OfTicket):
    """A board is about to speak a call."""

    call: int = Field(description="the call's event id on boards")


class CallHeard(OfTicket):
    """A board has spoken it."""

    call: int = Field(description="the call's event id on boards")
