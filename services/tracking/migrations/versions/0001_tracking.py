"""The log, the vault and the read tables of tracking."""

from alembic import op

from mpp.eventsourcing.log import SCHEMA_SQL
from mpp.forgetting import FORGETTING_SQL
from mpp.privacy import VAULT_SQL
from tracking_service.follow import TABLE_SQL

revision = "0001"
down_revision = None

VIEWS_SQL = """create table facts (
    mall varchar not null, kind varchar not null, key varchar not null, fact jsonb,
    primary key (mall, kind, key)
);
create table processes (
    code varchar not null, version integer not null, definition jsonb not null,
    primary key (code, version)
);
create table applications (
    id uuid primary key, version integer not null, mall varchar not null, number varchar not null,
    process varchar not null, process_version integer not null, service varchar not null,
    agency varchar not null, citizen uuid, assisted boolean not null, status varchar not null,
    step varchar, officer uuid, opened_at timestamptz not null, submitted_at timestamptz,
    complete_at timestamptz, closed_at timestamptz, outcome varchar, due timestamptz, look_at timestamptz,
    at_risk boolean not null, overdue boolean not null, product uuid
);
create index applications_number on applications (number);
create index applications_worklist on applications (mall, agency, status);
create index applications_citizen on applications (citizen);
create index applications_look_at on applications (look_at);
create table history (
    application uuid not null, position bigint not null, happened varchar not null,
    at timestamptz not null, step varchar, reasons jsonb not null, words uuid,
    primary key (application, position)
);
create table documents (
    id uuid primary key, application uuid not null, kind varchar not null, sha256 varchar not null,
    bytes integer not null, media varchar not null, current boolean not null, at timestamptz not null
);
create index documents_application on documents (application);
create table pasts (
    id uuid primary key, kind varchar not null, citizen uuid, mall varchar not null,
    number varchar not null, service varchar, status varchar not null, at timestamptz not null,
    moved_at timestamptz not null
);
create index pasts_citizen on pasts (citizen);
"""


def upgrade() -> None:
    for sql in (SCHEMA_SQL, VAULT_SQL, FORGETTING_SQL, TABLE_SQL, VIEWS_SQL):
        for statement in sql.split(";\n"):
            if statement.strip():
                op.execute(statement)
