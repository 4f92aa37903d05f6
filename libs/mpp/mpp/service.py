"""A service put together: its log, relay, inboxes, pages and commands behind one call."""

import argparse
import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import structlog
from fastapi import APIRouter, FastAPI
from sqlmodel import SQLModel

from mpp import gauges, privacy, telemetry
from mpp.documents import Documents
from mpp.eventsourcing.handler import Handler
from mpp.eventsourcing.log import Log
from mpp.eventsourcing.retention import retain
from mpp.eventsourcing.verify import Invariants
from mpp.gauges import Measure
from mpp.internal import Owners, Told, reader_pool
from mpp.leader import again, ended, lead
from mpp.messaging.inbox import Inbox, React
from mpp.messaging.jetstream import JetStream
from mpp.messaging.message import Announce, Message
from mpp.messaging.parking import Parking
from mpp.messaging.relay import Relay
from mpp.messaging.tail import Owner
from mpp.privacy import Vault
from mpp.serving import Draining, as_served, spare_the_collector
from mpp.settings import Settings
from mpp.web.app import create_app
from mpp_contracts.published import Published

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Listen:
    """What is heard from one other service: the contracts understood, and the commands they lead to."""

    contracts: Sequence[type[Published]]
    react: React


@dataclass(slots=True)
class Running:
    """A started service, for its own background work and its operators' commands."""

    settings: Settings
    schema: str
    handle: Handler
    reader: asyncpg.Pool
    jetstream: JetStream
    inboxes: dict[str, Inbox]
    parking: Parking
    told_after: Owner  # this service's own published events, from its log: for pages that missed some
    owners: Owners | None = None  # the other services, as far as their addresses are known
    vault: Vault | None = None  # of a service that holds personal data
    documents: Documents | None = None  # of a service that keeps files
    everywhere: list["Work"] = field(default_factory=list)  # what each replica does (live pages)
    closing: list[Callable[[], None]] = field(default_factory=list)  # what ends before the server drains


Work = Callable[[Running], Awaitable[None]]
Command = Callable[[Running, list[str]], Awaitable[int]]


@dataclass(frozen=True)
class Service:
    """Everything that makes one service; `main()` is its command line.

    once: work that one replica does for all (upkeep); attach: what a process keeps while it serves;
    vault: whether it holds personal data; files: the largest file it takes, bytes, 0: it keeps none;
    internal: what it answers to other services; measures: what its tables tell Prometheus.
    """

    name: str
    title: str
    handle: Handler
    tables: Sequence[type[SQLModel]]
    announce: Announce
    routers: Sequence[APIRouter]
    migrations: Path
    check: Invariants
    listens: Mapping[str, Listen] = field(default_factory=dict)
    once: Mapping[str, Work] = field(default_factory=dict)
    commands: Mapping[str, Command] = field(default_factory=dict)
    vault: bool = False
    files: int = 0
    internal: Sequence[APIRouter] = ()
    measures: Sequence[Measure] = ()
    attach: Callable[[FastAPI, Running], None] = lambda app, running: None

    @property
    def _told(self) -> Told:
        return Told(self.handle.decode, self.announce)

    def settings(self) -> Settings:
        return Settings(service=self.name)

    @asynccontextmanager
    async def running(self, settings: Settings) -> AsyncIterator[Running]:
        """The service without its HTTP side: it can write, and read what is told to it."""
        schema = settings.table_schema
        async with AsyncExitStack() as stack:
            reader = await reader_pool(settings, schema)
            stack.push_async_callback(_close, reader)
            jetstream = JetStream(settings.nats_url, f"{self.name}-service", settings.stream_replicas)
            stack.push_async_callback(jetstream.close)
            client = await stack.enter_async_context(httpx.AsyncClient(timeout=10))
            writing = Log(settings.database_url, schema, "write")
            stack.push_async_callback(writing.close)
            owners, parking = Owners(settings, client), Parking(reader)
            told = partial(self._told.onward, reader)
            running = Running(settings, schema, self.handle, reader, jetstream, {}, parking, told, owners)
            if self.vault:
                running.vault = await stack.enter_async_context(privacy.opened(settings))
                running.documents = Documents(settings, running.vault) if self.files else None
            for source, heard in self._heard(settings):
                running.inboxes[source] = self._inbox(source, heard, running, owners)
            self.handle.start(writing)
            stack.push_async_callback(self.handle.stop)
            yield running

    def _heard(self, settings: Settings) -> list[tuple[str, Listen]]:
        """What is listened to: an installation may leave services out, and names the others in MPP_OWNERS."""
        known = settings.owners or self.listens
        return [(source, heard) for source, heard in self.listens.items() if source in known]

    def _inbox(self, source: str, heard: Listen, running: Running, owners: Owners) -> Inbox:
        async def owner(position: int, seen: UUID | None) -> list[Message]:
            return await owners.events_after(source, position, seen)

        return Inbox(
            self.name,
            source,
            heard.contracts,
            heard.react,
            self.handle,
            running.parking,
            running.jetstream,
            owner,
        )

    @asynccontextmanager
    async def _serving(self, app: FastAPI, settings: Settings) -> AsyncIterator[None]:
        async with self.running(settings) as running:
            app.state.running, app.state.reader = running, running.reader
            self.attach(app, running)
            reads = Log(settings.database_url, running.schema, "relay")
            relay = Relay(self.name, reads, running.jetstream, self.handle.decode, self.announce)
            self.handle.committed = partial(_poke, relay, running.jetstream, self.name)
            self.handle.died = _give_up
            background = asyncio.create_task(self._background(running, relay))
            measuring = asyncio.create_task(again("gauges", partial(self._measured, running)))
            background.add_done_callback(_look_at_its_end)
            spare_the_collector()
            try:
                yield
            finally:
                self.handle.died = lambda: None
                await self.handle.stop()  # what was accepted is finished before anything closes
                await ended([background, measuring])
                await reads.close()

    async def _measured(self, running: Running) -> None:
        dsn, jetstream = running.settings.database_url, running.jetstream
        await gauges.follow(self.name, dsn, running.schema, lambda: jetstream.connected, self.measures)

    async def _background(self, running: Running, relay: Relay) -> None:
        await running.jetstream.connect()
        await running.jetstream.on_poke(self.name, relay.poke)
        duties: dict[str, Callable[[], Awaitable[None]]] = {"relay": relay.run}
        duties |= {f"inbox-{source}": inbox.run for source, inbox in running.inboxes.items()}
        duties |= {name: partial(work, running) for name, work in self.once.items()}
        dsn, schema = running.settings.database_url, running.schema
        duties["retention"] = partial(retain, dsn, schema)
        led = [lead(dsn, schema, duty, work) for duty, work in duties.items()]
        own = [again("pages", partial(each, running)) for each in running.everywhere]
        tasks = [asyncio.create_task(work) for work in (*led, *own)]
        try:
            await asyncio.gather(*tasks)
        finally:
            await ended(tasks)

    def app(self, settings: Settings) -> FastAPI:
        """The HTTP side; its lifespan runs the rest."""

        async def ready() -> dict[str, bool]:
            try:
                return {"database": await app.state.reader.fetchval("select true", timeout=2)}
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                return {"database": False}

        if self.files > settings.body_limit:
            settings = settings.model_copy(update={"body_limit": self.files})
        app = create_app(
            service=self.name,
            title=self.title,
            version="1",
            routers=self.routers,
            settings=settings,
            ready=ready,
            lifespan=partial(self._serving, settings=settings),
            internal=[self._told.router(), *self.internal],
        )
        return app

    def serve(self, settings: Settings) -> None:
        """Until SIGTERM or SIGINT; then no new work, what was accepted is finished, and live pages end."""
        told = telemetry.configure(
            self.name,
            otlp_endpoint=settings.otlp_endpoint,
            sample=settings.trace_sample,
            log_level=settings.log_level,
        )
        Draining(as_served(self.app(settings), settings)).run()
        told.shutdown()

    def main(self) -> None:
        """`python -m <name>_service migrate serve`: one command after the other, while they succeed."""
        from mpp import operations

        commands: dict[str, Command] = {**operations.commands(self), **self.commands}
        known = ["serve", *commands]
        parser = argparse.ArgumentParser(prog=f"{self.name}-service", description=self.title)
        parser.add_argument("command", choices=known, nargs="+", help="the last one's options may follow")
        words = list(takewhile(known.__contains__, sys.argv[1:]))
        asked = parser.parse_args(words or sys.argv[1:2]).command
        settings = self.settings()
        for command in asked:
            if command == "serve":
                self.serve(settings)
                continue
            telemetry.configure(self.name, log_level="warning")
            rest = sys.argv[1 + len(words) :] if command is asked[-1] else []
            if code := asyncio.run(self._command(commands[command], settings, rest)):
                sys.exit(code)

    async def _command(self, command: Command, settings: Settings, rest: list[str]) -> int:
        async with self.running(settings) as running:
            return await command(running, rest)


def _look_at_its_end(background: "asyncio.Task[None]") -> None:
    if not background.cancelled():
        log.critical("the background ended", exc_info=background.exception())
        _give_up()


def _give_up() -> None:
    """End this process as if asked to: one that only looks alive helps nobody; another is started."""
    signal.raise_signal(signal.SIGTERM)


def _poke(relay: Relay, jetstream: JetStream, service: str) -> None:
    """Wake whichever replica relays: this one, or another over NATS."""
    if relay.running:
        relay.poke()
    else:
        jetstream.poke(service)


async def _close(pool: asyncpg.Pool) -> None:
    try:
        async with asyncio.timeout(5):
            await pool.close()
    except TimeoutError:
        pool.terminate()
