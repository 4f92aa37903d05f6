"""Read tables of tracking: malls, processes, applications with history, and what citizens did elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import TIMESTAMP, BigInteger, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from mpp.eventsourcing.log import Recorded
from mpp.eventsourcing.views import Changes
from tracking_service import application as a
from tracking_service.mall import FactHeard
from tracking_service.past import Begun, Moved, OwnerForgotten
from tracking_service.process import ProcessDefined


class View(SQLModel, registry=registry()):
    """A table that can be made anew from the log."""


def _moment(**kwargs: Any) -> Any:
    return Field(sa_type=TIMESTAMP(timezone=True), **kwargs)


def _later() -> Any:
    return _moment(default=None, nullable=True)


class Fact(View, table=True):
    """What the catalog said last of each thing."""

    __tablename__ = "facts"
    mall: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fact: dict[str, Any] | None = Field(sa_type=JSONB)


class ProcessRow(View, table=True):
    """Every version of every process."""

    __tablename__ = "processes"
    code: str = Field(primary_key=True)
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    definition: dict[str, Any] = Field(sa_type=JSONB)


class ApplicationRow(View, table=True):
    """An application as it stands."""

    __tablename__ = "applications"
    id: UUID = Field(primary_key=True)
    version: int
    mall: str
    number: str
    process: str
    process_version: int
    service: str
    agency: str
    citizen: UUID | None = None
    assisted: bool
    status: str
    step: str | None = None
    officer: UUID | None = None
    opened_at: datetime = _moment()
    submitted_at: datetime | None = _later()
    complete_at: datetime | None = _later()
    closed_at: datetime | None = _later()
    outcome: str | None = None
    due: datetime | None = _later()
    look_at: datetime | None = _later()
    at_risk: bool = False
    overdue: bool = False
    product: UUID | None = None
    __table_args__ = (
        Index("applications_number", "number"),
        Index("applications_worklist", "mall", "agency", "status"),
        Index("applications_citizen", "citizen"),
        Index("applications_look_at", "look_at"),
    )


class HistoryRow(View, table=True):
    """What happened to an application; `words` is the name of its text in the vault."""

    __tablename__ = "history"
    application: UUID = Field(primary_key=True)
    position: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    happened: str
    at: datetime = _moment()
    step: str | None = None
    reasons: list[str] = Field(sa_type=JSONB)
    words: UUID | None = None


class DocumentRow(View, table=True):
    """The files of applications, the product among them; the last of a kind counts."""

    __tablename__ = "documents"
    id: UUID = Field(primary_key=True)
    application: UUID
    kind: str
    sha256: str
    bytes: int
    media: str
    current: bool
    at: datetime = _moment()
    __table_args__ = (Index("documents_application", "application"),)


class PastRow(View, table=True):
    """Tickets and complaints of citizens who were signed in."""

    __tablename__ = "pasts"
    id: UUID = Field(primary_key=True)
    kind: str
    citizen: UUID | None = None
    mall: str
    number: str
    service: str | None = None
    status: str
    at: datetime = _moment()
    moved_at: datetime = _moment()
    __table_args__ = (Index("pasts_citizen", "citizen"),)


TABLES: tuple[type[SQLModel], ...] = (Fact, ProcessRow, ApplicationRow, HistoryRow, DocumentRow, PastRow)
UNTOLD = (
    a.AnswersGiven,
    a.DocumentAttached,
    a.ApplicationClaimed,
    a.ApplicationReleased,
    a.ApplicantForgotten,
)


class Batch:
    """What a batch of events changes, one set per table."""

    def __init__(self) -> None:
        self.facts, self.processes, self.pasts = Changes(Fact), Changes(ProcessRow), Changes(PastRow)
        self.applications, self.history = Changes(ApplicationRow), Changes(HistoryRow)
        self.documents = Changes(DocumentRow)
        self.replaced: list[tuple[UUID, str, UUID]] = []

    def application(self, r: Recorded, e: a.ApplicationEvent) -> None:
        id_ = UUID(r.stream.removeprefix("application-"))
        now = self._now(r, e)
        match e:
            case a.ApplicationOpened():
                under = {"process": e.process, "process_version": e.version, "service": e.service}
                who = {"mall": e.mall, "number": e.number, "agency": e.agency, "assisted": e.assisted}
                self.applications.put(id_, opened_at=e.at, overdue=False, **who, **under, **now)
            case a.DocumentAttached(document=document):
                self._document(id_, document, e.at)
                self.applications.change(id_, **now)
            case a.ProductIssued(product=product):
                self._document(id_, product, e.at)
                self.applications.change(id_, product=product.document, **now)
            case _:
                self.applications.change(id_, **now)
        if not isinstance(e, UNTOLD):
            told = {
                "step": getattr(e, "step", None),
                "reasons": _reasons(e),
                "words": getattr(e, "words", None),
            }
            self.history.put(id_, r.position, happened=e.type, at=e.at, **told)

    def _now(self, r: Recorded, e: a.ApplicationEvent) -> dict[str, Any]:
        """What every event says of the application after it."""
        now: dict[str, Any] = {"version": r.version, "citizen": e.citizen}
        now["look_at"] = min((due.next for due in e.dues), default=None)
        now["due"] = min((due.at for due in e.dues), default=None)
        now["at_risk"] = any(due.told for due in e.dues)
        if status := a.LEADS_TO.get(type(e)):
            now["status"] = status
        match e:
            case a.ApplicationSubmitted():
                now["submitted_at"] = e.at
            case a.ApplicationResubmitted():
                now["status"] = "in-progress" if e.running else "submitted"
            case a.DeclaredComplete(step=step):
                now |= {"complete_at": e.at, "step": step}
            case a.StepTaken(step=step):
                now["step"] = step
            case a.ApplicationClaimed(officer=officer):
                now["officer"] = officer
            case a.ApplicationReleased():
                now["officer"] = None
            case a.DeadlinePassed():
                now["overdue"] = True
            case a.ApplicationClosed(outcome=outcome):
                now |= {"closed_at": e.at, "outcome": outcome, "officer": None}
        return now

    def _document(self, application: UUID, d: a.Document, at: datetime) -> None:
        facts = {"kind": d.kind, "sha256": d.sha256, "bytes": d.bytes, "media": d.media}
        self.documents.put(d.document, application=application, current=True, at=at, **facts)
        self.replaced.append((application, d.kind, d.document))

    async def write(self, tx: asyncpg.Connection) -> None:
        for changes in (
            self.facts,
            self.processes,
            self.applications,
            self.history,
            self.documents,
            self.pasts,
        ):
            await changes.write(tx)
        if self.replaced:
            applications, kinds, last = zip(*self.replaced, strict=True)
            await tx.execute(
                """update documents d set current = false
                from (select distinct on (application, kind) application, kind, id
                    from unnest($1::uuid[], $2::text[], $3::uuid[]) with ordinality
                        n(application, kind, id, place)
                    order by application, kind, place desc) n
                where d.application = n.application and d.kind = n.kind and d.id <> n.id and d.current""",
                list(applications),
                list(kinds),
                list(last),
            )


def _reasons(e: a.ApplicationEvent) -> list[str]:
    if isinstance(e, a.ClockPaused):
        return [e.reason]
    return [*getattr(e, "reasons", ())]


async def project(tx: asyncpg.Connection, recorded: Sequence[Recorded]) -> None:
    """All events of a batch as one set per table."""
    batch = Batch()
    for r in recorded:
        match r.event:
            case FactHeard(kind=kind, key=key, fact=fact):
                batch.facts.put(r.stream.removeprefix("mall-"), kind, key, fact=fact)
            case ProcessDefined(version=version, process=process):
                batch.processes.put(process.code, version, definition=process.model_dump(mode="json"))
            case Begun() as e:
                batch.pasts.put(_past(r), status="begun", moved_at=e.at, **e.model_dump())
            case Moved(status=status, at=at):
                batch.pasts.change(_past(r), status=status, moved_at=at)
            case OwnerForgotten():
                batch.pasts.change(_past(r), citizen=None)
            case a.ApplicationEvent() as e:
                batch.application(r, e)
    await batch.write(tx)


def _past(r: Recorded) -> UUID:
    return UUID(r.stream.removeprefix("past-"))
