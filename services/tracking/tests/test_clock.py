"""The clock against a plain count of minutes, over any calendar, pauses and zones; and by known examples."""

from datetime import UTC, datetime, time, timedelta
from datetime import date as Date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tracking_service.clock import Calendar, Hours, NeverOpen, Pause, due

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
AWAY = 12 * DAY  # how far the plain count looks
BOMBANA = ZoneInfo("Asia/Makassar")
MONDAY = datetime(2026, 11, 23, 9, tzinfo=BOMBANA)

# Berlin and New York change their clocks within the days that are drawn: nights of 23 and 25 hours.
ZONES = st.sampled_from(
    ["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "Europe/Berlin", "America/New_York"]
)
STARTS = st.datetimes(datetime(2026, 10, 20), datetime(2026, 11, 5)) | st.datetimes(
    datetime(2027, 3, 10), datetime(2027, 3, 30)
)
OPENS = st.sampled_from([time(0), time(7, 30), time(8), time(11, 45)])
CLOSES = st.sampled_from([time(12), time(15, 30), time(16), time(0)])  # midnight: the end of the day
DAYS: st.SearchStrategy[Hours | None] = st.none() | st.tuples(OPENS, CLOSES)


@st.composite
def any_calendar(draw: st.DrawFn) -> Calendar:
    near = draw(STARTS).date()
    dates = st.integers(-3, 14).map(lambda n: near + n * DAY)
    return Calendar(
        draw(ZONES),
        tuple(draw(DAYS) for _ in range(7)),
        frozenset(draw(st.sets(dates, max_size=4))),
        draw(st.dictionaries(dates, DAYS, max_size=3)),
    )


def any_start(calendar: Calendar) -> st.SearchStrategy[datetime]:
    return STARTS.map(lambda at: at.replace(second=0, microsecond=0, tzinfo=ZoneInfo(calendar.zone)))


def any_pauses(start: datetime) -> st.SearchStrategy[list[Pause]]:
    """Also such that overlap, lie in the night, or last no time at all."""
    begins = st.integers(0, 8 * 24 * 60).map(lambda n: start.astimezone(UTC) + n * MINUTE)
    lasts = st.sampled_from([0, 1, 30, 240, 24 * 60, 3 * 24 * 60])
    one = st.builds(lambda at, n: (at, at + n * MINUTE), begins, lasts)
    return st.lists(one, max_size=4)


def opening(calendar: Calendar, day: Date) -> Hours | None:
    if day in calendar.special:
        return calendar.special[day]
    return None if day in calendar.closed else calendar.week[day.weekday()]


def counts(calendar: Calendar, minute: datetime, unit: str, pauses: list[Pause]) -> bool:
    """Whether this minute, looked at alone, is one in which the clock runs."""
    if any(begins <= minute < ends for begins, ends in pauses):
        return False
    wall = minute.astimezone(ZoneInfo(calendar.zone))
    hours = opening(calendar, wall.date())
    if hours is None or unit == "hours":
        return hours is not None
    opens, closes = hours
    return opens <= wall.time() and (closes == time(0) or wall.time() < closes)


def plainly(
    calendar: Calendar, start: datetime, minutes: int, unit: str, pauses: list[Pause]
) -> datetime | None:
    """Minute by minute."""
    minute, until = start.astimezone(UTC), start.astimezone(UTC) + AWAY
    while minute < until:
        minutes -= counts(calendar, minute, unit, pauses)
        minute += MINUTE
        if minutes == 0:
            return minute
    return None


@settings(max_examples=150, deadline=None)
@given(st.data(), any_calendar(), st.integers(1, 8), st.sampled_from(["hours", "working-hours"]))
def test_hours_are_counted_as_somebody_with_a_watch_would(
    data: st.DataObject, calendar: Calendar, hours: int, unit: Any
) -> None:
    start = data.draw(any_start(calendar))
    pauses = data.draw(any_pauses(start))
    for share in (1, 0.75):  # the whole limit, and when it is said to come near
        expected = plainly(calendar, start, int(hours * share * 60), unit, pauses)
        assume(expected)
        assert due(calendar, start, hours * share, unit, pauses) == expected


@settings(max_examples=150, deadline=None)
@given(st.data(), any_calendar(), st.integers(0, 6))
def test_days_are_counted_as_somebody_with_a_calendar_would(
    data: st.DataObject, calendar: Calendar, days: int
) -> None:
    start = data.draw(any_start(calendar))
    pauses = data.draw(any_pauses(start))
    zone, day, left = ZoneInfo(calendar.zone), start.date(), days
    while left:
        day += DAY
        assume(day < start.date() + AWAY)
        midnight = datetime.combine(day, time(), zone).astimezone(UTC)
        whole = (midnight + n * MINUTE for n in range(25 * 60))
        today = (minute for minute in whole if minute.astimezone(zone).date() == day)
        left -= any(counts(calendar, minute, "working-hours", pauses) for minute in today)
    expected = datetime.combine(day + DAY, time(), zone)
    assert due(calendar, start, days, "working-days", pauses) == expected


@settings(max_examples=100, deadline=None)
@given(st.data(), any_calendar(), st.sampled_from(["hours", "working-hours", "working-days"]))
def test_more_time_is_later_and_a_pause_never_earlier(
    data: st.DataObject, calendar: Calendar, unit: Any
) -> None:
    assume(any(calendar.week))
    start = data.draw(any_start(calendar))
    pauses = data.draw(any_pauses(start))
    ends = [due(calendar, start, amount, unit, pauses) for amount in (1, 2, 3)]
    assert start <= ends[0] < ends[1] < ends[2]
    assert due(calendar, start, 1, unit) <= ends[0]
    assert due(calendar, start, 1, unit, [*reversed(pauses), *pauses]) == ends[0]


@pytest.mark.parametrize(
    ("amount", "unit", "ends"),
    [
        (24, "hours", "2026-11-24T09:00"),
        (1, "working-hours", "2026-11-23T10:00"),
        (8, "working-hours", "2026-11-24T09:00"),
        (5, "working-days", "2026-12-01T00:00"),  # Tuesday to Friday, and Monday
    ],
)
def test_known_limits_from_a_monday_at_nine(amount: int, unit: Any, ends: str) -> None:
    expected = datetime.fromisoformat(ends).replace(tzinfo=BOMBANA)
    assert due(Calendar("Asia/Makassar"), MONDAY, amount, unit) == expected


def test_a_card_filed_on_friday_afternoon_is_due_on_monday_afternoon() -> None:
    friday = MONDAY + 4 * DAY + timedelta(hours=6)
    assert due(Calendar("Asia/Makassar"), friday, 24, "hours") == friday + 3 * DAY


def test_holidays_and_days_closed_by_hand_do_not_count_but_an_opened_saturday_does() -> None:
    office = (time(8), time(16))
    special = {Date(2026, 11, 25): None, Date(2026, 11, 28): office}
    calendar = Calendar("Asia/Makassar", closed=frozenset({Date(2026, 11, 24)}), special=special)
    assert due(calendar, MONDAY, 3, "working-days") == datetime(2026, 11, 29, tzinfo=BOMBANA)


def test_a_day_that_a_failure_took_away_does_not_count_but_half_a_day_does() -> None:
    calendar = Calendar("Asia/Makassar")
    tuesday = MONDAY.replace(hour=8) + DAY
    away = [(tuesday, tuesday + timedelta(hours=8))]
    half = [(tuesday, tuesday + timedelta(hours=4))]
    assert due(calendar, MONDAY, 1, "working-days", away) == datetime(2026, 11, 26, tzinfo=BOMBANA)
    assert due(calendar, MONDAY, 1, "working-days", half) == datetime(2026, 11, 25, tzinfo=BOMBANA)


@pytest.mark.parametrize("unit", ["hours", "working-hours", "working-days"])
def test_a_mall_that_never_opens_has_no_time_limits(unit: Any) -> None:
    with pytest.raises(NeverOpen):
        due(Calendar("Asia/Makassar", (None,) * 7), MONDAY, 1, unit)
