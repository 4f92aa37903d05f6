"""The desk: what every endpoint needs to find: which mall, which hall, its state, a ticket's secret."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
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
from queue_service import booking, views
from queue_service.codes import Codes
from queue_service.command import At, ExpectBookings, OpenHall
from queue_service.hall import Hall, mall_and_day, stream_of
from queue_service.plan import Plan, UnknownCounter
from queue_service.rules import HallNotOpened
from queue_service.slots import Offered
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
        self.public_url = running.settings.public_url or ""
        self.codes = Codes(running.settings.secret_key, running.settings.booking_keys)
        self._malls: dict[str, Mall] = {}
        self._looked, self._heard = -FRESH_SECONDS, -1
        self._halls: OrderedDict[UUID, str] = OrderedDict()
        self._opening: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def secret(self, id: UUID, kind: str = "ticket") -> str:  # noqa: A002
        return self._holder.secret(kind, id)

    def is_secret(self, id: UUID, said: str | None, kind: str = "ticket") -> bool:  # noqa: A002
        return self._holder.is_secret(kind, id, said)

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

    async def give(
        self, mall: Mall, command: At, about: About, first: Sequence[Step] = (), day: date | None = None
    ) -> Outcome:
        """Decide a command on the mall's day; the first one opens it. `first` are decided with it."""
        stream = stream_of(mall.code, day or mall.day(command.at))
        steps = [*first, Step(stream, command)]
        try:
            return await self.handle.all(steps, about)
        except HallNotOpened:
            opening = self._opening.setdefault(stream, asyncio.Lock())
            async with opening:  # many come at once in the morning; one brings the plan
                return await self._open(stream, mall, command, steps, about)

    async def _open(
        self, stream: str, mall: Mall, command: At, steps: Sequence[Step], about: About
    ) -> Outcome:
        try:
            return await self.handle.all(steps, about)
        except HallNotOpened:
            day = mall_and_day(stream)[1]
            plan = Plan.of(mall.code, day, await views.facts_of(self.reader, mall.code))
            opening: list[Step] = [Step(stream, OpenHall(command.at, plan))]
            booked = (await self.folds.read(self.reader, booking.stream_of(mall.code, day))).state
            if expected := booked.expected():
                opening.append(Step(stream, ExpectBookings(command.at, expected)))
            return await self.handle.all([*opening, *steps], about)

    async def book(
        self, mall: Mall, day: date, command: booking.At, about: About, first: Sequence[Step] = ()
    ) -> Outcome:
        """Decide a command on the slots of a day; the first one brings what is offered."""
        stream = booking.stream_of(mall.code, day)
        try:
            return await self.handle.all([*first, Step(stream, command)], about)
        except booking.NotOffered:
            offering = self._opening.setdefault(stream, asyncio.Lock())
            async with offering:
                offer = Step(stream, booking.OfferSlots(command.at, await self.offered(mall, day)))
                return await self.handle.all([offer, *first, Step(stream, command)], about)

    async def offered(self, mall: Mall, day: date) -> Offered:
        return Offered.of(Plan.of(mall.code, day, await views.facts_of(self.reader, mall.code)))

    async def slots(self, mall: Mall, day: date) -> booking.SlotDay:
        """The slots of a day as they are; of a day for which nobody booked yet, what it will offer."""
        seen = await self.folds.read(self.reader, booking.stream_of(mall.code, day))
        if seen.version:
            state: booking.SlotDay = seen.state
            return state
        return booking.SlotDay(offered=await self.offered(mall, day))

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
