"""Applications as stories: filed, completed, sent back, decided step by step, ended once."""

from datetime import timedelta
from uuid import uuid4

import pytest

from tracking_service import application as a
from tracking_service import command as c

from .cases import (
    CARD,
    CITIZEN,
    DAY,
    HOUR,
    LICENCE,
    MONDAY,
    NUR,
    SILENT,
    STEP,
    WIN,
    Life,
    a_file,
    kinds,
    story,
)

LIFE = Life()
LOOK = c.LookAtClock


def test_an_application_goes_from_its_draft_to_a_decision() -> None:
    told = story(*LIFE.granted())
    assert kinds(told) == [
        "application-opened",
        "answers-given",
        "document-attached",
        "application-submitted",
        "declared-complete",
        "step-taken",
        "application-approved",
        "application-closed",
    ]
    assert told.state.status == "approved" and told.state.closed and told.state.dues == ()


def test_it_keeps_the_versions_it_was_filed_under() -> None:
    (opened,) = story(LIFE.opened(version=3, standard=7)).happened
    assert isinstance(opened, a.ApplicationOpened)
    assert (opened.version, opened.standard, opened.citizen) == (3, 7, CITIZEN)


def test_opening_twice_is_opening_once() -> None:
    assert story(LIFE.opened()).when(LIFE.opened(number="another")).then().number == "7406-7K3M9-QXD2C-F"


def test_what_was_never_opened_does_not_exist() -> None:
    for asked in (LIFE.answered(), LIFE.submitted(), LIFE.office(c.Claim), LOOK(MONDAY)):
        story(asked).refused(c.UnknownApplication)


def test_it_is_not_handed_in_without_answers_or_documents() -> None:
    story(LIFE.opened(), LIFE.attached(), LIFE.submitted()).refused(c.AnswersMissing)
    refused = story(LIFE.opened(), LIFE.answered(), LIFE.submitted()).refused(c.DocumentsMissing)
    assert refused.facts == {"missing": ["str"]}
    assert story(*LIFE.filing()).state.status == "submitted"


def test_only_documents_that_are_asked_for_are_taken_and_the_last_of_a_kind_counts() -> None:
    story(LIFE.opened(), LIFE.attached("passport")).refused(c.UnknownDocument)
    first, second = uuid4(), uuid4()
    told = story(LIFE.opened(), LIFE.attached(name=first), LIFE.attached(name=second))
    assert told.state.documents["str"].document == second


def test_nothing_is_changed_behind_the_agency_s_back() -> None:
    for asked in (LIFE.answered(), LIFE.attached(), LIFE.submitted()):
        story(*LIFE.filing(), asked).refused(c.ApplicationElsewhere)
        story(*LIFE.granted(), asked).refused(c.ApplicationElsewhere)


def test_the_office_sees_no_draft() -> None:
    for asked in (c.Claim, c.DeclareComplete, c.Approve):
        story(LIFE.opened(), LIFE.office(asked)).refused(c.ApplicationElsewhere)


def test_the_clock_starts_when_it_is_declared_complete() -> None:
    later = LIFE.at(DAY)
    told = story(*LIFE.filing(), later.office(c.DeclareComplete))
    decision, step = sorted(told.state.dues, key=lambda due: due.step or "")
    assert story(*LIFE.filing()).state.dues == ()
    assert told.state.started == later.now and told.state.step == "checking"
    assert decision.at == MONDAY.replace(hour=0) + timedelta(days=9)  # five working days after Tuesday
    assert (step.step, step.near, step.at) == ("checking", later.now + 3 * HOUR, later.now + 4 * HOUR)


def test_it_is_sent_back_with_a_reason_for_each_document() -> None:
    sent = LIFE.office(c.SendBack, reasons=("document-unreadable:str", "answer-wrong:phone"))
    told = story(*LIFE.filing(), sent)
    assert told.state.status == "sent-back"
    again = told.when(LIFE.answered(), LIFE.attached(), LIFE.submitted())
    assert kinds(again)[-1] == "application-resubmitted" and again.state.status == "submitted"


@pytest.mark.parametrize(
    "reason", ["", "unreadable", "document-unreadable:passport", "ktp hilang", "answer-wrong:"]
)
def test_a_reason_is_a_code_about_something_that_is_asked_for(reason: str) -> None:
    story(*LIFE.filing(), LIFE.office(c.SendBack, reasons=(reason,))).refused(c.UnknownReason)


def test_nothing_is_sent_back_or_rejected_without_a_reason() -> None:
    story(*LIFE.filing(), LIFE.office(c.SendBack, reasons=())).refused(c.UnknownReason)
    for reasons in ((), ("Mohon maaf",), ("standard-not-met", "")):
        story(*LIFE.running(), LIFE.office(c.Reject, reasons=reasons)).refused(c.UnknownReason)


def test_sent_back_while_it_is_decided_its_clock_waits_for_the_applicant() -> None:
    back = LIFE.at(HOUR).office(c.SendBack, reasons=("document-missing:str",))
    waiting = story(*LIFE.running(), back)
    assert waiting.state.dues == () and kinds(waiting.when(LOOK(MONDAY + 300 * DAY))) == []
    mended = story(*LIFE.running(), back, LIFE.at(3 * HOUR).submitted())
    assert mended.state.status == "in-progress" and mended.state.step == "checking"
    assert [due.at for due in mended.state.dues if due.step] == [MONDAY + 6 * HOUR]


def test_a_failure_stops_the_clock_until_it_is_over() -> None:
    stopped = story(*LIFE.running(), LIFE.at(HOUR).office(c.Pause, reason="network-failure"))
    assert stopped.state.status == "paused" and stopped.state.dues == ()
    assert kinds(stopped.when(LOOK(MONDAY + 100 * DAY))) == []
    for asked in (c.Pause, c.Reject, c.SendBack):
        more = {"reason": "network-failure"} if asked is c.Pause else {"reasons": ("standard-not-met",)}
        stopped.when(LIFE.office(asked, **more)).refused(c.ApplicationElsewhere)
        stopped.refusal = None
    resumed = stopped.when(LIFE.at(2 * HOUR).office(c.Resume))
    assert [due.at for due in resumed.state.dues if due.step] == [MONDAY + 5 * HOUR]
    assert resumed.state.pauses == ((MONDAY + HOUR, MONDAY + 2 * HOUR),)


def test_a_clock_that_runs_is_not_resumed() -> None:
    story(*LIFE.running(), LIFE.office(c.Resume)).refused(c.ApplicationElsewhere)


def test_only_where_the_process_leads_it_goes() -> None:
    refused = story(*LIFE.running(), LIFE.office(c.Approve, supervisor=True)).refused(c.StepNotAllowed)
    assert refused.facts == {"step": "checking", "to": "approved", "allowed": ["decision", "rejected"]}
    story(*LIFE.running(), LIFE.office(c.TakeStep, step="nowhere")).refused(c.StepNotAllowed)
    story(*LIFE.filing(), LIFE.office(c.TakeStep, step="decision")).refused(c.ApplicationElsewhere)
    for end in ("approved", "rejected"):
        to_end = LIFE.office(c.TakeStep, step=end, supervisor=True)
        story(*LIFE.deciding(), to_end).refused(c.StepNotAllowed)


def test_a_supervisor_s_step_is_no_officer_s() -> None:
    story(*LIFE.deciding(), LIFE.office(c.Approve)).refused(c.SupervisorsStep)
    assert story(*LIFE.deciding(), LIFE.office(c.Approve, supervisor=True)).state.closed


def test_a_step_that_is_taken_again_has_its_time_again() -> None:
    back = LIFE.at(2 * HOUR).office(c.TakeStep, step="checking", supervisor=True)
    told = story(*LIFE.running(), LOOK(MONDAY + 3 * HOUR), LIFE.at(HOUR).office(c.TakeStep, step="decision"))
    assert [due.step for due in told.state.dues] == [None]
    again = told.when(back)
    assert [(due.at, due.told) for due in again.state.dues if due.step] == [(MONDAY + 7 * HOUR, False)]


def test_it_is_rejected_with_its_reasons_and_that_is_the_end() -> None:
    words = uuid4()
    told = story(*LIFE.running(), LIFE.office(c.Reject, reasons=("standard-not-met",), words=words))
    rejected, closed = told.happened[-2:]
    assert isinstance(rejected, a.ApplicationRejected) and isinstance(closed, a.ApplicationClosed)
    assert (rejected.words, closed.outcome) == (words, "rejected")


@pytest.mark.parametrize("when", [1, 4, 5, 6])
def test_the_applicant_may_withdraw_until_it_is_decided(when: int) -> None:
    told = story(*LIFE.deciding()[:when], c.Withdraw(at=MONDAY))
    assert kinds(told)[-2:] == ["application-withdrawn", "application-closed"]
    story(*LIFE.granted(), c.Withdraw(at=MONDAY)).refused(c.ApplicationElsewhere)


def test_what_has_a_product_ends_when_it_is_issued() -> None:
    life = Life(CARD)
    told = story(*life.granted())
    assert told.state.status == "approved" and not told.state.closed
    issue = life.office(c.IssueProduct, product=a_file("product"))
    assert kinds(told.when(issue)) == ["product-issued", "application-closed"]
    told.when(issue).refused(c.ApplicationElsewhere)


def test_nothing_is_issued_before_it_is_granted_or_where_there_is_nothing_to_issue() -> None:
    issue = Life(CARD).office(c.IssueProduct, product=a_file("product"))
    story(*Life(CARD).deciding(), issue).refused(c.ApplicationElsewhere)
    story(*LIFE.granted(), issue).refused(c.NoProduct)


def test_a_time_limit_is_said_to_come_near_and_to_pass_once_each() -> None:
    told = story(*LIFE.running())
    soon, over = LOOK(MONDAY + 3 * HOUR), LOOK(MONDAY + 4 * HOUR)
    assert kinds(told.when(LOOK(MONDAY + 2 * HOUR))) == []
    assert kinds(told.when(soon, soon)) == ["deadline-near"]
    assert kinds(told.when(over, over)) == ["deadline-passed"]


def test_after_a_night_without_a_scheduler_only_what_is_true_now_is_said() -> None:
    (passed,) = story(*LIFE.running()).when(LOOK(MONDAY + DAY)).happened
    assert isinstance(passed, a.DeadlinePassed) and passed.due.step == "checking"


def test_what_was_said_is_not_said_again_after_a_pause() -> None:
    told = story(*LIFE.running(), LOOK(MONDAY + 4 * HOUR))
    pause = LIFE.at(5 * HOUR).office(c.Pause, reason="facility-failure")
    assert kinds(told.when(pause, LIFE.at(6 * HOUR).office(c.Resume), LOOK(MONDAY + 6 * HOUR)))[2:] == []


def test_five_working_days_of_silence_grant_it_where_the_law_says_so() -> None:
    silent, law = story(*Life(SILENT).running()), MONDAY.replace(hour=0) + 8 * DAY
    assert "deemed-granted" not in kinds(silent.when(LOOK(law - timedelta(seconds=1))))
    assert kinds(silent.when(LOOK(law))) == ["deemed-granted", "application-closed"]
    assert silent.state.status == "deemed-granted"
    late = story(*LIFE.running(), LOOK(law))
    assert late.state.status == "in-progress" and "deadline-passed" in kinds(late)


def test_what_the_law_has_granted_nobody_decides_any_more() -> None:
    late = Life(SILENT, MONDAY.replace(hour=0) + 8 * DAY)
    for asked in (
        late.office(c.Reject, reasons=("standard-not-met",)),
        late.office(c.SendBack, reasons=("document-missing:str",)),
        late.office(c.Pause, reason="network-failure"),
    ):
        story(*Life(SILENT).running(), asked).refused(c.SilenceGranted)


def test_granted_by_silence_its_product_is_still_owed() -> None:
    life = Life(CARD.model_copy(update={"deemed_granted": True}))
    told = story(*life.running(), LOOK(MONDAY + 30 * DAY))
    assert told.state.status == "deemed-granted" and not told.state.closed
    issued = told.when(life.office(c.IssueProduct, product=a_file("product")))
    (closed,) = [event for event in issued.happened if isinstance(event, a.ApplicationClosed)]
    assert closed.outcome == "deemed-granted"


def test_who_claims_it_works_on_it_alone() -> None:
    told = story(*LIFE.filing(), LIFE.office(c.Claim))
    assert told.state.officer == WIN
    for asked in (c.Claim, c.Release, c.DeclareComplete):
        story(*LIFE.filing(), LIFE.office(c.Claim), LIFE.office(asked, NUR)).refused(c.ClaimedByAnother)
    assert kinds(told.when(LIFE.office(c.Claim))) == []
    assert told.when(LIFE.office(c.DeclareComplete)).state.status == "in-progress"


def test_what_is_released_anybody_may_take_and_a_supervisor_takes_over() -> None:
    told = story(*LIFE.filing(), LIFE.office(c.Claim), LIFE.office(c.Release))
    assert told.state.officer is None
    assert told.when(LIFE.office(c.Claim, NUR)).state.officer == NUR
    assert told.when(LIFE.office(c.Claim, WIN, supervisor=True)).state.officer == WIN


def test_a_forgotten_applicant_is_in_no_event_that_follows() -> None:
    told = story(*LIFE.running(), c.ForgetApplicant(MONDAY), c.ForgetApplicant(MONDAY))
    assert kinds(told).count("applicant-forgotten") == 1
    (taken,) = told.when(LIFE.office(c.TakeStep, step="decision")).happened
    assert isinstance(taken, a.StepTaken) and taken.citizen is None


def test_time_never_runs_back_in_a_history() -> None:
    (declared,) = story(*LIFE.filing()).when(LIFE.at(-DAY).office(c.DeclareComplete)).happened
    assert isinstance(declared, a.DeclaredComplete) and declared.at == MONDAY
    assert [due.at for due in declared.dues if due.step] == [MONDAY + 4 * HOUR]


def test_a_step_without_a_limit_of_its_own_has_that_of_the_decision() -> None:
    plain = LICENCE.model_copy(update={"steps": (STEP(code="only", leads_to=("approved",)),)})
    assert [due.step for due in story(*Life(plain).running()).state.dues] == [None]
