"""Answers: how tickets, lines and the board look from outside."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from mpp.messaging.message import Message
from mpp.web.live import frame
from mpp_contracts.queue import TicketCalled, TicketRecalled
from queue_service.desk import Mall
from queue_service.estimate import estimate, of_line
from queue_service.hall import Hall
from queue_service.plan import Line
from queue_service.rules import MallClosed, open_for_tickets
from queue_service.ticket import Ticket

SHOWN_CALLS = 12


def ticket_answer(hall: Hall, ticket: Ticket, mall: Mall, at: datetime) -> dict[str, Any]:
    """A ticket as its holder sees it; `position` counts from 1 and is null once it is called."""
    ahead = hall.ahead_of(ticket)
    range_ = estimate(hall, ticket, ahead, at)
    counter = hall.plan.counters.get(ticket.counter) if hall.plan and ticket.counter else None
    return {
        "id": str(ticket.id),
        "mall": mall.code,
        "date": hall.plan.date.isoformat() if hall.plan else None,
        "number": ticket.number,
        "line": ticket.line,
        "service": ticket.service,
        "status": ticket.status,
        "position": None if ahead is None else ahead + 1,
        "estimate": {"p50_minutes": range_.p50_minutes, "p90_minutes": range_.p90_minutes},
        "counter": ticket.counter,
        "counter_title": counter.title if counter else None,
        "issued_at": mall.told(ticket.issued_at),
    }


MOMENTS = ("issued_at", "called_at", "started_at", "ended_at")


def known_ticket(row: asyncpg.Record, mall: Mall) -> dict[str, Any]:
    """A ticket as the staff sees it in a list."""
    shown = ("number", "line", "service", "channel", "priority", "status", "counter", "served_seconds")
    moments = {name: mall.told(row[name]) if row[name] else None for name in MOMENTS}
    return {"id": str(row["id"]), **{name: row[name] for name in shown}, **moments}


def line_answer(hall: Hall, line: Line, at: datetime) -> dict[str, Any]:
    """A line: whether it takes tickets and why not, who waits, and how long somebody new would."""
    reason, issued = _closed(hall, line, at), hall.issued.get(line.letter, 0)
    waiting = len(hall.line(line.letter))
    range_ = of_line(hall, line.letter, waiting, at)
    return {
        "line": line.letter,
        "title": line.title,
        "open": reason is None,
        "reason": reason,
        "waiting": waiting,
        "issued": issued,
        "capacity": line.capacity,
        "left": None if line.capacity is None else max(0, line.capacity - issued),
        "estimate": {"p50_minutes": range_.p50_minutes, "p90_minutes": range_.p90_minutes},
    }


def _closed(hall: Hall, line: Line, at: datetime) -> str | None:
    """Why the line takes no ticket now: a code, or nothing."""
    if hall.closed or hall.plan is None:
        return "day-over"
    try:
        open_for_tickets(hall.plan, at)
    except MallClosed as closed:
        return str(closed.facts["reason"])
    if line.closed:
        return line.closed
    return "full" if line.capacity is not None and hall.issued.get(line.letter, 0) >= line.capacity else None


def lines_answer(hall: Hall, at: datetime) -> list[dict[str, Any]]:
    lines = hall.plan.lines.values() if hall.plan else ()
    return [line_answer(hall, line, at) for line in sorted(lines, key=lambda x: (len(x.letter), x.letter))]


def board_answer(
    hall: Hall, mall: Mall, calls: Iterable[asyncpg.Record], at: datetime, position: int
) -> dict[str, Any]:
    """The board: the latest calls, newest first, each number with its counter, and the lines."""
    return {
        "mall": {"code": mall.code, "slug": mall.slug, "title": mall.title, "timezone": mall.timezone},
        "date": hall.plan.date.isoformat() if hall.plan else None,
        "position": position,
        "calls": [_call(dict(call), call["position"], mall) for call in calls],
        "lines": lines_answer(hall, at),
    }


def _call(call: dict[str, Any], position: int, mall: Mall) -> dict[str, Any]:
    shown = ("number", "line", "counter", "counter_title", "kind")
    ids = {"id": position, "ticket": str(call["ticket"]), "at": mall.told(call["at"])}
    return ids | {name: call[name] for name in shown}


CALLS = {
    f"mpp.queue.{contract.event}.v{contract.version}": (contract, kind)
    for contract, kind in ((TicketCalled, "call"), (TicketRecalled, "recall"))
}


def call_frame(message: Message, mall: Mall) -> bytes | None:
    """What the board hears of a published event: a call, a recall, or nothing."""
    contract, kind = CALLS.get(message.type, (None, ""))
    if contract is None:
        return None
    call = contract.model_validate(message.data).model_dump() | {"kind": kind}
    return frame(kind, orjson.dumps(_call(call, message.position, mall)), message.position)
