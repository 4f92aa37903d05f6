"""The log, the vault, the markers and the read tables of feedback."""

from alembic import op

from feedback_service.markers import TABLE_SQL
from mpp.eventsourcing.log import SCHEMA_SQL
from mpp.forgetting import FORGETTING_SQL
from mpp.privacy import VAULT_SQL

revision = "0001"
down_revision = None

VIEWS_SQL = """create table facts (
    mall varchar not null, kind varchar not null, key varchar not null, fact jsonb,
    primary key (mall, kind, key)
);
create table transactions (
    id uuid primary key, kind varchar not null, mall varchar not null, agency varchar not null,
    service varchar not null, day date not null
);
create table ratings (
    mall varchar not null, day date not null, service varchar not null, agency varchar not null,
    ended integer not null, answers integer not null, totals jsonb not null,
    primary key (mall, day, service)
);
create table respondents (
    mall varchar not null, day date not null, class varchar not null, answers integer not null,
    primary key (mall, day, class)
);
create table complaints (
    id uuid primary key, version integer not null, mall varchar not null, number varchar not null,
    kind varchar not null, status varchar not null, agency varchar, service varchar, citizen uuid,
    anonymous boolean not null, secret boolean not null, filed_at timestamptz not null,
    answered_at timestamptz, closed_at timestamptz, class_due timestamptz, look_at timestamptz,
    outcome varchar, reason varchar
);
create index complaints_number on complaints (number);
create index complaints_mall on complaints (mall, filed_at, id);
create index complaints_citizen on complaints (citizen);
create index complaints_look_at on complaints (look_at);
create table history (
    complaint uuid not null, position bigint not null, happened varchar not null, at timestamptz not null,
    agency varchar, reason varchar, outcome varchar, due varchar, words uuid,
    primary key (complaint, position)
);
"""


def upgrade() -> None:
    for sql in (SCHEMA_SQL, VAULT_SQL, FORGETTING_SQL, TABLE_SQL, VIEWS_SQL):
        for statement in sql.split(";\n"):
            if statement.strip():
                op.execute(statement)
