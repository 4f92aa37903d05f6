"""Notify as it runs, with emulators of the other sides over sockets, and a profile that knows people."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from fastapi import FastAPI, HTTPException

from mpp.service import Running
from mpp.settings import Settings
from mpp.testing.installed import Client, installed, served, visitors
from mpp.testing.serving import serving
from mpp.testing.tokens import TokenMint
from mpp_emulators import bot
from mpp_emulators.gateway import Gateway
from mpp_emulators.smtp import Mailbox
from notify_service.__main__ import service
from notify_service.channel import Channel
from notify_service.mail import Mail
from notify_service.sender import Sender
from notify_service.sms import Sms
from notify_service.telegram import Telegram

NOON = "2026-11-24T12:00:00+07:00"


@dataclass
class People:
    """What profile knows, and how it answers."""

    contacts: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    away: bool = False

    def app(self, mint: TokenMint) -> FastAPI:
        app = FastAPI()

        @app.post("/token")
        async def token() -> dict[str, str]:
            return {"access_token": mint.token("system")}

        @app.get("/internal/citizens/{citizen}/contacts")
        async def contacts(citizen: UUID, purpose: str) -> dict[str, Any]:
            if self.away:
                raise HTTPException(503)
            if citizen not in self.contacts:
                raise HTTPException(403)
            return self.contacts[citizen]

        return app


@pytest.fixture(scope="session")
def people() -> People:
    return People()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as mailbox:
        yield mailbox


@pytest_asyncio.fixture(scope="session")
async def settings(postgres_server: str, mint: TokenMint, people: People) -> AsyncIterator[Settings]:
    async with serving(people.app(mint)) as near:
        wishes = {"owners": {"profile": near}, "system_token_url": f"{near}/token"}
        async with installed(service, postgres_server, mint, **wishes) as settings:
            yield settings


@pytest_asyncio.fixture(scope="session")
async def house(settings: Settings) -> AsyncIterator[tuple[str, Running]]:
    """Without channels of its own: tests send by themselves."""
    async with served(service, settings) as house:
        yield house


@pytest.fixture(scope="session")
def running(house: tuple[str, Running]) -> Running:
    return house[1]


@pytest_asyncio.fixture(scope="session")
async def client(house: tuple[str, Running], mint: TokenMint) -> AsyncIterator[Client]:
    async with visitors(house[0], "notify", mint, NOON) as client:
        yield client


@dataclass
class Outside:
    """The other sides, and senders that speak to them."""

    mailbox: Mailbox
    bot: bot.Bot
    sms: Gateway
    channels: dict[str, Channel]

    def sender(self, later: timedelta = timedelta()) -> Sender:
        """As it would be so much later."""
        return Sender(self.channels, lambda: datetime.now(UTC) + later)


@pytest_asyncio.fixture
async def outside(mailbox: Mailbox) -> AsyncIterator[Outside]:
    telegram, sms = bot.Bot(), Gateway()
    async with bot.served(telegram.app()) as bot_url, bot.served(sms.app()) as sms_url:
        channels: dict[str, Channel] = {
            "email": Mail(mailbox.url, "mpp@example.go.id"),
            "telegram": Telegram(bot_url, telegram.token),
            "sms": Sms(f"{sms_url}/messages", sms.token),
        }
        yield Outside(mailbox, telegram, sms, channels)
