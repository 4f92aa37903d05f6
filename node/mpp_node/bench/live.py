"""Live pages of tickets on one process of the queue: how many, at what price, and how soon a line is told.

They are spread over five malls, one line of the first being watched by two hundred. While officers call from
that line, each call and each of its pages gives one delay: from the `recorded_at` of the call, which the
database writes just before the commit, to the bytes of the first frame on that page's socket that was made
at this call or later; pages whose ticket was called before are told nothing new and do not count. Nothing is
taken off: relay, NATS, waiting for the next look at the hall, rendering and every other page are in it.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import cycle, islice
from typing import Any
from uuid import UUID

import asyncpg

from mpp_node.bench import filling, grown
from mpp_node.bench.delays import percentiles
from mpp_node.bench.malls import LINES, MALLS, counters_of
from mpp_node.bench.memory import held_by
from mpp_node.bench.table import Figures
from mpp_node.bench.watchers import open_files
from mpp_node.bench.world import Broken, Child, World, until
from mpp_node.program import answers
from mpp_node.services import DATABASE
from queue_service.hall import stream_of

CALLS = 7.0  # a second: no multiple of the rhythm in which halls are looked at
SPARE = 1000  # open files that are no pages


async def pages(world: World) -> Figures:
    """A fresh process of the queue; its memory is looked at again when the pages have been told something."""
    day, many = world.day(), min(world.size.pages, open_files() - SPARE)
    world.queue.stop()
    halls = await _waiting(world, day, many)
    await world.start_queue()
    port, pid = world.queue.port, world.queue.pid or 0
    await grown.told(world, DATABASE, world.nats.url)
    for tickets in halls:  # each hall is in memory before the first page opens
        await until(lambda one=tickets[0]: answers(port, f"/api/queue/v1/tickets/{one}"), "a ticket")
    paths = [f"/api/queue/v1/tickets/{ticket}/live" for tickets in halls for ticket in tickets]
    before = held_by(pid)
    async with Child("watchers") as watchers, world.database() as connection:
        await watchers.begin({"port": port, "paths": paths, "kept": world.size.fans})
        played = await world.play(_officers(world, day))
        after = held_by(pid)
        seen = await watchers.done()
        calls = await _calls(connection, day)
    fans = dict(zip(halls[0], seen["told"], strict=False))
    delays = percentiles([*late(calls, fans, played["began"], played["ended"])])
    figures: Figures = {"live_pages": float(seen["open"]), "live_fanout_ms": delays}
    return figures | ({"live_page_kib": (after - before) * 1024 / len(paths)} if before else {})


async def _waiting(world: World, day: date, many: int) -> list[list[UUID]]:
    """The tickets of each mall; in the first, those of the watched line come before all others."""
    each, fans = many // len(MALLS), world.size.fans
    halls = []
    for mall in MALLS:
        first = [LINES[0]] * fans if mall == MALLS[0] else []
        others = islice(cycle(LINES[1:]), each - len(first))
        halls.append(await filling.gather(world.dsn(), mall, day, [*first, *others]))
    return halls


def _officers(world: World, day: date) -> dict[str, Any]:
    """Of the watched line: they call, and let go of whoever comes."""
    counters = counters_of(MALLS[0])[:: len(LINES)]
    headers = world.headers("officer", day)
    return {"port": world.queue.port, "rate": 2 * CALLS, "headers": headers, "counters": counters}


async def _calls(connection: asyncpg.Connection, day: date) -> list[dict[str, Any]]:
    sql = """select position, (data ->> 'ticket')::uuid as ticket,
            extract(epoch from recorded_at)::float8 as at
        from events where stream = $1 and type = 'ticket-called' order by position"""
    return [dict(row) for row in await connection.fetch(sql, stream_of(MALLS[0], day))]


def late(
    calls: Iterable[Mapping[str, Any]],
    fans: Mapping[UUID, Sequence[tuple[int, float]]],
    began: float,
    ended: float,
) -> Iterator[float]:
    """Milliseconds, of each call within the window to each page whose ticket waited for it, or was called."""
    waiting = dict(fans)
    for call in calls:
        if call["ticket"] not in waiting:
            raise Broken("somebody was called from another line")
        if began <= call["at"] <= ended:
            for told in waiting.values():
                place = bisect_left(told, call["position"], key=lambda frame: frame[0])
                if place == len(told):
                    raise Broken("a page was not told of a call in its line")
                yield (told[place][1] - call["at"]) * 1000
        del waiting[call["ticket"]]
