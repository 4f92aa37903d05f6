"""Slots and bookings."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "slot_days",
        sa.Column("stream", sa.String, primary_key=True),
        sa.Column("mall", sa.String, nullable=False),
        sa.Column("date", sa.Date, nullable=False),
        sa.Column("planned", sa.BigInteger, nullable=False),
    )
    op.create_index("slot_days_mall_date", "slot_days", ["mall", "date"])
    op.create_table(
        "bookings",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("stream", sa.String, nullable=False),
        sa.Column("line", sa.String, nullable=False),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("slot", MOMENT, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("citizen", sa.Uuid),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("ticket", sa.Uuid),
    )
    op.create_index("bookings_stream", "bookings", ["stream"])
    op.create_index("bookings_citizen", "bookings", ["citizen"])
