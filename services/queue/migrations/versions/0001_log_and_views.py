"""The log, and the queue's views."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from mpp.eventsourcing.log import SCHEMA_SQL

revision = "0001"
down_revision = None

MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    for statement in SCHEMA_SQL.split(";\n"):
        if statement.strip():
            op.execute(statement)
    op.create_table(
        "facts",
        sa.Column("mall", sa.String, primary_key=True),
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("fact", JSONB),
        sa.Column("position", sa.BigInteger, nullable=False),
    )
    op.create_index("facts_position", "facts", ["position"])
    op.create_index("facts_mall_position", "facts", ["mall", "position"])
    op.create_table(
        "halls",
        sa.Column("stream", sa.String, primary_key=True),
        sa.Column("mall", sa.String, nullable=False),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT),
        sa.Column("planned", sa.BigInteger, nullable=False),
    )
    op.create_index("halls_mall_date", "halls", ["mall", "date"])
    op.create_table(
        "tickets",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("hall", sa.String, nullable=False),
        sa.Column("number", sa.String, nullable=False),
        sa.Column("line", sa.String, nullable=False),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("priority", sa.String),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("counter", sa.String),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("called_at", MOMENT),
        sa.Column("started_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("served_seconds", sa.Float),
    )
    op.create_index("tickets_hall_line", "tickets", ["hall", "line"])
    op.create_table(
        "calls",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hall", sa.String, nullable=False),
        sa.Column("ticket", sa.Uuid, nullable=False),
        sa.Column("number", sa.String, nullable=False),
        sa.Column("line", sa.String, nullable=False),
        sa.Column("counter", sa.String, nullable=False),
        sa.Column("counter_title", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("calls_hall", "calls", ["hall", "position"])
