"""What every trap starts from: the toy service's log, and its stream in JetStream, both empty."""

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from mpp.eventsourcing.log import Log, connect
from mpp.messaging.jetstream import JetStream
from mpp.testing import toy

from .stream import opened


@pytest_asyncio.fixture
async def dsn(postgres_url: str) -> str:
    """A database with the toy's empty log."""
    await toy.create(postgres_url)
    return postgres_url


@pytest_asyncio.fixture
async def database(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(dsn, "toy", "test")
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def log(dsn: str) -> AsyncIterator[Log]:
    """The log as the relay reads it."""
    reading = Log(dsn, "toy", "relay")
    yield reading
    await reading.close()


@pytest_asyncio.fixture
async def jetstream(nats_url: str) -> AsyncIterator[JetStream]:
    async with opened(JetStream(nats_url, "test")) as jetstream:
        yield jetstream
