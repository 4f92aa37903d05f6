"""A machine that lost its power says goodbye to nobody: who waits for its word gives up, and begins again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from mpp import internal, leader
from mpp.eventsourcing.log import Unavailable
from mpp.internal import reader_pool
from mpp.leader import ended, lead
from mpp.messaging import jetstream as streams
from mpp.messaging.jetstream import JetStream
from mpp.messaging.parking import Parking
from mpp.testing import toy
from mpp.testing.proxy import Proxy
from mpp.testing.toy import Give


@asynccontextmanager
async def behind(url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before the server of this address, and its address."""
    parts = urlsplit(url)
    assert parts.port
    async with Proxy(parts.port) as proxy:
        yield proxy, url.replace(f":{parts.port}", f":{proxy.port}")


async def eventually(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


async def test_readers_of_a_silent_server_come_back(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(internal, "PATIENCE", 1.0)
    await toy.create(postgres_url)
    async with behind(postgres_url) as (proxy, url):
        pool = await reader_pool(cast(Any, SimpleNamespace(database_url=url, pool_size=2)), "toy")
        parking = Parking(pool)
        await parking.place("x")
        proxy.silence()
        with pytest.raises(Unavailable):
            await parking.place("x")

        assert (await parking.place("x"))[0].position == 0
        await pool.close()


async def test_a_writer_to_a_silent_server_writes_on_a_new_connection(postgres_url: str) -> None:
    await toy.create(postgres_url)
    async with behind(postgres_url) as (proxy, url), toy.writing(url, patience=1) as handle:
        await handle("hall-1", Give("before"))
        proxy.silence()
        outcome = await handle("hall-1", Give("after"))

        assert outcome.events == (toy.Given(number=2, whom="after"),)


async def test_who_waits_to_lead_on_a_silent_connection_still_takes_over(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader, "PATIENCE", 1.0)
    led: list[str] = []

    async def work(name: str) -> None:
        led.append(name)
        await asyncio.Event().wait()

    async with behind(postgres_url) as (proxy, url):
        first = asyncio.create_task(lead(postgres_url, "public", "duty", lambda: work("first")))
        await eventually(lambda: led)
        second = asyncio.create_task(lead(url, "public", "duty", lambda: work("second")))
        await eventually(lambda: proxy.links)
        proxy.silence()
        await ended([first])
        await eventually(lambda: led == ["first", "second"])
        await ended([second])


async def test_a_leader_on_a_silent_connection_stops_to_lead(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader, "PATIENCE", 1.0)
    led: list[str] = []

    async def work() -> None:
        led.append("begins")
        try:
            await asyncio.Event().wait()
        finally:
            led.append("ends")

    async with behind(postgres_url) as (proxy, url):
        leading = asyncio.create_task(lead(url, "public", "duty", work))
        await eventually(lambda: led)
        proxy.silence()
        await eventually(lambda: "ends" in led)
        await ended([leading])


async def test_a_silent_nats_is_noticed_and_another_connection_made(
    nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "PING_SECONDS", 0.2)
    async with behind(nats_url) as (proxy, url):
        jetstream = JetStream(url, "test")
        await jetstream.connect()
        proxy.silence()
        await eventually(lambda: len(proxy.links) > 1 and jetstream.connected)
        await jetstream.ensure("silent")
        await jetstream.close()


async def test_a_client_that_nats_sent_away_for_good_is_made_anew(nats_url: str) -> None:
    poked = asyncio.Event()
    async with behind(nats_url) as (proxy, url):
        jetstream, other = JetStream(url, "test"), JetStream(nats_url, "other")
        await jetstream.connect()
        await jetstream.on_poke("toy", poked.set)
        await other.connect()
        first = jetstream._client
        for link in proxy.links:
            link.client.write(b"-ERR 'Authentication Timeout'\r\n")
        await eventually(lambda: jetstream._client is not first and jetstream.connected)

        assert first.is_closed
        async with asyncio.timeout(10):
            while not poked.is_set():
                other.poke("toy")
                await asyncio.sleep(0.05)
        await jetstream.close()
        await other.close()


async def test_a_closed_connection_stays_closed(nats_url: str) -> None:
    jetstream = JetStream(nats_url, "test")
    await jetstream.connect()
    await jetstream.close()

    assert not jetstream.connected and jetstream._again is None
