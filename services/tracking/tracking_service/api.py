"""HTTP of applicants: what can be applied for, the form, filing, following up, withdrawing."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from mpp.eventsourcing.decider import Forbidden, Invalid
from mpp.eventsourcing.ids import new_id
from mpp.web.answer import Page, etag, json_response
from mpp.web.auth import Actor, Who, needs
from mpp.web.openapi import problems
from mpp.web.problems import Unauthenticated
from mpp.web.request import AboutIt, IfMatch, Now
from tracking_service import answers, command, forms, queries
from tracking_service.desk import AtDesk, Case, Desk, Mall, UnknownMall, UnknownProcess, UnknownService, keeps
from tracking_service.number import number_of
from tracking_service.process import DefineProcess, Process, ProcessFlawed

router = APIRouter()
Citizen = Annotated[Actor, needs("citizen")]
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")]
Phone = Annotated[str, Field(pattern=r"^(\+[1-9]|0)[0-9]{6,14}$")]
CHANGED: dict[int | str, dict[str, Any]] = {204: {"description": "Done; the ETag names the version"}}


class ApplicantMissing(Invalid):
    """Who files for somebody else says who that is and where they can be reached."""


class Applicant(BaseModel):
    """Somebody without an account, for whom an officer files; kept sealed."""

    model_config = ConfigDict(extra="forbid")
    name: Line
    phone: Phone


class Opening(BaseModel):
    """What is applied for, and where."""

    model_config = ConfigDict(extra="forbid")
    mall: Id = Field(description="code or slug")
    service: Id = Field(description="the service's code in the catalog")
    applicant: Applicant | None = None


class Answers(BaseModel):
    model_config = ConfigDict(extra="forbid")
    answers: dict[str, Any]


@router.get("/processes", response_model=list[answers.Offered], responses=problems(UnknownMall))
async def processes(
    desk: AtDesk, mall: Annotated[str | None, Query(max_length=64, description="offered there")] = None
) -> Response:
    """Everything that can be applied for."""
    found = await queries.processes(desk.reader)
    if mall is not None:
        offers = {key for kind, key in (await desk.mall(mall)).facts if kind == "service"}
        found = [(version, process) for version, process in found if offers & {*process.services}]
    return json_response([answers.offered(*each) for each in found])


@router.get("/processes/{code}", response_model=answers.Offered, responses=problems(UnknownProcess))
async def process(code: str, desk: AtDesk) -> Response:
    return json_response(answers.offered(*await desk.process(code)))


@router.put("/processes/{code}", status_code=204, responses={**CHANGED, **problems(ProcessFlawed)})
async def define(
    code: str,
    body: Process,
    desk: AtDesk,
    actor: Annotated[Actor, needs("national-admin")],
    about: AboutIt,
    now: Now,
) -> Response:
    """A new version; applications under way keep theirs."""
    if body.code != code:
        raise ProcessFlawed("the code is not that of the address")
    forms.check(body)
    outcome = await desk.handle(f"process-{code}", DefineProcess(body, now), about)
    return answers.written(outcome.version)


@router.get("/processes/{code}/prefill", responses=problems(UnknownProcess))
async def prefill(code: str, actor: Citizen, desk: AtDesk) -> dict[str, Any]:
    """Answers that the profile knows already, with the citizen's consent; empty without it."""
    _, found = await desk.process(code)
    if actor.id is None:
        raise Unauthenticated
    wanted = forms.prefilled(found.form)
    facts = await desk.of_profile(actor.id, [*wanted.values()])
    return {field: facts[fact] for field, fact in wanted.items() if fact in facts}


@router.post(
    "/applications",
    status_code=201,
    response_model=answers.Opened,
    responses=problems(UnknownMall, UnknownService, ApplicantMissing),
)
async def open_(body: Opening, who: Who, desk: AtDesk, about: AboutIt, now: Now) -> Response:
    """A draft: a citizen's own, or filed by an officer for somebody without an account."""
    mall = await desk.mall(body.mall)
    agency, standard, version, found = await _offer(desk, mall, body.service)
    assisted = body.applicant is not None or not who.may("citizen")
    if assisted:
        who.require("officer", "supervisor", mall=mall.code, agency=agency)
    if assisted and body.applicant is None:
        raise ApplicantMissing
    id_ = new_id()
    citizen = None if assisted else who.id
    also = []
    if body.applicant:
        facts = {"applicant": body.applicant.model_dump()}
        also.append(await desk.vault.put(id_, f"application-{id_}", facts))
    asked = command.OpenApplication(
        at=now, process=found, version=version, mall=mall.code, number=number_of(mall.code, id_),
        service=body.service, agency=agency, standard=standard, citizen=citizen, assisted=assisted,
    )  # fmt: skip
    outcome = await desk.handle(f"application-{id_}", asked, about, also=also)
    opened = UUID(outcome.stream.removeprefix("application-"))
    shown = {"id": str(opened), "number": outcome.state.number}
    shown["secret"] = desk.holder.secret("application", opened)
    return json_response(shown, 201, {"ETag": etag(outcome.version)})


async def _offer(desk: Desk, mall: Mall, service: str) -> tuple[str, int, int, Process]:
    """Whose it is, the version of its standard, and the process that decides it."""
    fact = mall.facts.get(("service", service))
    deciding = [each for each in await queries.processes(desk.reader) if service in each[1].services]
    if fact is None or not deciding:
        raise UnknownService(service=service)
    return str(fact["agency"]), int(fact["standard"]), *deciding[0]


@router.put(
    "/applications/{application}/answers",
    status_code=204,
    responses={**CHANGED, **problems(command.UnknownApplication, forms.AnswersWrong)},
)
async def give(
    application: UUID, body: Answers, who: Who, desk: AtDesk, about: AboutIt, now: Now, based: IfMatch
) -> Response:
    """The form as far as it is filled in; what is there must be right, what is missing may come later."""
    case = await desk.own(application, somebody(who), based)
    forms.judge(case.process, body.answers, complete=False)
    also = await desk.kept(case, {"answers": body.answers})
    return answers.written(await desk.say(case, command.GiveAnswers(at=now), about, also))


@router.post(
    "/applications/{application}/submit",
    status_code=204,
    responses={
        **CHANGED,
        **problems(command.UnknownApplication, forms.AnswersWrong, command.ApplicationElsewhere),
    },
)
async def submit(
    application: UUID, who: Who, desk: AtDesk, about: AboutIt, now: Now, based: IfMatch
) -> Response:
    """Hand it in, or in again; the form must be whole and the documents there."""
    case = await desk.own(application, somebody(who), based)
    held = await desk.answers(case)
    if "answers" in held:
        forms.judge(case.process, held["answers"], complete=True)
    also = await desk.kept(case, {}, keeps(case.process, now))
    return answers.written(await desk.say(case, command.Submit(**case.under(now)), about, also))


@router.post(
    "/applications/{application}/withdraw",
    status_code=204,
    responses={**CHANGED, **problems(command.UnknownApplication, command.ApplicationElsewhere)},
)
async def withdraw(
    application: UUID, who: Who, desk: AtDesk, about: AboutIt, now: Now, based: IfMatch
) -> Response:
    case = await desk.own(application, somebody(who), based)
    return answers.written(await desk.say(case, command.Withdraw(at=now), about))


@router.get(
    "/applications/{application}",
    response_model=answers.Shown,
    responses=problems(command.UnknownApplication),
)
async def show(application: UUID, who: Who, desk: AtDesk) -> Response:
    """Whole, for its applicant and for the officers of its agency."""
    case = await desk.seen(application, somebody(who))
    shown = await whole(desk, case)
    if case.is_of(who):
        shown |= {"secret": desk.holder.secret("application", case.id), "officer": None}
    return json_response(shown, 200, {"ETag": etag(case.row["version"]), "Cache-Control": "no-store"})


async def whole(desk: Desk, case: Case) -> dict[str, Any]:
    held = await desk.answers(case)
    files = await queries.documents(desk.reader, case.id)
    product = case.row["product"]
    return answers.listed(case.row, case.mall) | {
        "answers": held.get("answers", {}),
        "applicant": held.get("applicant"),
        "documents": [answers.file(row) for row in files if row["id"] != product],
        "product": product and str(product),
        "history": answers.entries(await queries.history(desk.reader, case.id), held, case.mall),
        "allowed": answers.allowed(case),
        "secret": None,
    }


@router.get("/me/applications", response_model=Page[answers.Brief])
async def mine(actor: Citizen, desk: AtDesk) -> Response:
    """The newest first."""
    rows = await queries.applications_of(desk.reader, actor.id) if actor.id else []
    malls = {code: await desk.known(code) for code in {row["mall"] for row in rows}}
    return json_response({"items": [answers.brief(row, malls[row["mall"]]) for row in rows], "next": None})


def somebody(who: Actor) -> Actor:
    if who.anonymous:
        raise Unauthenticated("This needs a token.")
    if not who.may("citizen", "officer", "supervisor", "mall-admin", "national-admin"):
        raise Forbidden("Your role does not allow this here.")
    return who
