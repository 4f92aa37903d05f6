"""Parts of a node are killed with -9 under load; the supervisor brings them back."""

import pytest

from .crowd import Crowd
from .scene import Scene

TIMES = 3
EVERYTHING = ("postgres", "nats", "traefik", "site", "queue", "queue-2", "listener")


async def struck(scene: Scene, crowd: Crowd, *parts: str, times: int = TIMES) -> None:
    """kill -9 of these at once; and again, when all is well and there is load."""
    for n in range(times):
        crowd.strike()
        scene.stand.kill(*parts)
        await crowd.recovered()
        await scene.stand.back(*parts)
        scene.say(f"{', '.join(parts)} killed and back, {n + 1} of {times}")
        await crowd.tickets(100)


async def test_one_process_of_the_queue_is_killed(scene: Scene) -> None:
    async with scene.under_load() as crowd:
        await struck(scene, crowd, "queue", times=1)
    scene.row("one of two queue processes: kill -9")


@pytest.mark.long
async def test_both_processes_of_the_queue_are_killed(scene: Scene) -> None:
    async with scene.under_load() as crowd:
        await struck(scene, crowd, "queue", "queue-2")
    scene.row("both queue processes: kill -9, three times")


@pytest.mark.long
async def test_nats_is_killed(scene: Scene) -> None:
    async with scene.under_load() as crowd:
        await struck(scene, crowd, "nats")
    scene.row("nats-server: kill -9, three times")


@pytest.mark.long
async def test_postgresql_is_killed(scene: Scene) -> None:
    async with scene.under_load() as crowd:
        await struck(scene, crowd, "postgres")
    scene.row("PostgreSQL: kill -9, three times")


@pytest.mark.long
async def test_the_gateway_is_killed(scene: Scene) -> None:
    async with scene.under_load() as crowd:
        await struck(scene, crowd, "traefik")
    scene.row("gateway: kill -9, three times")


@pytest.mark.long
async def test_the_consumer_is_killed(scene: Scene) -> None:
    async with scene.under_load() as crowd:
        await struck(scene, crowd, "listener")
    scene.row("a consumer of the queue's events: kill -9, three times")


@pytest.mark.long
async def test_everything_is_killed_at_once(scene: Scene) -> None:
    async with scene.under_load() as crowd:
        await struck(scene, crowd, *EVERYTHING)
    scene.row("everything at once: kill -9, three times")
