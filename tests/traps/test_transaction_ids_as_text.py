"""Trap: a cursor of transaction ids that are sorted as text: 1000 comes before 999."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
import pytest_asyncio

from mpp.eventsourcing.log import Log, connect
from mpp.testing import toy
from mpp.testing.postgres import RELAXED, private_postgres
from mpp.testing.toy import Give
from mpp_servers.postgres import Postgres

from .writers import Follower

PAGE, EVENTS = 5, 40
BURN = "do $$ begin while pg_current_xact_id() < '980'::xid8 loop commit; end loop; end $$"
COLUMN = "alter table events add column transaction xid8 not null default pg_current_xact_id()"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server that has done nothing yet: its transactions have three digits."""
    with private_postgres(RELAXED) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def young(server: Postgres) -> AsyncIterator[asyncpg.Connection]:
    """A log of 40 transactions, about the 980th to the 1020th."""
    dsn = server.url()
    await toy.create(dsn)
    database = await connect(dsn, "toy", "test")
    await database.execute(COLUMN)
    await database.execute(BURN)
    async with toy.writing(dsn) as handle:
        for n in range(EVENTS):
            await handle("hall-7406", Give(str(n)))
    yield database
    await database.close()


async def short(database: asyncpg.Connection) -> list[int]:
    """The positions whose transaction has three digits."""
    sql = "select position from events where transaction < '1000'::xid8 order by position"
    return [row["position"] for row in await database.fetch(sql)]


async def test_ids_that_grow_by_a_digit_hide_all_that_came_before(young: asyncpg.Connection) -> None:
    # `order by transaction` means the column of the answer, and that one is text.
    sql = """select transaction::text, position from events
        where transaction > $1::text::xid8 order by transaction limit $2"""
    cursor, seen, hidden = "0", list[int](), await short(young)
    while page := await young.fetch(sql, cursor, PAGE):
        cursor = page[-1]["transaction"]
        seen += [row["position"] for row in page]

    assert len(hidden) >= EVENTS // 4
    assert sorted(seen + hidden) == list(range(1, EVENTS + 1))


async def test_positions_are_numbers_and_hide_nothing(young: asyncpg.Connection, server: Postgres) -> None:
    log = Log(server.url(), "toy", "relay")
    follower = Follower(log, PAGE)
    while await follower.look():
        pass
    await log.close()

    assert await short(young) != []
    assert [row.position for row in follower.seen] == list(range(1, EVENTS + 1))
