"""Trap: a consumer that knows which ids it handled, and neither their order nor what is missing."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

import asyncpg
import pytest_asyncio

from mpp.eventsourcing.handler import Handler, Step
from mpp.eventsourcing.log import About, Log
from mpp.messaging.inbox import Inbox
from mpp.messaging.jetstream import Gap, JetStream
from mpp.messaging.message import Message, received
from mpp.messaging.parking import Parking
from mpp.testing import toy
from mpp.testing.toy import Close, Give, HallClosed, NumberGiven
from mpp_contracts.published import Published

from .stream import relay, relayed, stored
from .writers import SEED

HALLS, WORKERS = ("7406", "3271", "1671", "3578"), 4
SAID, LAST = list(range(1, 10)), 40  # the tenth message of a hall closes it


class ById(Inbox):
    """The product's, but each message is handled for itself, and only its id is remembered."""

    async def handle(self, messages: Sequence[Message]) -> None:
        for message in messages:
            await self._handle.all(self.steps(message), About(role="system", key=str(message.id)))


@dataclass
class Ear:
    """A service that listens: its rules, which cannot handle number 5 before they are mended."""

    database: asyncpg.Connection
    hear: Handler
    parking: Parking
    jetstream: JetStream
    mended: bool = True

    def react(self, heard: Published) -> list[Step]:
        assert isinstance(heard, NumberGiven)
        if heard.number == 5 and not self.mended:
            raise RuntimeError
        command = Close() if heard.whom == "close" else Give(str(heard.number))
        return [Step(f"hall-{heard.mall}", command)]

    def inbox(self, kind: type[Inbox]) -> Inbox:
        ours = (self.hear, self.parking, self.jetstream, self.nobody)
        return kind("ear", "toy", [NumberGiven], self.react, *ours)

    async def nobody(self, position: int, seen: UUID | None) -> list[Message]:
        """The owner is not asked: everything is in the stream."""
        return []

    async def heard(self) -> list[list[int]]:
        """Per hall the numbers that led to something, in their order."""
        sql = """select (data->>'whom')::int from ear.events
            where type = 'number-given' and stream = $1 order by position"""
        return [[row[0] for row in await self.database.fetch(sql, f"hall-{hall}")] for hall in HALLS]


@pytest_asyncio.fixture
async def ear(dsn: str, database: asyncpg.Connection, log: Log, jetstream: JetStream) -> AsyncIterator[Ear]:
    """Four halls have said ten things each."""
    await toy.create(dsn, "ear")
    async with toy.writing(dsn) as speak:
        for hall in HALLS:
            for whom in [*map(str, SAID), "close"]:
                await speak(f"hall-{hall}", Give(whom))
    await relayed(relay(log, jetstream))
    async with (
        asyncpg.create_pool(dsn, min_size=1, max_size=2, server_settings={"search_path": "ear"}) as pool,
        toy.writing(dsn, "ear") as hear,
    ):
        yield Ear(database, hear, Parking(pool), jetstream)


def overtaking(messages: Sequence[Message]) -> list[Message]:
    """The order in which four workers are done who take these in turn; one is faster, another slower."""
    random, done = Random(SEED), list[Message]()
    for first in range(0, len(messages), WORKERS):
        window = list(messages[first : first + WORKERS])
        random.shuffle(window)
        done += window
    return done


async def test_workers_that_overtake_each_other_lose_what_came_too_late(ear: Ear) -> None:
    inbox, refused = ear.inbox(ById), 0
    for message in overtaking(await stored(ear.jetstream)):
        try:
            await inbox.handle([message])
        except HallClosed:
            refused += 1
    heard = await ear.heard()
    late = [number for hall in heard for at, number in enumerate(hall) if number < max(hall[: at + 1])]

    assert (refused, sum(map(len, heard)), len(late)) == (3, 33, 16)


async def test_a_message_that_overtakes_waits_for_what_is_missing(ear: Ear) -> None:
    inbox, waited = ear.inbox(Inbox), 0
    waiting = overtaking(await stored(ear.jetstream))
    while waiting:
        for message in list(waiting):
            try:
                await inbox.handle([message])
                waiting.remove(message)
            except Gap:
                waited += 1

    assert await ear.heard() == [SAID] * len(HALLS)
    assert waited > 0


async def test_a_failed_message_that_is_delivered_again_comes_after_those_that_followed_it(ear: Ear) -> None:
    inbox, refused, ear.mended = ear.inbox(ById), 0, False
    queue = await ear.jetstream._js.pull_subscribe("mpp.toy.>", "ear", "mpp-toy")
    unanswered = LAST
    while unanswered:
        for delivered in await queue.fetch(10, timeout=10):
            try:
                await inbox.handle([received(delivered.subject, delivered.data)])
            except HallClosed:
                refused += 1
            except RuntimeError:
                await delivered.nak()
                continue
            unanswered -= 1
            await delivered.ack_sync()
            ear.mended = ear.mended or delivered.metadata.sequence.stream == LAST

    assert refused == len(HALLS)
    assert await ear.heard() == [[1, 2, 3, 4, 6, 7, 8, 9]] * len(HALLS)


async def test_what_follows_a_failed_message_of_its_mall_waits_behind_it(ear: Ear) -> None:
    inbox, ear.mended = ear.inbox(Inbox), False
    await inbox.handle(await stored(ear.jetstream))
    before, ear.mended = await ear.heard(), True
    await ear.parking.replay(inbox, "toy", ear.hear)

    assert before == [[1, 2, 3, 4]] * len(HALLS)
    assert await ear.heard() == [SAID] * len(HALLS)
