"""What feedback tells others of its own events."""

from uuid import UUID

from feedback_service import complaint as c
from feedback_service.leaving import forgetting
from feedback_service.survey import SurveyAnswered
from mpp.eventsourcing.log import Recorded
from mpp_contracts import feedback as told
from mpp_contracts.published import Published


def announce(recorded: Recorded) -> Published | None:
    """Answers without who gave them, and the life of complaints; what was heard is not told again."""
    match recorded.event:
        case SurveyAnswered() as answer:
            return told.SurveyAnswered.model_validate(answer.model_dump())
        case c.ComplaintEvent() as event:
            return _of_complaint(UUID(recorded.stream.removeprefix("complaint-")), event)
    return forgetting.announced(recorded, told.SubjectAnswered)


def _of_complaint(complaint: UUID, event: c.ComplaintEvent) -> Published | None:
    facts = {name: getattr(event, name) for name in ("mall", "number", "kind", "agency", "citizen", "at")}
    facts["complaint"] = complaint
    match event:
        case c.ComplaintFiled():
            return told.ComplaintFiled(**facts)
        case c.DeadlinePassed(due=due):
            return told.ComplaintDeadlinePassed(**facts, due=due.at)
        case c.DeadlineNear() | c.ReporterForgotten() | c.EvidenceAttached():
            return None
    reason = event.reason if isinstance(event, c.ComplaintClosed) else None
    status = "reopened" if isinstance(event, c.ComplaintReopened) else c.LEADS_TO[type(event)]
    return told.ComplaintStatusChanged(**facts, status=status, reason=reason)
