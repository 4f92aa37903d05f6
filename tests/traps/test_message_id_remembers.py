"""Trap: the event's id as `Nats-Msg-Id`; a stream that was cut cannot be refilled for two minutes."""

from collections.abc import Sequence

import pytest

from mpp.eventsourcing.log import Log
from mpp.messaging.jetstream import JetStream
from mpp.messaging.message import decode
from mpp.testing import toy
from mpp.testing.toy import Give

from .stream import opened, relay, relayed, told

MANY = pytest.mark.parametrize("many", [10, 20], ids=["one by one", "as a batch"])


class ById(JetStream):
    """The product's, but each message is stored by itself, and its id says whether it was there before."""

    async def publish(self, messages: Sequence[tuple[str, bytes]], expected: int) -> int:
        for subject, payload in messages:
            headers = {"Nats-Msg-Id": str(decode(payload).id)}
            ack = await self._js.publish(subject, payload, headers=headers)
        return ack.seq


async def refilled(dsn: str, log: Log, jetstream: JetStream, many: int) -> list[list[int]]:
    """What the stream tells before it is purged, after it, and when the relay has begun again."""
    async with toy.writing(dsn) as handle:
        for n in range(many):
            await handle("hall-7406", Give(str(n)))
    await relayed(relay(log, jetstream))
    states = [await told(jetstream)]
    await jetstream._js.purge_stream("mpp-toy")
    states.append(await told(jetstream))
    await relayed(relay(log, jetstream))
    return [*states, await told(jetstream)]


@MANY
async def test_ids_that_are_still_remembered_are_acknowledged_and_not_stored(
    dsn: str, log: Log, nats_url: str, many: int
) -> None:
    async with opened(ById(nats_url, "test")) as jetstream:
        states = await refilled(dsn, log, jetstream, many)

    assert states == [list(range(1, many + 1)), [], []]


@MANY
async def test_a_page_that_names_the_streams_end_refills_it_at_once(
    dsn: str, log: Log, jetstream: JetStream, many: int
) -> None:
    everything = list(range(1, many + 1))

    assert await refilled(dsn, log, jetstream, many) == [everything, [], everything]
