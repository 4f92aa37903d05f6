"""What notify does when others speak: what a person should hear of becomes a notification, once."""

from collections.abc import Mapping, Sequence
from uuid import UUID, uuid5

from mpp.eventsourcing.handler import Step
from mpp_contracts import feedback, profile, queue, tracking
from mpp_contracts.published import Published
from notify_service.erasure import forgetting
from notify_service.kinds import KINDS
from notify_service.notification import Want
from notify_service.preferences import OF_PROFILE, HearConsent, HearContacts

OURS = UUID("6f0f6f53-52a6-4f0e-9d5c-0b6c0d7f5f3a")  # the same event leads to the same notification
PURPOSE = "notifications"
SLOT = "%d-%m-%Y %H.%M"  # in the mall's zone, as the event says it
QUEUE = (
    queue.TicketCalled,
    queue.TicketRecalled,
    queue.TicketNear,
    queue.TicketMissed,
    queue.BookingMade,
    queue.BookingCancelled,
)
TRACKING = (
    tracking.ApplicationSubmitted,
    tracking.StatusChanged,
    tracking.DeadlinePassed,
    tracking.ProductIssued,
    tracking.ApplicationEnded,
)
FEEDBACK = (feedback.ComplaintFiled, feedback.ComplaintStatusChanged)
PROFILE = (
    profile.ContactsChanged,
    profile.ConsentGiven,
    profile.ConsentWithdrawn,
    profile.SubjectForgotten,
)
OF_TICKETS: dict[type[Published], str] = {
    queue.TicketCalled: "ticket-called",
    queue.TicketRecalled: "ticket-recalled",
    queue.TicketNear: "ticket-near",
    queue.TicketMissed: "ticket-missed",
}


def _want(event: Published, kind: str, thing: UUID, facts: Mapping[str, str]) -> Sequence[Step]:
    """Nothing for somebody who was not signed in, and of what nobody needs to be told."""
    citizen: UUID | None = getattr(event, "citizen", None)
    known = KINDS.get(kind)
    if citizen is None or known is None:
        return []
    at = event.at  # type: ignore[attr-defined]
    told = {name: facts[name] for name in sorted(known.facts)}
    id_ = uuid5(OURS, f"{kind} {thing} {at.isoformat()} {told}")
    want = Want(
        citizen=citizen, mall=event.mall, kind=kind, facts=told, urgent=known.urgent, at=at, lives=known.lives
    )
    return [Step(f"notification-{id_}", want)]


def of_queue(event: Published) -> Sequence[Step]:
    match event:
        case queue.OfTicket():
            facts = {"number": event.number, "counter": getattr(event, "counter_title", "")}
            facts |= {"position": str(getattr(event, "position", ""))}
            return _want(event, OF_TICKETS[type(event)], event.ticket, facts)
        case queue.BookingMade(booking=id_, slot=slot):
            return _want(event, "booking-made", id_, {"slot": f"{slot:{SLOT}}"})
        case queue.BookingCancelled(booking=id_, slot=slot, reason="slot-withdrawn"):
            return _want(event, "booking-withdrawn", id_, {"slot": f"{slot:{SLOT}}"})
        case queue.BookingCancelled():
            return []  # whoever cancels or moves knows it
    raise TypeError(f"{type(event).__name__} is not listened to")


def of_tracking(event: Published) -> Sequence[Step]:
    facts = {"number": event.number}  # type: ignore[attr-defined]
    match event:
        case tracking.ApplicationSubmitted(application=id_):
            return _want(event, "application-submitted", id_, facts)
        case tracking.StatusChanged(application=id_, status=status):
            facts |= {"step": event.step or "", "reasons": ", ".join(event.reasons)}
            return _want(event, f"application-{status}", id_, facts)
        case tracking.DeadlinePassed(application=id_, step=None):
            return _want(event, "application-overdue", id_, facts)
        case tracking.DeadlinePassed():
            return []
        case tracking.ProductIssued(application=id_):
            return _want(event, "product-issued", id_, facts)
        case tracking.ApplicationEnded(application=id_, outcome=outcome):
            return [] if outcome == "withdrawn" else _want(event, "survey-open", id_, facts)
    raise TypeError(f"{type(event).__name__} is not listened to")


def of_feedback(event: Published) -> Sequence[Step]:
    match event:
        case feedback.ComplaintFiled(complaint=id_, number=number):
            return _want(event, "complaint-filed", id_, {"number": number})
        case feedback.ComplaintStatusChanged(complaint=id_, status=status):
            facts = {"number": event.number, "agency": event.agency or ""}
            return _want(event, f"complaint-{status}", id_, facts)
    raise TypeError(f"{type(event).__name__} is not listened to")


def of_profile(event: Published) -> Sequence[Step]:
    match event:
        case profile.SubjectForgotten():
            return forgetting.steps(event)
        case profile.ContactsChanged(citizen=citizen, channels=channels):
            known = tuple(OF_PROFILE[each] for each in channels if each in OF_PROFILE)
            return [Step(f"preferences-{citizen}", HearContacts(known))]
        case profile.ConsentGiven(citizen=citizen) | profile.ConsentWithdrawn(citizen=citizen):
            if event.purpose != PURPOSE:
                return []
            return [Step(f"preferences-{citizen}", HearConsent(isinstance(event, profile.ConsentGiven)))]
    raise TypeError(f"{type(event).__name__} is not listened to")
