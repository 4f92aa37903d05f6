"""A tenant: the presence of one agency in one mall."""

from pydantic import Field

from catalog_service.command import Command, Slug, Title
from mpp.eventsourcing.decider import Event


class TenantTerms(Command):
    """How an agency is called in this mall."""

    title: Title
    generated: bool = Field(False, description="no source names this agency in this mall")


class OpenTenant(TenantTerms):
    """An agency moves in, or changes its name here."""

    agency: Slug


class TenantOpened(Event, type="tenant-opened"):
    agency: str
    title: str
    generated: bool = False
