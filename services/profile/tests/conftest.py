"""Profile as it runs: real PostgreSQL and NATS, real tokens, another service over real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, HTTPException
from pydantic import SecretStr

from mpp.migrate import migrate
from mpp.service import Running
from mpp.settings import Settings
from mpp.testing.nats import private_nats
from mpp.testing.postgres import fresh_database
from mpp.testing.serving import serving, settings_for
from mpp.testing.tokens import TokenMint
from profile_service.__main__ import service

TUESDAY = "2026-11-24T09:00:00+08:00"
NAMES = ("tracking", "notify")
Client = Callable[..., httpx.AsyncClient]


@pytest.fixture(scope="session")
def mint() -> Iterator[TokenMint]:
    with TokenMint() as mint:
        yield mint


def neighbour(mint: TokenMint) -> FastAPI:
    """The others as profile sees them: tracking holds something, notify is down, feedback is nowhere."""
    app = FastAPI()

    @app.post("/token")
    async def token() -> dict[str, str]:
        return {"access_token": mint.token("system")}

    @app.get("/tracking/internal/subjects/{citizen}")
    async def subjects(citizen: UUID) -> dict[str, Any]:
        return {"applications": [{"citizen": str(citizen)}]}

    @app.get("/notify/internal/subjects/{citizen}")
    async def down(citizen: UUID) -> None:
        raise HTTPException(503)

    return app


@pytest_asyncio.fixture(scope="session")
async def settings(postgres_server: str, mint: TokenMint) -> AsyncIterator[Settings]:
    """A migrated database of its own, and a JetStream of its own."""
    with private_nats() as nats:
        async with fresh_database(postgres_server) as url, serving(neighbour(mint)) as near:
            await migrate(url, "profile", service.migrations)
            yield settings_for(
                "profile",
                database_url=url,
                nats_url=nats.url,
                issuers=(mint.issuer(),),
                master_key=SecretStr("11" * 32),
                owners={name: f"{near}/{name}" for name in NAMES} | {"feedback": "http://127.0.0.1:1"},
                system_token_url=f"{near}/token",
            )


class Started:
    """The app and what runs behind it; its lifespan begins and ends in one task."""

    def __init__(self, settings: Settings) -> None:
        self.running: Running | None = None
        self.app = replace(service, attach=self._attach).app(settings)
        self._up, self._down = asyncio.Event(), asyncio.Event()

    def _attach(self, app: FastAPI, running: Running) -> None:
        self.running = running
        service.attach(app, running)

    async def serve(self) -> None:
        async with self.app.router.lifespan_context(self.app):
            self._up.set()
            await self._down.wait()

    async def up(self, task: asyncio.Task[None]) -> None:
        waiting = asyncio.create_task(self._up.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task

    def down(self) -> None:
        self._down.set()


@pytest_asyncio.fixture(scope="session")
async def started(settings: Settings) -> AsyncIterator[Started]:
    async with service.running(settings) as running:
        assert running.vault is not None
        await running.vault.prepare()
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
    """`client()` is nobody, `client("citizen", subject=…)` is somebody; it is Tuesday, nine o'clock."""
    opened: list[httpx.AsyncClient] = []

    def client(role: str = "", path: str = "/api/profile/v1", **claims: Any) -> httpx.AsyncClient:
        headers = {"Mpp-Time": TUESDAY}
        if role:
            headers["Authorization"] = f"Bearer {mint.token(role, **claims)}"
        transport = httpx.ASGITransport(started.app, raise_app_exceptions=False)
        base = f"http://profile{path}"
        opened.append(httpx.AsyncClient(transport=transport, base_url=base, headers=headers))
        return opened[-1]

    yield client
    for each in opened:
        await each.aclose()
