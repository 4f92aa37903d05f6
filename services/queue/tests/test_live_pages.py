"""Live pages follow what they show, through stops and starts of the service and of NATS."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from mpp.settings import Settings
from mpp.testing.installed import installed
from mpp.testing.tokens import TokenMint
from mpp_servers.nats import Nats
from queue_service.__main__ import service
from queue_service.pages import ticket_topic

from .house import House, Venue, called, eventually, found, served
from .page import is_call


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


async def test_a_page_that_is_slow_to_join_is_not_forgotten(
    venue: Venue, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any) -> None: ...

    first, ticket = await venue.ticket(), await venue.ticket()
    pages, hub, id_ = house.desk.pages, house.desk.hub, UUID(ticket["id"])
    pages.watch_ticket(venue.stream, id_)
    await pages.watch_board(venue.stream)
    position = (await venue.get(f"/malls/{venue.slug}/board"))["position"]
    await venue.act(first, "cancel")
    await eventually(lambda: since(hub, id_, position), bool)  # it was shown, and nobody was there yet
    monkeypatch.setattr(pages, "watch_ticket", lambda *_: None)
    monkeypatch.setattr(pages, "watch_board", nothing)
    async with venue.page(f"/tickets/{id_}/live") as page, venue.board() as board:
        await venue.act(ticket, "cancel")
        await page.until(lambda said: said.data.get("status") == "cancelled")
        await board.until(lambda said: said.event == "lines" and said.data[0]["waiting"] == 0)


async def test_a_page_that_counted_as_gone_while_the_database_was_slow_hears_what_follows(
    venue: Venue, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket, pages, forgotten = await venue.ticket(), house.desk.pages, set[str]()
    watch_ticket, watch_board = pages.watch_ticket, pages.watch_board

    def ticket_forgotten_once(stream: str, id_: UUID) -> None:
        watch_ticket(stream, id_)
        if "ticket" not in forgotten:
            forgotten.add("ticket")
            pages._tickets.pop(stream)

    async def board_forgotten_once(stream: str) -> None:
        await watch_board(stream)
        if "board" not in forgotten:
            forgotten.add("board")
            del pages._boards[stream], pages._joining[stream]

    monkeypatch.setattr(pages, "watch_ticket", ticket_forgotten_once)
    monkeypatch.setattr(pages, "watch_board", board_forgotten_once)
    async with venue.page(f"/tickets/{ticket['id']}/live") as page, venue.board() as board:
        assert forgotten == {"ticket", "board"}
        await venue.act(ticket, "cancel")
        await page.until(lambda said: said.data.get("status") == "cancelled")
        await board.until(lambda said: said.event == "lines" and said.data[0]["waiting"] == 0)


async def since(hub: Any, ticket: UUID, position: int) -> Any:
    return hub.since(ticket_topic(ticket), position)


@pytest_asyncio.fixture
async def own_settings(postgres_server: str, mint: TokenMint) -> AsyncIterator[Settings]:
    """A service that may be stopped, with servers of its own."""
    async with installed(service, postgres_server, mint) as settings:
        yield settings


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
