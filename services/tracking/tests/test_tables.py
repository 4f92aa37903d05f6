"""The tables: as the code speaks of them, and made anew from the log they are the same."""

import asyncpg
import httpx

from mpp.eventsourcing.views import create_statements
from mpp.migrate import migrate
from mpp.operations import verified
from mpp.service import Running
from tracking_service.__main__ import service
from tracking_service.views import TABLES

from .conftest import Person

NAMES = [str(table.__tablename__) for table in TABLES]
COLUMNS = """select table_name, column_name, data_type, is_nullable from information_schema.columns
    where table_schema = $1 and table_name = any($2) order by 1, 2"""
INDEXES = """select tablename, replace(indexdef, $1 || '.', '') from pg_indexes
    where schemaname = $1 and tablename = any($2) order by 1, 2"""
PDF = b"%PDF-1.7\n%%EOF\n"


async def test_migrations_and_models_describe_the_same_tables(postgres_url: str) -> None:
    await migrate(postgres_url, "tracking", service.migrations)
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute("create schema wished; set search_path to wished")
        for statement in create_statements(TABLES):
            await connection.execute(statement)
        for sql in (COLUMNS, INDEXES):
            made, wished = [await connection.fetch(sql, schema, NAMES) for schema in ("tracking", "wished")]
            assert made == wished
    finally:
        await connection.close()


async def test_what_was_lived_is_what_the_log_says(
    person: Person, officer: httpx.AsyncClient, running: Running
) -> None:
    await person.opens()
    await person.answers()
    for _ in range(2):  # the second takes the first one's place
        await person.http.put(f"/applications/{person.application}/documents/kk", content=PDF)
    assert (await person.submits()).status_code == 204
    path = f"/applications/{person.application}/office"
    for action, said in {
        "claim": {},
        "declare-complete": {},
        "pause": {"delay": "network-failure"},
        "resume": {},
        "send-back": {"reasons": ["answer-wrong:phone"]},
    }.items():
        assert (await officer.post(f"{path}/{action}", json=said)).status_code == 204
    assert (await person.submits()).status_code == 204
    reject = {"reasons": ["standard-not-met"]}
    assert (await officer.post(f"{path}/reject", json=reject)).status_code == 204
    checks = (await verified(service, running))[:3]  # what was told last may not be in JetStream yet
    assert [violation for check in checks for violation in check.violations] == []
