"""Events a second when the queue's views are made anew from its log, beside the running service."""

import time

from mpp.eventsourcing.rebuild import rebuild
from mpp_node.bench.table import Figures
from mpp_node.bench.world import World
from queue_service import views
from queue_service.handling import handle


async def rebuilt(world: World) -> Figures:
    """From the first read to the swap."""
    dsn, began = world.environment("queue")["MPP_DATABASE_URL"], time.perf_counter()
    events = await rebuild(dsn, "queue", views.TABLES, handle.decode, handle.project)
    return {"rebuild_eps": events / (time.perf_counter() - began)}
