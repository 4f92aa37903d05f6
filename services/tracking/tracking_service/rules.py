"""What may happen to an application, in which order, and until when."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mpp.eventsourcing.decider import Decider, Event
from tracking_service import application as a
from tracking_service import clock
from tracking_service import command as c
from tracking_service.application import Application, Due, Status
from tracking_service.process import APPROVED, ENDS, REJECTED, Limit, Process

REASON = re.compile(
    r"(?P<what>document|answer)-(?:missing|unreadable|expired|wrong):(?P<of>[a-z0-9_-]{1,40})"
)
REFUSAL = re.compile(r"[a-z]+(-[a-z]+)*")
OPEN: tuple[Status, ...] = ("draft", "submitted", "sent-back", "in-progress", "paused")
NEAR = 0.75  # of a limit in hours; of one in days, the end of the day before the last


def decide(command: Any, state: Application) -> list[Event]:
    """Raises what `command` names, and NeverOpen."""
    if isinstance(command, c.OpenApplication):
        return [_opened(command)] if state.status is None else []
    if state.status is None:
        raise c.UnknownApplication
    command = replace(command, at=max(command.at, state.at))  # the clocks of two replicas differ
    if isinstance(command, c.OfOffice):
        return [*_at_office(command, state)]
    match command:
        case c.LookAtClock():
            return [*_clock(command, state)]
        case c.ForgetApplicant():
            return [a.ApplicantForgotten(**_facts(command, state, citizen=None))] if state.citizen else []
        case c.GiveAnswers():
            _in(state, "draft", "sent-back")
            return [a.AnswersGiven(**_facts(command, state))]
        case c.AttachDocument(document=document, process=process):
            _in(state, "draft", "sent-back")
            if process.demand(document.kind) is None:
                raise c.UnknownDocument(kind=document.kind)
            return [a.DocumentAttached(**_facts(command, state), document=document)]
        case c.Submit():
            return [_submitted(command, state)]
        case c.Withdraw():
            _in(state, *OPEN)
            gone = a.ApplicationWithdrawn(**_facts(command, state, dues=()))
            return [gone, *_closed(command, state, "withdrawn")]
    raise TypeError(f"{type(command).__name__} is no command of an application")


def _facts(command: Any, state: Application, **differs: Any) -> dict[str, Any]:
    """What every event of an application repeats."""
    same = {name: getattr(state, name) for name in ("mall", "number", "service", "agency", "citizen", "dues")}
    return same | {"at": command.at} | differs


def _in(state: Application, *allowed: Status) -> None:
    if state.status not in allowed:
        raise c.ApplicationElsewhere(status=state.status, allowed=list(allowed))


def _opened(o: c.OpenApplication) -> Event:
    who = {"mall": o.mall, "number": o.number, "service": o.service, "agency": o.agency, "citizen": o.citizen}
    under = {"process": o.process.code, "version": o.version, "standard": o.standard, "assisted": o.assisted}
    ends = {"deemed_granted": o.process.deemed_granted, "product": o.process.product is not None}
    return a.ApplicationOpened.model_validate(who | under | ends | {"at": o.at})


def _submitted(command: c.Submit, state: Application) -> Event:
    _in(state, "draft", "sent-back")
    if not state.answered:
        raise c.AnswersMissing
    wanted = [each.code for each in command.process.documents if each.required]
    if missing := [code for code in wanted if code not in state.documents]:
        raise c.DocumentsMissing(missing=missing)
    if state.status == "draft":
        return a.ApplicationSubmitted(**_facts(command, state))
    facts = _facts(command, state, dues=_resumed(command, state))
    return a.ApplicationResubmitted(**facts, running=state.started is not None)


def _at_office(command: c.OfOffice, state: Application) -> Iterator[Event]:
    if state.officer and state.officer != command.officer and not command.supervisor:
        raise c.ClaimedByAnother
    if state.deemed_granted and any(due.step is None and command.at >= due.at for due in state.dues):
        raise c.SilenceGranted
    match command:
        case c.Claim(officer=officer):
            _in(state, *OPEN[1:], "approved", "deemed-granted")
            if officer and state.officer != officer and not state.closed:
                yield a.ApplicationClaimed(**_facts(command, state), officer=officer)
        case c.Release():
            if state.officer:
                yield a.ApplicationReleased(**_facts(command, state))
        case c.DeclareComplete(process=process):
            _in(state, "submitted")
            first = process.first
            dues = _dues(command, process, first.code, {None: command.at, first.code: command.at})
            yield a.DeclaredComplete(**_facts(command, state, dues=dues), step=first.code)
        case c.SendBack(reasons=reasons, words=words, process=process):
            _in(state, "submitted", "in-progress")
            _reasons_of(process, reasons)
            yield a.SentBack(**_facts(command, state, dues=()), reasons=reasons, words=words)
        case c.Pause(reason=reason):
            _in(state, "in-progress")
            yield a.ClockPaused(**_facts(command, state, dues=()), reason=reason)
        case c.Resume():
            _in(state, "paused")
            yield a.ClockResumed(**_facts(command, state, dues=_resumed(command, state)))
        case c.TakeStep(step=to, process=process):
            _leave(command, state, to)
            if to in ENDS:
                raise c.StepNotAllowed("An end is approved or rejected.", step=state.step, to=to)
            begun = {None: state.started or command.at, to: command.at}
            dues = _dues(command, process, to, begun, state.pauses)
            said = {each for each in state.said if each[0] is None}
            yield a.StepTaken(**_facts(command, state, dues=_unsaid(dues, said)), step=to)
        case c.Approve():
            _leave(command, state, APPROVED)
            yield a.ApplicationApproved(**_facts(command, state, dues=()))
            if not state.product:
                yield from _closed(command, state, "approved")
        case c.Reject(reasons=reasons, words=words):
            _leave(command, state, REJECTED)
            if not reasons or not all(REFUSAL.fullmatch(each) for each in reasons):
                raise c.UnknownReason("A reason is a code such as `standard-not-met`.")
            yield a.ApplicationRejected(**_facts(command, state, dues=()), reasons=reasons, words=words)
            yield from _closed(command, state, "rejected")
        case c.IssueProduct(product=product):
            if not state.product:
                raise c.NoProduct
            _in(state, "approved", "deemed-granted")
            if state.closed:
                raise c.ApplicationElsewhere(status="closed")
            yield a.ProductIssued(**_facts(command, state), product=product)
            yield from _closed(command, state, state.status)


def _closed(command: Any, state: Application, outcome: Any) -> Iterator[Event]:
    yield a.ApplicationClosed(**_facts(command, state, dues=()), outcome=outcome)


def _leave(command: c.OfOffice, state: Application, to: str) -> None:
    """Whether the process leads from the step where it is to there, and this officer may take it."""
    _in(state, "in-progress")
    step = command.process.step(state.step)
    if step is None or to not in step.leads_to:
        raise c.StepNotAllowed(step=state.step, to=to, allowed=list(step.leads_to) if step else [])
    if step.office == "supervisor" and not command.supervisor:
        raise c.SupervisorsStep


def _reasons_of(process: Process, reasons: tuple[str, ...]) -> None:
    found = [REASON.fullmatch(each) for each in reasons]
    known = {demand.code for demand in process.documents}
    if not found or not all(m and (m["what"] == "answer" or m["of"] in known) for m in found):
        raise c.UnknownReason


def _resumed(command: c.Under, state: Application) -> tuple[Due, ...]:
    """The time limits of a clock that runs again; nothing that was said is said again."""
    if state.started is None:
        return ()
    pauses = (*state.pauses, (state.stopped, command.at)) if state.stopped else state.pauses
    begun = {None: state.started, state.step: state.step_at or state.started}
    return _unsaid(_dues(command, command.process, state.step, begun, pauses), state.said)


def _dues(
    command: c.Under, process: Process, step: str, begun: dict[Any, Any], pauses: tuple[clock.Pause, ...] = ()
) -> tuple[Due, ...]:
    at_step = process.step(step)
    limits: dict[str | None, Limit | None] = {None: process.limit, step: at_step.limit if at_step else None}
    made = []
    for which, limit in limits.items():
        if limit:
            near = limit.amount - 1 if limit.unit == "working-days" else limit.amount * NEAR
            ends = [
                clock.due(command.calendar, begun[which], n, limit.unit, pauses) for n in (near, limit.amount)
            ]
            made.append(Due(step=which, near=ends[0], at=ends[1]))
    return tuple(made)


def _unsaid(dues: tuple[Due, ...], said: Any) -> tuple[Due, ...]:
    return tuple(
        each.model_copy(update={"told": (each.step, "near") in said})
        for each in dues
        if (each.step, "passed") not in said
    )


def _clock(command: c.LookAtClock, state: Application) -> Iterator[Event]:
    """What has come near or passed since it was last looked at, each said once."""
    open_ = dict.fromkeys(sorted(state.dues, key=lambda due: due.at))
    for due in [*open_]:
        if command.at >= due.at:
            del open_[due]
            if due.step is None and state.deemed_granted:
                yield a.DeemedGranted(**_facts(command, state, dues=()))
                if not state.product:
                    yield from _closed(command, state, "deemed-granted")
                return
            yield a.DeadlinePassed(**_facts(command, state, dues=tuple(open_)), due=due)
        elif command.at >= due.near and not due.told:
            told = due.model_copy(update={"told": True})
            open_ = {told if each is due else each: None for each in open_}
            yield a.DeadlineNear(**_facts(command, state, dues=tuple(open_)), due=told)


decider: Decider[Application] = Decider("application", Application(), decide, a.evolve, a.EVENTS)
