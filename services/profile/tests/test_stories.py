"""The rules of a citizen told as stories."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as whatever
from hypothesis import strategies as st

from mpp.eventsourcing.decider import Event, Rejected, fold
from mpp.testing.scenario import given
from profile_service import citizen as c
from profile_service import leaving as leave
from profile_service.command import PURPOSES, Gone, NotRegistered
from profile_service.rules import Citizen, IfVersion, VersionMismatch, check, decider

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
SITI, REQUEST, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
KNOWN = c.Registered(citizen=SITI, at=NOW)
ASKED = leave.ForgettingAsked(citizen=SITI, request=REQUEST, at=NOW)


def consent(given: bool, text: str = "2026-11") -> c.Consent:
    return c.Consent(SITI, NOW, "prefill", given, text)


def answer(service: str, request: UUID = REQUEST) -> leave.HearAnswer:
    return leave.HearAnswer(SITI, NOW, request, service, ("contact",), ())


def answered(service: str) -> leave.ServiceAnswered:
    return leave.ServiceAnswered(
        citizen=SITI, request=REQUEST, service=service, erased=("contact",), kept=(), at=NOW
    )


def test_somebody_is_registered_once() -> None:
    given(decider).when(c.Register(SITI, NOW), c.Register(SITI, NOW)).then(KNOWN)


def test_nobody_tells_facts_or_agrees_before_they_are_registered() -> None:
    given(decider).when(c.ChangeFacts(SITI, NOW, "contact")).refused(NotRegistered)
    given(decider).when(consent(True)).refused(NotRegistered)


def test_an_event_says_which_kind_of_facts_changed_and_nothing_of_them() -> None:
    changed = c.FactsChanged(citizen=SITI, kind="contact", channels=("email",), at=NOW)
    given(decider, KNOWN).when(c.ChangeFacts(SITI, NOW, "contact", ("email",))).then(changed)


def test_consent_is_given_for_one_version_of_a_text_and_withdrawn_at_any_time() -> None:
    agreed = c.ConsentGiven(citizen=SITI, purpose="prefill", text="2026-11", at=NOW)
    again = c.ConsentGiven(citizen=SITI, purpose="prefill", text="2026-12", at=NOW)
    withdrawn = c.ConsentWithdrawn(citizen=SITI, purpose="prefill", text="2026-12", at=NOW)
    story = given(decider, KNOWN)
    story.when(consent(False)).then()
    story.when(consent(True), consent(True)).then(agreed)
    story.when(consent(True, "2026-12")).then(again)
    story.when(consent(False, "2026-12")).then(withdrawn)


def test_a_change_that_was_made_for_another_version_is_refused() -> None:
    given(decider, KNOWN).when(IfVersion(2, c.ChangeFacts(SITI, NOW, "address"))).refused(VersionMismatch)


def test_who_asks_twice_to_be_forgotten_has_one_request() -> None:
    first, second = (leave.AskForgetting(SITI, NOW, request) for request in (REQUEST, OTHER))
    given(decider, KNOWN).when(first, second).then(ASKED)


def test_somebody_who_never_registered_may_be_forgotten_by_the_others() -> None:
    given(decider).when(leave.AskForgetting(SITI, NOW, REQUEST)).then(ASKED)


@pytest.mark.parametrize(
    "command", [c.Register(SITI, NOW), c.ChangeFacts(SITI, NOW, "contact"), consent(True)]
)
def test_who_was_forgotten_is_known_by_nothing_new(command: Any) -> None:
    given(decider, KNOWN, ASKED).when(command).refused(Gone)


def test_the_last_answer_closes_the_request_and_each_counts_once() -> None:
    services = sorted(leave.ANSWERING)
    story = given(decider, KNOWN, ASKED, *map(answered, services[1:]))
    closed = leave.ForgettingClosed(citizen=SITI, request=REQUEST, at=NOW)
    story.when(answer(services[1])).then()
    story.when(answer(services[0], OTHER)).then()
    story.when(answer(services[0])).then(answered(services[0]), closed)


def test_after_three_days_it_is_said_once_who_is_missing() -> None:
    late = NOW + leave.TERM
    story = given(decider, ASKED, answered("notify"), answered("profile"))
    story.when(leave.CheckTerm(SITI, late - timedelta(seconds=1))).then()
    said = leave.ForgettingLate(citizen=SITI, request=REQUEST, missing=("feedback", "tracking"), at=late)
    story.when(leave.CheckTerm(SITI, late), leave.CheckTerm(SITI, late)).then(said)


COMMANDS = st.one_of(
    st.just(c.Register(SITI, NOW)),
    st.builds(c.ChangeFacts, st.just(SITI), st.just(NOW), st.sampled_from(["identity", "contact"])),
    st.builds(c.Consent, st.just(SITI), st.just(NOW), st.sampled_from(PURPOSES), st.booleans(), st.just("1")),
    st.builds(leave.AskForgetting, st.just(SITI), st.just(NOW), st.sampled_from([REQUEST, OTHER])),
    st.sampled_from([answer(s, r) for s in leave.ANSWERING for r in (REQUEST, OTHER)]),
    st.builds(leave.CheckTerm, st.just(SITI), st.sampled_from([NOW, NOW + leave.TERM])),
)


@whatever(st.lists(COMMANDS, max_size=30))
def test_no_story_breaks_what_holds_for_ever(commands: list[Any]) -> None:
    events, state = list[Event](), Citizen()
    for command in commands:
        try:
            happened = decider.decide(command, state)
        except Rejected:
            continue
        state, events = fold(decider, happened, state), events + happened
    assert check("citizen-1", events) == []
    assert state.version == len(events)
    assert sum(isinstance(event, leave.ForgettingClosed) for event in events) <= 1
