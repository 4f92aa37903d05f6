"""What a round measures, in this order: what is compared stands side by side."""

from collections.abc import Awaitable, Callable

from mpp_node.bench import consumer, delays, live, memory, pgbench, rebuilding, starting, tickets
from mpp_node.bench.table import Figures
from mpp_node.bench.world import World

MEASURES: dict[str, Callable[[World], Awaitable[Figures]]] = {
    "a whole node starts": starting.start,
    "live pages": live.pages,
    "the catalog's news": consumer.intake,  # with a queue that holds no pages any more
    "tickets and calls": tickets.rates,
    "events to a consumer and to boards": delays.delays,
    "memory": memory.held,
    "rebuilt views": rebuilding.rebuilt,
    "pgbench": pgbench.inserts,
}
