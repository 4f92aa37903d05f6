"""How people are told: by what they agreed to, where they can be reached, and not at night."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as any_
from hypothesis import strategies as st

from mpp.testing.scenario import given
from notify_service import preferences as p
from notify_service.kinds import KINDS, Group

CALL, ANSWER = KINDS["ticket-called"], KINDS["complaint-answered"]
KENDARI = ZoneInfo("Asia/Makassar")
ALL = p.CHANNELS


def wish(
    off: dict[Group, tuple[p.Channel, ...]] | None = None,
    quiet: tuple[time, time] | None = p.QUIET,
    zone: str = "Asia/Makassar",
) -> p.SetPreferences:
    return p.SetPreferences(off or {}, quiet, zone, "id")


def after(*commands: Any) -> p.Preferences:
    return given(p.decider).when(*commands).state


def test_nobody_is_told_outside_the_inbox_before_they_agreed() -> None:
    assert after(p.HearContacts(ALL)).through(CALL) == ()
    assert after(p.HearContacts(ALL), p.HearConsent(True)).through(CALL) == ("email", "telegram")
    assert after(p.HearContacts(ALL), p.HearConsent(True), p.HearConsent(False)).through(CALL) == ()


def test_a_text_message_is_sent_only_where_there_is_no_other_way_here() -> None:
    known = after(p.HearContacts(("telegram", "sms")), p.HearConsent(True))
    assert known.through(CALL) == ("telegram",)
    assert known.through(CALL, installed=["email", "sms"]) == ("sms",)
    assert known.through(CALL, installed=["email"]) == ()


def test_a_channel_is_off_for_the_group_it_was_switched_off_for() -> None:
    known = after(p.HearContacts(ALL), p.HearConsent(True), wish({"complaints": ("email", "telegram")}))
    assert known.through(CALL) == ("email", "telegram")
    assert known.through(ANSWER) == ("sms",)


@pytest.mark.parametrize(
    ("clock", "until"),
    [
        ("2026-11-24T20:59", "2026-11-24T20:59"),
        ("2026-11-24T21:00", "2026-11-25T07:00"),
        ("2026-11-25T00:30", "2026-11-25T07:00"),
        ("2026-11-25T06:59", "2026-11-25T07:00"),
        ("2026-11-25T07:00", "2026-11-25T07:00"),
    ],
)
def test_at_night_an_answer_waits_for_the_morning_where_they_live(clock: str, until: str) -> None:
    now, then = (datetime.fromisoformat(each).replace(tzinfo=KENDARI) for each in (clock, until))
    assert after(wish()).not_before(ANSWER, now) == then


def test_one_s_turn_is_told_at_night_too() -> None:
    midnight = datetime(2026, 11, 25, tzinfo=KENDARI)
    assert after(wish()).not_before(CALL, midnight) == midnight


@any_(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    st.one_of(st.none(), st.tuples(st.times(), st.times())),
    st.sampled_from(["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"]),
)
def test_nothing_waits_longer_than_a_night_and_none_comes_within_it(
    clock: datetime, quiet: tuple[time, time] | None, zone: str
) -> None:
    now = clock.replace(tzinfo=ZoneInfo(zone))
    known = after(wish(quiet=quiet, zone=zone))
    then = known.not_before(ANSWER, now)
    assert now <= then <= now + timedelta(days=1)
    assert known.not_before(ANSWER, then) == then


def test_saying_the_same_again_changes_nothing() -> None:
    story = given(p.decider).when(p.HearContacts(ALL), p.HearConsent(True), wish())
    story.when(p.HearContacts(ALL), p.HearConsent(True), wish()).then()


def test_what_was_forgotten_is_as_if_it_had_never_been() -> None:
    noon = datetime(2026, 11, 24, 12, tzinfo=KENDARI)
    story = given(p.decider).when(p.HearContacts(ALL), wish(), p.ForgetPreferences(noon))
    assert story.state == p.Preferences()
    story.when(p.ForgetPreferences(noon)).then()
