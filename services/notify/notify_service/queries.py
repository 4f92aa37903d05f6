"""Questions asked of the read tables."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from mpp.eventsourcing.log import Reading
from notify_service.template import Texts

Row = dict[str, Any]


async def _rows(db: Reading, sql: str, *values: Any) -> list[Row]:
    return [{**row} for row in await db.fetch(sql, *values)]


async def notifications_of(db: Reading, citizen: UUID) -> list[UUID]:
    rows = await db.fetch("select id from notifications where citizen = $1", citizen)
    return [UUID(bytes=row["id"].bytes) for row in rows]


async def notification(db: Reading, id_: UUID) -> Row | None:
    return next(iter(await _inbox(db, "id = $1", id_)), None)


async def inbox(db: Reading, citizen: UUID, before: int | None, limit: int) -> list[Row]:
    """The newest first; `before`: only what is older than this position."""
    where = "citizen = $1 and ($2::bigint is null or position < $2) order by position desc limit $3"
    return await _inbox(db, where, citizen, before, limit)


async def unread(db: Reading, citizen: UUID) -> int:
    sql = "select count(*) from notifications where citizen = $1 and read_at is null"
    return int(await db.fetchval(sql, citizen))


async def _inbox(db: Reading, where: str, *values: Any) -> list[Row]:
    rows = await _rows(db, f"select * from notifications where {where}", *values)
    return [row | {"facts": orjson.loads(row["facts"])} for row in rows]


async def to_choose(db: Reading, urgent: bool, limit: int) -> list[Row]:
    """Notifications whose channels have not been chosen yet."""
    sql = """select id, citizen, kind, at, expires_at from notifications
        where not chosen and urgent = $1 order by at limit $2"""
    return await _rows(db, sql, urgent, limit)


async def to_send(db: Reading, urgent: bool, now: datetime, channels: list[str], limit: int) -> list[Row]:
    """Deliveries whose time has come, on these channels."""
    sql = """select d.notification, d.channel, n.citizen, n.kind, n.facts, n.expires_at
        from deliveries d join notifications n on n.id = d.notification
        where d.state = 'waiting' and d.urgent = $1 and d.next_at <= $2 and d.channel = any($3)
        order by d.next_at limit $4"""
    rows = await _rows(db, sql, urgent, now, channels, limit)
    return [row | {"facts": orjson.loads(row["facts"])} for row in rows]


async def under_way(db: Reading) -> list[Row]:
    """Attempts that were begun and of which nothing more is known."""
    return await _rows(db, "select notification, channel, urgent from deliveries where state = 'sending'")


async def failed(db: Reading, after: tuple[datetime, UUID, str] | None, limit: int) -> list[Row]:
    """What was given up, the oldest first."""
    at, id_, channel = after or (None, None, None)
    sql = """select d.notification, d.channel, n.kind, n.mall, d.reason, d.attempts, d.at
        from deliveries d join notifications n on n.id = d.notification where d.state = 'failed'
        and ($1::timestamptz is null or (d.at, d.notification, d.channel) > ($1, $2, $3))
        order by d.at, d.notification, d.channel limit $4"""
    return await _rows(db, sql, at, id_, channel, limit)


async def preferences(db: Reading, citizen: UUID) -> Row | None:
    rows = await _rows(db, "select * from preferences where citizen = $1", citizen)
    if not rows:
        return None
    read = {name: orjson.loads(rows[0][name] or b"null") for name in ("channels", "off", "quiet")}
    return rows[0] | read


async def saved_texts(db: Reading) -> dict[str, tuple[int, Texts]]:
    """What was saved instead of what comes with the service."""
    rows = await _rows(db, "select * from templates")
    return {row["kind"]: (row["version"], Texts.model_validate_json(row["texts"])) for row in rows}
