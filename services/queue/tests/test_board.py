"""Live pages: the board tells every call once, a ticket's page follows the ticket."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from mpp.migrate import migrate
from mpp.settings import Settings
from mpp.testing.tokens import TokenMint
from mpp_servers.nats import Nats
from queue_service.__main__ import service
from queue_service.hall import Recall

from .house import DAY, House, Said, Venue, found, key, served

OpenMall = Callable[..., Awaitable[Venue]]


def is_call(number: str) -> Callable[[Said], bool]:
    return lambda said: said.event in ("call", "recall") and said.data["number"] == number


async def called(venue: Venue, counter: int = 1) -> str:
    """A ticket that is issued and called; the counter is free again."""
    ticket = await venue.ticket()
    answer = await venue.call(counter)
    assert answer.status_code == 200
    await venue.act(answer.json(), "miss")
    number: str = ticket["number"]
    return number


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


async def test_a_tickets_page_follows_it_to_the_counter(venue: Venue) -> None:
    first, ticket = await venue.ticket(), await venue.ticket()
    async with venue.page(f"/tickets/{ticket['id']}/live") as page:
        assert (page.said[0].event, page.said[0].data["position"]) == ("ticket", 2)
        await venue.act(first, "cancel")
        await page.until(lambda said: said.data.get("position") == 1)
        await venue.call(2)
        said = await page.until(lambda said: said.data.get("status") == "called")
        assert (said.data["counter_title"], said.data["position"]) == ("Loket 2", None)
        await venue.act(ticket, "start")
        await venue.act(ticket, "complete")
        await page.until(lambda said: said.data.get("status") == "completed")
    assert "secret" not in page.said[-1].data


async def test_many_pages_that_open_while_the_hall_is_busy_all_stay_alive(venue: Venue) -> None:
    tickets = [await venue.ticket() for _ in range(12)]

    async def one(ticket: dict[str, str]) -> None:
        async with venue.page(f"/tickets/{ticket['id']}/live") as page:
            await page.until(lambda said: said.data.get("status") == "cancelled")

    async def bustle() -> None:
        while not done.is_set():
            await venue.act(await venue.ticket(), "cancel")

    done = asyncio.Event()
    busy = asyncio.create_task(bustle())
    pages = asyncio.gather(*map(one, tickets))
    for ticket in tickets:
        await venue.act(ticket, "cancel")
    await pages
    done.set()
    await busy


@pytest_asyncio.fixture
async def own_settings(postgres_url: str, own_nats: Nats, mint: TokenMint) -> Settings:
    """A service that may be stopped, with servers of its own."""
    await migrate(postgres_url, "queue", service.migrations)
    return Settings(
        service="queue",
        database_url=postgres_url,
        nats_url=own_nats.url,
        secret_key="00" * 32,
        issuers=(mint.issuer(),),
        clock="request",
    )


async def test_nothing_is_missed_or_repeated_across_a_restart(
    own_settings: Settings, mint: TokenMint, client: httpx.AsyncClient
) -> None:
    async with served(own_settings) as house:
        venue = Venue(await found(house.running.handle), house.url, mint, client)
        async with venue.board() as board:
            made = [await called(venue)]
            await board.until(is_call(made[0]))
            made.append(await called(venue))
            told, last = board.calls(), board.last
    await board.ended()
    async with served(own_settings) as house:
        venue.url = house.url
        made.append(await called(venue))
        async with venue.board(last) as board:
            made.append(await called(venue))
            await board.until(is_call(made[-1]))
            told += board.calls()
        assert [number for number, _ in told] == made
        assert await house.verify() == []


async def test_a_board_that_opened_while_nats_was_away_is_told_everything_later(
    own_settings: Settings, own_nats: Nats, mint: TokenMint, client: httpx.AsyncClient
) -> None:
    own_nats.stop()
    async with served(own_settings) as house:
        venue = Venue(await found(house.running.handle), house.url, mint, client)
        async with venue.board() as board:
            made = [await called(venue), await called(venue)]
            own_nats.start()
            await board.until(is_call(made[1]))
            own_nats.kill()
            made.append(await called(venue))
            own_nats.start()
            await board.until(is_call(made[2]))
            assert [number for number, _ in board.calls()] == made
        assert await house.verify() == []


@pytest.mark.parametrize("what", ["board", "ticket"])
async def test_when_the_service_stops_its_pages_end(
    own_settings: Settings, mint: TokenMint, client: httpx.AsyncClient, what: str
) -> None:
    async with served(own_settings) as house:
        venue = Venue(await found(house.running.handle), house.url, mint, client)
        ticket = await venue.ticket()
        page = venue.board() if what == "board" else venue.page(f"/tickets/{ticket['id']}/live")
        await page.__aenter__()
    await page.ended()
    await page.__aexit__()
