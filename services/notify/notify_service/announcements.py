"""What notify tells others of its own events: what became of each notification, never what it said."""

from uuid import UUID

from mpp.eventsourcing.log import Recorded
from mpp_contracts import notify as told
from mpp_contracts.published import Published
from notify_service import notification as n
from notify_service.erasure import forgetting


def announce(recorded: Recorded) -> Published | None:
    """What came into an inbox, what was taken over elsewhere, what was given up."""
    event = recorded.event
    if isinstance(event, n.NotificationWanted):
        facts = {"mall": event.mall, "citizen": event.citizen, "template": event.kind, "at": event.at}
        return told.NotificationSent.model_validate(
            facts | {"notification": _id(recorded), "channel": "inbox"}
        )
    if isinstance(event, n.NotificationSent | n.NotificationFailed):
        facts = {name: getattr(event, name) for name in ("citizen", "template", "channel", "at")}
        facts["notification"] = _id(recorded)
        if isinstance(event, n.NotificationFailed):
            return told.NotificationFailed.model_validate(facts | {"reason": event.reason})
        return told.NotificationSent.model_validate(facts)
    return forgetting.announced(recorded, told.SubjectAnswered)


def _id(recorded: Recorded) -> UUID:
    return UUID(recorded.stream.removeprefix("notification-"))
