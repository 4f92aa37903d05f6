"""What the catalog said becomes a plan for a day."""

from datetime import date, time
from typing import Any

import pytest

from mpp.testing.scenario import given
from mpp_contracts import catalog as heard
from queue_service import mall
from queue_service.mall import FactHeard, Hear
from queue_service.plan import Counter, Hours, Line, Plan, Service
from queue_service.reactions import CONTRACTS, react

from .day import MONDAY

HOURS = heard.Hours(opens=time(7, 30), closes=time(16), last_ticket=time(15, 30))
SHORT = heard.Hours(opens=time(8), closes=time(12), last_ticket=time(11))
WEEK = (HOURS,) * 5 + (None, None)
SUNDAY = date(2026, 11, 29)
SAID = [
    heard.MallDescribed(
        mall="7406", slug="bombana", title="MPP Bombana", region="Bombana", timezone="Asia/Makassar"
    ),
    heard.HoursSet(mall="7406", week=WEEK),
    heard.ServicePublished(mall="7406", code="a.1", agency="x", title="KTP", minutes=8, standard=1),
    heard.LineDefined(mall="7406", line="A", title="Line A", services=("a.1", "a.2"), capacity=9),
    heard.CounterDefined(mall="7406", counter="7406-01", title="Loket 1", agency="x", lines=("A",)),
]


def plan(*said: heard.FromCatalog, day: date = MONDAY) -> Plan:
    """The plan after the catalog said all this."""
    facts: mall.Facts = {}
    for event in [*SAID, *said]:
        for step in react(event):
            for fact in mall.decide(step.command, facts):
                facts = mall.evolve(facts, fact)
    return Plan.of("7406", day, facts)


def test_the_plan_of_an_ordinary_day() -> None:
    assert plan() == Plan(
        mall="7406",
        date=MONDAY,
        timezone="Asia/Makassar",
        hours=Hours(opens=time(7, 30), closes=time(16), last_ticket=time(15, 30)),
        lines={"A": Line(letter="A", title="Line A", capacity=9)},
        services={"a.1": Service(code="a.1", line="A", minutes=8)},
        counters={"7406-01": Counter(id="7406-01", title="Loket 1", agency="x", lines=("A",))},
    )


def test_a_service_counts_from_its_publication_to_its_withdrawal() -> None:
    published = heard.ServicePublished(mall="7406", code="a.2", agency="x", title="KK", minutes=5, standard=1)
    assert set(plan(published).services) == {"a.1", "a.2"}
    assert set(plan(published, heard.ServiceWithdrawn(mall="7406", code="a.1")).services) == {"a.2"}


def test_a_line_is_closed_by_hand_until_it_is_opened_again() -> None:
    closed = heard.LineClosed(mall="7406", line="A", reason="flood")
    assert plan(closed).lines["A"].closed == "flood"
    assert plan(closed, heard.LineOpened(mall="7406", line="A")).lines["A"].closed is None


def holiday(day: date) -> heard.HolidaysSet:
    return heard.HolidaysSet(mall="7406", year=day.year, days={day: "A holiday"})


def override(day: date, hours: heard.Hours | None) -> heard.DayOverridden:
    return heard.DayOverridden(mall="7406", date=day, hours=hours, reason="local-holiday")


RESTORED = heard.DayRestored(mall="7406", date=MONDAY)


@pytest.mark.parametrize(
    ("said", "day", "hours", "why"),
    [
        ([], SUNDAY, None, "weekly-closing"),
        ([holiday(MONDAY)], MONDAY, None, "holiday"),
        ([override(MONDAY, None)], MONDAY, None, "local-holiday"),
        ([override(MONDAY, SHORT)], MONDAY, SHORT, ""),
        ([holiday(MONDAY), override(MONDAY, SHORT)], MONDAY, SHORT, ""),
        ([holiday(MONDAY), override(MONDAY, SHORT), RESTORED], MONDAY, None, "holiday"),
        ([override(SUNDAY, HOURS)], SUNDAY, HOURS, ""),
        ([holiday(MONDAY)], date(2026, 11, 24), HOURS, ""),
    ],
)
def test_overrides_come_before_holidays_and_holidays_before_the_week(
    said: list[heard.FromCatalog], day: date, hours: heard.Hours | None, why: str
) -> None:
    made = plan(*said, day=day)
    assert made.hours == (Hours(**hours.model_dump()) if hours else None) and made.closed == why


def test_a_mall_without_hours_is_closed() -> None:
    fact = react(SAID[0])[0].command.fact
    made = Plan.of("7406", MONDAY, {("mall", ""): fact})
    assert (made.hours, made.closed) == (None, "weekly-closing")


def test_times_of_a_day_are_moments_in_the_malls_zone() -> None:
    assert plan().moment(time(7, 30)).isoformat() == "2026-11-23T07:30:00+08:00"


def test_what_was_said_before_is_not_remembered_twice() -> None:
    closed = FactHeard(kind="line-closed", key="A", fact={"line": "A", "reason": "flood"})
    same, opened = Hear("line-closed", "A", closed.fact), Hear("line-closed", "A", None)
    given(mall.decider).when(same).then(closed)
    given(mall.decider, closed).when(same).then()
    assert (
        given(mall.decider, closed).when(opened, opened).then(closed.model_copy(update={"fact": None})) == {}
    )


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.event)
def test_everything_that_is_listened_to_becomes_a_fact_of_its_mall(contract: type[Any]) -> None:
    wishes = {"mall": "7406", "line": "A", "counter": "7406-01", "code": "a.1", "date": MONDAY, "year": 2026}
    rest = {"slug": "s", "title": "t", "region": "r", "timezone": "Asia/Makassar", "week": WEEK, "days": {}}
    more = {"reason": "flood", "agency": "x", "minutes": 5, "standard": 1, "services": (), "lines": ()}
    (step,) = react(contract(**wishes | rest | more))
    assert step.stream == "mall-7406" and isinstance(step.command, Hear)
