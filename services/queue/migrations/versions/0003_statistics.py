"""The tallies of days and months."""

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
    op.create_table("tallied", sa.Column("hall", sa.String, primary_key=True))
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
