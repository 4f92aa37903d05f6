"""Memory that each part of a node holds after the load."""

import re
from pathlib import Path

from mpp_node.bench.table import Figures
from mpp_node.bench.world import World


async def held(world: World) -> Figures:
    """MiB by part, its children's included, pages that are shared counted once; nothing off Linux."""
    found = {part: held_by(server.pid) for part, server in world.parts.items() if server.pid}
    return {"memory_mib": {part: mib for part, mib in found.items() if mib}}


def held_by(pid: int) -> float:
    """MiB of a process and its children; 0 when nothing can be read."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    own = re.search(r"^Pss:\s+(\d+) kB$", rollup, re.MULTILINE)
    return (int(own[1]) / 1024 if own else 0.0) + sum(held_by(int(child)) for child in children)
