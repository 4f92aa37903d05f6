-- One key per person and purpose, wrapped by the master key; a database of its own with short backups.
create table if not exists keys (
    person       uuid        not null,
    purpose      text        not null,
    wrapped      bytea       not null,
    made_at      timestamptz not null default clock_timestamp(),
    retain_until timestamptz,
    disabled_at  timestamptz,
    primary key (person, purpose)
);
-- What was forgotten; the purpose '' stands for the whole person, for whom no new key is made.
create table if not exists tombstones (
    person    uuid        not null,
    purpose   text        not null,
    buried_at timestamptz not null default clock_timestamp(),
    primary key (person, purpose)
);
