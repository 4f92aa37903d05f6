"""Citizens: they take a number, look at it, sometimes give up, and sometimes come back too late."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import httpx

from mpp_node.simulate.arrivals import Person
from mpp_node.simulate.client import Client, Refused
from mpp_node.simulate.events import events
from mpp_node.simulate.floor import QUEUE, Floor
from mpp_node.simulate.record import Visit

ENDED = ("completed", "cancelled", "lapsed")
OVER = (*ENDED, "missed")  # who missed a call may come back
TURNED_AWAY = ("mall-closed", "line-closed", "line-full", "quota-used")
NO_LONGER = ("check-in-late", "check-in-early", "booking-ended", "booking-cancelled", "mall-closed")
FOLLOWERS = 40  # live pages open at a time
PAUSE = 0.3  # real seconds before a broken live page is opened again
LATE = 20.0  # real seconds that the last word of a live page may take


class Citizens:
    """Everybody who comes, at the kiosks of the hall or with a browser."""

    def __init__(
        self,
        floor: Floor,
        kiosks: list[Client],
        browsers: list[Client],
        phone: Client,
        booked: Mapping[int, dict[str, Any]],
    ) -> None:
        self._floor, self._kiosks, self._browsers, self._phone = floor, kiosks, browsers, phone
        self._booked = booked
        self.pages: dict[str, str] = {}  # ticket → the status its live page told last
        self._following = 0
        self._news = asyncio.Event()

    async def visit(self, person: Person) -> None:
        """The whole visit of one person, or what is left of it."""
        floor = self._floor
        visit = floor.record.of_person.get(person.n)
        if visit is None:
            await floor.clock.until(self._comes(person))
            visit = await self._check_in(person) or await self._take_number(person)
        if visit is None:
            return
        if person.follows and self._following < FOLLOWERS and visit.status not in OVER:
            self._following += 1
            floor.watch(self._follow(visit))
        if visit.status == "missed":
            await self.come_back(visit, person)
        await self._wait(visit, person)

    def _comes(self, person: Person) -> datetime:
        """Who booked comes for the slot, as early or late as he is; others as they come."""
        booking = self._booked.get(person.n)
        if booking is None:
            return self._floor.moment(person.arrives)
        return datetime.fromisoformat(booking["slot"]) - timedelta(minutes=person.early)

    async def _check_in(self, person: Person) -> Visit | None:
        """By the code of the booking, at a kiosk; who is too late takes a number like anybody."""
        floor, booking = self._floor, self._booked.get(person.n)
        if booking is None:
            return None
        here = {"code": booking["code"], "mall": floor.mall.slug}
        if person.priority:
            here["priority"] = person.priority
        kiosk = self._kiosks[person.n % len(self._kiosks)]
        try:
            answer = await kiosk.post(f"{QUEUE}/check-ins", here, floor.id_of(f"check-in of {person.n}"))
        except Refused as refusal:
            if refusal.code not in NO_LONGER:
                raise
            return None
        return floor.issued(person.n, answer)

    async def _take_number(self, person: Person) -> Visit | None:
        floor = self._floor
        asked: dict[str, Any] = {
            "mall": floor.mall.slug,
            "service": person.service,
            "channel": person.channel,
        }
        if person.priority:
            asked["priority"] = person.priority
        if person.also:
            asked["also"] = [person.also]
        key = floor.id_of(f"ticket of {person.n}")
        try:
            answer = await self._client(person).post(f"{QUEUE}/tickets", asked, key)
        except Refused as refusal:
            if refusal.code not in TURNED_AWAY:
                raise
            floor.record.add("refused", floor.clock.now, person=person.n, why=refusal.code)
            return None
        return floor.issued(person.n, answer)

    async def _wait(self, visit: Visit, person: Person) -> None:
        """Look at the ticket now and then; some lose patience."""
        clock = self._floor.clock
        if person.nth and visit.status == "waiting":
            await self._wish(visit, person)
        plans = [(minutes, False) for minutes in person.looks]
        plans += [(person.gives_up, True)] if person.gives_up else []
        for minutes, leaves in sorted(plans):
            moment = visit.issued_at + timedelta(minutes=minutes)
            if moment < clock.now:
                continue
            await clock.until(moment)
            if visit.status not in ("waiting", "called"):
                return
            if leaves:
                return await self._cancel(visit, person)
            await self._client(person).get(f"{QUEUE}/tickets/{visit.id}")

    async def _wish(self, visit: Visit, person: Person) -> None:
        body = {"secret": visit.secret, "nth": person.nth}
        try:
            await self._client(person).post(f"{QUEUE}/tickets/{visit.id}/near", body)
        except Refused as refusal:
            if refusal.code != "wrong-state":
                raise

    async def _cancel(self, visit: Visit, person: Person) -> None:
        try:
            answer = await self._act(visit, person, "cancel")
        except Refused as refusal:
            if refusal.code != "wrong-state":
                raise
            return  # served, missed or sent on a moment before
        self._floor.moved(visit, answer)

    async def come_back(self, visit: Visit, person: Person) -> None:
        """Who missed the call asks to be let in again; it may be too late."""
        floor = self._floor
        if person.comes_back is None or visit.returns:
            return
        await floor.clock.until(visit.since + timedelta(minutes=person.comes_back))
        if floor.clock.now >= floor.mall.last_ticket:
            return
        try:
            answer = await self._act(visit, person, "rejoin")
        except Refused as refusal:
            if refusal.code != "rejoin-refused":
                raise
            return
        floor.moved(visit, answer)

    async def _act(self, visit: Visit, person: Person, action: str) -> Any:
        path = f"{QUEUE}/tickets/{visit.id}/{action}"
        return await self._client(person).post(path, {"secret": visit.secret})

    def _client(self, person: Person) -> Client:
        if person.channel == "kiosk":
            return self._kiosks[person.n % len(self._kiosks)]
        browser = self._browsers[person.n % len(self._browsers)]
        return browser.of(self._floor.token("citizen", str(person.n))) if person.signed_in else browser

    async def _follow(self, visit: Visit) -> None:
        """Keep the ticket's live page open, in real time, until the visit is over."""
        path = f"{QUEUE}/tickets/{visit.id}/live"
        self.pages[visit.id] = ""
        while self.pages[visit.id] not in ENDED:
            with suppress(httpx.HTTPError):
                async for event in events(self._phone, path):
                    if event.name == "ticket":
                        self.pages[visit.id] = event.data["status"]
                        self._news.set()
                    if self.pages[visit.id] in ENDED:
                        break
            await asyncio.sleep(PAUSE)
        self._following -= 1

    async def told(self) -> None:
        """Until every live page told an end, or it is too late."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LATE):
                while not all(status in OVER for status in self.pages.values()):
                    self._news.clear()
                    await self._news.wait()
