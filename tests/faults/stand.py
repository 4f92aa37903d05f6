"""A stand: a node of its own with two processes of the queue and a consumer, under the node's supervisor."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import nats
from nats.js import JetStreamManager

from mpp.messaging.jetstream import stream_of as stream_of_service
from mpp.testing.proxy import Proxy
from mpp_node import database, gateway
from mpp_node.bench.listener import SCHEMA
from mpp_node.bench.malls import MALLS, OFFSET, Catalog, opening
from mpp_node.bench.world import until
from mpp_node.home import Home
from mpp_node.keys import Signer
from mpp_node.node import PARTS, Node
from mpp_node.program import Program, answers, fetched
from mpp_node.services import DATABASE, environment, service
from mpp_servers.server import Server, free_port
from queue_service.hall import stream_of

from .listener import POISON

FIRST, SECOND = QUEUES = ("queue", "queue-2")
LISTENER = "listener"
STREAM = stream_of_service("queue")
PUBLISHED = "relay_published_total"
VENUES = MALLS[:3]
HOUSE = Path(__file__).parents[2]
UNLIMITED = 1_000_000  # requests a second
TOKEN_SECONDS = 12 * 3600
OF_DATABASE, OF_NATS = "MPP_DATABASE_URL", "MPP_NATS_URL"


class Listening(Server):
    """The consumer as a supervised process."""

    def __init__(self, home: Home, env: dict[str, str]) -> None:
        super().__init__(LISTENER, home.folder / "run", log=home.logs / "listener.log")
        self._env, self._begun = env, 0

    def prepare(self) -> None:
        self._begun = self.log.stat().st_size if self.log.exists() else 0

    def command(self) -> list[str]:
        return self.told("listen")

    def told(self, word: str) -> list[str]:
        return [sys.executable, "-m", f"{__package__}.listener", word]

    def environment(self) -> dict[str, str]:
        paths = os.pathsep.join((str(HOUSE), self._env.get("PYTHONPATH", "")))
        return {**self._env, "PYTHONPATH": paths}

    def ready(self) -> bool:
        return self.alive and b"ready" in self.log.read_bytes()[self._begun :]


class Stand(Node):
    """A node without its catalog, in whose name we speak.

    What a test wants otherwise it says before `running`. `proxied`: ("nats",), ("postgres",) or both: each
    process of the queue reaches them through a proxy of its own, `proxies["queue-2", "nats"]`. `extra`:
    part → variables added to its environment.
    """

    def __init__(self, folder: Path) -> None:
        home = Home(folder / "home", create=True)
        home.settle(free_port(), [*PARTS, SECOND])
        super().__init__(home, self._noted, rate=UNLIMITED)
        self.folder, self.notes = folder, list[str]()
        self.proxied: tuple[str, ...] = ()
        self.proxies: dict[tuple[str, str], Proxy] = {}
        self.extra: dict[str, dict[str, str]] = {}
        self._restarts: dict[str, int] = {}
        self.day, self.poison = date.today() + timedelta(days=2), folder / "poison"
        self.catalog = Catalog(self.nats.url_of("catalog"))

    def _noted(self, said: str) -> None:
        self.notes.append(said)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything up and every mall known, until the block ends."""
        async with AsyncExitStack() as stack:
            for part in QUEUES:
                for target in self.proxied:
                    proxy = Proxy(self.home.port(target))
                    self.proxies[part, target] = await stack.enter_async_context(proxy)
            try:
                await self.start()
                yield
            finally:
                await self.stop()

    async def start(self) -> None:
        supervisor = self.supervisor
        await supervisor.start(self.postgres)
        await supervisor.start(self.nats)
        await database.prepare(self.postgres, self.home)
        await self.catalog.tell([event for mall in VENUES for event in opening(mall)])
        self.gateway.dynamic = self._routes()
        await supervisor.start(self.gateway)
        await supervisor.start(self.site)
        await supervisor.start(self._queue(FIRST, "migrate", "serve"))
        await supervisor.start(self._queue(SECOND, "serve"))
        await supervisor.start(self._listener())
        boards = [f"/api/queue/v1/malls/{mall}/board" for mall in VENUES]
        for port in self.ways_in().values():
            for board in boards:  # in a thread: a proxy in front of PostgreSQL works in this loop
                await until(lambda told=(port, board): asyncio.to_thread(answers, *told), "the malls")

    async def stop(self) -> None:
        """The listener first, then as a node does."""
        await self.supervisor.stop([LISTENER, SECOND])
        await super().stop()

    def _routes(self) -> dict[str, Any]:
        """A node's, with both processes behind the gateway."""
        routes = dict(gateway.routes(self.home, UNLIMITED))
        servers = routes["http"]["services"][FIRST]["loadBalancer"]["servers"]
        servers.append({"url": f"http://127.0.0.1:{self.home.port(SECOND)}"})
        return routes

    def _queue(self, part: str, *words: str) -> Program:
        port, env = self.home.port(part), self.environment(part)
        return Program(self.home, part, ["queue_service", *words], env, port, "/health/ready")

    def _listener(self) -> Listening:
        told = environment(self.home, service("catalog"))  # it may read every stream
        own = {"MPP_SERVICE": LISTENER, "MPP_SCHEMA": SCHEMA, OF_DATABASE: self.postgres.url(DATABASE)}
        return Listening(self.home, told | own | {POISON: str(self.poison)} | self.extra.get(LISTENER, {}))

    def environment(self, part: str) -> dict[str, str]:
        """What one process of the queue is told."""
        told = environment(self.home, service("queue")) | {"MPP_PORT": str(self.home.port(part))}
        for target, name in (("postgres", OF_DATABASE), ("nats", OF_NATS)):
            if (part, target) in self.proxies:
                real, proxy = str(self.home.port(target)), str(self.proxies[part, target].port)
                told[name] = told[name].replace(f":{real}", f":{proxy}")
        return told | self.extra.get(part, {})

    def ways_in(self) -> dict[str, int]:
        """How clients reach the queue: part → port."""
        return {"gateway": self.home.gateway} | {part: self.home.port(part) for part in QUEUES}

    def headers(self, role: str) -> dict[str, str]:
        """Somebody of every mall in this role, at ten o'clock of the day."""
        token = Signer(self.home).token([role], malls=VENUES, ttl=TOKEN_SECONDS)
        return {"Authorization": f"Bearer {token}", "Mpp-Time": f"{self.day}T10:00:00{OFFSET}"}

    def halls(self) -> dict[str, str]:
        """Mall → the stream of its day."""
        return {mall: stream_of(mall, self.day) for mall in VENUES}

    def server(self, part: str) -> Server:
        return self.supervisor.parts[part].server

    def kill(self, *parts: str) -> None:
        """kill -9 of these at once; the supervisor starts them again."""
        for part in parts:
            self._restarts[part] = self.supervisor.parts[part].restarts
            self.server(part).send(signal.SIGKILL)

    async def back(self, *parts: str) -> None:
        """Until these were started again after the last `kill`, and are ready."""

        def again(part: str) -> bool:
            there = self.supervisor.parts[part]
            return there.ready and there.restarts > self._restarts[part]

        await until(lambda: all(again(part) for part in parts), f"{', '.join(parts)}")

    async def down(self, part: str) -> Server:
        """kill -9 of a part that nobody starts again until `up` is told the server."""
        there = self.supervisor.parts.pop(part)
        if there.watch:
            there.watch.cancel()
        await asyncio.to_thread(there.server.kill)
        return there.server

    async def up(self, server: Server) -> None:
        """Start it and watch it again."""
        await self.supervisor.start(server)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        """The superuser, looking at the queue's tables."""
        search = {"search_path": "queue, public"}
        connection = await asyncpg.connect(self.postgres.url(DATABASE), server_settings=search)
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def streams(self) -> AsyncIterator[JetStreamManager]:
        """What an operator can do to JetStream."""
        client = await nats.connect(self.nats.url_of("operator"))
        try:
            yield client.jsm()
        finally:
            await client.close()

    async def sequence(self) -> int:
        """The last sequence of the queue's stream."""
        async with self.streams() as streams:
            return int((await streams.stream_info(STREAM)).state.last_seq)

    async def head(self) -> int:
        """The position of the last event of a hall."""
        async with self.database() as connection:
            sql = "select coalesce(max(position), 0) from events where stream like 'hall-%'"
            return int(await connection.fetchval(sql))

    async def relaying(self) -> str:
        """Which process of the queue relays now: the one that publishes."""
        before = {part: self.metric(part, PUBLISHED) for part in QUEUES}
        found = list[str]()

        def grown() -> bool:
            found[:] = [part for part in QUEUES if self.metric(part, PUBLISHED) > before[part]]
            return bool(found)

        await until(grown, "a relay")
        return found[0]

    def metric(self, part: str, name: str) -> float:
        """The sum of a metric of one process over its labels that start so; 0 when it does not answer."""
        page = (fetched(self.home.port(part), "/metrics") or b"").decode()
        return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(name))

    async def verify(self) -> list[dict[str, Any]]:
        """What `mpp verify` finds for the queue: a dictionary a check."""
        told = environment(self.home, service("queue"))
        verify = await self._run(told, "queue_service", "verify", "--json")
        return [json.loads(line) for line in verify.splitlines()]

    async def replay(self) -> str:
        """The listener handles what it parked; what the command says."""
        return (await self._run(self._listener().environment(), f"{__package__}.listener", "replay")).strip()

    async def _run(self, env: dict[str, str], *words: str) -> str:
        """The output of a program of ours. AssertionError when it says nothing useful."""
        pipe = asyncio.subprocess.PIPE
        command = [sys.executable, "-m", *words]
        process = await asyncio.create_subprocess_exec(*command, env=env, cwd=HOUSE, stdout=pipe, stderr=pipe)
        out, err = await process.communicate()
        assert process.returncode in (0, 1) and not (process.returncode and not out), err.decode()[-2000:]
        return out.decode()
