"""A mall as the queue knows it: what was heard from the catalog, and what the mall set for its queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mpp.eventsourcing.decider import Decider, Event

Facts = Mapping[tuple[str, str], dict[str, Any]]


class FactHeard(Event, type="fact-heard"):
    """Something of this kind was said about the thing with this key; null: no longer."""

    kind: str
    key: str
    fact: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Hear:
    """Remember what was said."""

    kind: str
    key: str
    fact: dict[str, Any] | None


def decide(command: Hear, facts: Facts) -> list[Event]:
    if facts.get((command.kind, command.key)) == command.fact:
        return []
    return [FactHeard(kind=command.kind, key=command.key, fact=command.fact)]


def evolve(facts: Facts, event: Event) -> Facts:
    match event:
        case FactHeard(kind=kind, key=key, fact=None):
            return {known: fact for known, fact in facts.items() if known != (kind, key)}
        case FactHeard(kind=kind, key=key, fact=fact):
            return {**facts, (kind, key): fact or {}}
    return facts


decider: Decider[Facts] = Decider("mall", {}, decide, evolve, (FactHeard,))
