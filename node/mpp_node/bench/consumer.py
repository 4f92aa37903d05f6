"""Events a second that the queue takes in from the catalog, in order per mall."""

import time

from mpp_node.bench.malls import news
from mpp_node.bench.table import Figures
from mpp_node.bench.world import Broken, World, until

EACH_SECOND = 2000  # events told per second of measuring


async def intake(world: World) -> Figures:
    """News gather while the queue is down; the rate is measured from its first commit to its last."""
    many = max(500, int(world.seconds * EACH_SECOND))
    world.queue.stop()
    await world.catalog.tell(news(many, first=world.catalog.position))
    looks: list[tuple[float, int]] = []
    async with world.database() as connection:

        async def ended() -> bool:
            position = await connection.fetchval("select position from inbox where source = 'catalog'")
            looks.append((time.perf_counter(), position))
            return bool(position == world.catalog.position)

        await ended()
        world.queue.start()
        await until(ended, "the news")
        if parked := await connection.fetchval("select count(*) from parked"):
            raise Broken(f"{parked} of the catalog's messages are parked")
    began, first = next(look for look in looks if look[1] > looks[0][1])
    end, last = looks[-1]
    return {"consumer_eps": (last - first) / (end - began)} if last > first else {}
