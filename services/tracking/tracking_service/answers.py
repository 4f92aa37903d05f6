"""What the API shows: processes, applications, their history."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from mpp.web.answer import etag
from tracking_service.application import Status
from tracking_service.desk import Case, Mall
from tracking_service.process import Demand, Limit, Process, Words

MOMENTS = ("opened_at", "submitted_at", "complete_at", "closed_at", "due")
BRIEF = ("number", "process", "service", "agency", "status", "step", "outcome", "overdue")


class Offered(BaseModel):
    """A process in force, as somebody who wants to apply has to know it."""

    code: str
    version: int
    title: Words
    services: tuple[str, ...]
    limit: Limit
    deemed_granted: bool
    documents: tuple[Demand, ...]
    form: dict[str, Any]


class Opened(BaseModel):
    id: UUID
    number: str
    secret: str = Field(description="shows whose application it is; stored nowhere")


class Entry(BaseModel):
    happened: str
    at: str
    step: str | None
    reasons: list[str]
    words: str | None = Field(None, description="what the office said besides the codes")


class File(BaseModel):
    id: UUID
    kind: str
    sha256: str
    bytes: int
    media: str


class Brief(BaseModel):
    id: UUID
    mall: str
    number: str
    process: str
    service: str
    agency: str
    status: Status
    step: str | None
    outcome: str | None
    overdue: bool
    opened_at: str
    submitted_at: str | None
    complete_at: str | None
    closed_at: str | None
    due: str | None


class Listed(Brief):
    officer: UUID | None


class Shown(Brief):
    officer: UUID | None
    answers: dict[str, Any]
    applicant: dict[str, Any] | None = Field(description="of somebody without an account")
    documents: list[File]
    product: UUID | None
    history: list[Entry]
    allowed: list[str] = Field(description="steps and ends that the process leads to from here")
    secret: str | None = Field(None, description="for the applicant alone: opens the survey")


class Followed(BaseModel):
    """What everybody may know who has the number and the last four digits of the telephone."""

    number: str
    service: str
    agency: str
    status: Status
    step: str | None
    outcome: str | None
    due: str | None
    history: list[Entry]


class Thing(BaseModel):
    """One line of a citizen's history, whichever service it was with."""

    kind: Literal["application", "ticket", "complaint"]
    id: UUID
    mall: str
    number: str
    service: str | None
    status: str
    at: str


def offered(version: int, process: Process) -> dict[str, Any]:
    shown = process.model_dump(mode="json", exclude={"steps", "product", "keeping"})
    return Offered(version=version, **shown).model_dump(mode="json")


def brief(row: Mapping[str, Any], mall: Mall) -> dict[str, Any]:
    told = {name: row[name] for name in BRIEF} | {name: mall.told(row[name]) for name in MOMENTS}
    return told | {"id": str(row["id"]), "mall": row["mall"]}


def listed(row: Mapping[str, Any], mall: Mall) -> dict[str, Any]:
    return brief(row, mall) | {"officer": row["officer"] and str(row["officer"])}


def entries(
    history: Sequence[Mapping[str, Any]], held: Mapping[str, Any], mall: Mall
) -> list[dict[str, Any]]:
    return [
        {
            "happened": each["happened"],
            "at": mall.told(each["at"]),
            "step": each["step"],
            "reasons": each["reasons"],
            "words": held.get(str(each["words"])) if each["words"] else None,
        }
        for each in history
    ]


def file(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("kind", "sha256", "bytes", "media")} | {"id": str(row["id"])}


def allowed(case: Case) -> list[str]:
    step = case.process.step(case.row["step"] or "")
    return list(step.leads_to) if step and case.row["status"] == "in-progress" else []


def written(version: int) -> Response:
    """Done, with the ETag of what it led to."""
    return Response(status_code=204, headers={"ETag": etag(version)})
