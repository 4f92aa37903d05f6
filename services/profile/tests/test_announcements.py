"""What others are told: that something happened, never who somebody is."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from mpp.eventsourcing.decider import Event
from mpp.eventsourcing.log import Recorded
from mpp_contracts import profile
from mpp_contracts.published import Published
from profile_service import citizen as c
from profile_service import leaving as leave
from profile_service.announcements import announce

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
SITI, REQUEST = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (
            c.Registered(citizen=SITI, mall="7406", at=NOW),
            profile.CitizenRegistered(citizen=SITI, assisted=True, at=NOW),
        ),
        (
            c.FactsChanged(citizen=SITI, kind="contact", channels=("email",), at=NOW),
            profile.ContactsChanged(citizen=SITI, channels=("email",), at=NOW),
        ),
        (c.FactsChanged(citizen=SITI, kind="family", at=NOW), None),
        (
            c.ConsentGiven(citizen=SITI, purpose="prefill", text="1", at=NOW),
            profile.ConsentGiven(citizen=SITI, purpose="prefill", at=NOW),
        ),
        (
            c.ConsentWithdrawn(citizen=SITI, purpose="prefill", text="1", at=NOW),
            profile.ConsentWithdrawn(citizen=SITI, purpose="prefill", at=NOW),
        ),
        (
            leave.ForgettingAsked(citizen=SITI, request=REQUEST, at=NOW),
            profile.SubjectForgotten(citizen=SITI, request=REQUEST, at=NOW),
        ),
        (leave.ForgettingClosed(citizen=SITI, request=REQUEST, at=NOW), None),
    ],
)
def test_each_event_is_told_in_the_words_of_its_contract(event: Event, told: Published | None) -> None:
    assert announce(Recorded(1, uuid4(), f"citizen-{SITI}", 1, event, NOW)) == told
