-- Who asked to be forgotten, and whether this service has answered.
create table forgettings (
    citizen     uuid        not null,
    request     uuid        not null,
    asked_at    timestamptz not null,
    answered_at timestamptz,
    primary key (citizen, request)
);
create index forgettings_open on forgettings (asked_at) where answered_at is null;
