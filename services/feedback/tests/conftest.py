"""Feedback as it runs: real PostgreSQL and NATS, real tokens, real HTTP, a mall for each test."""

import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from feedback_service.__main__ import service
from feedback_service.mall import Hear
from feedback_service.transaction import EndTransaction, stream_of
from mpp.eventsourcing.handler import Step
from mpp.service import Running
from mpp.settings import Settings
from mpp.testing.installed import installed, served
from mpp.testing.storage import private_storage
from mpp.testing.tokens import TokenMint
from mpp.web.holder import Holder

DAY = date(2026, 11, 23)
NOW = "2026-11-23T10:00:00+08:00"
_codes = itertools.count(1000)


@dataclass
class Mall:
    """A mall of one's own and who speaks of it."""

    code: str
    url: str
    client: httpx.AsyncClient
    mint: TokenMint
    running: Running
    holder: Holder

    async def ask(
        self, method: str, path: str, body: Any = None, *, now: str = NOW, token: str = "", **headers: str
    ) -> httpx.Response:
        headers["Mpp-Time"] = now
        if token:
            headers["Authorization"] = f"Bearer {token}"
        where = path if path.startswith("/internal") else f"/api/feedback/v1{path}"
        return await self.client.request(method, self.url + where, json=body, headers=headers)

    def staff(self, role: str, **claims: Any) -> str:
        return self.mint.token(role, **({"malls": [self.code]} | claims))

    async def ended(self, service: str = "ktp", kind: Any = "ticket") -> UUID:
        """A transaction whose survey may be answered."""
        id_ = uuid4()
        step = EndTransaction(kind, id_, self.code, service, DAY)
        await self.running.handle(stream_of(id_), step)
        return id_

    def survey(self, transaction: UUID, *scores: int, **more: Any) -> dict[str, Any]:
        said = {"kind": "ticket", "id": str(transaction), "scores": scores or [3] * 9}
        return said | {"secret": self.holder.secret("ticket", transaction)} | more

    async def file(self, *, token: str = "", **more: Any) -> dict[str, Any]:
        said = {"mall": self.code, "kind": "complaint", "text": "Loket tutup"} | more
        answer = await self.ask("POST", "/complaints", said, token=token)
        assert answer.status_code == 201, answer.text
        filed: dict[str, Any] = answer.json()
        return filed

    async def act(self, filed: dict[str, Any], action: str, token: str = "", **body: Any) -> int:
        answer = await self.ask("POST", f"/complaints/{filed['number']}/{action}", body, token=token)
        return answer.status_code

    async def follow(self, filed: dict[str, Any], token: str = "", **body: Any) -> dict[str, Any]:
        answer = await self.ask("POST", f"/complaints/{filed['number']}/follow", body, token=token)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown


@pytest.fixture(scope="session")
def storage() -> Iterator[dict[str, str]]:
    with private_storage("feedback") as storage:
        yield storage


@pytest_asyncio.fixture(scope="session")
async def settings(postgres_server: str, mint: TokenMint, storage: dict[str, str]) -> AsyncIterator[Settings]:
    async with installed(service, postgres_server, mint, **storage) as settings:
        yield settings


@pytest_asyncio.fixture(scope="session")
async def house(settings: Settings) -> AsyncIterator[tuple[str, Running]]:
    async with served(service, settings) as house:
        yield house


@pytest_asyncio.fixture
async def mall(house: tuple[str, Running], mint: TokenMint, settings: Settings) -> AsyncIterator[Mall]:
    url, running = house
    code = str(next(_codes))
    facts: dict[tuple[str, str], dict[str, Any]] = {
        ("mall", ""): {"slug": f"mall-{code}", "title": f"MPP {code}", "timezone": "Asia/Makassar"},
        ("agency", "dukcapil"): {"title": "Dukcapil"},
        ("agency", "samsat"): {"title": "Samsat"},
        ("service", "ktp"): {"title": "KTP", "agency": "dukcapil"},
        ("service", "stnk"): {"title": "STNK", "agency": "samsat"},
    }
    heard = [Step(f"mall-{code}", Hear(kind, key, fact)) for (kind, key), fact in facts.items()]
    await running.handle.all(heard)
    async with httpx.AsyncClient(timeout=30) as client:
        yield Mall(code, url, client, mint, running, Holder(settings.secret_key))
