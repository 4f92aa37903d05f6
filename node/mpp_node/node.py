"""A whole node: its parts, the order they start in, and the order they stop in."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from mpp.documents import make_bucket
from mpp_node import database, gateway
from mpp_node.home import Home
from mpp_node.program import Program, answers, fetched, served
from mpp_node.services import SERVICES, STORAGE, STORAGE_PORTS, nats_users, of_pages
from mpp_node.supervisor import Supervisor
from mpp_servers.nats import Nats
from mpp_servers.postgres import Postgres
from mpp_servers.seaweed import Bucket, Seaweed
from mpp_servers.server import DidNotStart
from mpp_servers.traefik import Traefik

NAMES = [service.name for service in SERVICES]
KEEPERS = [service for service in SERVICES if service.files]
PARTS = ["postgres", "nats", "nats-monitor", *STORAGE_PORTS, gateway.SITE, gateway.WEB, *NAMES]
STOP_ORDER = [["traefik"], [gateway.WEB], NAMES, [gateway.SITE], ["nats", STORAGE], ["postgres"]]
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Node:
    """The parts of one node under one supervisor; `note` is told what happens, in sentences.

    The gateway listens on `host` and lets each client address ask `rate` times a second.
    """

    def __init__(
        self, home: Home, note: Callable[[str], None], host: str = "127.0.0.1", rate: int = 1000
    ) -> None:
        self.home, self._note, self._started = home, note, datetime.now(UTC)
        self.supervisor = Supervisor(note, self._write_state)
        folder, logs = home.folder, home.logs
        self.postgres = Postgres(folder / "postgres", home.port("postgres"), log=logs / "postgres.log")
        self.nats = Nats(
            folder / "nats",
            home.port("nats"),
            home.port("nats-monitor"),
            users=nats_users(home),
            log=logs / "nats.log",
        )
        self.storage = Seaweed(
            folder / STORAGE,
            [home.port(part) for part in STORAGE_PORTS],
            operator=home.secret("storage/operator"),
            buckets=[Bucket(known.name, home.secret(f"storage/{known.name}")) for known in KEEPERS],
            log=logs / f"{STORAGE}.log",
        )
        self.gateway = Traefik(
            folder / "gateway",
            home.gateway,
            gateway.routes(home, rate),
            host=host,
            static=gateway.static(home),
            log=logs / "gateway.log",
        )
        env = {**os.environ, "MPP_HOME": str(folder)}
        probe = "/.well-known/openid-configuration"
        self.site = Program(home, gateway.SITE, ["mpp_node.site"], env, home.port(gateway.SITE), probe)
        told = of_pages(home)
        self.web = Program(home, gateway.WEB, ["web_frontend"], told, home.port(gateway.WEB), "/health/ready")

    async def run(self, ready: Callable[[float], None]) -> None:
        """Starts everything, calls `ready` with the seconds it took, and stops all when told to.

        Raises DidNotStart when a part does not start; what had started is stopped then too.
        """
        stop = _stop_on_signal(self.supervisor.kill)
        begun = time.monotonic()
        starting = asyncio.create_task(self.start())
        asked = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([starting, asked], return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                ready(time.monotonic() - begun)
                await asked
        finally:
            starting.cancel()
            with suppress(asyncio.CancelledError, DidNotStart):
                await starting
            await self.stop()

    async def start(self) -> None:
        """Databases first, then the gateway and every service."""
        supervisor = self.supervisor
        async with _together() as group:
            group.create_task(self._prepare_database())
            group.create_task(supervisor.start(self.nats))
        async with _together() as group:
            group.create_task(supervisor.start(self.gateway))
            group.create_task(supervisor.start(self.site))
            group.create_task(supervisor.start(self.web))
            group.create_task(self._prepare_storage())
            for service in SERVICES:
                group.create_task(supervisor.start(served(self.home, service)))
        await self._through_the_gateway()

    async def stop(self) -> None:
        """Stops in order: nobody comes in, what was accepted is finished, then what it was kept in."""
        for names in STOP_ORDER:
            await self.supervisor.stop(names)

    async def _prepare_database(self) -> None:
        await self.supervisor.start(self.postgres)
        await database.prepare(self.postgres, self.home)

    async def _prepare_storage(self) -> None:
        await self.supervisor.start(self.storage)
        for bucket in self.storage.buckets:
            await make_bucket(self.storage.url, bucket.name, "operator", self.home.secret("storage/operator"))

    async def _through_the_gateway(self) -> None:
        """Until the public addresses answer, and every mall of the catalog has its board.

        The gateway reads its routes, and the queue hears of new malls, a moment after they start.
        """
        paths = ["/.well-known/openid-configuration", "/manifest.webmanifest"]
        paths += [f"/api/{name}/v1/openapi.json" for name in NAMES]
        if late := await self._still_silent(paths):
            raise DidNotStart(f"the gateway on port {self.home.gateway} does not answer {late[0]}")
        malls = await asyncio.to_thread(fetched, self.home.gateway, "/api/catalog/v1/malls?limit=100")
        boards = [mall["slug"] for mall in json.loads(malls)["items"]] if malls else []
        if late := await self._still_silent([f"/api/queue/v1/malls/{slug}/board" for slug in boards]):
            self._note(f"no board yet at {', '.join(late)}")

    async def _still_silent(self, paths: list[str], patience: float = 30.0) -> list[str]:
        """Those of these public paths that do not answer within `patience` seconds."""
        until = time.monotonic() + patience
        while paths and time.monotonic() < until:
            paths = [path for path in paths if not await asyncio.to_thread(answers, self.home.gateway, path)]
            await asyncio.sleep(0.02 if paths else 0)
        return paths

    def _write_state(self) -> None:
        parts = {
            name: {
                "pid": part.server.pid,
                "ports": part.server.ports(),
                "probe": getattr(part.server, "probe", ""),
                "ready": part.ready,
                "restarts": part.restarts,
            }
            for name, part in self.supervisor.parts.items()
        }
        self.home.write_state({"started": self._started.isoformat(), "parts": parts})


@asynccontextmanager
async def _together() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that fails as its first failure does."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


def _stop_on_signal(insist: Callable[[], None]) -> asyncio.Event:
    """An event set by the first signal to stop; `insist` is called by the second."""
    stop = asyncio.Event()

    def told() -> None:
        if stop.is_set():
            insist()
        stop.set()

    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, told)
    return stop
