"""Tickets a second: issued and called, against endpoints that do nothing."""

import json
from collections.abc import Sequence
from datetime import date
from itertools import cycle, islice
from typing import Any

from mpp_node.bench import filling, grown, idle
from mpp_node.bench.malls import LINES, MALLS, counters_of, service_of
from mpp_node.bench.numbers import check
from mpp_node.bench.table import Figures
from mpp_node.bench.world import Broken, World
from mpp_node.services import DATABASE

CONNECTIONS = 64
TICKETS = "/api/queue/v1/tickets"
HALL = MALLS[0]
MOST_CALLS = 2500  # a second: so many can't be called


def kiosks(
    world: World,
    day: date,
    port: int,
    *,
    path: str = TICKETS,
    malls: Sequence[str] = (HALL,),
    connections: int = CONNECTIONS,
    rate: float | None = None,
) -> dict[str, Any]:
    """A group that takes tickets of every line in turn."""
    wanted = [
        {"mall": mall, "service": service_of(line), "channel": "kiosk"} for line in LINES for mall in malls
    ]
    requests = [{"path": path, "body": json.dumps(each)} for each in wanted]
    headers = world.headers("kiosk", day)
    return {"port": port, "connections": connections, "rate": rate, "headers": headers, "requests": requests}


async def rates(world: World) -> Figures:
    """One after the other: nothing bare and dressed, tickets, the same in a log that has grown, calls, and
    tickets by two processes."""
    first, day = world.queue.port, world.day()
    figures: Figures = {
        "bare_fastapi_rps": await _rate(world, kiosks(world, day, world.home.port("bare"), path=idle.BARE)),
        "noop_rps": await _rate(world, kiosks(world, day, world.home.port("dressed"), path=idle.DRESSED)),
        "ticket_rps": await _issued(world, day, kiosks(world, day, first)),
        "ticket_rps_grown": await _in_a_grown_log(world),
    }
    figures["call_next_rps"] = await _called(world)
    with world.second_queue() as second:
        day, half = world.day(), CONNECTIONS // 2
        both = [kiosks(world, day, port, connections=half) for port in (first, second.port)]
        figures["ticket_two_replicas_rps"] = await _issued(world, day, *both)
    return figures


async def _in_a_grown_log(world: World) -> float:
    """Tickets of a hall in which many wait already."""
    day = world.day()
    await grown.crowd(world, HALL, day)
    async with grown.serving(world) as port:
        group, before = kiosks(world, day, port), world.size.waiting
        return await _issued(world, day, group, database=grown.LOG, before=before)


async def _called(world: World) -> float:
    """The rate of calls at all counters of a hall in which more wait than can be called."""
    day, many = world.day(), int((2 + world.seconds) * MOST_CALLS)
    await filling.gather(world.dsn(), HALL, day, islice(cycle(LINES), many))
    await grown.told(world, DATABASE, world.nats.url)
    headers, counters = world.headers("officer", day), counters_of(HALL)
    group = {"port": world.queue.port, "headers": headers, "counters": counters}
    return await _rate(world, group)


async def _rate(world: World, *groups: dict[str, Any]) -> float:
    """Of answers that count; Broken when somebody was called and nobody was there."""
    played = await world.play(*groups)
    if any(group["nobody"] for group in played["groups"]):
        raise Broken("there were not enough tickets to call")
    return float(sum(group["counted"] for group in played["groups"]) / played["seconds"])


async def _issued(
    world: World,
    day: date,
    *groups: dict[str, Any],
    database: str = DATABASE,
    before: int = 0,
) -> float:
    """The rate of tickets, each of which is then found in the database, beside those of before."""
    played = await world.play(*groups)
    acknowledged = sum(group["all"] for group in played["groups"])
    async with world.database(database) as connection:
        await check(connection, HALL, day, before + acknowledged)
    world.tickets += acknowledged
    return float(sum(group["counted"] for group in played["groups"]) / played["seconds"])
