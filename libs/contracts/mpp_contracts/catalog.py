"""What catalog publishes: malls, their hours, services, lines and counters."""

from datetime import date as Date
from datetime import time
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from mpp_contracts.published import Published

# JSON Schema's format `time` means one with an offset; these are wall-clock times.
Clock = Annotated[time, WithJsonSchema({"type": "string", "pattern": r"^[0-2]\d:[0-5]\d:[0-5]\d$"})]


class Hours(BaseModel):
    """One day's opening hours in the mall's zone; no ticket is issued from `last_ticket` on."""

    model_config = ConfigDict(frozen=True)
    opens: Clock
    closes: Clock
    last_ticket: Clock


class FromCatalog(Published, owner="catalog"):
    """An event of the catalog service."""


class MallDescribed(FromCatalog):
    """A mall exists, or its description changed."""

    slug: str
    title: str
    region: str
    timezone: str = Field(description="IANA zone; a service day is a date in it")
    address: str = ""
    type: str = Field("", description="the ministry's maturity class: 2.0, 2.1 or 2.2")


class HoursSet(FromCatalog):
    """The weekly hours changed: seven days from Monday, null where closed."""

    week: tuple[Hours | None, ...] = Field(min_length=7, max_length=7)


class HolidaysSet(FromCatalog):
    """The public holidays and joint leave days of one year: date → name."""

    year: int
    days: dict[Date, str]


class DayOverridden(FromCatalog):
    """One date differs from week and holidays by hand; null hours: closed."""

    date: Date
    hours: Hours | None = None
    reason: str = Field(description="a reason code, such as `local-holiday`")


class DayRestored(FromCatalog):
    """An override was taken back."""

    date: Date


class TenantOpened(FromCatalog):
    """An agency is present in the mall, or its name here changed."""

    agency: str
    title: str


class ServicePublished(FromCatalog):
    """A public service is offered under this version of its standard."""

    code: str
    agency: str
    title: str
    minutes: float = Field(gt=0, description="typical minutes at the counter, by the standard")
    standard: int = Field(description="version of the service standard")


class ServiceWithdrawn(FromCatalog):
    """A public service is no longer offered."""

    code: str


class LineDefined(FromCatalog):
    """A queue group: its letter, the services it serves, how many tickets a day it takes."""

    line: str = Field(description="the letter, such as `A`; unique in the mall")
    title: str
    services: tuple[str, ...]
    capacity: int | None = Field(None, ge=0, description="tickets a day; null: no limit")
    quotas: dict[str, int] = Field(default_factory=dict, description="channel → tickets a day")


class LineClosed(FromCatalog):
    """A line takes no tickets, by hand, until it is opened again."""

    line: str
    reason: str


class LineOpened(FromCatalog):
    """A line closed by hand takes tickets again."""

    line: str


class CounterDefined(FromCatalog):
    """A desk and the lines it serves; an empty list means that it serves none."""

    counter: str = Field(description="`<mall>-<code>`, unique in the country")
    title: str = Field(description="as the board shows it: Loket 3")
    agency: str = Field("", description="whose officers sit there")
    lines: tuple[str, ...]
