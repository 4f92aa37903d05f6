"""HTTP for those who work at a counter: sitting down, pausing, leaving."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from mpp.eventsourcing.decider import Invalid
from mpp.web.answer import json_response
from mpp.web.auth import Who
from mpp.web.openapi import problems
from mpp.web.request import AboutIt, Now
from queue_service import command as c
from queue_service import issuing
from queue_service.api import Id, staffed
from queue_service.desk import AtDesk
from queue_service.hall import UNMANNED, Hall
from queue_service.plan import UnknownCounter, UnknownService

router = APIRouter()


class Seat(BaseModel):
    model_config = ConfigDict(extra="forbid")
    skills: list[Id] | None = Field(
        None, description="sit-down: the services this officer knows; null: all of the counter's lines"
    )
    reason: Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,30}$")] | None = Field(
        None, description="pause: a word, such as `break`"
    )
    until: AwareDatetime | None = Field(None, description="pause: until when, if that is known")


class SeatOut(BaseModel):
    counter: str
    staffed: bool
    skills: list[str] | None
    paused: str | None
    until: str | None


@router.post(
    "/counters/{counter}/{action}",
    response_model=SeatOut,
    responses=problems(UnknownCounter, UnknownService, issuing.CounterBusy, issuing.MallClosed),
)
async def sit(
    counter: Annotated[Id, Path()],
    action: Literal["sit-down", "pause", "reopen", "leave"],
    desk: AtDesk,
    who: Who,
    about: AboutIt,
    now: Now,
    body: Seat | None = None,
) -> Response:
    """Begin to work at a counter, pause it, open it again, leave it; estimates count who is there."""
    body = body or Seat()
    mall = await staffed(counter, desk, who)
    if action == "sit-down":
        skills = None if body.skills is None else tuple(body.skills)
        command: c.OfCounter = c.SitDown(now, counter, who.id, skills)
    elif action == "pause":
        if body.until and body.until <= now:
            raise Invalid("a pause ends later than now")
        command = c.PauseCounter(now, counter, body.reason or "break", body.until)
    else:
        command = (c.ReopenCounter if action == "reopen" else c.LeaveCounter)(now, counter)
    hall: Hall = (await desk.give(mall, command, about)).state
    seat = hall.desks.get(counter, UNMANNED)
    return json_response(
        {
            "counter": counter,
            "staffed": seat.officer is not None,
            "skills": None if seat.skills is None else sorted(seat.skills),
            "paused": seat.paused,
            "until": mall.told(seat.until) if seat.until else None,
        }
    )
