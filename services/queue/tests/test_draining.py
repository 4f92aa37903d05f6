"""A replica that is told to stop finishes what it accepted."""

import asyncio
import signal
from pathlib import Path

import asyncpg
import httpx

from mpp.testing.installed import installed
from mpp.testing.tokens import TokenMint
from queue_service.__main__ import service

from .house import Venue, found, served
from .test_replicas import Replica


async def test_a_replica_told_to_stop_answers_what_it_accepted_and_ends_by_itself(
    postgres_server: str, mint: TokenMint, tmp_path: Path
) -> None:
    async with installed(service, postgres_server, mint) as settings, httpx.AsyncClient() as client:
        async with served(settings) as house:
            code = await found(house.running.handle)
        replica = Replica("replica", tmp_path, settings, "[]")
        replica.spawn()
        await replica.up()
        venue = Venue(code, f"http://127.0.0.1:{replica.port}", mint, client)
        told = await _until_stopped(venue, replica)
        async with asyncio.timeout(20):
            while replica.ended is None:
                await asyncio.sleep(0.05)
        connection = await asyncpg.connect(settings.database_url)
        kept = {str(r["id"]) for r in await connection.fetch("select id from queue.tickets")}
        await connection.close()
    assert replica.ended == 0
    assert len(told) >= 20 and kept == set(told)


async def _until_stopped(venue: Venue, replica: Replica) -> list[str]:
    """Tickets that eight people were told of, the replica being stopped after the twentieth."""
    told: list[str] = []

    async def person() -> None:
        while True:
            try:
                answer = await venue.issue()
            except httpx.TransportError:  # it listens no more, or closed a connection that was idle
                return
            if answer.status_code == 503:
                return
            assert answer.status_code == 201, answer.text
            told.append(answer.json()["id"])
            if len(told) == 20:
                replica.send(signal.SIGTERM)

    await asyncio.gather(*(person() for _ in range(8)))
    return told
