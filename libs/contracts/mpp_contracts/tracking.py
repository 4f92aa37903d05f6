"""What tracking publishes: the life of every application."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from mpp_contracts.published import Published
from mpp_contracts.subjects import Answered


class OfApplication(Published, owner="tracking"):
    """An event in the life of one application."""

    application: UUID
    number: str = Field(description="the tracking number, as printed")
    service: str = Field(description="the service's code in the catalog")
    agency: str
    citizen: UUID | None = Field(None, description="who applies, when signed in")
    at: datetime


class ApplicationSubmitted(OfApplication):
    """The applicant has handed it in; the agency has to look whether it is complete."""


class StatusChanged(OfApplication):
    """It went on: declared complete, sent back, a step done, paused, approved, rejected, withdrawn, …"""

    status: str
    step: str | None = None
    reasons: tuple[str, ...] = Field((), description="codes, such as `document-unreadable:ktp`")


class DeadlineNear(OfApplication):
    """A time limit comes close; said once."""

    step: str | None = None
    due: datetime


class DeadlinePassed(OfApplication):
    """A time limit has passed without a decision; said once."""

    step: str | None = None
    due: datetime


class ProductIssued(OfApplication):
    """What was applied for is there to be fetched."""

    product: UUID


class ApplicationEnded(OfApplication):
    """Nothing more will happen; the survey may be answered."""

    outcome: str = Field(description="approved, rejected, withdrawn or deemed-granted")


class SubjectAnswered(Answered, owner="tracking"):
    """Tracking has forgotten somebody."""
