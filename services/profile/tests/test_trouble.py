"""Without the keys nobody reads and nobody writes, and it goes on when they are back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from mpp.service import Running

from .people import nik, registered


@asynccontextmanager
async def keys_away(running: Running) -> AsyncIterator[None]:
    """The key store refuses every connection."""
    assert running.vault is not None
    there = running.vault._keys
    async with asyncpg.create_pool("postgresql://nobody@127.0.0.1:1/x", min_size=0) as nowhere:
        running.vault._keys = nowhere
        try:
            yield
        finally:
            running.vault._keys = there


async def test_without_the_key_store_the_answer_is_503_and_nothing_is_written(
    client: Any, running: Running
) -> None:
    _, http = await registered(client, nik=nik())
    async with keys_away(running):
        assert (await http.get("/me")).status_code == 503
        assert (await http.put("/me/contacts", json={"phone": "081234567"})).status_code == 503
    shown = await http.get("/me")
    assert (shown.headers["ETag"], shown.json()["contact"]) == ('"2"', {})


async def test_who_asks_to_be_forgotten_while_the_key_store_is_away_is_forgotten_when_it_is_back(
    client: Any, running: Running
) -> None:
    id_, http = await registered(client, nik=nik())
    async with keys_away(running):
        assert (await http.delete("/me")).status_code == 503
        assert (await http.delete("/me")).status_code == 202  # the request was taken all the same
        assert (await http.get("/me")).status_code == 410
    async with asyncio.timeout(20):
        while "profile" in (await http.get("/me/forgetting")).json()["missing"]:
            await asyncio.sleep(0.05)
    assert await running.reader.fetchval("select count(*) from vault where person = $1", id_) == 0
