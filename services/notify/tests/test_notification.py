"""A notification as a story: wanted, tried, taken over or given up, and never handed over twice by itself."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as any_
from hypothesis import strategies as st

from mpp.eventsourcing.decider import Event, Rejected, fold
from mpp.testing.scenario import Scenario, given
from notify_service import notification as n
from notify_service.preferences import Channel

NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
SITI = UUID(int=7)
CHANNELS: list[Channel] = ["email", "telegram"]


def want(urgent: bool = True, lives: timedelta = 5 * MINUTE) -> n.Want:
    facts = {"number": "A012", "counter": "Loket 3"}
    return n.Want(
        citizen=SITI, mall="7406", kind="ticket-called", facts=facts, urgent=urgent, at=NOON, lives=lives
    )


def chosen(*more: Any, urgent: bool = True, lives: timedelta = 5 * MINUTE) -> Scenario[n.Notification]:
    return given(n.decider).when(want(urgent, lives), n.Choose(("email", "telegram"), NOON), *more)


def again(after: timedelta, chance: float = 1.0, asked: float | None = None) -> n.TryAgain:
    return n.TryAgain("email", NOON + after, "smtp-451", chance, asked)


def happened(story: Scenario[n.Notification]) -> list[type[Event]]:
    assert story.refusal is None, story.refusal
    return [type(event) for event in story.happened]


def test_it_is_tried_and_taken_over_on_each_channel_by_itself() -> None:
    story = chosen(n.Begin("email", NOON), n.Sent("email", NOON), n.Begin("telegram", NOON))
    assert happened(story)[2:] == [n.AttemptBegun, n.NotificationSent, n.AttemptBegun]
    assert {name: each.state for name, each in story.state.on.items()} == {
        "email": "sent",
        "telegram": "sending",
    }


def test_the_same_event_heard_again_wants_nothing_new() -> None:
    chosen().when(want(), n.Choose((), NOON)).then()


@pytest.mark.parametrize("asked", [n.Read(NOON), n.Begin("email", NOON), n.ForgetRecipient(NOON)])
def test_what_nobody_wanted_does_not_exist(asked: Any) -> None:
    given(n.decider).when(asked).refused(n.UnknownNotification)


def test_an_attempt_is_made_by_one_and_not_by_a_second() -> None:
    chosen(n.Begin("email", NOON)).when(n.Begin("email", NOON)).refused(n.NotNow)
    chosen(n.Begin("email", NOON), n.Sent("email", NOON)).when(n.Begin("email", NOON)).refused(n.NotNow)
    given(n.decider).when(want(), n.Choose((), NOON)).when(n.Begin("sms", NOON)).refused(n.NotNow)


def test_each_wait_is_twice_as_long_up_to_the_longest_and_then_it_is_given_up() -> None:
    story, waits = chosen(urgent=False, lives=72 * HOUR), []
    for attempt in range(1, n.MOST[False] + 1):
        story.when(n.Begin("email", NOON), again(timedelta()))
        last = story.happened[-1]
        if isinstance(last, n.AttemptFailed):
            assert last.attempts == attempt
            waits.append(last.again_at - NOON)
    assert waits == [15 * SECOND * 2**n for n in range(7)]
    assert isinstance(last, n.NotificationFailed) and last.reason == n.TOO_OFTEN


def test_what_failed_together_is_spread_and_what_the_other_side_asks_for_is_kept() -> None:
    spread = chosen(n.Begin("email", NOON), again(timedelta(), chance=0.25)).state.on["email"]
    assert spread.next_at == NOON + SECOND / 4
    asked = chosen(n.Begin("email", NOON), again(timedelta(), chance=0.25, asked=40)).state.on["email"]
    assert asked.next_at == NOON + 40 * SECOND


def test_nothing_is_said_when_it_is_not_true_any_more() -> None:
    late = chosen().when(n.Begin("email", NOON + 5 * MINUTE))
    assert happened(late) == [n.NotificationFailed] and late.state.on["email"].reason == n.EXPIRED
    waits = chosen(n.Begin("email", NOON)).when(again(timedelta(), asked=301))
    assert happened(waits) == [n.NotificationFailed] and waits.state.on["email"].reason == n.EXPIRED


def test_whoever_may_have_it_is_not_told_again_unless_a_human_says_so() -> None:
    unsure = chosen(n.Begin("email", NOON), n.GiveUp("email", NOON, n.UNSURE))
    unsure.when(n.Begin("email", NOON)).refused(n.NotNow)
    unsure.refusal = None
    retried = unsure.when(n.Retry("email", NOON + HOUR), n.Begin("email", NOON + HOUR))
    assert happened(retried) == [n.NotificationRetried, n.AttemptBegun]


def test_an_answer_that_comes_after_all_settles_what_was_unsure() -> None:
    unsure = chosen(n.Begin("email", NOON), n.GiveUp("email", NOON, n.UNSURE))
    assert unsure.when(n.Sent("email", NOON)).state.on["email"].state == "sent"
    chosen(n.GiveUp("email", NOON, "no-address")).when(n.Sent("email", NOON)).refused(n.NotNow)


def test_only_what_was_given_up_can_be_retried() -> None:
    chosen().when(n.Retry("email", NOON)).refused(n.NotNow)
    chosen(n.Begin("email", NOON), n.Sent("email", NOON)).when(n.Retry("email", NOON)).refused(n.NotNow)


def test_reading_twice_is_reading_once() -> None:
    story = chosen(n.Read(NOON))
    assert story.state.read
    story.when(n.Read(NOON)).then()


def test_somebody_forgotten_is_told_nothing_any_more() -> None:
    story = chosen(n.ForgetRecipient(NOON))
    assert story.state.gone and story.state.on == {}
    for asked in (n.Begin("email", NOON), n.Retry("email", NOON), n.Read(NOON), n.ForgetRecipient(NOON)):
        story.when(asked).then()


moments = st.integers(0, 600).map(lambda seconds: NOON + seconds * SECOND)
channels = st.sampled_from(CHANNELS)
commands = st.one_of(
    st.builds(n.Begin, channels, moments),
    st.builds(n.Sent, channels, moments),
    st.builds(n.GiveUp, channels, moments, st.sampled_from([n.UNSURE, "blocked"])),
    st.builds(n.TryAgain, channels, moments, st.just("busy"), st.floats(0, 1), st.none() | st.floats(0, 90)),
    st.builds(n.Read, moments),
    st.builds(n.ForgetRecipient, moments),
)


@any_(st.booleans(), st.lists(commands, max_size=60))
def test_in_any_order_of_things_nobody_is_told_the_same_twice(urgent: bool, tried: list[Any]) -> None:
    """Per channel: attempts follow failures only, end with the first end, and stay within their number."""
    state, log = n.Notification(), []
    for command in [want(urgent), n.Choose(("email", "telegram"), NOON), *tried]:
        try:
            events = n.decider.decide(command, state)
        except Rejected:
            continue
        state = fold(n.decider, events, state)
        log += events
    for channel in CHANNELS:
        told = [event for event in log if isinstance(event, n.OnChannel) and event.channel == channel]
        begun = [event for event in told if isinstance(event, n.AttemptBegun)]
        assert len(begun) <= n.MOST[urgent]
        assert all(event.at < NOON + 5 * MINUTE for event in begun)
        for before, event in itertools.pairwise(told):
            if isinstance(event, n.AttemptBegun):
                assert isinstance(before, n.AttemptFailed)
        ends = [event for event in told if isinstance(event, n.NotificationSent | n.NotificationFailed)]
        assert len(ends) <= 1 or [type(event) for event in ends] == [n.NotificationFailed, n.NotificationSent]
    assert fold(n.decider, log) == state
