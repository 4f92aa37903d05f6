"""A visit: several services, one ticket, at most one call at a time."""

import pytest

from mpp.eventsourcing.decider import Invalid
from queue_service import command as c
from queue_service import ticket as t
from queue_service.issuing import LineFull, TooManyServices
from queue_service.ticket import Stop, WrongState

from .day import after, at, call, issue, on, ticket, tid, waiting

A, B, D = Stop(service="a.1", line="A"), Stop(service="b.1", line="B"), Stop(service="d.1", line="D")


def visit(number: int, first: str = "a.1", *also: str, clock: str = "08:00") -> c.IssueTicket:
    return c.IssueTicket(at(clock), tid(number), first, "kiosk", None, None, also)


def test_one_number_waits_in_all_its_lines() -> None:
    story = after(issue(9, service="b.1")).when(visit(1, "a.1", "b.1"))
    (issued,) = story.happened
    assert isinstance(issued, t.TicketIssued) and issued.number == "A001" and issued.also == (B,)
    assert waiting(story.state, "A") == [1] and waiting(story.state, "B") == [9, 1]
    assert story.state.ahead_of(ticket(story.state, 1)) == 0


def test_while_it_is_called_by_one_line_no_other_calls_it() -> None:
    hall = after(visit(1, "a.1", "b.1"), call("1", "08:05")).state
    assert waiting(hall, "A") == waiting(hall, "B") == []
    after(visit(1, "a.1", "b.1"), call("1", "08:05")).when(call("3", "08:06")).then()


def test_when_one_service_ends_it_is_first_in_the_next() -> None:
    begun = [visit(1, "a.1", "b.1"), issue(2, "08:01", "b.1"), call("1", "08:05"), on(c.Start, 1, "08:05")]
    story = after(*begun).when(on(c.Complete, 1, "08:10"))
    (served,) = story.happened
    assert isinstance(served, t.TicketServed) and (served.service, served.onward) == ("a.1", B)
    assert waiting(story.state, "B") == [1, 2]
    ended = story.when(call("3", "08:11"), on(c.Start, 1, "08:11"), on(c.Complete, 1, "08:15")).state
    assert ticket(ended, 1).status == "completed" and ticket(ended, 1).done == (A, B)


def test_the_second_line_may_be_the_first_to_call() -> None:
    hall = after(issue(9), visit(1, "a.1", "b.1"), call("3", "08:05")).state
    now = ticket(hall, 1)
    assert (now.line, now.service, now.rest) == ("B", "b.1", (A,)) and now.number == "A002"


def test_a_counter_serves_two_of_its_services_in_one_sitting() -> None:
    begun = [visit(1, "a.1", "b.1"), call("2", "08:05"), on(c.Start, 1, "08:05")]
    story = after(*begun).when(on(c.Complete, 1, "08:10", onward="b.1"))
    now = ticket(story.state, 1)
    assert (now.status, now.service, now.counter) == ("serving", "b.1", "2") and story.state.busy["2"] == tid(
        1
    )
    hall = story.when(on(c.Complete, 1, "08:14")).state
    assert hall.spent["a.1"].seconds == 300 and hall.spent["b.1"].seconds == 240
    assert ticket(hall, 1).status == "completed" and "2" not in hall.busy


def test_a_service_is_added_at_the_counter_and_another_dropped() -> None:
    begun = [issue(1), call("2"), on(c.Start, 1)]
    added = after(*begun).when(on(c.AddService, 1, service="b.1"), on(c.AddService, 1, service="b.1")).state
    assert ticket(added, 1).rest == (B,)
    after(*begun, on(c.AddService, 1, service="b.1")).when(on(c.DropService, 1, service="a.1")).refused(
        WrongState
    )
    left = after(*begun, on(c.AddService, 1, service="b.1"), on(c.DropService, 1, service="b.1")).state
    assert ticket(left, 1).rest == ()


def test_dropping_what_it_is_here_for_leaves_the_rest() -> None:
    hall = after(visit(1, "a.1", "b.1"), on(c.DropService, 1, "08:02", service="a.1")).state
    assert waiting(hall, "A") == [] and waiting(hall, "B") == [1] and ticket(hall, 1).service == "b.1"
    after(issue(1)).when(on(c.DropService, 1, service="a.1")).refused(WrongState)
    after(issue(1)).when(on(c.DropService, 1, service="b.1")).refused(Invalid)


def test_each_line_of_a_visit_has_its_limit() -> None:
    full = [issue(1, service="b.1"), issue(2, service="b.1")]
    after(*full).when(visit(3, "a.1", "b.1")).refused(LineFull)
    after(visit(1, "a.1", "b.1"), visit(2, "a.1", "b.1")).when(issue(3, service="b.1")).refused(LineFull)
    after(*full, issue(3)).when(c.AddService(at("08:10"), tid(3), "b.1", limited=True)).refused(LineFull)


def test_a_visit_has_each_service_once_and_eight_at_most() -> None:
    after().when(visit(1, "a.1", "a.1")).refused(TooManyServices)
    after().when(visit(1, *["a.1", "b.1"] * 5)).refused(TooManyServices)


def test_who_misses_one_call_keeps_the_whole_visit() -> None:
    away = [visit(1, "a.1", "b.1"), call("3", "08:05"), on(c.Miss, 1, "08:08")]
    hall = after(*away, on(c.Rejoin, 1, "08:10")).state
    assert waiting(hall, "A") == waiting(hall, "B") == [1]


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_the_holder_is_told_once_when_it_is_the_nth(nth: int) -> None:
    story = after(*(issue(n) for n in range(1, 6))).when(c.WishNear(at("08:05"), tid(5), nth))
    told = []
    for n in range(1, 5):
        story = story.when(call("1"), on(c.Miss, n))
        told += [event for event in story.happened if isinstance(event, t.TicketNear)]
    assert [(event.ticket, event.position) for event in told] == [(tid(5), nth)]


def test_who_is_near_already_is_told_at_once_and_who_changed_his_mind_is_not() -> None:
    story = after(issue(1)).when(c.WishNear(at("08:05"), tid(1), 3))
    assert [event.type for event in story.happened] == ["near-wished", "ticket-near"]
    quiet = after(
        issue(1), issue(2), c.WishNear(at("08:05"), tid(2), 1), c.WishNear(at("08:06"), tid(2), None)
    )
    assert [event.type for event in quiet.when(call("1")).happened] == ["ticket-called"]
