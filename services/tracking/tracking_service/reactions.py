"""What tracking does when others speak: it remembers malls and histories, and forgets people."""

from collections.abc import Sequence

from mpp.eventsourcing.handler import Step
from mpp_contracts import catalog, feedback, queue
from mpp_contracts.profile import SubjectForgotten
from mpp_contracts.published import Published
from tracking_service.erasure import forgetting
from tracking_service.mall import Hear
from tracking_service.past import Begun, Move, Remember

CATALOG: tuple[type[Published], ...] = (
    catalog.MallDescribed,
    catalog.HoursSet,
    catalog.HolidaysSet,
    catalog.DayOverridden,
    catalog.DayRestored,
    catalog.TenantOpened,
    catalog.ServicePublished,
    catalog.ServiceWithdrawn,
)
ENDS: dict[type[Published], str] = {
    queue.TicketCompleted: "served",
    queue.TicketMissed: "missed",
    queue.TicketCancelled: "cancelled",
    queue.TicketLapsed: "lapsed",
}
QUEUE: tuple[type[Published], ...] = (queue.TicketIssued, *ENDS)
FEEDBACK: tuple[type[Published], ...] = (feedback.ComplaintFiled, feedback.ComplaintStatusChanged)


def of_catalog(event: Published) -> Sequence[Step]:
    """One published fact, one thing to remember about its mall."""
    kind, key, gone = _about(event)
    fact = None if gone else event.model_dump(mode="json", exclude={"mall"})
    return [Step(f"mall-{event.mall}", Hear(kind, key, fact))]


def _about(event: Published) -> tuple[str, str, bool]:
    """Its kind, its key within the mall, and whether it takes back what was said."""
    match event:
        case catalog.MallDescribed():
            return "mall", "", False
        case catalog.HoursSet():
            return "hours", "", False
        case catalog.HolidaysSet(year=year):
            return "holidays", str(year), False
        case catalog.DayOverridden(date=day) | catalog.DayRestored(date=day):
            return "day", day.isoformat(), isinstance(event, catalog.DayRestored)
        case catalog.TenantOpened(agency=agency):
            return "agency", agency, False
        case catalog.ServicePublished(code=code) | catalog.ServiceWithdrawn(code=code):
            return "service", code, isinstance(event, catalog.ServiceWithdrawn)
    raise TypeError(f"{type(event).__name__} is not listened to")


def of_queue(event: Published) -> Sequence[Step]:
    """Tickets of people who were signed in; of others nothing is kept."""
    match event:
        case queue.TicketIssued(citizen=None):
            return []
        case queue.TicketIssued(citizen=citizen) if citizen:
            who = {"citizen": citizen, "mall": event.mall, "number": event.number, "service": event.service}
            begun = Begun.model_validate(who | {"kind": "ticket", "at": event.at})
            return [Step(f"past-{event.ticket}", Remember(begun))]
        case queue.OfTicket():
            return [Step(f"past-{event.ticket}", Move(ENDS[type(event)], event.at))]
    raise TypeError(f"{type(event).__name__} is not listened to")


def of_feedback(event: Published) -> Sequence[Step]:
    """Complaints that somebody filed in their own name."""
    match event:
        case feedback.ComplaintFiled(citizen=citizen):
            if citizen is None:
                return []
            about = {"mall": event.mall, "number": event.number, "service": None, "at": event.at}
            begun = Begun.model_validate(about | {"citizen": citizen, "kind": "complaint"})
            return [Step(f"past-{event.complaint}", Remember(begun))]
        case feedback.ComplaintStatusChanged():
            return [Step(f"past-{event.complaint}", Move(event.status, event.at))]
    raise TypeError(f"{type(event).__name__} is not listened to")


def of_people(event: Published) -> Sequence[Step]:
    """Somebody wants to be forgotten."""
    if isinstance(event, SubjectForgotten):
        return forgetting.steps(event)
    raise TypeError(f"{type(event).__name__} is not listened to")
