"""What citizens do with their own profile over HTTP."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from mpp.eventsourcing.decider import Invalid
from mpp.eventsourcing.handler import Step
from mpp.eventsourcing.ids import new_id
from mpp.forgetting import Forget
from mpp.web.answer import etag, json_response
from mpp.web.auth import Actor, needs
from mpp.web.openapi import problems
from mpp.web.problems import Unauthenticated
from mpp.web.request import AboutIt, Db, IfMatch, Now
from profile_service import answers, records, rules
from profile_service.citizen import Consent
from profile_service.command import Gone, NotRegistered, Purpose
from profile_service.desk import AtDesk, Change, ConsentMissing, Desk
from profile_service.facts import FIELDS, Address, Contact, Family, Identity
from profile_service.handling import handle
from profile_service.leaving import AskForgetting
from profile_service.nik import NoNik
from profile_service.niks import NikTaken

router = APIRouter()
Citizen = Annotated[Actor, needs("citizen")]
Text = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,31}$")]


class UnknownField(Invalid):
    """There is no such field to prefill."""


class Agreement(BaseModel):
    """What somebody says to a purpose, having read this version of its text."""

    model_config = ConfigDict(extra="forbid")
    given: bool
    text: Text = Field(description="version of the text that was shown: `2026-11`")


@dataclass(frozen=True, slots=True)
class Own:
    """Whose profile it is."""

    citizen: UUID
    change: Change


async def own(actor: Citizen, about: AboutIt, expected: IfMatch, now: Now) -> Own:
    citizen = await me(actor)
    return Own(citizen, Change(citizen, now, about, expected))


Mine = Annotated[Own, Depends(own)]


async def me(actor: Citizen) -> UUID:
    if actor.id is None:
        raise Unauthenticated
    return actor.id


Me = Annotated[UUID, Depends(me)]


@router.get("/me", response_model=answers.Profile, responses=problems(NotRegistered, Gone))
async def profile(citizen: Me, desk: AtDesk, db: Db) -> Response:
    return await shown(desk, db, citizen)


async def shown(desk: Desk, db: Db, citizen: UUID) -> Response:
    """The profile with its ETag, NIKs masked."""
    known = await desk.known(db, citizen)
    facts = await desk.facts(db, citizen)
    told = answers.Profile(citizen=citizen, version=known.version, consents=sorted(known.consents), **facts)
    return json_response(told.model_dump(mode="json"), 200, {"ETag": etag(known.version)})


@router.put(
    "/me",
    response_model=answers.Written,
    responses={
        201: {"description": "The profile is new", "model": answers.Written},
        **problems(NikTaken, NoNik, Gone),
    },
)
async def register(body: Identity, mine: Mine, desk: AtDesk) -> Response:
    outcome, warnings = await desk.register(mine.change, body)
    return answers.written(outcome, answers.begun(outcome), warnings)


@router.put("/me/contacts", response_model=answers.Written, responses=problems(NotRegistered, Gone))
async def set_contacts(body: Contact, mine: Mine, desk: AtDesk) -> Response:
    return answers.written(await desk.change(mine.change, "contact", body))


@router.put("/me/address", response_model=answers.Written, responses=problems(NotRegistered, Gone))
async def set_address(body: Address, mine: Mine, desk: AtDesk) -> Response:
    return answers.written(await desk.change(mine.change, "address", body))


@router.put("/me/family", response_model=answers.Written, responses=problems(NotRegistered, Gone))
async def set_family(body: Family, mine: Mine, desk: AtDesk) -> Response:
    return answers.written(await desk.change(mine.change, "family", body))


@router.put("/me/consents/{purpose}", response_model=answers.Written, responses=problems(NotRegistered, Gone))
async def set_consent(purpose: Purpose, body: Agreement, mine: Mine) -> Response:
    at = mine.change.at
    command = Consent(mine.citizen, at, purpose, body.given, body.text)
    expected = mine.change.expected
    asked = command if expected is None else rules.IfVersion(expected, command)
    return answers.written(await handle(rules.stream(mine.citizen), asked, mine.change.about))


@router.get("/me/history", responses=problems(NotRegistered, Gone))
async def history(citizen: Me, desk: AtDesk, db: Db) -> list[answers.Entry]:
    await desk.known(db, citizen)
    return await records.history(db, citizen)


@router.get("/me/readings", responses=problems(NotRegistered, Gone))
async def readings(citizen: Me, desk: AtDesk, db: Db) -> list[answers.Reading]:
    await desk.known(db, citizen)
    return await records.readings(db, citizen)


@router.get("/me/prefill", responses=problems(ConsentMissing, NotRegistered, Gone, UnknownField))
async def prefill(
    citizen: Me,
    desk: AtDesk,
    db: Db,
    fields: Annotated[str, Query(max_length=400, description="names, separated by commas")],
) -> dict[str, object]:
    return await filled(desk, db, citizen, fields)


async def filled(desk: Desk, db: Db, citizen: UUID, fields: str) -> dict[str, object]:
    """What forms may be filled with; a field of which nothing is known is left out."""
    wanted = [name for name in fields.split(",") if name]
    if unknown := sorted({*wanted} - {*FIELDS}):
        raise UnknownField(f"no such field: {', '.join(unknown)}"[:200], field="fields", known=sorted(FIELDS))
    await desk.agreed(db, citizen, "prefill")
    kinds = dict.fromkeys(FIELDS[name] for name in wanted)
    held = await desk.facts(db, citizen, kinds, full=True)
    return {name: held[FIELDS[name]][name] for name in wanted if name in held[FIELDS[name]]}


@router.get("/me/export", response_model=answers.Export, responses=problems(NotRegistered, Gone))
async def export(citizen: Me, desk: AtDesk, db: Db, now: Now) -> Response:
    made = await records.export(desk, db, citizen, now)
    name = {"Content-Disposition": 'attachment; filename="profile.json"', "Cache-Control": "no-store"}
    return json_response(made.model_dump(mode="json"), 200, name)


@router.delete("/me", status_code=202, response_model=answers.Forgetting)
async def forget(mine: Mine, desk: AtDesk, db: Db) -> Response:
    return await forgotten(desk, db, mine.change)


async def forgotten(desk: Desk, db: Db, change: Change) -> Response:
    """Asked for once; whoever asks again is told of the first request."""
    if not await db.fetchval("select true from leavings where citizen = $1", change.citizen):
        request = new_id()
        ask = AskForgetting(change.citizen, change.at, request, desk.asked)
        asked = ask if change.expected is None else rules.IfVersion(change.expected, ask)
        steps = [
            Step(f"subject-{change.citizen}", Forget(change.citizen, request, change.at)),
            Step(rules.stream(change.citizen), asked),
        ]
        await handle.all(steps, change.about)
        await desk.vault.forget(change.citizen, change.at)
    told = await records.forgetting(db, change.citizen)
    return json_response(told.model_dump(mode="json"), 202)


@router.get("/me/forgetting", responses=problems(records.NoRequest))
async def forgetting(citizen: Me, db: Db) -> answers.Forgetting:
    return await records.forgetting(db, citizen)
