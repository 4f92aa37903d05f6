"""A duty: work that comes round without end, and waits while what it needs is away."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from mpp.eventsourcing.log import Unavailable, lost

log = structlog.get_logger()


async def every(seconds: float, work: Callable[[], Awaitable[object]], name: str) -> None:
    """Do it, rest, do it again. What nobody foresaw is raised, so that the replica stops and says why."""
    while True:
        try:
            await work()
        except Exception as failure:
            if not (isinstance(failure, Unavailable) or lost(failure)):
                raise
            log.warning("a duty waits", duty=name, trouble=type(failure).__name__)
        await asyncio.sleep(seconds)
