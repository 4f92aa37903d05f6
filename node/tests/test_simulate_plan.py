"""Who comes on a simulated day: the total, the shape of the rush, the spread over lines, the seed."""

import datetime as dt
from collections import Counter
from zoneinfo import ZoneInfo

from mpp_node.simulate.arrivals import Person, plan, volume
from mpp_node.simulate.mall import Counter as Desk
from mpp_node.simulate.mall import Mall, Service

ZONE = ZoneInfo("Asia/Makassar")
DAY = dt.date(2026, 11, 23)


def mall(code: str = "7406") -> Mall:
    """Line A: 20 minutes each and one counter; line B: 10 minutes each and two; line C: nobody serves it."""
    return Mall(
        code=code,
        slug="bombana",
        title="MPP",
        day=DAY,
        opens=dt.datetime(2026, 11, 23, 8, tzinfo=ZONE),
        last_ticket=dt.datetime(2026, 11, 23, 15, tzinfo=ZONE),
        closes=dt.datetime(2026, 11, 23, 16, tzinfo=ZONE),
        services=(
            Service("a.one", "A", 15),
            Service("a.two", "A", 25),
            Service("b.one", "B", 10),
            Service("c.one", "C", 10),
        ),
        counters=(Desk("1", "a", ("A",)), Desk("2", "b", ("B",)), Desk("3", "b", ("B",))),
    )


def test_as_many_come_as_are_asked_for_all_while_tickets_are_given() -> None:
    people = plan(mall(), 500, seed=1)
    assert len(people) == 500
    assert [person.n for person in people] == [*range(1, 501)]
    arrivals = [person.arrives for person in people]
    assert arrivals == sorted(arrivals)
    assert arrivals[0] >= 0 and arrivals[-1] < 7 * 60


def test_most_come_in_the_morning_and_few_at_noon() -> None:
    hours = Counter(int(person.arrives // 60) for person in plan(mall(), 5000, seed=1))
    assert hours[0] > 2 * hours[3] > 0
    assert hours[4] > hours[3] > hours[6]  # some more after the break, hardly anybody at the end
    assert sum(hours[h] for h in (0, 1, 2)) > 0.6 * 5000


def test_lines_get_as_many_people_as_they_can_serve() -> None:
    lines = Counter(person.service.partition(".")[0] for person in plan(mall(), 5000, seed=1))
    assert lines["c"] == 0
    assert 3.5 < lines["b"] / lines["a"] < 4.5  # a counter and 20 minutes against two and 10


def test_the_same_seed_brings_the_same_people_and_another_seed_others() -> None:
    assert plan(mall(), 200, seed=7) == plan(mall(), 200, seed=7)
    assert plan(mall(), 200, seed=7) != plan(mall(), 200, seed=8)
    assert volume(mall(), 7) == volume(mall(), 7)


def test_a_known_mall_has_its_known_volume_and_another_what_its_counters_serve_in_comfort() -> None:
    assert {volume(mall(), seed) for seed in range(200)} == {95, 96, 97, 98, 99, 100}
    assert volume(mall("3271"), 1) == 3850
    assert volume(mall("9999"), 1) in (73, 74)  # 0.7 × 0.25 a minute × 420 minutes


def test_minutes_at_the_counter_spread_around_those_of_the_service() -> None:
    minutes = [person.minutes for person in plan(mall(), 5000, seed=1) if person.service == "b.one"]
    assert 9.5 < sum(minutes) / len(minutes) < 10.5
    assert min(minutes) < 5 and max(minutes) > 20


def test_people_behave_in_every_way_that_a_day_knows() -> None:
    people = plan(mall(), 2000, seed=1)
    ways: dict[str, set[bool]] = {
        "at a kiosk": {p.channel == "kiosk" for p in people},
        "first": {p.priority is not None for p in people},
        "looks": {bool(p.looks) for p in people},
        "follows": {p.follows for p in people},
        "gives up": {p.gives_up is not None for p in people},
        "away": {p.hears == 3 for p in people},
        "back": {p.comes_back is not None for p in people},
        "fetches": {p.fetches is not None for p in people},
        "misplaced": {p.misplaced for p in people},
    }
    assert all(seen == {True, False} for seen in ways.values()), ways
    assert not any(_at_a_screen(p) for p in people if p.channel == "kiosk")


def _at_a_screen(person: Person) -> bool:
    return bool(person.looks) or person.follows or person.signed_in
