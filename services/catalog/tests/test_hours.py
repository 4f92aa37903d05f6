"""When a mall is open: week, holidays, overrides, and which of them speaks first."""

import datetime as dt

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from catalog_service.hours import (
    Calendar,
    DayNotOverridden,
    DayOfAnotherYear,
    DayOverridden,
    DayRestored,
    HolidaysSet,
    Hours,
    HoursSet,
    OverrideDay,
    RestoreDay,
    SetHolidays,
    SetHours,
    Week,
)
from catalog_service.mall import NoSuchMall
from catalog_service.national import national
from catalog_service.rules import decider
from mpp.eventsourcing.decider import Event
from mpp.testing.scenario import given

DAY = Hours(opens=dt.time(7, 30), closes=dt.time(16), last_ticket=dt.time(15, 30))
SHORT = Hours(opens=dt.time(8), closes=dt.time(12), last_ticket=dt.time(12))
WEEK: Week = (DAY, DAY, DAY, DAY, DAY, None, None)
MONDAY, SUNDAY = dt.date(2026, 11, 23), dt.date(2026, 11, 22)
HOLIDAY = {MONDAY: "Hari Jadi"}


def test_weekly_hours_are_set_once_and_saying_them_again_changes_nothing(mall: list[Event]) -> None:
    state = given(decider, *mall).when(SetHours(week=WEEK), SetHours(week=WEEK)).then(HoursSet(week=WEEK))
    assert state.calendar.hours_on(MONDAY).hours == DAY
    assert state.calendar.hours_on(SUNDAY).hours is None


def test_a_mall_that_nobody_defined_has_no_hours() -> None:
    given(decider).when(SetHours(week=WEEK)).refused(NoSuchMall)


def test_a_holiday_closes_a_weekday(mall: list[Event]) -> None:
    state = (
        given(decider, *mall, HoursSet(week=WEEK))
        .when(SetHolidays(year=2026, days=HOLIDAY))
        .then(HolidaysSet(year=2026, days=HOLIDAY))
    )
    day = state.calendar.hours_on(MONDAY)
    assert (day.hours, day.why, day.holiday) == (None, "holiday", "Hari Jadi")


def test_a_holiday_of_another_year_is_refused(mall: list[Event]) -> None:
    given(decider, *mall).when(SetHolidays(year=2027, days=HOLIDAY)).refused(DayOfAnotherYear)


def test_an_override_speaks_before_a_holiday_until_it_is_taken_back(mall: list[Event]) -> None:
    known = [*mall, HoursSet(week=WEEK), HolidaysSet(year=2026, days=HOLIDAY)]
    override = OverrideDay(date=MONDAY, hours=SHORT, reason="election")
    state = (
        given(decider, *known).when(override).then(DayOverridden(date=MONDAY, hours=SHORT, reason="election"))
    )
    day = state.calendar.hours_on(MONDAY)
    assert (day.hours, day.reason, day.holiday) == (SHORT, "election", "Hari Jadi")
    state = (
        given(decider, *known)
        .when(override, RestoreDay(date=MONDAY))
        .then(
            DayOverridden(date=MONDAY, hours=SHORT, reason="election"),
            DayRestored(date=MONDAY),
        )
    )
    assert state.calendar.hours_on(MONDAY).why == "holiday"


def test_only_an_overridden_day_can_be_restored(mall: list[Event]) -> None:
    given(decider, *mall).when(RestoreDay(date=MONDAY)).refused(DayNotOverridden)


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        ("07:29", "not-yet-open"),
        ("07:30", "open"),
        ("15:29:59", "open"),
        ("15:30", "last-ticket-passed"),
        ("15:59", "last-ticket-passed"),
        ("16:00", "over"),
    ],
)
def test_the_day_changes_state_at_its_hours(moment: str, state: str) -> None:
    assert Calendar(week=WEEK).hours_on(MONDAY).state_at(dt.time.fromisoformat(moment)) == state


def test_a_closed_day_is_closed_at_any_time() -> None:
    assert Calendar(week=WEEK).hours_on(SUNDAY).state_at(dt.time(10)) == "closed"


@pytest.mark.parametrize(
    "span",
    [
        {"opens": "08:00", "closes": "08:00"},
        {"opens": "16:00", "closes": "08:00"},
        {"opens": "08:00", "closes": "16:00", "last_ticket": "16:01"},
        {"opens": "08:00", "closes": "16:00", "last_ticket": "08:00"},
        {"opens": "08:00+08:00", "closes": "16:00+08:00"},
    ],
)
def test_hours_that_contradict_themselves_are_refused(span: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Hours.model_validate(span)


def test_without_a_word_on_it_the_last_ticket_is_issued_until_closing() -> None:
    assert Hours.model_validate({"opens": "08:00", "closes": "12:00"}) == SHORT


DATES = st.dates(dt.date(2026, 1, 1), dt.date(2027, 12, 31))


@for_all(
    date=DATES,
    holidays=st.dictionaries(DATES, st.just("libur"), max_size=20),
    overrides=st.dictionaries(DATES, st.sampled_from([None, SHORT]), max_size=20),
)
def test_on_every_date_exactly_one_of_the_three_speaks(
    date: dt.date, holidays: dict[dt.date, str], overrides: dict[dt.date, Hours | None]
) -> None:
    by_year = {year: {d: n for d, n in holidays.items() if d.year == year} for year in (2026, 2027)}
    by_hand = {d: DayOverridden(date=d, hours=hours, reason="test") for d, hours in overrides.items()}
    day = Calendar(WEEK, by_year, by_hand).hours_on(date)
    if date in overrides:
        assert (day.why, day.hours) == ("override", overrides[date])
    elif date in holidays:
        assert (day.why, day.hours) == ("holiday", None)
    else:
        assert (day.why, day.hours) == ("week", WEEK[date.weekday()])


def test_the_national_calendar_knows_holidays_and_joint_leave_by_their_indonesian_names() -> None:
    days = national(2026).days
    assert days[dt.date(2026, 8, 17)] == "Hari Kemerdekaan Republik Indonesia"
    assert days[dt.date(2026, 12, 24)].startswith("Cuti Bersama")
