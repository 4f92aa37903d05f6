"""Schema changes of one service, applied under a lock so that two replicas never collide."""

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine


async def migrate(dsn: str, schema: str, folder: Path, target: str = "head") -> None:
    """Bring the service's schema to `target`; waits at most 5 s for any table's lock, then fails clearly."""
    settings = {"search_path": f"{schema}, public", "application_name": f"{schema}-migrate"}
    url = dsn.replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, connect_args={"server_settings": settings})
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade, schema, folder, target)
            await connection.commit()
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, schema: str, folder: Path, target: str) -> None:
    connection.execute(text(f"select pg_advisory_xact_lock(hashtextextended('migrate:{schema}', 0))"))
    connection.execute(text("set local lock_timeout = '5s'"))
    known = connection.execute(text("select 1 from pg_namespace where nspname = :s"), {"s": schema}).scalar()
    if not known:
        connection.execute(text(f"create schema {schema}"))
    config = Config()
    config.set_main_option("script_location", str(folder))
    scripts = ScriptDirectory.from_config(config)

    def steps(revision: str, _: MigrationContext) -> object:
        return scripts._upgrade_revs(target, revision)

    with EnvironmentContext(config, scripts, fn=steps) as environment:
        environment.configure(connection=connection, version_table_schema=schema, transactional_ddl=False)
        environment.run_migrations()
    _bring_up_kernel(connection, schema)


# Added to the kernel's tables since services wrote their first migration: table, column, type.
ADDED = (("inbox", "last", "uuid"),)


def _bring_up_kernel(connection: Connection, schema: str) -> None:
    """A new installation has all of it from `log.sql`; looking costs no lock."""
    sql = "select table_name, column_name from information_schema.columns where table_schema = :s"
    there = {tuple(row) for row in connection.execute(text(sql), {"s": schema})}
    for table, column, kind in ADDED:
        if (table, column) not in there:
            connection.execute(text(f"alter table {schema}.{table} add column {column} {kind}"))
