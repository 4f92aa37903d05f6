"""NATS with JetStream for tests: one shared server, or a private one to kill."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mpp.testing.postgres import scratch, server_kind
from mpp_servers.nats import Nats

IMAGE = "nats:2.15"
CONFIG = b'port: 4222, http: 8222, jetstream: {store_dir: "/data", sync_interval: always}'


@contextmanager
def private_nats() -> Iterator[Nats]:
    """A started server of one's own, always embedded: to stop, kill and start again."""
    with scratch("mpp-nats-") as folder:
        server = Nats(folder / "nats")
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def _in_docker() -> Iterator[str]:
    from testcontainers.community.nats import NatsContainer

    container = NatsContainer(IMAGE).with_copy_into_container(CONFIG, "/etc/nats/test.conf")
    with container.with_command("-c /etc/nats/test.conf") as server:
        yield server.nats_uri()


@pytest.fixture(scope="session")
def nats_url() -> Iterator[str]:
    """The address of the shared server; streams stay, so a test names its own."""
    if server_kind() == "docker":
        with _in_docker() as url:
            yield url
    else:
        with private_nats() as server:
            yield server.url


@pytest.fixture
def own_nats() -> Iterator[Nats]:
    """A private server with an empty store: `.url`, `.kill()`, `.start()`, `.stop()`."""
    with private_nats() as server:
        yield server
