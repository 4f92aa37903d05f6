"""A whole node from nothing: how long until it is ready."""

import shutil
import time

from mpp_node.bench.table import Figures
from mpp_node.bench.world import World
from mpp_node.home import Home
from mpp_node.node import PARTS, Node
from mpp_servers.server import free_port


async def start(world: World) -> Figures:
    """Databases made, malls seeded, every public address answering."""
    home = Home(world.folder / "node", create=True)
    home.settle(free_port(), PARTS)
    node, began = Node(home, lambda _: None), time.perf_counter()
    try:
        await node.start()
        return {"start_s": time.perf_counter() - began}
    finally:
        await node.stop()
        shutil.rmtree(home.folder)
