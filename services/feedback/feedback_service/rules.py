"""What may happen to a complaint, and until when: the deadlines of SP4N-LAPOR."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from feedback_service import complaint as c
from feedback_service.complaint import Complaint, Due, Kind, Outcome, Reason
from feedback_service.workdays import WorkingDays
from mpp.eventsourcing.decider import Decider, Event, Invalid, NotFound, Rejected

FORWARD_DAYS, FOLLOW_UP_DAYS, REACTION_DAYS = 3, 5, 10
CLASS_DAYS: dict[Kind, int] = {"information": 5, "complaint": 14, "supervision": 60}
EVIDENCE = 5  # files
REOPENINGS, REOPEN_FOR = 2, timedelta(days=30)


class UnknownComplaint(NotFound):
    """No complaint with this number, or the secret is not its own."""


class ComplaintElsewhere(Rejected):
    """This can't happen to a complaint in this state."""


class NotForwarded(Rejected):
    """No agency has this complaint yet."""


class ReasonUntrue(Invalid):
    """The reason says something else than the answer did."""


class ReopenedTooOften(Rejected):
    """A complaint is reopened twice at most."""


class ReopenedTooLate(Rejected):
    """A complaint can be reopened for 30 days."""


class TooMuchEvidence(Rejected):
    """Five files belong to a complaint at most."""


class AnonymousNamesNobody(Invalid):
    """Who reports anonymously gives no identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """`words`: under which name the vault holds the text that comes with it."""

    at: datetime
    days: WorkingDays
    words: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileComplaint(At):
    mall: str
    number: str
    kind: Kind
    agency: str | None = None
    service: str | None = None
    anonymous: bool = False
    secret: bool = False
    citizen: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify(At):
    kind: Kind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward(At):
    agency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp(At):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(At):
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(At):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(At):
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen(At):
    pass


@dataclass(frozen=True, slots=True)
class AttachEvidence:
    """A file that is stored already."""

    at: datetime
    document: UUID
    media: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class LookAtClock:
    """Say what has come near or passed, and close what nobody reacted to."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ForgetReporter:
    at: datetime


def due(command: At, which: Any, days: int, since: datetime | None = None) -> Due:
    """The end of the n-th working day; near from the end of the one before."""
    since = since or command.at
    end = command.days.end_after
    return Due(which=which, near=end(since, days - 1), at=end(since, days))


def of_class(command: At, kind: Kind, since: datetime | None = None) -> tuple[Due, ...]:
    return (due(command, "class", CLASS_DAYS[kind], since),) if kind in CLASS_DAYS else ()


def kept(state: Complaint, *which: str) -> tuple[Due, ...]:
    return tuple(each for each in state.dues if each.which in which)


@dataclass(frozen=True, slots=True)
class Facts:
    """What every event of a complaint repeats."""

    state: Complaint
    command: Any

    def __call__(self, **differs: Any) -> dict[str, Any]:
        s = self.state
        same = {"mall": s.mall, "number": s.number, "kind": s.kind, "agency": s.agency, "citizen": s.citizen}
        at = max(self.command.at, s.at) if s.status else self.command.at
        words = getattr(self.command, "words", None)
        return same | {"at": at, "dues": s.dues, "words": words} | differs


def decide(command: Any, state: Complaint) -> list[Event]:
    """Raises UnknownComplaint, ComplaintElsewhere, NotForwarded, ReasonUntrue, ReopenedTooOften, -Late."""
    if isinstance(command, FileComplaint):
        return [_filed(command)] if state.status is None else []
    if state.status is None:
        raise UnknownComplaint
    if isinstance(command, LookAtClock):
        return list(_clock(command, state))
    facts = Facts(state, command)
    match command:
        case ForgetReporter():
            return [c.ReporterForgotten(**facts(citizen=None))] if state.citizen else []
        case Verify(kind=kind):
            _in(state, "filed")
            kind = kind or state.kind
            dues = kept(state, "forward") + of_class(command, kind, state.since)
            if kind == state.kind:
                dues = state.dues
            return [c.ComplaintVerified(**facts(kind=kind, dues=dues))]
        case Forward(agency=agency):
            _in(state, "verified", "forwarded", "in-progress")
            dues = (due(command, "follow-up", FOLLOW_UP_DAYS), *kept(state, "class"))
            return [c.ComplaintForwarded(**facts(agency=agency, dues=dues))]
        case FollowUp():
            _at_agency(state, "forwarded")
            return [c.FollowUpBegun(**facts(dues=kept(state, "class")))]
        case Answer(outcome=outcome):
            _at_agency(state, "forwarded", "in-progress")
            dues = (due(command, "reaction", REACTION_DAYS),)
            return [c.ComplaintAnswered(**facts(dues=dues), outcome=outcome)]
        case AttachEvidence(document=document):
            _in(state, "filed", "verified", "forwarded", "in-progress", "answered")
            if state.evidence >= EVIDENCE:
                raise TooMuchEvidence
            file = {"media": command.media, "bytes": command.bytes, "sha256": command.sha256}
            return [c.EvidenceAttached(**facts(), document=document, **file)]
        case Reply():
            _in(state, "answered")
            dues = (due(command, "follow-up", FOLLOW_UP_DAYS),)
            return [c.ReporterReplied(**facts(dues=dues))]
        case Close(reason=reason):
            return [_closed(facts, state, reason)]
        case Reopen():
            return [_reopened(command, facts, state)]
    raise TypeError(f"{type(command).__name__} is no command of a complaint")


def _filed(f: FileComplaint) -> Event:
    if f.anonymous and f.citizen:
        raise AnonymousNamesNobody
    own = {"mall": f.mall, "number": f.number, "kind": f.kind, "agency": f.agency, "citizen": f.citizen}
    dues = (due(f, "forward", FORWARD_DAYS), *of_class(f, f.kind))
    about = {"anonymous": f.anonymous, "secret": f.secret, "service": f.service}
    return c.ComplaintFiled.model_validate(own | about | {"at": f.at, "dues": dues, "words": f.words})


def _closed(facts: Facts, state: Complaint, reason: Reason) -> Event:
    """Before an answer only for a reason that claims nothing was mended; after it none that promises more."""
    _in(state, "filed", "verified", "forwarded", "in-progress", "answered")
    says = c.SAYS[reason]
    if says in ("fixed", "partly-fixed", "informed", "unconfirmed") and says != state.outcome:
        raise ReasonUntrue(reason=reason, answered=state.outcome)
    return c.ComplaintClosed(**facts(dues=()), reason=reason, outcome=says)


def _reopened(command: Reopen, facts: Facts, state: Complaint) -> Event:
    _in(state, "closed")
    if state.reopened >= REOPENINGS:
        raise ReopenedTooOften
    if command.at - state.at > REOPEN_FOR:
        raise ReopenedTooLate
    dues = (due(command, "forward", FORWARD_DAYS), *of_class(command, state.kind))
    return c.ComplaintReopened(**facts(dues=dues))


def _clock(command: LookAtClock, state: Complaint) -> Iterator[Event]:
    for each in sorted(state.dues, key=lambda d: d.at):
        rest = tuple(d for d in state.dues if d.which != each.which)
        event: Event
        if command.at >= each.at and each.which == "reaction":
            closing = Facts(state, command)(dues=())
            event = c.ComplaintClosed(**closing, reason="no-reaction", outcome=c.SAYS["no-reaction"])
        elif command.at >= each.at:
            event = c.DeadlinePassed(**Facts(state, command)(dues=rest), due=each)
        elif command.at >= each.near and not each.told:
            told = each.model_copy(update={"told": True})
            event = c.DeadlineNear(**Facts(state, command)(dues=(*rest, told)), due=each)
        else:
            continue
        state = c.evolve(state, event)
        yield event


def _in(state: Complaint, *statuses: str) -> None:
    if state.status not in statuses:
        raise ComplaintElsewhere(status_now=state.status)


def _at_agency(state: Complaint, *statuses: str) -> None:
    _in(state, *statuses)
    if state.agency is None:
        raise NotForwarded


decider: Decider[Complaint] = Decider("complaint", Complaint(), decide, c.evolve, c.EVENTS)
