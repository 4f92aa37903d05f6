"""HTTP for machines: their tokens, the papers they print, the calls they speak."""

from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from mpp.eventsourcing.decider import NotFound
from mpp.eventsourcing.handler import Step
from mpp.eventsourcing.ids import new_id
from mpp.web.answer import json_response
from mpp.web.auth import Actor, Who
from mpp.web.openapi import problems
from mpp.web.problems import Unauthenticated
from mpp.web.request import AboutIt, Now
from queue_service import command as c
from queue_service import kiosk, receipt, views
from queue_service.answers import ticket_answer
from queue_service.api import STAFF, Id
from queue_service.desk import AtDesk, Desk, UnknownMall
from queue_service.hall import Hall, mall_and_day, stream_of
from queue_service.mall import Hear
from queue_service.ticket import UnknownTicket

router = APIRouter()
ADMINS = ("mall-admin", "national-admin")
PRINTERS = ("kiosk", *STAFF)
PREFIX = "mpp-device."
Slug = Annotated[Id, Path(description="code or slug")]


class UnknownDevice(NotFound):
    """This mall has no such device."""


class UnknownCall(NotFound):
    """No such call in this mall."""


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["kiosk", "display"]
    title: Annotated[str, Field(min_length=1, max_length=60, description="such as `Kiosk pintu timur`")]


class DeviceOut(BaseModel):
    id: UUID
    kind: str
    title: str


class RegisteredOut(DeviceOut):
    token: str = Field(description="a bearer token; it is shown once, and holds until the device is revoked")


class PrintOut(BaseModel):
    id: UUID
    ticket: UUID
    status: str = Field(description="pending, printed, or why it was not")
    again: bool


class Failed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,30}$")] = Field(
        "fault", description="a word: paper-out, jam, offline, cover-open or fault"
    )


class ClaimOut(BaseModel):
    call: int
    number: str
    counter_title: str
    kind: str
    until: str


class Devices:
    """Knows a device's token before anybody else is asked, and the issuers' tokens as ever."""

    def __init__(self, desk: Desk, others: Any):
        self._desk, self._others = desk, others

    async def verify(self, token: str) -> Actor:
        """Asked at every request: who is revoked is out at once."""
        if not token.startswith(PREFIX):
            actor: Actor = await self._others.verify(token)
            return actor
        try:
            mall, said, secret = token.removeprefix(PREFIX).split(".")
            id_ = UUID(said)
        except ValueError:
            raise Unauthenticated("This is no device's token.") from None
        if not self._desk.is_secret(id_, secret, f"device {mall}"):
            raise Unauthenticated("This is no device's token.")
        fact = await views.fact_of(self._desk.reader, mall, "device", str(id_))
        if fact is None:
            raise Unauthenticated("This device was revoked.")
        return Actor(id_, frozenset({fact["kind"]}), frozenset({mall}))


@router.get("/malls/{slug}/devices", response_model=list[DeviceOut], responses=problems(UnknownMall))
async def devices(slug: Slug, desk: AtDesk, who: Who) -> Response:
    """The kiosks and boards of a mall."""
    mall = await desk.mall(slug)
    who.require(*STAFF, mall=mall.code)
    facts = await views.facts_of(desk.reader, mall.code)
    told = [{"id": key, **fact} for (kind, key), fact in sorted(facts.items()) if kind == "device"]
    return json_response(told)


@router.post(
    "/malls/{slug}/devices", status_code=201, response_model=RegisteredOut, responses=problems(UnknownMall)
)
async def register(slug: Slug, body: Wanted, desk: AtDesk, who: Who, about: AboutIt) -> Response:
    """A new device of this mall, and its token."""
    mall = await desk.mall(slug)
    who.require(*ADMINS, mall=mall.code)
    id_, fact = uuid4(), body.model_dump()
    await desk.handle.all([Step(f"mall-{mall.code}", Hear("device", str(id_), fact))], about)
    token = f"{PREFIX}{mall.code}.{id_}.{desk.secret(id_, f'device {mall.code}')}"
    return json_response({"id": str(id_), **fact, "token": token}, 201)


@router.delete(
    "/malls/{slug}/devices/{device}", status_code=204, responses=problems(UnknownMall, UnknownDevice)
)
async def revoke(slug: Slug, device: UUID, desk: AtDesk, who: Who, about: AboutIt) -> Response:
    """Its token counts no longer, from this answer on."""
    mall = await desk.mall(slug)
    who.require(*ADMINS, mall=mall.code)
    if await views.fact_of(desk.reader, mall.code, "device", str(device)) is None:
        raise UnknownDevice
    await desk.handle.all([Step(f"mall-{mall.code}", Hear("device", str(device), None))], about)
    return Response(status_code=204)


@router.post(
    "/papers/{ticket}",
    status_code=201,
    response_model=PrintOut,
    responses=problems(UnknownTicket, kiosk.PapersUsedUp),
)
async def print_(ticket: UUID, desk: AtDesk, who: Who, about: AboutIt, now: Now) -> Response:
    """A paper, or one more; then its bytes are fetched, and the printer's word is told."""
    stream = await desk.hall_of(ticket)
    who.require(*PRINTERS, mall=mall_and_day(stream)[0])
    job, staff = new_id(), who.may(*STAFF, mall=mall_and_day(stream)[0])
    command = c.RequestPrint(now, ticket, job, None if staff else who.id, staff)
    outcome = await desk.handle(stream, command, about)
    (asked,) = outcome.events
    return _told(outcome.state, ticket, asked.job, asked.again, 201)  # type: ignore[attr-defined]


@router.get("/papers/{ticket}/{job}", responses=problems(UnknownTicket, kiosk.UnknownPrint))
async def paper(
    ticket: UUID,
    job: UUID,
    desk: AtDesk,
    who: Who,
    now: Now,
    columns: Annotated[int, Query(ge=32, le=64)] = 42,
) -> Response:
    """The paper in the language of receipt printers, with position and estimate as of now."""
    stream = await desk.hall_of(ticket)
    mall = await desk.mall(mall_and_day(stream)[0])
    who.require(*PRINTERS, mall=mall.code)
    hall: Hall = (await desk.folds.read(desk.reader, stream)).state
    found = hall.ticket(ticket)
    if job not in dict(found.jobs):
        raise kiosk.UnknownPrint
    at = max(now, hall.last_at)
    service = await views.fact_of(desk.reader, mall.code, "service", found.service)
    paper = receipt.Paper(
        mall=mall.title,
        number=found.number,
        service=(service or {}).get("title", found.service),
        page=f"{desk.public_url}/tiket/{ticket}#{desk.secret(ticket)}" if desk.public_url else "",
        printed_at=mall.told(at),
        again=[id_ for id_, status in found.jobs if status in ("pending", "printed")][:1] != [job],
        told=ticket_answer(hall, found, mall, at),
    )
    return Response(receipt.escpos(paper, columns), media_type="application/octet-stream")


@router.post(
    "/papers/{ticket}/{job}/confirm",
    response_model=PrintOut,
    responses=problems(UnknownTicket, kiosk.UnknownPrint, kiosk.PrintEnded),
)
async def confirm(ticket: UUID, job: UUID, desk: AtDesk, who: Who, about: AboutIt, now: Now) -> Response:
    """The paper came out."""
    return await _ended(c.EndPrint(now, ticket, job), desk, who, about)


@router.post(
    "/papers/{ticket}/{job}/fail",
    response_model=PrintOut,
    responses=problems(UnknownTicket, kiosk.UnknownPrint, kiosk.PrintEnded),
)
async def fail(
    ticket: UUID, job: UUID, desk: AtDesk, who: Who, about: AboutIt, now: Now, body: Failed | None = None
) -> Response:
    """It did not: the number holds all the same, and the staff is told."""
    return await _ended(c.EndPrint(now, ticket, job, (body or Failed()).reason), desk, who, about)


async def _ended(command: c.EndPrint, desk: Desk, who: Actor, about: Any) -> Response:
    stream = await desk.hall_of(command.ticket)
    who.require(*PRINTERS, mall=mall_and_day(stream)[0])
    outcome = await desk.handle(stream, command, about)
    return _told(outcome.state, command.ticket, command.job, False)


def _told(hall: Hall, ticket: UUID, job: UUID, again: bool, status: int = 200) -> Response:
    state = dict(hall.ticket(ticket).jobs)[job]
    return json_response({"id": str(job), "ticket": str(ticket), "status": state, "again": again}, status)


@router.post(
    "/malls/{slug}/calls/{call}/{action}",
    response_model=ClaimOut,
    responses=problems(UnknownMall, UnknownCall, kiosk.CallTaken, kiosk.CallStale, kiosk.CallNotClaimed),
)
async def speak(
    slug: Slug,
    call: Annotated[int, Path(ge=1, lt=1 << 63)],
    action: Literal["claim", "heard"],
    desk: AtDesk,
    who: Who,
    about: AboutIt,
    now: Now,
) -> Response:
    """A board claims a call before it speaks it (the first wins, for 20 seconds), and says that it has."""
    mall = await desk.mall(slug)
    who.require("display", *STAFF, mall=mall.code)
    row = await views.call(desk.reader, call)
    if row is None or mall_and_day(row["hall"])[0] != mall.code or who.id is None:
        raise UnknownCall
    if action == "claim":
        command: c.OfTicket = c.ClaimCall(now, row["ticket"], call, who.id, row["at"])
    else:
        command = c.HearCall(now, row["ticket"], call, who.id)
    outcome = await desk.handle(stream_of(mall.code, mall_and_day(row["hall"])[1]), command, about)
    shown = {name: row[name] for name in ("number", "counter_title", "kind")}
    until = outcome.state.claims[call].until
    return json_response({"call": call, **shown, "until": mall.told(until)})
