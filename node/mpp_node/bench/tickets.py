"""Tickets a second: issued and called, against endpoints that do nothing."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from mpp_node.bench import idle
from mpp_node.bench.malls import LINES, MALLS, counters_of, service_of
from mpp_node.bench.numbers import check
from mpp_node.bench.table import Figures
from mpp_node.bench.world import Broken, World

CONNECTIONS = 64
TICKETS = "/api/queue/v1/tickets"
HALL = MALLS[0]


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
    """One after the other: nothing bare, nothing dressed, tickets, calls, tickets by two processes."""
    first, day = world.queue.port, world.day()
    figures: Figures = {
        "bare_fastapi_rps": await _rate(world, kiosks(world, day, world.home.port("bare"), path=idle.BARE)),
        "noop_rps": await _rate(world, kiosks(world, day, world.home.port("dressed"), path=idle.DRESSED)),
        "ticket_rps": await _issued(world, day, kiosks(world, day, first)),
    }
    headers, counters = world.headers("officer", day), counters_of(HALL)
    figures["call_next_rps"] = await _rate(world, {"port": first, "headers": headers, "counters": counters})
    with world.second_queue() as second:
        day, half = world.day(), CONNECTIONS // 2
        both = [kiosks(world, day, port, connections=half) for port in (first, second.port)]
        figures["ticket_two_replicas_rps"] = await _issued(world, day, *both)
    return figures


async def _rate(world: World, *groups: dict[str, Any]) -> float:
    """Of answers that count; Broken when somebody was called and nobody was there."""
    played = await world.play(*groups)
    if any(group["nobody"] for group in played["groups"]):
        raise Broken("there were not enough tickets to call")
    return float(sum(group["counted"] for group in played["groups"]) / played["seconds"])


async def _issued(world: World, day: date, *groups: dict[str, Any]) -> float:
    """The rate of tickets, each of which is then found in the database."""
    played = await world.play(*groups)
    acknowledged = sum(group["all"] for group in played["groups"])
    async with world.database() as connection:
        world.tickets += (await check(connection, HALL, day, acknowledged)).issued
    return float(sum(group["counted"] for group in played["groups"]) / played["seconds"])
