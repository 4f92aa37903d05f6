"""Read tables, written in the events' transaction as whole sets."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlmodel import SQLModel

from mpp.eventsourcing.log import Recorded

Project = Callable[[asyncpg.Connection, Sequence[Recorded]], Any]


class Changes:
    """What a batch of events does to the rows of one table, collected per key and written at once.

    Later calls for a key win over earlier ones, so the events' order is kept.
    """

    def __init__(self, table: type[SQLModel]):
        self._table = table.__table__  # type: ignore[attr-defined]
        self._key = [column.name for column in self._table.primary_key]
        self._defaults = {c.name: None for c in self._table.columns}
        self._rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._changes: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._gone: set[tuple[Any, ...]] = set()

    def put(self, *key: Any, **columns: Any) -> None:
        """The row under this key, whole: columns not named are null."""
        self._gone.discard(key)
        self._changes.pop(key, None)
        self._rows[key] = {**self._defaults, **dict(zip(self._key, key, strict=True)), **columns}

    def change(self, *key: Any, **columns: Any) -> None:
        """New values for some columns of the row under this key."""
        if key in self._rows:
            self._rows[key].update(columns)
        else:
            self._changes.setdefault(key, dict(zip(self._key, key, strict=True))).update(columns)

    def drop(self, *key: Any) -> None:
        """No row under this key."""
        self._rows.pop(key, None)
        self._changes.pop(key, None)
        self._gone.add(key)

    async def write(self, tx: asyncpg.Connection) -> None:
        name, columns = self._table.name, ", ".join(self._defaults)
        rest = [c for c in self._defaults if c not in self._key]
        same = " and ".join(f"t.{c} = r.{c}" for c in self._key)
        if self._gone:
            gone = [dict(zip(self._key, key, strict=True)) for key in self._gone]
            await tx.execute(f"delete from {name} t using {_rows(name)} r where {same}", _json(gone))
        if self._rows:
            taken = ", ".join(f"{c} = excluded.{c}" for c in rest)
            clash = f"do update set {taken}" if rest else "do nothing"
            sql = f"""insert into {name} ({columns}) select {columns} from {_rows(name)}
                on conflict ({", ".join(self._key)}) {clash}"""
            await tx.execute(sql, _json(self._rows.values()))
        if self._changes:
            # jsonb_populate_record keeps the row's own value for each column that the change does not name.
            fresh = ", ".join(f"n.{c}" for c in rest)
            sql = f"""update {name} t set ({", ".join(rest)}) =
                    (select {fresh} from jsonb_populate_record(t, r.change) n)
                from (select p.*, c as change from jsonb_array_elements($1::jsonb) c,
                    lateral jsonb_populate_record(null::{name}, c) p) r where {same}"""
            await tx.execute(sql, _json(self._changes.values()))


def _rows(name: str) -> str:
    return f"jsonb_populate_recordset(null::{name}, $1::jsonb)"


def _json(rows: Iterable[dict[str, Any]]) -> str:
    return orjson.dumps(list(rows), default=_text).decode()


def _text(value: object) -> str:
    """asyncpg's ids are a kind of UUID of its own."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"no column holds a {type(value).__name__}")


def create_statements(tables: Sequence[type[SQLModel]]) -> list[str]:
    """The DDL of these tables and their indexes, without a schema name."""
    return [*table_statements(tables), *index_statements(tables)]


def table_statements(tables: Sequence[type[SQLModel]]) -> list[str]:
    """The DDL of the tables alone, their keys included."""
    return [str(CreateTable(table).compile(dialect=_dialect())) for table in _tables(tables)]


def index_statements(tables: Sequence[type[SQLModel]]) -> list[str]:
    """The DDL of their other indexes."""
    indexes = [index for table in _tables(tables) for index in sorted(table.indexes, key=str)]
    return [str(CreateIndex(index).compile(dialect=_dialect())) for index in indexes]


def _tables(models: Sequence[type[SQLModel]]) -> list[Any]:
    return [model.__table__ for model in models]  # type: ignore[attr-defined]


def _dialect() -> Any:
    return postgresql.dialect()  # type: ignore[no-untyped-call]
