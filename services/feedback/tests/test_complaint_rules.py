"""Complaints as stories, and their deadlines against a plain day-by-day count."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from hypothesis import given as any_
from hypothesis import strategies as st

from feedback_service import complaint as c
from feedback_service import rules as r
from feedback_service.workdays import WorkingDays
from mpp.testing.scenario import Scenario, given

ZONE = "Asia/Makassar"
DAYS = WorkingDays(ZONE, frozenset({date(2026, 12, 25)}))
MONDAY = datetime(2026, 11, 23, 10, tzinfo=ZoneInfo(ZONE))


def at(days: float = 0) -> dict[str, Any]:
    return {"at": MONDAY + timedelta(days=days), "days": DAYS}


def filed(**more: Any) -> r.FileComplaint:
    return r.FileComplaint(**(at() | {"mall": "7406", "number": "ADU-1", "kind": "complaint"} | more))


def story(*commands: Any) -> Scenario[Any]:
    return given(r.decider).when(*commands)


ANSWERED = (filed(), r.Verify(**at()), r.Forward(**at(), agency="samsat"), r.Answer(**at(1), outcome="fixed"))


def test_a_complaint_goes_from_the_reporter_to_the_agency_and_back() -> None:
    happened = story(*ANSWERED, r.Close(**at(2), reason="resolved")).happened
    types = [event.type for event in happened]
    assert types == [
        "complaint-filed",
        "complaint-verified",
        "complaint-forwarded",
        "complaint-answered",
        "complaint-closed",
    ]


def test_a_reason_may_not_say_fixed_when_the_answer_did_not() -> None:
    not_fixed = (*ANSWERED[:3], r.Answer(**at(1), outcome="not-fixed"))
    story(*not_fixed, r.Close(**at(2), reason="resolved")).refused(r.ReasonUntrue)
    story(filed(), r.Close(**at(2), reason="resolved")).refused(r.ReasonUntrue)
    assert story(*not_fixed, r.Close(**at(2), reason="no-evidence")).state.outcome == "not-fixed"


def test_ten_working_days_of_silence_close_it_and_confirm_nothing() -> None:
    answered = story(*ANSWERED)
    due = answered.state.dues[0].at
    early = answered.when(r.LookAtClock(due - timedelta(seconds=1)))
    assert [event.type for event in early.happened] == ["deadline-near"]
    (closed,) = early.when(r.LookAtClock(due)).happened
    assert isinstance(closed, c.ComplaintClosed)
    assert (closed.reason, closed.outcome) == ("no-reaction", "unconfirmed")
    assert due.date() == date(2026, 12, 9)  # answered Tuesday the 24th: ten working days end on December 8


def test_a_reply_keeps_it_open() -> None:
    replied = story(*ANSWERED, r.Reply(**at(2)))
    assert replied.state.status == "in-progress"
    assert [due.which for due in replied.state.dues] == ["follow-up"]


def test_each_deadline_is_said_once_however_often_the_clock_is_looked_at() -> None:
    later = r.LookAtClock(MONDAY + timedelta(days=400))
    said = story(filed(), later).happened[1:]
    assert [(event.type, getattr(event, "due").which) for event in said] == [  # noqa: B009
        ("deadline-passed", "forward"), ("deadline-passed", "class"),
    ]  # fmt: skip
    given(r.decider, *story(filed(), later).happened).when(later, later).then()


def test_an_aspiration_has_no_deadline_of_its_class() -> None:
    assert [due.which for due in story(filed(kind="aspiration")).state.dues] == ["forward"]


def test_a_complaint_of_another_class_has_that_class_s_deadline() -> None:
    due = story(filed(), r.Verify(**at(1), kind="information")).state.dues[-1]
    assert due.at == DAYS.end_after(MONDAY, 5)


def test_it_is_reopened_twice_at_most_and_not_after_a_month() -> None:
    withdrawn, again = r.Close(**at(2), reason="withdrawn"), r.Reopen(**at(3))
    story(filed(), withdrawn, again, withdrawn, again, withdrawn, again).refused(r.ReopenedTooOften)
    story(filed(), withdrawn, r.Reopen(**at(33))).refused(r.ReopenedTooLate)


def test_nothing_is_answered_before_an_agency_has_it() -> None:
    story(filed(), r.Answer(**at(1), outcome="fixed")).refused(r.ComplaintElsewhere)
    story(r.Verify(**at())).refused(r.UnknownComplaint)
    story(filed(anonymous=True, citizen=uuid4())).refused(r.AnonymousNamesNobody)


def test_who_is_forgotten_is_in_no_later_event() -> None:
    told = story(filed(citizen=uuid4()), r.ForgetReporter(MONDAY), r.Verify(**at(1))).happened
    assert [event.citizen is None for event in told] == [False, True, True]  # type: ignore[attr-defined]


@any_(
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    days=st.integers(1, 60),
    closed=st.frozensets(st.dates(date(2026, 1, 1), date(2028, 12, 31)), max_size=40),
)
def test_deadlines_agree_with_a_plain_count(moment: datetime, days: int, closed: frozenset[date]) -> None:
    day, left = moment.astimezone(ZoneInfo(ZONE)).date(), days
    while left:
        day += timedelta(days=1)
        if day.isoweekday() <= 5 and day not in closed:
            left -= 1
    due = WorkingDays(ZONE, closed).end_after(moment, days)
    assert due == datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE)) + timedelta(days=1)
