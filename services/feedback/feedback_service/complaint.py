"""A complaint: what happens to it, what is open, and until when."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from mpp.eventsourcing.decider import Event

Kind = Literal["information", "complaint", "supervision", "aspiration"]
Status = Literal["filed", "verified", "forwarded", "in-progress", "answered", "closed"]
Outcome = Literal["fixed", "partly-fixed", "informed", "not-fixed"]
Reason = Literal[
    "resolved",
    "resolved-in-part",
    "information-given",
    "no-authority",
    "no-evidence",
    "duplicate",
    "withdrawn",
    "no-reaction",
]
# Every reason says whether what was complained of is mended; silence confirms nothing.
SAYS: dict[Reason, str] = {
    "resolved": "fixed",
    "resolved-in-part": "partly-fixed",
    "information-given": "informed",
    "no-authority": "not-fixed",
    "no-evidence": "not-fixed",
    "duplicate": "not-fixed",
    "withdrawn": "not-fixed",
    "no-reaction": "unconfirmed",
}


class Due(BaseModel):
    """Until when something must happen; `told`: that it comes near was said."""

    model_config = ConfigDict(frozen=True)
    which: Literal["forward", "follow-up", "class", "reaction"]
    near: datetime
    at: datetime
    told: bool = False

    @property
    def next(self) -> datetime:
        """When there is something to say of it."""
        return self.at if self.told else self.near


class ComplaintEvent(Event):
    """`dues`: everything that is open after it; `words`: under which name the vault holds its text."""

    mall: str
    number: str
    kind: Kind
    agency: str | None
    citizen: UUID | None
    at: datetime
    dues: tuple[Due, ...]
    words: UUID | None = None


class ComplaintFiled(ComplaintEvent, type="complaint-filed"):
    anonymous: bool
    secret: bool
    service: str | None = None


class ComplaintVerified(ComplaintEvent, type="complaint-verified"):
    """It is a complaint, and of this class."""


class ComplaintForwarded(ComplaintEvent, type="complaint-forwarded"):
    """The agency has it."""


class FollowUpBegun(ComplaintEvent, type="follow-up-begun"):
    """The agency works on it."""


class ComplaintAnswered(ComplaintEvent, type="complaint-answered"):
    outcome: Outcome


class ReporterReplied(ComplaintEvent, type="reporter-replied"):
    """The reporter is not content, or adds something."""


class ComplaintClosed(ComplaintEvent, type="complaint-closed"):
    reason: Reason
    outcome: str


class ComplaintReopened(ComplaintEvent, type="complaint-reopened"):
    """The reporter says that it is not over."""


class EvidenceAttached(ComplaintEvent, type="evidence-attached"):
    """A file that shows what is complained of; nothing of its content or its name."""

    document: UUID
    media: str
    bytes: int
    sha256: str


class DeadlineNear(ComplaintEvent, type="deadline-near"):
    due: Due


class DeadlinePassed(ComplaintEvent, type="deadline-passed"):
    due: Due


class ReporterForgotten(ComplaintEvent, type="reporter-forgotten"):
    """Who reported it is known no more, and its words can't be read."""


EVENTS = (
    ComplaintFiled,
    ComplaintVerified,
    ComplaintForwarded,
    FollowUpBegun,
    ComplaintAnswered,
    ReporterReplied,
    ComplaintClosed,
    ComplaintReopened,
    EvidenceAttached,
    DeadlineNear,
    DeadlinePassed,
    ReporterForgotten,
)
LEADS_TO: dict[type[Event], Status] = {
    ComplaintFiled: "filed",
    ComplaintVerified: "verified",
    ComplaintForwarded: "forwarded",
    FollowUpBegun: "in-progress",
    ComplaintAnswered: "answered",
    ReporterReplied: "in-progress",
    ComplaintClosed: "closed",
    ComplaintReopened: "verified",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """As it stands; status None: never filed."""

    status: Status | None = None
    mall: str = ""
    number: str = ""
    kind: Kind = "complaint"
    agency: str | None = None
    citizen: UUID | None = None
    at: datetime = datetime.min
    since: datetime = datetime.min  # from when the class's days count: filed, or reopened
    dues: tuple[Due, ...] = ()
    outcome: str = ""
    reopened: int = 0
    evidence: int = 0  # files


def evolve(state: Complaint, event: Event) -> Complaint:
    if not isinstance(event, ComplaintEvent):
        return state
    fresh = isinstance(event, ComplaintFiled | ComplaintReopened)
    said = isinstance(event, ComplaintAnswered | ComplaintClosed)
    return replace(
        state,
        status=LEADS_TO.get(type(event), state.status),
        mall=event.mall,
        number=event.number,
        kind=event.kind,
        agency=event.agency,
        citizen=event.citizen,
        at=event.at,
        since=event.at if fresh else state.since,
        dues=event.dues,
        outcome=event.outcome if said else state.outcome,  # type: ignore[attr-defined]
        reopened=state.reopened + isinstance(event, ComplaintReopened),
        evidence=state.evidence + isinstance(event, EvidenceAttached),
    )
