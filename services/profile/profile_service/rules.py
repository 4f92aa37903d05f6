"""The rules of one citizen: what may happen, and what has happened so far."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from mpp.eventsourcing.decider import Decider, Event, Rejected
from profile_service import citizen
from profile_service import leaving as leave
from profile_service.command import Gone, NotRegistered


class VersionMismatch(Rejected):
    """If-Match names another version than the current one."""

    status = 412


@dataclass(frozen=True, slots=True)
class IfVersion:
    """The command, for this version of the profile only."""

    version: int
    command: Any


@dataclass(frozen=True, slots=True)
class Citizen:
    """What decisions ask of a citizen."""

    version: int = 0
    registered: bool = False
    consents: frozenset[tuple[str, str]] = frozenset()
    leaving: leave.Leaving | None = None


def stream(id: UUID) -> str:  # noqa: A002
    return f"citizen-{id}"


def decide(command: Any, state: Citizen) -> list[Event]:
    match command:
        case IfVersion(version, inner):
            if version != state.version:
                raise VersionMismatch(f"the profile is at version {state.version}", version=state.version)
            return decide(inner, state)
        case leave.HearAnswer():
            return leave.hear(command, state.leaving)
        case leave.CheckTerm():
            return leave.check_term(command, state.leaving)
        case leave.AskForgetting():
            return leave.ask(command) if state.leaving is None else []
        case _ if state.leaving:
            raise Gone("who was forgotten is registered anew by an officer, under a new id")
        case citizen.Register(citizen=who, at=at, mall=mall):
            return [] if state.registered else [citizen.Registered(citizen=who, mall=mall, at=at)]
        case _ if not state.registered:
            raise NotRegistered
        case citizen.ChangeFacts():
            return citizen.changed(command)
        case citizen.Consent():
            return citizen.consent(command, state.consents)
    raise TypeError(f"no such command: {command!r}")


def evolve(state: Citizen, event: Event) -> Citizen:
    state = replace(state, version=state.version + 1)
    match event:
        case citizen.Registered():
            return replace(state, registered=True)
        case citizen.ConsentGiven(purpose=purpose, text=text):
            return replace(state, consents=_without(state, purpose) | {(purpose, text)})
        case citizen.ConsentWithdrawn(purpose=purpose):
            return replace(state, consents=_without(state, purpose))
        case leave.ForgettingAsked(request=request, at=at, asked=asked):
            leaving = leave.Leaving(request, at, frozenset(asked))
            return replace(state, consents=frozenset(), leaving=leaving)
        case leave.ServiceAnswered(service=service) if state.leaving:
            told = replace(state.leaving, answered=state.leaving.answered | {service})
            return replace(state, leaving=told)
        case leave.ForgettingLate() if state.leaving:
            return replace(state, leaving=replace(state.leaving, late=True))
    return state


def _without(state: Citizen, purpose: str) -> frozenset[tuple[str, str]]:
    return frozenset(each for each in state.consents if each[0] != purpose)


def check(stream: str, events: Sequence[Event]) -> list[str]:
    """What must hold of every citizen for ever: no change after forgetting, each service answers once."""
    if not stream.startswith("citizen-"):
        return []
    broken, gone, answers = [], False, list[str]()
    for event in events:
        if gone and isinstance(event, citizen.Registered | citizen.FactsChanged | citizen.ConsentGiven):
            broken.append(f"{event.type} of somebody who was forgotten")
        gone = gone or isinstance(event, leave.ForgettingAsked)
        if isinstance(event, leave.ServiceAnswered):
            answers.append(event.service)
    if len(set(answers)) < len(answers):
        broken.append("a service answered twice")
    return broken


decider: Decider[Citizen] = Decider(
    kind="citizen",
    initial=Citizen(),
    decide=decide,
    evolve=evolve,
    events=(
        citizen.Registered,
        citizen.FactsChanged,
        citizen.ConsentGiven,
        citizen.ConsentWithdrawn,
        leave.ForgettingAsked,
        leave.ServiceAnswered,
        leave.ForgettingLate,
        leave.ForgettingClosed,
    ),
)
