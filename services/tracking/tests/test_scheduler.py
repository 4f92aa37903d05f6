"""Time limits are told once: by two replicas, with one killed in the middle, and by two that look at once."""

import asyncio
import http.client
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from mpp.eventsourcing.handler import Handler, Step
from mpp.operations import verified
from mpp.service import Running
from mpp.settings import Settings
from mpp.testing.installed import installed
from mpp.testing.tokens import TokenMint
from mpp_servers.server import Server, free_port
from tracking_service import handling
from tracking_service.__main__ import service
from tracking_service.clock import Calendar
from tracking_service.command import DeclareComplete
from tracking_service.process import DefineProcess, Limit
from tracking_service.scheduler import Scheduler

from .cases import LICENCE, STEP, Life

ALWAYS = Calendar("Asia/Makassar", ((time(0), time(0)),) * 7)
APPLICATIONS = 600  # more than the duty takes at a time, so that a kill comes between
PLAIN = LICENCE.model_copy(
    update={
        "limit": Limit(amount=40, unit="hours"),
        "steps": (STEP(code="only", leads_to=("approved", "rejected")),),
        "documents": (),
    }
)
SILENT = PLAIN.model_copy(update={"code": "silent", "deemed_granted": True})
STANDING = "select count(*) from applications where look_at <= now()"
SAID = """select stream, type from events where type in
    ('deadline-near', 'deadline-passed', 'deemed-granted', 'application-closed')"""


class Replica(Server):
    """`python -m tracking_service serve`."""

    def __init__(self, name: str, folder: Path, settings: Settings, issuers: str) -> None:
        super().__init__(name, folder)
        self.port, master = free_port(), settings.master_key
        assert master and settings.s3_url
        self._told = {
            "MPP_DATABASE_URL": settings.database_url,
            "MPP_NATS_URL": settings.nats_url,
            "MPP_SECRET_KEY": settings.secret_key.get_secret_value(),
            "MPP_MASTER_KEY": master.get_secret_value(),
            "MPP_S3_URL": str(settings.s3_url),
            "MPP_S3_SECRET": settings.s3_secret.get_secret_value(),
            "MPP_ISSUERS": issuers,
            "MPP_PORT": str(self.port),
            "MPP_LOG_LEVEL": "warning",
        }

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tracking_service", "serve"]

    def environment(self) -> dict[str, str]:
        return dict(os.environ) | self._told

    def ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


@pytest_asyncio.fixture
async def apart(
    postgres_server: str, mint: TokenMint, storage: dict[str, str]
) -> AsyncIterator[tuple[Settings, Running]]:
    """A database of its own, and a hand that writes to it without any duties."""
    alone = replace(service, handle=Handler(handling.DECIDERS, handling.project))
    async with (
        installed(service, postgres_server, mint, **storage) as settings,
        alone.running(settings) as running,
    ):
        yield settings, running


@pytest.fixture
def both(apart: tuple[Settings, Running], mint: TokenMint, tmp_path: Path) -> list[Replica]:
    issuers = json.dumps([mint.issuer().model_dump(mode="json")])
    return [Replica(name, tmp_path, apart[0], issuers) for name in ("one", "two")]


async def filed(running: Running, hours_ago: int, process: Any) -> UUID:
    """Declared complete so long ago, by the real clock."""
    life, id_ = Life(process, datetime.now(UTC) - timedelta(hours=hours_ago), ALWAYS), uuid4()
    asked = [life.opened(), life.answered(), life.submitted(), life.office(DeclareComplete)]
    await running.handle.all([Step(f"application-{id_}", each) for each in asked])
    return id_


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await holds():
            await asyncio.sleep(0.02)


async def test_each_time_limit_is_told_once_by_two_replicas_of_which_one_is_killed(
    apart: tuple[Settings, Running], both: list[Replica]
) -> None:
    _, running = apart
    at = datetime.now(UTC)
    for process in (PLAIN, SILENT):
        await running.handle(f"process-{process.code}", DefineProcess(process, at))
    expected: dict[str, list[str]] = {}
    for hours_ago, process, said in (
        (20, PLAIN, []),
        (35, PLAIN, ["deadline-near"]),
        (50, PLAIN, ["deadline-passed"]),
        (50, SILENT, ["application-closed", "deemed-granted"]),
    ):
        made = await asyncio.gather(*(filed(running, hours_ago, process) for _ in range(APPLICATIONS // 3)))
        expected |= {f"application-{id_}": said for id_ in made}

    async def begun() -> bool:
        return bool(await running.reader.fetchval(f"select exists ({SAID})"))

    async def done() -> bool:
        return await running.reader.fetchval(STANDING) == 0  # type: ignore[no-any-return]

    try:
        both[0].spawn()
        await until(begun)
        both[0].kill()
        assert not await done()
        for replica in both:
            replica.spawn()
        await until(done)
    finally:
        for replica in both:
            replica.send()
        for replica in both:
            await asyncio.to_thread(replica.stop)
    told = Counter((row["stream"], row["type"]) for row in await running.reader.fetch(SAID))
    assert told == Counter((stream, word) for stream, words in expected.items() for word in words)
    alone = replace(service, handle=running.handle)
    checks = await verified(alone, running)
    assert [violation for check in checks[:3] for violation in check.violations] == []


async def test_two_that_look_at_the_same_moment_tell_it_once(apart: tuple[Settings, Running]) -> None:
    _, running = apart
    await running.handle("process-licence", DefineProcess(PLAIN, datetime.now(UTC)))
    stream = f"application-{await filed(running, 50, PLAIN)}"
    looks = (Scheduler().look(running, datetime.now(UTC)) for _ in range(5))
    assert sum(await asyncio.gather(*looks)) >= 1
    rows = await running.reader.fetch("select type from events where stream = $1", stream)
    assert [row["type"] for row in rows].count("deadline-passed") == 1
    assert await Scheduler().look(running, datetime.now(UTC)) == 0
