"""What admins change over HTTP: a request becomes a command, and the mall's next version its answer."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response

from catalog_service import permission, queries, rules
from catalog_service.answers import Place, Written
from catalog_service.api import Here
from catalog_service.command import MALL, Command, Letter, Reason, ServiceCode, Slug, Text
from catalog_service.counter import CounterId, CounterTerms, DefineCounter
from catalog_service.document import ImportMall
from catalog_service.handling import handle
from catalog_service.hours import DayTerms, OverrideDay, RestoreDay, SetHolidays, SetHours
from catalog_service.line import CloseLine, DefineLine, LineTerms, OpenLine
from catalog_service.mall import DefineMall, MallTerms, NoSuchMall
from catalog_service.national import national, this_and_next
from catalog_service.rules import IfVersion
from catalog_service.standard import PublishService, ServiceTerms, WithdrawService
from catalog_service.tenant import OpenTenant, TenantTerms
from mpp.eventsourcing.decider import Rejected
from mpp.eventsourcing.handler import Outcome
from mpp.eventsourcing.log import About
from mpp.web.answer import etag, json_response
from mpp.web.auth import Actor, Who
from mpp.web.openapi import problems
from mpp.web.request import AboutIt, Db, IfMatch, Now

router = APIRouter()


class SlugTaken(Rejected):
    """Another mall has this slug."""


class HolidayTerms(Command):
    """The holidays of a year by hand; null: as the national calendar has them."""

    days: dict[dt.date, Text] | None = None


class Closing(Command):
    """Why a line is closed."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one mall under way: who asks, and which version they saw."""

    place: Place
    actor: Actor
    db: asyncpg.Connection
    about: About
    expected: int | None

    async def whole(self, command: Command) -> Response:
        """A change that concerns every agency."""
        permission.whole(self.actor, self.place.code)
        return await self.make(command)

    async def part(self, command: Command, **concerned: Any) -> Response:
        """A change that concerns some agencies, see permission.part."""
        await permission.part(self.actor, self.db, self.place.code, **concerned)
        return await self.make(command)

    async def make(self, command: Command) -> Response:
        return written(await commanded(self.place.code, command, self.about, self.expected))


async def change(place: Here, actor: Who, db: Db, about: AboutIt, expected: IfMatch) -> Change:
    return Change(place, actor, db, about, expected)


Changing = Annotated[Change, Depends(change)]


async def commanded(code: str, command: Command | ImportMall, about: About, expected: int | None) -> Outcome:
    """Hand a command to the mall; with `expected` for that version only."""
    return await handle(
        rules.stream(code), command if expected is None else IfVersion(expected, command), about
    )


def written(outcome: Outcome, status: int = 200) -> Response:
    mall = outcome.stream.removeprefix("mall-")
    answer = Written(mall=mall, version=outcome.version, changes=len(outcome.events))
    return json_response(answer.model_dump(), status, {"ETag": etag(outcome.version)})


async def free_slug(db: asyncpg.Connection, slug: str, code: str) -> None:
    """Refuse a slug that another mall has."""
    other = await queries.find(db, slug)
    if other and other.code != code:
        raise SlugTaken(f"{slug} is mall {other.code}", field="slug")


@router.put(
    "/malls/{slug}",
    response_model=Written,
    responses={201: {"description": "The mall is new", "model": Written}, **problems(SlugTaken)},
)
async def define_mall(
    slug: Annotated[str, Path(description="slug or code of a mall; the code of a new one")],
    body: MallTerms,
    actor: Who,
    db: Db,
    about: AboutIt,
    expected: IfMatch,
    now: Now,
) -> Response:
    known = await queries.find(db, slug)
    if known is None and not re.fullmatch(MALL, slug):
        raise NoSuchMall("a new mall is put under its code, such as 7406")
    code = known.code if known else slug
    if known is None:
        actor.require("national-admin", mall=code)
    permission.whole(actor, code)
    await free_slug(db, body.slug, code)
    command = DefineMall(code=code, **dict(body), holidays=this_and_next(now.date()))
    outcome = await commanded(code, command, about, expected)
    begun = outcome.version == len(outcome.events) > 0
    return written(outcome, 201 if begun else 200)


@router.put("/malls/{slug}/hours", response_model=Written)
async def set_hours(body: SetHours, change: Changing) -> Response:
    return await change.whole(body)


@router.put("/malls/{slug}/holidays/{year}", response_model=Written)
async def set_holidays(
    year: Annotated[int, Path(ge=2000, le=2100)], change: Changing, body: HolidayTerms | None = None
) -> Response:
    by_hand = body.days if body else None
    return await change.whole(national(year) if by_hand is None else SetHolidays(year=year, days=by_hand))


@router.put("/malls/{slug}/days/{date}", response_model=Written)
async def override_day(date: dt.date, body: DayTerms, change: Changing) -> Response:
    return await change.whole(OverrideDay(date=date, **dict(body)))


@router.delete("/malls/{slug}/days/{date}", response_model=Written)
async def restore_day(date: dt.date, change: Changing) -> Response:
    return await change.whole(RestoreDay(date=date))


@router.put("/malls/{slug}/agencies/{agency}", response_model=Written)
async def open_tenant(agency: Slug, body: TenantTerms, change: Changing) -> Response:
    return await change.part(OpenTenant(agency=agency, **dict(body)), agencies=[agency])


@router.put("/malls/{slug}/services/{code}", response_model=Written)
async def publish_service(code: ServiceCode, body: ServiceTerms, change: Changing) -> Response:
    command = PublishService(code=code, **dict(body))
    return await change.part(command, agencies=[body.agency], services=[code])


@router.delete("/malls/{slug}/services/{code}", response_model=Written)
async def withdraw_service(code: ServiceCode, change: Changing) -> Response:
    return await change.part(WithdrawService(code=code), services=[code])


@router.put("/malls/{slug}/lines/{line}", response_model=Written)
async def define_line(line: Letter, body: LineTerms, change: Changing) -> Response:
    command = DefineLine(line=line, **dict(body))
    return await change.part(command, services=body.services, lines=[line])


@router.post("/malls/{slug}/lines/{line}/close", response_model=Written)
async def close_line(line: Letter, body: Closing, change: Changing) -> Response:
    command = CloseLine(line=line, reason=body.reason)
    return await change.part(command, roles=permission.KEEPERS, lines=[line])


@router.post("/malls/{slug}/lines/{line}/open", response_model=Written)
async def open_line(line: Letter, change: Changing) -> Response:
    return await change.part(OpenLine(line=line), roles=permission.KEEPERS, lines=[line])


@router.put("/malls/{slug}/counters/{counter}", response_model=Written)
async def define_counter(counter: CounterId, body: CounterTerms, change: Changing) -> Response:
    agencies = [body.agency] if body.agency else []
    command = DefineCounter(counter=counter, **dict(body))
    return await change.part(command, agencies=agencies, lines=body.lines, counter=counter)
