"""A standby that follows a primary through a proxy, so that a test can make it lag; and its promotion."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from mpp.testing.proxy import Proxy
from mpp_node.bench.world import until
from mpp_servers.postgres import Postgres

from .database_copies import base_backup

NAME = "standby"
FOLLOWS = "select sync_state from pg_stat_replication where application_name = $1 and state = 'streaming'"


class Standby:
    """A hot standby of `primary`; `link.hold()` makes it lag, `link.cut()` ends the replication."""

    def __init__(self, primary: Postgres, server: Postgres, link: Proxy) -> None:
        self.link, self._primary, self._server = link, primary, server

    async def awaited(self) -> None:
        """From now on no COMMIT is answered before it is on the standby's disk too."""
        connection = await asyncpg.connect(self._primary.url())
        try:
            await connection.execute(f"alter system set synchronous_standby_names = '{NAME}'")
            await connection.execute("select pg_reload_conf()")
            await until(lambda: self.follows(connection, "sync"), "a synchronous standby")
        finally:
            await connection.close()

    async def follows(self, connection: asyncpg.Connection, how: str) -> bool:
        """Whether the primary streams to it; `how`: async or sync."""
        return bool(await connection.fetchval(FOLLOWS, NAME) == how)

    async def moved(self) -> Postgres:
        """The same cluster for the primary's port: still a standby, without a primary; not started."""
        self.link.refusing = True
        self.link.cut()
        self.link.let_go()
        await asyncio.to_thread(self._server.stop)
        return Postgres(self._server.data, self._primary.port, self._primary.options, log=self._primary.log)


async def promote(server: Postgres) -> None:
    """The running standby takes writes; what it did not receive is gone."""
    connection = await asyncpg.connect(server.url())
    try:
        assert await connection.fetchval("select pg_promote()")
    finally:
        await connection.close()


@asynccontextmanager
async def standby(primary: Postgres, folder: Path) -> AsyncIterator[Standby]:
    """Made from a base backup of the running primary; it has caught up and streams when the block begins."""
    async with Proxy(primary.port) as link:
        data = folder / primary.data.name
        through = f"host=127.0.0.1 port={link.port} application_name={NAME}"
        await asyncio.to_thread(base_backup, primary, data, "-R", "-d", through)
        server = Postgres(data, options=primary.options, log=folder / "standby.log")
        server.spawn()
        following = Standby(primary, server, link)
        connection = await asyncpg.connect(primary.url())
        try:
            await until(lambda: following.follows(connection, "async"), "a standby")
            yield following
        finally:
            connection.terminate()
            await asyncio.to_thread(server.stop)
