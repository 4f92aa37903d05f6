"""Applications to tell stories of: a licence with two steps, its officers, a mall at work from 8 to 16."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from mpp.testing.scenario import Scenario, given
from tracking_service import command as c
from tracking_service import rules
from tracking_service.application import Application, Document
from tracking_service.clock import Calendar
from tracking_service.process import Demand, Limit, Process, Step, Words

CALENDAR = Calendar("Asia/Makassar")
MONDAY = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("Asia/Makassar"))
WIN, NUR, CITIZEN = UUID(int=1), UUID(int=2), UUID(int=3)  # two officers and an applicant
NAME = Words(id="Izin", en="Licence")
STEP = partial(Step, title=NAME)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

LICENCE = Process(
    code="licence",
    services=("ptsp.sip",),
    title=NAME,
    limit=Limit(amount=5, unit="working-days"),
    form={"type": "object", "additionalProperties": False},
    documents=(Demand(code="str", title=NAME), Demand(code="letter", title=NAME, required=False)),
    steps=(
        STEP(code="checking", limit=Limit(amount=4, unit="hours"), leads_to=("decision", "rejected")),
        STEP(code="decision", office="supervisor", leads_to=("approved", "rejected", "checking")),
    ),
)
CARD = LICENCE.model_copy(update={"product": Words(id="Kartu", en="Card")})
SILENT = LICENCE.model_copy(update={"deemed_granted": True})


def a_file(kind: str = "str", name: UUID | None = None) -> Document:
    return Document(document=name or uuid4(), kind=kind, sha256="0" * 64, bytes=9, media="application/pdf")


class Life:
    """Commands about one application, all under its process; `life.at(hours)` is later."""

    def __init__(self, process: Process = LICENCE, now: datetime = MONDAY, calendar: Calendar = CALENDAR):
        self.process, self.now, self.calendar = process, now, calendar

    def at(self, moment: datetime | timedelta) -> "Life":
        return Life(self.process, moment if isinstance(moment, datetime) else MONDAY + moment)

    @property
    def _under(self) -> dict[str, Any]:
        return {"at": self.now, "process": self.process, "calendar": self.calendar}

    def opened(self, **differs: Any) -> c.OpenApplication:
        what: dict[str, Any] = {
            "mall": "7406",
            "number": "7406-7K3M9-QXD2C-F",
            "service": "ptsp.sip",
            "agency": "dpmptsp",
        }
        who = {"citizen": CITIZEN, "standard": 2, "version": 1}
        return c.OpenApplication(at=self.now, process=self.process, **what | who | differs)

    def answered(self) -> c.GiveAnswers:
        return c.GiveAnswers(at=self.now)

    def attached(self, kind: str = "str", name: UUID | None = None) -> c.AttachDocument:
        return c.AttachDocument(**self._under, document=a_file(kind, name))

    def submitted(self) -> c.Submit:
        return c.Submit(**self._under)

    def office(self, asked: type[c.OfOffice], by: UUID = WIN, **said: Any) -> Any:
        return asked(**self._under, officer=by, supervisor=said.pop("supervisor", False), **said)

    def filing(self) -> list[Any]:
        """What an applicant does before the agency sees it."""
        return [self.opened(), self.answered(), self.attached(), self.submitted()]

    def running(self) -> list[Any]:
        return [*self.filing(), self.office(c.DeclareComplete)]

    def deciding(self) -> list[Any]:
        return [*self.running(), self.office(c.TakeStep, step="decision")]

    def granted(self) -> list[Any]:
        return [*self.deciding(), self.office(c.Approve, supervisor=True)]


def story(*commands: Any) -> Scenario[Application]:
    return given(rules.decider).when(*commands)


def kinds(told: Scenario[Application]) -> list[str]:
    """What happened, in words."""
    assert told.refusal is None, f"refused: {told.refusal!r}"
    return [event.type for event in told.happened]
