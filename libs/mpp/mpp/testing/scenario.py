"""Rules told as stories: given these events, when this command, then those events or that refusal."""

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from mpp.eventsourcing.decider import Decider, Event, Rejected, fold

S = TypeVar("S")


@dataclass
class Scenario(Generic[S]):
    """A story about one stream."""

    decider: Decider[S]
    state: S
    happened: list[Event] = field(default_factory=list)
    refusal: Rejected | None = None

    def when(self, *commands: Any) -> "Scenario[S]":
        """These commands, one after the other; the story ends at the first refusal."""
        self.happened = []
        for command in commands:
            try:
                events = self.decider.decide(command, self.state)
            except Rejected as refusal:
                self.refusal = refusal
                return self
            self.state = fold(self.decider, events, self.state)
            self.happened += events
        return self

    def then(self, *events: Event) -> S:
        """Exactly these events; returns the state after them."""
        assert self.refusal is None, f"refused: {self.refusal!r}"
        assert self.happened == list(events), f"happened: {self.happened}"
        return self.state

    def refused(self, rule: type[Rejected]) -> Rejected:
        """The last command broke this rule; returns the refusal."""
        assert isinstance(self.refusal, rule), (
            f"not refused by {rule.__name__}: {self.refusal or self.happened}"
        )
        return self.refusal


def given(decider: Decider[S], *events: Event) -> Scenario[S]:
    return Scenario(decider, fold(decider, list(events)))
