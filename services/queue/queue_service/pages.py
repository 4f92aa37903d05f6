"""Live pages: the board hears every call once, a ticket's page shows where it stands."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

import orjson
import structlog

from mpp.eventsourcing.log import Reading, lost
from mpp.messaging.message import Message
from mpp.messaging.tail import tail
from mpp.service import Running
from mpp.web.live import frame
from queue_service.answers import call_frame, lines_answer, ticket_answer
from queue_service.desk import Desk
from queue_service.hall import mall_and_day

log = structlog.get_logger()
GATHER = 0.02  # seconds in which what happens in a hall gathers before its pages are made anew
AGAIN = 1.0  # seconds after which every hall is looked at, changed or not: hours change lines too
ALL = 5  # of those looks, each how manieth shows every ticket: what others do moves its estimate a little
TOGETHER = 200  # tickets shown before others get their turn
JOINING = 10.0  # seconds from the request of a page until it must listen, or counts as gone


def board_topic(stream: str) -> str:
    return f"board {stream}"


def ticket_topic(ticket: UUID) -> str:
    return f"ticket {ticket}"


Lines = frozenset[str] | None  # in which something happened; None: in all of them


@dataclass(slots=True)
class Watched:
    """A ticket whose page is open: `until` when that may not be listening yet, and what it was shown last."""

    until: float
    shown: int | None = None


class Pages:
    """Feeds the hub of one process from the published events of all replicas."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._heard: int | None = None  # everything up to this position was offered to the boards
        self._changed: dict[str, Lines] = {}  # halls in which something happened
        self._boards: dict[str, bytes] = {}  # hall → the lines as last shown
        self._joining: dict[str, float] = {}  # hall → until when a new board may not be listening yet
        self._tickets: dict[str, dict[UUID, Watched]] = defaultdict(dict)
        self._stirred = asyncio.Event()  # something happened in a hall that somebody watches

    async def watch_board(self, stream: str) -> None:
        """Before a board's snapshot is made; whatever happens after it reaches the board."""
        await self._begin(self._desk.reader)
        self._boards.setdefault(stream, b"")
        self._joining[stream] = monotonic() + JOINING

    def watch_ticket(self, stream: str, ticket: UUID) -> None:
        self._tickets[stream][ticket] = Watched(monotonic() + JOINING)

    async def follow(self, running: Running) -> None:
        """Without end: from the first page on, or from now, hear everything once and in order."""
        position = await self._begin(running.reader)
        self._desk.hub.begin(position)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._refresh())
            async for batch in tail(running.jetstream, "queue", position):
                for message in batch:
                    await self._hear(message)

    async def _begin(self, db: Reading) -> int:
        """Where the feed begins, or goes on after it broke: no page was opened at an earlier position."""
        if self._heard is None:
            head = int(await db.fetchval("select coalesce(max(position), 0) from events"))
            self._heard = head if self._heard is None else self._heard
        return self._heard

    async def _hear(self, message: Message) -> None:
        stream = f"hall-{message.key}-{message.data['date']}"
        call = call_frame(message, await self._desk.mall(message.key))
        if call is not None:
            self._desk.hub.publish(board_topic(stream), call, message.position)
            await asyncio.sleep(0)  # let the boards write: many calls at once would look like a slow reader
        if stream in self._boards or stream in self._tickets:
            before, lines = self._changed.get(stream, frozenset()), lines_of(message)
            self._changed[stream] = None if before is None or lines is None else before | lines
            self._stirred.set()
        self._heard = message.position

    async def _refresh(self) -> None:
        """Lines and tickets are shown as they are, not as each event left them; half the time at most."""
        due, looks = monotonic(), 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0, due - monotonic())):
                    await self._stirred.wait()
            await asyncio.sleep(GATHER)
            self._stirred.clear()
            began, changed = monotonic(), self._changed
            self._changed = {}
            if began >= due:
                due, looks = began + AGAIN, looks + 1
                every: Lines = None if looks % ALL == 0 else frozenset()
                looked: dict[str, Lines] = dict.fromkeys((*self._boards, *self._tickets), every)
                changed = looked | changed
            await self._show_all(changed)
            await asyncio.sleep(monotonic() - began)

    async def _show_all(self, changed: Mapping[str, Lines]) -> None:
        for stream, lines in changed.items():
            try:
                await self._show(stream, lines)
            except Exception as failure:
                if not lost(failure):
                    raise
                log.warning("pages wait for the database")
                self._changed |= dict.fromkeys(changed)
                return

    async def _show(self, stream: str, lines: Lines) -> None:
        code, day = mall_and_day(stream)
        desk = self._desk
        mall = await desk.mall(code)
        seen = await desk.state(desk.reader, mall, day)
        at = desk.clock(seen.state)
        if stream in self._boards:
            self._show_lines(stream, orjson.dumps(lines_answer(seen.state, at)))
        watched = self._tickets.get(stream, {})
        for place, (id_, page) in enumerate([*watched.items()], 1):
            ticket = seen.state.tickets.get(id_)
            joining = monotonic() < page.until
            if ticket and (joining or lines is None or ticket.line in lines):
                answer = orjson.dumps(ticket_answer(seen.state, ticket, mall, at))
                self._tell(id_, page, answer, seen.position, joining)
            if not joining and not desk.hub.watched(ticket_topic(id_)):
                watched.pop(id_, None)
            if place % TOGETHER == 0:
                await asyncio.sleep(0)
        if not watched:
            self._tickets.pop(stream, None)

    def _show_lines(self, stream: str, lines: bytes) -> None:
        """When they changed; and again to a board that may have joined since its snapshot."""
        topic, joining = board_topic(stream), monotonic() < self._joining[stream]
        if not joining and not self._desk.hub.watched(topic):
            del self._boards[stream], self._joining[stream]
        elif joining or lines != self._boards[stream]:
            self._boards[stream] = lines
            self._desk.hub.publish(topic, frame("lines", lines))

    def _tell(self, ticket: UUID, page: Watched, answer: bytes, position: int, joining: bool) -> None:
        """What changed, or may not have been heard."""
        shown, topic = hash(answer), ticket_topic(ticket)
        if joining or shown != page.shown:
            said = frame("ticket", answer, position)
            if self._desk.hub.publish(topic, said, position, kept=1):
                page.shown = shown


def lines_of(message: Message) -> Lines:
    """The lines that an event of a ticket touches; None for one of the whole hall."""
    touched = {message.data[name] for name in ("line", "from_line") if name in message.data}
    return frozenset(touched) or None
