"""Facts, refusals, and the pure rules that turn a command into one or the other."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

S = TypeVar("S")


class Event(BaseModel):
    """Something that happened; immutable, and stored under the chosen word `type`."""

    model_config = ConfigDict(frozen=True)
    type: ClassVar[str]

    def __init_subclass__(cls, *, type: str = "", **kwargs: Any) -> None:  # noqa: A002
        super().__init_subclass__(**kwargs)
        if type:
            cls.type = type


class Rejected(Exception):
    """A rule said no; subclasses are named after the rule, and the edge answers with `status`."""

    status: ClassVar[int] = 409

    def __init__(self, detail: str = "", **facts: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.facts = facts

    @property
    def code(self) -> str:
        """A stable word for programs: LineFull → line-full."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(self).__name__).lower()

    @property
    def title(self) -> str:
        return self.code.replace("-", " ").capitalize()


class Invalid(Rejected):
    """The command contradicts itself or names what cannot be."""

    status = 422


class NotFound(Rejected):
    """What the command speaks of does not exist."""

    status = 404


class Forbidden(Rejected):
    """This actor may not do this here."""

    status = 403


class UnknownEvent(Exception):
    """The log holds a type that this version of the service cannot fold: a newer version wrote it."""


@dataclass(frozen=True, slots=True)
class Decider(Generic[S]):
    """The rules of one kind of stream: streams are named `<kind>-…`.

    decide(command, state) → events, or raises Rejected; evolve(state, event) → state, never refuses.
    """

    kind: str
    initial: S
    decide: Callable[[Any, S], list[Event]]
    evolve: Callable[[S, Event], S]
    events: tuple[type[Event], ...]
    _by_type: dict[str, type[Event]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_type", {event.type: event for event in self.events})

    def decode(self, name: str, data: str | bytes) -> Event:
        event = self._by_type.get(name)
        if event is None:
            raise UnknownEvent(f"{self.kind} has no event {name!r}")
        return event.model_validate_json(data)


def fold(decider: Decider[S], events: list[Event], state: S | None = None) -> S:
    """The state after these events."""
    folded = decider.initial if state is None else state
    for event in events:
        folded = decider.evolve(folded, event)
    return folded
