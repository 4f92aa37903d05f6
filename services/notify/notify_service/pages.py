"""Live inboxes: a notification is shown to whoever has the page open, the moment it is wanted."""

import asyncio
from uuid import UUID

import orjson
import structlog

from mpp.eventsourcing.log import lost
from mpp.messaging.message import Message
from mpp.messaging.tail import tail
from mpp.service import Running
from mpp.web.live import frame
from notify_service import queries
from notify_service.desk import Desk

log = structlog.get_logger()
SAID = "mpp.notify.notification-sent.v1"


def topic(citizen: UUID) -> str:
    return f"inbox {citizen}"


class Pages:
    """Feeds the hub of one process from the published events of all replicas."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def follow(self, running: Running) -> None:
        """Without end."""
        position = int(await running.reader.fetchval("select coalesce(max(position), 0) from events"))
        self._desk.hub.begin(position)
        async for batch in tail(running.jetstream, "notify", position, running.told_after):
            for message in batch:
                if message.type == SAID and message.data["channel"] == "inbox":
                    await self._show(message)

    async def _show(self, message: Message) -> None:
        watched = topic(UUID(message.data["citizen"]))
        if not self._desk.hub.watched(watched):
            return
        while True:
            try:
                row = await queries.notification(self._desk.reader, UUID(message.data["notification"]))
                break
            except Exception as failure:
                if not lost(failure):
                    raise
                log.warning("pages wait for the database")
                await asyncio.sleep(1)
        if row:
            (shown,) = await self._desk.shown([row])
            self._desk.hub.publish(
                watched,
                frame("notification", orjson.dumps(shown), message.position),
                message.position,
                kept=1,
            )
