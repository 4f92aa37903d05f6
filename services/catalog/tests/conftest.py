"""The catalog as it runs: real PostgreSQL and NATS, real tokens, requests over ASGI."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio

from catalog_service import shell
from catalog_service.__main__ import service
from catalog_service.counter import CounterDefined
from catalog_service.line import LineDefined
from catalog_service.mall import MallDefined
from catalog_service.standard import ServicePublished, Standard
from catalog_service.tenant import TenantOpened
from mpp.eventsourcing.decider import Event
from mpp.migrate import migrate
from mpp.service import Running
from mpp.settings import Settings
from mpp.testing.nats import private_nats
from mpp.testing.postgres import fresh_database
from mpp.testing.tokens import TokenMint

MONDAY_TEN = "2026-11-23T10:00:00+08:00"
Client = Callable[..., httpx.AsyncClient]


@pytest.fixture(scope="session")
def mall() -> list[Event]:
    """Bombana with two agencies, three services, two lines and a counter."""
    return [
        MallDefined(code="7406", slug="bombana", title="MPP", region="Bombana", timezone="Asia/Makassar"),
        TenantOpened(agency="disdukcapil", title="Disdukcapil"),
        TenantOpened(agency="samsat", title="Samsat"),
        *(
            ServicePublished(
                code=code, agency=agency, title=code, version=1, standard=Standard(minutes=8, product="KTP")
            )
            for code, agency in (("ktp", "disdukcapil"), ("kk", "disdukcapil"), ("stnk", "samsat"))
        ),
        LineDefined(line="A", title="Disdukcapil", services=("ktp", "kk")),
        LineDefined(line="B", title="Samsat", services=("stnk",)),
        CounterDefined(counter="7406-01", title="Loket 1", agency="disdukcapil", lines=("A",)),
    ]


@pytest.fixture(scope="session")
def mint() -> Iterator[TokenMint]:
    with TokenMint() as mint:
        yield mint


@pytest_asyncio.fixture(scope="session")
async def settings(postgres_server: str, mint: TokenMint) -> AsyncIterator[Settings]:
    """A migrated database of its own, and a JetStream of its own."""
    with private_nats() as nats:
        async with fresh_database(postgres_server) as url:
            await migrate(url, "catalog", service.migrations)
            yield Settings(
                service="catalog",
                database_url=url,
                nats_url=nats.url,
                secret_key="00" * 32,
                issuers=(mint.issuer(),),
                clock="request",
            )


class Started:
    """The app and what runs behind it; its lifespan begins and ends in one task."""

    def __init__(self, settings: Settings) -> None:
        self.running: Running | None = None
        self.app = replace(service, attach=self._attach).app(settings)
        self._up, self._down = asyncio.Event(), asyncio.Event()

    def _attach(self, _: Any, running: Running) -> None:
        self.running = running

    async def serve(self) -> None:
        async with self.app.router.lifespan_context(self.app):
            self._up.set()
            await self._down.wait()

    async def up(self, task: asyncio.Task[None]) -> None:
        waiting = asyncio.create_task(self._up.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        assert self.running and await shell.seed(self.running, []) == 0

    def down(self) -> None:
        self._down.set()


@pytest_asyncio.fixture(scope="session")
async def started(settings: Settings) -> AsyncIterator[Started]:
    """The service with its seeds."""
    started = Started(settings)
    task = asyncio.create_task(started.serve())
    await started.up(task)
    yield started
    started.down()
    await task


@pytest.fixture(scope="session")
def running(started: Started) -> Running:
    assert started.running
    return started.running


@pytest_asyncio.fixture(scope="session")
async def client(started: Started, mint: TokenMint) -> AsyncIterator[Client]:
    """`client()` is nobody, `client("mall-admin", malls=["7406"])` is somebody; it is Monday, ten o'clock."""
    opened: list[httpx.AsyncClient] = []

    def client(role: str = "", **claims: Any) -> httpx.AsyncClient:
        headers = {"Mpp-Time": MONDAY_TEN}
        if role:
            headers["Authorization"] = f"Bearer {mint.token(role, **claims)}"
        transport = httpx.ASGITransport(started.app, raise_app_exceptions=False)
        base = "http://catalog/api/catalog/v1"
        opened.append(httpx.AsyncClient(transport=transport, base_url=base, headers=headers))
        return opened[-1]

    yield client
    for each in opened:
        await each.aclose()
