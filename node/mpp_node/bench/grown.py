"""A queue service whose log has grown: a database and a NATS of its own, beside the one that is measured."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from itertools import cycle, islice

from mpp.messaging.jetstream import JetStream
from mpp.messaging.message import decode
from mpp_node.bench import filling
from mpp_node.bench.malls import LINES, MALLS, Catalog, opening
from mpp_node.bench.world import GROWN, World, knows_malls, until
from mpp_node.program import Program
from mpp_node.services import DATABASE
from mpp_servers.nats import Nats
from mpp_servers.server import free_port

LOG, PAST = "grown", "past"  # databases: where tickets are issued, and whose views are made anew


async def prepare(world: World) -> None:
    """Both databases begin as the world's own, which nobody may use meanwhile; then they are filled."""
    world.queue.stop()
    async with world.database("postgres") as server:
        for name in (LOG, PAST):
            await server.execute(f"create database {name} template {DATABASE}")
    await filling.fill(world.dsn(PAST), world.size.rebuilt)
    await filling.fill(world.dsn(LOG), world.size.events)
    async with world.database(LOG) as connection:
        await connection.execute("vacuum analyze")
        await connection.execute("checkpoint")
    await world.start_queue()


async def crowd(world: World, mall: str, day: date) -> None:
    """The people who wait, spread over all lines of the hall."""
    await filling.gather(world.dsn(LOG), mall, day, islice(cycle(LINES), world.size.waiting))


@asynccontextmanager
async def serving(world: World) -> AsyncIterator[int]:
    """The port of a queue service on that log, once it knows the malls and has told NATS everything."""
    nats = Nats(world.home.folder / "nats-grown", free_port(), free_port())
    own = {"MPP_DATABASE_URL": world.dsn(LOG), "MPP_NATS_URL": nats.url}
    port = world.home.port(GROWN)
    queue = Program(
        world.home,
        GROWN,
        ["queue_service", "serve"],
        world.environment(GROWN) | own,
        port,
        "/health/ready",
    )
    fresh = not nats.data.exists()
    nats.start()
    try:
        if fresh:
            await Catalog(nats.url).tell([event for mall in MALLS for event in opening(mall)])
        queue.start()
        await knows_malls(port)
        await told(world, LOG, nats.url)
        yield port
    finally:
        queue.stop()
        nats.stop()


async def told(world: World, database: str, nats_url: str) -> None:
    """Waits until the relay has told all tickets of a log, and works no longer beside what is measured."""
    async with world.database(database) as connection:
        last = await connection.fetchval("select max(position) from events where type like 'ticket-%'")
    jetstream = JetStream(nats_url, "bench")
    await jetstream.connect()

    async def ended() -> bool:
        stored = await jetstream.get("queue", (await jetstream.bounds("queue"))[1])
        return stored is not None and decode(stored.payload).position >= last

    try:
        await jetstream.ensure("queue")
        await until(ended, "the relay")
    finally:
        await jetstream.close()
