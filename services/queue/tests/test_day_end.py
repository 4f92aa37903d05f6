"""A day ends: by a supervisor's word, or by itself when it is over and quiet."""

from datetime import date

import pytest

from queue_service import upkeep, views
from queue_service.mall import Hear

from .house import House, Venue, eventually
from .test_ticket_life import problem

PAST = date(2026, 6, 1)  # a Monday that is over


async def statuses(venue: Venue, *tickets: dict[str, str]) -> list[str]:
    return [(await venue.get(f"/tickets/{ticket['id']}"))["status"] for ticket in tickets]


async def test_a_supervisor_ends_the_day_and_who_still_waits_is_let_go(venue: Venue, house: House) -> None:
    served, waits = await venue.ticket(), await venue.ticket()
    await venue.call(1)
    await venue.act(served, "start")
    close = f"/malls/{venue.slug}/day/close"
    refused = await venue.ask("POST", close, role="supervisor", clock="16:05:00")
    assert problem(refused) == (409, "service-goes-on") and refused.json()["number"] == "A001"
    await venue.act(served, "complete", clock="16:10:00")
    async with venue.board() as board, venue.page(f"/tickets/{waits['id']}/live") as page:
        assert (await venue.ask("POST", close, role="supervisor", clock="16:15:00")).status_code == 204
        await board.until(lambda said: said.event == "lines" and said.data[0]["reason"] == "day-over")
        await page.until(lambda said: said.data.get("status") == "lapsed")
    assert await statuses(venue, served, waits) == ["completed", "lapsed"]
    assert problem(await venue.issue(clock="16:20:00")) == (409, "mall-closed")
    assert problem(await venue.call(1, clock="16:20:00")) == (409, "mall-closed")
    assert problem(await venue.ask("POST", close, role="supervisor")) == (409, "mall-closed")
    assert await house.verify() == []


async def test_a_day_that_is_over_ends_by_itself_once_it_is_quiet(
    venue: Venue, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue.day = PAST
    served, waits = await venue.ticket(), await venue.ticket()
    await venue.call(1)
    await venue.act(served, "start")
    assert venue.stream not in await views.halls_past(house.running.reader, upkeep.QUIET_MINUTES)
    monkeypatch.setattr(upkeep, "QUIET_MINUTES", 0)
    await eventually(lambda: statuses(venue, served, waits), lambda now: now == ["completed", "lapsed"])
    assert problem(await venue.issue()) == (409, "mall-closed")
    assert await house.verify() == []


async def test_a_day_that_is_not_over_goes_on_however_quiet_it_is(venue: Venue, house: House) -> None:
    await venue.ticket()
    assert venue.stream not in await views.halls_past(house.running.reader, 0)


async def test_a_simulated_day_keeps_its_own_time_when_its_plan_changes(venue: Venue, house: House) -> None:
    venue.day = PAST
    await venue.ticket()
    closed = Hear("line-closed", "B", {"line": "B", "reason": "flood"})
    await house.running.handle(f"mall-{venue.code}", closed)
    answer = await eventually(lambda: venue.issue("b.1"), lambda answer: answer.status_code == 409)
    assert problem(answer) == (409, "line-closed")
    assert (await venue.ticket(clock="08:31:00"))["issued_at"] == f"{PAST.isoformat()}T08:31:00+08:00"
