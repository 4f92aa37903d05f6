"""Read tables of feedback: malls, what could be answered, what was answered, and complaints."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date as Date
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import TIMESTAMP, BigInteger, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from feedback_service import complaint as c
from feedback_service.ikm import ELEMENTS
from feedback_service.mall import WEIGHTS, FactHeard, WeightsChosen
from feedback_service.survey import SurveyAnswered
from feedback_service.transaction import TransactionEnded
from mpp.eventsourcing.log import Reading, Recorded
from mpp.eventsourcing.views import Changes


class View(SQLModel, registry=registry()):
    """A table that can be made anew from the log."""


def _moment(**kwargs: Any) -> Any:
    return Field(sa_type=TIMESTAMP(timezone=True), **kwargs)


def _later() -> Any:
    return _moment(default=None, nullable=True)


class Fact(View, table=True):
    """What the catalog said last of each thing, and what a mall chose."""

    __tablename__ = "facts"
    mall: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fact: dict[str, Any] | None = Field(sa_type=JSONB)


class Transaction(View, table=True):
    """Whose survey may be answered; nothing here says whether it was."""

    __tablename__ = "transactions"
    id: UUID = Field(primary_key=True)
    kind: str
    mall: str
    agency: str
    service: str
    day: Date


class Rating(View, table=True):
    """One service on one day: how many ended, how many answered, the sums of the nine elements."""

    __tablename__ = "ratings"
    mall: str = Field(primary_key=True)
    day: Date = Field(primary_key=True)
    service: str = Field(primary_key=True)
    agency: str
    ended: int
    answers: int
    totals: list[int] = Field(sa_type=JSONB)


class Respondents(View, table=True):
    """How many of a class answered on a day."""

    __tablename__ = "respondents"
    mall: str = Field(primary_key=True)
    day: Date = Field(primary_key=True)
    class_: str = Field(primary_key=True, sa_column_kwargs={"name": "class"})
    answers: int


class ComplaintRow(View, table=True):
    """A complaint as it stands."""

    __tablename__ = "complaints"
    id: UUID = Field(primary_key=True)
    version: int
    mall: str
    number: str
    kind: str
    status: str
    agency: str | None = None
    service: str | None = None
    citizen: UUID | None = None
    anonymous: bool
    secret: bool
    filed_at: datetime = _moment()
    answered_at: datetime | None = _later()
    closed_at: datetime | None = _later()
    class_due: datetime | None = _later()
    look_at: datetime | None = _later()
    outcome: str | None = None
    reason: str | None = None
    __table_args__ = (
        Index("complaints_number", "number"),
        Index("complaints_mall", "mall", "filed_at", "id"),
        Index("complaints_citizen", "citizen"),
        Index("complaints_look_at", "look_at"),
    )


class HistoryRow(View, table=True):
    """What happened to a complaint; `words` is the name of its text in the vault."""

    __tablename__ = "history"
    complaint: UUID = Field(primary_key=True)
    position: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    happened: str
    at: datetime = _moment()
    agency: str | None = None
    reason: str | None = None
    outcome: str | None = None
    due: str | None = None
    words: UUID | None = None


class EvidenceRow(View, table=True):
    """Files that belong to complaints."""

    __tablename__ = "evidence"
    id: UUID = Field(primary_key=True)
    complaint: UUID
    media: str
    bytes: int
    sha256: str
    at: datetime = _moment()
    __table_args__ = (Index("evidence_complaint", "complaint"),)


TABLES: tuple[type[SQLModel], ...] = (
    Fact,
    Transaction,
    Rating,
    Respondents,
    ComplaintRow,
    HistoryRow,
    EvidenceRow,
)
NONE = (0,) * ELEMENTS


async def project(tx: asyncpg.Connection, recorded: Sequence[Recorded]) -> None:
    """All events of a batch as one set per table."""
    facts, transactions = Changes(Fact), Changes(Transaction)
    complaints, history = Changes(ComplaintRow), Changes(HistoryRow)
    evidence = Changes(EvidenceRow)
    added = Added()
    for r in recorded:
        match r.event:
            case FactHeard(kind=kind, key=key, fact=fact):
                facts.put(r.stream.removeprefix("mall-"), kind, key, fact=fact)
            case WeightsChosen(weights=weights):
                facts.put(r.stream.removeprefix("mall-"), *WEIGHTS, fact={"weights": weights})
            case TransactionEnded() as e:
                where = {"mall": e.mall, "agency": e.agency, "service": e.service, "day": e.day}
                transactions.put(e.transaction, kind=e.kind, **where)
                added.rating(e.mall, e.day, e.service, e.agency, ended=1)
            case SurveyAnswered() as e:
                added.rating(e.mall, e.date, e.service, e.agency, scores=e.scores)
                added.respondent(e.mall, e.date, e.classes)
            case c.EvidenceAttached() as e:
                file = {"media": e.media, "bytes": e.bytes, "sha256": e.sha256, "at": e.at}
                evidence.put(e.document, complaint=UUID(r.stream.removeprefix("complaint-")), **file)
                _happened(r, e, complaints, history)
            case c.ComplaintEvent() as e:
                _happened(r, e, complaints, history)
    for changes in (facts, transactions, complaints, history, evidence):
        await changes.write(tx)
    await added.write(tx)


class Added:
    """What a batch adds to sums."""

    def __init__(self) -> None:
        self._ratings: dict[tuple[str, Date, str], dict[str, Any]] = {}
        self._respondents: dict[tuple[str, Date, str], int] = defaultdict(int)

    def rating(
        self, mall: str, day: Date, service: str, agency: str, *, ended: int = 0, scores: Sequence[int] = ()
    ) -> None:
        new = {"mall": mall, "day": day, "service": service, "agency": "", "ended": 0, "answers": 0}
        row = self._ratings.setdefault((mall, day, service), new | {"totals": NONE})
        row["agency"] = agency or row["agency"]
        row["ended"] += ended
        row["answers"] += bool(scores)
        row["totals"] = [have + more for have, more in zip(row["totals"], scores or NONE, strict=True)]

    def respondent(self, mall: str, day: Date, classes: Sequence[str]) -> None:
        for each in classes:
            self._respondents[mall, day, each] += 1

    async def write(self, tx: asyncpg.Connection) -> None:
        if self._ratings:
            await tx.execute(
                """insert into ratings as t (mall, day, service, agency, ended, answers, totals)
                select mall, day, service, agency, ended, answers, totals
                from jsonb_populate_recordset(null::ratings, $1::jsonb)
                on conflict (mall, day, service) do update set
                    agency = coalesce(nullif(excluded.agency, ''), t.agency),
                    ended = t.ended + excluded.ended, answers = t.answers + excluded.answers,
                    totals = (select jsonb_agg(a.n::int + b.n::int order by place)
                        from jsonb_array_elements_text(t.totals) with ordinality a(n, place)
                        join jsonb_array_elements_text(excluded.totals) with ordinality b(n, place)
                        using (place))""",
                orjson.dumps([*self._ratings.values()]).decode(),
            )
        if self._respondents:
            rows = [
                {"mall": m, "day": d, "class": k, "answers": n} for (m, d, k), n in self._respondents.items()
            ]
            await tx.execute(
                """insert into respondents as t (mall, day, class, answers)
                select mall, day, class, answers from jsonb_populate_recordset(null::respondents, $1::jsonb)
                on conflict (mall, day, class) do update set answers = t.answers + excluded.answers""",
                orjson.dumps(rows).decode(),
            )


def _happened(r: Recorded, e: c.ComplaintEvent, complaints: Changes, history: Changes) -> None:
    id_ = UUID(r.stream.removeprefix("complaint-"))
    now: dict[str, Any] = {"version": r.version, "kind": e.kind, "agency": e.agency, "citizen": e.citizen}
    now["look_at"] = min((due.next for due in e.dues), default=None)
    if type(e) in c.LEADS_TO:
        now["status"] = c.LEADS_TO[type(e)]
    if isinstance(e, c.ComplaintFiled | c.ComplaintVerified | c.ComplaintReopened):
        now["class_due"] = next((due.at for due in e.dues if due.which == "class"), None)
    match e:
        case c.ComplaintFiled():
            about = {"anonymous": e.anonymous, "secret": e.secret, "service": e.service}
            complaints.put(id_, mall=e.mall, number=e.number, filed_at=e.at, **about, **now)
        case c.ComplaintAnswered():
            complaints.change(id_, answered_at=e.at, outcome=e.outcome, **now)
        case c.ComplaintClosed():
            complaints.change(id_, closed_at=e.at, outcome=e.outcome, reason=e.reason, **now)
        case c.ComplaintReopened():
            gone = dict.fromkeys(("answered_at", "closed_at", "outcome", "reason"))
            complaints.change(id_, **gone, **now)
        case _:
            complaints.change(id_, **now)
    due = e.due.which if isinstance(e, c.DeadlineNear | c.DeadlinePassed) else None
    said = {name: getattr(e, name, None) for name in ("reason", "outcome")}
    history.put(id_, r.position, happened=e.type, at=e.at, agency=e.agency, due=due, words=e.words, **said)


async def complaints_by(db: Reading, citizen: UUID) -> list[dict[str, Any]]:
    """Everything that this citizen reported and not anonymously."""
    sql = "select * from complaints where citizen = $1 order by filed_at"
    return [{**row} for row in await db.fetch(sql, citizen)]
