"""The pytest plugin of the testing kit: real servers as fixtures, and a word on where they run."""

import signal

from mpp.testing.nats import nats_url, own_nats
from mpp.testing.postgres import own_postgres, postgres_server, postgres_url, server_kind
from mpp.testing.tokens import mint

__all__ = ["mint", "nats_url", "own_nats", "own_postgres", "postgres_server", "postgres_url"]


def pytest_configure() -> None:
    """A run in a shell's background begins with Ctrl-C ignored, and so does every program it starts."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    """One line above every test run."""
    where = {"docker": "containers", "embedded": "embedded, from wheels"}.get(server_kind(), server_kind())
    return f"PostgreSQL and NATS: {where}"
