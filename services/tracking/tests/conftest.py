"""Tracking as it runs, with a mall whose services can be applied for; and the profile over real HTTP."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from mpp.eventsourcing.handler import Step
from mpp.service import Running
from mpp.settings import Settings
from mpp.testing.installed import Client, installed, served, visitors
from mpp.testing.serving import serving
from mpp.testing.storage import private_storage
from mpp.testing.tokens import TokenMint
from tracking_service import seeding
from tracking_service.__main__ import service
from tracking_service.mall import Hear

MONDAY = "2026-11-23T09:00:00+08:00"
MALL = "7406"
KNOWN = {"name": "Siti", "nik": "7406014107900001", "phone": "+6281234567890"}
SERVICES = {
    "adminduk.ktp-cetak-ulang": "disdukcapil",
    "ptsp.sip-nakes": "dpmptsp",
    "polri.skck-baru": "polri",
}


def profile(mint: TokenMint) -> FastAPI:
    app = FastAPI()

    @app.post("/token")
    async def token() -> dict[str, str]:
        return {"access_token": mint.token("system")}

    @app.get("/internal/citizens/{citizen}/prefill")
    async def prefill(citizen: UUID, fields: str) -> dict[str, Any]:
        return {name: KNOWN[name] for name in fields.split(",") if name in KNOWN}

    return app


@pytest.fixture(scope="session")
def storage() -> Iterator[dict[str, str]]:
    with private_storage("tracking") as storage:
        yield storage


@pytest_asyncio.fixture(scope="session")
async def settings(postgres_server: str, mint: TokenMint, storage: dict[str, str]) -> AsyncIterator[Settings]:
    async with serving(profile(mint)) as near:
        wishes = {"owners": {"profile": near}, "system_token_url": f"{near}/token", **storage}
        async with installed(service, postgres_server, mint, **wishes) as settings:
            yield settings


@pytest_asyncio.fixture(scope="session")
async def house(settings: Settings) -> AsyncIterator[tuple[str, Running]]:
    """The service with its processes, and Bombana with three agencies."""
    async with served(service, settings) as (url, running):
        assert await seeding.seed(running, []) == 0
        await running.handle.all(heard())
        yield url, running


def heard() -> list[Step]:
    day = {"opens": "08:00:00", "closes": "15:00:00", "last_ticket": "14:30:00"}
    facts: dict[tuple[str, str], dict[str, Any]] = {
        ("mall", ""): {"slug": "bombana", "title": "MPP Bombana", "timezone": "Asia/Makassar"},
        ("hours", ""): {"week": [day] * 5 + [None, None]},
        ("holidays", "2026"): {"year": 2026, "days": {"2026-12-25": "Natal"}},
    }
    for code, agency in SERVICES.items():
        facts["agency", agency] = {"title": agency}
        facts["service", code] = {"title": code, "agency": agency, "standard": 1, "code": code}
    return [Step(f"mall-{MALL}", Hear(kind, key, fact)) for (kind, key), fact in facts.items()]


@pytest.fixture(scope="session")
def running(house: tuple[str, Running]) -> Running:
    return house[1]


@pytest_asyncio.fixture(scope="session")
async def client(house: tuple[str, Running], mint: TokenMint) -> AsyncIterator[Client]:
    """Anybody: `client("officer", malls=["7406"], agencies=["disdukcapil"])`."""
    async with visitors(house[0], "tracking", mint, MONDAY) as client:
        yield client


@dataclass
class Person:
    """A citizen with an application to reprint an identity card."""

    id: UUID
    http: httpx.AsyncClient
    application: str = ""
    number: str = ""
    secret: str = ""

    async def opens(self, code: str = "adminduk.ktp-cetak-ulang") -> None:
        answer = await self.http.post("/applications", json={"mall": "bombana", "service": code})
        assert answer.status_code == 201, answer.text
        told = answer.json()
        self.application, self.number, self.secret = told["id"], told["number"], told["secret"]

    async def answers(self, **differs: Any) -> httpx.Response:
        said = {"answers": KNOWN | {"reason": "lost"} | differs}
        return await self.http.put(f"/applications/{self.application}/answers", json=said)

    async def submits(self) -> httpx.Response:
        return await self.http.post(f"/applications/{self.application}/submit")

    async def sees(self) -> dict[str, Any]:
        answer = await self.http.get(f"/applications/{self.application}")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown


@pytest.fixture
def person(client: Client) -> Person:
    id_ = uuid4()
    return Person(id_, client("citizen", subject=str(id_)))


@pytest.fixture
def officer(client: Client) -> httpx.AsyncClient:
    return client("officer", malls=[MALL], agencies=["disdukcapil"])
