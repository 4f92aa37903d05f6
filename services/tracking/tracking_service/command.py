"""What may be asked of an application, and why it may be refused."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mpp.eventsourcing.decider import Forbidden, Invalid, NotFound, Rejected
from tracking_service.application import Delay, Document
from tracking_service.clock import Calendar
from tracking_service.process import Process


class UnknownApplication(NotFound):
    """No application with this id."""


class ApplicationElsewhere(Rejected):
    """This can't happen to an application in this state."""


class DocumentsMissing(Invalid):
    """Documents that the process asks for have not been attached."""


class AnswersMissing(Invalid):
    """The form has not been filled in."""


class UnknownDocument(Invalid):
    """The process asks for no such document."""


class UnknownReason(Invalid):
    """A reason is a code such as `document-unreadable:ktp`, about a document that the process asks for."""


class StepNotAllowed(Rejected):
    """The process does not lead from this step to there."""


class SupervisorsStep(Forbidden):
    """This step is the supervisor's."""


class ClaimedByAnother(Rejected):
    """Another officer works on it."""


class SilenceGranted(Rejected):
    """The time limit has passed, and the law grants what nobody decided in time."""


class NoProduct(Rejected):
    """This process issues nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenApplication:
    """`standard`: the version of the service's standard that is in force."""

    at: datetime
    process: Process
    version: int
    mall: str
    number: str
    service: str
    agency: str
    standard: int
    citizen: UUID | None = None
    assisted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Something asked about an application that exists."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Under(Ask):
    """It is decided by the version of the process that the application was filed under."""

    process: Process
    calendar: Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveAnswers(Ask):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachDocument(Under):
    document: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit(Under):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(Ask):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class OfOffice(Under):
    """`officer` asks; a supervisor may also where another has claimed."""

    officer: UUID | None
    supervisor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(OfOffice):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(OfOffice):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclareComplete(OfOffice):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SendBack(OfOffice):
    """`words`: under which name the vault holds what is said besides the codes."""

    reasons: tuple[str, ...]
    words: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeStep(OfOffice):
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(OfOffice):
    reason: Delay


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(OfOffice):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve(OfOffice):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject(OfOffice):
    reasons: tuple[str, ...]
    words: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueProduct(OfOffice):
    product: Document


@dataclass(frozen=True, slots=True)
class LookAtClock:
    """Say what has come near or passed; grant what the law grants."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ForgetApplicant:
    at: datetime
