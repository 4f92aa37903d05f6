"""The read tables: the same from a migration as from their models, and always the fold of the log."""

import asyncpg

from catalog_service import views
from catalog_service.__main__ import service
from mpp import operations
from mpp.eventsourcing import rebuild
from mpp.eventsourcing.views import create_statements
from mpp.service import Running

COLUMNS = """select table_name, column_name, data_type, udt_name, is_nullable
    from information_schema.columns where table_schema = $1 and table_name = any($2) order by 1, 2"""
INDEXES = """select tablename, replace(indexdef, schemaname || '.', '') as indexdef
    from pg_indexes where schemaname = $1 and tablename = any($2) order by 1, 2"""


async def test_the_migration_makes_the_tables_that_the_models_describe(running: Running) -> None:
    connection = await asyncpg.connect(running.settings.database_url)
    tables = [table.__tablename__ for table in views.TABLES]
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("create schema modelled; set local search_path = modelled, public")
        for statement in create_statements(views.TABLES):
            await connection.execute(statement)
        for sql in (COLUMNS, INDEXES):
            modelled = [tuple(row) for row in await connection.fetch(sql, "modelled", tables)]
            migrated = [tuple(row) for row in await connection.fetch(sql, "catalog", tables)]
            assert migrated == modelled and modelled
    finally:
        await transaction.rollback()
        await connection.close()


async def test_views_equal_the_fold_and_jetstream_equals_the_log_before_and_after_a_rebuild(
    running: Running,
) -> None:
    async def broken() -> list[str]:
        checks = await operations.verified(service, running)
        return [f"{check.name}: {wrong}" for check in checks for wrong in check.violations]

    assert await broken() == []
    await rebuild.rebuild(
        running.settings.database_url,
        running.schema,
        views.TABLES,
        running.handle.decode,
        running.handle.project,
    )
    assert await broken() == []
