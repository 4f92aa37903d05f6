"""Whatever the process and whatever is asked in whatever order: nothing gets stuck, nothing ends twice."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpp.eventsourcing.decider import Event, fold
from mpp.eventsourcing.log import Recorded
from tracking_service import application as a
from tracking_service import command as c
from tracking_service import rules
from tracking_service.__main__ import check
from tracking_service.process import Process

from .any_life import Told, a_wish, any_process, begun, towards_an_end
from .cases import LICENCE, MONDAY

MOMENTS = st.datetimes(datetime(2026, 11, 24), datetime(2027, 2, 1))
DECIDED: dict[type[Event], str] = {
    a.ApplicationApproved: "approved",
    a.DeemedGranted: "deemed-granted",
    a.ApplicationRejected: "rejected",
    a.ApplicationWithdrawn: "withdrawn",
}


def promises(told: Told) -> None:
    """What must be true of every application at any time."""
    log, state = told.log, told.state
    times = [event.at for event in log if isinstance(event, a.ApplicationEvent)]
    assert times == sorted(times)
    ended = [event for event in log if type(event) in DECIDED]
    closed = [event for event in log if isinstance(event, a.ApplicationClosed)]
    assert len(ended) <= 1 and len(closed) <= 1
    if closed:
        assert log[-1] is closed[0] or {*map(type, log[log.index(closed[0]) + 1 :])} <= {a.ApplicantForgotten}
        assert closed[0].outcome == state.status == DECIDED[type(ended[0])]
    assert state.closed == bool(closed)
    running = state.status == "in-progress"
    assert not state.dues or running
    assert all(due.near <= due.at for due in state.dues)
    assert state.step in {"", *(step.code for step in told.process.steps)}
    assert len({due.step for due in state.dues}) == len(state.dues)
    assert fold(rules.decider, log) == state
    assert fold(rules.decider, [rules.decider.decode(e.type, e.model_dump_json()) for e in log]) == state


@settings(max_examples=150, deadline=None)
@given(any_process(), st.lists(a_wish(), max_size=40))
def test_whatever_happened_an_application_can_be_brought_to_one_end(process: Process, wishes: Any) -> None:
    told = begun(process)
    for minutes, wish in wishes:
        told.ask(wish, minutes)
        promises(told)
    for _ in range(len(process.steps) + 5):
        if told.state.closed:
            break
        assert told.ask(lambda life: c.LookAtClock(life.now)) or told.ask(towards_an_end(told))
        promises(told)
    assert told.state.closed
    for _, wish in wishes:
        assert {*map(type, told.ask(wish))} <= {a.ApplicantForgotten}
    assert told.state.closed


@settings(max_examples=150, deadline=None)
@given(
    any_process(), st.lists(a_wish(), max_size=25), st.datetimes(datetime(2026, 11, 24), datetime(2027, 2, 1))
)
def test_a_time_limit_is_said_once_however_often_one_looks(
    process: Process, wishes: Any, moment: datetime
) -> None:
    told = begun(process)
    told.ask(lambda life: life.office(c.DeclareComplete))
    for minutes, wish in wishes:
        told.ask(wish, minutes)
    late = moment.replace(tzinfo=MONDAY.tzinfo)
    for _ in range(len(told.state.dues)):
        told.ask(lambda _: c.LookAtClock(late))
    assert told.ask(lambda _: c.LookAtClock(late)) == []
    assert all(due.next > late for due in told.state.dues)
    said: set[tuple[str, str | None, bool]] = set()
    for event in told.log:
        if isinstance(event, a.StepTaken | a.DeclaredComplete):
            said = {each for each in said if each[1] is None}  # another step, or the same anew
        if isinstance(event, a.DeadlineNear | a.DeadlinePassed):
            fact = (event.type, event.due.step, True)
            assert fact not in said
            said.add(fact)


@settings(max_examples=100, deadline=None)
@given(any_process().filter(lambda process: process.deemed_granted), st.lists(a_wish(), max_size=25))
def test_silence_grants_exactly_when_the_limit_of_the_decision_passes(process: Process, wishes: Any) -> None:
    told = begun(process)
    told.ask(lambda life: life.office(c.DeclareComplete))
    for minutes, wish in wishes:
        told.ask(wish, minutes)
    whole = [due for due in told.state.dues if due.step is None]
    if not whole:
        assert told.state.status != "in-progress"
        return
    if told.state.at < whole[0].at:
        told.ask(lambda _: c.LookAtClock(whole[0].at - timedelta(microseconds=1)))
        assert told.state.status == "in-progress"
    told.ask(lambda _: c.LookAtClock(whole[0].at))
    assert told.state.status == "deemed-granted"


@settings(max_examples=100, deadline=None)
@given(any_process(), st.lists(a_wish(), max_size=40))
def test_what_verify_looks_for_is_in_no_true_life(process: Process, wishes: Any) -> None:
    told = begun(process)
    for minutes, wish in wishes:
        told.ask(wish, minutes)
    assert check("application-x", lines(told.log)) == []


def lines(events: list[Event]) -> list[Recorded]:
    """As they stand in the log."""
    return [Recorded(n, UUID(int=n), "application-x", n, event, MONDAY) for n, event in enumerate(events, 1)]


@pytest.mark.parametrize("broken", ["not opened first and once", "closed twice"])
def test_verify_finds_a_broken_life(broken: str) -> None:
    told = begun(LICENCE)
    told.ask(lambda life: c.Withdraw(at=life.now))
    log = told.log[1:] if broken.startswith("not") else [*told.log, told.log[-1]]
    assert check("application-x", lines(log)) == [broken]
