"""Statistics: what was counted is what happened, in a day that goes on, one that is over, and a month."""

import csv
import math
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpp.testing.tokens import TokenMint
from queue_service import tallies
from queue_service.tallies import BINS, BOUNDS, percentile, periods

from .house import DAY, House, Venue, eventually

SPAN = {"from": DAY.isoformat(), "to": DAY.isoformat()}


async def a_day(venue: Venue) -> None:
    """Three served by the first counter after 10, 20 and 40 minutes, one missed, one cancelled, one quick."""
    tickets = [await venue.ticket(clock="08:00:00") for _ in range(5)]
    await venue.act(tickets[4], "cancel", clock="08:01:00")
    for clock, ticket in zip(("08:10:00", "08:20:00", "08:40:00"), tickets, strict=False):
        await venue.call(1, clock=clock)
        await venue.act(ticket, "start", clock=clock)
        await venue.act(ticket, "complete", clock=clock.replace(":00:00", ":05:00")[:-2] + "59")
    await venue.call(1, clock="09:00:00")
    await venue.act(tickets[3], "miss", clock="09:03:00")
    path = f"/counters/{venue.counter(1)}/quick-serve"
    quick = await venue.ask("POST", path, {"service": "a.1"}, role="officer", clock="10:00:00")
    await venue.act(quick.json(), "complete", clock="10:04:00")
    visit = {"mall": venue.slug, "service": "a.1", "also": ["b.1"], "channel": "web"}
    both = (await venue.ask("POST", "/tickets", visit, clock="11:00:00")).json()
    for counter, clock in ((1, "11:10:00"), (4, "11:20:00")):
        await venue.call(counter, clock=clock)
        await venue.act(both, "start", clock=clock)
        await venue.act(both, "complete", clock=clock[:3] + "25:00" if counter == 4 else "11:18:00")


async def told(venue: Venue, **span: Any) -> dict[str, Any]:
    found: dict[str, Any] = await venue.get(
        f"/malls/{venue.slug}/statistics", role="supervisor", params=SPAN | span
    )
    return found


async def counted(house: House) -> None:
    """Until upkeep has counted every day that is over."""

    async def left() -> list[str]:
        return await tallies.uncounted(house.running.reader, 1)

    await eventually(left, lambda halls: not halls)


def by(statistics: dict[str, Any], group: str) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in statistics["by"][group]}


async def test_a_day_is_counted_alike_while_it_goes_on_and_when_it_is_over(
    venue: Venue, house: House
) -> None:
    await a_day(venue)
    open_ = await told(venue)
    total = open_["total"]
    assert [total[name] for name in ("issued", "called", "served", "missed", "cancelled", "lapsed")] == [
        7,
        6,
        6,
        1,
        1,
        0,
    ]
    assert total["within_target"] == round(
        4 / 6, 4
    )  # within 30 minutes: 10, 20, 10, 2 of 10, 20, 40, 60, 10, 2
    services, hours = by(open_, "service"), by(open_, "hour")
    assert (services["a.1"]["issued"], services["a.1"]["served"], services["b.1"]["served"]) == (7, 5, 1)
    assert (hours["08"]["issued"], hours["08"]["called"], hours["09"]["missed"], hours["11"]["served"]) == (
        5,
        3,
        1,
        2,
    )
    assert by(open_, "counter")[venue.counter(4)]["served"] == 1
    assert by(open_, "channel").keys() == {"web", "counter"}
    (officer,) = open_["by"]["officer"]
    assert officer["served"] == 6
    assert {(spot["weekday"], spot["hour"]): spot["issued"] for spot in open_["heat"]}[1, 8] == 5
    closed = await venue.ask(
        "POST", f"/malls/{venue.slug}/day/close", role="supervisor", params={"date": DAY.isoformat()}
    )
    assert closed.status_code == 204
    await counted(house)
    over = await told(venue)
    assert {name: over[name] for name in ("total", "by", "heat")} == {
        name: open_[name] for name in ("total", "by", "heat")
    }
    assert [day["date"] for day in over["days"]] == [DAY.isoformat()]
    month = await told(venue, **{"from": "2031-03-01", "to": "2031-03-31"})
    assert month["total"] == over["total"] and month["by"] == over["by"]
    assert await house.verify() == []


async def test_two_days_add_up_in_their_month(venue: Venue, house: House) -> None:
    for day in (DAY, DAY + timedelta(days=1)):
        venue.day = day
        await venue.ticket(clock="08:00:00")
        await venue.call(1, clock="08:10:00")
        await venue.ask(
            "POST", f"/malls/{venue.slug}/day/close", role="supervisor", params={"date": day.isoformat()}
        )
    await counted(house)
    month = await told(venue, **{"from": "2031-03-01", "to": "2031-03-31"})
    days = await told(venue, **{"to": (DAY + timedelta(days=1)).isoformat()})
    assert month["total"]["issued"] == days["total"]["issued"] == 2
    assert month["total"]["wait_p50"] == days["total"]["wait_p50"] and len(days["days"]) == 2


async def test_the_table_for_a_spreadsheet_says_the_same(venue: Venue) -> None:
    await a_day(venue)
    answer = await venue.ask(
        "GET", f"/malls/{venue.slug}/statistics.csv", role="mall-admin", params=SPAN | {"by": "service"}
    )
    assert answer.headers["content-type"].startswith("text/csv")
    rows = [*csv.DictReader(StringIO(answer.content.decode("utf-8-sig")))]
    told_ = by(await told(venue), "service")
    assert {row["service"]: int(row["served"]) for row in rows} == {
        key: row["served"] for key, row in told_.items()
    }
    assert float(rows[0]["wait_p50"]) == told_[rows[0]["service"]]["wait_p50"]


async def test_all_malls_beside_each_other_for_the_nation(venue: Venue, mint: TokenMint) -> None:
    await venue.ticket(clock="08:00:00")
    analyst = mint.token("analyst")
    found = await venue.get("/statistics", token=analyst, params=SPAN)
    (here,) = [row for row in found["malls"] if row["mall"] == venue.code]
    assert here["issued"] == 1 and here["title"] == f"MPP {venue.code}"
    assert found["total"]["issued"] == sum(row["issued"] for row in found["malls"])


@pytest.mark.parametrize("span", [{"from": "2031-03-04"}, {"from": "2020-01-01"}])
async def test_a_span_makes_sense(venue: Venue, span: dict[str, str]) -> None:
    answer = await venue.ask("GET", f"/malls/{venue.slug}/statistics", role="supervisor", params=SPAN | span)
    assert answer.status_code == 422


async def test_a_mall_without_a_ticket_has_nothing_and_says_so(venue: Venue) -> None:
    found = await told(venue)
    assert (
        found["total"]["issued"] == 0 and found["total"]["wait_p50"] is None and found["by"]["service"] == []
    )


def test_whole_months_are_read_as_months() -> None:
    span = periods(date(2026, 1, 30), date(2026, 4, 2))
    assert span == ["2026-01-30", "2026-01-31", "2026-02", "2026-03", "2026-04-01", "2026-04-02"]
    assert periods(date(2026, 1, 1), date(2026, 12, 31)) == [f"2026-{month:02d}" for month in range(1, 13)]


@given(st.lists(st.floats(0.01, 600), min_size=1, max_size=300), st.sampled_from([0.5, 0.9]))
def test_a_percentile_of_the_histogram_is_within_a_quarter_of_the_true_one(
    minutes: list[float], share: float
) -> None:
    bins = [0] * BINS
    for each in minutes:
        bins[sum(each >= bound for bound in BOUNDS[1:])] += 1
    true = sorted(minutes)[math.ceil(share * len(minutes)) - 1]
    guess = percentile(bins, share)
    assert guess is not None and true / tallies.RATIO - 0.1 <= guess <= true * tallies.RATIO + 0.6


async def test_a_span_ends_where_it_is_said_to_end(venue: Venue) -> None:
    await venue.ticket(clock="08:00:00")
    before = {"from": "2031-02-01", "to": "2031-02-28"}
    assert (await told(venue, **before))["total"]["issued"] == 0
    assert (await told(venue, **before | {"to": "2031-03-31"}))["total"]["issued"] == 1
