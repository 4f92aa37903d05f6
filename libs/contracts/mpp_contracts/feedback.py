"""What feedback publishes: that surveys were answered, never by whom; and the life of complaints."""

from datetime import date as Date
from datetime import datetime
from uuid import UUID

from pydantic import Field

from mpp_contracts.published import Published
from mpp_contracts.subjects import Answered


class SurveyAnswered(Published, owner="feedback"):
    """One anonymous answer: nine elements, each 1 to 4."""

    service: str
    agency: str
    date: Date = Field(description="the day, never the moment")
    scores: tuple[int, ...] = Field(description="of the nine elements of Permenpan RB 14/2017, in order")


class OfComplaint(Published, owner="feedback"):
    """An event in the life of one complaint; nothing of its text."""

    complaint: UUID
    number: str
    kind: str = Field(description="class: information, complaint, supervision or aspiration")
    agency: str | None = None
    citizen: UUID | None = Field(None, description="the reporter, when known and not anonymous")
    at: datetime


class ComplaintFiled(OfComplaint):
    """Somebody complains."""


class ComplaintStatusChanged(OfComplaint):
    """It went on: verified, forwarded, answered, closed, reopened."""

    status: str
    reason: str | None = None


class ComplaintDeadlinePassed(OfComplaint):
    """A deadline of its class has passed; said once."""

    due: datetime


class SubjectAnswered(Answered, owner="feedback"):
    """Feedback has forgotten somebody."""
