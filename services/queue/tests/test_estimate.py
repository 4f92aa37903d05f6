"""How long it takes: an honest range, from the standard first and from the day later."""

import pytest

from queue_service import command as c
from queue_service.estimate import UNKNOWN, Estimate, estimate, of_line
from queue_service.hall import Hall
from queue_service.plan import Counter, Service

from .day import PLAN, after, at, call, issue, issues, on, planned, served, ticket, tid


def told(hall: Hall, number: int, clock: str = "08:31") -> Estimate:
    waiting = ticket(hall, number)
    return estimate(hall, waiting, at(clock))


def p50(hall: Hall, number: int, clock: str = "08:31") -> float:
    minutes = told(hall, number, clock).p50_minutes
    assert minutes is not None
    return minutes


ALONE = planned(counters={"1": PLAN.counters["1"]})


def test_who_does_not_wait_has_no_estimate() -> None:
    hall = after(issue(1), call("1")).state
    assert told(hall, 1) == UNKNOWN


def test_a_line_that_no_counter_serves_is_unknown() -> None:
    assert told(after(issue(1, service="d.1")).state, 1) == Estimate(None, None, "no-counter")


def test_the_first_in_line_before_a_free_counter_at_work_is_called_at_once() -> None:
    hall = after(issue(1), *served(1), issue(2, "08:40"), plan=ALONE).state
    assert told(hall, 2, "08:41") == Estimate(0.0, 1.0)


def test_the_bound_lies_above_the_middle_and_both_grow_with_the_line() -> None:
    hall = after(*issues(1, 2, 3, 4, 5), call("1")).state
    ranges = [told(hall, n) for n in (2, 3, 4, 5)]
    for range_ in ranges:
        assert range_.p50_minutes is not None and range_.p90_minutes is not None
        assert 0 < range_.p50_minutes < range_.p90_minutes
    assert [r.p50_minutes for r in ranges] == sorted({r.p50_minutes for r in ranges if r.p50_minutes})
    assert [r.p90_minutes for r in ranges] == sorted({r.p90_minutes for r in ranges if r.p90_minutes})


def test_at_first_the_standard_counts() -> None:
    def first(minutes: float) -> float:
        services = {"a.1": Service(code="a.1", line="A", minutes=minutes)}
        plan = planned(services=services, counters={"1": PLAN.counters["1"]})
        return p50(after(*issues(1, 2), call("1"), plan=plan).state, 2)

    assert 4 < first(8) < 9 and first(16) == pytest.approx(2 * first(8), rel=0.02)


def test_what_is_seen_today_draws_the_estimate_away_from_the_standard() -> None:
    def nth(minutes: int, people: int) -> float:
        day: list[c.At] = [*issues(*range(1, people + 3))]
        for n in range(1, people + 1):
            start = 480 + n * 20
            end = start + minutes
            clock = (f"{start // 60:02d}:{start % 60:02d}", f"{end // 60:02d}:{end % 60:02d}")
            day += served(n, "1", *clock)
        hall = after(*day, c.CallNext(at("14:00"), "1"), plan=ALONE).state
        return p50(hall, people + 2, "14:00")

    assert nth(2, 1) < nth(8, 1) < nth(16, 1)
    assert nth(2, 15) < nth(2, 5) < nth(2, 1)
    assert nth(16, 15) > nth(16, 5) > nth(16, 1)


def test_more_counters_make_it_shorter() -> None:
    more = planned(counters={n: Counter(id=n, title=n, lines=("A",)) for n in "12"})
    one = after(*issues(1, 2, 3, 4), call("1"), plan=ALONE).state
    two = after(*issues(1, 2, 3, 4, 5), call("1"), call("2"), plan=more).state
    assert p50(two, 5) < p50(one, 4)


def test_a_counter_nobody_sits_at_does_not_count() -> None:
    hall = after(*issues(1, 2, 3), call("1")).state
    alone = after(*issues(1, 2, 3), call("1"), plan=ALONE).state
    assert told(hall, 3) == told(alone, 3)


def test_who_came_earlier_in_another_line_of_the_same_counter_is_called_earlier() -> None:
    both = planned(counters={"2": PLAN.counters["2"]})
    hall = after(*issues(1, 2, 3), call("2"), plan=both).state
    before = after(issue(1), issue(4, service="b.1"), issue(2), issue(3), call("2"), plan=both).state
    later = after(*issues(1, 2, 3), issue(4, service="b.1"), call("2"), plan=both).state
    assert p50(before, 3) == pytest.approx(p50(hall, 3) * 2.745 / 1.745, rel=0.1)
    assert p50(later, 3) == p50(hall, 3)


def test_who_waits_for_one_counter_waits_for_that_one_alone() -> None:
    handed_on = [*issues(1, 2, 3), call("3"), on(c.Transfer, 3, counter="4")]
    hall = after(*handed_on).state
    assert hall.ahead_of(hall.ticket(tid(3))) == 0 and p50(hall, 3) > 0


def test_a_newcomer_is_told_the_time_of_the_whole_line() -> None:
    hall = after(*issues(1, 2, 3), call("1"), plan=ALONE).state
    newcomer = of_line(hall, "A", at("08:31"))
    assert newcomer.p50_minutes is not None and newcomer.p50_minutes > p50(hall, 3)


def test_what_is_remembered_of_a_line_changes_no_estimate() -> None:
    def fresh(hall: Hall, number: int, clock: str) -> Estimate:
        assert hall.plan is not None
        hall.plan.outlooks.clear()
        return told(hall, number, clock)

    story = after(*issues(*range(1, 9)), *served(1), call("1", "08:41"), plan=ALONE)
    for clock in ("08:41", "08:42", "09:30"):
        for number in range(3, 9):
            remembered = told(story.state, number, clock)
            assert remembered == told(story.state, number, clock) == fresh(story.state, number, clock)
    before = told(story.state, 3, "08:50")
    served_since = story.when(on(c.Start, 2, "08:42"), on(c.Complete, 2, "08:50")).state
    assert told(served_since, 3, "08:50") == fresh(served_since, 3, "08:50") != before
