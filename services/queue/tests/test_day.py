"""A day as a whole: it is opened, its plan changes, time goes forward, it ends."""

from datetime import date

import pytest

from mpp.testing.scenario import given
from queue_service import command as c
from queue_service import hall as h
from queue_service import issuing, rules
from queue_service import ticket as t
from queue_service.hall import Hall, mall_and_day, stream_of
from queue_service.plan import Line

from .day import (
    MONDAY,
    PLAN,
    after,
    at,
    call,
    issue,
    issues,
    on,
    opened,
    order,
    planned,
    served,
    ticket,
    tid,
    waiting,
)


@pytest.mark.parametrize("mall", ["7406", "7406-2"])
def test_a_hall_is_named_after_its_mall_and_day(mall: str) -> None:
    assert stream_of(mall, date(2026, 1, 5)) == f"hall-{mall}-2026-01-05"
    assert mall_and_day(f"hall-{mall}-2026-01-05") == (mall, date(2026, 1, 5))


@pytest.mark.parametrize("command", [issue(1), call(), on(c.Cancel, 1), c.CloseHall(at("17:00"))])
def test_before_a_hall_is_opened_nothing_is_decided(command: c.At) -> None:
    given(rules.decider).when(command).refused(rules.HallNotOpened)


def test_a_hall_is_opened_once_with_the_plan_of_the_day() -> None:
    story = given(rules.decider).when(c.OpenHall(at("07:00"), PLAN))
    story.then(h.HallOpened(plan=PLAN, at=at("07:00")))
    assert story.when(c.OpenHall(at("07:01"), planned(hours=None))).then().plan == PLAN


def test_a_plan_that_says_nothing_new_changes_nothing() -> None:
    after().when(c.ChangePlan(at("08:00"), PLAN.model_copy(deep=True))).then()


def test_a_changed_plan_holds_from_the_next_command_on() -> None:
    closed = planned(lines={**PLAN.lines, "A": Line(letter="A", title="A", closed="staff-shortage")})
    story = after(issue(1)).when(c.ChangePlan(at("09:00"), closed))
    story.then(h.PlanChanged(plan=closed, at=at("09:00")))
    assert story.when(issue(2, "09:01")).refused(issuing.LineClosed).facts["reason"] == "staff-shortage"


def test_who_waits_in_a_line_that_closes_is_still_called() -> None:
    closed = planned(lines={**PLAN.lines, "A": Line(letter="A", title="A", closed="flood")})
    story = after(issue(1)).when(c.ChangePlan(at("09:00"), closed), call("1", "09:01"))
    assert isinstance(story.happened[-1], t.TicketCalled)


def test_a_lower_capacity_stops_the_line_and_a_higher_one_opens_it_again() -> None:
    def room(capacity: int) -> c.ChangePlan:
        lines = {**PLAN.lines, "A": Line(letter="A", title="A", capacity=capacity)}
        return c.ChangePlan(at("09:00"), planned(lines=lines))

    after(*issues(1, 2, 3), room(2)).when(issue(4, "09:01")).refused(issuing.LineFull)
    after(*issues(1, 2, 3), room(2), room(4)).when(issue(4, "09:01")).then(
        t.TicketIssued(
            ticket=tid(4),
            number="A004",
            line="A",
            at=at("09:01"),
            service="a.1",
            channel="kiosk",
            seq=4,
            rank=1,
            order=order("09:01", 3),
        )
    )


def test_time_never_runs_backwards_in_a_hall() -> None:
    hall = after(issue(1, "10:00"), call("1", "09:00"), on(c.Start, 1, "08:00")).state
    assert hall.last_at == at("10:00") and ticket(hall, 1).serving_since == at("10:00")
    late = after(issue(1, "15:29"), c.CallNext(at("15:31"), "1")).when(issue(2, "15:00"))
    late.refused(issuing.MallClosed)


def test_at_the_end_of_the_day_everybody_has_a_final_state() -> None:
    day = [
        *issues(1, 2, 3, 4, 5),
        *served(1),
        call("1", "09:00"),
        on(c.Hold, 2, "09:01"),
        call("1", "09:02"),
        on(c.Cancel, 4, "09:03"),
    ]
    story = after(*day).when(c.CloseHall(at("16:00")))
    assert story.happened[-1] == h.HallClosed(at=at("16:00"))
    lapsed = [event for event in story.happened if isinstance(event, t.TicketLapsed)]
    assert [event.ticket.int for event in lapsed] == [2, 3, 5]
    statuses = [ticket(story.state, n).status for n in range(1, 6)]
    assert statuses == ["completed", "lapsed", "lapsed", "cancelled", "lapsed"]
    assert waiting(story.state) == [] and not story.state.busy


def test_the_day_does_not_end_while_somebody_is_served() -> None:
    story = after(issue(1), call("1"), on(c.Start, 1)).when(c.CloseHall(at("16:00")))
    assert story.refused(rules.ServiceGoesOn).facts == {"number": "A001", "counter": "1"}


def test_nothing_happens_after_the_end_of_the_day() -> None:
    ended = [issue(1), c.CloseHall(at("16:00"))]
    late: list[c.At] = [
        issue(2),
        call(),
        on(c.Rejoin, 1),
        c.CloseHall(at("17:00")),
        c.ChangePlan(at("17:00"), PLAN),
    ]
    for command in [*late, c.QuickServe(at("16:01"), tid(3), "a.1", "1")]:
        assert after(*ended).when(command).refused(issuing.MallClosed).facts["reason"] == "day-over"


def test_an_empty_day_ends_too() -> None:
    given(rules.decider, *opened()).when(c.CloseHall(at("16:00"))).then(h.HallClosed(at=at("16:00")))


def test_a_hall_begins_empty_and_knows_its_date() -> None:
    hall = after().state
    assert hall.plan and hall.plan.date == MONDAY and hall.count == 0 and not hall.tickets
    assert Hall().plan is None
