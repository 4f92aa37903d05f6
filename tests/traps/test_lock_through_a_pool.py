"""Trap: a session lock asked for through a pool: it goes back with the connection, and nobody says so."""

import asyncio

import asyncpg

from mpp.leader import ended, lead

LOCK = "select pg_try_advisory_lock(hashtextextended('toy:relay', 0))"
REFUSED = """select count(*) from pg_stat_activity
    where application_name = 'toy-relay' and state = 'idle' and query like '%pg_try_advisory_lock%'"""


async def test_a_lock_taken_through_a_pool_lets_every_replica_lead(dsn: str) -> None:
    led = []
    for _ in range(3):
        pool = await asyncpg.create_pool(dsn, min_size=1, max_size=1)
        led.append((pool, await pool.fetchval(LOCK)))
    for pool, _ in led:
        await pool.close()

    assert [leads for _, leads in led] == [True, True, True]


async def test_a_lock_on_a_connection_of_its_own_lets_one_lead_at_a_time(
    dsn: str, database: asyncpg.Connection
) -> None:
    leading: list[int] = []

    async def replica(name: int) -> None:
        async def work() -> None:
            leading.append(name)
            await asyncio.Event().wait()

        await lead(dsn, "toy", "relay", work)

    tasks = [asyncio.create_task(replica(name)) for name in range(3)]
    try:
        async with asyncio.timeout(30):
            for terms in (1, 2, 3):  # the first goes, another follows, and never two at once
                while len(leading) < terms or await database.fetchval(REFUSED) < 3 - terms:
                    await asyncio.sleep(0.01)
                assert len(leading) == terms
                await ended([tasks[leading[-1]]])
    finally:
        await ended(tasks)

    assert sorted(leading) == [0, 1, 2]
