"""How long an event takes: to a consumer's commit, and to the boards, at 300 tickets a second.

Both begin at `recorded_at`, which the database writes just before the commit, and end by this machine's
clock: with the return of the consumer's commit, and with the bytes that reached the board's socket.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import date
from typing import Any

import asyncpg

from mpp_node.bench.malls import MALLS, counters_of
from mpp_node.bench.numbers import check
from mpp_node.bench.table import Figures
from mpp_node.bench.tickets import kiosks
from mpp_node.bench.world import Broken, Child, World, until
from mpp_node.services import DATABASE
from queue_service.hall import stream_of

TICKETS, CALLS = 300.0, 50.0  # a second, over all malls
BOARDS = 20
OFFICERS = 4  # in each mall
WARM = 1.0


async def delays(world: World) -> Figures:
    """Kiosks and officers of five malls through the gateway, twenty boards open, one consumer."""
    day, port = world.day(), world.home.gateway
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(world.database())
        listener = await stack.enter_async_context(Child("listener"))
        boards = await stack.enter_async_context(Child("boards"))
        start = await _head(connection)
        await listener.begin({"settings": _settings(world), "after": start})
        await boards.begin({"port": port, "paths": _paths(day), "headers": world.headers("display", day)})
        queues = kiosks(world, day, port, malls=MALLS, connections=32, rate=TICKETS)
        played = await world.play(queues, _officers(world, day), warm=WARM)
        await _everything_heard(connection)
        heard, shown = await listener.done(), await boards.done()
        since = [await _recorded(connection, kind, start) for kind in ("ticket-issued", "ticket-called")]
        world.tickets += await _checked(connection, day, played["groups"][0]["all"])
    _each_call_once(shown, since[1], day)
    window = played["began"], played["ended"]
    tickets = {row["ticket"]: row["at"] for row in since[0]}
    calls = {row["position"]: row["at"] for row in since[1]}
    return {
        "event_to_consumer_ms": percentiles(_late(tickets, heard.items(), window)),
        "event_to_board_ms": percentiles(_late(calls, (call for board in shown for call in board), window)),
    }


def _settings(world: World) -> dict[str, Any]:
    url, secret = world.postgres.url(DATABASE), world.home.secret("services")
    return {"database_url": url, "nats_url": world.nats.url, "secret_key": secret}


def _paths(day: date) -> list[str]:
    """Of the boards, in turn of each mall."""
    malls = [MALLS[n % len(MALLS)] for n in range(BOARDS)]
    return [f"/api/queue/v1/malls/{mall}/board/live?date={day}" for mall in malls]


def _officers(world: World, day: date) -> dict[str, Any]:
    counters = [counter for mall in MALLS for counter in counters_of(mall)[:OFFICERS]]
    headers = world.headers("officer", day)
    return {"port": world.home.gateway, "rate": 2 * CALLS, "headers": headers, "counters": counters}


async def _head(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("select coalesce(max(position), 0) from events"))


async def _everything_heard(connection: asyncpg.Connection) -> None:
    head = await _head(connection)

    async def heard() -> bool:
        return int(await connection.fetchval("select position from listener.inbox")) >= head

    await until(heard, "the consumer")


async def _recorded(connection: asyncpg.Connection, kind: str, after: int) -> Sequence[asyncpg.Record]:
    sql = """select position, stream, data ->> 'ticket' as ticket,
            extract(epoch from recorded_at)::float8 as at
        from events where position > $1 and type = $2 order by position"""
    return list(await connection.fetch(sql, after, kind))


async def _checked(connection: asyncpg.Connection, day: date, acknowledged: int) -> int:
    """The tickets of all malls, which are as many as were acknowledged."""
    issued = "select count(*) from events where type = 'ticket-issued' and stream = $1"
    found = {mall: await connection.fetchval(issued, stream_of(mall, day)) for mall in MALLS}
    if sum(found.values()) != acknowledged:
        raise Broken(f"{acknowledged} tickets were acknowledged, {found} are in the log")
    for mall, tickets in found.items():
        await check(connection, mall, day, tickets)
    return acknowledged


def _each_call_once(
    shown: Sequence[Sequence[tuple[int, float]]], called: Iterable[asyncpg.Record], day: date
) -> None:
    """Every board was told every call of its mall, in order; Broken when not."""
    calls: dict[str, list[int]] = {}
    for row in called:
        calls.setdefault(row["stream"], []).append(row["position"])
    for n, board in enumerate(shown):
        mall = MALLS[n % len(MALLS)]
        wanted = calls.get(stream_of(mall, day), [])
        if [position for position, _ in board] != wanted:
            raise Broken(f"a board of {mall} was told {len(board)} calls, there were {len(wanted)}")


def _late(
    recorded: Mapping[Any, float], seen: Iterable[tuple[Any, float]], window: tuple[float, float]
) -> list[float]:
    """Milliseconds, of what was recorded within the window."""
    began, ended = window
    return [(at - recorded[what]) * 1000 for what, at in seen if began <= recorded.get(what, 0) <= ended]


def percentiles(values: list[float]) -> dict[str, float]:
    """p50, p95 and p99; Broken when there is nothing."""
    if not values:
        raise Broken("nothing arrived within the time measured")
    ordered = sorted(values)
    return {f"p{p}": ordered[min(len(ordered) - 1, len(ordered) * p // 100)] for p in (50, 95, 99)}
