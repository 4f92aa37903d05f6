"""Notify is killed -9 three times while it sends: nobody gets anything twice, nothing is lost in silence."""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from uuid import UUID, uuid4

from mpp.eventsourcing.handler import Handler, Step
from mpp.settings import Settings
from mpp.testing.installed import installed
from mpp.testing.serving import serving
from mpp.testing.tokens import TokenMint
from mpp_emulators import bot
from mpp_emulators.smtp import Mailbox
from mpp_servers.server import free_port
from notify_service.__main__ import service
from notify_service.handling import DECIDERS, project
from notify_service.kinds import KINDS
from notify_service.notification import Want
from notify_service.preferences import HearConsent, HearContacts, SetPreferences

from .conftest import People

PEOPLE, KILLS = 150, 3
HERE = replace(service, handle=Handler(DECIDERS, project))  # beside the one that other tests run


def environment(
    settings: Settings, mint: TokenMint, mailbox: Mailbox, bot_url: str, token: str
) -> dict[str, str]:
    issuers = [mint.issuer().model_dump(mode="json")]
    return {**os.environ} | {
        "MPP_SERVICE": "notify",
        "MPP_DATABASE_URL": settings.database_url,
        "MPP_NATS_URL": settings.nats_url,
        "MPP_SECRET_KEY": "00" * 32,
        "MPP_PORT": str(free_port()),
        "MPP_ISSUERS": json.dumps(issuers, default=list),
        "MPP_OWNERS": json.dumps(settings.owners),
        "MPP_SYSTEM_TOKEN_URL": str(settings.system_token_url),
        "MPP_SMTP_URL": mailbox.url,
        "MPP_TELEGRAM_URL": bot_url,
        "MPP_TELEGRAM_TOKEN": token,
    }


@asynccontextmanager
async def process(env: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A replica of its own, gone at the end in any case."""
    quiet = asyncio.subprocess.DEVNULL
    command = [sys.executable, "-m", "notify_service", "serve"]
    started = await asyncio.create_subprocess_exec(*command, env=env, stdout=quiet, stderr=quiet)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def wanted(settings: Settings, people: People) -> dict[UUID, UUID]:
    """Everybody agreed, and is to be told something: notification → citizen."""
    known, now = KINDS["product-issued"], datetime.now(UTC)
    told = {}
    async with HERE.running(settings) as running:
        steps = []
        for n in range(PEOPLE):
            citizen, id_ = uuid4(), uuid4()
            told[id_] = citizen
            people.contacts[citizen] = {"email": f"{citizen}@example.id", "telegram": 1000 + n}
            steps.append(Step(f"preferences-{citizen}", HearContacts(("email", "telegram"))))
            steps.append(Step(f"preferences-{citizen}", HearConsent(True)))
            at_any_hour = SetPreferences({}, None, "Asia/Makassar", "id")  # this test may run at night
            steps.append(Step(f"preferences-{citizen}", at_any_hour))
            want = Want(
                citizen=citizen, mall="7406", kind="product-issued", facts={"number": f"N{n}"},
                urgent=True, at=now, lives=known.lives,
            )  # fmt: skip
            steps.append(Step(f"notification-{id_}", want))
        await running.handle.all(steps)
    return told


async def test_killed_three_times_nothing_is_doubled_and_what_is_unsure_is_named(
    postgres_server: str, mint: TokenMint
) -> None:
    people, telegram, chance = People(), bot.Bot(delay=0.02), Random(7)
    with Mailbox(delay=0.02) as mailbox:
        async with serving(people.app(mint)) as near, bot.served(telegram.app()) as bot_url:
            wishes = {"owners": {"profile": near}, "system_token_url": f"{near}/token"}
            async with installed(service, postgres_server, mint, **wishes) as settings:
                told = await wanted(settings, people)
                env = environment(settings, mint, mailbox, bot_url, telegram.token)

                def arrived() -> int:
                    return len(mailbox.mails) + len(telegram.messages)

                for kill in range(1, KILLS + 1):
                    async with process(env) as victim, asyncio.timeout(60):
                        goal = arrived() + 2 * PEOPLE // (KILLS + 2)
                        while arrived() < goal:
                            await asyncio.sleep(0.005)
                        await asyncio.sleep(chance.uniform(0, 0.1))
                        victim.kill()
                        assert await victim.wait() == -9, kill
                async with HERE.running(settings) as running, process(env), asyncio.timeout(90):
                    open_ = "select count(*) from deliveries where state in ('waiting', 'sending')"
                    while await running.reader.fetchval(open_):
                        await asyncio.sleep(0.05)
                    ended = await running.reader.fetch("select channel, state, reason from deliveries")
    mails = Counter(mail.message_id for mail in mailbox.mails)
    chats = Counter(message["chat"]["id"] for message in telegram.messages)
    assert len(ended) == 2 * len(told)
    assert [each for each, n in (mails + chats).items() if n > 1] == []
    failed = [row for row in ended if row["state"] == "failed"]
    assert {row["reason"] for row in failed} <= {"unsure"}
    sent = Counter(row["channel"] for row in ended if row["state"] == "sent")
    assert sent["email"] <= len(mails) and sent["telegram"] <= len(chats)
    assert len(mails) + len(chats) + len(failed) >= 2 * PEOPLE  # what did not arrive is named as unsure
