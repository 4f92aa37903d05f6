"""A relay dies or sleeps in the middle of its work, made certain by a proxy between it and NATS."""

import asyncio
import signal
import time

import pytest

from mpp.testing.proxy import PASS, Link, Proxy, Rule, Ruling, hold
from mpp_node.bench.world import until

from .scene import Scene
from .stand import PUBLISHED, QUEUES

pytestmark = pytest.mark.long
PUBLISH = b"HPUB mpp.queue."
MANY = 8  # publishes in one piece: a window is on its way
SLEEP = 125.0  # seconds; JetStream remembers the ids of messages for 120
REFUSED = b"wrong last sequence"


async def pile_up(scene: Scene, proxy: Proxy, many: int = 150) -> None:
    """Nothing passes until the log has so many events more: the next window is a large one."""
    goal = await scene.stand.head() + many
    proxy.hold()

    async def grown() -> bool:
        return await scene.stand.head() >= goal

    await until(grown, "events")


async def test_a_relay_is_killed_in_the_middle_of_a_window(scene: Scene) -> None:
    scene.stand.proxied = ("nats",)
    async with scene.under_load() as crowd:
        for n in range(3):
            part, stopped = await scene.stand.relaying(), asyncio.Event()
            proxy = scene.stand.proxies[part, "nats"]
            await pile_up(scene, proxy)
            proxy.let_go(_in_the_middle(stopped))
            async with asyncio.timeout(20):
                await stopped.wait()
            crowd.strike()
            scene.stand.kill(part)
            proxy.cut()
            proxy.let_go()
            await crowd.recovered()
            await scene.stand.back(part)
            scene.say(f"{part} killed within a window of publishes, {n + 1} of 3")
    scene.row("the relaying process killed within a window of publishes (cut by a proxy), three times")


def _in_the_middle(stopped: asyncio.Event) -> Rule:
    """Half of a piece with many publishes passes, and then nothing."""

    def rule(_: Link, up: bool, data: bytes) -> Ruling:
        if not up or data.count(PUBLISH) < MANY:
            return PASS
        stopped.set()
        return hold(len(data) // 2)

    return rule


async def test_a_stale_relay_wakes_up_after_the_duplicate_window(scene: Scene) -> None:
    scene.stand.proxied = ("nats",)
    async with scene.under_load() as crowd:
        part = await scene.stand.relaying()
        other = next(queue for queue in QUEUES if queue != part)
        proxy, stopped, refused = scene.stand.proxies[part, "nats"], asyncio.Event(), asyncio.Event()
        proxy.rule = _before_it(stopped)
        async with asyncio.timeout(20):
            await stopped.wait()
        scene.stand.server(part).send(signal.SIGSTOP)
        asleep = time.monotonic()
        await _takes_over(scene, other)
        scene.say(f"{part} sleeps for {SLEEP:.0f} s with publishes on their way, {other} relays")
        await asyncio.sleep(asleep + SLEEP - time.monotonic())  # the sleep itself
        proxy.let_go(_listening(refused))
        async with asyncio.timeout(20):
            await refused.wait()
        crowd.strike()
        scene.stand.server(part).send(signal.SIGCONT)
        await crowd.recovered()
    scene.row(
        f"a relaying process asleep for {SLEEP:.0f} s with publishes on their way: refused when it wakes"
    )


def _before_it(stopped: asyncio.Event) -> Rule:
    """From the next publish on nothing passes."""

    def rule(_: Link, up: bool, data: bytes) -> Ruling:
        if up and PUBLISH in data:
            stopped.set()
            return hold(data.index(PUBLISH))
        return PASS

    return rule


def _listening(refused: asyncio.Event) -> Rule:
    """Everything passes; notes when NATS refuses a publish."""

    def rule(_: Link, up: bool, data: bytes) -> Ruling:
        if not up and REFUSED in data:
            refused.set()
        return PASS

    return rule


async def _takes_over(scene: Scene, part: str) -> None:
    """Until this process publishes."""
    before = scene.stand.metric(part, PUBLISHED)
    await until(lambda: scene.stand.metric(part, PUBLISHED) > before, f"{part} to relay")
