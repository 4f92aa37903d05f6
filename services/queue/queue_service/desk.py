"""The desk: what every endpoint needs to find: which mall, which hall, its state, a ticket's secret."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from time import monotonic
from typing import Annotated, Any
from uuid import UUID
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from mpp.eventsourcing.decider import NotFound
from mpp.eventsourcing.folds import Folds, Seen
from mpp.eventsourcing.handler import Outcome, Step
from mpp.eventsourcing.log import About, Reading
from mpp.service import Running
from mpp.web.holder import Holder
from mpp.web.live import Hub
from queue_service import views
from queue_service.command import At, OpenHall
from queue_service.hall import Hall, stream_of
from queue_service.plan import Plan, UnknownCounter
from queue_service.rules import HallNotOpened
from queue_service.ticket import UnknownTicket

FRESH_SECONDS = 2.0  # how old what is known of malls may be
REMEMBERED_TICKETS = 50_000


class UnknownMall(NotFound):
    """No mall with this code or slug."""


@dataclass(frozen=True, slots=True)
class Mall:
    """A mall by its names, and whose officers sit at its counters."""

    code: str
    slug: str
    title: str
    timezone: str
    agencies: Mapping[str, str] = field(default_factory=dict)  # counter → agency

    def day(self, at: datetime) -> date:
        """The service day of this moment: a date in the mall's zone."""
        return at.astimezone(ZoneInfo(self.timezone)).date()

    def hall(self, at: datetime) -> str:
        return stream_of(self.code, self.day(at))

    def told(self, at: datetime) -> str:
        """RFC 3339, with the offset of the mall's zone."""
        return at.astimezone(ZoneInfo(self.timezone)).isoformat()


class Desk:
    """One per process."""

    def __init__(self, running: Running):
        self.handle, self.reader = running.handle, running.reader
        self.folds, self.hub = Folds(running.handle), Hub()
        self.pages: Any = None  # the live pages, once they are attached
        self.simulated = running.settings.clock == "request"
        self._holder = Holder(running.settings.secret_key)
        self._malls: dict[str, Mall] = {}
        self._looked, self._heard = -FRESH_SECONDS, -1
        self._halls: OrderedDict[UUID, str] = OrderedDict()
        self._opening: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def secret(self, ticket: UUID) -> str:
        return self._holder.secret("ticket", ticket)

    def is_secret(self, ticket: UUID, said: str | None) -> bool:
        return self._holder.is_secret("ticket", ticket, said)

    async def mall(self, named: str) -> Mall:
        """By code or slug. UnknownMall when the catalog never spoke of it."""
        if monotonic() - self._looked > FRESH_SECONDS or named not in self._malls:
            await self._look()
        if named not in self._malls:
            raise UnknownMall(mall=named)
        return self._malls[named]

    async def _look(self) -> None:
        """Read all malls anew when something was heard since."""
        head = await views.facts_head(self.reader)
        if head != self._heard:
            known, agencies = await views.malls(self.reader), await views.agencies(self.reader)
            malls = [
                Mall(m["code"], m["slug"], m["title"], m["timezone"], agencies.get(m["code"], {}))
                for m in known
            ]
            self._malls = {mall.code: mall for mall in malls} | {mall.slug: mall for mall in malls}
            self._heard = head
        self._looked = monotonic()

    async def mall_of_counter(self, counter: str) -> Mall:
        try:
            mall = await self.mall(counter.rpartition("-")[0])
        except UnknownMall:
            raise UnknownCounter(counter=counter) from None
        if counter not in mall.agencies:
            raise UnknownCounter(counter=counter)
        return mall

    async def hall_of(self, ticket: UUID) -> str:
        """The hall that issued this ticket."""
        if ticket not in self._halls:
            stream = await views.hall_of(self.reader, ticket)
            if stream is None:
                raise UnknownTicket
            self.remember(ticket, stream)
        return self._halls[ticket]

    def remember(self, ticket: UUID, stream: str) -> None:
        self._halls[ticket] = stream
        if len(self._halls) > REMEMBERED_TICKETS:
            self._halls.popitem(last=False)

    async def state(self, db: Reading, mall: Mall, day: date) -> Seen:
        """The day as it is; a day that nobody opened yet shows its plan."""
        seen = await self.folds.read(db, stream_of(mall.code, day))
        if seen.version:
            return seen
        return Seen(Hall(plan=Plan.of(mall.code, day, await views.facts_of(db, mall.code))), 0, 0, None)

    async def give(self, mall: Mall, command: At, about: About) -> Outcome:
        """Decide a command on the mall's day; the first one opens it."""
        stream = mall.hall(command.at)
        try:
            return await self.handle(stream, command, about)
        except HallNotOpened:
            opening = self._opening.setdefault(stream, asyncio.Lock())
            async with opening:  # many come at once in the morning; one brings the plan
                return await self._open(stream, mall, command, about)

    async def _open(self, stream: str, mall: Mall, command: At, about: About) -> Outcome:
        try:
            return await self.handle(stream, command, about)
        except HallNotOpened:
            plan = Plan.of(mall.code, mall.day(command.at), await views.facts_of(self.reader, mall.code))
            return await self.handle.all(
                [Step(stream, OpenHall(command.at, plan)), Step(stream, command)], about
            )

    def clock(self, hall: Hall) -> datetime:
        """The time by which a hall is shown; a simulated day has its own."""
        now = datetime.now(UTC)
        if (
            self.simulated
            and hall.plan
            and hall.count
            and hall.plan.date != now.astimezone(ZoneInfo(hall.plan.timezone)).date()
        ):
            return hall.last_at
        return now


async def the_desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(the_desk)]


def own_events(outcome: Outcome, kind: type[Any]) -> Any:
    """The one event of this kind that a command led to, or None."""
    return next((event for event in outcome.events if isinstance(event, kind)), None)
