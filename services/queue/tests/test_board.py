"""The board tells every call once, to those who stay and to those who come back."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from queue_service.answers import call_frame
from queue_service.command import Recall

from .house import DAY, House, Venue, called, key
from .page import is_call
from .test_ticket_life import OpenMall


async def test_a_board_begins_with_what_is_and_tells_each_call_with_its_counter(venue: Venue) -> None:
    first = await called(venue)
    async with venue.board() as board:
        snapshot = board.said[0]
        assert snapshot.event == "snapshot" and snapshot.id == snapshot.data["position"]
        assert [call["number"] for call in snapshot.data["calls"]] == [first]
        assert snapshot.data["mall"]["slug"] == venue.slug and snapshot.data["date"] == DAY.isoformat()
        ticket = await venue.ticket()
        await venue.call(2)
        said = await board.until(is_call("A002"))
        assert (said.event, said.data["counter"], said.data["counter_title"]) == (
            "call",
            venue.counter(2),
            "Loket 2",
        )
        assert said.id == said.data["id"] and said.data["ticket"] == ticket["id"]
        await venue.act(ticket, "recall")
        await board.until(lambda said: said.event == "recall")
        assert board.calls() == [("A002", venue.counter(2))]
        shown = await venue.get(f"/malls/{venue.slug}/board")
        assert [(call["kind"], call["number"]) for call in shown["calls"]] == [
            ("recall", "A002"),
            ("call", "A002"),
            ("call", first),
        ]


async def test_lines_are_shown_as_they_change(venue: Venue) -> None:
    async with venue.board() as board:
        await venue.ticket()
        await board.until(lambda said: said.event == "lines" and said.data[0]["waiting"] == 1)
        await venue.call(1)
        await board.until(
            lambda said: said.event == "lines" and said.data[0]["waiting"] == 0 < said.data[0]["issued"]
        )


async def test_eight_counters_at_once_and_every_call_is_told_once(open_mall: OpenMall, house: House) -> None:
    venue = await open_mall(counters=8)
    await asyncio.gather(*(venue.issue(key=key()) for _ in range(96)))

    async def officer(counter: int) -> list[tuple[str, str]]:
        own = []
        while (answer := await venue.call(counter, key=key())).status_code == 200:
            own.append((answer.json()["number"], answer.json()["counter"]))
            await venue.act(answer.json(), "start")
            await venue.act(answer.json(), "complete")
        return own

    async with venue.board() as board, venue.board() as other:
        made = [call for own in await asyncio.gather(*map(officer, range(1, 9))) for call in own]
        number = await called(venue)
        for page in (board, other):
            await page.until(is_call(number))
            assert sorted(page.calls()[:-1]) == sorted(made)
        assert board.calls() == other.calls()
    assert sorted(number for number, _ in made) == [f"A{n:03d}" for n in range(1, 97)]
    assert await house.verify() == []


async def test_a_board_that_comes_back_misses_none_and_repeats_none(venue: Venue) -> None:
    told: list[tuple[str, str]] = []
    made = [await called(venue)]
    last: int | None = None
    for _ in range(6):
        async with venue.board(last) as board:
            made.append(await called(venue))
            await board.until(is_call(made[-1]))
            told += board.calls()
            last = board.last
        made += [await called(venue), await called(venue)]
    async with venue.board(last) as board:
        await board.until(is_call(made[-1]))
        told += board.calls()
    assert [number for number, _ in told] == made[1:]


async def test_a_board_that_comes_back_is_told_how_the_lines_are_now(venue: Venue) -> None:
    await called(venue)
    async with venue.board() as board:
        last = board.last
    await venue.ticket()
    async with venue.board(last) as board:
        await board.until(lambda said: said.event == "lines" and said.data[0]["waiting"] == 1)
        assert "snapshot" not in {said.event for said in board.said}


async def recalls(house: House, venue: Venue, times: int) -> None:
    """Call one ticket again and again."""
    ticket = await venue.ticket()
    called = (await venue.call(1)).json()
    assert called["id"] == ticket["id"]
    at = datetime.fromisoformat(f"{DAY.isoformat()}T08:40:00+08:00")
    command = Recall(at, UUID(called["id"]))
    await asyncio.gather(*(house.running.handle(venue.stream, command) for _ in range(times)))
    await venue.act(ticket, "miss")


async def test_who_missed_more_than_is_kept_in_memory_still_misses_none(venue: Venue, house: House) -> None:
    await called(venue)
    async with venue.board() as board, venue.board() as stays:
        last = board.last
        await recalls(house, venue, 400)
        end = await called(venue)
        await stays.until(is_call(end))
        assert len(stays.calls("recall")) == 400  # a burst is no reason to be dropped
    async with venue.board(last) as board:
        await board.until(is_call(end))
        assert len(board.calls("recall")) == 400 and "snapshot" not in {said.event for said in board.said}
        ids = [said.id for said in board.said if said.id is not None]
        assert ids == sorted(set(ids))


async def test_who_missed_far_too_much_begins_anew(venue: Venue, house: House) -> None:
    await called(venue)
    async with venue.board() as board:
        last = board.last
    await recalls(house, venue, 520)
    async with venue.board(last) as board:
        assert board.said[0].event == "snapshot" and len(board.said[0].data["calls"]) == 12
        end = await called(venue, 2)
        await board.until(is_call(end))


async def test_an_id_from_the_future_begins_anew(venue: Venue) -> None:
    await called(venue)
    async with venue.board(10**17) as board:
        assert board.said[0].event == "snapshot"


async def test_boards_of_other_malls_hear_nothing(open_mall: OpenMall) -> None:
    here, there = await open_mall(), await open_mall()
    async with here.board() as board, there.board() as other:
        number = await called(here)
        await board.until(is_call(number))
        own = await called(there, 2)
        await other.until(is_call(own))
        assert other.calls() == [(own, there.counter(2))]


async def test_a_feed_that_breaks_goes_on_where_it_broke(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble = iter([RuntimeError("planted")])

    def broken_once(*message: Any) -> bytes | None:
        for planted in trouble:
            raise planted
        return call_frame(*message)

    async with venue.board() as board:
        monkeypatch.setattr("queue_service.pages.call_frame", broken_once)
        made = [await called(venue), await called(venue)]
        await board.until(is_call(made[1]))
        assert [number for number, _ in board.calls()] == made
