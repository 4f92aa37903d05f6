"""HTTP of citizens: their inbox, live or not, and how they want to be told."""

from datetime import time
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mpp.web.answer import Page, decode_cursor, encode_cursor, etag, json_response
from mpp.web.auth import Actor, needs
from mpp.web.live import Live, frame
from mpp.web.openapi import problems
from mpp.web.problems import Unauthenticated
from mpp.web.request import AboutIt, Now
from notify_service import queries
from notify_service.desk import AtDesk, preferences_of
from notify_service.kinds import Group
from notify_service.notification import Read, UnknownNotification
from notify_service.pages import topic
from notify_service.preferences import Channel, SetPreferences
from notify_service.template import Language

router = APIRouter()
internal = APIRouter()
DONE: dict[int | str, dict[str, Any]] = {204: {"description": "Done"}}


def _zone(named: str) -> str:
    try:
        return ZoneInfo(named).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("an IANA time zone such as Asia/Makassar") from None


class Wish(BaseModel):
    """How somebody wants to be told. Urgent things, such as one's turn, come at night too."""

    model_config = ConfigDict(extra="forbid")
    off: dict[Group, list[Channel]] = Field({}, description="channels that are not wanted, by group")
    quiet: tuple[time, time] | None = Field((time(21), time(7)), description="no disturbance from … until …")
    zone: Annotated[str, Field(max_length=40), AfterValidator(_zone)] = "Asia/Jakarta"
    language: Literal["id", "en"] = "id"


class Known(Wish):
    """With what profile says: the channels that have an address there, and whether they may be used."""

    channels: list[Channel]
    consent: bool


class Item(BaseModel):
    id: UUID
    kind: str
    mall: str
    subject: str
    text: str
    facts: dict[str, str]
    urgent: bool
    at: str
    read_at: str | None


class Inbox(Page[Item]):
    unread: int


async def me(actor: Annotated[Actor, needs("citizen")]) -> UUID:
    if actor.id is None:
        raise Unauthenticated
    return actor.id


Me = Annotated[UUID, Depends(me)]
Wanted = Annotated[Language | None, Query(description="instead of the language one chose")]


@router.get("/me/inbox", response_model=Inbox)
async def inbox(
    citizen: Me,
    desk: AtDesk,
    language: Wanted = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """The newest first."""
    said = decode_cursor(cursor, int)
    rows = await queries.inbox(desk.reader, citizen, said[0] if said else None, limit + 1)
    following = encode_cursor(rows[limit - 1]["position"]) if len(rows) > limit else None
    items = await desk.shown(rows[:limit], language)
    unread = await queries.unread(desk.reader, citizen)
    return json_response({"items": items, "next": following, "unread": unread})


@router.get(
    "/me/inbox/live", response_class=Response, responses={200: {"content": {"text/event-stream": {}}}}
)
async def live(citizen: Me, desk: AtDesk) -> Response:
    """Server-sent events: `unread` with a count at the opening, then each `notification` as it comes."""
    unread = await queries.unread(desk.reader, citizen)
    opening = [frame("unread", orjson.dumps({"unread": unread}))]
    return Live(desk.hub, topic(citizen), "every", opening)


@router.post(
    "/me/inbox/{notification}/read", status_code=204, responses={**DONE, **problems(UnknownNotification)}
)
async def read(notification: UUID, citizen: Me, desk: AtDesk, about: AboutIt, now: Now) -> Response:
    row = await queries.notification(desk.reader, notification)
    if row is None or row["citizen"] != citizen:
        raise UnknownNotification
    await desk.handle(f"notification-{notification}", Read(now), about)
    return Response(status_code=204)


@router.get("/me/preferences", response_model=Known)
async def preferences(citizen: Me, desk: AtDesk) -> Response:
    known = await preferences_of(desk.reader, citizen)
    shown = Known.model_validate(known, from_attributes=True)
    return json_response(shown.model_dump(mode="json"))


@router.put("/me/preferences", status_code=204, responses=DONE)
async def prefer(body: Wish, citizen: Me, desk: AtDesk, about: AboutIt) -> Response:
    off = {group: tuple(dict.fromkeys(channels)) for group, channels in body.off.items()}
    wish = SetPreferences(off, body.quiet, body.zone, body.language)
    outcome = await desk.handle(f"preferences-{citizen}", wish, about)
    return Response(status_code=204, headers={"ETag": etag(outcome.version)})


@internal.get("/subjects/{citizen}")
async def subject(citizen: UUID, desk: AtDesk, _: Annotated[Actor, needs("system")]) -> Response:
    """Everything held of one citizen, for the right of access; addresses are not held."""
    known = Known.model_validate(await preferences_of(desk.reader, citizen), from_attributes=True)
    items = await desk.shown(await queries.inbox(desk.reader, citizen, None, 10_000))
    return json_response({"preferences": known.model_dump(mode="json"), "notifications": items})
