"""Questions asked of the read tables."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from mpp.eventsourcing.log import Reading
from tracking_service.process import Process

Row = dict[str, Any]


async def _rows(db: Reading, sql: str, *values: Any) -> list[Row]:
    return [{**row} for row in await db.fetch(sql, *values)]


async def _row(db: Reading, sql: str, *values: Any) -> Row | None:
    return next(iter(await _rows(db, sql, *values)), None)


async def facts_of(db: Reading, mall: str) -> dict[tuple[str, str], dict[str, Any]]:
    """What the catalog said of a mall."""
    rows = await db.fetch("select kind, key, fact from facts where mall = $1 and fact is not null", mall)
    return {(row["kind"], row["key"]): orjson.loads(row["fact"]) for row in rows}


async def code_of(db: Reading, named: str) -> str | None:
    """The mall with this code or slug."""
    sql = """select mall from facts where kind = 'mall' and fact is not null
        and (mall = $1 or fact ->> 'slug' = $1) order by mall = $1 desc limit 1"""
    return await db.fetchval(sql, named)  # type: ignore[no-any-return]


async def process(db: Reading, code: str, version: int | None = None) -> tuple[int, Process] | None:
    """This version of a process, or the one in force."""
    sql = """select version, definition from processes where code = $1 and ($2::int is null or version = $2)
        order by version desc limit 1"""
    row = await _row(db, sql, code, version)
    return (row["version"], Process.model_validate_json(row["definition"])) if row else None


async def processes(db: Reading) -> list[tuple[int, Process]]:
    """Every process in force."""
    sql = "select distinct on (code) version, definition from processes order by code, version desc"
    return [(r["version"], Process.model_validate_json(r["definition"])) for r in await db.fetch(sql)]


async def application(db: Reading, id_: UUID) -> Row | None:
    return await _row(db, "select * from applications where id = $1", id_)


async def numbered(db: Reading, number: str) -> list[Row]:
    return await _rows(db, "select * from applications where number = $1", number)


async def history(db: Reading, id_: UUID) -> list[Row]:
    rows = await _rows(db, "select * from history where application = $1 order by position", id_)
    return [row | {"reasons": orjson.loads(row["reasons"])} for row in rows]


async def documents(db: Reading, id_: UUID) -> list[Row]:
    """The current file of each kind."""
    return await _rows(db, "select * from documents where application = $1 and current order by kind", id_)


async def files_of(db: Reading, applications: list[UUID]) -> list[UUID]:
    """Every file of these applications, the replaced ones too."""
    sql = "select id from documents where application = any($1::uuid[])"
    return [UUID(bytes=row["id"].bytes) for row in await db.fetch(sql, applications)]


async def known_files(db: Reading, ids: list[UUID]) -> set[UUID]:
    sql = "select id from documents where id = any($1::uuid[])"
    return {UUID(bytes=row["id"].bytes) for row in await db.fetch(sql, ids)}


async def document(db: Reading, application_: UUID, id_: UUID) -> Row | None:
    return await _row(db, "select * from documents where application = $1 and id = $2", application_, id_)


async def applications_of(db: Reading, citizen: UUID) -> list[Row]:
    """The newest first, with the law that keeps each."""
    return await _rows(
        db,
        """select a.*, coalesce(p.definition -> 'keeping' ->> 'law', 'none') as law
        from applications a join processes p on p.code = a.process and p.version = a.process_version
        where citizen = $1 order by opened_at desc""",
        citizen,
    )


async def past_of(db: Reading, citizen: UUID) -> list[Row]:
    return await _rows(db, "select * from pasts where citizen = $1 order by at desc", citizen)


async def worklist(
    db: Reading,
    mall: str,
    *,
    agencies: list[str] | None,
    status: str | None,
    officer: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Row]:
    """What waits for the agency, the oldest first; `agencies` narrows to theirs, `officer` to one's own."""
    due, id_ = after or (None, None)
    sql = """select * from applications where mall = $1 and ($2::text[] is null or agency = any($2))
        and closed_at is null and status <> 'draft'
        and ($3::text is null or status = $3) and ($4::uuid is null or officer = $4)
        and ($5::timestamptz is null or (opened_at, id) > ($5, $6)) order by opened_at, id limit $7"""
    return await _rows(db, sql, mall, agencies, status, officer, due, id_, limit)


async def to_look_at(db: Reading, now: datetime, limit: int = 500) -> list[UUID]:
    """Applications of which there is something to say."""
    sql = "select id from applications where look_at <= $1 order by look_at limit $2"
    return [UUID(bytes=row["id"].bytes) for row in await db.fetch(sql, now, limit)]


def plain(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}
