"""A whole node for tests: started by its own command, told things by its own command."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mpp.testing.postgres import scratch
from mpp_servers.server import free_port


@dataclass
class RunningNode:
    """A node's folder, and its command."""

    folder: Path
    extra: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    said: str = ""

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        mine = {"MPP_HOME": str(self.folder / "home"), "MPP_PORT": str(self.port), "COLUMNS": "120"}
        return {**os.environ, **mine, **self.extra}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "mpp_node", *words]

    def tell(self, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        return subprocess.run(
            self.command(*words), env=self.env, capture_output=True, text=True, timeout=timeout, check=False
        )

    def token(self, role: str, *options: str) -> str:
        told = self.tell("token", "--role", role, *options)
        assert told.returncode == 0, told.stderr
        return told.stdout.strip()

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


@contextmanager
def running_node(**extra: str) -> Iterator[RunningNode]:
    """A node in a folder of its own, stopped and removed afterwards."""
    with scratch("mpp-node-") as folder:
        node = RunningNode(folder, extra)
        process = node.up()
        try:
            yield node
        finally:
            process.terminate()
            process.communicate(timeout=60)
