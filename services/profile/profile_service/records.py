"""What is told of a profile: its history, who read it, how far forgetting is, and the export of it all."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from mpp.eventsourcing.decider import NotFound
from mpp.eventsourcing.log import Unavailable
from profile_service.answers import Answer, Elsewhere, Entry, Export, Forgetting, Reading
from profile_service.desk import Desk
from profile_service.leaving import ANSWERING, TERM


class NoRequest(NotFound):
    """This citizen did not ask to be forgotten."""


async def history(db: asyncpg.Connection, citizen: UUID) -> list[Entry]:
    sql = (
        "select version, at, what, actor, role, facts::text from history where citizen = $1 order by version"
    )
    rows = await db.fetch(sql, citizen)
    return [Entry(**{**row, "facts": orjson.loads(row["facts"])}) for row in rows]


async def readings(db: asyncpg.Connection, citizen: UUID) -> list[Reading]:
    sql = "select at, reader, role, kinds, purpose from readings where citizen = $1 order by version"
    return [Reading(**row) for row in await db.fetch(sql, citizen)]


async def forgetting(db: asyncpg.Connection, citizen: UUID) -> Forgetting:
    """Raises NoRequest."""
    row = await db.fetchrow("select * from leavings where citizen = $1", citizen)
    if row is None:
        raise NoRequest
    sql = "select service, at, erased, kept::text from answers where citizen = $1 order by at"
    told = await db.fetch(sql, citizen)
    answers = [Answer(**{**each, "kept": orjson.loads(each["kept"])}) for each in told]
    return Forgetting(
        request=row["request"],
        state="done" if row["closed_at"] else "late" if row["late_at"] else "open",
        asked_at=row["asked_at"],
        due=row["asked_at"] + TERM,
        closed_at=row["closed_at"],
        missing=sorted({*row["asked"]} - {each.service for each in answers}),
        answers=answers,
    )


async def export(desk: Desk, db: asyncpg.Connection, citizen: UUID, now: datetime) -> Export:
    """A service that is down is named; what it holds is asked for again later."""
    known = await desk.known(db, citizen)
    others = sorted(ANSWERING - {"profile"})
    elsewhere = await asyncio.gather(*(_elsewhere(desk, service, citizen) for service in others))
    texts = await db.fetchval("select consents::text from citizens where citizen = $1", citizen)
    return Export(
        citizen=known.citizen,
        made_at=now,
        facts=await desk.facts(db, citizen, full=True),
        consents=orjson.loads(texts),
        history=await history(db, citizen),
        readings=await readings(db, citizen),
        elsewhere=list(elsewhere),
    )


async def _elsewhere(desk: Desk, service: str, citizen: UUID) -> Elsewhere:
    owners = desk.running.owners
    try:
        if owners is None:
            raise Unavailable
        answer = await owners.ask(service, f"subjects/{citizen}")
        held: Any = orjson.loads(answer.content)
    except (Unavailable, orjson.JSONDecodeError):
        return Elsewhere(service=service, answered=False)
    return Elsewhere(service=service, answered=True, held=held)
