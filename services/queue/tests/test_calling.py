"""At the counter: who is called, served, interrupted, handed on."""

import pytest

from mpp.eventsourcing.decider import Invalid
from queue_service import command as c
from queue_service import issuing
from queue_service import ticket as t
from queue_service.hall import Spent
from queue_service.plan import UnknownCounter, UnknownLine
from queue_service.ticket import UnknownTicket, WrongState

from .day import after, at, call, issue, issues, on, served, ticket, tid, waiting


def called(story_counter: str, *before: c.At) -> int | None:
    """Whom this counter calls after these commands."""
    happened = after(*before).when(call(story_counter)).happened
    return happened[0].ticket.int if happened else None  # type: ignore[attr-defined]


def test_a_call_names_the_number_and_the_counter() -> None:
    hall = (
        after(issue(1))
        .when(call("1", "08:30"))
        .then(
            t.TicketCalled(
                ticket=tid(1),
                number="A001",
                line="A",
                at=at("08:30"),
                counter="1",
                title="Loket 1",
                service="a.1",
                why=t.Why(rule="longest", waited_minutes=30, lines=("A",)),
                turn=1,
                waited=1800.0,
            )
        )
    )
    assert ticket(hall, 1).status == "called" and waiting(hall) == []


def test_when_nobody_waits_nothing_happens() -> None:
    after().when(call("1")).then()


def test_a_counter_without_lines_calls_nobody() -> None:
    after(issue(1)).when(call("4")).then()


def test_a_counter_calls_from_its_own_lines_only() -> None:
    assert called("3", issue(1), issue(2, service="b.1")) == 2


def test_a_counter_of_several_lines_calls_who_came_first() -> None:
    assert called("2", issue(1, service="b.1"), issue(2)) == 1
    assert called("2", issue(1), issue(2, service="b.1")) == 1


def test_priority_comes_before_order_across_lines() -> None:
    assert called("2", issue(1), issue(2, service="b.1", priority="elderly"), issue(3)) == 2


def test_who_waits_for_a_counter_alone_is_called_there_in_order() -> None:
    handed_on = [*issues(1, 2, 3), on(c.Transfer, 2, counter="3")]
    assert called("3", *handed_on) == 2
    assert called("1", *handed_on) == 1
    assert called("1", *handed_on, on(c.Cancel, 1)) == 3


def test_a_counters_own_list_and_its_lines_are_one_order() -> None:
    assert called("1", *issues(1, 2), on(c.Transfer, 2, counter="1")) == 1
    assert called("1", *issues(1, 2), on(c.Transfer, 1, counter="1")) == 1


@pytest.mark.parametrize("more", [[], [on(c.Start, 1)]], ids=["called", "serving"])
def test_a_busy_counter_calls_nobody_else(more: list[c.At]) -> None:
    refusal = after(*issues(1, 2), call("1"), *more).when(call("1")).refused(issuing.CounterBusy)
    assert refusal.facts == {"counter": "1", "number": "A001", "ticket": str(tid(1))}


@pytest.mark.parametrize("way", [c.Miss, c.Cancel, c.Hold])
def test_a_counter_is_free_again_when_its_person_is_gone(way: type[c.OfTicket]) -> None:
    assert called("1", *issues(1, 2), call("1"), on(way, 1)) == 2


def test_a_counter_is_free_again_after_a_service_or_a_transfer() -> None:
    assert called("1", *issues(1, 2), *served(1)) == 2
    assert called("1", *issues(1, 2), call("1"), on(c.Transfer, 1, line="D")) == 2


def test_an_unknown_counter_calls_nobody() -> None:
    after(issue(1)).when(call("9")).refused(UnknownCounter)


def test_a_recall_repeats_the_call_and_changes_nothing() -> None:
    story = after(issue(1), call("1"))
    before = ticket(story.state, 1)
    hall = story.when(on(c.Recall, 1, "08:32")).then(
        t.TicketRecalled(
            ticket=tid(1), number="A001", line="A", at=at("08:32"), counter="1", title="Loket 1", turn=1
        )
    )
    assert ticket(hall, 1) == before


def test_a_service_is_measured_from_start_to_completion() -> None:
    hall = (
        after(issue(1), call("1"), on(c.Start, 1, "08:31"))
        .when(on(c.Complete, 1, "08:40:30"))
        .then(
            t.TicketCompleted(
                ticket=tid(1),
                number="A001",
                line="A",
                at=at("08:40:30"),
                counter="1",
                service="a.1",
                served=570.0,
                turn=1,
            )
        )
    )
    assert ticket(hall, 1).status == "completed"


def test_a_counter_is_taken_from_the_call_until_it_is_free_again() -> None:
    held = after(issue(1), call("1", "08:30"), on(c.Start, 1, "08:31"), on(c.Hold, 1, "08:35")).state
    assert held.spent["a.1"] == Spent(0, 300.0, 300.0**2)
    back = [on(c.Resume, 1, "09:00"), on(c.Complete, 1, "09:02")]
    again = [issue(1), call("1", "08:30"), on(c.Start, 1, "08:31"), on(c.Hold, 1, "08:35"), *back]
    hall = after(*again, issue(2, "09:03"), call("1", "09:03"), on(c.Miss, 2, "09:06")).state
    assert hall.spent["a.1"] == Spent(2, 300.0 + 120.0 + 180.0, 300.0**2 + 120.0**2 + 180.0**2)


def test_an_interrupted_service_goes_on_at_another_counter_and_only_service_is_measured() -> None:
    story = after(issue(1), call("1"), on(c.Start, 1, "08:30"), on(c.Hold, 1, "08:35"))
    assert ticket(story.state, 1).status == "held" and "1" not in story.state.busy
    story.when(on(c.Resume, 1, "09:00", counter="2"), on(c.Complete, 1, "09:02"))
    assert isinstance(story.happened[-1], t.TicketCompleted)
    assert story.happened[-1].served == 7 * 60 and story.happened[-1].counter == "2"


def test_a_held_ticket_resumes_at_its_own_counter_when_none_is_named() -> None:
    story = after(issue(1), call("1"), on(c.Hold, 1)).when(on(c.Resume, 1, "09:00"))
    story.then(t.TicketResumed(ticket=tid(1), number="A001", line="A", at=at("09:00"), counter="1", turn=1))


def test_a_held_ticket_does_not_resume_at_a_busy_counter() -> None:
    story = after(*issues(1, 2), call("1"), on(c.Hold, 1), call("1"))
    story.when(on(c.Resume, 1)).refused(issuing.CounterBusy)


def test_a_transfer_to_a_line_keeps_the_order_of_arrival() -> None:
    arrived = [issue(1, service="d.1"), issue(2), issue(3, service="d.1"), issue(4)]
    story = after(*arrived).when(on(c.Transfer, 2, "09:00", line="D"))
    hall = story.then(
        t.TicketTransferred(
            ticket=tid(2), number="A001", line="D", at=at("09:00"), from_line="A", counter=None, served=0.0
        )
    )
    assert waiting(hall, "D") == [1, 2, 3] and waiting(hall) == [4]


def test_a_transfer_to_a_counter_keeps_the_line_and_waits_for_that_counter() -> None:
    hall = after(*issues(1, 2)).when(on(c.Transfer, 1, "09:00", counter="3")).state
    assert waiting(hall, "@3") == [1] and ticket(hall, 1).line == "A" and ticket(hall, 1).counter == "3"


def test_time_already_served_is_not_lost_in_a_transfer() -> None:
    story = after(issue(1), call("1"), on(c.Start, 1, "08:30"), on(c.Transfer, 1, "08:33", counter="3"))
    story.when(call("3", "08:40"), on(c.Start, 1, "08:40"), on(c.Complete, 1, "08:44"))
    assert isinstance(story.happened[-1], t.TicketCompleted) and story.happened[-1].served == 7 * 60


@pytest.mark.parametrize("to", [{}, {"line": "D", "counter": "3"}], ids=["neither", "both"])
def test_a_transfer_names_a_line_or_a_counter(to: dict[str, str]) -> None:
    after(issue(1)).when(on(c.Transfer, 1, **to)).refused(Invalid)


def test_a_transfer_goes_only_where_something_is() -> None:
    after(issue(1)).when(on(c.Transfer, 1, line="Z")).refused(UnknownLine)
    after(issue(1)).when(on(c.Transfer, 1, counter="9")).refused(UnknownCounter)


@pytest.mark.parametrize(
    "before", [[], [call("1")], [call("1"), on(c.Hold, 1)]], ids=["waits", "called", "held"]
)
def test_a_ticket_is_given_back_before_it_is_served(before: list[c.At]) -> None:
    hall = after(issue(1), *before).when(on(c.Cancel, 1, "09:00")).state
    assert ticket(hall, 1).status == "cancelled" and waiting(hall) == [] and not hall.busy


WAYS: dict[str, list[c.At]] = {
    "waiting": [],
    "called": [call("1")],
    "serving": [call("1"), on(c.Start, 1)],
    "held": [call("1"), on(c.Hold, 1)],
    "missed": [call("1"), on(c.Miss, 1)],
    "completed": served(1),
    "cancelled": [on(c.Cancel, 1)],
}
ALLOWED: dict[str, set[type[c.OfTicket]]] = {
    "waiting": {c.Cancel, c.Transfer},
    "called": {c.Recall, c.Start, c.Hold, c.Miss, c.Cancel, c.Transfer},
    "serving": {c.Complete, c.Hold, c.Transfer},
    "held": {c.Resume, c.Cancel, c.Transfer},
    "missed": {c.Rejoin},
    "completed": set(),
    "cancelled": set(),
}
ACTIONS = [c.Recall, c.Start, c.Complete, c.Hold, c.Resume, c.Miss, c.Rejoin, c.Cancel, c.Transfer]


@pytest.mark.parametrize("status", WAYS)
def test_each_state_allows_its_steps_and_refuses_every_other(status: str) -> None:
    for action in ACTIONS:
        story = after(issue(1), *WAYS[status])
        assert ticket(story.state, 1).status == status
        story.when(on(action, 1, "08:45", **({"line": "D"} if action is c.Transfer else {})))
        if action in ALLOWED[status]:
            assert story.refusal is None and len(story.happened) == 1
        else:
            assert story.refused(WrongState).facts == {"number": "A001", "status": status}


@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_is_done_with_a_ticket_of_another_hall(action: type[c.OfTicket]) -> None:
    to = {"line": "D"} if action is c.Transfer else {}
    after(issue(1)).when(on(action, 2, **to)).refused(UnknownTicket)
