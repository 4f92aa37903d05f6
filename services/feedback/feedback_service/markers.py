"""Markers and remarks: rows beside the log, because nothing in the log may lead from an answer to its giver.

A marker says that a transaction's survey was answered, and holds no time and no answer. It can't be made
anew from the log.
"""

import hmac
from datetime import date as Date
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from feedback_service.survey import AlreadyAnswered
from mpp.eventsourcing.handler import Also

TABLE_SQL = """create table answered (marker bytea primary key);
create table remarks (
    subject uuid primary key,
    mall    text not null,
    agency  text not null,
    service text not null,
    month   text not null
);
create index remarks_mall on remarks (mall, month);
"""


class Markers:
    """Markers of this installation: without its secret key nobody can tell whose they are."""

    def __init__(self, secret_key: SecretStr) -> None:
        self._key = bytes.fromhex(secret_key.get_secret_value())

    def mark(self, kind: str, transaction: UUID) -> Also:
        """The row that makes a second answer impossible. Raises AlreadyAnswered at the commit."""
        marker = self.sealed(b"answered " + kind.encode() + b" " + transaction.bytes)

        async def row(tx: Any) -> None:
            if (
                await tx.execute("insert into answered values ($1) on conflict do nothing", marker)
                != "INSERT 0 1"
            ):
                raise AlreadyAnswered

        return row

    def sealed(self, said: bytes) -> bytes:
        """A digest that only this installation can make."""
        return hmac.digest(self._key, said, "sha256")


def remark(subject: UUID, mall: str, agency: str, service: str, day: Date) -> Also:
    """Where to find words that came with an answer, by month; the answer itself is not named."""

    async def row(tx: Any) -> None:
        sql = "insert into remarks values ($1, $2, $3, $4, $5)"
        await tx.execute(sql, subject, mall, agency, service, f"{day:%Y-%m}")

    return row
