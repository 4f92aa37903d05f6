"""What officers do for citizens without an account, at a counter of their mall; every look leaves a trace."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from mpp.eventsourcing.decider import NotFound
from mpp.eventsourcing.ids import new_id
from mpp.web.auth import Actor, needs
from mpp.web.openapi import problems
from mpp.web.request import AboutIt, Db, IfMatch, Now
from mpp_contracts.published import MALL_CODE
from profile_service import answers, nik, niks, records
from profile_service.api import forgotten, shown
from profile_service.command import KINDS, Gone
from profile_service.desk import AtDesk, Change, Desk
from profile_service.facts import Address, Contact, Family, Identity
from profile_service.nik import NoNik
from profile_service.niks import NikTaken

router = APIRouter()
STAFF = ("officer", "supervisor", "mall-admin")
Officer = Annotated[Actor, needs(*STAFF)]
Why = Annotated[
    str,
    Query(pattern=r"^[a-z][a-z-]{0,39}$", description="what the data is read for, a code: `application`"),
]


class UnknownCitizen(NotFound):
    """Nobody of this mall is registered so."""


class Assisted(Identity):
    """Somebody whom an officer registers, at this mall."""

    mall: Annotated[str, Field(pattern=MALL_CODE)]


class Sought(BaseModel):
    """Whom an officer looks for."""

    model_config = ConfigDict(extra="forbid")
    mall: Annotated[str, Field(pattern=MALL_CODE)]
    nik: Annotated[str, Field(max_length=32)]


class Found(BaseModel):
    """Who has this NIK."""

    citizen: UUID


@dataclass(frozen=True, slots=True)
class Case:
    """A citizen of the officer's mall, and a change under way."""

    citizen: UUID
    officer: Actor
    change: Change


async def case(citizen: UUID, actor: Officer, db: Db, about: AboutIt, expected: IfMatch, now: Now) -> Case:
    mall = await db.fetchval("select mall from citizens where citizen = $1", citizen)
    if mall is None or not actor.may(*STAFF, mall=mall):  # that somebody exists elsewhere is told to nobody
        raise UnknownCitizen
    return Case(citizen, actor, Change(citizen, now, about, expected))


Here = Annotated[Case, Depends(case)]


async def noted(desk: Desk, here: Case, purpose: str) -> None:
    await desk.note(here.citizen, here.change.at, here.officer, KINDS, purpose)


@router.post(
    "/citizens",
    status_code=201,
    response_model=answers.Written,
    responses=problems(NikTaken, NoNik),
)
async def register(body: Assisted, actor: Officer, desk: AtDesk, about: AboutIt, now: Now) -> Response:
    actor.require(*STAFF, mall=body.mall)
    facts = Identity(**body.model_dump(exclude={"mall"}))
    outcome, warnings = await desk.register(Change(new_id(), now, about), facts, body.mall)
    return answers.written(outcome, 201, warnings)


@router.post("/citizens/find", response_model=Found, responses=problems(UnknownCitizen, NoNik))
async def find(body: Sought, actor: Officer, desk: AtDesk, db: Db, now: Now) -> Found:
    actor.require(*STAFF, mall=body.mall)
    number = nik.read(body.nik, now.date()).number
    found = await niks.holder(db, niks.hashed(desk.running.settings.secret_key, number))
    if found is None or await _mall(db, found) != body.mall:
        raise UnknownCitizen
    await desk.note(found, now, actor, ("identity",), "find")
    return Found(citizen=found)


async def _mall(db: asyncpg.Connection, citizen: UUID) -> str | None:
    mall: str | None = await db.fetchval("select mall from citizens where citizen = $1", citizen)
    return mall


@router.get("/citizens/{citizen}", response_model=answers.Profile, responses=problems(UnknownCitizen, Gone))
async def look(here: Here, desk: AtDesk, db: Db, purpose: Why) -> Response:
    await desk.known(db, here.citizen)
    await noted(desk, here, purpose)
    return await shown(desk, db, here.citizen)


@router.put("/citizens/{citizen}", response_model=answers.Written, responses=problems(NikTaken, NoNik, Gone))
async def correct(body: Identity, here: Here, desk: AtDesk) -> Response:
    outcome, warnings = await desk.register(here.change, body)
    return answers.written(outcome, 200, warnings)


@router.put("/citizens/{citizen}/contacts", response_model=answers.Written, responses=problems(Gone))
async def set_contacts(body: Contact, here: Here, desk: AtDesk) -> Response:
    return answers.written(await desk.change(here.change, "contact", body))


@router.put("/citizens/{citizen}/address", response_model=answers.Written, responses=problems(Gone))
async def set_address(body: Address, here: Here, desk: AtDesk) -> Response:
    return answers.written(await desk.change(here.change, "address", body))


@router.put("/citizens/{citizen}/family", response_model=answers.Written, responses=problems(Gone))
async def set_family(body: Family, here: Here, desk: AtDesk) -> Response:
    return answers.written(await desk.change(here.change, "family", body))


@router.get("/citizens/{citizen}/export", response_model=answers.Export, responses=problems(Gone))
async def export(here: Here, desk: AtDesk, db: Db) -> answers.Export:
    await desk.known(db, here.citizen)
    await noted(desk, here, "export")
    return await records.export(desk, db, here.citizen, here.change.at)


@router.delete("/citizens/{citizen}", status_code=202, response_model=answers.Forgetting)
async def forget(here: Here, desk: AtDesk, db: Db) -> Response:
    return await forgotten(desk, db, here.change)


@router.get("/citizens/{citizen}/forgetting", responses=problems(records.NoRequest))
async def forgetting(here: Here, db: Db) -> answers.Forgetting:
    return await records.forgetting(db, here.citizen)
