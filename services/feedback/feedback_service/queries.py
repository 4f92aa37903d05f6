"""Questions asked of the read tables."""

from datetime import date as Date
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from mpp.eventsourcing.log import Reading

Row = dict[str, Any]


async def _rows(db: Reading, sql: str, *values: Any) -> list[Row]:
    return [{**row} for row in await db.fetch(sql, *values)]


async def facts_of(db: Reading, mall: str) -> dict[tuple[str, str], dict[str, Any]]:
    """What the catalog said of a mall, and what the mall chose."""
    rows = await db.fetch("select kind, key, fact from facts where mall = $1 and fact is not null", mall)
    return {(row["kind"], row["key"]): orjson.loads(row["fact"]) for row in rows}


async def code_of(db: Reading, named: str) -> str | None:
    """The mall with this code or slug."""
    sql = """select mall from facts where kind = 'mall' and fact is not null
        and (mall = $1 or fact ->> 'slug' = $1) order by mall = $1 desc limit 1"""
    return await db.fetchval(sql, named)  # type: ignore[no-any-return]


async def transaction(db: Reading, id_: UUID) -> Row | None:
    return next(iter(await _rows(db, "select * from transactions where id = $1", id_)), None)


async def ratings(db: Reading, mall: str, first: Date, last: Date) -> list[Row]:
    """Per service: agency, how many ended and answered, and the sums of the nine elements."""
    sums = ", ".join(f"coalesce(sum((totals ->> {n})::int), 0)::int" for n in range(9))
    return await _rows(
        db,
        f"""select service, coalesce(max(nullif(agency, '')), (select fact ->> 'agency' from facts f
                    where f.mall = $1 and f.kind = 'service' and f.key = service), '') as agency,
                sum(ended)::int as ended, sum(answers)::int as answers, array[{sums}] as totals
            from ratings where mall = $1 and day between $2 and $3 group by service order by service""",
        mall,
        first,
        last,
    )


async def respondents(db: Reading, mall: str, first: Date, last: Date) -> dict[str, int]:
    sql = """select class, sum(answers)::int as answers from respondents
        where mall = $1 and day between $2 and $3 group by class order by class"""
    return {row["class"]: row["answers"] for row in await db.fetch(sql, mall, first, last)}


async def complaint(db: Reading, named: str) -> Row | None:
    """By number or id."""
    sql = "select * from complaints where number = $1 or id::text = $1 limit 1"
    return next(iter(await _rows(db, sql, named)), None)


async def history(db: Reading, complaint_: UUID) -> list[Row]:
    return await _rows(db, "select * from history where complaint = $1 order by position", complaint_)


async def evidence(db: Reading, complaint_: UUID) -> list[Row]:
    return await _rows(db, "select * from evidence where complaint = $1 order by at, id", complaint_)


async def evidence_of(db: Reading, complaints_: list[UUID]) -> list[UUID]:
    rows = await db.fetch("select id from evidence where complaint = any($1::uuid[])", complaints_)
    return [UUID(bytes=row["id"].bytes) for row in rows]


async def known_evidence(db: Reading, ids: list[UUID]) -> set[UUID]:
    rows = await db.fetch("select id from evidence where id = any($1::uuid[])", ids)
    return {UUID(bytes=row["id"].bytes) for row in rows}


async def complaints(
    db: Reading,
    mall: str,
    *,
    agencies: list[str] | None = None,
    status: str | None = None,
    public: bool = False,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 100,
) -> list[Row]:
    """The newest first; `agencies` narrows to theirs, `public` leaves out what is secret."""
    at, id_ = after or (None, None)
    sql = """select * from complaints where mall = $1 and ($2::text[] is null or agency = any($2))
        and ($3::text is null or status = $3) and not ($4 and secret)
        and ($5::timestamptz is null or (filed_at, id) < ($5, $6)) order by filed_at desc, id desc limit $7"""
    return await _rows(db, sql, mall, agencies, status, public, at, id_, limit)


async def statistics(db: Reading, mall: str, first: datetime, last: datetime) -> list[Row]:
    """Per class, agency and status, and in all: counts, the median days to an answer, the share in time."""
    return await _rows(
        db,
        """select case grouping(kind, agency, status)
                    when 3 then 'class' when 5 then 'agency' when 6 then 'status' else 'all' end as by,
                coalesce(kind, agency, status) as of, count(*)::int as complaints,
                percentile_cont(0.5) within group
                    (order by extract(epoch from answered_at - filed_at) / 86400)
                    as median_days,
                count(*) filter (where class_due is not null and settled is not null)::int as settled,
                count(*) filter (where settled <= class_due)::int as in_time
            from complaints, lateral (select coalesce(answered_at, closed_at) as settled) s
            where mall = $1 and filed_at >= $2 and filed_at < $3
            group by grouping sets ((kind), (agency), (status), ()) order by 1, 2""",
        mall,
        first,
        last,
    )


async def to_look_at(db: Reading, now: datetime, limit: int = 500) -> list[UUID]:
    """Complaints of which there is something to say."""
    sql = "select id from complaints where look_at <= $1 order by look_at limit $2"
    return [UUID(bytes=row["id"].bytes) for row in await db.fetch(sql, now, limit)]


async def remarks(db: Reading, mall: str, agencies: list[str] | None, limit: int) -> list[Row]:
    sql = """select subject, agency, service, month from remarks where mall = $1
        and ($2::text[] is null or agency = any($2)) order by month desc, subject limit $3"""
    return await _rows(db, sql, mall, agencies, limit)
