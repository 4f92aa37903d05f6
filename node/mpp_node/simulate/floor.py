"""The floor: what officers and citizens of one simulated day share."""

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import NAMESPACE_URL, UUID, uuid5

from mpp_node.simulate.arrivals import Person
from mpp_node.simulate.client import Client, Refused, Tally, connections
from mpp_node.simulate.clock import Bell, Clock
from mpp_node.simulate.mall import Mall
from mpp_node.simulate.record import Record, Visit

QUEUE = "/api/queue/v1"
TOKEN_SECONDS = 48 * 3600


class Sign(Protocol):
    """Signs tokens that the node trusts."""

    def __call__(
        self, roles: Sequence[str], *, malls: Sequence[str], agencies: Sequence[str], subject: str, ttl: float
    ) -> str: ...


@dataclass
class Floor:
    """One mall on one day, played against the node at `base`."""

    mall: Mall
    seed: int
    base: str
    sign: Sign
    clock: Clock
    record: Record
    tally: Tally
    people: dict[int, Person]
    tasks: asyncio.TaskGroup
    open_connections: AsyncExitStack
    bells: dict[str, Bell] = field(default_factory=lambda: defaultdict(Bell))
    surprises: list[str] = field(default_factory=list)
    _watching: list[asyncio.Task[None]] = field(default_factory=list)

    async def machine(self, role: str = "", name: str = "", agency: str = "") -> Client:
        """Somebody with connections of their own, and a token for this mall if they have a role."""
        http = await self.open_connections.enter_async_context(connections(self.base))
        return Client(http, self.clock, self.tally, self.token(role, name, agency) if role else "")

    def token(self, role: str, name: str, agency: str = "") -> str:
        """The same name is the same person, each time this day is played."""
        malls, agencies = ([self.mall.code] if role != "citizen" else []), ([agency] if agency else [])
        subject = str(self.id_of(f"{role} {name}"))
        return self.sign([role], malls=malls, agencies=agencies, subject=subject, ttl=TOKEN_SECONDS)

    def id_of(self, what: str) -> UUID:
        """An id that is the same each time this day is played: of a person, of what a person asks."""
        return uuid5(NAMESPACE_URL, f"simulate {self.mall.code} {self.mall.day} {self.seed} {what}")

    def actor(self, acts: Coroutine[Any, Any, None]) -> None:
        """Let somebody act on simulated time."""
        self.clock.start(self.tasks, self._forgiving(acts))

    async def _forgiving(self, acts: Coroutine[Any, Any, None]) -> None:
        try:
            await acts
        except Refused as refusal:
            self.surprises.append(str(refusal))

    def watch(self, looks_on: Coroutine[Any, Any, None]) -> None:
        """Let somebody look on in real time until `dismiss`."""
        self._watching.append(self.tasks.create_task(looks_on))

    def dismiss(self) -> None:
        for task in self._watching:
            task.cancel()

    def moment(self, minutes: float) -> dt.datetime:
        """So many minutes after the opening."""
        return self.mall.opens + dt.timedelta(minutes=minutes)

    def issued(self, person: int, answer: dict[str, Any]) -> Visit:
        """A ticket was acknowledged, or met for the first time."""
        known = ("id", "number", "line", "service", "issued_at")
        facts = {name: answer[name] for name in known} | {"p90": answer["estimate"]["p90_minutes"]}
        facts["lines"] = _lines(answer)
        met = answer["id"] in self.record.visits
        self.record.add("issued", self.clock.now, person=person, secret=answer.get("secret", ""), **facts)
        visit = self.record.visits[answer["id"]]
        if not met and answer["status"] != "waiting":
            self.moved(visit, answer)
        self.ring(visit)
        return visit

    def moved(self, visit: Visit, answer: dict[str, Any]) -> None:
        """The ticket is where this answer says."""
        facts = {name: answer[name] for name in ("status", "line", "counter", "service")}
        facts["lines"] = _lines(answer)
        facts["done"] = sum(step["status"] == "completed" for step in answer["journey"])
        self.record.add("moved", self.clock.now, ticket=visit.id, **facts)
        self.ring(visit)

    def ring(self, visit: Visit) -> None:
        """Who serves the line hears that somebody waits."""
        if visit.status == "waiting":
            for place in [f"@{visit.counter}"] if visit.counter else visit.lines or [visit.line]:
                self.bells[place].ring(self.clock.now)

    def bells_of(self, counter: str, lines: Sequence[str]) -> list[Bell]:
        return [self.bells[place] for place in (f"@{counter}", *lines)]


def _lines(answer: dict[str, Any]) -> list[str]:
    """The lines in which a visit of several services still waits."""
    return [step["line"] for step in answer["journey"] if step["status"] == "waiting"]
