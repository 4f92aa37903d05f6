"""Live pages: the board hears every call once, a ticket's page shows where it stands."""

import asyncio
from collections import defaultdict
from uuid import UUID

import orjson
import structlog

from mpp.eventsourcing.log import lost
from mpp.messaging.message import Message
from mpp.messaging.tail import tail
from mpp.service import Running
from mpp.web.live import frame
from queue_service.answers import call_frame, lines_answer, ticket_answer
from queue_service.desk import Desk, UnknownMall
from queue_service.hall import mall_and_day

log = structlog.get_logger()
TICK = 0.1  # seconds between two looks at halls in which something happened


def board_topic(stream: str) -> str:
    return f"board {stream}"


def ticket_topic(ticket: UUID) -> str:
    return f"ticket {ticket}"


class Pages:
    """Feeds the hub of one process from the published events of all replicas."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._changed: dict[str, int] = {}  # hall → position of what happened last
        self._boards: dict[str, bytes] = {}  # hall → the lines as last shown
        self._tickets: dict[str, set[UUID]] = defaultdict(set)

    def watch_board(self, stream: str) -> None:
        self._boards.setdefault(stream, b"")

    def watch_ticket(self, stream: str, ticket: UUID) -> None:
        self._tickets[stream].add(ticket)

    async def follow(self, running: Running) -> None:
        """Without end: from now on, hear everything once and in order."""
        position = await running.reader.fetchval("select coalesce(max(position), 0) from events")
        self._desk.hub.begin(position)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._refresh())
            async for batch in tail(running.jetstream, "queue", position):
                for message in batch:
                    await self._hear(message)

    async def _hear(self, message: Message) -> None:
        stream = f"hall-{message.key}-{message.data['date']}"
        self._changed[stream] = message.position
        try:
            call = call_frame(message, await self._desk.mall(message.key))
        except UnknownMall:
            return
        if call is not None:
            self._desk.hub.publish(board_topic(stream), call, message.position)

    async def _refresh(self) -> None:
        """Lines and tickets are shown as they are, not as each event left them."""
        ticks = 0
        while True:
            await asyncio.sleep(TICK)
            ticks += 1
            watched = {*self._boards, *self._tickets}
            due = (
                watched if ticks % 10 == 0 else watched & {*self._changed}
            )  # schedules open and close lines too
            for stream in due:
                try:
                    await self._show(stream)
                except Exception as failure:
                    if not lost(failure):
                        raise
                    log.warning("pages wait for the database")
                    break
            else:
                self._changed.clear()

    async def _show(self, stream: str) -> None:
        code, day = mall_and_day(stream)
        desk = self._desk
        mall = await desk.mall(code)
        seen = await desk.state(desk.reader, mall, day)
        at = desk.clock(seen.state)
        lines = orjson.dumps(lines_answer(seen.state, at))
        if stream in self._boards and lines != self._boards[stream]:
            self._boards[stream] = lines
            if not desk.hub.publish(board_topic(stream), frame("lines", lines)):
                del self._boards[stream]
        for id_ in [*self._tickets.get(stream, ())]:
            ticket = seen.state.tickets.get(id_)
            if ticket is None or not self._tell(
                id_, orjson.dumps(ticket_answer(seen.state, ticket, mall, at)), seen.position
            ):
                self._tickets[stream].discard(id_)
        if not self._tickets.get(stream):
            self._tickets.pop(stream, None)

    def _tell(self, ticket: UUID, answer: bytes, position: int) -> bool:
        """Whether anybody still watches."""
        hub, topic = self._desk.hub, ticket_topic(ticket)
        hub.publish(topic, frame("ticket", answer, position), position, kept=1)
        return hub.watched(topic)
