"""A consumer that comes when JetStream holds nothing any more reads from the owner."""

import asyncio
import json

import asyncpg
import nats
import pytest

from mpp.migrate import migrate
from mpp.testing.node import RunningNode
from mpp_node.home import Home
from mpp_node.services import environment
from mpp_node.services import service as known
from queue_service.__main__ import service

FACTS = "select mall, kind, key, fact from {}.facts order by mall, kind, key"


async def test_a_second_queue_learns_the_whole_catalog_from_the_catalog_itself(
    node: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(node.folder / "home")
    for name, value in environment(home, known("queue")).items():
        monkeypatch.setenv(name, value)
    port = home.port("postgres")
    password = (node.folder / "home" / "postgres.password").read_text().strip()
    superuser = f"postgresql://postgres:{password}@127.0.0.1:{port}/mpp"
    operator = await nats.connect(
        f"nats://operator:{home.secret('nats/operator')}@127.0.0.1:{home.port('nats')}"
    )
    database = await asyncpg.connect(superuser)
    await operator.jetstream().purge_stream("mpp-catalog")
    await migrate(superuser, "late", service.migrations)

    settings = service.settings().model_copy(update={"database_url": superuser, "db_schema": "late"})
    async with service.running(settings) as late:
        await late.jetstream.connect()
        inbox = asyncio.create_task(late.inboxes["catalog"].run())
        async with asyncio.timeout(60):
            await late.inboxes["catalog"].caught_up.wait()
        inbox.cancel()

    there = [tuple(row) for row in await database.fetch(FACTS.format("queue"))]
    here = [tuple(row) for row in await database.fetch(FACTS.format("late"))]
    assert len(there) > 700 and json.dumps(here) == json.dumps(there)
    await database.execute("drop schema late cascade")
    await database.close()
    await operator.close()
