"""PostgreSQL for tests: one shared server with a fresh database per test, or a private one to kill."""

import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from mpp_servers.postgres import Postgres

IMAGE = "postgres:18"
RELAXED = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@cache
def server_kind() -> str:
    """`docker` where an engine answers, else `embedded`; MPP_TEST_SERVERS decides by hand."""
    if wish := os.environ.get("MPP_TEST_SERVERS"):
        return wish
    return "docker" if _docker_answers() else "embedded"


def _docker_answers() -> bool:
    host = urlsplit(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    family, address = (
        (socket.AF_UNIX, host.path) if host.scheme == "unix" else (socket.AF_INET, (host.hostname, host.port))
    )
    with socket.socket(family) as engine:
        engine.settimeout(1)
        try:
            engine.connect(address)
            engine.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            return b" 200 " in engine.recv(64)
        except OSError:
            return False


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """A temporary folder that a server running as another user can walk into."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def private_postgres(options: dict[str, str] | None = None) -> Iterator[Postgres]:
    """A started server of one's own, always embedded, fsync on: to stop, kill and start again."""
    with scratch("mpp-postgres-") as folder:
        server = Postgres(folder / "postgres", options=options)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def _in_docker() -> Iterator[str]:
    from testcontainers.community.postgres import PostgresContainer

    settings = [f"-c{name}={value}" for name, value in {**RELAXED, "max_connections": "200"}.items()]
    with PostgresContainer(IMAGE, username="postgres", driver=None).with_command(settings) as server:
        yield server.get_connection_url()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The superuser's DSN of the shared server; nothing durable may be asserted of it."""
    if server_kind() == "docker":
        with _in_docker() as url:
            yield url
    else:
        with private_postgres(RELAXED) as server:
            yield server.url()


@asynccontextmanager
async def fresh_database(server: str) -> AsyncIterator[str]:
    """A new database with pg_trgm on a server given by its superuser's DSN; dropped afterwards."""
    name = f"test_{uuid4().hex[:12]}"
    url = urlsplit(server)._replace(path=f"/{name}").geturl()
    await _execute(server, f"create database {name}")
    await _execute(url, "create extension if not exists pg_trgm with schema public")
    try:
        yield url
    finally:
        await _execute(server, f"drop database {name} with (force)")


@pytest_asyncio.fixture(loop_scope="session")
async def postgres_url(postgres_server: str) -> AsyncIterator[str]:
    """The DSN of a fresh, empty database, for one test."""
    async with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A private, durable server: `.url()`, `.kill()`, `.start()`, `.stop()`."""
    with private_postgres() as server:
        yield server


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
