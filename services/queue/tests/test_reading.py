"""Reading while many read."""

import asyncio

import httpx

from mpp.settings import Settings
from mpp.testing.tokens import TokenMint

from .house import Venue, found, served


async def test_many_readers_of_a_service_that_just_started_need_no_second_connection_each(
    settings: Settings, mint: TokenMint
) -> None:
    narrow = settings.model_copy(update={"pool_size": 2})
    async with served(narrow) as house:
        client = httpx.AsyncClient()
        venue = Venue(await found(house.running.handle), house.url, mint, client)
        tickets = [await venue.ticket() for _ in range(8)]
    async with served(narrow) as house:  # nothing is known of malls and tickets yet
        again = Venue(venue.code, house.url, mint, client)
        paths = [f"/tickets/{ticket['id']}" for ticket in tickets]
        paths += [f"/malls/{again.slug}/board", f"/malls/{again.slug}/lines"] * 8
        answers = await asyncio.gather(*(again.ask("GET", path) for path in paths))
        assert {answer.status_code for answer in answers} == {200}
    await client.aclose()
