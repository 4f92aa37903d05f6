"""A public service and its standard: the 14 components of UU 25/2009 art. 21, versioned."""

from collections.abc import Container, Iterator, Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from catalog_service.command import Command, ServiceCode, Slug, Text, Title, UnknownAgency
from mpp.eventsourcing.decider import Event, NotFound, Rejected

Items = Annotated[tuple[Text, ...], Field(max_length=60)]


class Duration(BaseModel):
    """How long the service may take: hours or working days, never both."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    hours: float | None = Field(None, gt=0, le=10_000)
    working_days: int | None = Field(None, ge=1, le=1_000)

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if self.hours is not None and self.working_days is not None:
            raise ValueError("a duration is in hours or in working days, not in both")
        return self


class Standard(BaseModel):
    """One version of a service standard (standar pelayanan)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: float = Field(ge=0.1, le=480, description="typical minutes at the counter")

    # of delivery
    requirements: Items = Field((), description="persyaratan")
    procedure: Items = Field((), description="sistem, mekanisme, dan prosedur")
    duration: Duration = Field(Duration(), description="jangka waktu penyelesaian")
    fee: int | None = Field(None, ge=0, description="biaya/tarif in rupiah; null: by a tariff table")
    product: Text = Field("", description="produk pelayanan")
    complaints: Text = Field("", description="penanganan pengaduan, saran, dan masukan")

    # of management
    legal_basis: Items = Field((), description="dasar hukum")
    facilities: Items = Field((), description="sarana, prasarana, dan/atau fasilitas")
    competence: Text = Field("", description="kompetensi pelaksana")
    supervision: Text = Field("", description="pengawasan internal")
    staff: int | None = Field(None, ge=0, description="jumlah pelaksana")
    guarantee: Text = Field("", description="jaminan pelayanan")
    safety: Text = Field("", description="jaminan keamanan dan keselamatan pelayanan")
    evaluation: Text = Field("", description="evaluasi kinerja pelaksana")

    deemed_granted_after_working_days: int | None = Field(
        None, ge=1, le=365, description="fiktif positif, UU 30/2014 art. 53; null: silence grants nothing"
    )
    generated: bool = Field(False, description="made up from common knowledge, not read in a source")
    unconfirmed: tuple[str, ...] = Field((), description="components that no source states")


class ServiceTerms(Command):
    """Who offers a service, its title and its standard."""

    agency: Slug
    title: Title
    standard: Standard


class PublishService(ServiceTerms):
    """Offer a service under this standard; a standard that differs becomes a new version."""

    code: ServiceCode


class WithdrawService(Command):
    """Stop offering a service; its versions stay readable."""

    code: ServiceCode


class ServicePublished(Event, type="service-published"):
    """`version` counts the standards of this service in this mall, from 1."""

    code: str
    agency: str
    title: str
    version: int
    standard: Standard


class ServiceWithdrawn(Event, type="service-withdrawn"):
    code: str


class NotOffered(NotFound):
    """The mall does not offer this service."""


def faults(command: PublishService, tenants: Container[str]) -> Iterator[Rejected]:
    if command.agency not in tenants:
        yield UnknownAgency(f"{command.agency} is not in this mall", field="agency")


def publish(
    command: PublishService, offered: Mapping[str, ServicePublished], versions: Mapping[str, int]
) -> list[Event]:
    """Nothing when all is the same; only a changed standard counts the version up."""
    known = offered.get(command.code)
    version = versions.get(command.code, 0)
    if known is None or known.standard != command.standard:
        version += 1
    event = ServicePublished(
        code=command.code,
        agency=command.agency,
        title=command.title,
        version=version,
        standard=command.standard,
    )
    return [] if event == known else [event]
