"""A node for all tests of the pages, and visitors who open them as a browser without JavaScript does."""

from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from mpp.testing.node import RunningNode, running_node

from .browsing import chromium, missing
from .visitor import Visitor


@pytest.fixture(scope="session")
def node() -> Iterator[RunningNode]:
    with running_node() as node:
        yield node


@pytest.fixture(scope="session")
def workday(node: RunningNode) -> date:
    """The next day on which MPP Bombana is open."""
    first = date.today() + timedelta(days=1)
    path = f"{node.address}/api/catalog/v1/malls/bombana/days"
    days = httpx.get(path, params={"from": first.isoformat(), "to": (first + timedelta(days=30)).isoformat()})
    return date.fromisoformat(next(day["date"] for day in days.json()["items"] if day["hours"]))


@pytest.fixture
def visitor(node: RunningNode, workday: date) -> Iterator[Visitor]:
    """Somebody at nine in the morning of that day, in Indonesian."""
    with Visitor(node.address) as somebody:
        somebody.at(workday, "08:00")  # WIB: nine in Bombana
        yield somebody


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    if why := missing():
        pytest.skip(why)
    async with chromium() as browser:
        yield browser
