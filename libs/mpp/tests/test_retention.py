"""How long a client's key is known."""

import asyncpg

from mpp.eventsourcing.log import SCHEMA_SQL
from mpp.eventsourcing.retention import forget_old_keys


async def test_keys_are_known_for_thirty_days_and_then_forgotten(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(SCHEMA_SQL)
    sql = """insert into commands (actor, key, request, stream, version, events, recorded_at)
        select gen_random_uuid(), 'k', 'r', 's', 1, 1, now() - make_interval(days => day, hours => -1)
        from generate_series(1, 40) day"""
    await connection.execute(sql)
    assert await forget_old_keys(postgres_url, "public") == 10
    oldest = await connection.fetchval("select max(now() - recorded_at) < interval '30 days' from commands")
    assert oldest and await connection.fetchval("select count(*) from commands") == 30
    await connection.close()
