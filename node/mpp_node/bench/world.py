"""A world to measure in: servers of its own in a folder of its own, a queue service, and malls."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from mpp_node import database, gateway
from mpp_node.bench.malls import MALLS, OFFSET, Catalog, opening
from mpp_node.home import Home
from mpp_node.keys import Signer
from mpp_node.node import PARTS
from mpp_node.program import Program, answers
from mpp_node.services import DATABASE, environment, service
from mpp_servers.nats import Nats
from mpp_servers.postgres import Postgres
from mpp_servers.server import DidNotStart, Server, free_port
from mpp_servers.traefik import Traefik

IDLE = {"bare": "/health/ready", "dressed": "/health/ready"}
SECOND, GROWN = "queue-2", "queue-grown"
UNLIMITED = 1_000_000  # requests a second
TOKEN_SECONDS = 12 * 3600
PATIENCE = 60.0


class Broken(RuntimeError):
    """What was measured did not do what it must, so its figures mean nothing."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured on."""

    pages: int = 10_000  # live pages of tickets that one process holds
    fans: int = 200  # of them, in one line
    events: int = 2_000_000  # in the log that has grown
    waiting: int = 20_000  # in the hall of that log where tickets are then issued
    rebuilt: int = 250_000  # events from which views are made anew


class World:
    """Everything of a node but the catalog, in whose name `catalog` speaks; `day()` is never the same."""

    def __init__(self, folder: Path, seconds: float, size: Size = Size()) -> None:
        self.folder, self.seconds, self.size, self.tickets = folder, seconds, size, 0
        self.home = Home(folder / "home", create=True)
        self.home.settle(free_port(), [*PARTS, *IDLE, SECOND, GROWN])
        home, logs = self.home, self.home.logs
        self.postgres = Postgres(home.folder / "postgres", home.port("postgres"), log=logs / "postgres.log")
        self.nats = Nats(home.folder / "nats", home.port("nats"), home.port("nats-monitor"))
        self.catalog = Catalog(self.nats.url)
        self.queue = self._program("queue", ["queue_service", "migrate", "serve"])
        self._days = (date.today() + timedelta(days=n) for n in count(2))

    def day(self) -> date:
        """A day on which nothing happened yet."""
        return next(self._days)

    def environment(self, part: str) -> dict[str, str]:
        """What the queue service is told, on the port of this part."""
        own = {"MPP_PORT": str(self.home.port(part)), "MPP_NATS_URL": self.nats.url}
        return environment(self.home, service("queue")) | own

    def dsn(self, database: str = DATABASE) -> str:
        """Where the queue service finds its tables in a database."""
        return self.environment("queue")["MPP_DATABASE_URL"].rpartition("/")[0] + f"/{database}"

    def _program(self, part: str, arguments: list[str], probe: str = "/health/ready") -> Program:
        return Program(self.home, part, arguments, self.environment(part), self.home.port(part), probe)

    @contextmanager
    def running(self) -> Iterator[None]:
        """All parts, until the block ends; what started first ends last."""
        site = Program(
            self.home,
            gateway.SITE,
            ["mpp_node.site"],
            self.environment(gateway.SITE) | {"MPP_HOME": str(self.home.folder)},
            self.home.port(gateway.SITE),
            "/.well-known/openid-configuration",
        )
        self.gateway = Traefik(
            self.home.folder / "gateway",
            self.home.gateway,
            gateway.routes(self.home, UNLIMITED),
            static=gateway.static(self.home),
            log=self.home.logs / "gateway.log",
        )
        idle = [self._program(kind, ["mpp_node.bench.idle", kind], probe) for kind, probe in IDLE.items()]
        with ExitStack() as stack:
            for server in (self.postgres, self.nats, site, self.gateway, *idle):
                stack.callback(server.stop)
                server.start()
            stack.callback(self.queue.stop)
            self.parts: dict[str, Server] = {
                "postgres": self.postgres,
                "nats": self.nats,
                "gateway": self.gateway,
                "queue": self.queue,
            }
            yield

    async def prepare(self) -> None:
        """The database, the malls, and a queue that knows them."""
        await database.prepare(self.postgres, self.home)
        await self.catalog.tell([event for mall in MALLS for event in opening(mall)])
        await self.start_queue()

    async def start_queue(self) -> None:
        """The queue, until it knows the malls, also through the gateway."""
        self.queue.start()
        for port in (self.queue.port, self.home.gateway):
            await knows_malls(port)

    @contextmanager
    def second_queue(self) -> Iterator[Program]:
        """Another process of the queue service, while the block runs."""
        second = self._program(SECOND, ["queue_service", "serve"])
        try:
            second.start()
            yield second
        finally:
            second.stop()

    @asynccontextmanager
    async def database(self, name: str = DATABASE) -> AsyncIterator[asyncpg.Connection]:
        """The superuser, looking at the queue's tables."""
        search = {"search_path": "queue, public"}
        connection = await asyncpg.connect(self.postgres.url(name), server_settings=search)
        try:
            yield connection
        finally:
            await connection.close()

    def headers(self, role: str, day: date) -> dict[str, str]:
        """Somebody of every mall in this role, at ten o'clock of this day."""
        token = Signer(self.home).token([role], malls=MALLS, ttl=TOKEN_SECONDS)
        return {"Authorization": f"Bearer {token}", "Mpp-Time": f"{day}T10:00:00{OFFSET}"}

    async def play(self, *groups: dict[str, Any], warm: float | None = None) -> dict[str, Any]:
        """Load of these groups at the same time; Broken when one was answered what it should not."""
        warm = max(0.2, self.seconds / 5) if warm is None else warm
        async with Child("load") as child:
            task = {"groups": groups, "warm": warm, "seconds": self.seconds}
            played: dict[str, Any] = await child.done(task)
        for group in played["groups"]:
            if group["odd"]:
                raise Broken(f"answers that should not be: {group['odd']}")
        return played


class Child:
    """A process of the bench: it reads a line of JSON, says `ready` when it has more to wait for, and
    answers with a line of JSON when its input ends."""

    def __init__(self, module: str) -> None:
        self._module = module

    async def __aenter__(self) -> "Child":
        pipe = asyncio.subprocess.PIPE
        words = ["-m", f"mpp_node.bench.{self._module}"]
        env = os.environ | {"PYTHONUNBUFFERED": ""}  # a long answer written without a buffer may end early
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *words, env=env, stdin=pipe, stdout=pipe, limit=1 << 28
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def begin(self, task: dict[str, Any]) -> None:
        """Gives it the task and waits until it is ready."""
        await self._tell(task)
        if await self._line() != b"ready\n":
            raise Broken(f"{self._module} did not start")

    async def done(self, task: dict[str, Any] | None = None) -> Any:
        """Ends its input; its answer."""
        if task is not None:
            await self._tell(task)
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.close()
        line = await self._line()
        if not line:
            raise Broken(f"{self._module} ended without an answer")
        await self._process.wait()
        return json.loads(line)

    async def _tell(self, task: dict[str, Any]) -> None:
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.write(json.dumps(task).encode() + b"\n")
        await self._process.stdin.drain()

    async def _line(self) -> bytes:
        assert self._process.stdout is not None  # noqa: S101
        return await self._process.stdout.readline()


async def knows_malls(port: int) -> None:
    """Waits until a queue service that listens here has heard of all malls."""
    boards = [f"/api/queue/v1/malls/{mall}/board" for mall in MALLS]
    await until(lambda: all(answers(port, board) for board in boards), "the malls")


async def until(holds: Any, what: str, seconds: float = PATIENCE) -> None:
    """Waits for a condition, awaitable or not; DidNotStart after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        held = holds()
        if await held if asyncio.iscoroutine(held) else held:
            return
        if time.monotonic() > end:
            raise DidNotStart(f"waited {seconds:.0f} s for {what}")
        await asyncio.sleep(0.01)
