"""Looks for words in everything that a running node keeps: tables, streams, and the bytes of every file."""

import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import asyncpg

from mpp.messaging.jetstream import JetStream
from mpp_node.home import Home
from mpp_node.node import NAMES
from mpp_node.services import DATABASE, KEYS, environment, service
from mpp_servers.postgres import Postgres

PIECE = 1 << 22  # bytes read at once; a word across two pieces is found in their overlap


async def places_of(home: Home, words: Iterable[str]) -> set[str]:
    """Where any of these words stands, as `word in place`; also in another case, and in UTF-16."""
    sought = {word: [word.lower().encode(), word.lower().encode("utf-16-le")] for word in words}
    found = set()
    async for place, content in _everything(home):
        small = content.lower()
        here = [word for word, forms in sought.items() if any(each in small for each in forms)]
        found |= {f"{word} in {place}" for word in here}
    return found


async def _everything(home: Home) -> AsyncIterator[tuple[str, bytes]]:
    async for each in _tables(home):
        yield each
    async for each in _streams(home):
        yield each
    for each in _files(home.folder):
        yield each


async def _tables(home: Home) -> AsyncIterator[tuple[str, bytes]]:
    """Every row of every table as text, whatever the pages compress."""
    server = Postgres(home.folder / "postgres", home.port("postgres"))
    for database in (DATABASE, KEYS):
        connection = await asyncpg.connect(server.url(database))
        try:
            tables = await connection.fetch(
                """select format('%I.%I', schemaname, tablename) as name from pg_tables
                where schemaname not in ('pg_catalog', 'information_schema')"""
            )
            for table in tables:
                rows = await connection.fetch(f"select t::text as row from {table['name']} t")
                yield f"table {database}.{table['name']}", "\n".join(row["row"] for row in rows).encode()
        finally:
            await connection.close()


async def _streams(home: Home) -> AsyncIterator[tuple[str, bytes]]:
    env = environment(home, service("queue"))
    jetstream = JetStream(env["MPP_NATS_URL"], "search")
    await jetstream.connect()
    try:
        for name in NAMES:
            first, last = await jetstream.bounds(name)
            for sequence in range(max(first, 1), last + 1):
                if stored := await jetstream.get(name, sequence):
                    yield f"stream {name}", stored.payload
    finally:
        await jetstream.close()


def _files(folder: Path) -> Iterable[tuple[str, bytes]]:
    """Data files, write-ahead logs, streams, objects, logs: as they lie on the disk."""
    for place, _, names in os.walk(folder):
        for name in names:
            file = Path(place) / name
            if not file.is_file():
                continue
            with file.open("rb") as opened:
                before = b""
                while piece := opened.read(PIECE):
                    yield f"file {file.relative_to(folder)}", before + piece
                    before = piece[-200:]
