"""What profile answers: the shapes of its resources."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.responses import Response

from mpp.eventsourcing.handler import Outcome
from mpp.web.answer import etag, json_response


class Written(BaseModel):
    """What a change led to."""

    citizen: UUID
    version: int
    warnings: list[str] = Field(
        [], description="codes of what is odd with the NIK, and was taken all the same"
    )


class Profile(BaseModel):
    """What is known of a citizen; NIKs are masked."""

    citizen: UUID
    version: int
    identity: dict[str, Any]
    contact: dict[str, Any]
    address: dict[str, Any]
    family: dict[str, Any]
    consents: list[str] = Field(description="purposes agreed to")


class Entry(BaseModel):
    """One line of the history: what happened, never what was said."""

    version: int
    at: datetime
    what: str
    actor: UUID | None
    role: str = Field(description="as what the actor did it: citizen, officer, system")
    facts: dict[str, Any]


class Reading(BaseModel):
    """Who else has read which kinds of data, for which purpose."""

    at: datetime
    reader: UUID | None
    role: str
    kinds: list[str]
    purpose: str


class Answer(BaseModel):
    """What a service has erased, and what it keeps: until when, by which law."""

    service: str
    at: datetime
    erased: list[str]
    kept: list[dict[str, Any]]


class Forgetting(BaseModel):
    """How far a request to be forgotten is."""

    request: UUID
    state: Literal["open", "late", "done"]
    asked_at: datetime
    due: datetime
    closed_at: datetime | None
    missing: list[str] = Field(description="services that have not answered yet")
    answers: list[Answer]


class Elsewhere(BaseModel):
    """What another service holds, or that it did not answer."""

    service: str
    answered: bool
    held: Any = None


class Export(BaseModel):
    """Everything that is held of a person, here and elsewhere."""

    citizen: UUID
    made_at: datetime
    facts: dict[str, dict[str, Any]]
    consents: dict[str, str] = Field(description="purpose → version of the text agreed to")
    history: list[Entry]
    readings: list[Reading]
    elsewhere: list[Elsewhere]


def written(outcome: Outcome, status: int = 200, warnings: tuple[str, ...] = ()) -> Response:
    citizen = UUID(outcome.stream.partition("-")[2])
    answer = Written(citizen=citizen, version=outcome.version, warnings=[*warnings])
    return json_response(answer.model_dump(mode="json"), status, {"ETag": etag(outcome.version)})


def begun(outcome: Outcome) -> int:
    """201 for a profile that is new, else 200."""
    return 201 if outcome.version == len(outcome.events) > 0 else 200
