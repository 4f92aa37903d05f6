"""What may change in a published event, and what is refused."""

import datetime as dt
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from mpp_contracts.evolution import broken
from mpp_contracts.published import Published
from mpp_contracts.schemas import schema_of


class Hours(BaseModel):
    opens: dt.time


BEFORE: dict[str, Any] = {
    "number": (str, ...),
    "title": (str, Field(description="a field may be called like a keyword")),
    "hours": (Hours | None, None),
    "kind": (Literal["call", "recall"], ...),
}


def schema(**fields: Any) -> dict[str, Any]:
    return schema_of(create_model("Told", __base__=Published, **fields))


def breaks(**changes: Any) -> list[str]:
    after = {name: field for name, field in (BEFORE | changes).items() if field is not None}
    return broken({"told": schema(**BEFORE)}, {"told": schema(**after)})


def test_an_event_may_gain_optional_fields_and_better_words() -> None:
    assert breaks(note=(str | None, None), title=(str, Field(description="said better"))) == []


def test_a_part_of_an_event_may_gain_optional_fields_too() -> None:
    class Longer(Hours):
        closes: dt.time | None = None

    assert breaks(hours=(Longer | None, None)) == []


def test_a_new_event_breaks_nobody_and_a_lost_one_somebody() -> None:
    told = {"told": schema(**BEFORE)}
    assert broken(told, told | {"more": schema()}) == []
    assert broken(told, {}) == ["told is gone"]


class Renamed(BaseModel):
    opening: dt.time


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"title": None}, "told.title is gone"),
        ({"number": (int, ...)}, "told.number (type): 'string' became 'integer'"),
        ({"number": (str, "")}, "told.number may be missing now"),
        ({"zone": (str, ...)}, "told.zone is required now"),
        ({"kind": (Literal["call", "again"], ...)}, "told.kind (enum): 'recall' became 'again'"),
        ({"number": (str, Field(max_length=3))}, "told.number (maxLength): None became 3"),
        ({"hours": (Renamed | None, None)}, "told.hours (anyOf).opens is gone"),
        ({"hours": (Hours, ...)}, "told.hours is required now"),
    ],
)
def test_whatever_breaks_a_reader_is_named(changes: dict[str, Any], fault: str) -> None:
    assert fault in breaks(**changes)
