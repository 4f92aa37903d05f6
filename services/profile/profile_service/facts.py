"""What a citizen may tell of themselves, as requests carry it; it goes to the vault and to no event."""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mpp.eventsourcing.decider import Invalid
from profile_service.command import Kind

Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")]
Sex = Literal["female", "male"]


def _phone(said: str) -> str:
    """+62812…, however it was written."""
    digits = re.sub(r"[ ().-]", "", said)
    if not re.fullmatch(r"(\+[1-9]|0)[0-9]{6,14}", digits):
        raise ValueError("a telephone number: +62812… or 0812…")
    return f"+62{digits[1:]}" if digits[0] == "0" else digits


Phone = Annotated[str, Field(max_length=30), AfterValidator(_phone)]
Email = Annotated[
    str, Field(max_length=254, pattern=r"^[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]+\.[^@\s.\x00-\x1f]{2,}$")
]


class NotBorn(Invalid):
    """This day of birth has not come yet."""


class Facts(BaseModel):
    """Facts of one kind, given as a whole: what is left out is taken out."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Identity(Facts):
    """Who somebody is. A NIK that is left out stays as it was: it is shown masked and can't be sent back."""

    name: Line
    nik: Annotated[str, Field(max_length=32)] | None = Field(None, description="sixteen digits")
    birth_date: date | None = None
    sex: Sex | None = None


class Contact(Facts):
    """Where somebody can be reached, and in which language."""

    email: Email | None = None
    phone: Phone | None = None
    telegram: Annotated[int, Field(ge=1, lt=1 << 63)] | None = Field(None, description="id of the chat")
    language: Literal["id", "en"] = "id"

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(each for each in ("email", "phone", "telegram") if getattr(self, each) is not None)


class Address(Facts):
    """Where somebody lives."""

    street: Line
    village: Line | None = Field(None, description="desa/kelurahan")
    district: Line | None = Field(None, description="kecamatan")
    regency: Annotated[str, Field(pattern=r"^[0-9]{4}$")] | None = Field(None, description="region code")
    postal_code: Annotated[str, Field(pattern=r"^[0-9]{5}$")] | None = None


class Relative(BaseModel):
    """One member of the family, as on the family card."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Line
    relation: Literal["spouse", "child", "parent", "sibling", "other"]
    nik: Annotated[str, Field(pattern=r"^[0-9]{16}$")] | None = None
    birth_date: date | None = None


class Family(Facts):
    """The members of the family."""

    members: Annotated[tuple[Relative, ...], Field(max_length=30)]


OF_KIND: dict[Kind, type[Facts]] = {
    "identity": Identity,
    "contact": Contact,
    "address": Address,
    "family": Family,
}
FIELDS: dict[str, Kind] = {name: kind for kind, facts in OF_KIND.items() for name in facts.model_fields}


def stored(facts: Facts) -> dict[str, Any]:
    """As the vault takes it: null takes a fact out."""
    return facts.model_dump(mode="json")
