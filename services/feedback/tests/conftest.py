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
from mpp.migrate import migrate
from mpp.service import Running
from mpp.settings import Settings
from mpp.testing.nats import private_nats
from mpp.testing.postgres import fresh_database
from mpp.testing.serving import serving
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
def mint() -> Iterator[TokenMint]:
    with TokenMint() as mint:
        yield mint


@pytest_asyncio.fixture(scope="session")
async def settings(postgres_server: str, mint: TokenMint) -> AsyncIterator[Settings]:
    with private_nats() as nats:
        async with fresh_database(postgres_server) as url:
            await migrate(url, "feedback", service.migrations)
            yield Settings(
                service="feedback",
                database_url=url,
                nats_url=nats.url,
                secret_key="00" * 32,
                master_key="11" * 32,
                issuers=(mint.issuer(),),
                clock="request",
            )


@pytest_asyncio.fixture(scope="session")
async def house(settings: Settings) -> AsyncIterator[tuple[str, Running]]:
    app = service.app(settings)
    async with serving(app) as url:
        running: Running = app.state.running
        assert running.vault is not None
        await running.vault.prepare()
        yield url, running


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
