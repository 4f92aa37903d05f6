"""What notify publishes: what became of each notification; never what it said, or to which address."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from mpp_contracts.published import NATION, Published
from mpp_contracts.subjects import Answered


class OfNotification(Published, owner="notify"):
    """An event in the life of one notification."""

    mall: str = NATION
    notification: UUID
    citizen: UUID
    channel: str = Field(description="email, telegram, inbox or sms")
    template: str
    at: datetime


class NotificationSent(OfNotification):
    """The other side has taken it over."""


class NotificationFailed(OfNotification):
    """It was given up: expired, refused for good, or tried too often."""

    reason: str


class SubjectAnswered(Answered, owner="notify"):
    """Notify has forgotten somebody."""
