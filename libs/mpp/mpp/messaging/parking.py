"""The inbox's own rows: how far each source was read, and the messages that wait for a human."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import asyncpg

from mpp.eventsourcing.handler import Handler
from mpp.eventsourcing.log import About, Unavailable, lost
from mpp.messaging.inbox import AlreadyHandled, Inbox, Place
from mpp.messaging.message import Message, decode

Row = Callable[[Any], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that could not be handled, or that waits behind one of its key."""

    source: str
    position: int
    key: str
    message: Message
    reason: str


class Parking:
    """Cursors and parked messages in the service's schema."""

    def __init__(self, pool: asyncpg.Pool):
        self._pool = pool

    async def _fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        try:
            return list(await self._pool.fetch(sql, *args))
        except Exception as failure:
            if lost(failure):
                raise Unavailable("the database does not answer") from failure
            raise

    async def place(self, source: str) -> tuple[Place, set[str]]:
        """The last message handled, and the keys that are parked."""
        sql = """select coalesce(i.position, 0) as position, i.last, p.keys
            from (select array(select distinct key from parked where source = $1) as keys) p
            left join inbox i on i.source = $1"""
        [row] = await self._fetch(sql, source)
        return Place(row["position"], row["last"]), {*row["keys"]}

    async def parked(self, source: str | None = None) -> list[Parked]:
        sql = "select * from parked where $1::text is null or source = $1 order by source, position"
        rows = await self._fetch(sql, source)
        return [Parked(r["source"], r["position"], r["key"], decode(r["message"]), r["reason"]) for r in rows]

    def advance(self, source: str, before: Place, after: Place, count: int) -> Row:
        """Move the cursor in the transaction of what the messages led to."""

        async def row(tx: asyncpg.Connection) -> None:
            sql = """insert into inbox as i (source, position, last, handled) values ($1, $3, $4, $5)
                on conflict (source) do update set position = $3, last = $4, handled = i.handled + $5
                where i.position = $2 returning 1"""
            if await tx.fetchval(sql, source, before.position, *after, count) is None:
                raise AlreadyHandled(f"{source} was read past {before.position}")

        return row

    def park(self, source: str, message: Message, reason: str, *, behind: bool) -> Row:
        """`behind`: only while an earlier message of its key is parked; a replay may have ended just now."""

        async def row(tx: asyncpg.Connection) -> None:
            first = "select 1 from parked where source = $1 and key = $2 limit 1"
            if behind and await tx.fetchval(first, source, message.key) is None:
                raise AlreadyHandled(f"nothing of {message.key} is parked any more")
            sql = "insert into parked (source, position, key, message, reason) values ($1, $2, $3, $4, $5)"
            await tx.execute(sql, source, message.position, message.key, message.encode().decode(), reason)

        return row

    async def replay(self, inbox: Inbox, source: str, handle: Handler) -> tuple[int, int]:
        """Handle what is parked, in order; a key stops at its first refusal. → (handled, still parked)."""
        handled, stuck = 0, dict[str, str]()
        for parked in await self.parked(source):
            if parked.key in stuck:
                continue
            try:
                steps = inbox.steps(parked.message)
                about = About(role="system", traceparent=parked.message.traceparent)
                await handle.all(steps, about, also=[self._unpark(parked)])
                handled += 1
            except Unavailable:
                raise
            except Exception as failure:
                stuck[parked.key] = type(failure).__name__
        return handled, len(await self.parked(source))

    def _unpark(self, parked: Parked) -> Row:
        async def row(tx: asyncpg.Connection) -> None:
            sql = "delete from parked where source = $1 and position = $2 returning 1"
            if await tx.fetchval(sql, parked.source, parked.position) is None:
                raise AlreadyHandled(f"{parked.source} {parked.position} is no longer parked")

        return row
