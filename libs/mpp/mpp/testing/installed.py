"""A service as it is installed: migrated, with real servers, and people who may come to it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx

from mpp.migrate import migrate
from mpp.privacy import opened
from mpp.service import Running, Service
from mpp.settings import Settings
from mpp.testing.nats import private_nats
from mpp.testing.postgres import fresh_database
from mpp.testing.serving import serving, settings_for
from mpp.testing.tokens import TokenMint

Client = Callable[..., httpx.AsyncClient]


@asynccontextmanager
async def installed(
    service: Service, postgres: str, mint: TokenMint, **wishes: Any
) -> AsyncIterator[Settings]:
    """Settings of a migrated database and a JetStream of its own; `postgres`: the superuser's DSN."""
    with private_nats() as nats:
        async with fresh_database(postgres) as url:
            await migrate(url, service.name, service.migrations)
            own = {"database_url": url, "nats_url": nats.url, "issuers": (mint.issuer(),)}
            keys = {"master_key": "11" * 32} if service.vault else {}
            settings = settings_for(service.name, **own | keys | wishes)
            if service.vault:
                async with opened(settings) as vault:
                    await vault.prepare()
            yield settings


@asynccontextmanager
async def served(service: Service, settings: Settings) -> AsyncIterator[tuple[str, Running]]:
    """The service over real HTTP: its address without a path, and its inside."""
    app = service.app(settings)
    async with serving(app) as url:
        yield url, app.state.running


@asynccontextmanager
async def visitors(url: str, service: str, mint: TokenMint, at: str) -> AsyncIterator[Client]:
    """`client()` is nobody, `client("citizen", subject=…)` is somebody; all of them come `at` this time."""
    async with AsyncExitStack() as stack:

        def client(role: str = "", path: str = f"/api/{service}/v1", **claims: Any) -> httpx.AsyncClient:
            headers = {"Mpp-Time": at}
            if role:
                headers["Authorization"] = f"Bearer {mint.token(role, **claims)}"
            made = httpx.AsyncClient(base_url=url + path, headers=headers, timeout=30)
            stack.push_async_callback(made.aclose)
            return made

        yield client
