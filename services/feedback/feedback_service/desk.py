"""The desk: what every endpoint needs to find: the mall, its working days, a holder's secret, words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import holidays
from fastapi import Depends, Request

from feedback_service import queries
from feedback_service.ikm import Weights
from feedback_service.mall import WEIGHTS
from feedback_service.markers import Markers
from feedback_service.workdays import WorkingDays
from mpp.documents import Documents
from mpp.eventsourcing.decider import NotFound
from mpp.privacy import Vault
from mpp.service import Running
from mpp.web.holder import Holder, Links
from mpp.web.live import Hub
from mpp_contracts.published import NATION

CAPITAL = "Asia/Jakarta"
Facts = Mapping[tuple[str, str], dict[str, Any]]


class UnknownMall(NotFound):
    """No mall with this code or slug."""


class UnknownPlace(NotFound):
    """The mall has no such agency or service."""


@dataclass(frozen=True, slots=True)
class Mall:
    """A mall by its names, with what was heard of it; the nation's has no services."""

    code: str
    facts: Facts

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.facts.get(("mall", ""), {}).get("timezone", CAPITAL))

    @property
    def weights(self) -> Weights:
        chosen: Weights = self.facts.get(WEIGHTS, {}).get("weights", "exact")
        return chosen

    def day(self, at: datetime) -> Date:
        return at.astimezone(self.zone).date()

    def told(self, at: datetime | None) -> str | None:
        """RFC 3339, with the offset of the mall's zone."""
        return at.astimezone(self.zone).isoformat() if at else None

    def title(self, kind: str, key: str) -> str:
        return str(self.facts.get((kind, key), {}).get("title", key))

    def agency_of(self, service: str) -> str:
        return str(self.facts.get(("service", service), {}).get("agency", ""))

    def working_days(self, at: datetime) -> WorkingDays:
        """Of this year and the next: holidays as the catalog tells them, else as the library has them."""
        closed: set[Date] = set()
        for year in (self.day(at).year, self.day(at).year + 1):
            told = self.facts.get(("holidays", str(year)))
            closed |= {Date.fromisoformat(day) for day in told["days"]} if told else national(year)
        own = {Date.fromisoformat(key): fact for (kind, key), fact in self.facts.items() if kind == "day"}
        shut = {day for day, fact in own.items() if fact.get("hours") is None}
        return WorkingDays(self.zone.key, frozenset(closed | shut), frozenset({*own} - shut))


def national(year: int) -> set[Date]:
    """Public holidays and joint leave of Indonesia."""
    return {*holidays.country_holidays("ID", years=year, categories=("public", "government"))}


class Desk:
    """One per process."""

    def __init__(self, running: Running):
        if running.vault is None:
            raise RuntimeError("feedback needs its vault")
        self.handle, self.reader, self.hub = running.handle, running.reader, Hub()
        if running.documents is None:
            raise RuntimeError("feedback needs its storage of files")
        self.vault: Vault = running.vault
        self.documents: Documents = running.documents
        self.links = Links(running.settings.secret_key)
        self.holder, self.markers = Holder(running.settings.secret_key), Markers(running.settings.secret_key)
        self.pages: Any = None  # the live pages, once they are attached

    async def mall(self, named: str) -> Mall:
        """By code or slug; the nation for its code. UnknownMall when the catalog never spoke of it."""
        code = NATION if named == NATION else await queries.code_of(self.reader, named)
        if code is None:
            raise UnknownMall(mall=named)
        return Mall(code, await queries.facts_of(self.reader, code))

    async def words(self, subjects: list[tuple[UUID, str]]) -> dict[tuple[UUID, str], dict[str, Any]]:
        return await self.vault.read_all(self.reader, subjects)


async def the_desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(the_desk)]
