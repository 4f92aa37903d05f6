"""The log and the read tables of the catalog."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from mpp.eventsourcing.log import SCHEMA_SQL

revision = "0001"
down_revision = None


def upgrade() -> None:
    for statement in SCHEMA_SQL.split(";\n"):
        if statement.strip():
            op.execute(statement)
    _mall()
    _offers()
    _places()


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _mall() -> None:
    op.create_table(
        "malls",
        text("code"),
        sa.Column("version", sa.Integer, nullable=False),
        text("slug"),
        sa.Column("description", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("ix_malls_slug", "malls", ["slug"])
    op.create_table(
        "weeks",
        text("mall"),
        sa.Column("week", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("mall"),
    )
    op.create_table(
        "holidays",
        text("mall"),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("days", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("mall", "year"),
    )
    op.create_table(
        "days",
        text("mall"),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("hours", JSONB),
        text("reason"),
        sa.PrimaryKeyConstraint("mall", "date"),
    )


def _offers() -> None:
    op.create_table(
        "tenants",
        text("mall"),
        text("agency"),
        text("title"),
        sa.Column("generated", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("mall", "agency"),
    )
    op.create_table(
        "services",
        text("mall"),
        text("code"),
        text("agency"),
        text("title"),
        sa.Column("standard", sa.Integer, nullable=False),
        sa.Column("minutes", sa.Float, nullable=False),
        sa.Column("generated", sa.Boolean, nullable=False),
        text("words"),
        sa.PrimaryKeyConstraint("mall", "code"),
    )
    op.execute("create index services_words on services using gin (to_tsvector('indonesian', words))")
    op.execute("create index services_trigrams on services using gin (words public.gin_trgm_ops)")
    op.create_table(
        "standards",
        text("mall"),
        text("code"),
        sa.Column("version", sa.Integer, nullable=False),
        text("agency"),
        text("title"),
        sa.Column("content", JSONB, nullable=False),
        sa.Column("as_of", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("mall", "code", "version"),
    )


def _places() -> None:
    op.create_table(
        "lines",
        text("mall"),
        text("line"),
        text("title"),
        sa.Column("services", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("capacity", sa.Integer),
        sa.Column("quotas", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("mall", "line"),
    )
    op.create_table(
        "closed_lines",
        text("mall"),
        text("line"),
        text("reason"),
        sa.PrimaryKeyConstraint("mall", "line"),
    )
    op.create_table(
        "counters",
        text("id"),
        text("mall"),
        text("title"),
        text("agency"),
        sa.Column("lines", sa.ARRAY(sa.Text), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_counters_mall", "counters", ["mall"])
