"""Trap: a relay that believes it still leads; it read, slept, and publishes what another has published."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest

from mpp.eventsourcing.log import Log, Row
from mpp.messaging.jetstream import Fenced, JetStream
from mpp.testing import toy
from mpp.testing.toy import Give

from .stream import opened, relay, relayed, told

EVENTS = 40
PAGES = pytest.mark.parametrize("page", [10, 40], ids=["one by one", "as a batch"])


class Unfenced(JetStream):
    """The product's, but it stores wherever the stream ends."""

    async def publish(self, messages: Sequence[tuple[str, bytes]], expected: int) -> int:
        return await super().publish(messages, (await self.bounds("toy"))[1])


class Sleeper:
    """A log whose reader falls asleep between reading a page and going on with it."""

    def __init__(self, log: Log):
        self._log = log
        self.asleep, self.awake = asyncio.Event(), asyncio.Event()
        self.first_since = log.first_since

    async def read_after(self, position: int, id: UUID | None, limit: int) -> list[Row]:  # noqa: A002
        rows = await self._log.read_after(position, id, limit)
        self.asleep.set()
        await self.awake.wait()
        return rows


async def wakes_up(dsn: str, log: Log, jetstream: JetStream, page: int) -> None:
    """The leader sleeps on its first page, another relays everything, the leader goes on to its end."""
    async with toy.writing(dsn) as handle:
        for n in range(EVENTS):
            await handle("hall-7406", Give(str(n)))
    sleeper = Sleeper(log)
    sleeping = asyncio.create_task(relayed(relay(sleeper, jetstream, page)))
    await sleeper.asleep.wait()
    await relayed(relay(log, jetstream, page))
    sleeper.awake.set()
    await sleeping


@PAGES
async def test_without_the_fence_a_stale_leader_tells_everything_again(
    dsn: str, log: Log, nats_url: str, page: int
) -> None:
    async with opened(Unfenced(nats_url, "test")) as jetstream:
        await wakes_up(dsn, log, jetstream, page)
        numbers = await told(jetstream)

    assert numbers == [*range(1, EVENTS + 1), *range(1, EVENTS + 1)]


@PAGES
async def test_with_the_fence_a_stale_leader_is_refused_and_changes_nothing(
    dsn: str, log: Log, jetstream: JetStream, page: int
) -> None:
    with pytest.raises(Fenced):
        await wakes_up(dsn, log, jetstream, page)

    assert await told(jetstream) == list(range(1, EVENTS + 1))
