"""Trap: two places written one after the other: publish, then commit; or commit, then publish."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from mpp.eventsourcing.decider import Rejected
from mpp.eventsourcing.handler import Handler
from mpp.eventsourcing.log import Log, Recorded
from mpp.messaging.jetstream import UNREACHABLE, JetStream
from mpp.testing import toy
from mpp.testing.toy import Give

from .stream import numbers, packed, relay, relayed, stored, told
from .writers import Follower, started

A = "hall-7406"
EVENTS = 40


class Refused(Rejected):
    """What belongs into the same transaction cannot be written."""


async def publish(jetstream: JetStream, events: Sequence[Recorded]) -> None:
    """Tell of these, wherever the stream ends."""
    await jetstream.publish(packed(events), (await jetstream.bounds("toy"))[1])


def telling(jetstream: JetStream) -> Callable[[Any, Sequence[Recorded]], Awaitable[None]]:
    """The toy's projection, but others are told while the transaction is open."""

    async def project(tx: asyncpg.Connection, events: Sequence[Recorded]) -> None:
        await toy.project(tx, events)
        await publish(jetstream, events)

    return project


async def every_fourth_fails(handle: Handler, dsn: str) -> None:
    """Forty ask one after the other; every fourth transaction is rolled back at its end."""

    async def fail(tx: asyncpg.Connection) -> None:
        raise Refused

    async with started(handle, dsn):
        for n in range(EVENTS):
            try:
                await handle(A, Give(str(n)), also=[fail] if n % 4 == 3 else [])
            except Refused:
                assert n % 4 == 3


async def ids(database: asyncpg.Connection) -> list[UUID]:
    return [row["id"] for row in await database.fetch("select id from events order by position")]


async def test_what_is_published_before_the_commit_may_never_have_happened(
    dsn: str, database: asyncpg.Connection, jetstream: JetStream
) -> None:
    await every_fourth_fails(Handler([toy.decider], telling(jetstream)), dsn)
    messages, facts = await stored(jetstream), await ids(database)

    assert len([message for message in messages if message.id not in facts]) == 10
    assert (len(messages), len(set(toy.told(messages))), len(facts)) == (40, 31, 30)


async def test_what_the_relay_reads_from_the_log_has_happened(
    dsn: str, database: asyncpg.Connection, log: Log, jetstream: JetStream
) -> None:
    await every_fourth_fails(toy.handler(), dsn)
    await relayed(relay(log, jetstream))

    assert [message.id for message in await stored(jetstream)] == await ids(database)
    assert await told(jetstream) == list(range(1, 31))


async def away_for_ten(dsn: str, jetstream: JetStream, tell: Callable[[], Awaitable[None]]) -> None:
    """Forty ask one after the other; NATS cannot be reached from the tenth to the twentieth."""
    async with toy.writing(dsn) as handle:
        for n in range(EVENTS):
            if n == 10:
                await jetstream.close()
            if n == 20:
                await jetstream.connect()
            await handle(A, Give(str(n)))
            await tell()


async def test_what_is_published_after_the_commit_is_missing_when_nats_is_away(
    dsn: str, database: asyncpg.Connection, log: Log, jetstream: JetStream
) -> None:
    written, handle = Follower(log), toy.handler()

    async def tell() -> None:
        await written.look()
        try:
            await publish(jetstream, [row.recorded(handle.decode(row)) for row in written.seen[-1:]])
        except UNREACHABLE:
            return  # the answer was promised, the client shall have it

    await away_for_ten(dsn, jetstream, tell)

    assert await numbers(database) == list(range(1, 41))
    assert await told(jetstream) == [*range(1, 11), *range(21, 41)]


async def test_what_the_relay_has_not_told_yet_waits_in_the_log(
    dsn: str, log: Log, jetstream: JetStream
) -> None:
    begun = relay(log, jetstream)
    await begun.resume()

    async def tell() -> None:
        try:
            await begun.step()
        except UNREACHABLE:
            return  # `run` begins again; here the next turn does

    await away_for_ten(dsn, jetstream, tell)

    assert await told(jetstream) == list(range(1, 41))
