"""What others are told of an application: codes and times from its filing on, never a draft, never a word."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from mpp.eventsourcing.decider import Event
from mpp.eventsourcing.log import Recorded
from mpp_contracts import tracking as told
from mpp_contracts.published import Published
from tracking_service import application as a
from tracking_service.announcements import announce

from .cases import CITIZEN, DAY, MONDAY, WIN, a_file

ID = UUID(int=7)
FACTS: dict[str, Any] = {
    "mall": "7406",
    "number": "7406-7K3M9-QXD2C-F",
    "service": "ptsp.sip",
    "agency": "dpmptsp",
    "citizen": CITIZEN,
    "at": MONDAY,
}
TOLD = FACTS | {"application": ID}
DUE = a.Due(step="checking", near=MONDAY, at=MONDAY + DAY)
FILE = a_file("product")
WORDS = uuid4()


def changed(status: str, **more: Any) -> told.StatusChanged:
    return told.StatusChanged(**TOLD, status=status, **more)


SAID: list[tuple[a.ApplicationEvent, Published]] = [
    (a.ApplicationSubmitted(**FACTS), told.ApplicationSubmitted(**TOLD)),
    (a.DeclaredComplete(**FACTS, step="checking"), changed("in-progress", step="checking")),
    (
        a.SentBack(**FACTS, reasons=("document-missing:str",), words=WORDS),
        changed("sent-back", reasons=("document-missing:str",)),
    ),
    (a.ApplicationResubmitted(**FACTS, running=False), changed("submitted")),
    (a.ApplicationResubmitted(**FACTS, running=True), changed("in-progress")),
    (a.StepTaken(**FACTS, step="decision"), changed("in-progress", step="decision")),
    (a.ClockPaused(**FACTS, reason="network-failure"), changed("paused", reasons=("network-failure",))),
    (a.ClockResumed(**FACTS), changed("in-progress")),
    (a.ApplicationApproved(**FACTS), changed("approved")),
    (a.DeemedGranted(**FACTS), changed("deemed-granted")),
    (
        a.ApplicationRejected(**FACTS, reasons=("standard-not-met",), words=WORDS),
        changed("rejected", reasons=("standard-not-met",)),
    ),
    (a.ApplicationWithdrawn(**FACTS), changed("withdrawn")),
    (a.ProductIssued(**FACTS, product=FILE), told.ProductIssued(**TOLD, product=FILE.document)),
    (a.ApplicationClosed(**FACTS, outcome="approved"), told.ApplicationEnded(**TOLD, outcome="approved")),
    (a.DeadlineNear(**FACTS, due=DUE), told.DeadlineNear(**TOLD, step="checking", due=DUE.at)),
    (a.DeadlinePassed(**FACTS, due=DUE), told.DeadlinePassed(**TOLD, step="checking", due=DUE.at)),
]
KEPT: list[a.ApplicationEvent] = [
    a.ApplicationOpened(
        **FACTS, process="licence", version=1, standard=2, assisted=False, deemed_granted=False, product=True
    ),
    a.AnswersGiven(**FACTS),
    a.DocumentAttached(**FACTS, document=a_file()),
    a.ApplicationClaimed(**FACTS, officer=WIN),
    a.ApplicationReleased(**FACTS),
    a.ApplicantForgotten(**FACTS),
]


@pytest.mark.parametrize(("event", "said"), SAID, ids=[event.type for event, _ in SAID])
def test_each_event_is_told_in_the_words_of_its_contract(event: Event, said: Published) -> None:
    assert announce(recorded(event)) == said
    assert str(WORDS) not in said.model_dump_json()


@pytest.mark.parametrize("event", KEPT, ids=[event.type for event in KEPT])
def test_a_draft_is_its_owner_s_and_who_works_on_it_is_the_agency_s(event: Event) -> None:
    assert announce(recorded(event)) is None


def test_every_event_of_an_application_is_told_or_kept_on_purpose() -> None:
    assert {*a.EVENTS} == {type(event) for event in [*KEPT, *(event for event, _ in SAID)]}


def recorded(event: Event) -> Recorded:
    return Recorded(1, uuid4(), f"application-{ID}", 1, event, MONDAY)
