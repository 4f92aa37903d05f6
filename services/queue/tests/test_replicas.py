"""Two processes serve one hall: nothing doubled, nothing lost, also when one is killed in the middle."""

import asyncio
import http.client
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from mpp.operations import verified
from mpp.settings import Settings
from mpp.testing.installed import installed
from mpp.testing.tokens import TokenMint
from mpp_servers.server import Server, free_port
from queue_service.__main__ import service

from .house import Venue, found, key

TICKETS = 120
Ask = Callable[..., Awaitable[httpx.Response]]


class Replica(Server):
    """`python -m queue_service serve`."""

    def __init__(self, name: str, folder: Path, settings: Settings, issuers: str) -> None:
        super().__init__(name, folder)
        self.port = free_port()
        self._told = {
            "MPP_DATABASE_URL": settings.database_url,
            "MPP_NATS_URL": settings.nats_url,
            "MPP_SECRET_KEY": settings.secret_key.get_secret_value(),
            "MPP_ISSUERS": issuers,
            "MPP_CLOCK": settings.clock,
            "MPP_PORT": str(self.port),
            "MPP_LOG_LEVEL": "warning",
        }

    def command(self) -> list[str]:
        return [sys.executable, "-m", "queue_service", "serve"]

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

    async def up(self) -> None:
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(self.ready):
                assert self.alive, self.tail()
                await asyncio.sleep(0.05)


@dataclass
class Pair:
    """Two replicas, and clients that go on with the other when one does not answer."""

    settings: Settings
    replicas: list[Replica]
    venues: list[Venue]
    issued: dict[str, str] = field(default_factory=dict)  # ticket → number
    called: list[tuple[str, str]] = field(default_factory=list)  # number, counter
    retried: int = 0
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)

    async def persist(self, first: int, ask: Ask, *wanted: Any, **more: Any) -> httpx.Response:
        """The answer, from whichever replica gives one."""
        async with asyncio.timeout(60):
            for attempt in count(first):
                try:
                    answer = await ask(self.venues[attempt % 2], *wanted, **more)
                    if answer.status_code != 503:
                        return answer
                except httpx.TransportError:
                    await asyncio.sleep(0.02)
                self.retried += 1
        raise TimeoutError

    async def kiosk(self, number: int, tickets: int) -> None:
        for n in range(tickets):
            answer = await self.persist(number + n, Venue.issue, channel="kiosk", role="kiosk", key=key())
            assert answer.status_code == 201, answer.text
            self.issued[answer.json()["id"]] = answer.json()["number"]
            if len(self.issued) > TICKETS // 3:
                self.acknowledged.set()

    async def officer(self, counter: int, kiosks: "asyncio.Future[list[None]]") -> None:
        over = False
        while True:
            answer = await self.persist(counter, Venue.call, counter, key=key())
            if answer.status_code == 200:
                ticket = answer.json()
                self.called.append((ticket["number"], ticket["counter"]))
                for action in ("start", "complete"):
                    done = await self.persist(counter, Venue.act, ticket, action, key=key())
                    assert done.status_code == 200, done.text
                continue
            assert answer.status_code == 204, answer.text
            if over:
                return
            over = kiosks.done()
            await asyncio.sleep(0.02)

    async def work(self) -> None:
        """Four kiosks issue, eight counters call, until everybody was served."""
        kiosks = asyncio.gather(*(self.kiosk(n, TICKETS // 4) for n in range(4)))
        await asyncio.gather(kiosks, *(self.officer(n, kiosks) for n in range(1, 9)))

    async def broken(self) -> list[str]:
        """What the verifier finds."""
        async with service.running(self.settings) as running:
            return [broken for check in await verified(service, running) for broken in check.violations]

    def nothing_is_lost_or_doubled(self) -> None:
        numbers = [f"A{n:03d}" for n in range(1, TICKETS + 1)]
        assert sorted(self.issued.values()) == numbers
        assert sorted(number for number, _ in self.called) == numbers


@pytest_asyncio.fixture(scope="module")
async def replicas(
    postgres_server: str, mint: TokenMint, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Settings, list[Replica]]]:
    """Two processes on one database and one NATS of their own."""
    issuers, folder = json.dumps([mint.issuer().model_dump(mode="json")]), tmp_path_factory.mktemp("replicas")
    async with installed(service, postgres_server, mint) as settings:
        both = [Replica(name, folder, settings, issuers) for name in ("one", "two")]
        try:
            for replica in both:
                replica.spawn()
            for replica in both:
                await replica.up()
            yield settings, both
        finally:
            for replica in both:
                replica.send()
            for replica in both:
                await asyncio.to_thread(replica.stop)


@pytest_asyncio.fixture
async def pair(replicas: tuple[Settings, list[Replica]], mint: TokenMint, client: httpx.AsyncClient) -> Pair:
    """The two processes, and a new mall with eight counters of line A."""
    settings, both = replicas
    async with service.running(settings) as running:
        code = await found(running.handle, counters=8)
    tokens: dict[str, str] = {}  # the same people, whichever replica they ask: a key is known per person
    addresses = [f"http://127.0.0.1:{replica.port}" for replica in both]
    venues = [Venue(code, address, mint, client, tokens=tokens) for address in addresses]
    return Pair(settings, both, venues)


async def test_two_processes_and_eight_counters_double_nothing(pair: Pair) -> None:
    async with pair.venues[0].board() as one, pair.venues[1].board() as two:
        await pair.work()
        pair.nothing_is_lost_or_doubled()
        last = pair.called[-1]
        for board in (one, two):
            await board.until(lambda said: said.event == "call" and said.data["number"] == last[0])
    assert sorted(one.calls()) == sorted(two.calls()) == sorted(pair.called)
    assert await pair.broken() == []


async def test_a_process_killed_in_the_middle_loses_nothing_that_was_acknowledged(pair: Pair) -> None:
    killed, stays = pair.replicas[1], pair.venues[0]
    async with stays.board() as board:
        work = asyncio.create_task(pair.work())
        await asyncio.wait(
            {work, asyncio.create_task(pair.acknowledged.wait())}, return_when="FIRST_COMPLETED"
        )
        assert not work.done()
        killed.kill()
        killed.spawn()
        await work
        await killed.up()
        pair.nothing_is_lost_or_doubled()
        assert pair.retried > 0
        await board.until(lambda said: len(board.calls()) == TICKETS)
        assert sorted(board.calls()) == sorted(pair.called)
    for venue in pair.venues:
        shown = [(await venue.get(f"/tickets/{ticket}")) for ticket in pair.issued]
        assert {ticket["id"]: ticket["number"] for ticket in shown} == pair.issued
        assert {ticket["status"] for ticket in shown} == {"completed"}
    assert await pair.broken() == []
