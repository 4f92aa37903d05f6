"""HTTP of the survey: an answer goes in, the index comes out, live or not."""

from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from feedback_service import figures, markers, queries
from feedback_service.desk import AtDesk, UnknownMall
from feedback_service.ikm import Weights
from feedback_service.mall import ChooseWeights
from feedback_service.pages import topic
from feedback_service.period import NoPeriod, days_of
from feedback_service.survey import CLASSES, AlreadyAnswered, AnswerSurvey, Scores, SurveyAnswered
from feedback_service.transaction import ANSWERABLE, SurveyOver, UnknownTransaction
from mpp.eventsourcing.handler import NOBODY
from mpp.web.answer import Page, json_response
from mpp.web.auth import Who
from mpp.web.live import Live, frame
from mpp.web.openapi import problems
from mpp.web.request import AboutIt, Now

router = APIRouter()
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
Slug = Annotated[Id, Path(description="code or slug")]
Period = Annotated[
    str | None, Query(max_length=8, description="2026, 2026-S1, 2026-Q4 or 2026-11; this year when not given")
]
COORDINATORS = ("supervisor", "mall-admin", "national-admin")


class Answer(BaseModel):
    """An answer, with the proof of holding what was served; nothing of the proof is kept."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["ticket", "application"]
    id: UUID
    secret: Annotated[str, Field(max_length=64)]
    scores: Scores = Field(description="the nine elements of Permenpan RB 14/2017 in order, 1 to 4 each")
    sex: Literal["female", "male"] | None = None
    age: Literal["under-20", "20-29", "30-39", "40-49", "50-59", "60-up"] | None = None
    education: Literal["primary", "junior", "senior", "diploma", "bachelor", "master-up"] | None = None
    occupation: (
        Literal["civil-servant", "military-police", "employee", "self-employed", "student", "other"] | None
    ) = None
    words: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")] | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(f"{name}:{said}" for name in CLASSES if (said := getattr(self, name)))


class Weighing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    weights: Weights


class FigureOut(BaseModel):
    """Decimals are written as text; null under five answers."""

    answers: int | None
    transactions: int
    sample_needed: int
    adequate: bool
    too_few: bool
    ikm: str | None
    band: str | None
    elements: list[str] | None


class PartOut(FigureOut):
    code: str
    title: str


class IkmOut(FigureOut):
    mall: str
    title: str
    period: str
    first: str
    last: str
    weights: Weights
    respondents: dict[str, int]
    agencies: list[PartOut]
    services: list[PartOut]


class RemarkOut(BaseModel):
    agency: str
    service: str
    month: str
    words: str


@router.post("/surveys", status_code=204, responses=problems(UnknownTransaction, SurveyOver, AlreadyAnswered))
async def answer(said: Answer, desk: AtDesk, now: Now) -> Response:
    """Answer once for a ticket or an application. Nobody's token, key or trace is looked at."""
    ended = await queries.transaction(desk.reader, said.id)
    holds = desk.holder.is_secret(said.kind, said.id, said.secret)
    if ended is None or ended["kind"] != said.kind or not holds:
        raise UnknownTransaction
    mall = await desk.mall(ended["mall"])
    day = mall.day(now)
    if day - ended["day"] > ANSWERABLE:
        raise SurveyOver
    agency, service = ended["agency"] or mall.agency_of(ended["service"]), ended["service"]
    also = [desk.markers.mark(said.kind, said.id)]
    if said.words:
        subject = uuid4()
        also += [await desk.vault.put(subject, "remark", {"words": said.words})]
        also += [markers.remark(subject, mall.code, agency, service, day)]
    event = SurveyAnswered(
        mall=mall.code, agency=agency, service=service, date=day, scores=said.scores, classes=said.classes
    )
    await desk.handle(f"survey-{uuid4()}", AnswerSurvey(event), NOBODY, also=also)
    return Response(status_code=204)


@router.get("/malls/{slug}/ikm", response_model=IkmOut, responses=problems(UnknownMall, NoPeriod))
async def ikm(slug: Slug, desk: AtDesk, now: Now, period: Period = None) -> Response:
    """The index of a mall, of its agencies and services, with band, elements and sample."""
    mall = await desk.mall(slug)
    return json_response(await figures.of_mall(desk, mall, period or str(mall.day(now).year)))


@router.get("/malls/{slug}/ikm/live", response_class=Live, responses=problems(UnknownMall, NoPeriod))
async def ikm_live(slug: Slug, desk: AtDesk, now: Now, period: Period = None) -> Response:
    """`ikm`, now and whenever somebody has answered; always the newest."""
    mall = await desk.mall(slug)
    period = period or str(mall.day(now).year)
    days_of(period)
    desk.pages.watch(mall.code, period)
    head = await desk.reader.fetchval("select coalesce(max(position), 0) from events")
    opening = frame("ikm", await figures.public_of_mall(desk, mall, period), head)
    return Live(desk.hub, topic(mall.code, period), "newest", [opening], after=head)


@router.put("/malls/{slug}/survey-weights", status_code=204, responses=problems(UnknownMall))
async def choose_weights(slug: Slug, chosen: Weighing, desk: AtDesk, who: Who, about: AboutIt) -> Response:
    """How the nine elements are weighed: exact ninths, or 0.11 and 0.111 as older reports did."""
    mall = await desk.mall(slug)
    who.require("mall-admin", "national-admin", mall=mall.code)
    await desk.handle(f"mall-{mall.code}", ChooseWeights(chosen.weights), about)
    return Response(status_code=204)


@router.get("/malls/{slug}/remarks", response_model=Page[RemarkOut], responses=problems(UnknownMall))
async def remarks(
    slug: Slug, desk: AtDesk, who: Who, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> Response:
    """For the staff: what people wrote with their answers, by month, in no order that tells who."""
    mall = await desk.mall(slug)
    who.require("officer", *COORDINATORS, mall=mall.code)
    agencies = None if who.agencies is None else [*who.agencies]
    rows = await queries.remarks(desk.reader, mall.code, agencies, limit)
    words = await desk.words([(row["subject"], "remark") for row in rows])
    shown: list[dict[str, Any]] = [
        {"agency": row["agency"], "service": row["service"], "month": row["month"], **said}
        for row in rows
        if (said := words[row["subject"], "remark"])
    ]
    return json_response({"items": shown, "next": None})
