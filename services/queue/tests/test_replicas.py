"""Two processes serve one hall: nothing doubled, nothing lost, also when one is killed in the middle."""

import asyncio
import http.client
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import httpx
import pytest_asyncio

from mpp.eventsourcing.handler import Handler
from mpp.eventsourcing.log import Log
from mpp.migrate import migrate
from mpp.operations import verified
from mpp.settings import Settings
from mpp.testing.tokens import TokenMint
from mpp_servers.nats import Nats
from mpp_servers.server import Server, free_port
from queue_service import hall, mall, views
from queue_service.__main__ import service

from .house import PATIENCE, Venue, found, key

TICKETS = 120
Ask = Callable[[Venue], Awaitable[httpx.Response]]


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

    async def persist(self, first: int, ask: Ask) -> httpx.Response:
        """The answer, from whichever replica gives one."""
        async with asyncio.timeout(60):
            for attempt in count(first):
                try:
                    answer = await ask(self.venues[attempt % 2])
                    if answer.status_code != 503:
                        return answer
                except httpx.TransportError:
                    await asyncio.sleep(0.02)
                self.retried += 1
        raise TimeoutError

    async def kiosk(self, number: int, tickets: int) -> None:
        for n in range(tickets):
            same = key()
            answer = await self.persist(
                number + n,
                lambda venue, same=same: venue.issue(channel="kiosk", role="kiosk", key=same),  # type: ignore[misc]
            )
            assert answer.status_code == 201, answer.text
            self.issued[answer.json()["id"]] = answer.json()["number"]
            if len(self.issued) > TICKETS // 3:
                self.acknowledged.set()

    async def officer(self, counter: int, kiosks: "asyncio.Future[list[None]]") -> None:
        while True:
            same, over = key(), kiosks.done()
            answer = await self.persist(counter, lambda venue, same=same: venue.call(counter, key=same))  # type: ignore[misc]
            if answer.status_code == 204:
                if over:
                    return
                await asyncio.sleep(0.02)
                continue
            assert answer.status_code == 200, answer.text
            ticket = answer.json()
            self.called.append((ticket["number"], ticket["counter"]))
            for action in ("start", "complete"):
                same = key()
                done = await self.persist(
                    counter,
                    lambda venue, a=action, s=same: venue.act(ticket, a, key=s),  # type: ignore[misc]
                )
                assert done.status_code == 200, done.text

    async def work(self) -> None:
        """Four kiosks issue, eight counters call, until everybody was served."""
        kiosks = asyncio.gather(*(self.kiosk(n, TICKETS // 4) for n in range(4)))
        await asyncio.gather(kiosks, *(self.officer(n, kiosks) for n in range(1, 9)))

    async def broken(self) -> list[str]:
        """What the verifier finds once everything is published."""
        async with service.running(self.settings) as running, asyncio.timeout(PATIENCE):
            while True:
                checks = await verified(service, running)
                if all(check.holds for check in checks) or not checks[-1].violations:
                    return [broken for check in checks for broken in check.violations]
                await asyncio.sleep(0.2)

    def nothing_is_lost_or_doubled(self) -> None:
        numbers = [f"A{n:03d}" for n in range(1, TICKETS + 1)]
        assert sorted(self.issued.values()) == numbers
        assert sorted(number for number, _ in self.called) == numbers


@pytest_asyncio.fixture
async def pair(
    postgres_url: str, own_nats: Nats, mint: TokenMint, client: httpx.AsyncClient, tmp_path: Path
) -> AsyncIterator[Pair]:
    await migrate(postgres_url, "queue", service.migrations)
    settings = Settings(
        service="queue",
        database_url=postgres_url,
        nats_url=own_nats.url,
        secret_key="00" * 32,
        issuers=(mint.issuer(),),
        clock="request",
    )
    handle, log = Handler([hall.decider, mall.decider], project=views.project), Log(postgres_url, "queue")
    handle.start(log)
    code = await found(handle, counters=8)
    await handle.stop()
    await log.close()
    issuers = json.dumps([mint.issuer().model_dump(mode="json")])
    replicas = [Replica(name, tmp_path, settings, issuers) for name in ("one", "two")]
    try:
        for replica in replicas:
            replica.spawn()
        for replica in replicas:
            await replica.up()
        here = Venue(code, f"http://127.0.0.1:{replicas[0].port}", mint, client)
        there = replace(here, url=f"http://127.0.0.1:{replicas[1].port}", tokens={})
        yield Pair(settings, replicas, [here, there])
    finally:
        for replica in replicas:
            replica.send()
        for replica in replicas:
            await asyncio.to_thread(replica.stop)


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
