"""What others publish is handled once and in order per mall; what can't be handled waits for a human."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from mpp.eventsourcing.decider import UnknownEvent
from mpp.eventsourcing.handler import Handler, Step
from mpp.eventsourcing.log import Log, connect
from mpp.eventsourcing.rebuild import recorded_after
from mpp.messaging.inbox import OTHER, AlreadyHandled, Inbox, OtherHistory, Place
from mpp.messaging.jetstream import Gap, JetStream
from mpp.messaging.message import Message, NotOurs, messages_of, received
from mpp.messaging.parking import Parking
from mpp.messaging.relay import Relay
from mpp.testing import toy
from mpp.testing.toy import Give, NumberGiven
from mpp_contracts.published import Published
from mpp_servers.nats import Nats
from mpp_servers.postgres import Postgres

A, B, C = "hall-7406", "hall-3271", "hall-1671"


@dataclass
class Ear:
    """A service with its log in `toy`, and one in `ear` that listens to it."""

    dsn: str
    url: str
    speak: Handler
    hear: Handler
    database: asyncpg.Connection
    pool: asyncpg.Pool
    jetstream: JetStream
    relay: Relay

    @property
    def parking(self) -> Parking:
        return Parking(self.pool)

    def inbox(
        self,
        react: Callable[[Published], Sequence[Step]] = toy.react,
        contracts: Sequence[type[Published]] = (NumberGiven,),
        hear: Handler | None = None,
    ) -> Inbox:
        return Inbox(
            "ear",
            "toy",
            contracts,
            react,
            hear or self.hear,
            self.parking,
            self.jetstream,
            self.told_after,
        )

    async def told_after(self, position: int, seen: UUID | None = None, limit: int = 7) -> list[Message]:
        """The owner's page of published events after this position."""
        async with self.pool.acquire() as connection:
            await connection.execute("set search_path to toy")  # the pool resets it
            if (
                seen
                and await connection.fetchval("select id from events where position = $1", position) != seen
            ):
                raise OtherHistory
            page = await recorded_after(connection, self.speak.decode, position, limit)
        return messages_of(page, toy.announce, position, seen)

    async def say(self, *whom: str, hall: str = A) -> None:
        for each in whom:
            await self.speak(hall, Give(each))

    async def relayed(self) -> None:
        await self.relay.resume()
        while await self.relay.step():
            pass

    async def heard(self, hall: str = A) -> list[int]:
        sql = "select (data->>'whom')::int as heard from ear.events where stream = $1 order by position"
        return [row["heard"] for row in await self.database.fetch(sql, hall)]

    async def until(self, numbers: Sequence[int], hall: str = A) -> None:
        async with asyncio.timeout(30):
            while len(await self.heard(hall)) < len(numbers):
                await asyncio.sleep(0.02)
        assert await self.heard(hall) == list(numbers)

    async def messages(self) -> list[Message]:
        return await self.told_after(0, limit=10_000)


@asynccontextmanager
async def listening(dsn: str, url: str) -> AsyncIterator[Ear]:
    await toy.create(dsn)
    await toy.create(dsn, "ear")
    database, log = await connect(dsn, "toy", "test"), Log(dsn, "toy", "relay")
    pool = await asyncpg.create_pool(
        dsn, min_size=0, max_size=4, server_settings={"search_path": "ear"}, timeout=3
    )
    jetstream = JetStream(url, "test")
    await jetstream.connect()
    await jetstream.ensure("toy")
    await jetstream._js.delete_stream("mpp-toy")
    async with toy.writing(dsn) as speak, toy.writing(dsn, "ear") as hear:
        relay = Relay("toy", log, jetstream, speak.decode, toy.announce)
        yield Ear(dsn, url, speak, hear, database, pool, jetstream, relay)
    await log.close()
    await jetstream.close()
    await pool.close()
    if not database.is_closed():
        await database.close()


@pytest_asyncio.fixture
async def ear(postgres_url: str, nats_url: str) -> AsyncIterator[Ear]:
    async with listening(postgres_url, nats_url) as ear:
        yield ear


@asynccontextmanager
async def running(*loops: Any) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(loop.run()) for loop in loops]
    try:
        yield
        assert [task.exception() for task in tasks if task.done()] == []
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_everything_published_is_handled_once_and_in_order(ear: Ear) -> None:
    async with running(ear.relay, ear.inbox()):
        await asyncio.gather(*(ear.say(*"x" * 30, hall=hall) for hall in (A, B, C)))
        for hall in (A, B, C):
            await ear.until(range(1, 31), hall)

    assert (await ear.parking.place("toy"))[0].position == (await ear.messages())[-1].position
    assert await ear.database.fetchval("select handled from ear.inbox") == 90


async def test_messages_that_come_again_are_dropped(ear: Ear) -> None:
    await ear.say(*"xyz")
    inbox, messages = ear.inbox(), await ear.messages()

    await inbox.handle(messages[:2])
    await inbox.handle(messages)
    await inbox.handle(messages)

    assert await ear.heard() == [1, 2, 3]


async def test_a_missing_message_is_noticed_before_anything_is_handled(ear: Ear) -> None:
    await ear.say(*"wxyz")
    inbox, messages = ear.inbox(), await ear.messages()
    await inbox.handle(messages[:1])

    with pytest.raises(Gap):
        await inbox.handle(messages[2:])

    assert await ear.heard() == [1]


async def test_two_replicas_that_listen_at_once_handle_each_message_once(ear: Ear) -> None:
    async with toy.writing(ear.dsn, "ear") as other:
        async with running(ear.relay, ear.inbox(), ear.inbox(hear=other)):
            await ear.say(*"x" * 60)
            await ear.until(range(1, 61))
        assert await ear.heard() == list(range(1, 61))


async def test_types_that_nobody_listens_to_only_move_the_cursor(ear: Ear) -> None:
    await ear.say(*"xyz")
    messages = await ear.messages()

    await ear.inbox(contracts=()).handle(messages)

    assert await ear.heard() == []
    assert (await ear.parking.place("toy"))[0].position == messages[-1].position


async def test_a_bad_message_parks_its_mall_and_the_others_go_on(ear: Ear) -> None:
    await ear.say("good", "bad", "good")
    await ear.say("good", hall=B)
    await ear.say("good")
    messages = await ear.messages()

    await ear.inbox().handle(messages)
    parked = await ear.parking.parked()

    assert (await ear.heard(A), await ear.heard(B)) == ([1], [1])
    assert [(p.message.data["number"], p.key) for p in parked] == [(n, "7406") for n in (2, 3, 4)]
    assert [p.reason for p in parked] == ["RuntimeError", *["an earlier message of this key is parked"] * 2]
    assert (await ear.parking.place("toy"))[0].position == messages[-1].position


async def test_a_replay_handles_what_is_parked_in_order_and_stops_a_mall_at_its_first_refusal(
    ear: Ear,
) -> None:
    def mended(heard: Published) -> list[Step]:
        assert isinstance(heard, NumberGiven)
        return [Step(f"hall-{heard.mall}", Give(str(heard.number)))]

    await ear.say("good", "bad", "good")
    await ear.say("bad", "good", hall=B)
    await ear.inbox().handle(await ear.messages())
    still = await ear.parking.replay(ear.inbox(), "toy", ear.hear)
    await ear.say("good")
    await ear.inbox().handle(await ear.messages())
    done = await ear.parking.replay(ear.inbox(mended), "toy", ear.hear)
    await ear.say("good")
    await ear.inbox().handle(await ear.messages())

    assert (still, done) == ((0, 4), (5, 0))
    assert (await ear.heard(A), await ear.heard(B)) == ([1, 2, 3, 4, 5], [1, 2])


async def test_nothing_is_parked_behind_a_replay_that_ended_just_now(ear: Ear) -> None:
    await ear.say("good")
    inbox = ear.inbox()

    async def stale(source: str) -> tuple[Place, set[str]]:
        return Place(0), {"7406"}  # read before the replay ended

    with pytest.MonkeyPatch.context() as patch, pytest.raises(AlreadyHandled):
        patch.setattr(inbox._cursors, "place", stale)
        await inbox.handle(await ear.messages())

    await inbox.handle(await ear.messages())
    assert (await ear.parking.parked(), await ear.heard(A)) == ([], [1])


async def test_a_message_that_says_it_is_another_owners_is_not_ours(ear: Ear) -> None:
    await ear.say("x")
    [message] = await ear.messages()
    assert received(message.subject, message.encode()) == message
    for foreign in ("mpp.queue.7406.number-given.v1", "mpp.toy.3271.number-given.v1"):
        with pytest.raises(NotOurs):
            received(foreign, message.encode())


async def test_a_late_consumer_reads_from_the_owner_what_jetstream_no_longer_has(ear: Ear) -> None:
    await ear.say(*"x" * 40)
    await ear.relayed()
    await ear.jetstream._js.purge_stream("mpp-toy", seq=30)
    async with running(ear.relay, ear.inbox()):
        await ear.until(range(1, 41))
        await ear.say(*"x" * 5)
        await ear.until(range(1, 46))


async def test_a_late_consumer_of_a_stream_whose_messages_are_all_too_old_asks_the_owner(ear: Ear) -> None:
    await ear.say(*"x" * 12)
    await ear.relayed()
    await ear.jetstream._js.purge_stream("mpp-toy")
    async with running(ear.relay, ear.inbox()):
        await ear.until(range(1, 13))
        await ear.say("x")
        await ear.until(range(1, 14))


async def test_a_consumer_that_fell_behind_the_streams_head_finds_the_gap_and_fills_it(ear: Ear) -> None:
    await ear.say(*"x" * 5)
    await ear.relayed()
    async with running(ear.inbox()):
        await ear.until(range(1, 6))
    await ear.say(*"x" * 40)
    await ear.relayed()
    await ear.jetstream._js.purge_stream("mpp-toy", keep=3)
    async with running(ear.inbox()):
        await ear.until(range(1, 46))


@pytest.mark.parametrize("gone", [(1, 2), (3, 4), (5, 6)], ids=["head", "middle", "end"])
async def test_a_consumer_gets_from_the_owner_whatever_was_taken_out_of_the_stream(
    ear: Ear, gone: tuple[int, int]
) -> None:
    await ear.say(*"xxxxxx")
    await ear.relayed()
    for sequence in gone:
        await ear.jetstream._js.delete_msg("mpp-toy", sequence)
    async with running(ear.inbox()):
        await ear.until(range(1, 7) if gone[0] < 5 else range(1, 5))
        await ear.say("y")
        await ear.relayed()  # as a relay that starts does: what is lost at the end comes again
        await ear.until(range(1, 8))


async def test_a_stream_that_was_deleted_and_refilled_is_read_on_without_repeats(ear: Ear) -> None:
    async with running(ear.relay, ear.inbox()):
        await ear.say(*"x" * 5)
        await ear.until(range(1, 6))
        await ear.jetstream._js.delete_stream("mpp-toy")
        await ear.say(*"x" * 5)
        await ear.until(range(1, 11))


async def test_an_owner_that_has_less_than_jetstream_is_waited_for(ear: Ear) -> None:
    await ear.say(*"x" * 5)
    await ear.relayed()
    await ear.jetstream._js.purge_stream("mpp-toy", seq=3)
    await ear.database.execute("delete from toy.events")

    with pytest.raises(Gap):
        await ear.inbox()._bootstrap()


async def restored(ear: Ear, kept: int) -> None:
    """The owner's log is an older copy, and goes on from there; so does its view."""
    await ear.database.execute(f"delete from toy.events where version > {kept}")
    await ear.database.execute(f"delete from toy.toy_numbers where number > {kept}")
    last = "select setval(pg_get_serial_sequence('toy.events', 'position'), max(position)) from toy.events"
    await ear.database.execute(last)


@pytest.mark.parametrize("new", [0, 3, 5, 8])
async def test_an_owner_that_lost_what_was_heard_is_an_alarm_and_nothing_of_it_is_heard(
    ear: Ear, new: int
) -> None:
    """Also when its stream is gone, so that its relay can notice nothing."""
    await ear.say(*"x" * 10)
    await ear.relayed()
    inbox = ear.inbox()
    async with running(inbox):
        await ear.until(range(1, 11))
        await restored(ear, 5)
        await ear.jetstream._js.delete_stream("mpp-toy")
        await ear.say(*"y" * new)
        await ear.relayed()
        async with asyncio.timeout(30):
            while not OTHER.labels("ear", "toy")._value.get():
                await asyncio.sleep(0.02)

    assert await ear.heard() == list(range(1, 11))


async def test_who_heard_only_what_is_still_there_goes_on(ear: Ear) -> None:
    await ear.say(*"x" * 5)
    await ear.relayed()
    async with running(ear.inbox()):
        await ear.until(range(1, 6))
    await ear.say(*"x" * 5)
    await restored(ear, 5)
    await ear.jetstream._js.delete_stream("mpp-toy")
    await ear.say("y")
    await ear.relayed()
    async with running(ear.inbox()):
        await ear.until(range(1, 7))


async def test_a_message_after_another_event_than_the_one_heard_is_another_history(ear: Ear) -> None:
    await ear.say("x", "y", "z")
    inbox, (first, second, third) = ear.inbox(), await ear.messages()
    await inbox.handle([first, second])

    for strange in (third._replace(previous_id=uuid4()), third._replace(previous=first.position)):
        with pytest.raises(OtherHistory):
            await inbox.handle([strange])
    await inbox.handle([third])
    assert await ear.heard() == [1, 2, 3]


async def test_an_event_of_a_newer_version_of_ourselves_is_waited_for_not_parked(ear: Ear) -> None:
    await ear.say("x")
    await ear.database.execute(
        "insert into ear.events (id, stream, version, type, data, about) "
        "values (gen_random_uuid(), $1, 1, 'number-praised', '{}', '{}')",
        A,
    )

    with pytest.raises(UnknownEvent):
        await ear.inbox().handle(await ear.messages())

    assert await ear.parking.parked() == []
    assert (await ear.parking.place("toy"))[0].position == 0


async def test_nats_killed_and_started_again_costs_nothing(postgres_url: str, own_nats: Nats) -> None:
    async with listening(postgres_url, own_nats.url) as ear, running(ear.relay, ear.inbox()):
        for times in range(1, 4):
            await ear.say(*"x" * 10)
            await ear.until(range(1, 10 * times + 1))
            own_nats.kill()
            await asyncio.to_thread(own_nats.start)


async def test_a_database_killed_and_started_again_parks_nothing(
    nats_url: str, own_postgres: Postgres
) -> None:
    async with listening(own_postgres.url(), nats_url) as ear:
        await ear.say(*"x" * 20)
        await ear.relayed()
        async with running(ear.inbox()):
            own_postgres.kill()
            await asyncio.to_thread(own_postgres.start)
            ear.database = await connect(ear.dsn, "toy", "test")
            await ear.until(range(1, 21))

        assert await ear.parking.parked() == []


CONSUMER = """
import asyncio, sys
import asyncpg
from mpp.messaging.inbox import Inbox
from mpp.messaging.jetstream import JetStream
from mpp.messaging.parking import Parking
from mpp.testing import toy

async def main(dsn, url):
    pool = await asyncpg.create_pool(dsn, min_size=0, server_settings={"search_path": "ear"})
    jetstream = JetStream(url, "consumer")
    await jetstream.connect()
    async with toy.writing(dsn, "ear", batch=1) as hear:
        hear.committed = lambda: print("committed", flush=True)
        await Inbox("ear", "toy", [toy.NumberGiven], toy.react, hear, Parking(pool), jetstream, None).run()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_consumer_killed_in_the_middle_again_and_again_handles_each_message_once(ear: Ear) -> None:
    total = 1200
    await asyncio.gather(*(ear.speak(A, Give("x")) for _ in range(total)))
    await ear.relayed()
    for kill_after in (1, 2, 3):
        consumer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CONSUMER, ear.dsn, ear.url, stdout=asyncio.subprocess.PIPE
        )
        assert consumer.stdout
        for _ in range(kill_after):
            assert await consumer.stdout.readline() == b"committed\n"
        consumer.kill()
        await consumer.wait()
        heard = await ear.heard()
        assert heard == list(range(1, len(heard) + 1))
    assert 0 < len(await ear.heard()) < total
    async with running(ear.inbox()):
        await ear.until(range(1, total + 1))
    assert await ear.database.fetchval("select handled from ear.inbox") == total


async def test_who_has_handled_everything_is_not_behind_however_old_the_last_message(ear: Ear) -> None:
    await ear.say("x")
    await ear.database.execute("update events set recorded_at = now() - interval '1 day'")
    await ear.relayed()
    inbox = ear.inbox()
    await inbox.handle(await ear.messages())
    assert inbox.behind() > 3600
    async with running(inbox), asyncio.timeout(20):
        await inbox.caught_up.wait()
        assert inbox.behind() < 60
