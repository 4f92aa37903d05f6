"""An application: what happened to it, and how it stands."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from rpds import HashTrieMap

from mpp.eventsourcing.decider import Event
from tracking_service.clock import Pause

Status = Literal[
    "draft",
    "submitted",
    "sent-back",
    "in-progress",
    "paused",
    "approved",
    "deemed-granted",
    "rejected",
    "withdrawn",
]
Delay = Literal["network-failure", "facility-failure", "waiting-for-another-agency"]
Outcome = Literal["approved", "rejected", "withdrawn", "deemed-granted"]


class Due(BaseModel):
    """A time limit: `step` None is that of the decision; `near`: when it is said that it comes close."""

    model_config = ConfigDict(frozen=True)
    step: str | None = None
    near: datetime
    at: datetime
    told: bool = False

    @property
    def next(self) -> datetime:
        """When there is something to say of it."""
        return self.at if self.told else self.near


class Document(BaseModel):
    """A file that was handed in, without a word of its content."""

    model_config = ConfigDict(frozen=True)
    document: UUID
    kind: str
    sha256: str
    bytes: int
    media: str


class ApplicationEvent(Event):
    """`dues`: every time limit that is open after it."""

    mall: str
    number: str
    service: str
    agency: str
    citizen: UUID | None
    at: datetime
    dues: tuple[Due, ...] = ()


class ApplicationOpened(ApplicationEvent, type="application-opened"):
    """A draft under this version of its process and of the service's standard."""

    process: str
    version: int
    standard: int
    assisted: bool
    deemed_granted: bool
    product: bool


class AnswersGiven(ApplicationEvent, type="answers-given"):
    """The form was filled in; what it says is in the vault."""


class DocumentAttached(ApplicationEvent, type="document-attached"):
    document: Document


class ApplicationSubmitted(ApplicationEvent, type="application-submitted"):
    """The agency looks whether it is complete."""


class DeclaredComplete(ApplicationEvent, type="declared-complete"):
    """The clock starts, with the first step."""

    step: str


class SentBack(ApplicationEvent, type="sent-back"):
    """The applicant has to mend something: codes such as `document-unreadable:ktp`."""

    reasons: tuple[str, ...]
    words: UUID | None = None


class ApplicationResubmitted(ApplicationEvent, type="application-resubmitted"):
    """It was mended; `running`: it had been complete before, and goes on where it was."""

    running: bool


class StepTaken(ApplicationEvent, type="step-taken"):
    step: str


class ClockPaused(ApplicationEvent, type="clock-paused"):
    reason: Delay


class ClockResumed(ApplicationEvent, type="clock-resumed"):
    """What held it up is over."""


class ApplicationApproved(ApplicationEvent, type="application-approved"):
    """The agency grants it."""


class DeemedGranted(ApplicationEvent, type="deemed-granted"):
    """The agency was silent past the time limit."""


class ApplicationRejected(ApplicationEvent, type="application-rejected"):
    reasons: tuple[str, ...]
    words: UUID | None = None


class ApplicationWithdrawn(ApplicationEvent, type="application-withdrawn"):
    """The applicant does not want it any more."""


class ProductIssued(ApplicationEvent, type="product-issued"):
    product: Document


class ApplicationClosed(ApplicationEvent, type="application-closed"):
    """Nothing more will happen."""

    outcome: Outcome


class ApplicationClaimed(ApplicationEvent, type="application-claimed"):
    officer: UUID


class ApplicationReleased(ApplicationEvent, type="application-released"):
    """Whoever takes it next may have it."""


class DeadlineNear(ApplicationEvent, type="deadline-near"):
    due: Due


class DeadlinePassed(ApplicationEvent, type="deadline-passed"):
    due: Due


class ApplicantForgotten(ApplicationEvent, type="applicant-forgotten"):
    """Whose it was is known no more."""


EVENTS: tuple[type[Event], ...] = (
    ApplicationOpened,
    AnswersGiven,
    DocumentAttached,
    ApplicationSubmitted,
    DeclaredComplete,
    SentBack,
    ApplicationResubmitted,
    StepTaken,
    ClockPaused,
    ClockResumed,
    ApplicationApproved,
    DeemedGranted,
    ApplicationRejected,
    ApplicationWithdrawn,
    ProductIssued,
    ApplicationClosed,
    ApplicationClaimed,
    ApplicationReleased,
    DeadlineNear,
    DeadlinePassed,
    ApplicantForgotten,
)
LEADS_TO: dict[type[Event], Status] = {
    ApplicationOpened: "draft",
    ApplicationSubmitted: "submitted",
    DeclaredComplete: "in-progress",
    SentBack: "sent-back",
    StepTaken: "in-progress",
    ClockPaused: "paused",
    ClockResumed: "in-progress",
    ApplicationApproved: "approved",
    DeemedGranted: "deemed-granted",
    ApplicationRejected: "rejected",
    ApplicationWithdrawn: "withdrawn",
}


@dataclass(frozen=True, slots=True)
class Application:
    """As it stands; status None: never opened."""

    status: Status | None = None
    mall: str = ""
    number: str = ""
    service: str = ""
    agency: str = ""
    citizen: UUID | None = None
    at: datetime = datetime.min
    process: str = ""
    version: int = 0
    deemed_granted: bool = False
    product: bool = False
    answered: bool = False
    documents: "HashTrieMap[str, Document]" = field(default_factory=HashTrieMap)
    step: str = ""
    started: datetime | None = None  # the clock, when it was declared complete
    step_at: datetime | None = None
    stopped: datetime | None = None  # since when the clock stands
    pauses: tuple[Pause, ...] = ()
    dues: tuple[Due, ...] = ()
    said: frozenset[tuple[str | None, str]] = frozenset()  # time limits that were said to be near, or passed
    officer: UUID | None = None
    closed: bool = False


def status_after(event: Event, state: Application) -> Status | None:
    if isinstance(event, ApplicationResubmitted):
        return "in-progress" if event.running else "submitted"
    return LEADS_TO.get(type(event), state.status)


def evolve(state: Application, event: Event) -> Application:
    if not isinstance(event, ApplicationEvent):
        return state
    after = replace(
        state,
        status=status_after(event, state),
        mall=event.mall,
        number=event.number,
        service=event.service,
        agency=event.agency,
        citizen=event.citizen,
        at=event.at,
        dues=event.dues,
    )
    match event:
        case ApplicationOpened(process=process, version=version):
            after = replace(after, process=process, version=version)
            return replace(after, deemed_granted=event.deemed_granted, product=event.product)
        case AnswersGiven():
            return replace(after, answered=True)
        case DocumentAttached(document=document):
            return replace(after, documents=state.documents.insert(document.kind, document))
        case DeclaredComplete(step=step, at=at):
            return replace(after, step=step, started=at, step_at=at)
        case StepTaken(step=step, at=at):
            anew = frozenset(each for each in state.said if each[0] != step)
            return replace(after, step=step, step_at=at, said=anew)
        case SentBack(at=at) | ClockPaused(at=at):
            return replace(after, stopped=at if state.started else None)
        case ApplicationResubmitted(at=at) | ClockResumed(at=at):
            paused = ((state.stopped, at),) if state.stopped else ()
            return replace(after, stopped=None, pauses=state.pauses + paused)
        case ApplicationClaimed(officer=officer):
            return replace(after, officer=officer)
        case ApplicationReleased():
            return replace(after, officer=None)
        case DeadlineNear(due=due):
            return replace(after, said=state.said | {(due.step, "near")})
        case DeadlinePassed(due=due):
            return replace(after, said=state.said | {(due.step, "passed")})
        case ApplicationClosed():
            return replace(after, closed=True, officer=None)
    return after
