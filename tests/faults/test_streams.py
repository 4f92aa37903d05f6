"""JetStream loses what it had under load: the relay fills it again from the log."""

import shutil

import pytest
from nats.js import JetStreamManager

from mpp_node.bench.world import until

from .scene import Scene
from .stand import QUEUES, STREAM

CUT = 200  # messages
MENDED = "`mpp verify` names it, and a deleted stream is filled again"


@pytest.mark.long
async def test_the_stream_is_deleted(scene: Scene) -> None:
    async with scene.under_load() as crowd, scene.stand.streams() as streams:
        crowd.strike()
        await streams.delete_stream(STREAM)
        await crowd.recovered()
    scene.row("JetStream's stream deleted: filled again from the log")


@pytest.mark.long
async def test_the_stream_is_purged(scene: Scene) -> None:
    """It goes on from its last sequence, so nobody sees that something is missing but who reads it later."""
    async with scene.under_load(whole=False) as crowd, scene.stand.streams() as streams:
        crowd.strike()
        await streams.purge_stream(STREAM)
        await crowd.recovered()
    scene.row("JetStream's stream purged under load: it goes on, who is behind asks the owner")


@pytest.mark.long
async def test_the_last_messages_are_deleted_while_the_queue_is_away(scene: Scene) -> None:
    """The stream keeps its last sequence, where no message is: the relay goes on after the last there is."""
    async with scene.under_load() as crowd, scene.stand.streams() as streams:
        servers = [await scene.stand.down(part) for part in QUEUES]
        await _cut(streams)
        crowd.strike()
        for server in servers:
            await scene.stand.up(server)
        await crowd.recovered()
    scene.row(f"the last {CUT} messages deleted by hand while the queue is down: told again")


@pytest.mark.long
async def test_the_last_messages_are_deleted_while_others_follow(scene: Scene) -> None:
    async with scene.under_load() as crowd, scene.stand.streams() as streams:
        await _cut(streams)
        crowd.strike()
        await crowd.tickets(50)
        await crowd.recovered()
        await _mended(scene, streams)
    scene.row(f"the last {CUT} messages deleted by hand under load: {MENDED}")


async def _cut(streams: JetStreamManager) -> None:
    last = (await streams.stream_info(STREAM)).state.last_seq
    for sequence in range(last, last - CUT, -1):
        await streams.delete_msg(STREAM, sequence)


async def _mended(scene: Scene, streams: JetStreamManager) -> None:
    """A stream with holes is named; the remedy is to delete it."""
    checks = await scene.stand.verify()
    assert [check["check"] for check in checks if not check["holds"]] == ["JetStream = log"]
    await streams.delete_stream(STREAM)


async def test_the_store_is_put_back_to_an_older_copy(scene: Scene) -> None:
    """A stream that is truncated: it ends earlier than it did, sequences and all."""
    data, copy = scene.stand.nats.data, scene.stand.folder / "older"
    async with scene.under_load() as crowd:
        server = await scene.stand.down("nats")
        shutil.copytree(data, copy)
        await scene.stand.up(server)
        before = await scene.stand.sequence()
        await crowd.tickets(CUT)

        async def grown() -> bool:
            return await scene.stand.sequence() >= before + CUT

        await until(grown, "the stream")
        server = await scene.stand.down("nats")
        shutil.rmtree(data)
        shutil.copytree(copy, data)
        crowd.strike()
        await scene.stand.up(server)
        await crowd.recovered()
    scene.row("JetStream's stream truncated (its store put back to an older copy): filled again from the log")
