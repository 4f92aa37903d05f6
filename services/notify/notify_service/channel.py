"""A channel: one way to somebody outside; it says what it knows of each attempt, and no more."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

Begin = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be said, to an address of this channel."""

    id: UUID
    to: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """The other side has taken it over."""


@dataclass(frozen=True, slots=True)
class Later:
    """The other side did not take it, for sure; `after`: the seconds it asked for."""

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The other side never will."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unsure:
    """It may have been taken over: the answer was lost. Sent again, it might come twice."""


@dataclass(frozen=True, slots=True)
class NotMine:
    """`begin` said that somebody else sends it."""


Result = Delivered | Later | Refused | Unsure | NotMine


class Channel(Protocol):
    """`send` calls `begin` when all is ready, right before what can't be taken back; it never raises."""

    async def send(self, message: Message, begin: Begin) -> Result: ...
