"""HTTP for those who lead a mall: its queue's rules, pauses by hand, and messages to those who wait."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from mpp.eventsourcing.handler import Step
from mpp.eventsourcing.ids import new_id
from mpp.web.answer import json_response
from mpp.web.auth import Actor, Who
from mpp.web.openapi import problems
from mpp.web.request import AboutIt, Now
from queue_service import command as c
from queue_service import issuing, views
from queue_service.api import STAFF, Id
from queue_service.desk import AtDesk, Desk, Mall, UnknownMall
from queue_service.mall import Hear
from queue_service.plan import Booking, Pause, Profile, Rules, UnknownCounter, UnknownLine
from queue_service.ticket import UnknownTicket

router = APIRouter()
ADMINS = ("mall-admin", "national-admin")
KEEPERS = (*ADMINS, "supervisor")
KINDS = ("rules", "booking", "profile", "pause")
Slug = Annotated[Id, Path(description="code or slug")]
Line = Annotated[Id, Path()]


class PauseIn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,30}$")] = "paused"
    until: AwareDatetime | None = None


class Message(BaseModel):
    """What those who wait are told."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["delayed", "closing"]
    minutes: Annotated[int, Field(ge=1, le=600)] | None = Field(None, description="delayed: by so many")
    closes_at: AwareDatetime | None = Field(None, description="closing: when")
    line: Id | None = Field(None, description="only to this line")
    ticket: UUID | None = Field(None, description="only to this ticket")


class SentOut(BaseModel):
    id: UUID


class SettingsOut(BaseModel):
    rules: Rules
    booking: dict[str, Booking] = Field(description="by line")
    profiles: dict[str, Profile] = Field(description="by counter")
    pauses: dict[str, Pause] = Field(description='by line; "": the whole mall')


async def _led(slug: str, desk: Desk, who: Actor, *roles: str) -> Mall:
    mall = await desk.mall(slug)
    who.require(*roles, mall=mall.code)
    return mall


async def _set(desk: Desk, mall: Mall, about: Any, kind: str, key: str, fact: BaseModel | None) -> Response:
    """Remembered beside what the catalog says; open halls follow within about a second."""
    said = None if fact is None else fact.model_dump(mode="json")
    await desk.handle.all([Step(f"mall-{mall.code}", Hear(kind, key, said))], about)
    return Response(status_code=204)


async def _line(desk: Desk, mall: Mall, line: str) -> None:
    facts = await views.facts_of(desk.reader, mall.code)
    if ("line", line) not in facts:
        raise UnknownLine(line=line)


@router.get("/malls/{slug}/settings", response_model=SettingsOut, responses=problems(UnknownMall))
async def settings(slug: Slug, desk: AtDesk, who: Who) -> Response:
    """What this mall set for its queue."""
    mall = await _led(slug, desk, who, *STAFF)
    facts = await views.facts_of(desk.reader, mall.code)
    found: dict[str, Any] = {kind: {} for kind in KINDS}
    for (kind, key), fact in facts.items():
        if kind in KINDS:
            found[kind][key] = fact
    told = SettingsOut(
        rules=Rules(**found["rules"].get("", {})),
        booking=found["booking"],
        profiles=found["profile"],
        pauses=found["pause"],
    )
    return json_response(told.model_dump(mode="json"))


@router.put("/malls/{slug}/rules", status_code=204, responses=problems(UnknownMall))
async def set_rules(slug: Slug, body: Rules, desk: AtDesk, who: Who, about: AboutIt) -> Response:
    """Who goes first, how people come back, how much one person may book."""
    mall = await _led(slug, desk, who, *ADMINS)
    return await _set(desk, mall, about, "rules", "", body)


@router.put(
    "/malls/{slug}/lines/{line}/booking", status_code=204, responses=problems(UnknownMall, UnknownLine)
)
async def set_booking(
    slug: Slug, line: Line, body: Booking, desk: AtDesk, who: Who, about: AboutIt
) -> Response:
    """How the slots of a line are offered."""
    mall = await _led(slug, desk, who, *ADMINS)
    await _line(desk, mall, line)
    return await _set(desk, mall, about, "booking", line, body)


@router.delete("/malls/{slug}/lines/{line}/booking", status_code=204, responses=problems(UnknownMall))
async def no_booking(slug: Slug, line: Line, desk: AtDesk, who: Who, about: AboutIt) -> Response:
    """The line is not booked any longer; bookings that were made are cancelled."""
    mall = await _led(slug, desk, who, *ADMINS)
    return await _set(desk, mall, about, "booking", line, None)


@router.put(
    "/malls/{slug}/counters/{counter}/profile",
    status_code=204,
    responses=problems(UnknownMall, UnknownCounter, UnknownLine),
)
async def set_profile(
    slug: Slug, counter: Annotated[Id, Path()], body: Profile, desk: AtDesk, who: Who, about: AboutIt
) -> Response:
    """Whom a counter calls first, and when it is planned to be away."""
    mall = await _led(slug, desk, who, *KEEPERS)
    facts = await views.facts_of(desk.reader, mall.code)
    if ("counter", counter) not in facts:
        raise UnknownCounter(counter=counter)
    for line in (*body.order, *body.ratio, *(threshold.line for threshold in body.thresholds)):
        if ("line", line) not in facts:
            raise UnknownLine(line=line)
    return await _set(desk, mall, about, "profile", counter, body)


@router.put("/malls/{slug}/pause", status_code=204, responses=problems(UnknownMall))
async def pause(slug: Slug, body: PauseIn, desk: AtDesk, who: Who, about: AboutIt) -> Response:
    """No tickets in the whole mall for now; who waits goes on waiting."""
    mall = await _led(slug, desk, who, *KEEPERS)
    return await _set(desk, mall, about, "pause", "", body)


@router.delete("/malls/{slug}/pause", status_code=204, responses=problems(UnknownMall))
async def resume(slug: Slug, desk: AtDesk, who: Who, about: AboutIt) -> Response:
    mall = await _led(slug, desk, who, *KEEPERS)
    return await _set(desk, mall, about, "pause", "", None)


@router.put("/malls/{slug}/lines/{line}/pause", status_code=204, responses=problems(UnknownMall, UnknownLine))
async def pause_line(
    slug: Slug, line: Line, body: PauseIn, desk: AtDesk, who: Who, about: AboutIt
) -> Response:
    """No tickets in this line for now."""
    mall = await _led(slug, desk, who, *KEEPERS)
    await _line(desk, mall, line)
    return await _set(desk, mall, about, "pause", line, body)


@router.delete("/malls/{slug}/lines/{line}/pause", status_code=204, responses=problems(UnknownMall))
async def resume_line(slug: Slug, line: Line, desk: AtDesk, who: Who, about: AboutIt) -> Response:
    mall = await _led(slug, desk, who, *KEEPERS)
    return await _set(desk, mall, about, "pause", line, None)


@router.post(
    "/malls/{slug}/messages",
    status_code=201,
    response_model=SentOut,
    responses=problems(UnknownMall, UnknownLine, UnknownTicket, issuing.MallClosed),
)
async def send(slug: Slug, body: Message, desk: AtDesk, who: Who, about: AboutIt, now: Now) -> Response:
    """Tell those who wait, on boards and ticket pages and as an event: all, one line, or one ticket."""
    mall = await _led(slug, desk, who, *STAFF)
    command = c.Announce(now, new_id(), **body.model_dump())
    await desk.give(mall, command, about)
    return json_response({"id": str(command.message)}, 201)
