"""A consumer of the queue's events in a process of its own; what it heard is in its own log.

`python -m tests.faults.listener listen` goes on from its inbox; `replay` handles what is parked.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from mpp.eventsourcing.handler import Step
from mpp.eventsourcing.log import SCHEMA_SQL
from mpp.operations import commands
from mpp.service import Running
from mpp.settings import Settings
from mpp_contracts.published import Published
from mpp_contracts.queue import TicketIssued
from mpp_node.bench.listener import SCHEMA, Listener

POISON = "LISTENER_POISON"  # the file that names a number nobody can handle, while it exists


class Picky(Listener):
    """A listener with a defect: one number of one mall is more than it can handle."""

    def _react(self, event: Published) -> Sequence[Step]:
        poison = Path(os.environ[POISON])
        bad = poison.read_text() if poison.exists() else ""
        if isinstance(event, TicketIssued) and bad == f"{event.mall} {event.number}":
            raise ValueError("a defect of this listener")
        return super()._react(event)


async def _prepare(url: str) -> None:
    """Its tables, unless they are there."""
    connection = await asyncpg.connect(url, server_settings={"search_path": SCHEMA})
    try:
        async with connection.transaction():
            if not await connection.fetchval("select to_regnamespace($1)", SCHEMA):
                await connection.execute(f"create schema {SCHEMA}")
                await connection.execute(SCHEMA_SQL)
    finally:
        await connection.close()


async def _listen(running: Running) -> None:
    """Until SIGTERM."""
    await running.jetstream.connect()
    inbox = asyncio.create_task(running.inboxes["queue"].run())
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([inbox, stopped], return_when=asyncio.FIRST_COMPLETED)
    if inbox.done():
        inbox.result()
    inbox.cancel()
    await asyncio.gather(inbox, return_exceptions=True)


async def main(word: str) -> None:
    settings, listener = Settings(service=SCHEMA), Picky()
    if word == "listen":
        await _prepare(settings.database_url)
    async with listener.service.running(settings) as running:
        if word == "listen":
            await _listen(running)
        else:
            await commands(listener.service)["dead-letters"](running, ["replay"])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
