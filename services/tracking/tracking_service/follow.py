"""Following without an account: by the tracking number and the last four digits of the telephone."""

import hmac
from datetime import datetime, timedelta
from typing import Annotated

import asyncpg
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from mpp.eventsourcing.decider import NotFound, Rejected
from mpp.web.answer import json_response
from mpp.web.openapi import problems
from mpp.web.request import Now
from tracking_service import answers, queries
from tracking_service.desk import AtDesk, Case, Desk
from tracking_service.number import read

router = APIRouter()
ATTEMPTS, WINDOW = 5, timedelta(hours=1)
TABLE_SQL = """create table attempts (number varchar not null, at timestamptz not null);
create index attempts_number on attempts (number, at);
"""


class NotFollowed(NotFound):
    """No application with this number and these digits."""


class TooManyAttempts(Rejected):
    """Five attempts an hour for one number."""

    status = 429


class Asked(BaseModel):
    """In the body, so that it stands in no address and no log."""

    model_config = ConfigDict(extra="forbid")
    number: Annotated[str, Field(min_length=1, max_length=40)]
    last4: Annotated[str, Field(pattern=r"^[0-9]{4}$")]


@router.post("/follow", response_model=answers.Followed, responses=problems(NotFollowed, TooManyAttempts))
async def follow(body: Asked, desk: AtDesk, now: Now) -> Response:
    """Status and history, without a name; a number that does not exist answers as wrong digits do."""
    number = read(body.number)
    if number is None:
        raise NotFollowed
    await _attempt(desk, number, now)
    for row in await queries.numbered(desk.reader, number):
        case = await desk.case(row["id"])
        if case.row["status"] != "draft" and hmac.compare_digest(await _digits(desk, case), body.last4):
            return json_response(await _told(desk, case), 200, {"Cache-Control": "no-store"})
    raise NotFollowed


async def _attempt(desk: Desk, number: str, now: datetime) -> None:
    """Counted before it is looked at, in the database: for all replicas."""
    connection = await asyncpg.connect(desk.running.settings.database_url, timeout=3)
    try:
        async with connection.transaction():
            table = f"{desk.running.schema}.attempts"
            await connection.execute(
                "select pg_advisory_xact_lock(hashtextextended('follow:' || $1, 0))", number
            )
            await connection.execute(f"delete from {table} where at < $1", now - WINDOW)
            if (
                await connection.fetchval(f"select count(*) from {table} where number = $1", number)
                >= ATTEMPTS
            ):
                raise TooManyAttempts
            await connection.execute(f"insert into {table} values ($1, $2)", number, now)
    finally:
        await connection.close()


async def _digits(desk: Desk, case: Case) -> str:
    """The last four of the telephone given with the application; a word that no digits equal without one."""
    held = await desk.answers(case)
    phone = (held.get("applicant") or {}).get("phone") or held.get("answers", {}).get("phone") or ""
    digits = "".join(letter for letter in phone if letter.isdigit())
    return digits[-4:] if len(digits) >= 4 else "none"


async def _told(desk: Desk, case: Case) -> dict[str, object]:
    row = case.row
    history = answers.entries(await queries.history(desk.reader, case.id), {}, case.mall)
    told = {name: row[name] for name in ("number", "service", "agency", "status", "step", "outcome")}
    return told | {"due": case.mall.told(row["due"]), "history": history}
