"""The envelope of a published event: CloudEvents 1.0 in structured JSON."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from mpp.eventsourcing.log import Recorded
from mpp_contracts.published import Published

Announce = Callable[[Recorded], Published | None]


class NotOurs(Exception):
    """A message that is no published event of the service it claims to come from."""


class Message(NamedTuple):
    """A published event on its way: where it stands in its owner's log, and what it says.

    `previous`: nothing was published between that position and this one, so a reader sees what it lacks;
    `previous_id`: the event there, so that a reader sees another history.
    """

    id: UUID
    position: int
    previous: int
    subject: str
    time: datetime
    data: dict[str, Any]
    traceparent: str = ""
    previous_id: UUID | None = None

    @property
    def key(self) -> str:
        """What order is kept for: the mall."""
        return self.subject.split(".")[2]

    @property
    def type(self) -> str:
        """The subject without the mall: `mpp.queue.ticket-issued.v1`."""
        platform, service, _, name, version = self.subject.split(".")
        return ".".join((platform, service, name, version))

    def encode(self) -> bytes:
        envelope = {
            "specversion": "1.0",
            "id": str(self.id),
            "source": "/" + "/".join(self.subject.split(".")[:2]),
            "type": self.type,
            "subject": self.key,
            "time": self.time,
            "datacontenttype": "application/json",
            "position": self.position,
            "previous": self.previous,
            "data": self.data,
        }
        if self.previous_id:
            envelope["previousid"] = str(self.previous_id)
        if self.traceparent:
            envelope["traceparent"] = self.traceparent
        return orjson.dumps(envelope)


def messages_of(
    events: Iterable[Recorded], announce: Announce, previous: int, previous_id: UUID | None = None
) -> list[Message]:
    """What is told of these events, in order; `previous` is the position of the last one told before."""
    messages = []
    for recorded in events:
        if (published := announce(recorded)) is not None:
            trace = orjson.loads(recorded.about).get("traceparent", "")
            data = published.model_dump(mode="json")
            told = (published.subject, recorded.recorded_at, data, trace, previous_id)
            messages.append(Message(recorded.id, recorded.position, previous, *told))
            previous, previous_id = recorded.position, recorded.id
    return messages


def decode(payload: bytes | str) -> Message:
    """The message in these bytes; NotOurs when they are no envelope."""
    try:
        envelope = orjson.loads(payload)
        platform, service, name, version = envelope["type"].split(".")
        return Message(
            UUID(envelope["id"]),
            int(envelope["position"]),
            int(envelope["previous"]),
            ".".join((platform, service, envelope["subject"], name, version)),
            datetime.fromisoformat(envelope["time"]),
            dict(envelope["data"]),
            envelope.get("traceparent", ""),
            UUID(envelope["previousid"]) if "previousid" in envelope else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as broken:
        raise NotOurs(f"no envelope: {type(broken).__name__}") from broken


def received(subject: str, payload: bytes) -> Message:
    """The message that came under this subject; NotOurs when it claims another owner, mall or event.

    NATS lets a service publish under its own name alone, so the subject is what can be trusted.
    """
    message = decode(payload)
    if message.subject != subject:
        raise NotOurs(f"a message under {subject} says that it is {message.subject}")
    return message
