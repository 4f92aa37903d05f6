"""Turns at counters and the tallies of days and months; tickets are found by their hall."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0003"
down_revision = "0002"

MOMENT = sa.TIMESTAMP(timezone=True)
COUNTS = ("issued", "booked", "called", "served", "missed", "cancelled", "lapsed", "within")


def upgrade() -> None:
    op.add_column("halls", sa.Column("zone", sa.String, server_default="Asia/Jakarta", nullable=False))
    op.add_column("halls", sa.Column("target", sa.Integer, server_default="30", nullable=False))
    op.alter_column("halls", "zone", server_default=None)
    op.alter_column("halls", "target", server_default=None)
    op.add_column("tickets", sa.Column("asked", sa.String))
    op.add_column("tickets", sa.Column("first_line", sa.String))
    op.add_column("tickets", sa.Column("booking", sa.Uuid))
    op.execute("update tickets set asked = service, first_line = line")
    op.alter_column("tickets", "asked", nullable=False)
    op.alter_column("tickets", "first_line", nullable=False)
    op.drop_constraint("tickets_pkey", "tickets")
    op.create_primary_key("tickets_pkey", "tickets", ["hall", "id"])
    op.create_index("tickets_id", "tickets", ["id"])
    op.create_table(
        "turns",
        sa.Column("hall", sa.String, primary_key=True),
        sa.Column("ticket", sa.Uuid, primary_key=True),
        sa.Column("turn", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("line", sa.String, nullable=False),
        sa.Column("service", sa.String),
        sa.Column("counter", sa.String, nullable=False),
        sa.Column("officer", sa.Uuid),
        sa.Column("called_at", MOMENT),
        sa.Column("waited_seconds", sa.Float),
        sa.Column("started_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("outcome", sa.String),
        sa.Column("served_seconds", sa.Float),
    )
    op.create_table(
        "tallies",
        sa.Column("mall", sa.String, primary_key=True),
        sa.Column("period", sa.String, primary_key=True),
        sa.Column("by", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        *(sa.Column(name, sa.Integer, nullable=False) for name in COUNTS),
        sa.Column("waits", ARRAY(sa.Integer), nullable=False),
        sa.Column("serves", ARRAY(sa.Integer), nullable=False),
    )
