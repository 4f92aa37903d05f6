"""Rows that have served their purpose: a client's key is known for 30 days, then forgotten."""

import asyncio

from mpp.eventsourcing.log import connect

KEPT_DAYS = 30
CHUNK = 5000
EVERY_SECONDS = 3600
_FORGET = """delete from commands where (actor, key) in
    (select actor, key from commands where recorded_at < now() - make_interval(days => $1) limit $2)"""


async def forget_old_keys(dsn: str, schema: str) -> int:
    """Delete keys older than 30 days, a few at a time so that nobody waits; returns how many."""
    connection = await connect(dsn, schema, "retention")
    forgotten = 0
    try:
        while deleted := int((await connection.execute(_FORGET, KEPT_DAYS, CHUNK)).split()[-1]):
            forgotten += deleted
        return forgotten
    finally:
        await connection.close()


async def retain(dsn: str, schema: str) -> None:
    """Do so every hour, without end."""
    while True:
        await forget_old_keys(dsn, schema)
        await asyncio.sleep(EVERY_SECONDS)
