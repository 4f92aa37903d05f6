"""What profile publishes: that citizens came, agreed, withdrew and were forgotten; never who they are."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from mpp_contracts.published import NATION, Published


class OfCitizen(Published, owner="profile"):
    """An event in the life of one citizen's profile."""

    mall: str = NATION
    citizen: UUID
    at: datetime = Field(description="when it happened, with offset")


class CitizenRegistered(OfCitizen):
    """Somebody is known from now on."""

    assisted: bool = Field(False, description="registered by an officer at a counter")


class ConsentGiven(OfCitizen):
    """Data may be used for this purpose."""

    purpose: str


class ConsentWithdrawn(OfCitizen):
    """Data may no longer be used for this purpose."""

    purpose: str


class ContactsChanged(OfCitizen):
    """Where somebody can be reached has changed; which channels there are, never the addresses."""

    channels: tuple[str, ...]


class SubjectForgotten(OfCitizen):
    """Somebody wants to be forgotten: every service erases what it holds and answers with `request`."""

    request: UUID
