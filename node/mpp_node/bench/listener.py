"""A consumer of the queue's events as every service has one: inbox, command, commit.

A process of its own: it is told where to listen and from where on; at the end of its input it answers
with the moment at which each ticket was committed.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import structlog
import uvloop

from mpp.eventsourcing.decider import Decider, Event
from mpp.eventsourcing.handler import Handler, Step
from mpp.eventsourcing.log import SCHEMA_SQL, Recorded
from mpp.service import Listen, Service
from mpp.settings import Settings
from mpp_contracts.published import Published
from mpp_contracts.queue import TicketIssued

SCHEMA = "listener"


class TicketHeard(Event, type="ticket-heard"):
    ticket: UUID


@dataclass(frozen=True, slots=True)
class Hear:
    ticket: UUID


def decide(command: Hear, _: None) -> list[Event]:
    return [TicketHeard(ticket=command.ticket)]


def evolve(_: None, __: Event) -> None:
    return None


async def project(_: asyncpg.Connection, __: Sequence[Recorded]) -> None:
    """It has no views."""


class Listener:
    """`heard`: ticket → seconds since the epoch at which its commit had returned."""

    def __init__(self) -> None:
        decider: Decider[None] = Decider("heard", None, decide, evolve, (TicketHeard,))
        self.handle = Handler([decider], project)
        self.handle.committed = self._committed
        self.heard: dict[str, float] = {}
        self._reacted: list[str] = []
        self.service = Service(
            name="listener",
            title="listener",
            handle=self.handle,
            tables=(),
            announce=lambda _: None,
            routers=(),
            migrations=Path(),
            check=lambda _, __: [],
            listens={"queue": Listen((TicketIssued,), self._react)},
        )

    def _react(self, event: Published) -> Sequence[Step]:
        if not isinstance(event, TicketIssued):
            return []
        self._reacted.append(str(event.ticket))
        return [Step(f"heard-{event.mall}", Hear(event.ticket))]

    def _committed(self) -> None:
        now = time.time()
        self.heard.update((ticket, now) for ticket in self._reacted)
        self._reacted.clear()


async def prepare(url: str, after: int) -> None:
    """Empty tables, and the place in the queue's log after which to listen."""
    connection = await asyncpg.connect(url, server_settings={"search_path": SCHEMA})
    try:
        await connection.execute(f"drop schema if exists {SCHEMA} cascade; create schema {SCHEMA}")
        await connection.execute(SCHEMA_SQL)
        await connection.execute("insert into inbox (source, position) values ('queue', $1)", after)
    finally:
        await connection.close()


async def listen(task: dict[str, Any]) -> dict[str, float]:
    """Listens until the input ends."""
    listener, settings = Listener(), Settings(service="listener", **task["settings"])
    await prepare(settings.database_url, task["after"])
    async with listener.service.running(settings) as running:
        await running.jetstream.connect()
        inbox = asyncio.create_task(running.inboxes["queue"].run())
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        inbox.cancel()
        await asyncio.gather(inbox, return_exceptions=True)
    return listener.heard


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # the answer has stdout
    print(json.dumps(uvloop.run(listen(json.loads(sys.stdin.readline())))))
