"""The log and the read tables of notify."""

from alembic import op

from mpp.eventsourcing.log import SCHEMA_SQL
from mpp.forgetting import FORGETTING_SQL

revision = "0001"
down_revision = None

VIEWS_SQL = """create table notifications (
    id uuid primary key, position bigint not null, citizen uuid, mall varchar not null,
    kind varchar not null, facts jsonb not null, urgent boolean not null, at timestamptz not null,
    expires_at timestamptz not null, chosen boolean not null, read_at timestamptz
);
create index notifications_inbox on notifications (citizen, position);
create index notifications_to_choose on notifications (urgent) where not chosen;
create table deliveries (
    notification uuid not null, channel varchar not null, urgent boolean not null, state varchar not null,
    attempts integer not null, next_at timestamptz, at timestamptz not null, reason varchar,
    primary key (notification, channel)
);
create index deliveries_waiting on deliveries (urgent, next_at) where state = 'waiting';
create index deliveries_failed on deliveries (at) where state = 'failed';
create index deliveries_sending on deliveries (channel) where state = 'sending';
create table preferences (
    citizen uuid primary key, version integer not null, channels jsonb not null, consent boolean not null,
    off jsonb not null, quiet jsonb, zone varchar not null, language varchar not null
);
create table templates (kind varchar primary key, version integer not null, texts jsonb not null);
"""


def upgrade() -> None:
    for sql in (SCHEMA_SQL, FORGETTING_SQL, VIEWS_SQL):
        for statement in sql.split(";\n"):
            if statement.strip():
                op.execute(statement)
