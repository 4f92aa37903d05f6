"""Profile as it runs: real PostgreSQL and NATS, real tokens, another service over real HTTP."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from fastapi import FastAPI, HTTPException

from mpp.service import Running
from mpp.testing.installed import Client, installed, served, visitors
from mpp.testing.serving import serving
from mpp.testing.tokens import TokenMint
from profile_service.__main__ import service

TUESDAY = "2026-11-24T09:00:00+08:00"
NAMES = ("tracking", "notify")
__all__ = ["Client"]


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
async def house(postgres_server: str, mint: TokenMint) -> AsyncIterator[tuple[str, Running]]:
    async with serving(neighbour(mint)) as near:
        owners = {name: f"{near}/{name}" for name in NAMES} | {"feedback": "http://127.0.0.1:1"}
        wishes = {"owners": owners, "system_token_url": f"{near}/token"}
        installing = installed(service, postgres_server, mint, **wishes)
        async with installing as settings, served(service, settings) as house:
            yield house


@pytest.fixture(scope="session")
def running(house: tuple[str, Running]) -> Running:
    return house[1]


@pytest_asyncio.fixture(scope="session")
async def client(house: tuple[str, Running], mint: TokenMint) -> AsyncIterator[Client]:
    """Anybody: `client("citizen", subject=…)`."""
    async with visitors(house[0], "profile", mint, TUESDAY) as client:
        yield client
