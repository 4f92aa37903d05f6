"""Events a second that the queue takes in from the catalog, in order per mall."""

import time
from collections import defaultdict
from collections.abc import Sequence

import asyncpg

from mpp_contracts.published import Published
from mpp_node.bench.malls import news
from mpp_node.bench.table import Figures
from mpp_node.bench.world import Broken, World, until

EACH_SECOND = 2000  # events told per second of measuring
_HEARD = """select stream, data ->> 'key' as key, (data -> 'fact' ->> 'minutes')::float8 as minutes
    from events where type = 'fact-heard' and position > $1 order by position"""


async def intake(world: World) -> Figures:
    """News gather while the queue is down; the rate is measured from its first commit to its last."""
    many = max(500, int(world.seconds * EACH_SECOND))
    world.queue.stop()
    told = news(many, first=world.catalog.position)
    await world.catalog.tell(told)
    looks: list[tuple[float, int]] = []
    async with world.database() as connection:
        before = await connection.fetchval("select coalesce(max(position), 0) from events")

        async def ended() -> bool:
            position = await connection.fetchval("select position from inbox where source = 'catalog'")
            looks.append((time.perf_counter(), position))
            return bool(position == world.catalog.position)

        await ended()
        world.queue.start()
        await until(ended, "the news")
        if parked := await connection.fetchval("select count(*) from parked"):
            raise Broken(f"{parked} of the catalog's messages are parked")
        in_order(told, await connection.fetch(_HEARD, before))
    began, first = next(look for look in looks if look[1] > looks[0][1])
    end, last = looks[-1]
    return {"consumer_eps": (last - first) / (end - began)} if last > first else {}


def in_order(told: Sequence[Published], heard: Sequence[asyncpg.Record]) -> None:
    """Broken unless each mall's news are in the log once, in the order in which they were told."""
    wanted, found = defaultdict(list), defaultdict(list)
    for event in told:
        facts = event.model_dump()
        wanted[f"mall-{event.mall}"].append((facts["code"], facts["minutes"]))
    for stream, key, minutes in heard:
        found[stream].append((key, minutes))
    if wanted != found:
        raise Broken("the catalog's news are not in the log as they were told")
