"""One queue service for the whole run, and for each test a mall of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from mpp.migrate import migrate
from mpp.settings import Settings
from mpp.testing.nats import private_nats
from mpp.testing.postgres import fresh_database
from mpp.testing.tokens import TokenMint
from queue_service.__main__ import service

from .house import House, Venue, found, served


@pytest.fixture(scope="session")
def mint() -> Iterator[TokenMint]:
    with TokenMint() as mint:
        yield mint


@pytest_asyncio.fixture(scope="session")
async def settings(postgres_server: str, mint: TokenMint) -> AsyncIterator[Settings]:
    """A migrated database of its own, and a JetStream of its own."""
    with private_nats() as nats:
        async with fresh_database(postgres_server) as url:
            await migrate(url, "queue", service.migrations)
            yield Settings(
                service="queue",
                database_url=url,
                nats_url=nats.url,
                secret_key="00" * 32,
                issuers=(mint.issuer(),),
                clock="request",
            )


@pytest_asyncio.fixture(scope="session")
async def house(settings: Settings) -> AsyncIterator[House]:
    async with served(settings) as house:
        yield house


@pytest_asyncio.fixture(scope="session")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest_asyncio.fixture
async def open_mall(
    house: House, mint: TokenMint, client: httpx.AsyncClient
) -> Callable[..., Awaitable[Venue]]:
    """`await open_mall(counters=8, capacity=3)`."""

    async def open_mall(counters: int = 3, **line: Any) -> Venue:
        return Venue(await found(house.running.handle, counters, **line), house.url, mint, client)

    return open_mall


@pytest_asyncio.fixture
async def venue(open_mall: Callable[..., Awaitable[Venue]]) -> Venue:
    return await open_mall()
