"""JetStream against the log: the same events in the same order; told again after a loss is no fault."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg

from mpp.eventsourcing.decider import Event
from mpp.eventsourcing.log import Row
from mpp.eventsourcing.rebuild import recorded_after
from mpp.eventsourcing.verify import Check
from mpp.messaging.jetstream import KEPT_DAYS, UNREACHABLE, Gap, JetStream, NoStream
from mpp.messaging.message import Announce, Message, NotOurs, decode, messages_of

NAME = "JetStream = log"
PAGE = 5000
LATE = timedelta(seconds=30)  # what is older and not in the stream yet is missing from it


@dataclass(slots=True)
class _Found:
    """What was compared, and what was wrong."""

    stored: int = 0
    wrong: list[str] = field(default_factory=list)
    missing: int = 0
    first_missing: int = 0


async def jetstream_is_log(
    connection: asyncpg.Connection,
    jetstream: JetStream,
    service: str,
    decode_row: Callable[[Row], Event],
    announce: Announce,
) -> Check:
    """Compare everything that the stream holds with what the log announces from there on, page by page.

    What is newer than the snapshot, or so new that it may not be relayed yet, is no violation; neither is
    what the stream no longer holds at its beginning. Ends the connection's snapshot.
    """
    found = _Found()
    try:
        await _compare(connection, jetstream, service, decode_row, announce, found)
    except (Gap, NotOurs) as broken:
        found.wrong.append(f"the stream can't be read: {broken}")
    except UNREACHABLE as away:
        found.wrong.append(f"NATS does not answer: {type(away).__name__}")
    if found.missing:
        found.wrong.append(f"{found.missing} of the log's events are not told, from {found.first_missing} on")
    return Check(NAME, found.stored, tuple(found.wrong))


async def _compare(
    connection: asyncpg.Connection,
    jetstream: JetStream,
    service: str,
    decode_row: Callable[[Row], Event],
    announce: Announce,
    found: _Found,
) -> None:
    stored = _stored(jetstream, service, found)
    first = await anext(stored, None)
    since = await _since(connection) if first is None else first.position - 1
    told = _told(connection, decode_row, announce, since, first)
    theirs, end, until = first, since, await _now(connection) - LATE
    async for ours in told:
        end = ours.position
        if theirs is None:
            if ours.time < until:
                found.missing += 1
                found.first_missing = found.first_missing or ours.position
            continue
        found.stored += 1
        if ours != theirs:
            found.wrong.append(f"position {ours.position} in the log, {theirs.position} in the stream")
            break
        theirs = await anext(stored, None)
    await connection.execute("commit")
    strange, rest = 0, list[Message]()
    while theirs is not None:
        rest.append(theirs)
        theirs = await anext(stored, None)
        if len(rest) == PAGE or theirs is None:
            strange += await _strange(connection, rest, end)
            found.stored, rest = found.stored + len(rest), []
    if strange:
        found.wrong.append(f"{strange} messages that the log does not have, or has told before")


async def _told(
    connection: asyncpg.Connection,
    decode_row: Callable[[Row], Event],
    announce: Announce,
    position: int,
    first: Message | None,
) -> AsyncIterator[Message]:
    """What the log announces after this position; what is said of the time before it is the stream's word."""
    previous, id_ = (first.previous, first.previous_id) if first else (position, None)
    while page := await recorded_after(connection, decode_row, position, PAGE):
        for message in messages_of(page, announce, previous, id_):
            yield message
            previous, id_ = message.position, message.id
        position = page[-1].position


async def _stored(jetstream: JetStream, service: str, found: _Found) -> AsyncIterator[Message]:
    """Every message that there is now, in order; the last of them may have been taken out."""
    try:
        first, last = await jetstream.bounds(service)
    except NoStream:
        return
    after = first - 1
    while after < last and (following := await jetstream.get(service, after + 1)):
        try:
            async for batch in jetstream.read(service, following.sequence - 1):
                for stored in batch:
                    yield decode(stored.payload)
                    after = stored.sequence
                if after >= last:
                    break
        except Gap:
            if after < following.sequence:
                raise
    if after < last:
        found.wrong.append("the stream's last messages are gone")


async def _since(connection: asyncpg.Connection) -> int:
    """The position after which an empty stream should begin."""
    sql = """select coalesce(min(position) - 1, (select coalesce(max(position), 0) from events)) from events
        where recorded_at >= now() - make_interval(days => $1)"""
    return int(await connection.fetchval(sql, KEPT_DAYS))


async def _now(connection: asyncpg.Connection) -> datetime:
    """When the snapshot was taken."""
    moment: datetime = await connection.fetchval("select now()")
    return moment


async def _strange(connection: asyncpg.Connection, messages: list[Message], end: int) -> int:
    """How many of these are not newer than the snapshot's end, or not even now in the log."""
    positions, ids = [m.position for m in messages], [m.id for m in messages]
    sql = """select count(*) from unnest($1::bigint[], $2::uuid[]) as m(position, id)
        where m.position <= $3
            or not exists (select from events e where e.position = m.position and e.id = m.id)"""
    return int(await connection.fetchval(sql, positions, ids, end))
