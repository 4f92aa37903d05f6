-- Personal data, in the schema of the service that holds it. The keys are elsewhere.
create table vault (
    person     uuid        not null,
    purpose    text        not null,
    name       text        not null,
    sealed     bytea       not null,
    sealed_at  timestamptz not null default clock_timestamp(),
    primary key (person, purpose, name)
);
-- Who asked to be forgotten, also here, should the key store be restored from an older copy.
create table forgotten (
    person uuid        not null primary key,
    at     timestamptz not null default clock_timestamp()
);
