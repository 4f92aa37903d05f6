"""HTTP of a citizen's own history, whichever service it was with, and what is held of one citizen."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from mpp.web.answer import json_response
from mpp.web.auth import Actor, needs
from mpp.web.problems import Unauthenticated
from tracking_service import answers, queries
from tracking_service.api import whole
from tracking_service.desk import AtDesk, Desk

router = APIRouter()
internal = APIRouter()


@router.get("/me/history", response_model=list[answers.Thing])
async def history(actor: Annotated[Actor, needs("citizen")], desk: AtDesk) -> Response:
    """Applications, tickets and complaints, the newest first; not what was done without signing in."""
    if actor.id is None:
        raise Unauthenticated
    return json_response(await _things(desk, actor.id))


async def _things(desk: Desk, citizen: UUID) -> list[dict[str, Any]]:
    names = ("mall", "number", "service", "status")
    found = [
        ({"kind": "application"} | queries.plain(row, *names), row["id"], row["opened_at"])
        for row in await queries.applications_of(desk.reader, citizen)
    ]
    found += [
        (queries.plain(row, "kind", *names), row["id"], row["at"])
        for row in await queries.past_of(desk.reader, citizen)
    ]
    malls = {code: await desk.known(code) for code in {thing["mall"] for thing, _, _ in found}}
    found.sort(key=lambda each: each[2], reverse=True)
    return [thing | {"id": str(id_), "at": malls[thing["mall"]].told(at)} for thing, id_, at in found]


@internal.get("/subjects/{citizen}")
async def subject(citizen: UUID, desk: AtDesk, _: Annotated[Actor, needs("system")]) -> Response:
    """Everything held of one citizen, for the right of access."""
    rows = await queries.applications_of(desk.reader, citizen)
    applications = [await whole(desk, await desk.case(row["id"])) for row in rows]
    return json_response({"applications": applications, "history": await _things(desk, citizen)})
