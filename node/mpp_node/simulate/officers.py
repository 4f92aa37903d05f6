"""Officers: one at every counter, who call, serve, wait for papers, send on, and give up on no-shows."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from mpp_node.simulate.arrivals import Person, stranger
from mpp_node.simulate.citizens import Citizens
from mpp_node.simulate.client import Client, Refused
from mpp_node.simulate.eve import LUNCH, lunch
from mpp_node.simulate.floor import QUEUE, Floor
from mpp_node.simulate.mall import Counter
from mpp_node.simulate.record import Visit

LOOKS_UP = 15.0  # minutes after which an idle officer presses the button anyway
LATE = 0.1  # share of officers who are late, by up to three quarters of an hour
LONGEST_DAY = timedelta(hours=6)  # after closing; then everybody goes home


@dataclass(slots=True)
class Held:
    """Somebody who fetches what is missing."""

    visit: Visit
    back: datetime
    minutes: float


class Officer:
    """One counter's officer for the day."""

    def __init__(self, floor: Floor, citizens: Citizens, counter: Counter, turn: int, client: Client) -> None:
        self._floor, self._citizens, self._counter, self._client = floor, citizens, counter, client
        self._clock, self._mall = floor.clock, floor.mall
        self._chance = Random(f"{floor.seed} {floor.mall.day} {counter.id}")
        self._lunch: datetime | None = lunch(floor, turn)
        if self._clock.now > self._lunch:
            self._lunch = None
        self._held = [Held(v, self._clock.now, 3.0) for v in floor.record.visits.values() if self._holds(v)]

    def _holds(self, visit: Visit) -> bool:
        return visit.status == "held" and visit.counter == self._counter.id

    async def work(self) -> None:
        """From the opening until nobody is left."""
        late = self._chance.uniform(5, 45) if self._chance.random() < LATE else self._chance.uniform(0, 4)
        await self._clock.until(self._mall.opens + timedelta(minutes=late))
        await self._seat("sit-down")
        while self._clock.now < self._mall.closes + LONGEST_DAY:
            try:
                if not await self._next():
                    await self._seat("leave")
                    return
            except Refused as refusal:
                self._floor.surprises.append(str(refusal))
                await self._clock.wait(1)

    async def _next(self) -> bool:
        """One thing after the other; whether the officer stays."""
        now = self._clock.now
        if self._lunch and now >= self._lunch:
            self._lunch = None
            back_at = now + timedelta(minutes=LUNCH)
            await self._seat("pause", reason="lunch", until=back_at.isoformat())
            await self._clock.until(back_at)
            await self._seat("reopen")
        elif back := next((held for held in self._held if held.back <= now), None):
            self._held.remove(back)
            if not await self._resume(back):
                self._held.append(replace(back, back=now + timedelta(minutes=1)))
                if visit := await self._call():
                    await self._receive(visit)
        elif visit := await self._call():
            await self._receive(visit)
        elif now >= self._mall.closes and not self._held:
            return False
        else:
            await self._idle()
        return True

    async def _seat(self, action: str, **body: str) -> None:
        """Who is away or there is known to the estimates; a counter that has somebody stays."""
        try:
            await self._client.post(f"{QUEUE}/counters/{self._counter.id}/{action}", body)
        except Refused as refusal:
            if refusal.code not in ("counter-busy", "hall-not-opened"):
                raise

    async def _idle(self) -> None:
        until = [self._clock.now + timedelta(minutes=LOOKS_UP), *(held.back for held in self._held)]
        until += [
            moment for moment in (self._lunch, self._mall.closes) if moment and moment > self._clock.now
        ]
        await self._clock.until(min(until), *self._floor.bells_of(self._counter.id, self._counter.lines))
        await self._clock.wait(self._chance.uniform(0.05, 0.3))

    async def _call(self) -> Visit | None:
        """Call next; a counter that has somebody already goes on with them."""
        try:
            answer = await self._client.post(f"{QUEUE}/counters/{self._counter.id}/call-next", {})
        except Refused as refusal:
            if refusal.code != "counter-busy":
                raise
            answer = await self._client.get(f"{QUEUE}/tickets/{refusal.problem['ticket']}")
            visit = self._met(answer)
            self._floor.moved(visit, answer)
            return visit
        if answer is None:
            return None
        visit = self._met(answer)
        self._heard(visit, "call")
        return visit

    def _met(self, answer: dict[str, Any]) -> Visit:
        return self._floor.record.visits.get(answer["id"]) or self._floor.issued(0, answer)

    def _heard(self, visit: Visit, kind: str) -> None:
        facts = {"ticket": visit.id, "counter": self._counter.id, "kind": kind}
        self._floor.record.add("called", self._clock.now, **facts)

    def _person(self, visit: Visit) -> Person:
        typical = {s.code: s.minutes for s in self._mall.services}.get(visit.service, 10.0)
        return self._floor.people.get(visit.person) or stranger(self._chance, typical)

    async def _receive(self, visit: Visit) -> None:
        """Wait for the one who was called, call again, give up."""
        person = self._person(visit)
        if visit.status != "serving":
            if person.hears > 1 and visit.calls < 2:
                await self._clock.wait(1.5)
                if await self._act(visit, "recall") is None:
                    return
                if person.hears > 2:
                    await self._clock.wait(1)
                    if await self._act(visit, "miss"):
                        self._floor.actor(self._citizens.come_back(visit, person))
                    return
            await self._clock.wait(self._chance.uniform(0.1, 0.6))
            if await self._act(visit, "start") is None:
                return
        await self._serve(visit, person)

    async def _serve(self, visit: Visit, person: Person) -> None:
        early = self._clock.now < self._mall.last_ticket
        if person.misplaced and visit.returns + visit.done == 0 and early:
            await self._clock.wait(min(person.minutes, 2))
            await self._act(visit, "transfer", **self._elsewhere())
        elif person.fetches and not any(held.visit is visit for held in self._held):
            await self._clock.wait(person.minutes / 2)
            if await self._act(visit, "hold"):
                back = self._clock.now + timedelta(minutes=person.fetches)
                self._held.append(Held(visit, back, person.minutes / 2))
        else:
            await self._finish(visit, person.minutes)

    async def _resume(self, held: Held) -> bool:
        """Whether the counter was free for who comes back: on a day that goes on it may have somebody."""
        try:
            resumed = await self._act(held.visit, "resume", counter=self._counter.id)
        except Refused as refusal:
            if refusal.code != "counter-busy":
                raise
            return False
        if resumed:
            await self._finish(held.visit, held.minutes)
        return True

    async def _finish(self, visit: Visit, minutes: float) -> None:
        """One service after the other, as far as this counter serves them; the rest is waited for."""
        await self._clock.wait(minutes)
        person = self._floor.people.get(visit.person)
        also = person.also if person and visit.service != person.also else None
        line = {s.code: s.line for s in self._mall.services}.get(also or "")
        if also and line in self._counter.lines and await self._act(visit, "complete", onward=also):
            await self._clock.wait(minutes)
            await self._act(visit, "complete")
        else:
            await self._act(visit, "complete")
        await self._clock.wait(self._chance.uniform(0.1, 0.4))

    def _elsewhere(self) -> dict[str, str]:
        """Another line of the same agency, else another of the mall; or a colleague's counter."""
        own = [c for c in self._mall.counters if c.agency == self._counter.agency and c is not self._counter]
        if own and self._chance.random() < 0.4:
            return {"counter": self._chance.choice(own).id}
        near = {line for counter in [self._counter, *own] for line in counter.lines}
        far = {service.line for service in self._mall.offered}
        lines = sorted(near - {self._counter.lines[0]}) or sorted(far - near) or sorted(near)
        return {"line": self._chance.choice(lines)}

    async def _act(self, visit: Visit, action: str, **body: str) -> dict[str, Any] | None:
        """Move the ticket on; None when its holder cancelled it a moment before."""
        path = f"{QUEUE}/tickets/{visit.id}"
        try:
            answer: dict[str, Any] = await self._client.post(f"{path}/{action}", body)
        except Refused as refusal:
            if refusal.code == "invalid" and "onward" in body:
                return None  # that service was done before
            if refusal.code not in ("wrong-state", "forbidden"):
                raise
            answer = await self._client.get(path)
            elsewhere = answer["journey"] and answer["counter"] != self._counter.id
            if answer["status"] != "cancelled" and not elsewhere:  # with its next service at another counter
                raise
            return None
        if action == "recall":
            self._heard(visit, "recall")
        else:
            self._floor.moved(visit, answer)
        return answer
