"""Schema changes: applied once, also when two processes begin at the same moment."""

import asyncio
import sys
from pathlib import Path

import asyncpg
import pytest

from mpp.eventsourcing.log import connect
from mpp.migrate import migrate
from mpp.testing import toy

FIRST = """
from alembic import op
from mpp.eventsourcing.log import SCHEMA_SQL
from mpp.eventsourcing.views import create_statements
from mpp.testing.toy import TABLES

revision, down_revision = "0001", None

def upgrade():
    for statement in [*SCHEMA_SQL.split(";\\n"), *create_statements(TABLES)]:
        if statement.strip():
            op.execute(statement)
"""
SECOND = """
from alembic import op

revision, down_revision = "0002", "0001"

def upgrade():
    op.execute("alter table toy_halls add column seats integer")
    {more}
"""
RUN = """
import asyncio, sys
from pathlib import Path
from mpp.migrate import migrate

print("ready", flush=True)
sys.stdin.readline()
asyncio.run(migrate(sys.argv[1], "toy", Path(sys.argv[2])))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "0001_first.py").write_text(FIRST)
    return tmp_path


async def version(dsn: str) -> str:
    database = await asyncpg.connect(dsn)
    try:
        return str(await database.fetchval("select string_agg(version_num, ',') from toy.alembic_version"))
    finally:
        await database.close()


async def test_a_migrated_schema_can_be_written_to_and_migrating_again_does_nothing(
    postgres_url: str, folder: Path
) -> None:
    await migrate(postgres_url, "toy", folder)
    await migrate(postgres_url, "toy", folder)
    async with toy.writing(postgres_url) as handle:
        outcome = await handle("hall-1", toy.Give("x"))

    assert (outcome.version, await version(postgres_url)) == (1, "0001")


async def test_two_processes_that_begin_together_migrate_once(postgres_url: str, folder: Path) -> None:
    (folder / "versions" / "0002_second.py").write_text(SECOND.format(more=""))
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", RUN, postgres_url, str(folder), stdin=pipe, stdout=pipe, stderr=pipe
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout and await process.stdout.readline() == b"ready\n"
    ends = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))

    assert [(process.returncode, err) for process, (_, err) in zip(processes, ends, strict=True)] == [
        (0, b""),
        (0, b""),
    ]
    assert await version(postgres_url) == "0002"


async def test_a_migration_that_fails_changes_nothing(postgres_url: str, folder: Path) -> None:
    await migrate(postgres_url, "toy", folder)
    broken = SECOND.format(more='op.execute("alter table nowhere add column x integer")')
    (folder / "versions" / "0002_second.py").write_text(broken)

    with pytest.raises(Exception, match="nowhere"):
        await migrate(postgres_url, "toy", folder)

    database = await connect(postgres_url, "toy", "test")
    with pytest.raises(asyncpg.UndefinedColumnError):
        await database.fetch("select seats from toy_halls")
    assert await version(postgres_url) == "0001"
    await database.close()


async def test_a_migration_does_not_wait_for_ever_for_a_table_in_use(postgres_url: str, folder: Path) -> None:
    await migrate(postgres_url, "toy", folder)
    (folder / "versions" / "0002_second.py").write_text(SECOND.format(more=""))
    database = await connect(postgres_url, "toy", "test")
    async with database.transaction():
        await database.fetch("select * from toy_halls")
        with pytest.raises(Exception, match="lock timeout"):
            await migrate(postgres_url, "toy", folder)
    await migrate(postgres_url, "toy", folder)

    assert await version(postgres_url) == "0002"
    await database.close()


async def test_an_installation_of_before_gets_what_the_kernel_gained_since(
    postgres_url: str, folder: Path
) -> None:
    await migrate(postgres_url, "toy", folder)
    database = await connect(postgres_url, "toy", "test")
    await database.execute("alter table inbox drop column last")
    await database.execute("insert into inbox (source, position) values ('x', 7)")
    for _ in range(2):
        await migrate(postgres_url, "toy", folder)

    rows = await database.fetch("select position, last from inbox")
    assert [tuple(row) for row in rows] == [(7, None)]
    await database.close()
