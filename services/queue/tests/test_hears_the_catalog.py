"""What the catalog publishes reaches the queue: malls appear, lines close while the day goes on."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, time

import httpx
import pytest_asyncio

from mpp.eventsourcing.ids import new_id
from mpp.messaging.jetstream import JetStream
from mpp.messaging.message import Message
from mpp.settings import Settings
from mpp.testing.tokens import TokenMint
from mpp_contracts import catalog as said

from .house import DAY, House, Venue, eventually
from .test_ticket_life import problem

HOURS = said.Hours(opens=time(7, 30), closes=time(16), last_ticket=time(15, 30))


class Catalog:
    """The catalog as its relay would speak: in order, each message naming the one before."""

    def __init__(self, jetstream: JetStream) -> None:
        self._jetstream, self._told = jetstream, 0

    async def say(self, *events: said.FromCatalog) -> None:
        for event in events:
            position, data = self._told + 1, event.model_dump(mode="json")
            message = Message(new_id(), position, self._told, event.subject, datetime.now(UTC), data)
            sequence = await self._jetstream.publish([(event.subject, message.encode())], self._told)
            assert sequence == position
            self._told = position


@pytest_asyncio.fixture(scope="module")
async def catalog(settings: Settings) -> AsyncIterator[Catalog]:
    jetstream = JetStream(settings.nats_url, "catalog")
    await jetstream.connect()
    await jetstream.ensure("catalog")
    yield Catalog(jetstream)
    await jetstream.close()


async def answered(status: int, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """The first answer with this status."""
    return await eventually(ask, lambda answer: answer.status_code == status)


def mall(code: str) -> list[said.FromCatalog]:
    return [
        said.MallDescribed(
            mall=code, slug=f"mall-{code}", title="MPP", region="Bombana", timezone="Asia/Makassar"
        ),
        said.HoursSet(mall=code, week=(HOURS,) * 5 + (None, None)),
        said.ServicePublished(mall=code, code="a.1", agency="x", title="KTP", minutes=8, standard=1),
        said.LineDefined(mall=code, line="A", title="Line A", services=("a.1",)),
        said.CounterDefined(mall=code, counter=f"{code}-01", title="Loket 1", agency="x", lines=("A",)),
    ]


async def test_a_line_that_is_closed_while_people_wait_is_shown_and_takes_no_more(
    house: House, catalog: Catalog, mint: TokenMint, client: httpx.AsyncClient
) -> None:
    venue = Venue("7406", house.url, mint, client)
    await catalog.say(*mall("7406"))
    ticket = (await answered(201, venue.issue)).json()
    async with venue.board() as board:
        await catalog.say(said.LineClosed(mall="7406", line="A", reason="flood"))
        shut = await board.until(lambda said: said.event == "lines" and not said.data[0]["open"])
        assert (shut.data[0]["reason"], shut.data[0]["waiting"]) == ("flood", ticket["position"])
        answer = await answered(409, venue.issue)
        assert problem(answer) == (409, "line-closed") and answer.json()["reason"] == "flood"
        assert (await venue.call(1)).json()["status"] == "called"
        await catalog.say(said.LineOpened(mall="7406", line="A"))
        assert (await answered(201, venue.issue)).json()["status"] == "waiting"
    assert (await venue.get(f"/malls/{venue.slug}/lines"))["items"][0]["open"]
    assert await house.verify() == []


async def test_a_counter_that_is_set_up_during_the_day_calls(
    house: House, catalog: Catalog, mint: TokenMint, client: httpx.AsyncClient
) -> None:
    venue = Venue("7406-2", house.url, mint, client)
    await catalog.say(*mall("7406-2"))
    ticket = (await answered(201, venue.issue)).json()
    assert problem(await venue.call(2)) == (404, "unknown-counter")
    await catalog.say(
        said.CounterDefined(mall="7406-2", counter="7406-2-02", title="Loket 2", agency="x", lines=("A",))
    )
    called = (await answered(200, lambda: venue.call(2))).json()
    assert (called["id"], called["counter"]) == (ticket["id"], "7406-2-02")


async def test_a_day_that_is_overridden_while_it_runs_ends_the_issue_of_tickets(
    house: House, catalog: Catalog, mint: TokenMint, client: httpx.AsyncClient
) -> None:
    venue = Venue("3271", house.url, mint, client)
    await catalog.say(*mall("3271"))
    await answered(201, venue.issue)
    await catalog.say(said.DayOverridden(mall="3271", date=DAY, reason="local-holiday"))
    answer = await answered(409, venue.issue)
    assert problem(answer) == (409, "mall-closed") and answer.json()["reason"] == "local-holiday"
    await catalog.say(said.DayRestored(mall="3271", date=DAY))
    await answered(201, venue.issue)
