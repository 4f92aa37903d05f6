"""What the log announces is stored in JetStream once and in order, whatever happens to either."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from nats.errors import TimeoutError as NatsTimeout
from nats.js import JetStreamContext

from mpp.eventsourcing.handler import Handler
from mpp.eventsourcing.log import Log, LogLostFacts, connect
from mpp.messaging.jetstream import FEW, Fenced, JetStream, NoStream, TooOld
from mpp.messaging.message import Message, decode
from mpp.messaging.relay import FENCED, READ, RUNNING, TOLD, Relay
from mpp.testing import toy
from mpp.testing.toy import Close, Give
from mpp_servers.nats import Nats

A, B = "hall-7406", "hall-3271"


@dataclass
class Bench:
    """A log with its handler, and a JetStream whose stream is empty."""

    dsn: str
    handle: Handler
    database: asyncpg.Connection
    jetstream: JetStream
    log: Log

    def relay(self, window: int = 128) -> Relay:
        return Relay("toy", self.log, self.jetstream, self.handle.decode, toy.announce, window=window)

    async def relayed(self, relay: Relay) -> Relay:
        """Brought to the end of the log."""
        await relay.resume()
        while await relay.step():
            pass
        return relay

    async def stored(self) -> list[Message]:
        first, last = await self.jetstream.bounds("toy")
        found = [await self.jetstream.get("toy", sequence) for sequence in range(first, last + 1)]
        return [decode(stored.payload) for stored in found if stored]

    async def numbers(self) -> list[int]:
        return toy.told(await self.stored())

    async def until(self, numbers: Sequence[int]) -> None:
        async with asyncio.timeout(30):
            while await self.numbers() != list(numbers):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def bench_on(dsn: str, nats_url: str) -> AsyncIterator[Bench]:
    await toy.create(dsn)
    database, log = await connect(dsn, "toy", "test"), Log(dsn, "toy", "relay")
    jetstream = JetStream(nats_url, "test")
    await jetstream.connect()
    await jetstream.ensure("toy")
    await jetstream._js.delete_stream("mpp-toy")
    async with toy.writing(dsn) as handle:
        yield Bench(dsn, handle, database, jetstream, log)
    await log.close()
    await jetstream.close()
    await database.close()


@pytest_asyncio.fixture
async def bench(postgres_url: str, nats_url: str) -> AsyncIterator[Bench]:
    async with bench_on(postgres_url, nats_url) as bench:
        yield bench


@asynccontextmanager
async def running(*relays: Relay) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def give(bench: Bench, count: int) -> None:
    await asyncio.gather(*(bench.handle(A, Give(str(n))) for n in range(count)))


async def test_everything_announced_is_stored_in_order_and_names_what_came_before(bench: Bench) -> None:
    await give(bench, 3)
    await bench.handle(B, Close())
    await give(bench, 4)
    await bench.relayed(bench.relay(window=3))
    stored = await bench.stored()

    assert toy.told(stored) == [1, 2, 3, 4, 5, 6, 7]
    assert [m.previous for m in stored] == [0, *(m.position for m in stored[:-1])]
    assert {(m.key, m.type, m.subject) for m in stored} == {
        ("7406", "mpp.toy.number-given.v1", "mpp.toy.7406.number-given.v1")
    }
    ids = [r["id"] for r in await bench.database.fetch("select id from events order by position")]
    assert [m.id for m in stored] == [*ids[:3], *ids[4:]]


async def test_a_running_relay_is_poked_by_each_commit(bench: Bench) -> None:
    relay = bench.relay()
    bench.handle.committed = relay.poke
    async with running(relay):
        for n in range(5):
            await bench.handle(A, Give(str(n)))
            await bench.until(range(1, n + 2))


async def test_two_relays_at_once_store_everything_once(bench: Bench) -> None:
    async with running(bench.relay(window=2), bench.relay(window=3)):
        for _ in range(5):
            await give(bench, 8)
        await bench.until(range(1, 41))


async def test_a_stale_relay_is_refused_and_changes_nothing(bench: Bench) -> None:
    await give(bench, 2)
    stale = await bench.relayed(bench.relay())
    await give(bench, 2)
    await bench.relayed(bench.relay())
    before = await bench.stored()

    with pytest.raises(Fenced):
        await stale.step()

    assert await bench.stored() == before
    await bench.relayed(stale)
    assert await bench.stored() == before


SUBJECT = "mpp.toy.7406.number-given.v1"


def page(many: int) -> list[tuple[str, bytes]]:
    return [(SUBJECT, b"%d" % n) for n in range(1, many + 1)]


@pytest.mark.parametrize("many", [2, FEW, FEW + 1])
async def test_a_page_never_follows_another_writers_message(bench: Bench, many: int) -> None:
    await bench.jetstream.ensure("toy")
    publish = bench.jetstream.publish
    assert await publish([(SUBJECT, b"first")], 0) == 1

    with pytest.raises(Fenced):
        await publish([(SUBJECT, b"other")] * many, 0)
    assert await publish(page(many), 1) == 1 + many
    assert await payloads(bench) == [b"first", *(said for _, said in page(many))]


async def test_of_a_few_messages_those_behind_a_lost_one_are_not_stored(bench: Bench) -> None:
    await bench.jetstream.ensure("toy")
    send = bench.jetstream._js.publish

    async def loses_the_third(subject: str, payload: bytes = b"", **options: Any) -> Any:
        if payload == b"3":
            raise NatsTimeout
        return await send(subject, payload, **options)

    bench.jetstream._js.publish = loses_the_third  # type: ignore[method-assign, assignment]
    with pytest.raises(NatsTimeout):
        await bench.jetstream.publish(page(4), 0)

    assert await payloads(bench) == [b"1", b"2"]


async def test_a_batch_that_did_not_arrive_whole_is_not_stored_at_all(bench: Bench) -> None:
    await bench.jetstream.ensure("toy")
    send = bench.jetstream._client.publish
    sent = 0

    async def loses_the_second(subject: str, payload: bytes = b"", **options: Any) -> None:
        nonlocal sent
        sent += 1
        if sent != 2:
            await send(subject, payload, **options)

    bench.jetstream._client.publish = loses_the_second  # type: ignore[method-assign, assignment]
    with pytest.raises(Fenced):
        await bench.jetstream.publish(page(FEW + 1), 0)

    assert await bench.jetstream.bounds("toy") == (1, 0)


async def test_a_writer_killed_in_the_middle_of_a_batch_leaves_nothing_behind(bench: Bench) -> None:
    await bench.jetstream.ensure("toy")
    client = bench.jetstream._client
    for place in (1, 2):  # and never the commit
        batch = {"Nats-Batch-Id": "cut", "Nats-Batch-Sequence": str(place)}
        await client.publish(SUBJECT, b"half", headers=batch)
    await client.flush()

    assert await bench.jetstream.bounds("toy") == (1, 0)
    await give(bench, 2)
    await bench.relayed(bench.relay())
    assert await bench.numbers() == [1, 2]


async def payloads(bench: Bench) -> list[bytes]:
    first, last = await bench.jetstream.bounds("toy")
    stored = [await bench.jetstream.get("toy", at) for at in range(first, last + 1)]
    return [each.payload for each in stored if each]


async def test_a_repeat_of_the_very_same_batch_is_not_stored_twice(bench: Bench) -> None:
    await give(bench, 1)
    await bench.relayed(bench.relay())
    stored = await bench.jetstream.get("toy", 1)
    assert stored

    with pytest.raises(Fenced):
        await bench.jetstream.publish([(stored.subject, stored.payload)], 0)

    assert await bench.jetstream.bounds("toy") == (1, 1)


async def test_a_server_that_knows_no_batches_is_refused(bench: Bench) -> None:
    before = JetStreamContext.update_stream

    async def old(self: Any, *args: Any, **kwargs: Any) -> Any:
        made = await before(self, *args, **kwargs)
        made.config.allow_atomic = None
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JetStreamContext, "update_stream", old)
        await bench.jetstream._js.add_stream(name="mpp-toy", subjects=["mpp.toy.>"])
        with pytest.raises(TooOld):
            await bench.jetstream.ensure("toy")


@pytest.mark.parametrize("how", ["deleted", "purged"])
async def test_a_stream_that_was_deleted_or_purged_refills_at_once_without_losing_a_message(
    bench: Bench, how: str
) -> None:
    relay = bench.relay()
    async with running(relay):
        await give(bench, 5)
        await bench.until(range(1, 6))
        await (
            bench.jetstream._js.delete_stream("mpp-toy")
            if how == "deleted"
            else bench.jetstream._js.purge_stream("mpp-toy")
        )
        await bench.jetstream.ensure("toy")
    await bench.relayed(bench.relay())

    assert await bench.numbers() == [1, 2, 3, 4, 5]


async def test_a_stream_that_lost_its_last_messages_gets_those_again_and_no_others(bench: Bench) -> None:
    await give(bench, 5)
    await bench.relayed(bench.relay())
    for sequence in (4, 5):
        await bench.jetstream._js.delete_msg("mpp-toy", sequence)

    await bench.relayed(bench.relay())

    assert await bench.jetstream.bounds("toy") == (1, 7)
    assert await payloads_by_sequence(bench) == {1: 1, 2: 2, 3: 3, 6: 4, 7: 5}


async def payloads_by_sequence(bench: Bench) -> dict[int, int]:
    first, last = await bench.jetstream.bounds("toy")
    found = [await bench.jetstream.get("toy", sequence) for sequence in range(first, last + 1)]
    return {each.sequence: toy.told([decode(each.payload)])[0] for each in found if each}


async def test_a_running_relay_notices_that_its_stream_was_deleted(bench: Bench) -> None:
    async with running(bench.relay()):
        await give(bench, 3)
        await bench.until([1, 2, 3])
        await bench.jetstream._js.delete_stream("mpp-toy")
        await give(bench, 1)
        async with asyncio.timeout(20):
            while True:
                try:
                    await bench.until([1, 2, 3, 4])
                    break
                except NoStream:  # deleted, and not made anew yet
                    await asyncio.sleep(0.05)


async def test_events_older_than_the_stream_keeps_are_not_refilled(bench: Bench) -> None:
    await give(bench, 4)
    await bench.database.execute(
        "update events set recorded_at = now() - interval '20 days' where version <= 2"
    )
    await bench.relayed(bench.relay())
    stored = await bench.stored()

    assert toy.told(stored) == [3, 4]
    assert stored[0].previous == stored[0].position - 1


async def test_a_log_that_lost_its_last_event_is_an_alarm_and_nothing_is_published(bench: Bench) -> None:
    FENCED.labels("toy").set(0)
    await give(bench, 3)
    await bench.relayed(bench.relay())
    await bench.database.execute("delete from events where version = 3")
    await bench.handle(A, Give("instead"))

    with pytest.raises(LogLostFacts):
        await bench.relayed(bench.relay())
    async with running(bench.relay()), asyncio.timeout(20):
        while not FENCED.labels("toy")._value.get():
            await asyncio.sleep(0.01)

    assert await bench.numbers() == [1, 2, 3]
    assert [m.data["whom"] for m in await bench.stored()] == ["0", "1", "2"]


async def test_a_log_restored_from_an_older_copy_is_an_alarm_for_a_relay_that_still_runs(
    bench: Bench,
) -> None:
    await give(bench, 3)
    relay = await bench.relayed(bench.relay())
    await bench.database.execute("update events set id = gen_random_uuid() where version = 3")

    with pytest.raises(LogLostFacts):
        await relay.step()


async def test_positions_that_a_rollback_left_empty_do_not_stop_the_relay(bench: Bench) -> None:
    with pytest.raises(RuntimeError):
        await bench.handle(A, toy.Spoil())
    await give(bench, 2)
    await bench.relayed(bench.relay())

    assert await bench.numbers() == [1, 2]


async def test_without_nats_events_wait_in_the_log_and_follow_when_it_returns(
    postgres_url: str, own_nats: Nats
) -> None:
    async with bench_on(postgres_url, own_nats.url) as bench:
        relay = bench.relay()
        bench.handle.committed = relay.poke
        async with running(relay):
            await give(bench, 5)
            await bench.until(range(1, 6))
            own_nats.kill()
            await give(bench, 5)
            await asyncio.to_thread(own_nats.start)
            async with asyncio.timeout(30):
                while not bench.jetstream.connected:
                    await asyncio.sleep(0.05)
            await bench.until(range(1, 11))


async def test_without_a_database_the_relay_waits_and_goes_on(bench: Bench) -> None:
    async with running(bench.relay()):
        await give(bench, 2)
        await bench.until([1, 2])
        await bench.database.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'toy-relay'"
        )
        await give(bench, 2)
        await bench.until([1, 2, 3, 4])


async def test_how_far_the_relay_came_is_told_also_past_what_nobody_is_told(bench: Bench) -> None:
    await give(bench, 3)
    await bench.handle(A, Close())
    positions = [r["position"] for r in await bench.database.fetch("select position from events order by 1")]
    for _ in range(2):  # the second one resumes from what JetStream holds
        await bench.relayed(bench.relay())
        assert READ.labels("toy")._value.get() == positions[-1]
        assert TOLD.labels("toy")._value.get() == positions[-2]


async def test_a_relay_of_an_empty_stream_has_told_nothing(bench: Bench) -> None:
    await bench.handle(A, Close())
    await bench.relayed(bench.relay())
    assert TOLD.labels("toy")._value.get() == 0


async def test_who_relays_says_so_and_takes_it_back(bench: Bench) -> None:
    async with running(bench.relay()), asyncio.timeout(20):
        while not RUNNING.labels("toy")._value.get():
            await asyncio.sleep(0.01)
    assert RUNNING.labels("toy")._value.get() == 0
