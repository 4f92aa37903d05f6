"""Answers: how tickets, lines and the board look from outside."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from mpp.messaging.message import Message
from mpp.web.live import frame
from mpp_contracts.queue import MessageSent as SentToMany
from mpp_contracts.queue import TicketCalled, TicketRecalled
from queue_service.desk import Mall
from queue_service.estimate import Estimate, estimate, in_line, of_line
from queue_service.explaining import explain
from queue_service.hall import Hall, MessageSent
from queue_service.issuing import MallClosed, open_for_tickets, room
from queue_service.plan import Line
from queue_service.ticket import Ticket

SHOWN_CALLS = 12


def ticket_answer(hall: Hall, ticket: Ticket, mall: Mall, at: datetime) -> dict[str, Any]:
    """A ticket as its holder sees it; `position` counts from 1 and is null once it is called."""
    ahead = hall.ahead_of(ticket)
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
        "estimate": _range(estimate(hall, ticket, at)),
        "counter": ticket.counter,
        "counter_title": counter.title if counter else None,
        "issued_at": mall.told(ticket.issued_at),
        "slot": mall.told(ticket.slot) if ticket.slot else None,
        "near": ticket.near,
        "heard_at": mall.told(ticket.heard_at) if ticket.heard_at else None,
        "journey": _journey(hall, ticket, at) if ticket.rest or ticket.done else [],
        "messages": [_message(said, mall) for said in hall.messages_for(ticket, at)] if hall.messages else [],
        "why": _why(hall, ticket, counter.title) if counter and ticket.why else None,
    }


def _range(one: Estimate) -> dict[str, Any]:
    return {"p50_minutes": one.p50_minutes, "p90_minutes": one.p90_minutes, "unknown": one.unknown}


def _journey(hall: Hall, ticket: Ticket, at: datetime) -> list[dict[str, Any]]:
    """The services of a visit in their order: done, what it is here for now, and the rest."""
    steps: list[dict[str, Any]] = [
        {"service": s.service, "line": s.line, "status": "completed"} for s in ticket.done
    ]
    left = () if ticket.stop in ticket.done else (ticket.stop, *ticket.rest)
    for stop in left:
        waits = ticket.status == "waiting" and not ticket.counter
        steps.append(
            {
                "service": stop.service,
                "line": stop.line,
                "status": ticket.status if stop == ticket.stop or waits else "later",
                "position": hall.line(stop.line).ahead_of(ticket.place) + 1 if waits else None,
                "estimate": _range(in_line(hall, stop.line, ticket.place, at)) if waits else None,
            }
        )
    return steps


def _message(said: MessageSent, mall: Mall) -> dict[str, Any]:
    return {
        "id": str(said.message),
        "kind": said.kind,
        "minutes": said.minutes,
        "closes_at": mall.told(said.closes_at) if said.closes_at else None,
        "at": mall.told(said.at),
    }


def _why(hall: Hall, ticket: Ticket, counter: str) -> dict[str, str] | None:
    if ticket.why is None or hall.plan is None:
        return None
    return explain(ticket.number, ticket.line, counter, ticket.why, hall.plan)


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
    return {
        "line": line.letter,
        "title": line.title,
        "open": reason is None,
        "reason": reason,
        "waiting": waiting,
        "issued": issued,
        "capacity": line.capacity,
        "left": None if hall.plan is None else room(line.letter, hall, hall.plan, at),
        "estimate": _range(of_line(hall, line.letter, at)),
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
    if hall.plan.pause(line.letter, at):
        return "paused"
    return "full" if room(line.letter, hall, hall.plan, at) == 0 else None


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
        "messages": [_message(said, mall) | {"line": said.line} for said in hall.messages_to_many(at)],
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


def message_frame(message: Message, mall: Mall) -> bytes | None:
    """What the board hears of a message to a line or to all; those to one ticket are on its page."""
    if message.type != f"mpp.queue.{SentToMany.event}.v{SentToMany.version}":
        return None
    sent = SentToMany.model_validate(message.data)
    if sent.ticket:
        return None
    told = _message(MessageSent(**sent.model_dump(exclude={"mall", "date"})), mall) | {"line": sent.line}
    return frame("message", orjson.dumps(told), message.position)


def call_frame(message: Message, mall: Mall) -> bytes | None:
    """What the board hears of a published event: a call, a recall, or nothing."""
    contract, kind = CALLS.get(message.type, (None, ""))
    if contract is None:
        return None
    call = contract.model_validate(message.data).model_dump() | {"kind": kind}
    return frame(kind, orjson.dumps(_call(call, message.position, mall)), message.position)
