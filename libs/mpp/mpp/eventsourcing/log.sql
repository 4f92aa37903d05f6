-- The kernel's tables, in the schema of the service that owns them.
create table events (
    position    bigint generated always as identity primary key,
    id          uuid        not null,
    stream      text        not null,
    version     integer     not null,
    type        text        not null,
    data        jsonb       not null,
    about       jsonb       not null,
    recorded_at timestamptz not null default clock_timestamp(),
    unique (stream, version)
);
create index events_recorded_at on events using brin (recorded_at);

create table commands (
    actor       uuid        not null,
    key         bytea       not null,
    request     bytea       not null,
    stream      text        not null,
    version     integer     not null,
    events      integer     not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (actor, key)
);
create index commands_recorded_at on commands using brin (recorded_at);

create table inbox (
    source   text   primary key,
    position bigint not null,
    handled  bigint not null default 0,
    last     uuid
);

create table parked (
    source    text        not null,
    position  bigint      not null,
    key       text        not null,
    message   jsonb       not null,
    reason    text        not null,
    parked_at timestamptz not null default clock_timestamp(),
    primary key (source, position)
);
create index parked_key on parked (source, key, position);
