"""HTTP: a request becomes a command, the state after it an answer."""

from datetime import date as Date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from mpp.eventsourcing.decider import Forbidden
from mpp.eventsourcing.handler import Outcome
from mpp.eventsourcing.ids import new_id
from mpp.web.answer import json_response
from mpp.web.auth import Actor, Who
from mpp.web.direct import Direct
from mpp.web.openapi import problems
from mpp.web.request import AboutIt, Now
from queue_service import command as c
from queue_service import hall as h
from queue_service import issuing, rules
from queue_service.answers import ticket_answer
from queue_service.desk import AtDesk, Desk, Mall, UnknownMall, own_events
from queue_service.plan import UnknownCounter, UnknownService
from queue_service.ticket import TicketCalled, TicketIssued, UnknownTicket, WrongState

router = APIRouter(route_class=Direct)
STAFF = ("officer", "supervisor", "mall-admin", "national-admin")
CHANNELS: dict[str, tuple[str, ...]] = {  # who may issue through which channel; web and mobile need no token
    "kiosk": ("kiosk", "supervisor", "mall-admin", "national-admin"),
    "counter": STAFF,
    "telegram": ("citizen", "system"),
}
OWN = (
    "cancel",
    "rejoin",
    "near",
    "add-service",
    "drop-service",
)  # what the holder of a ticket may do with its secret
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]


class Wanted(BaseModel):
    """A ticket asked for."""

    model_config = ConfigDict(extra="forbid")
    mall: Id = Field(description="code or slug")
    service: Id = Field(description="the service's code in the catalog")
    channel: c.Channel
    priority: Id | None = Field(None, description="a priority class: elderly, disabled or pregnant")
    also: Annotated[list[Id], Field(max_length=7)] = Field([], description="other services of this visit")


class Act(BaseModel):
    """What goes with an action on a ticket."""

    model_config = ConfigDict(extra="forbid")
    secret: Annotated[str, Field(max_length=64)] | None = Field(
        None, description="the ticket's, for its holder"
    )
    line: Id | None = Field(None, description="transfer: to this line")
    counter: Id | None = Field(None, description="transfer: to this counter; resume: at this counter")
    service: Id | None = Field(None, description="add-service, drop-service: which")
    onward: Id | None = Field(None, description="complete: the next service of the visit, here and now")
    nth: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="near: tell me when I am the n-th; null: don't"
    )


class Quick(BaseModel):
    """A service given at once, without a wait."""

    model_config = ConfigDict(extra="forbid")
    service: Id


class EstimateOut(BaseModel):
    p50_minutes: float | None
    p90_minutes: float | None
    unknown: str | None = Field(description="why nothing honest can be said: no-counter or paused")


class StepOut(BaseModel):
    service: str
    line: str
    status: str
    position: int | None = None
    estimate: EstimateOut | None = None


class MessageOut(BaseModel):
    id: UUID
    kind: str
    minutes: int | None
    closes_at: str | None
    at: str


class WhyOut(BaseModel):
    id: str = Field(description="in Indonesian")
    en: str = Field(description="in English")


class TicketOut(BaseModel):
    id: UUID
    mall: str
    date: Date | None
    number: str
    line: str
    service: str
    status: str
    position: int | None
    estimate: EstimateOut
    counter: str | None
    counter_title: str | None
    issued_at: str
    slot: str | None = Field(description="when it was booked for")
    near: int | None = Field(description="its holder is told when it is the n-th")
    heard_at: str | None = Field(description="when a board had spoken its last call")
    journey: list[StepOut] = Field(description="the services of a visit that has several")
    messages: list[MessageOut] = Field(description="what those who wait are told, while it holds")
    why: WhyOut | None = Field(description="why it was called, in one sentence")


class IssuedOut(TicketOut):
    secret: str


def answer(outcome: Outcome, ticket: UUID, mall: Mall, desk: Desk, now: Now, status: int = 200) -> Response:
    state = outcome.state
    told = ticket_answer(state, state.ticket(ticket), mall, max(now, state.last_at))
    if status == 201:
        told["secret"] = desk.secret(ticket)
    return json_response(told, status)


@router.post(
    "/tickets",
    status_code=201,
    response_model=IssuedOut,
    responses=problems(
        UnknownMall,
        UnknownService,
        issuing.MallClosed,
        issuing.LineClosed,
        issuing.LinePaused,
        issuing.LineFull,
        issuing.QuotaUsed,
        issuing.UnknownPriority,
        issuing.TooManyServices,
    ),
)
async def issue(wanted: Wanted, desk: AtDesk, who: Who, about: AboutIt, now: Now) -> Response:
    """Take a number. The same Idempotency-Key gives the same ticket again."""
    mall = await desk.mall(wanted.mall)
    if wanted.channel in CHANNELS:
        who.require(*CHANNELS[wanted.channel], mall=None if wanted.channel == "telegram" else mall.code)
    citizen = who.id if "citizen" in who.roles else None
    also = tuple(wanted.also)
    command = c.IssueTicket(now, new_id(), wanted.service, wanted.channel, wanted.priority, citizen, also)
    outcome = await desk.give(mall, command, about)
    ticket = own_events(outcome, TicketIssued).ticket
    desk.remember(ticket, outcome.stream)
    return answer(outcome, ticket, mall, desk, now, 201)


@router.get("/tickets/{ticket}", response_model=TicketOut, responses=problems(UnknownTicket))
async def show(ticket: UUID, desk: AtDesk, now: Now) -> Response:
    """Where a ticket stands now."""
    stream = await desk.hall_of(ticket)
    mall, seen = await desk.mall(h.mall_and_day(stream)[0]), await desk.folds.read(desk.reader, stream)
    return json_response(
        ticket_answer(seen.state, seen.state.ticket(ticket), mall, max(now, seen.state.last_at))
    )


ACTIONS: dict[str, type[c.OfTicket]] = {
    "cancel": c.Cancel,
    "recall": c.Recall,
    "start": c.Start,
    "complete": c.Complete,
    "hold": c.Hold,
    "resume": c.Resume,
    "miss": c.Miss,
    "rejoin": c.Rejoin,
    "transfer": c.Transfer,
    "near": c.WishNear,
    "add-service": c.AddService,
    "drop-service": c.DropService,
}
Action = Literal[
    "cancel",
    "recall",
    "start",
    "complete",
    "hold",
    "resume",
    "miss",
    "rejoin",
    "transfer",
    "near",
    "add-service",
    "drop-service",
]


@router.post(
    "/tickets/{ticket}/{action}",
    response_model=TicketOut,
    responses=problems(UnknownTicket, UnknownCounter, WrongState, issuing.CounterBusy, rules.RejoinRefused),
)
async def act(
    ticket: UUID, action: Action, desk: AtDesk, who: Who, about: AboutIt, now: Now, body: Act | None = None
) -> Response:
    """Move a ticket on: officers of its mall, and its holder for cancel and rejoin."""
    body = body or Act()
    stream = await desk.hall_of(ticket)
    mall = await desk.mall(h.mall_and_day(stream)[0])
    own = action in OWN and desk.is_secret(ticket, body.secret)
    if not own:
        await _may_act(who, ticket, stream, mall, desk, body.counter if action == "resume" else None)
    command = ACTIONS[action](now, ticket, **_wishes(action, body, own))
    return answer(await desk.handle(stream, command, about), ticket, mall, desk, now)


def _wishes(action: Action, body: Act, own: bool) -> dict[str, Any]:
    """What a command is told besides the ticket."""
    match action:
        case "resume":
            return {"counter": body.counter}
        case "transfer":
            return {"line": body.line, "counter": body.counter}
        case "complete":
            return {"onward": body.onward}
        case "near":
            return {"nth": body.nth}
        case "add-service":
            return {"service": body.service or "", "limited": own}
        case "drop-service":
            return {"service": body.service or ""}
    return {}


async def _may_act(
    who: Actor, ticket: UUID, stream: str, mall: Mall, desk: Desk, to: str | None = None
) -> None:
    """Staff of the mall; somebody of one agency where its people work: at the ticket's counter or line."""
    who.require(*STAFF, mall=mall.code)
    if who.agencies is None:
        return
    hall: h.Hall = (await desk.folds.read(desk.reader, stream)).state
    found, counters = hall.ticket(ticket), hall.plan.counters if hall.plan else {}
    at = [c for c in counters.values() if (c.id == found.counter if found.counter else found.line in c.lines)]
    if at and not any(who.may(*STAFF, mall=mall.code, agency=c.agency or None) for c in at):
        raise Forbidden("This ticket is another agency's.")
    if to and to in counters:
        who.require(*STAFF, mall=mall.code, agency=counters[to].agency or None)


async def staffed(counter: str, desk: Desk, who: Actor) -> Mall:
    """The mall of a counter at which this actor may work."""
    mall = await desk.mall_of_counter(counter)
    who.require(*STAFF, mall=mall.code, agency=mall.agencies[counter] or None)
    return mall


@router.post(
    "/counters/{counter}/call-next",
    response_model=TicketOut,
    responses={
        204: {"description": "Nobody waits."},
        **problems(UnknownCounter, issuing.CounterBusy, issuing.MallClosed),
    },
)
async def call_next(
    counter: Annotated[Id, Path()], desk: AtDesk, who: Who, about: AboutIt, now: Now
) -> Response:
    """Call whoever is first for this counter."""
    mall = await staffed(counter, desk, who)
    outcome = await desk.give(mall, c.CallNext(now, counter), about)
    called = own_events(outcome, TicketCalled)
    return answer(outcome, called.ticket, mall, desk, now) if called else Response(status_code=204)


@router.post(
    "/counters/{counter}/quick-serve",
    status_code=201,
    response_model=IssuedOut,
    responses=problems(UnknownCounter, UnknownService, issuing.CounterBusy, issuing.MallClosed),
)
async def quick_serve(
    counter: Annotated[Id, Path()], quick: Quick, desk: AtDesk, who: Who, about: AboutIt, now: Now
) -> Response:
    """Serve somebody who stands at the counter: a ticket that is being served at once."""
    mall = await staffed(counter, desk, who)
    outcome = await desk.give(mall, c.QuickServe(now, new_id(), quick.service, counter), about)
    return answer(outcome, own_events(outcome, TicketIssued).ticket, mall, desk, now, 201)
