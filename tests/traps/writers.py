"""Many writers on one log, each held when its events are inserted; a seed says who commits next."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import asyncpg

from mpp.eventsourcing import log as product
from mpp.eventsourcing.handler import Also, Handler
from mpp.eventsourcing.log import Log, Row
from mpp.leader import ended
from mpp.testing import toy
from mpp.testing.toy import Give

Writer = Coroutine[Any, Any, None]
WRITERS, EACH, SEED = 8, 12, 7
# The product's lock, and its BEGIN without it.
LOCK = product._BEGIN.partition("; ")[2]
UNLOCKED = "begin"
_WAITING = """select count(*) from pg_locks l join pg_database d on d.oid = l.database
    where locktype = 'advisory' and not granted and datname = current_database()"""
_MINE = "select currval(pg_get_serial_sequence('events', 'position'))"


async def waiting(database: asyncpg.Connection) -> int:
    """How many wait for an advisory lock in this database."""
    return int(await database.fetchval(_WAITING))


@asynccontextmanager
async def started(handle: Handler, dsn: str) -> AsyncIterator[Handler]:
    """This handler, writing."""
    log = Log(dsn, "toy", "write")
    handle.start(log)
    try:
        yield handle
    finally:
        await handle.stop()
        await log.close()


class Turns:
    """Holds a transaction after its insert until its turn comes.

    `hold` belongs into `also=[…]`. A turn comes when every writer is held, waits for the lock or is done,
    so nothing depends on who was faster.
    """

    def __init__(self, database: asyncpg.Connection):
        self._database, self._random = database, Random(SEED)
        self._held: dict[int, asyncio.Event] = {}

    async def hold(self, tx: asyncpg.Connection) -> None:
        gate = self._held[await tx.fetchval(_MINE)] = asyncio.Event()
        await gate.wait()

    async def play(
        self, writers: Sequence[Writer], between: Callable[[], Awaitable[Any]] | None = None
    ) -> None:
        """Let these run to their end, one commit at a time, and do `between` after each."""
        tasks = [asyncio.create_task(writer) for writer in writers]
        try:
            async with asyncio.timeout(60):
                while await self._quiet(tasks):
                    if between:
                        await between()
                    held = sorted(self._held)
                    self._held.pop(held[self._random.randrange(len(held))]).set()
                await asyncio.gather(*tasks)
        finally:
            await ended(tasks)
        if between:
            await between()

    async def _quiet(self, tasks: Sequence[asyncio.Task[None]]) -> bool:
        """Wait until nobody moves; whether somebody is held."""
        while True:
            still = len(self._held) + sum(task.done() for task in tasks)
            if still + await waiting(self._database) == len(tasks):
                return bool(self._held)
            await asyncio.sleep(0.002)


class Follower:
    """Reads the log on by position, as the relay does."""

    def __init__(self, log: Log, page: int = 1000):
        self._log, self._page = log, page
        self.seen: list[Row] = []

    async def look(self) -> bool:
        """Read the next page; whether there was one."""
        last = self.seen[-1] if self.seen else None
        after, id_of_last = (last.position, last.id) if last else (0, None)
        page = await self._log.read_after(after, id_of_last, self._page)
        self.seen += page
        return bool(page)


async def lock(tx: asyncpg.Connection) -> None:
    """The product's lock, wherever one puts it."""
    await tx.execute(LOCK)


async def write(dsn: str, handle: Handler, hall: str, also: Sequence[Also], failed: list[Exception]) -> None:
    """Ask a hall for the numbers of one writer, one by one."""
    async with started(handle, dsn):
        for n in range(EACH):
            try:
                await handle(hall, Give(str(n)), also=also)
            except Exception as failure:
                failed.append(failure)


async def missed(
    dsn: str, database: asyncpg.Connection, log: Log, then: Sequence[Also] = ()
) -> tuple[int, int]:
    """Of eight writers' events those that a follower never saw, and all; `then` follows each insert."""
    turns, follower, failed = Turns(database), Follower(log), list[Exception]()
    also = [turns.hold, *then]
    writers = [write(dsn, toy.handler(), f"hall-{n}", also, failed) for n in range(WRITERS)]
    await turns.play(writers, follower.look)
    every = {row["position"] for row in await database.fetch("select position from events")}
    assert failed == []
    return len(every - {row.position for row in follower.seen}), len(every)
