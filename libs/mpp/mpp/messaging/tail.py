"""Following a service's published events from a position on, whatever happens to the connection."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import structlog

from mpp.eventsourcing.log import Unavailable
from mpp.messaging.jetstream import UNREACHABLE, Gap, JetStream
from mpp.messaging.message import Message, NotOurs, decode, received

log = structlog.get_logger()
# The owner's next published events after a position. Given also the id of the event there it raises
# OtherHistory when that is not the one.
Owner = Callable[[int, UUID | None], Awaitable[list[Message]]]


async def sequence_of(jetstream: JetStream, source: str, position: int) -> tuple[int, bool]:
    """The sequence after which to read on from this position of the log, and whether nothing is missing.

    An empty stream tells nothing: everything may have grown too old for it.
    """
    first, last = await jetstream.bounds(source)
    low, high = first - 1, last
    while low < high:
        middle = (low + high + 1) // 2
        stored = await jetstream.get(source, middle)
        if stored is not None and decode(stored.payload).position <= position:
            low = middle
        else:
            high = middle - 1
    following = await jetstream.get(source, low + 1) if low < last else None
    if following is None:
        return last, first <= last
    # where messages were taken out in between, the next one begins later
    return following.sequence - 1, decode(following.payload).previous <= position


async def tail(
    jetstream: JetStream, source: str, position: int, owner: Owner
) -> AsyncIterator[list[Message]]:
    """Batches of messages after this position, each once and in order; an empty batch when all is quiet.

    What JetStream no longer holds is asked of the owner: its next published events after a position.
    """
    while True:
        try:
            sequence, complete = await sequence_of(jetstream, source, position)
            while not complete and (missed := await owner(position, None)):
                position = missed[-1].position
                yield missed
                sequence, complete = await sequence_of(jetstream, source, position)
            async for batch in jetstream.read(source, sequence):
                told = [received(stored.subject, stored.payload) for stored in batch]
                messages = [message for message in told if message.position > position]
                if messages and messages[0].previous > position:
                    raise Gap(f"{messages[0].previous} was told before, {position} was heard last")
                position = messages[-1].position if messages else position
                yield messages
        except (Gap, NotOurs, Unavailable, *UNREACHABLE) as trouble:
            log.warning("tail begins again", source=source, trouble=type(trouble).__name__)
            await asyncio.sleep(0.5)
