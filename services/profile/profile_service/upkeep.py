"""What one replica does for all: it says who is late with forgetting."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from mpp.eventsourcing.log import About
from mpp.service import Running
from profile_service import leaving, rules

PAUSE = 60.0  # seconds


async def run(running: Running) -> None:
    """Without end."""
    while True:
        await look(running, datetime.now(UTC))
        await asyncio.sleep(PAUSE)


async def look(running: Running, now: datetime) -> int:
    """How many requests were found late."""
    sql = """select citizen::text from leavings
        where closed_at is null and late_at is null and asked_at <= $1 order by asked_at limit 100"""
    rows = await running.reader.fetch(sql, now - leaving.TERM)
    for row in rows:
        citizen = UUID(row["citizen"])
        command = leaving.CheckTerm(citizen, now)
        await running.handle(rules.stream(citizen), command, About(role="system"))
    return len(rows)
