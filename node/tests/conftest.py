"""A whole node with stand-ins for the services, started by its own command."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mpp.testing.postgres import scratch
from mpp_servers.server import free_port

STUB = Path(__file__).with_name("stub.py")


@dataclass
class RunningNode:
    """A node's folder, and its command."""

    folder: Path
    port: int = field(default_factory=free_port)
    said: str = ""

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        mine = {
            "MPP_HOME": str(self.folder / "home"),
            "MPP_PORT": str(self.port),
            "PYTHONPATH": str(self.folder),
        }
        return {**os.environ, **mine, "COLUMNS": "120"}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "mpp_node", *words]

    def tell(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words), env=self.env, capture_output=True, text=True, timeout=120, check=False
        )

    def up(self) -> subprocess.Popen[str]:
        """Starts the node and returns when it says that it is ready."""
        process = subprocess.Popen(
            self.command("up"), env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert process.stdout is not None
        self.said = ""
        for line in process.stdout:
            self.said += line
            if re.match(r"Ctrl-C stops it", line):
                return process
        raise AssertionError(f"not ready:\n{self.said}")


def stand_ins(folder: Path) -> None:
    for name in ("catalog_service", "queue_service"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").touch()
        shutil.copy(STUB, folder / name / "__main__.py")


@pytest.fixture(scope="session")
def node() -> Iterator[RunningNode]:
    """A running node that tests share; what they kill comes back."""
    with scratch("mpp-node-") as folder:
        stand_ins(folder)
        running = RunningNode(folder)
        process = running.up()
        yield running
        process.terminate()
        process.communicate(timeout=60)
