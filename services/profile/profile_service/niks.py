"""Each NIK belongs to one citizen: a keyed hash of it, unique, in the commit of the facts."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from mpp.eventsourcing.decider import Rejected
from mpp.eventsourcing.log import Reading

TABLE_SQL = """create table niks (
    hash    bytea not null primary key,
    citizen uuid  not null unique
)"""
Row = Callable[[Any], Awaitable[None]]


class NikTaken(Rejected):
    """Another citizen is registered with this NIK."""


def hashed(secret_key: SecretStr, nik: str) -> bytes:
    """HMAC-SHA-256 under a key that is made of the installation's for this alone."""
    key = hmac.digest(bytes.fromhex(secret_key.get_secret_value()), b"profile nik", "sha256")
    return hmac.digest(key, nik.encode(), "sha256")


def claimed(citizen: UUID, hash_: bytes) -> Row:
    """As `also`: this NIK is this citizen's, instead of any other of theirs. Raises NikTaken."""

    async def row(tx: Any) -> None:
        await tx.execute("delete from niks where citizen = $1 and hash <> $2", citizen, hash_)
        await tx.execute("insert into niks values ($2, $1) on conflict do nothing", citizen, hash_)
        if await tx.fetchval("select citizen from niks where hash = $1", hash_) != citizen:
            raise NikTaken("this NIK is registered already", field="nik")

    return row


def released(citizen: UUID) -> Row:
    async def row(tx: Any) -> None:
        await tx.execute("delete from niks where citizen = $1", citizen)

    return row


async def holder(db: Reading, hash_: bytes) -> UUID | None:
    """Whose NIK it is."""
    rows = await db.fetch("select citizen::text from niks where hash = $1", hash_)
    return UUID(rows[0]["citizen"]) if rows else None
