"""A consumer that can't handle a message, and one that comes late, both under load."""

import pytest

from mpp_node.bench.listener import SCHEMA
from mpp_node.bench.world import until

from .crowd import Crowd
from .scene import Scene
from .stand import QUEUES, STREAM, VENUES, Stand

pytestmark = pytest.mark.long
ASKED = 'http_requests_seconds_count{method="GET",route="/internal/events"'


async def test_a_consumer_always_fails_on_one_message(scene: Scene) -> None:
    """The mall of the message waits behind it, the others go on; a replay handles all in order."""
    stand, (mall, *others) = scene.stand, VENUES
    async with scene.under_load() as crowd:
        stand.poison.write_text(f"{mall} {_next_number(crowd, mall)}")
        await until(lambda: _count(stand, f"select count(*) from {SCHEMA}.parked"), "a parked message")
        crowd.strike()
        before = await _heard(stand)
        await crowd.tickets(300)
        after = await _heard(stand)
        assert after[mall] == before[mall]
        assert all(after[other] > before[other] + 20 for other in others)
        assert await _count(stand, f"select count(distinct key) from {SCHEMA}.parked") == 1
        parked = await _count(stand, f"select count(*) from {SCHEMA}.parked where key = '{mall}'")
        scene.say(f"{parked} messages of mall {mall} are parked, the others go on")
        await crowd.recovered()
        stand.poison.unlink()
        parked = 1
        while parked:
            scene.say(await stand.replay())
            await crowd.tickets(50)  # what came while the last was replayed may have been parked behind it
            parked = await _count(stand, f"select count(*) from {SCHEMA}.parked")
    scene.row("a consumer that fails on one message: its mall waits, others go on, replayed in order")


def _next_number(crowd: Crowd, mall: str) -> str:
    """Of line A, and soon to be issued."""
    last = max(
        int(told["number"][1:]) for told in crowd.told() if (told["mall"], told["line"]) == (mall, "A")
    )
    return f"A{last + 3:03d}"


async def _count(stand: Stand, sql: str) -> int:
    async with stand.database() as connection:
        return int(await connection.fetchval(sql))


async def _heard(stand: Stand) -> dict[str, int]:
    """Mall → tickets that the consumer has committed."""
    sql = f"select count(*) from {SCHEMA}.events where stream = 'heard-{{}}'"
    return {mall: await _count(stand, sql.format(mall)) for mall in VENUES}


async def test_a_consumer_comes_late_and_the_stream_no_longer_reaches_back(scene: Scene) -> None:
    """It reads from the owner what JetStream does not have, and goes on there, under load."""
    stand = scene.stand
    async with scene.under_load(whole=False) as crowd, stand.streams() as streams:
        server = await stand.down("listener")
        async with stand.database() as connection:
            await connection.execute(f"drop schema {SCHEMA} cascade")
        await crowd.tickets(300)
        await streams.purge_stream(STREAM, keep=20)
        crowd.strike()
        await stand.up(server)
        await crowd.recovered()
        head = await stand.head()
        position = f"select coalesce(max(position), 0) from {SCHEMA}.inbox"
        late = f"{await _count(stand, position)} of {head}"

        async def heard() -> bool:
            return await _count(stand, position) >= head

        await until(heard, "the consumer")
        scene.say(f"the consumer was at {late}, and has everything")
        assert sum(stand.metric(part, ASKED) for part in QUEUES) > 0
    scene.row(
        "a consumer comes late, its stream cut off at the front: it asks the owner, then goes on in JetStream"
    )
