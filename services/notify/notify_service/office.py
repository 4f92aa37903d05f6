"""HTTP of those who run it: what is said, and what could not be delivered."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from mpp.web.answer import Page, decode_cursor, encode_cursor, etag, json_response
from mpp.web.auth import Actor, needs
from mpp.web.openapi import problems
from mpp.web.problems import Malformed
from mpp.web.request import AboutIt, Now
from notify_service import queries
from notify_service.desk import AtDesk
from notify_service.kinds import KINDS, Group
from notify_service.notification import NotNow, Retry, UnknownNotification
from notify_service.preferences import Channel
from notify_service.template import (
    PlaceholderMissing,
    PlaceholderUnknown,
    SaveTemplate,
    Text,
    Texts,
    UnknownKind,
    check,
)
from notify_service.texts import shipped

router = APIRouter()
Admin = Annotated[Actor, needs("national-admin")]
DONE: dict[int | str, dict[str, Any]] = {204: {"description": "Done"}}


class Template(BaseModel):
    """What is said of a kind; version 0 came with the service."""

    kind: str
    group: Group
    urgent: bool
    placeholders: list[str]
    version: int
    texts: Texts


class Lost(BaseModel):
    """A delivery that was given up."""

    notification: UUID
    channel: str
    kind: str
    mall: str
    reason: str
    attempts: int
    at: str


@router.get("/templates", response_model=list[Template])
async def templates(_: Admin, desk: AtDesk) -> Response:
    saved = await queries.saved_texts(desk.reader)
    found = []
    for name, kind in KINDS.items():
        version, texts = saved.get(name, (0, shipped()[name]))
        about = {"kind": name, "group": kind.group, "urgent": kind.urgent, "version": version}
        found.append(about | {"placeholders": sorted(kind.facts), "texts": texts.model_dump(mode="json")})
    return json_response(found)


@router.put(
    "/templates/{kind}",
    status_code=204,
    responses={**DONE, **problems(UnknownKind, PlaceholderMissing, PlaceholderUnknown)},
)
async def save(kind: str, body: Texts, _: Admin, desk: AtDesk, about: AboutIt, now: Now) -> Response:
    """From now on it is said so; refused when a fact that has to be told is missing."""
    check(kind, body)
    outcome = await desk.handle(f"template-{kind}", SaveTemplate(kind, body, now), about)
    return Response(status_code=204, headers={"ETag": etag(outcome.version)})


@router.post(
    "/templates/{kind}/preview",
    response_model=dict[str, Text],
    responses=problems(UnknownKind, PlaceholderMissing, PlaceholderUnknown),
)
async def preview(kind: str, body: Texts, _: Admin) -> Response:
    """As it would be said, the names of the facts in their places; nothing is saved."""
    check(kind, body)
    facts = {name: f"‹{name}›" for name in KINDS[kind].facts}
    return json_response({name: body.of(name).filled(facts).model_dump() for name in ("id", "en")})


@router.get("/failed", response_model=Page[Lost])
async def failed(
    _: Admin,
    desk: AtDesk,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """Deliveries that were given up, the oldest first; `unsure`: they may have arrived."""
    rows = await queries.failed(desk.reader, _after(cursor), limit + 1)
    following = _cursor(rows[limit - 1]) if len(rows) > limit else None
    shown = [row | {"notification": str(row["notification"]), "at": row["at"].isoformat()} for row in rows]
    return json_response({"items": shown[:limit], "next": following})


def _cursor(row: queries.Row) -> str:
    return encode_cursor(row["at"].isoformat(), str(row["notification"]), row["channel"])


def _after(cursor: str | None) -> tuple[datetime, UUID, str] | None:
    said = decode_cursor(cursor, str, str, str)
    try:
        return (datetime.fromisoformat(said[0]), UUID(said[1]), said[2]) if said else None
    except ValueError:
        raise Malformed("The cursor is not one of ours.") from None


@router.post(
    "/notifications/{notification}/{channel}/retry",
    status_code=204,
    responses={**DONE, **problems(UnknownNotification, NotNow)},
)
async def retry(
    notification: UUID, channel: Channel, _: Admin, desk: AtDesk, about: AboutIt, now: Now
) -> Response:
    """Have it tried again, for an hour; whoever retries what is unsure accepts that it may come twice."""
    await desk.handle(f"notification-{notification}", Retry(channel, now), about)
    return Response(status_code=204)
