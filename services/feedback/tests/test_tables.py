"""The tables: as the code speaks of them, and made anew from the log they are the same."""

import asyncpg

from feedback_service.__main__ import service
from feedback_service.views import TABLES
from mpp.eventsourcing.views import create_statements
from mpp.migrate import migrate
from mpp.operations import verified

from .conftest import Mall

NAMES = [str(table.__tablename__) for table in TABLES]
COLUMNS = """select table_name, column_name, data_type, is_nullable from information_schema.columns
    where table_schema = $1 and table_name = any($2) order by 1, 2"""
INDEXES = """select tablename, replace(indexdef, $1 || '.', '') from pg_indexes
    where schemaname = $1 and tablename = any($2) order by 1, 2"""


async def test_migrations_and_models_describe_the_same_tables(postgres_url: str) -> None:
    await migrate(postgres_url, "feedback", service.migrations)
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute("create schema wished; set search_path to wished")
        for statement in create_statements(TABLES):
            await connection.execute(statement)
        for sql in (COLUMNS, INDEXES):
            made, wished = [await connection.fetch(sql, schema, NAMES) for schema in ("feedback", "wished")]
            assert made == wished
    finally:
        await connection.close()


async def test_what_was_lived_is_what_the_log_says(mall: Mall) -> None:
    for scores in ([1] * 9, [4] * 9):
        await mall.ask("POST", "/surveys", mall.survey(await mall.ended(), *scores, sex="male"))
    filed = await mall.file()
    await mall.act(filed, "verify", mall.staff("supervisor"))
    checks = (await verified(service, mall.running))[:3]  # what was told last may not be in JetStream yet
    assert [violation for check in checks for violation in check.violations] == []
