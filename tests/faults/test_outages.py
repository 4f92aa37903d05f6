"""A server is gone for half a minute under load, or falls silent; nobody restarts the services."""

import asyncio
import time

import pytest

from mpp_node.bench.world import until

from .crowd import Crowd
from .scene import Scene
from .stand import QUEUES, Stand

pytestmark = pytest.mark.long
OUTAGE = 30.0  # seconds


async def gone(scene: Scene, part: str) -> float:
    """kill -9, and nothing there for the whole outage; the moment (epoch seconds) at which it was gone."""
    server, began = await scene.stand.down(part), time.time()
    scene.say(f"{part} is gone for {OUTAGE:.0f} s")
    await asyncio.sleep(OUTAGE)  # the outage itself
    await scene.stand.up(server)
    return began


def restarts(stand: Stand) -> list[int]:
    return [stand.supervisor.parts[part].restarts for part in QUEUES]


async def test_nats_is_gone_for_half_a_minute(scene: Scene) -> None:
    async with scene.under_load() as crowd:
        crowd.strike()
        await gone(scene, "nats")
        back = time.time()
        seconds = {int(back - told["at"]) for told in crowd.told()}
        assert {*range(1, int(OUTAGE))} <= seconds, "there were seconds without a ticket"
        await crowd.recovered()
        late = await _caught_up(scene.stand, back)
        assert restarts(scene.stand) == [0, 0]
    scene.row(f"NATS gone for {OUTAGE:.0f} s: tickets go on, the consumer has everything {late:.1f} s after")


async def _caught_up(stand: Stand, back: float) -> float:
    """Seconds from the return of NATS until the consumer has all that was in the log then."""
    async with stand.database() as connection:
        head = await connection.fetchval("select max(position) from events where stream like 'hall-%'")

        async def heard() -> bool:
            return bool(await connection.fetchval("select position from listener.inbox") >= head)

        await until(heard, "the consumer")
    return time.time() - back


async def test_postgresql_is_gone_for_half_a_minute(scene: Scene) -> None:
    async with scene.under_load() as crowd:
        began = await gone(scene, "postgres")
        crowd.strike()
        ended = time.time()
        await crowd.recovered()
        assert restarts(scene.stand) == [0, 0]
        _refused_clearly(crowd, began, ended)
    scene.row(f"PostgreSQL gone for {OUTAGE:.0f} s: 503 with Retry-After, no process is restarted")


def _refused_clearly(crowd: Crowd, began: float, ended: float) -> None:
    """While it was gone every answer was the 503 of a problem that says when to come back."""
    failures = [failed for failed in crowd.failures() if began + 1 < failed["at"] < ended]
    answered = [failed for failed in failures if failed["status"]]
    answers = {(failed["status"], failed["code"], failed["later"]) for failed in answered}
    assert answers == {(503, "urn:mpp:problem:unavailable", "2")}, answers
    assert {failed["way"] for failed in answered} == {*crowd.stand.ways_in()}
    assert len(answered) > 0.95 * len(failures)  # the rest are connections that were closed while they slept


def silence(stand: Stand, target: str) -> None:
    """Every connection of the queue to this server hears nothing more, and none is closed."""
    for part in QUEUES:
        stand.proxies[part, target].silence()


async def test_postgresql_falls_silent(scene: Scene) -> None:
    """As when its machine loses power and another takes over its address."""
    scene.stand.proxied = ("postgres",)
    async with scene.under_load() as crowd:
        crowd.strike()
        silence(scene.stand, "postgres")
        await crowd.recovered()
        assert restarts(scene.stand) == [0, 0]
    scene.row("all connections to PostgreSQL fall silent, none is closed; new ones are answered")


async def test_nats_falls_silent(scene: Scene) -> None:
    scene.stand.proxied = ("nats",)
    async with scene.under_load() as crowd:
        crowd.strike()
        silence(scene.stand, "nats")
        silent = time.time()
        await crowd.tickets(300)
        await crowd.recovered()
        late = await _caught_up(scene.stand, silent)
        assert restarts(scene.stand) == [0, 0]
    scene.row(
        "all connections to NATS fall silent, none is closed: tickets go on,"
        f" the consumer has everything {late:.1f} s after"
    )
