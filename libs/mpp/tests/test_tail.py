"""Pages follow a service's published events, each once and in order, whatever JetStream has lost."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

import asyncpg
import pytest_asyncio

from mpp.eventsourcing.handler import Handler
from mpp.eventsourcing.log import Log, connect
from mpp.internal import Told
from mpp.messaging.jetstream import JetStream
from mpp.messaging.relay import Relay
from mpp.messaging.tail import Owner, tail
from mpp.testing import toy
from mpp.testing.toy import Close, Give


@dataclass
class Feed:
    """A toy service, its relay, and a page that follows it."""

    handle: Handler
    relay: Relay
    jetstream: JetStream
    database: asyncpg.Connection
    owner: Owner
    heard: list[int] = field(default_factory=list)

    async def say(self, many: int) -> None:
        for _ in range(many):
            await self.handle("hall-7406", Give("x"))

    async def relayed(self) -> None:
        await self.relay.resume()
        while await self.relay.step():
            pass

    async def follow(self, position: int = 0) -> None:
        async for batch in tail(self.jetstream, "toy", position, self.owner):
            self.heard += toy.told(batch)

    async def until(self, numbers: range) -> None:
        async with asyncio.timeout(30):
            while len(self.heard) < len(numbers):
                await asyncio.sleep(0.02)
        assert self.heard == list(numbers)


@pytest_asyncio.fixture
async def feed(postgres_url: str, nats_url: str) -> AsyncIterator[Feed]:
    await toy.create(postgres_url)
    database, log = await connect(postgres_url, "toy", "test"), Log(postgres_url, "toy", "relay")
    pool = await asyncpg.create_pool(
        postgres_url, min_size=0, max_size=2, server_settings={"search_path": "toy"}
    )
    jetstream = JetStream(nats_url, "test")
    await jetstream.connect()
    await jetstream.ensure("toy")
    await jetstream._js.delete_stream("mpp-toy")
    async with toy.writing(postgres_url) as handle:
        told = Told(handle.decode, toy.announce)
        relay = Relay("toy", log, jetstream, handle.decode, toy.announce)
        yield Feed(handle, relay, jetstream, database, partial(told.onward, pool))
    await log.close()
    await jetstream.close()
    await pool.close()
    await database.close()


async def test_what_was_purged_before_it_was_read_is_taken_from_the_log(feed: Feed) -> None:
    await feed.say(6)
    await feed.relayed()
    await feed.jetstream._js.purge_stream("mpp-toy", seq=5)
    following = asyncio.create_task(feed.follow())
    await feed.until(range(1, 7))
    await feed.jetstream._js.purge_stream("mpp-toy")
    await feed.say(3)
    await feed.relayed()
    await feed.until(range(1, 10))
    following.cancel()


async def test_what_is_purged_between_two_looks_is_taken_from_the_log(feed: Feed) -> None:
    await feed.say(2)
    await feed.relayed()
    following = asyncio.create_task(feed.follow())
    await feed.until(range(1, 3))
    await feed.jetstream._js.delete_stream("mpp-toy")  # and with it the page's consumer
    await feed.say(4)
    await feed.relayed()
    await feed.jetstream._js.purge_stream("mpp-toy", keep=1)
    await feed.until(range(1, 7))
    following.cancel()


async def test_much_that_is_told_to_nobody_is_read_past(feed: Feed) -> None:
    await feed.database.execute(
        """insert into events (id, stream, version, type, data, about)
        select gen_random_uuid(), 'hall-9' || n, 1, 'hall-closed', '{}', '{}'
        from generate_series(1, 26000) n"""
    )
    await feed.handle("hall-7406", Close())
    await feed.handle("hall-3271", Give("x"))

    assert toy.told(await feed.owner(0, None)) == [1]
    assert await feed.owner(26_002, None) == []
