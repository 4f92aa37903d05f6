"""A batch's changes to a table leave what the same changes leave one by one."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from mpp.eventsourcing.log import connect
from mpp.eventsourcing.views import Changes, create_statements
from mpp.testing import toy
from mpp.testing.toy import HallRow, NumberRow


class EverythingRow(SQLModel, table=True):
    """One column of each kind in use."""

    __tablename__ = "toy_everything"
    id: UUID = Field(primary_key=True)
    at: datetime = Field(sa_column=Column(DateTime(timezone=True)))
    day: date
    ratio: float
    big: int = Field(sa_column=Column(BigInteger))
    words: list[str] = Field(sa_column=Column(ARRAY(Text)))
    facts: dict[str, Any] = Field(sa_column=Column(JSONB))
    gone: str | None = None


@pytest_asyncio.fixture
async def database(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    await toy.create(postgres_url)
    connection = await connect(postgres_url, "toy", "test")
    for statement in create_statements([EverythingRow]):
        await connection.execute(statement)
    yield connection
    await connection.close()


KEYS = st.tuples(st.sampled_from("ab"), st.integers(1, 2))
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
FACTS = st.none() | st.dictionaries(TEXTS, st.integers(-(2**53), 2**53) | TEXTS | st.none(), max_size=2)
COLUMNS = st.fixed_dictionaries({}, optional={"whom": TEXTS, "facts": FACTS})
STEPS: st.SearchStrategy[tuple[str, Any, dict[str, Any]]] = st.one_of(
    st.tuples(st.just("put"), KEYS, st.fixed_dictionaries({"whom": TEXTS}, optional={"facts": FACTS})),
    st.tuples(st.just("change"), KEYS, COLUMNS),
    st.tuples(st.just("drop"), KEYS, st.just({})),
)


def one_by_one(rows: dict[Any, Any], step: tuple[str, Any, Any]) -> None:
    match step:
        case "put", key, columns:
            rows[key] = {"facts": None, **columns}
        case "change", key, columns if key in rows:
            rows[key] |= columns
        case "drop", key, _:
            rows.pop(key, None)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(STEPS, max_size=8), max_size=4))
async def test_batches_of_changes_equal_the_same_changes_one_by_one(
    database: asyncpg.Connection, batches: list[list[tuple[str, Any, dict[str, Any]]]]
) -> None:
    await database.execute("truncate toy_numbers")
    expected: dict[Any, Any] = {}
    for batch in batches:
        changes = Changes(NumberRow)
        for what, key, columns in batch:
            getattr(changes, what)(*key, **columns)
            one_by_one(expected, (what, key, columns))
        await changes.write(database)

    await database.set_type_codec("jsonb", encoder=str, decoder=json.loads, schema="pg_catalog")
    stored = await database.fetch("select * from toy_numbers")
    assert {(r["hall"], r["number"]): {"whom": r["whom"], "facts": r["facts"]} for r in stored} == expected


async def test_every_kind_of_column_comes_back_as_it_went(database: asyncpg.Connection) -> None:
    row = {
        "at": datetime(2026, 11, 23, 7, 30, 0, 123456, UTC),
        "day": date(2026, 11, 23),
        "ratio": 0.1,
        "big": 2**40,
        "words": ["a", "b,c", 'd"'],
        "gone": None,
    }
    key = uuid4()
    changes = Changes(EverythingRow)
    changes.put(key, **row, facts={"deep": [1, {"x": None}]})
    await changes.write(database)

    stored = dict(await database.fetchrow("select * from toy_everything") or {})
    assert stored.pop("facts") == '{"deep": [1, {"x": null}]}'
    assert stored == {"id": key, **row}


async def test_a_thousand_rows_are_written_by_one_statement(database: asyncpg.Connection) -> None:
    changes = Changes(HallRow)
    for n in range(1000):
        changes.put(f"hall-{n}", given=n, closed=False)
    await changes.write(database)

    assert await database.fetchval("select count(distinct given) from toy_halls") == 1000
    assert await database.fetchval("select count(distinct xmin::text) from toy_halls") == 1


async def test_a_value_without_a_column_form_is_named(database: asyncpg.Connection) -> None:
    changes = Changes(HallRow)
    changes.put("hall-1", given=object())

    with pytest.raises(TypeError, match="object"):
        await changes.write(database)
