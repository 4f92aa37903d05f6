"""What tracking tells others of its own events."""

from uuid import UUID

from mpp.eventsourcing.log import Recorded
from mpp_contracts import tracking as told
from mpp_contracts.published import Published
from tracking_service import application as a
from tracking_service.erasure import forgetting

UNTOLD = (
    a.ApplicationOpened,
    a.AnswersGiven,
    a.DocumentAttached,
    a.ApplicationClaimed,
    a.ApplicationReleased,
    a.ApplicantForgotten,
)


def announce(recorded: Recorded) -> Published | None:
    """The life of an application from its filing on; a draft is its owner's alone."""
    if isinstance(recorded.event, a.ApplicationEvent):
        return _of_application(UUID(recorded.stream.removeprefix("application-")), recorded.event)
    return forgetting.announced(recorded, told.SubjectAnswered)


def _of_application(application: UUID, event: a.ApplicationEvent) -> Published | None:
    names = ("mall", "number", "service", "agency", "citizen", "at")
    facts = {name: getattr(event, name) for name in names} | {"application": application}
    match event:
        case a.ApplicationSubmitted():
            return told.ApplicationSubmitted(**facts)
        case a.DeadlineNear(due=due):
            return told.DeadlineNear(**facts, step=due.step, due=due.at)
        case a.DeadlinePassed(due=due):
            return told.DeadlinePassed(**facts, step=due.step, due=due.at)
        case a.ProductIssued(product=product):
            return told.ProductIssued(**facts, product=product.document)
        case a.ApplicationClosed(outcome=outcome):
            return told.ApplicationEnded(**facts, outcome=outcome)
        case a.ApplicationResubmitted(running=running):
            return told.StatusChanged(**facts, status="in-progress" if running else "submitted")
        case a.ClockPaused(reason=reason):
            return told.StatusChanged(**facts, status="paused", reasons=(reason,))
    if isinstance(event, UNTOLD):
        return None
    said = {"step": getattr(event, "step", None), "reasons": getattr(event, "reasons", ())}
    return told.StatusChanged(**facts, status=a.LEADS_TO[type(event)], **said)
