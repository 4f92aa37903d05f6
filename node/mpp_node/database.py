"""One database, and in it for each service a role that owns its schema and sees no other; one for keys."""

import asyncpg

from mpp_node.home import Home
from mpp_node.services import DATABASE, KEYS, SERVICES
from mpp_servers.postgres import Postgres


async def prepare(postgres: Postgres, home: Home) -> None:
    """Makes what is missing; running it again changes nothing."""
    server = await asyncpg.connect(postgres.url())
    try:
        for name in (DATABASE, KEYS):
            if not await server.fetchval("select 1 from pg_database where datname = $1", name):
                await server.execute(f"create database {name}")
        await server.execute(f"revoke all on database {DATABASE}, {KEYS}, postgres, template1 from public")
    finally:
        await server.close()
    database = await asyncpg.connect(postgres.url(DATABASE))
    try:
        await database.execute("revoke create on schema public from public")
        await database.execute("create extension if not exists pg_trgm with schema public")
        for service in SERVICES:
            await _own_schema(database, service.name, home.secret(f"database/{service.name}"))
    finally:
        await database.close()
    keys = await asyncpg.connect(postgres.url(KEYS))
    try:
        for service in SERVICES:
            if service.vault:
                await keys.execute(f'grant connect on database {KEYS} to "{service.name}"')
                schema = f'"{service.name}_keys" authorization "{service.name}"'
                await keys.execute(f"create schema if not exists {schema}")
    finally:
        await keys.close()


async def _own_schema(database: asyncpg.Connection, name: str, secret: str) -> None:
    if not await database.fetchval("select 1 from pg_roles where rolname = $1", name):
        await database.execute(f'create role "{name}"')
    await database.execute(f"""alter role "{name}" login password '{secret}'""")
    await database.execute(f'grant connect, temporary on database {DATABASE} to "{name}"')
    for schema in (name, f"{name}_rebuild"):  # the second is where views are made anew
        await database.execute(f'create schema if not exists "{schema}" authorization "{name}"')
