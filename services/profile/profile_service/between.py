"""What other services ask of profile: only with consent, and every look leaves a trace."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from mpp.web.auth import Actor, needs
from mpp.web.request import Db, Now
from profile_service.api import filled
from profile_service.desk import AtDesk
from profile_service.facts import FIELDS

router = APIRouter()
System = Annotated[Actor, needs("system")]


class Reachable(BaseModel):
    """Where somebody can be reached."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    telegram: int | None = None
    language: str = "id"


@router.get("/citizens/{citizen}/contacts")
async def contacts(
    citizen: UUID, actor: System, desk: AtDesk, db: Db, now: Now, purpose: Literal["notifications"]
) -> Reachable:
    """403 `consent-missing`, 404 or 410 when nobody is to be told anything."""
    await desk.agreed(db, citizen, purpose)
    await desk.note(citizen, now, actor, ("identity", "contact"), purpose)
    held = await desk.facts(db, citizen, ("identity", "contact"))
    return Reachable(name=held["identity"].get("name"), **held["contact"])


@router.get("/citizens/{citizen}/prefill")
async def prefill(
    citizen: UUID,
    actor: System,
    desk: AtDesk,
    db: Db,
    now: Now,
    fields: Annotated[str, Query(max_length=400)] = ",".join(FIELDS),
) -> dict[str, object]:
    """What a form may be filled with; refused like the contacts are."""
    found = await filled(desk, db, citizen, fields)
    kinds = sorted({FIELDS[name] for name in found})
    await desk.note(citizen, now, actor, kinds, "prefill")
    return found
