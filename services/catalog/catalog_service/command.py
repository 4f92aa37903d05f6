"""A command: what somebody asks of a mall, and the words all commands share."""

from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from mpp.eventsourcing.decider import Invalid

MALL = r"^[0-9]{4}(-[1-9][0-9]?)?$"


def _printable(text: str) -> str:
    if any(sign < " " and sign not in "\n\t" for sign in text):
        raise ValueError("control characters are not text")
    return text


_Printable = AfterValidator(_printable)
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000), _Printable]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), _Printable]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]
MallCode = Annotated[str, StringConstraints(pattern=MALL)]
ServiceCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$", max_length=80)]
Letter = Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,2}$")]
Reason = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40),
    Field(description="a code, such as `network-down`; never free text"),
]


class Command(BaseModel):
    """An order to a mall; its fields are checked when it is made, its rules when it is decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Unknown(Invalid):
    """Something named in passing is not there; `part` is where it should have been."""

    part: ClassVar[str]


class UnknownAgency(Unknown):
    """The agency has no presence in this mall."""

    part = "agencies"


class UnknownService(Unknown):
    """The mall does not offer this service."""

    part = "services"


class UnknownLine(Unknown):
    """The mall has no such line."""

    part = "lines"


def names(items: Iterable[str]) -> str:
    """For refusals: `a, b, c`, in order, the first ten."""
    listed = sorted(items)
    return ", ".join(listed[:10]) + (f" and {len(listed) - 10} more" if len(listed) > 10 else "")
