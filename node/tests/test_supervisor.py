"""The supervisor brings back what dies, and lets go of what it was told to stop."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mpp_node import supervisor as module
from mpp_node.supervisor import Supervisor
from mpp_servers.server import DidNotStart, Server


class Dummy(Server):
    """A process that says that it lives, and then does as `script` says."""

    def __init__(self, folder: Path, script: str = "time.sleep(60)") -> None:
        super().__init__("dummy", folder)
        self.script = script

    def command(self) -> list[str]:
        return [sys.executable, "-c", f"import time; print('alive', flush=True); {self.script}"]

    def ready(self) -> bool:
        return self.alive and "alive" in self.tail()


class Notes(asyncio.Queue[str]):
    """What the supervisor said, to be waited for."""

    async def until(self, words: str) -> None:
        async with asyncio.timeout(10):
            while words not in await self.get():
                pass


@pytest.fixture
async def notes() -> Notes:
    return Notes()


@pytest.fixture
async def supervisor(notes: Notes) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(notes.put_nowait)
    yield supervisor
    await supervisor.stop(list(supervisor.parts))


async def test_a_killed_part_is_started_again(supervisor: Supervisor, notes: Notes, tmp_path: Path) -> None:
    dummy = Dummy(tmp_path)
    await supervisor.start(dummy)
    for times in (1, 2):
        before = dummy.pid
        assert before is not None
        os.kill(before, signal.SIGKILL)
        await notes.until("dummy is back")
        assert dummy.pid not in (None, before)
        assert supervisor.parts["dummy"].restarts == times


async def test_a_part_that_keeps_dying_is_tried_again_and_again(
    supervisor: Supervisor, notes: Notes, tmp_path: Path
) -> None:
    await supervisor.start(Dummy(tmp_path, "time.sleep(0.2); raise SystemExit(3)"))
    for _ in range(3):
        await notes.until("dummy ended")


async def test_a_part_that_was_well_for_a_while_does_not_wait_for_what_happened_before(
    supervisor: Supervisor, notes: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dummy, pauses = Dummy(tmp_path), []
    await supervisor.start(dummy)
    for settled in (60.0, 60.0, 0.0):
        monkeypatch.setattr(module, "SETTLED", settled)
        dummy.send(signal.SIGKILL)
        await notes.until("dummy is back")
        pauses.append(supervisor.parts["dummy"].pause)
    assert pauses == [2 * module.FIRST_PAUSE, 4 * module.FIRST_PAUSE, 2 * module.FIRST_PAUSE]


async def test_a_part_that_never_gets_ready_is_a_failure_with_its_log(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    dummy = Dummy(tmp_path, "raise SystemExit('no disk')")
    dummy.ready = lambda: False  # type: ignore[method-assign]
    with pytest.raises(DidNotStart, match="no disk"):
        await supervisor.start(dummy)


async def test_a_stopped_part_stays_stopped(supervisor: Supervisor, notes: Notes, tmp_path: Path) -> None:
    dummy = Dummy(tmp_path)
    await supervisor.start(dummy)
    await supervisor.stop(["dummy"])
    assert not dummy.alive
    assert notes.empty()
    assert "dummy" not in supervisor.parts


async def test_a_part_that_runs_and_cannot_work_is_started_again(
    supervisor: Supervisor, notes: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK", 0.05)
    looks = iter([False, False, True, False, False, False])  # two bad ones are nothing
    dummy = Dummy(tmp_path)
    monkeypatch.setattr(dummy, "well", lambda: next(looks, True))
    await supervisor.start(dummy)
    before = dummy.pid

    await notes.until("dummy runs and can't work")
    await notes.until("dummy is back")

    assert dummy.pid not in (None, before)
    assert supervisor.parts["dummy"].restarts == 1
    assert next(looks, None) is None
