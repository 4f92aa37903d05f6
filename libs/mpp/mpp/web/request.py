"""What an endpoint may ask of its request: `Db`, `Now`, `Key`, `AboutIt`, `IfMatch`, `LastEventId`.

Each dependency costs FastAPI some 15 µs, each of its declared headers as much again: so these are
flat, read their headers themselves, and the OpenAPI page describes them.
"""

import hashlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, cast
from uuid import UUID

import asyncpg
from fastapi import Depends, Request

from mpp.eventsourcing.log import About
from mpp.telemetry import traceparent
from mpp.web.auth import who
from mpp.web.exchange import exchange_of, header
from mpp.web.problems import Malformed

ACQUIRE_SECONDS = 5.0
_TAG = re.compile(r'"([0-9]{1,18})"')
_POSITION = re.compile(r"[0-9]{1,18}")


async def db(request: Request) -> AsyncIterator[asyncpg.Connection]:
    """A reading connection; given back before the answer is sent."""
    pool: asyncpg.Pool = request.app.state.reader
    async with pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
        yield cast(asyncpg.Connection, connection)  # a proxy, with every method of one


async def now(request: Request) -> datetime:
    """The time of this request, with offset; a development node may be told it in `Mpp-Time`."""
    told = header(request, b"mpp-time")
    if told is None or request.app.state.settings.clock != "request":
        return datetime.now(UTC)
    try:
        time = datetime.fromisoformat(told)
    except ValueError:
        time = datetime.min
    if time.tzinfo is None or not 2000 <= time.year < 2100:
        raise Malformed("Mpp-Time must be RFC 3339 with an offset, in this century.")
    return time


async def key(request: Request) -> UUID | None:
    """The client's Idempotency-Key, under which a repeat of this command is known."""
    given = header(request, b"idempotency-key")
    if given is None:
        return None
    try:
        return UUID(given)
    except ValueError:
        raise Malformed("Idempotency-Key must be a UUID.") from None


async def about(request: Request) -> About:
    """Who asks what, under which key, within which trace; the request is kept as a hash only."""
    actor, known_as, scope = await who(request), await key(request), request.scope
    asked = hashlib.sha256(f"{scope['method']} {scope['path']}?".encode())
    asked.update(scope["query_string"] + b"\n")
    asked.update(exchange_of(scope).body)
    return About(
        actor=actor.id,
        role=actor.role,
        key="" if known_as is None else str(known_as),
        request=asked.digest(),
        traceparent=traceparent(),
    )


async def if_match(request: Request) -> int | None:
    """The version that a change is based on; None: any."""
    tag = (header(request, b"if-match") or "*").strip()
    if tag == "*":
        return None
    found = _TAG.fullmatch(tag)
    if found is None:
        raise Malformed('If-Match must be one strong ETag: "12".')
    return int(found[1])


async def last_event_id(request: Request) -> int | None:
    """The position after which a live page goes on; None: from now."""
    given = header(request, b"last-event-id")
    if given is None:
        return None
    if _POSITION.fullmatch(given) is None:
        raise Malformed("Last-Event-ID must be the id of an event of this stream.")
    return int(given)


Db = Annotated[asyncpg.Connection, Depends(db, scope="function")]
Now = Annotated[datetime, Depends(now)]
Key = Annotated[UUID | None, Depends(key)]
AboutIt = Annotated[About, Depends(about)]
IfMatch = Annotated[int | None, Depends(if_match)]
LastEventId = Annotated[int | None, Depends(last_event_id)]
