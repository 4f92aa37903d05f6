"""Which replica does what needs doing once: whoever holds a session lock on a connection of its own."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
import structlog

from mpp.eventsourcing.log import connect, lost

log = structlog.get_logger()
FROZEN = "10s"  # a leader looks at its lock every second; one that does not loses it
ASKS = 0.3, 0.7  # seconds, between them, from one try to the next
PATIENCE = 5.0  # seconds without an answer after which a connection counts as lost


async def ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel these until they are over: before Python 3.12 `asyncio.wait_for` may swallow a cancellation."""
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=1)


async def again(duty: str, work: Callable[[], Awaitable[None]], pause: float = 0.5) -> None:
    """Do this without end: what fails is logged, and begun again after `pause` seconds."""
    while True:
        try:
            await work()
        except Exception as failure:
            if lost(failure):
                log.warning("no connection", duty=duty)
            else:
                log.exception("duty failed", duty=duty)
        await asyncio.sleep(pause)


async def lead(dsn: str, schema: str, duty: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do `work` whenever this replica holds the lock of the duty; without end.

    Two leaders at once do no harm (the relay is fenced, the inbox compares its cursor): this saves work.
    The lock lives in a session, so the connection must not come from a pool or a transaction pooler. Who does
    not hold it asks again and again: a wait for it on a connection that died in silence would never end.
    """
    lock = "select pg_try_advisory_lock(hashtextextended($1, 0))"

    async def term() -> None:
        connection = await connect(
            dsn, schema, duty, PATIENCE, primary=True, statement_timeout="0", idle_session_timeout=FROZEN
        )
        try:
            while not await connection.fetchval(lock, f"{schema}:{duty}"):  # noqa: ASYNC110
                await asyncio.sleep(random.uniform(*ASKS))  # noqa: S311 - not all replicas at once
            await _while_connected(connection, work)
        finally:
            connection.terminate()

    await again(duty, term)


async def _while_connected(connection: asyncpg.Connection, work: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.create_task(_run(work))
    try:
        while not task.done():  # the lock is gone when the connection is: look at it now and then
            await asyncio.wait([task], timeout=1)
            await connection.execute("select 1")
        task.result()
    finally:
        await ended([task])


async def _run(work: Callable[[], Awaitable[None]]) -> None:
    await work()
