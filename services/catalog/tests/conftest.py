"""The catalog as it runs: real PostgreSQL and NATS, real tokens, real HTTP."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from catalog_service import shell
from catalog_service.__main__ import service
from catalog_service.counter import CounterDefined
from catalog_service.line import LineDefined
from catalog_service.mall import MallDefined
from catalog_service.standard import ServicePublished, Standard
from catalog_service.tenant import TenantOpened
from mpp.eventsourcing.decider import Event
from mpp.service import Running
from mpp.testing.installed import Client, installed, served, visitors
from mpp.testing.tokens import TokenMint

MONDAY_TEN = "2026-11-23T10:00:00+08:00"
__all__ = ["Client"]


@pytest.fixture(scope="session")
def mall() -> list[Event]:
    """Bombana with two agencies, three services, two lines and a counter."""
    return [
        MallDefined(code="7406", slug="bombana", title="MPP", region="Bombana", timezone="Asia/Makassar"),
        TenantOpened(agency="disdukcapil", title="Disdukcapil"),
        TenantOpened(agency="samsat", title="Samsat"),
        *(
            ServicePublished(
                code=code, agency=agency, title=code, version=1, standard=Standard(minutes=8, product="KTP")
            )
            for code, agency in (("ktp", "disdukcapil"), ("kk", "disdukcapil"), ("stnk", "samsat"))
        ),
        LineDefined(line="A", title="Disdukcapil", services=("ktp", "kk")),
        LineDefined(line="B", title="Samsat", services=("stnk",)),
        CounterDefined(counter="7406-01", title="Loket 1", agency="disdukcapil", lines=("A",)),
    ]


@pytest_asyncio.fixture(scope="session")
async def house(postgres_server: str, mint: TokenMint) -> AsyncIterator[tuple[str, Running]]:
    """The service with its seeds."""
    async with installed(service, postgres_server, mint) as settings, served(service, settings) as house:
        assert await shell.seed(house[1], []) == 0
        yield house


@pytest.fixture(scope="session")
def running(house: tuple[str, Running]) -> Running:
    return house[1]


@pytest_asyncio.fixture(scope="session")
async def client(house: tuple[str, Running], mint: TokenMint) -> AsyncIterator[Client]:
    """Anybody: `client("mall-admin", malls=["7406"])`."""
    async with visitors(house[0], "catalog", mint, MONDAY_TEN) as client:
        yield client
