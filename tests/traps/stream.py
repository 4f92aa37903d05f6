"""The toy's stream in JetStream: made anew, filled by a relay, and looked at from outside."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg

from mpp.eventsourcing.log import Recorded
from mpp.messaging.jetstream import JetStream
from mpp.messaging.message import Message, decode, messages_of
from mpp.messaging.relay import Reads, Relay, Stores
from mpp.testing import toy

J = TypeVar("J", bound=JetStream)


@asynccontextmanager
async def opened(jetstream: J) -> AsyncIterator[J]:
    """Connected; the toy's stream is made anew, its sequences start at 1."""
    await jetstream.connect()
    await jetstream.ensure("toy")
    await jetstream._js.delete_stream("mpp-toy")
    await jetstream.ensure("toy")
    try:
        yield jetstream
    finally:
        await jetstream.close()


def relay(reads: Reads, stores: Stores, window: int = 256) -> Relay:
    return Relay("toy", reads, stores, toy.handler().decode, toy.announce, window=window)


async def relayed(relay: Relay) -> Relay:
    """Brought to the end of the log."""
    await relay.resume()
    while await relay.step():
        pass
    return relay


def packed(events: Sequence[Recorded]) -> list[tuple[str, bytes]]:
    """What is announced of these, as it is published."""
    return [(m.subject, m.encode()) for m in messages_of(events, toy.announce, 0)]


async def stored(jetstream: JetStream) -> list[Message]:
    first, last = await jetstream.bounds("toy")
    found = [await jetstream.get("toy", sequence) for sequence in range(first, last + 1)]
    return [decode(each.payload) for each in found if each]


async def told(jetstream: JetStream) -> list[int]:
    """The numbers that the stream tells of, in its order."""
    return toy.told(await stored(jetstream))


async def numbers(database: asyncpg.Connection) -> list[int]:
    """The numbers that the log says were given, in its order."""
    sql = "select (data->>'number')::int from events where type = 'number-given' order by position"
    return [row[0] for row in await database.fetch(sql)]
