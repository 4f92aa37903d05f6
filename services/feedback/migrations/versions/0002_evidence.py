"""Files that belong to complaints."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        """create table evidence (
            id uuid primary key, complaint uuid not null, media varchar not null, bytes integer not null,
            sha256 varchar not null, at timestamptz not null
        )"""
    )
    op.execute("create index evidence_complaint on evidence (complaint)")
