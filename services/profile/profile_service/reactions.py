"""What profile does when another service has forgotten somebody: it remembers the answer."""

from collections.abc import Mapping, Sequence

from mpp.eventsourcing.handler import Step
from mpp_contracts import feedback, notify, tracking
from mpp_contracts.published import Published
from mpp_contracts.subjects import Answered
from profile_service import rules
from profile_service.leaving import HearAnswer, Retained

CONTRACTS: Mapping[str, type[Answered]] = {
    "tracking": tracking.SubjectAnswered,
    "notify": notify.SubjectAnswered,
    "feedback": feedback.SubjectAnswered,
}


def react(event: Published) -> Sequence[Step]:
    """One answer, one thing to remember of the request."""
    if not isinstance(event, Answered):
        raise TypeError(f"{type(event).__name__} is not listened to")
    kept = tuple(Retained.model_validate(each.model_dump()) for each in event.kept)
    heard = HearAnswer(event.citizen, event.at, event.request, event.owner, event.erased, kept)
    return [Step(rules.stream(event.citizen), heard)]
