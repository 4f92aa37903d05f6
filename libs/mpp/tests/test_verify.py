"""Verification holds for a sound log and names each kind of planted damage."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest
import pytest_asyncio

from mpp.eventsourcing import verify
from mpp.eventsourcing.handler import Handler
from mpp.eventsourcing.log import Log, connect
from mpp.eventsourcing.verify import Check
from mpp.messaging.compare import jetstream_is_log
from mpp.messaging.jetstream import JetStream
from mpp.messaging.relay import Relay
from mpp.testing import toy
from mpp.testing.toy import Close, Give


@dataclass
class Sound:
    """A hall's morning, relayed to the end."""

    dsn: str
    handle: Handler
    database: asyncpg.Connection
    jetstream: JetStream

    async def checks(self) -> dict[str, Check]:
        moment = await verify.snapshot(self.dsn, "toy")
        decode = self.handle.decode
        try:
            checks = [
                await verify.contiguous(moment),
                await verify.invariants(moment, decode, toy.check),
                await verify.views_are_fold(moment, "toy", toy.TABLES, decode, toy.project),
                await jetstream_is_log(moment, self.jetstream, "toy", decode, toy.announce),
            ]
        finally:
            await moment.close()
        return {check.name: check for check in checks}

    async def broken(self) -> set[str]:
        return {name for name, check in (await self.checks()).items() if not check.holds}


@pytest_asyncio.fixture
async def sound(postgres_url: str, nats_url: str) -> AsyncIterator[Sound]:
    await toy.create(postgres_url)
    database, log = await connect(postgres_url, "toy", "test"), Log(postgres_url, "toy", "relay")
    jetstream = JetStream(nats_url, "test")
    await jetstream.connect()
    await jetstream.ensure("toy")
    await jetstream._js.delete_stream("mpp-toy")
    async with toy.writing(postgres_url) as handle:
        for n in range(4):
            await handle("hall-7406", Give(str(n)))
        await handle("hall-7406", Close())
        await handle("hall-3271", Give("x"))
        relay = Relay("toy", log, jetstream, handle.decode, toy.announce)
        await relay.resume()
        while await relay.step():
            pass
        yield Sound(postgres_url, handle, database, jetstream)
    await log.close()
    await jetstream.close()
    await database.close()


LOG, PROMISES = "versions contiguous", "promises of the streams"
VIEWS, STREAM = "views = fold of the log", "JetStream = log"


async def test_a_sound_service_has_nothing_to_complain_of(sound: Sound) -> None:
    checks = await sound.checks()

    assert {name: (check.looked_at, check.violations) for name, check in checks.items()} == {
        LOG: (2, ()),
        PROMISES: (2, ()),
        VIEWS: (7, ()),
        STREAM: (5, ()),
    }


async def test_events_not_relayed_yet_and_newer_ones_are_no_violation(sound: Sound) -> None:
    await sound.handle("hall-3271", Give("later"))

    assert await sound.broken() == set()


@pytest.mark.parametrize(
    ("damage", "broken"),
    [
        ("delete from events where stream = 'hall-7406' and version = 2", {LOG, PROMISES, VIEWS, STREAM}),
        ("delete from events where stream = 'hall-7406' and version = 1", {LOG, PROMISES, VIEWS, STREAM}),
        ("delete from events where stream = 'hall-7406' and version = 5", {VIEWS}),
        ("delete from events where stream = 'hall-3271'", {VIEWS, STREAM}),
        ("update events set version = version + 100 where version = 5", {LOG}),
        (
            'update events set data = \'{"number": 9, "whom": "1"}\' where version = 2',
            {PROMISES, VIEWS, STREAM},
        ),
        ("update events set id = gen_random_uuid() where version = 2", {STREAM}),
        ("update toy_numbers set whom = 'somebody else' where number = 2", {VIEWS}),
        ("update toy_numbers set facts = null where number = 2", {VIEWS}),
        ("delete from toy_halls where hall = 'hall-3271'", {VIEWS}),
        ("insert into toy_numbers (hall, number, whom) values ('hall-7406', 99, 'x')", {VIEWS}),
    ],
)
async def test_damage_to_the_log_or_the_views_is_named(sound: Sound, damage: str, broken: set[str]) -> None:
    await sound.database.execute(damage)

    assert await sound.broken() == broken


async def test_versions_out_of_the_order_of_their_positions_are_named(sound: Sound) -> None:
    await sound.database.execute("alter table events drop constraint events_stream_version_key")
    await sound.database.execute(
        "update events set version = 5 - version where stream = 'hall-7406' and version < 5"
    )

    assert LOG in await sound.broken()


@pytest.mark.parametrize("sequence", [2, 5])
async def test_a_message_deleted_from_the_stream_is_named(sound: Sound, sequence: int) -> None:
    await sound.jetstream._js.delete_msg("mpp-toy", sequence)

    assert await sound.broken() == {STREAM}


@pytest.mark.parametrize("left", ["nothing", "no stream", "the beginning"])
async def test_what_was_never_told_is_named_once_it_should_have_been(sound: Sound, left: str) -> None:
    if left == "the beginning":
        await sound.handle("hall-3271", Give("late"))
    elif left == "nothing":
        await sound.jetstream._js.purge_stream("mpp-toy")
    else:
        await sound.jetstream._js.delete_stream("mpp-toy")
    assert await sound.broken() == set()
    await sound.database.execute("update events set recorded_at = recorded_at - interval '1 minute'")
    if left == "the beginning":  # what the stream holds was told before its time was changed
        await sound.database.execute(
            "update events set recorded_at = recorded_at + interval '1 minute' where position < 7"
        )
    missing = {"the beginning": "1 of the log's events are not told, from 7 on"}
    check = (await sound.checks())[STREAM]

    assert check.violations == (missing.get(left, "5 of the log's events are not told, from 1 on"),)


async def test_a_message_that_nobody_relayed_is_named(sound: Sound) -> None:
    await sound.jetstream._js.publish("mpp.toy.7406.number-given.v1", b"not an envelope")

    assert await sound.broken() == {STREAM}


async def test_a_message_stored_twice_is_named(sound: Sound) -> None:
    stored = await sound.jetstream.get("toy", 5)
    assert stored
    await sound.jetstream._js.publish(stored.subject, stored.payload)

    assert await sound.broken() == {STREAM}


async def test_a_message_that_says_something_else_is_named(sound: Sound) -> None:
    stored = [await sound.jetstream.get("toy", sequence) for sequence in range(1, 6)]
    await sound.jetstream._js.purge_stream("mpp-toy")
    for message in filter(None, stored):
        payload = message.payload.replace(b'"whom":"2"', b'"whom":"9"')
        await sound.jetstream._js.publish(message.subject, payload)

    assert await sound.broken() == {STREAM}


async def test_a_stream_whose_head_has_expired_is_compared_from_its_first_message(sound: Sound) -> None:
    await sound.jetstream._js.purge_stream("mpp-toy", seq=3)
    check = (await sound.checks())[STREAM]

    assert (check.looked_at, check.violations) == (3, ())
