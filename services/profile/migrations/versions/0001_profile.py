"""The log, the vault and the read tables of profile."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from mpp.eventsourcing.log import SCHEMA_SQL
from mpp.forgetting import FORGETTING_SQL
from mpp.privacy import VAULT_SQL
from profile_service.niks import TABLE_SQL

revision = "0001"
down_revision = None


def upgrade() -> None:
    for sql in (SCHEMA_SQL, VAULT_SQL, FORGETTING_SQL, TABLE_SQL):
        for statement in sql.split(";\n"):
            if statement.strip():
                op.execute(statement)
    _people()
    _leaving()


def id_(name: str, *, nullable: bool = False) -> sa.Column[UUID]:
    return sa.Column(name, sa.Uuid, nullable=nullable)


def time(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=nullable)


def text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=nullable)


def texts(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.ARRAY(sa.Text), nullable=False)


def json(name: str) -> sa.Column[Any]:
    return sa.Column(name, JSONB, nullable=False)


def version() -> sa.Column[int]:
    return sa.Column("version", sa.Integer, nullable=False)


def _people() -> None:
    op.create_table(
        "citizens",
        id_("citizen"),
        version(),
        time("registered_at", nullable=True),
        text("mall", nullable=True),
        json("consents"),
        sa.PrimaryKeyConstraint("citizen"),
    )
    op.create_table(
        "history",
        id_("citizen"),
        version(),
        time("at"),
        text("what"),
        id_("actor", nullable=True),
        text("role"),
        json("facts"),
        sa.PrimaryKeyConstraint("citizen", "version"),
    )
    op.create_table(
        "readings",
        id_("citizen"),
        version(),
        time("at"),
        id_("reader", nullable=True),
        text("role"),
        texts("kinds"),
        text("purpose"),
        sa.PrimaryKeyConstraint("citizen", "version"),
    )


def _leaving() -> None:
    op.create_table(
        "leavings",
        id_("citizen"),
        id_("request"),
        time("asked_at"),
        texts("asked"),
        time("late_at", nullable=True),
        time("closed_at", nullable=True),
        sa.PrimaryKeyConstraint("citizen"),
    )
    op.create_index("leavings_open", "leavings", ["closed_at", "late_at", "asked_at"])
    op.create_table(
        "answers",
        id_("citizen"),
        text("service"),
        time("at"),
        texts("erased"),
        json("kept"),
        sa.PrimaryKeyConstraint("citizen", "service"),
    )
