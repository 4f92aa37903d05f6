"""One queue service for the whole run, and for each test a mall of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest_asyncio

from mpp.settings import Settings
from mpp.testing.installed import installed
from mpp.testing.tokens import TokenMint
from queue_service.__main__ import service

from .house import House, Venue, found, served


@pytest_asyncio.fixture(scope="session")
async def settings(postgres_server: str, mint: TokenMint) -> AsyncIterator[Settings]:
    async with installed(service, postgres_server, mint) as settings:
        yield settings


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
