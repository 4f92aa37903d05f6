"""What others hear of a notification: that it came, arrived or not; never what it said or where."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from mpp.eventsourcing.decider import Event
from mpp.eventsourcing.log import Recorded
from mpp_contracts import notify as told
from mpp_contracts.published import Published
from notify_service import notification as n
from notify_service.announcements import announce

NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)
ID, SITI = UUID(int=7), UUID(int=8)
ON = {"citizen": SITI, "template": "ticket-called", "channel": "email", "at": NOON}
TOLD = ON | {"notification": ID}
WANTED = n.NotificationWanted(
    citizen=SITI, mall="7406", kind="ticket-called", facts={"number": "A012"}, urgent=True, at=NOON,
    expires_at=NOON + timedelta(minutes=5),
)  # fmt: skip
SAID: list[tuple[Event, Published]] = [
    (WANTED, told.NotificationSent.model_validate(TOLD | {"mall": "7406", "channel": "inbox"})),
    (n.NotificationSent.model_validate(ON), told.NotificationSent.model_validate(TOLD)),
    (
        n.NotificationFailed.model_validate(ON | {"reason": "unsure"}),
        told.NotificationFailed.model_validate(TOLD | {"reason": "unsure"}),
    ),
]
KEPT: list[Event] = [
    n.ChannelsChosen(channels=("email",), not_before=NOON, urgent=True),
    n.AttemptBegun.model_validate(ON),
    n.AttemptFailed.model_validate(ON | {"reason": "busy", "attempts": 1, "again_at": NOON}),
    n.NotificationRetried.model_validate(ON | {"expires_at": NOON}),
    n.NotificationRead(at=NOON),
    n.RecipientForgotten(channels=("email",), at=NOON),
]


def said(event: Event) -> Published | None:
    return announce(Recorded(1, uuid4(), f"notification-{ID}", 1, event, NOON))


def test_what_became_of_it_is_told_and_not_what_it_said() -> None:
    for event, published in SAID:
        assert said(event) == published
        assert "A012" not in published.model_dump_json()


def test_every_event_is_told_or_kept_on_purpose() -> None:
    assert [said(event) for event in KEPT] == [None] * len(KEPT)
    assert {*n.EVENTS} == {type(event) for event in [*KEPT, *(event for event, _ in SAID)]}
