"""JetStream against the log: the same events in the same order; told again after a loss is no fault."""

from collections.abc import Callable

import asyncpg

from mpp.eventsourcing.decider import Event
from mpp.eventsourcing.log import Row
from mpp.eventsourcing.rebuild import recorded_after
from mpp.eventsourcing.verify import Check
from mpp.messaging.jetstream import Gap, JetStream, NoStream
from mpp.messaging.message import Announce, Message, NotOurs, decode, messages_of


async def jetstream_is_log(
    connection: asyncpg.Connection,
    jetstream: JetStream,
    service: str,
    decode_row: Callable[[Row], Event],
    announce: Announce,
) -> Check:
    """Compare everything that the stream holds with what the log announces from there on.

    Events newer than the snapshot, and those not relayed yet at the end of the log, are no violation.
    Ends the connection's snapshot.
    """
    try:
        stored, cut = await _stored(jetstream, service)
    except (Gap, NotOurs) as broken:
        return Check("JetStream = log", 0, (f"the stream can't be read: {broken}",))
    told: list[Message] = []
    position = stored[0].position - 1 if stored else 0
    previous = stored[0].previous if stored else 0
    while page := await recorded_after(connection, decode_row, position, 5000):
        told += messages_of(page, announce, previous)
        position, previous = page[-1].position, told[-1].position if told else previous
    wrong = ["the stream's last messages are gone"] if cut else []
    for ours, theirs in zip(told, stored, strict=False):
        if ours != theirs:
            wrong.append(f"position {ours.position} in the log, {theirs.position} in the stream")
            break
    if strange := await _strange(connection, stored[len(told) :], position):
        wrong.append(f"{strange} messages that the log does not have, or has told before")
    return Check("JetStream = log", len(stored), tuple(wrong))


async def _stored(jetstream: JetStream, service: str) -> tuple[list[Message], bool]:
    """Every message there is, and whether the last ones were taken out."""
    messages: list[Message] = []
    try:
        first, last = await jetstream.bounds(service)
    except NoStream:
        return messages, False
    after = first - 1
    while after < last and (following := await jetstream.get(service, after + 1)):
        try:
            async for batch in jetstream.read(service, following.sequence - 1):
                messages += [decode(stored.payload) for stored in batch]
                after = batch[-1].sequence if batch else after
                if after >= last:
                    break
        except Gap:
            if after < following.sequence:
                raise
    return messages, after < last


async def _strange(connection: asyncpg.Connection, messages: list[Message], end: int) -> int:
    """How many of these are not newer than the snapshot's end, or not even now in the log."""
    await connection.execute("commit")
    positions, ids = [m.position for m in messages], [m.id for m in messages]
    sql = """select count(*) from unnest($1::bigint[], $2::uuid[]) as m(position, id)
        where m.position <= $3
            or not exists (select from events e where e.position = m.position and e.id = m.id)"""
    return int(await connection.fetchval(sql, positions, ids, end))
