"""HTTP of complaints: filed by anybody, followed by its holder, handled by those whose it is."""

import base64
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from feedback_service import cases, rules
from feedback_service.complaint import Kind, Outcome, Reason
from feedback_service.desk import AtDesk, Desk, Mall, UnknownMall, UnknownPlace
from mpp.eventsourcing.decider import Forbidden, Invalid
from mpp.eventsourcing.handler import Also
from mpp.eventsourcing.log import About
from mpp.web.answer import etag, json_response
from mpp.web.auth import Actor, Who
from mpp.web.openapi import problems
from mpp.web.problems import Unauthenticated, VersionMismatch
from mpp.web.request import AboutIt, IfMatch, Now

router = APIRouter()
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
Text = Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"^[^\x00]*$")]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Number = Annotated[Id, Path(description="number or id")]


class WordsMissing(Invalid):
    """This needs words, or a reason, or an outcome, or an agency."""


class Reporter(BaseModel):
    """Who reports, as far as they wish; kept sealed."""

    model_config = ConfigDict(extra="forbid")
    name: Line | None = None
    phone: Line | None = None
    email: Line | None = None


class Filing(BaseModel):
    """A complaint. anonymous: nobody learns who reports; secret: the public never sees that it exists."""

    model_config = ConfigDict(extra="forbid")
    mall: Id = Field(description="code or slug; 0000: of no mall")
    kind: Kind
    text: Text
    agency: Id | None = None
    service: Id | None = None
    anonymous: bool = False
    secret: bool = False
    reporter: Reporter | None = None


class Proof(BaseModel):
    model_config = ConfigDict(extra="forbid")
    secret: Annotated[str, Field(max_length=64)] | None = Field(None, description="the holder's")


class Act(Proof):
    """What goes with an action on a complaint."""

    text: Text | None = None
    kind: Kind | None = Field(None, description="verify: the class it truly has")
    agency: Id | None = Field(None, description="forward: to this agency")
    outcome: Outcome | None = Field(None, description="answer: what came of it")
    reason: Reason | None = Field(None, description="close: why")


class StepOut(BaseModel):
    happened: str
    at: str
    agency: str | None
    reason: str | None
    outcome: str | None
    due: str | None
    words: str | None


class BriefOut(BaseModel):
    number: str
    kind: str
    status: str
    agency: str | None
    service: str | None
    outcome: str | None
    reason: str | None
    filed_at: str
    answered_at: str | None
    closed_at: str | None
    class_due: str | None


class FileOut(BaseModel):
    id: UUID
    media: str
    bytes: int


class ComplaintOut(BriefOut):
    mall: str
    anonymous: bool
    secret: bool
    history: list[StepOut]
    evidence: list[FileOut]
    reporter: dict[str, Any] | None
    citizen: str | None


class FiledOut(BaseModel):
    id: UUID
    number: str
    secret: str = Field(description="shows whose complaint it is; stored nowhere")


def number_of(complaint: UUID) -> str:
    """As the reporter notes it down: ten letters and digits of its own."""
    return "ADU-" + base64.b32encode(complaint.bytes[-7:]).decode()[:10]


@router.post(
    "/complaints",
    status_code=201,
    response_model=FiledOut,
    responses=problems(UnknownMall, UnknownPlace, rules.AnonymousNamesNobody),
)
async def file(said: Filing, desk: AtDesk, who: Who, about: AboutIt, now: Now) -> Response:
    """Complain, ask or propose; with a token in one's own name, unless anonymously."""
    mall, id_, words = await desk.mall(said.mall), uuid4(), uuid4()
    _known(mall, said)
    if said.anonymous and said.reporter:
        raise rules.AnonymousNamesNobody
    citizen = who.id if who.may("citizen") and not said.anonymous else None
    facts: dict[str, Any] = {str(words): said.text}
    if said.reporter:
        facts["reporter"] = said.reporter.model_dump(exclude_none=True)
    whose = cases.subject(id_, citizen)
    also = [await desk.vault.put(whose, cases.purpose(id_), facts)]
    command = rules.FileComplaint(
        at=now, days=mall.working_days(now), words=words, mall=mall.code, number=number_of(id_),
        kind=said.kind, agency=said.agency or mall.agency_of(said.service or "") or None,
        service=said.service, anonymous=said.anonymous, secret=said.secret, citizen=citizen,
    )  # fmt: skip
    noted = cases.nameless(about, desk) if citizen is None else about
    outcome = await desk.handle(f"complaint-{id_}", command, noted, also=also)
    filed = UUID(outcome.stream.removeprefix("complaint-"))
    secret = desk.holder.secret("complaint", filed)
    answer = {"id": str(filed), "number": outcome.state.number, "secret": secret}
    return json_response(answer, 201, {"ETag": etag(outcome.version)})


def _known(mall: Mall, said: Filing) -> None:
    for kind, key in (("agency", said.agency), ("service", said.service)):
        if key and (kind, key) not in mall.facts:
            raise UnknownPlace(**{kind: key})


@router.post(
    "/complaints/{number}/follow", response_model=ComplaintOut, responses=problems(rules.UnknownComplaint)
)
async def follow(number: Number, proof: Proof, desk: AtDesk, who: Who) -> Response:
    """Status, answers and history, for its holder and for those who handle it."""
    row = await cases.found(desk, number)
    own, staff = cases.holds(desk, row, proof.secret, who), cases.of_staff(row, who)
    if not own and not staff:
        raise rules.UnknownComplaint
    mall = await desk.mall(row["mall"])
    coordinates = who.may(*cases.COORDINATORS, mall=row["mall"])
    reporter = own or coordinates or not row["secret"]
    answer = await cases.whole(desk, row, mall, reporter=reporter)
    return json_response(answer, headers={"ETag": etag(row["version"])})


Action = Literal["verify", "forward", "follow-up", "answer", "close", "reply", "withdraw", "reopen"]
HOLDERS = ("reply", "withdraw", "reopen")


@router.post(
    "/complaints/{number}/{action}",
    status_code=204,
    responses=problems(
        rules.UnknownComplaint, rules.ComplaintElsewhere, rules.NotForwarded, rules.ReasonUntrue
    ),
)
async def act(
    number: Number,
    action: Action,
    said: Act,
    desk: AtDesk,
    who: Who,
    about: AboutIt,
    now: Now,
    based: IfMatch,
) -> Response:
    """Coordinators verify, forward, close; its agency follows up and answers; holders do the rest."""
    row = await cases.found(desk, number)
    _may(action, row, said, desk, who)
    if based is not None and based != row["version"]:
        raise VersionMismatch
    words = uuid4() if said.text else None
    mall = await desk.mall(row["mall"])
    command = _command(action, said, {"at": now, "days": mall.working_days(now), "words": words}, mall)
    also: list[Also] = []
    if words and said.text:
        whose = cases.subject(row["id"], row["citizen"])
        also = await cases.kept(desk, whose, row["id"], words, said.text)
    noted = _noted(about, action, row, desk, who)
    outcome = await desk.handle(f"complaint-{row['id']}", command, noted, also=also)
    return Response(status_code=204, headers={"ETag": etag(outcome.version)})


def _noted(about: About, action: Action, row: Any, desk: Desk, who: Actor) -> About:
    """What a holder does is noted by name only where the complaint is in this name."""
    named = row["citizen"] is not None and row["citizen"] == who.id
    return about if named or action not in HOLDERS else cases.nameless(about, desk)


def _may(action: Action, row: Any, said: Act, desk: Desk, who: Actor) -> None:
    """Raises UnknownComplaint to those who may not know of it, Forbidden to those who may not do it."""
    if action in HOLDERS:
        if not cases.holds(desk, row, said.secret, who):
            raise rules.UnknownComplaint
    elif who.anonymous:
        raise Unauthenticated("This needs a token.")
    elif not cases.of_staff(row, who):
        raise rules.UnknownComplaint
    elif action in ("verify", "forward", "close") and not who.may(*cases.COORDINATORS, mall=row["mall"]):
        raise Forbidden("Your role does not allow this here.", needs=sorted(cases.COORDINATORS))


def _command(action: Action, said: Act, common: dict[str, Any], mall: Mall) -> rules.At:
    """The command of an action with what it needs. Raises WordsMissing, UnknownPlace."""
    match action:
        case "verify":
            return rules.Verify(**common, kind=said.kind)
        case "forward" if said.agency:
            if mall.facts and ("agency", said.agency) not in mall.facts:
                raise UnknownPlace(agency=said.agency)
            return rules.Forward(**common, agency=said.agency)
        case "follow-up":
            return rules.FollowUp(**common)
        case "answer" if said.text and said.outcome:
            return rules.Answer(**common, outcome=said.outcome)
        case "close" if said.reason and said.reason not in ("withdrawn", "no-reaction"):
            return rules.Close(**common, reason=said.reason)
        case "reply" if said.text:
            return rules.Reply(**common)
        case "withdraw":
            return rules.Close(**common, reason="withdrawn")
        case "reopen" if said.text:
            return rules.Reopen(**common)
    raise WordsMissing(action=action)
