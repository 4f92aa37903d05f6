"""Events a second when the queue's views are made anew from a log of days that are over."""

import time

from mpp.eventsourcing.rebuild import rebuild
from mpp_node.bench.grown import PAST
from mpp_node.bench.table import Figures
from mpp_node.bench.world import World
from queue_service import views
from queue_service.handling import handle


async def rebuilt(world: World) -> Figures:
    """From the first read to the swap, in a process that does nothing else."""
    began = time.perf_counter()
    events = await rebuild(world.dsn(PAST), "queue", views.TABLES, handle.decode, handle.project)
    return {"rebuild_eps": events / (time.perf_counter() - began)}
