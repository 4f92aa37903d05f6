"""The desk: what every endpoint needs to find: the mall, its calendar, the process, an application."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import holidays
from fastapi import Depends, Request

from mpp.documents import Documents
from mpp.eventsourcing.decider import NotFound
from mpp.eventsourcing.handler import Also
from mpp.eventsourcing.log import About, Unavailable
from mpp.privacy import Vault
from mpp.service import Running
from mpp.web.auth import Actor
from mpp.web.holder import Holder, Links
from mpp.web.problems import VersionMismatch
from tracking_service import queries
from tracking_service.clock import WEEK, Calendar, Hours
from tracking_service.command import UnknownApplication
from tracking_service.process import Process

CAPITAL = "Asia/Jakarta"
STAFF = ("officer", "supervisor", "mall-admin", "national-admin")
Facts = Mapping[tuple[str, str], dict[str, Any]]


class UnknownMall(NotFound):
    """No mall with this code or slug."""


class UnknownProcess(NotFound):
    """There is no such process."""


class UnknownService(NotFound):
    """The mall offers no such service, or nothing can be applied for there."""


@dataclass(frozen=True, slots=True)
class Mall:
    """A mall by its names, with what was heard of it."""

    code: str
    facts: Facts

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.facts.get(("mall", ""), {}).get("timezone", CAPITAL))

    def told(self, at: datetime | None) -> str | None:
        """RFC 3339, with the offset of the mall's zone."""
        return at.astimezone(self.zone).isoformat() if at else None

    def title(self, kind: str, key: str) -> str:
        return str(self.facts.get((kind, key), {}).get("title", key))

    def calendar(self, at: datetime) -> Calendar:
        """As known now; holidays as the catalog tells them, else as the library has them."""
        closed: set[Date] = set()
        year = at.astimezone(self.zone).year
        for each in (year - 1, year, year + 1, year + 2):
            told = self.facts.get(("holidays", str(each)))
            closed |= {Date.fromisoformat(day) for day in told["days"]} if told else national(each)
        week = self.facts.get(("hours", ""), {}).get("week")
        special = {
            Date.fromisoformat(key): hours(fact.get("hours"))
            for (kind, key), fact in self.facts.items()
            if kind == "day"
        }
        own = tuple(hours(day) for day in week) if week else WEEK
        return Calendar(self.zone.key, own, frozenset(closed), special)


def hours(told: Mapping[str, str] | None) -> Hours | None:
    return (time.fromisoformat(told["opens"]), time.fromisoformat(told["closes"])) if told else None


def national(year: int) -> set[Date]:
    """Public holidays and joint leave of Indonesia."""
    return {*holidays.country_holidays("ID", years=year, categories=("public", "government"))}


@dataclass(frozen=True, slots=True)
class Case:
    """An application as the tables show it, and what it is decided by."""

    row: Mapping[str, Any]
    process: Process
    mall: Mall

    @property
    def id(self) -> UUID:
        return UUID(bytes=self.row["id"].bytes)

    @property
    def stream(self) -> str:
        return f"application-{self.id}"

    @property
    def subject(self) -> UUID:
        """Whose answers and files they are: the citizen's, or the case's own."""
        citizen = self.row["citizen"]
        return UUID(bytes=citizen.bytes) if citizen else self.id

    @property
    def purpose(self) -> str:
        return f"application-{self.id}"

    def under(self, at: datetime) -> dict[str, Any]:
        return {"at": at, "process": self.process, "calendar": self.mall.calendar(at)}

    def is_of(self, who: Actor) -> bool:
        return who.id is not None and who.may("citizen") and self.row["citizen"] == who.id

    def is_with(self, who: Actor) -> bool:
        return who.may(*STAFF, mall=self.row["mall"], agency=self.row["agency"])


class Desk:
    """One per process."""

    def __init__(self, running: Running):
        if running.vault is None:
            raise RuntimeError("tracking needs its vault")
        self.handle, self.reader, self.running = running.handle, running.reader, running
        self.vault: Vault = running.vault
        if running.documents is None:
            raise RuntimeError("tracking needs its storage of files")
        self.documents: Documents = running.documents
        self.holder, self.links = Holder(running.settings.secret_key), Links(running.settings.secret_key)

    async def mall(self, named: str) -> Mall:
        """By code or slug. UnknownMall when the catalog never spoke of it."""
        code = await queries.code_of(self.reader, named)
        if code is None:
            raise UnknownMall(mall=named)
        return await self.known(code)

    async def known(self, code: str) -> Mall:
        return Mall(code, await queries.facts_of(self.reader, code))

    async def process(self, code: str, version: int | None = None) -> tuple[int, Process]:
        found = await queries.process(self.reader, code, version)
        if found is None:
            raise UnknownProcess(process=code)
        return found

    async def case(self, id_: UUID) -> Case:
        row = await queries.application(self.reader, id_)
        if row is None:
            raise UnknownApplication
        _, process = await self.process(row["process"], row["process_version"])
        return Case(row, process, await self.known(row["mall"]))

    async def seen(self, id_: UUID, who: Actor) -> Case:
        """The case of its applicant, or of an officer of its agency; to anybody else it does not exist."""
        case = await self.case(id_)
        if not (
            case.is_of(who)
            or (case.is_with(who) and case.row["status"] != "draft")
            or self._helped(case, who)
        ):
            raise UnknownApplication
        return case

    async def own(self, id_: UUID, who: Actor, expected: int | None) -> Case:
        """The case as its applicant may change it, or the officer who files for them."""
        case = await self.case(id_)
        if not (case.is_of(who) or self._helped(case, who)):
            raise UnknownApplication
        if expected is not None and expected != case.row["version"]:
            raise VersionMismatch
        return case

    @staticmethod
    def _helped(case: Case, who: Actor) -> bool:
        return bool(case.row["assisted"]) and case.is_with(who)

    async def kept(self, case: Case, facts: Mapping[str, Any], until: datetime | None = None) -> list[Also]:
        return [await self.vault.put(case.subject, case.purpose, facts, retain_until=until)]

    async def answers(self, case: Case) -> dict[str, Any]:
        """The form's answers, the contacts of somebody without an account, and words said on the way."""
        return await self.vault.read(self.reader, case.subject, case.purpose)

    async def of_profile(self, citizen: UUID, fields: list[str]) -> dict[str, Any]:
        """What the profile fills in, with the citizen's consent; nothing when it can't be asked."""
        if self.running.owners is None or not fields:
            return {}
        try:
            answer = await self.running.owners.ask(
                "profile", f"citizens/{citizen}/prefill", fields=",".join(sorted({*fields}))
            )
        except Unavailable:
            return {}
        found: dict[str, Any] = answer.json()
        return found

    async def say(self, case: Case, command: Any, about: About, also: list[Also] | None = None) -> int:
        """The version after the command."""
        return (await self.handle(case.stream, command, about, also=also or [])).version


def keeps(process: Process, at: datetime) -> datetime | None:
    """Until when the law keeps what is filed now."""
    return at + timedelta(days=process.keeping.days) if process.keeping else None


async def the_desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(the_desk)]
