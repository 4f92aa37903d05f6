"""What the database says of the tickets that were issued: numbers without gaps, nobody twice."""

from dataclasses import dataclass
from datetime import date

import asyncpg

from mpp_node.bench.world import Broken
from queue_service.hall import stream_of

_LOOK = """
    with issued as (
        select data ->> 'line' as line, (data ->> 'seq')::int as seq, data ->> 'number' as number,
               (data ->> 'ticket')::uuid as ticket
        from events where stream = $1 and type = 'ticket-issued'),
    lines as (select max(seq) - count(distinct seq) as gaps, count(*) - count(distinct number) as twice
              from issued group by line)
    select (select count(*) from issued) as issued,
           (select coalesce(sum(gaps), 0) from lines) as gaps,
           (select coalesce(sum(twice), 0) from lines)
             + (select count(*) - count(distinct ticket) from issued) as duplicates,
           (select count(*) from issued join tickets t on t.id = issued.ticket) as visible,
           (select coalesce(max(version), 0) - count(*) from events where stream = $1) as versions
"""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Tickets of one hall as the log and the view have them."""

    issued: int
    gaps: int
    duplicates: int
    visible: int
    versions: int  # versions missing from the stream


async def numbers(connection: asyncpg.Connection, mall: str, day: date) -> Numbers:
    """Counts the tickets of this mall on this day."""
    found = await connection.fetchrow(_LOOK, stream_of(mall, day))
    assert found is not None  # noqa: S101
    return Numbers(**{name: int(value) for name, value in found.items()})


async def check(connection: asyncpg.Connection, mall: str, day: date, acknowledged: int) -> Numbers:
    """The same; Broken unless every acknowledged ticket is there once, visible, and no number is missing."""
    found = await numbers(connection, mall, day)
    if (found.gaps, found.duplicates, found.versions) != (0, 0, 0):
        raise Broken(f"mall {mall} on {day}: {found}")
    if not acknowledged == found.issued == found.visible:
        raise Broken(f"mall {mall} on {day}: {acknowledged} tickets were acknowledged, {found}")
    return found
