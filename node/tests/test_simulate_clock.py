"""The clock of a simulated day: order, bells, speed, and the time that stands still."""

import asyncio
import datetime as dt
from time import monotonic

from mpp_node.simulate.clock import Bell, Clock

START = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)


def minutes(clock: Clock) -> float:
    return (clock.now - START).total_seconds() / 60


async def test_without_a_speed_hours_pass_in_order_and_at_once() -> None:
    clock, seen = Clock(START, None), []

    async def actor(wakes: float) -> None:
        await clock.wait(wakes)
        seen.append(minutes(clock))
        await clock.wait(100)
        seen.append(minutes(clock))

    async with asyncio.TaskGroup() as tasks:
        for wakes in (300, 5, 60):
            clock.start(tasks, actor(wakes))
        await clock.run()
    assert seen == [5, 60, 105, 160, 300, 400]


async def test_without_a_speed_time_waits_for_whoever_is_under_way() -> None:
    clock, answered, order = Clock(START, None), asyncio.Event(), []

    async def asks() -> None:
        await clock.wait(1)
        await answered.wait()  # an answer that takes its time
        order.append(("answered", minutes(clock)))

    async def sleeps() -> None:
        await clock.wait(2)
        order.append(("slept", minutes(clock)))

    async with asyncio.TaskGroup() as tasks:
        clock.start(tasks, asks())
        clock.start(tasks, sleeps())
        running = tasks.create_task(clock.run())
        for _ in range(20):
            await asyncio.sleep(0)
        assert order == []
        answered.set()
        await running
    assert order == [("answered", 1), ("slept", 2)]


async def test_what_lies_close_together_happens_at_once_each_at_its_own_time() -> None:
    clock, both, seen = Clock(START, None), asyncio.Barrier(2), []

    async def actor(wakes: float) -> None:
        await clock.wait(wakes)
        await both.wait()
        seen.append(minutes(clock))

    async with asyncio.TaskGroup() as tasks:
        clock.start(tasks, actor(1))
        clock.start(tasks, actor(1.05))
        await clock.run()
    assert sorted(seen) == [1, 1.05]


async def test_a_bell_wakes_who_waits_for_it_at_the_time_it_rings() -> None:
    clock, bell, seen = Clock(START, None), Bell(), []

    async def idle() -> None:
        await clock.wait(60, bell)
        seen.append(minutes(clock))

    async def rings() -> None:
        await clock.wait(7)
        bell.ring(clock.now)

    async with asyncio.TaskGroup() as tasks:
        clock.start(tasks, idle())
        clock.start(tasks, rings())
        await clock.run()
    assert seen == [7]


async def test_with_a_speed_time_flows_with_real_time_and_stands_still_while_it_is_stopped() -> None:
    clock = Clock(START, 6000)
    began = monotonic()

    async def actor() -> None:
        await clock.wait(10)

    async with asyncio.TaskGroup() as tasks:
        clock.start(tasks, actor())
        await clock.run()
    assert monotonic() - began >= 10 * 60 / 6000
    with clock.stopped():
        stood = clock.now
        await asyncio.sleep(0.01)
        assert clock.now == stood
    await asyncio.sleep(0.01)
    assert clock.now > stood


async def test_without_a_speed_time_can_be_slowed_for_a_while_and_never_runs_back() -> None:
    clock, seen, began = Clock(START, None), [], monotonic()

    async def actor() -> None:
        for _ in range(6):
            await clock.wait(1)
            seen.append(minutes(clock))

    async with asyncio.TaskGroup() as tasks:
        with clock.slowed(6000):
            clock.start(tasks, actor())
            clock.start(tasks, actor())
            await clock.run()
            slow = monotonic() - began
        clock.start(tasks, actor())
        await clock.run()
    assert slow >= 5 * 60 / 6000
    assert seen == sorted(seen)
    assert clock.speed is None and minutes(clock) >= seen[-1]


async def test_a_day_that_is_slow_already_is_not_made_faster() -> None:
    clock = Clock(START, 60)
    with clock.slowed(6000):
        assert clock.speed == 60
    with clock.slowed(30):
        assert clock.speed == 30
    assert clock.speed == 60
