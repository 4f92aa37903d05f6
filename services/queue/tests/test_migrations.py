"""The migrations make exactly the tables that the code speaks of."""

from typing import Any

import asyncpg

from mpp.eventsourcing.log import SCHEMA_SQL
from mpp.eventsourcing.views import create_statements
from mpp.migrate import migrate
from queue_service import tallies, views
from queue_service.__main__ import service

COLUMNS = """select table_name, column_name, ordinal_position, data_type, is_nullable, column_default,
        is_identity, numeric_precision, character_maximum_length
    from information_schema.columns where table_schema = $1 and table_name <> 'alembic_version'"""
INDEXES = """select tablename, replace(indexdef, $1 || '.', '') from pg_indexes
    where schemaname = $1 and tablename <> 'alembic_version'"""
CONSTRAINTS = """select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint
    where connamespace = $1::regnamespace and conrelid::regclass::text not like '%alembic_version'"""


async def described(connection: asyncpg.Connection, schema: str) -> list[set[tuple[Any, ...]]]:
    """Columns, indexes and constraints of a schema."""
    await connection.execute(f"set search_path to {schema}")
    return [
        {tuple(row) for row in await connection.fetch(sql, schema)} for sql in (COLUMNS, INDEXES, CONSTRAINTS)
    ]


async def test_migrations_and_models_describe_the_same_tables(postgres_url: str) -> None:
    await migrate(postgres_url, "queue", service.migrations)
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute("create schema wished; set search_path to wished")
        await connection.execute(SCHEMA_SQL)
        for statement in create_statements([*views.TABLES, *tallies.TABLES]):
            await connection.execute(statement)
        wished, made = await described(connection, "wished"), await described(connection, "queue")
    finally:
        await connection.close()
    tables = {row[0] for row in made[0]}
    assert tables >= {"facts", "halls", "tickets", "calls", "events", "commands", "inbox", "parked"}
    assert made == wished


async def test_migrating_again_changes_nothing(postgres_url: str) -> None:
    for _ in range(2):
        await migrate(postgres_url, "queue", service.migrations)
    connection = await asyncpg.connect(postgres_url)
    try:
        assert await connection.fetchval("select count(*) from queue.alembic_version") == 1
    finally:
        await connection.close()
