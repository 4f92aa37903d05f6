"""A mall as feedback knows it: the facts heard from the catalog, and how its index is weighed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feedback_service.ikm import Weights
from mpp.eventsourcing.decider import Decider, Event

Facts = Mapping[tuple[str, str], dict[str, Any]]
WEIGHTS = ("weights", "")


class FactHeard(Event, type="fact-heard"):
    """The catalog said something of this kind about the thing with this key; null: no longer."""

    kind: str
    key: str
    fact: dict[str, Any] | None


class WeightsChosen(Event, type="weights-chosen"):
    """From now on the index is reckoned with these weights."""

    weights: Weights


@dataclass(frozen=True, slots=True)
class Hear:
    """Remember what the catalog said."""

    kind: str
    key: str
    fact: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ChooseWeights:
    """Reckon with these weights."""

    weights: Weights


def decide(command: Hear | ChooseWeights, facts: Facts) -> list[Event]:
    match command:
        case Hear(kind, key, fact):
            same = facts.get((kind, key)) == fact
            return [] if same else [FactHeard(kind=kind, key=key, fact=fact)]
        case ChooseWeights(weights):
            same = facts.get(WEIGHTS, {}).get("weights", "exact") == weights
            return [] if same else [WeightsChosen(weights=weights)]


def evolve(facts: Facts, event: Event) -> Facts:
    match event:
        case FactHeard(kind=kind, key=key, fact=None):
            return {known: fact for known, fact in facts.items() if known != (kind, key)}
        case FactHeard(kind=kind, key=key, fact=fact):
            return {**facts, (kind, key): fact or {}}
        case WeightsChosen(weights=weights):
            return {**facts, WEIGHTS: {"weights": weights}}
    return facts


decider: Decider[Facts] = Decider("mall", {}, decide, evolve, (FactHeard, WeightsChosen))
