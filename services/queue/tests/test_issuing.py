"""Taking a number: when, in which line, and up to how many."""

import pytest

from mpp.testing.scenario import given
from queue_service import command as c
from queue_service import issuing, rules
from queue_service import ticket as t
from queue_service.plan import Line, Service, UnknownService
from queue_service.ticket import number_of

from .day import PLAN, after, at, call, issue, issues, on, opened, order, planned, tid, waiting


def numbers(*commands: c.At) -> list[str]:
    """The numbers that these commands give, on a fresh day."""
    story = after().when(*commands)
    assert story.refusal is None
    return [event.number for event in story.happened if isinstance(event, t.TicketIssued)]


def test_the_first_ticket_of_a_line_is_number_one_and_tells_everything() -> None:
    given(rules.decider, *opened()).when(issue(1, "08:00", channel="web", priority="elderly")).then(
        t.TicketIssued(
            ticket=tid(1),
            number="A001",
            line="A",
            at=at("08:00"),
            service="a.1",
            channel="web",
            seq=1,
            rank=0,
            order=order("08:00"),
            priority="elderly",
        )
    )


def test_each_line_counts_for_itself() -> None:
    assert numbers(issue(1), issue(2, service="d.1"), issue(3), issue(4, service="d.1")) == [
        "A001",
        "D001",
        "A002",
        "D002",
    ]


def test_a_refused_ticket_takes_no_number() -> None:
    story = after(issue(1)).when(issue(2, service="no.such"))
    story.refused(UnknownService)
    assert story.when(issue(3)).happened[0].number == "A002"  # type: ignore[attr-defined]


def test_after_999_comes_a_thousand_and_lines_may_have_two_letters() -> None:
    assert [number_of("A", 7), number_of("A", 999), number_of("A", 1000)] == ["A007", "A999", "A1000"]
    letters = {"AB": Line(letter="AB", title="Beyond Z")}
    plan = planned(lines=letters, services={"ab.1": Service(code="ab.1", line="AB", minutes=5)})
    (event,) = after(plan=plan).when(issue(1, service="ab.1")).happened
    assert isinstance(event, t.TicketIssued) and event.number == "AB001"


def test_the_thousandth_ticket_of_a_day_is_issued_like_any_other() -> None:
    assert numbers(*[issue(n) for n in range(1, 1003)])[-4:] == ["A999", "A1000", "A1001", "A1002"]


@pytest.mark.parametrize(
    ("clock", "reason"),
    [("07:29:59", "before-opening"), ("15:30", "after-last-ticket"), ("23:59", "after-last-ticket")],
)
def test_no_ticket_is_issued_outside_the_hours(clock: str, reason: str) -> None:
    refusal = given(rules.decider, *opened()).when(issue(1, clock)).refused(issuing.MallClosed)
    assert refusal.facts["reason"] == reason


@pytest.mark.parametrize("clock", ["07:30", "15:29:59"])
def test_the_first_and_the_last_moment_count(clock: str) -> None:
    assert given(rules.decider, *opened()).when(issue(1, clock)).refusal is None


def test_a_day_without_hours_issues_nothing_and_says_why() -> None:
    refusal = after(plan=planned(hours=None, closed="holiday")).when(issue(1)).refused(issuing.MallClosed)
    assert refusal.facts["reason"] == "holiday"


def test_a_line_closed_by_hand_issues_nothing_and_the_others_go_on() -> None:
    story = after().when(issue(1, service="c.1"))
    assert story.refused(issuing.LineClosed).facts == {"line": "C", "reason": "flood"}
    assert numbers(issue(2)) == ["A001"]


def test_a_line_issues_its_capacity_and_no_more() -> None:
    full = after(*issues(1, 2, service="b.1")).when(issue(3, service="b.1")).refused(issuing.LineFull)
    assert full.facts == {"line": "B", "capacity": 2, "kept_for_bookings": 0}


def test_what_was_cancelled_is_not_issued_again() -> None:
    story = after(*issues(1, 2, service="b.1"), on(c.Cancel, 1))
    story.when(issue(3, service="b.1")).refused(issuing.LineFull)


def test_a_channel_has_its_quota_and_another_channel_still_has_some() -> None:
    story = after(issue(1, service="b.1", channel="web"))
    refusal = story.when(issue(2, service="b.1", channel="web")).refused(issuing.QuotaUsed)
    assert refusal.facts == {"line": "B", "channel": "web", "quota": 1}
    assert numbers(issue(1, service="b.1", channel="web"), issue(2, service="b.1")) == ["B001", "B002"]


def test_a_capacity_of_nothing_issues_nothing() -> None:
    lines = {**PLAN.lines, "A": Line(letter="A", title="A", capacity=0)}
    after(plan=planned(lines=lines)).when(issue(1)).refused(issuing.LineFull)


def test_an_unknown_priority_class_is_refused_and_the_known_ones_are_named() -> None:
    refusal = after().when(issue(1, priority="vip")).refused(issuing.UnknownPriority)
    assert refusal.facts["known"] == ["disabled", "elderly", "pregnant"] and refusal.status == 422


def test_priority_goes_before_and_keeps_its_own_order() -> None:
    hall = after(*issues(1, 2), *issues(3, 4, priority="elderly"), issue(5, priority="pregnant")).state
    assert waiting(hall) == [3, 4, 5, 1, 2]


def test_quick_service_takes_a_number_starts_at_once_and_is_not_bound_by_the_limits() -> None:
    story = after(*issues(1, 2, service="b.1"))
    hall = story.when(c.QuickServe(at("06:00"), tid(3), "b.1", "3")).then(
        t.TicketIssued(
            ticket=tid(3),
            number="B003",
            line="B",
            at=at("08:00"),
            service="b.1",
            channel="counter",
            seq=3,
            rank=1,
            order=order("08:00", 2),
            quick=True,
        ),
        t.TicketStarted(
            ticket=tid(3), number="B003", line="B", at=at("08:00"), counter="3", turn=1, quick="b.1"
        ),
    )
    assert hall.ticket(tid(3)).status == "serving" and waiting(hall, "B") == [1, 2]


def test_quick_service_needs_a_free_counter() -> None:
    after(issue(1), call("1")).when(c.QuickServe(at("08:31"), tid(2), "a.1", "1")).refused(
        issuing.CounterBusy
    )
