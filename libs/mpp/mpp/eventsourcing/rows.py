"""What the log holds: its lines as stored and as events, who asked, and which keys were used for what."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from mpp.eventsourcing.decider import Event

ANONYMOUS = UUID(int=0)


@dataclass(frozen=True, slots=True)
class About:
    """Who asked, under which key and within which trace; never personal data."""

    actor: UUID | None = None
    role: str = ""
    key: str = ""  # the client's Idempotency-Key, "" when it gave none
    request: bytes = b""  # sha-256 of what was asked, compared when the key comes back
    traceparent: str = ""

    @property
    def remembered_as(self) -> tuple[UUID, bytes]:
        return self.actor or ANONYMOUS, hashlib.sha256(self.key.encode()).digest()

    def as_json(self) -> str:
        facts = {"actor": self.actor, "role": self.role, "traceparent": self.traceparent}
        return orjson.dumps({name: fact for name, fact in facts.items() if fact}).decode()


class Row(NamedTuple):
    """One line of the log as stored; `data` and `about` are JSON text."""

    position: int
    id: UUID
    stream: str
    version: int
    type: str
    data: str
    about: str
    recorded_at: datetime

    def recorded(self, event: Event) -> "Recorded":
        """The same line, its data decoded."""
        return Recorded(
            self.position, self.id, self.stream, self.version, event, self.recorded_at, self.about
        )


class Recorded(NamedTuple):
    """An event with its place in the log."""

    position: int
    id: UUID
    stream: str
    version: int
    event: Event
    recorded_at: datetime
    about: str = "{}"


@dataclass(frozen=True, slots=True)
class New:
    """An event that is about to be appended."""

    id: UUID
    stream: str
    version: int
    event: Event
    about: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a key was used for: the `events` events of `stream` that end at `version`."""

    request: bytes
    stream: str
    version: int
    events: int


class Span(NamedTuple):
    """Some events of one stream: from this version to that one, both included."""

    stream: str
    first: int
    last: int


Key = tuple[UUID, bytes]  # actor, sha-256 of the Idempotency-Key
Rows = dict[str, list[Row]]  # per stream
Commands = dict[Key, Remembered]
