"""The primary dies and its standby is promoted: a standby that was awaited, and one that lagged."""

import time

import pytest

from .crowd import Crowd
from .database_history import PAST, PROMISE, alarmed, noticed, silent, told
from .scene import Scene
from .stand import QUEUES
from .standby import Standby, promote, standby

pytestmark = pytest.mark.long


async def promoted(scene: Scene, crowd: Crowd, following: Standby) -> None:
    """The standby takes the place of a primary that was killed, at its port."""
    stand = scene.stand
    crowd.strike()
    stand.postgres = await following.moved()
    await stand.up(stand.postgres)
    await promote(stand.postgres)
    await crowd.recovered()
    assert [stand.supervisor.parts[part].restarts for part in QUEUES] == [0, 0]


async def test_a_standby_that_every_commit_waited_for_is_promoted(scene: Scene) -> None:
    async with scene.under_load() as crowd, standby(scene.stand.postgres, scene.stand.folder / "b") as other:
        await other.awaited()
        await crowd.tickets(300)
        await scene.stand.down("postgres")
        await promoted(scene, crowd, other)
    scene.row("PostgreSQL killed, its synchronous standby promoted at the same port")


async def test_a_standby_that_lagged_is_promoted(scene: Scene) -> None:
    """The services keep what they have in memory, which is newer than the log they find."""
    async with (
        scene.under_load(arrives=False) as crowd,
        standby(scene.stand.postgres, scene.stand.folder / "b") as other,
    ):
        copied = time.time()
        other.link.hold()
        await crowd.tickets(300)
        await scene.stand.down("postgres")
        lost = time.time()
        end = await told(scene.stand)
        await promoted(scene, crowd, other)
        await alarmed(scene.stand)
        await silent(scene, end)
    noticed(scene, copied - PAST, lost)
    scene.row("PostgreSQL killed, an asynchronous standby promoted that lagged 300 tickets", promise=PROMISE)
