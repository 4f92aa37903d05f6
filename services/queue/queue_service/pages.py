"""Live pages: the board hears every call once, a ticket's page shows where it stands."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from time import monotonic
from uuid import UUID

import orjson
import structlog

from mpp.eventsourcing.folds import Seen
from mpp.eventsourcing.log import Reading, lost
from mpp.messaging.message import Message
from mpp.messaging.tail import tail
from mpp.service import Running
from mpp.web.live import frame
from queue_service.answers import call_frame, lines_answer, message_frame, ticket_answer
from queue_service.desk import Desk, Mall
from queue_service.hall import mall_and_day
from queue_service.ticket import Ticket

log = structlog.get_logger()
GATHER = 0.02  # seconds at least from one look at changed tickets to the next: a rush is shown together
LINES = 0.2  # the same for the lines on boards; calls do not wait
AGAIN = 5  # of those looks, each how manieth shows every board: hours change lines too
SWEEP = 5.0  # seconds after which all tickets are shown: what others do moves each estimate a little
AWAY = 1.0  # seconds after which a database that was away is asked again
TOGETHER = 25  # tickets shown before others get their turn
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


@dataclass(frozen=True, slots=True)
class Look:
    """A hall as it is shown now."""

    mall: Mall
    seen: Seen
    at: datetime


class Pages:
    """Feeds the hub of one process from the published events of all replicas."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._heard: int | None = None  # everything up to this position was offered to the boards
        self._changed: dict[str, Lines] = {}  # halls with watched tickets, in which something happened
        self._moved: set[str] = set()  # the same of boards
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
            for work in (self._refresh, self._boards_again, self._tickets_again):
                tasks.create_task(work())
            async for batch in tail(running.jetstream, "queue", position, running.told_after):
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
        mall = await self._desk.mall(message.key)
        said = call_frame(message, mall) or message_frame(message, mall)
        if said is not None:
            self._desk.hub.publish(board_topic(stream), said, message.position)
            await asyncio.sleep(0)  # let the boards write: many calls at once would look like a slow reader
        if stream in self._boards:
            self._moved.add(stream)
        if stream in self._tickets:
            before, lines = self._changed.get(stream, frozenset()), lines_of(message)
            self._changed[stream] = None if before is None or lines is None else before | lines
            self._stirred.set()
        self._heard = message.position

    async def _refresh(self) -> None:
        """What changed is shown as it is, not as each event left it; half the time at most."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            began, changed = monotonic(), self._changed
            self._changed, pause = {}, GATHER
            with _patient():
                while changed:
                    stream, lines = next(iter(changed.items()))
                    await self._show_tickets(stream, await self._look(stream), lines)
                    del changed[stream]
            if changed:
                self._changed |= dict.fromkeys(changed)
                self._stirred.set()
                pause = AWAY
            await asyncio.sleep(max(pause, monotonic() - began))

    async def _boards_again(self) -> None:
        for turn in count(1):
            await asyncio.sleep(LINES)
            moved = {*self._boards} if turn % AGAIN == 0 else self._moved
            self._moved = set()
            with _patient():
                for stream in moved:
                    self._show_lines(stream, await self._look(stream))

    async def _tickets_again(self) -> None:
        """Slowly, so that what changed goes first; pages that were left are forgotten."""
        while True:
            await asyncio.sleep(SWEEP)
            with _patient():
                for stream in [*self._tickets]:
                    self._forget(stream)
                    await self._show_tickets(stream, await self._look(stream), None, slowly=True)

    async def _look(self, stream: str) -> Look:
        code, day = mall_and_day(stream)
        mall = await self._desk.mall(code)
        seen = await self._desk.state(self._desk.reader, mall, day)
        return Look(mall, seen, self._desk.clock(seen.state))

    def _show_lines(self, stream: str, look: Look) -> None:
        """When they changed; and again to a board that may have joined since its snapshot."""
        if stream not in self._boards:
            return
        topic, joining = board_topic(stream), monotonic() < self._joining[stream]
        lines = orjson.dumps(lines_answer(look.seen.state, look.at))
        if not joining and not self._desk.hub.watched(topic):
            del self._boards[stream], self._joining[stream]
        elif joining or lines != self._boards[stream]:
            self._boards[stream] = lines
            self._desk.hub.publish(topic, frame("lines", lines))

    async def _show_tickets(self, stream: str, look: Look, lines: Lines, *, slowly: bool = False) -> None:
        """Those of these lines."""
        hall, shown, began = look.seen.state, 0, monotonic()
        for id_, page in [*self._tickets.get(stream, {}).items()]:
            ticket = hall.tickets.get(id_)
            if ticket is None or not (lines is None or _in(ticket, lines)):
                continue
            answer = orjson.dumps(ticket_answer(hall, ticket, look.mall, look.at))
            self._tell(id_, page, answer, look.seen.position)
            shown += 1
            if shown % TOGETHER == 0:
                await asyncio.sleep(monotonic() - began if slowly else 0)
                began = monotonic()

    def _forget(self, stream: str) -> None:
        """Pages that are closed."""
        watched, now = self._tickets[stream], monotonic()
        for id_ in [id_ for id_, page in watched.items() if now >= page.until]:
            if not self._desk.hub.watched(ticket_topic(id_)):
                del watched[id_]
        if not watched:
            del self._tickets[stream]

    def _tell(self, ticket: UUID, page: Watched, answer: bytes, position: int) -> None:
        """What changed, or may not have been heard: the hub keeps it for a page that is about to join."""
        shown, topic = hash(answer), ticket_topic(ticket)
        if shown != page.shown and self._desk.hub.publish(
            topic, frame("ticket", answer, position), position, kept=1
        ):
            page.shown = shown


@contextmanager
def _patient() -> Iterator[None]:
    """Without the database nothing is shown; the next look comes."""
    try:
        yield
    except Exception as failure:
        if not lost(failure):
            raise
        log.warning("pages wait for the database")


def _in(ticket: Ticket, lines: frozenset[str]) -> bool:
    return ticket.line in lines or any(stop.line in lines for stop in ticket.rest)


def lines_of(message: Message) -> Lines:
    """The lines that an event of a ticket touches; None for one of the whole hall."""
    touched = {message.data[name] for name in ("line", "from_line") if message.data.get(name)}
    return frozenset(touched) or None
