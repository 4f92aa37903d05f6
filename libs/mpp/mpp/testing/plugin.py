"""The pytest plugin of the testing kit: real servers as fixtures, and a word on where they run."""

from mpp.testing.nats import nats_url, own_nats
from mpp.testing.postgres import own_postgres, postgres_server, postgres_url, server_kind
from mpp.testing.tokens import mint

__all__ = ["mint", "nats_url", "own_nats", "own_postgres", "postgres_server", "postgres_url"]


def pytest_report_header() -> str:
    """One line above every test run."""
    where = {"docker": "containers", "embedded": "embedded, from wheels"}.get(server_kind(), server_kind())
    return f"PostgreSQL and NATS: {where}"
