"""HTTP of the office: the worklist, and what officers do with an application."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from mpp.eventsourcing.decider import Invalid
from mpp.eventsourcing.handler import Also
from mpp.web.answer import Page, decode_cursor, encode_cursor, json_response
from mpp.web.auth import Actor, Who, needs
from mpp.web.openapi import problems
from mpp.web.problems import Malformed, VersionMismatch
from mpp.web.request import AboutIt, IfMatch, Now
from tracking_service import answers, command, queries
from tracking_service.api import CHANGED
from tracking_service.application import Delay, Status
from tracking_service.desk import STAFF, AtDesk, Case, Desk, UnknownMall

router = APIRouter()
Action = Literal[
    "claim", "release", "declare-complete", "send-back", "step", "pause", "resume", "approve", "reject"
]
Code = Annotated[str, Field(pattern=r"^[a-z0-9:_-]{1,80}$")]
OVERSEERS = ("supervisor", "mall-admin", "national-admin")


class WordsMissing(Invalid):
    """This action needs a step, or reasons."""


class Act(BaseModel):
    """What goes with an action."""

    model_config = ConfigDict(extra="forbid")
    step: Code | None = Field(None, description="step: which one comes next")
    reasons: list[Code] = Field(default=[], max_length=50, description="send-back, reject: codes")
    delay: Delay | None = Field(None, description="pause: what holds it up")
    text: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")] | None = Field(
        None, description="send-back, reject: words for the applicant, kept sealed"
    )


@router.get("/malls/{slug}/worklist", response_model=Page[answers.Listed], responses=problems(UnknownMall))
async def worklist(
    slug: str,
    who: Who,
    desk: AtDesk,
    status: Annotated[Status | None, Query(description="only those that are")] = None,
    mine: Annotated[bool, Query(description="only those that one has claimed")] = False,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """What the officer's agencies have to decide, the oldest first."""
    mall = await desk.mall(slug)
    who.require(*STAFF, mall=mall.code)
    rows = await queries.worklist(
        desk.reader,
        mall.code,
        agencies=None if who.agencies is None else [*who.agencies],
        status=status,
        officer=who.id if mine else None,
        after=_after(cursor),
        limit=limit + 1,
    )
    last = rows[limit - 1] if len(rows) > limit else None
    following = encode_cursor(last["opened_at"].isoformat(), str(last["id"])) if last else None
    return json_response({"items": [answers.listed(row, mall) for row in rows[:limit]], "next": following})


def _after(cursor: str | None) -> tuple[datetime, UUID] | None:
    said = decode_cursor(cursor, str, str)
    try:
        return (datetime.fromisoformat(said[0]), UUID(said[1])) if said else None
    except ValueError:
        raise Malformed("The cursor is not one of ours.") from None


@router.post(
    "/applications/{application}/office/{action}",
    status_code=204,
    responses={
        **CHANGED,
        **problems(
            command.UnknownApplication, command.ClaimedByAnother, command.SupervisorsStep, WordsMissing
        ),
    },
)
async def act(
    application: UUID,
    action: Action,
    said: Act,
    actor: Annotated[Actor, needs(*STAFF)],
    desk: AtDesk,
    about: AboutIt,
    now: Now,
    based: IfMatch,
) -> Response:
    """Officers of the agency act on what nobody else has claimed; supervisors on everything of theirs."""
    case = await at_office(desk, application, actor, based)
    words = uuid4() if said.text and action in ("send-back", "reject") else None
    also: list[Also] = await desk.kept(case, {str(words): said.text}) if words else []
    asked = _command(action, said, case.under(now) | office_of(actor), words)
    return answers.written(await desk.say(case, asked, about, also))


async def at_office(desk: Desk, id_: UUID, actor: Actor, based: int | None) -> Case:
    """The case for an officer of its agency; to others, and while it is a draft, it does not exist."""
    case = await desk.case(id_)
    if not case.is_with(actor) or case.row["status"] == "draft":
        raise command.UnknownApplication
    if based is not None and based != case.row["version"]:
        raise VersionMismatch
    return case


def office_of(actor: Actor) -> dict[str, Any]:
    return {"officer": actor.id, "supervisor": bool(actor.roles.intersection(OVERSEERS))}


def _command(action: Action, said: Act, facts: dict[str, Any], words: UUID | None) -> command.OfOffice:
    plain: dict[str, type[command.OfOffice]] = {
        "claim": command.Claim,
        "release": command.Release,
        "declare-complete": command.DeclareComplete,
        "resume": command.Resume,
        "approve": command.Approve,
    }
    if action in plain:
        return plain[action](**facts)
    match action:
        case "step" if said.step:
            return command.TakeStep(**facts, step=said.step)
        case "pause" if said.delay:
            return command.Pause(**facts, reason=said.delay)
        case "send-back" if said.reasons:
            return command.SendBack(**facts, reasons=tuple(said.reasons), words=words)
        case "reject" if said.reasons:
            return command.Reject(**facts, reasons=tuple(said.reasons), words=words)
    raise WordsMissing
