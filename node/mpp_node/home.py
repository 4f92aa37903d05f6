"""Where a node lives: its folder, its ports, and the one secret that all its passwords come from."""

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mpp_servers.processes import Process, remember, remembered
from mpp_servers.server import accepts, free_port

GATEWAY_PORT = 8080


class AlreadyRunning(RuntimeError):
    """Another process runs this node."""


class NoNode(RuntimeError):
    """There is no node in this folder, or it does not run."""


class Home:
    """The folder of one node (`MPP_HOME`); made when `create`, else NoNode is raised.

    `node.json` keeps the root secret and the ports, `state.json` what the supervisor last saw.
    """

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        self.folder = folder.absolute()
        self.logs = self.folder / "logs"
        self._file = self.folder / "node.json"
        if not self._file.exists():
            if not create:
                raise NoNode(f"no node in {self.folder}: start one with `mpp up`")
            self.logs.mkdir(parents=True, exist_ok=True)
            self._write({"seed": secrets.token_hex(32), "gateway": GATEWAY_PORT, "ports": {}})
        self._kept: dict[str, Any] = json.loads(self._file.read_text())

    @property
    def gateway(self) -> int:
        """The public port."""
        return int(self._kept["gateway"])

    @property
    def address(self) -> str:
        """The public base address; also the name of the development issuer."""
        return f"http://localhost:{self.gateway}"

    def secret(self, purpose: str) -> str:
        """64 hexadecimal digits for one purpose, the same each time; knowing one tells no other."""
        seed = bytes.fromhex(self._kept["seed"])
        return hmac.new(seed, purpose.encode(), hashlib.sha256).hexdigest()

    def port(self, part: str) -> int:
        """The port kept for a part of the node."""
        return int(self._kept["ports"][part])

    def settle(self, gateway: int | None, parts: list[str]) -> None:
        """Keeps the public port, and for each part its old port while nobody else listens there."""
        self._kept["gateway"] = gateway or self.gateway
        ports = self._kept["ports"]
        for part in parts:
            if part not in ports or accepts(ports[part]):
                ports[part] = _port_beside(ports.values())
        self._write(self._kept)

    @contextmanager
    def held(self) -> Iterator[None]:
        """This process runs the node; raises AlreadyRunning when another one does."""
        with (self.folder / "node.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # released by the kernel, whatever happens
            except BlockingIOError:
                running = self.running()
                by = f"process {running.pid}" if running else "another process"
                raise AlreadyRunning(f"{by} runs the node in {self.folder}: `mpp down` stops it") from None
            remember(self._pid_file, os.getpid())
            try:
                yield
            finally:
                self._pid_file.unlink(missing_ok=True)

    def running(self) -> Process | None:
        """The process that runs the node."""
        return remembered(self._pid_file)

    def must_run(self) -> None:
        """Raises NoNode when nobody runs the node."""
        if self.running() is None:
            raise NoNode(f"the node in {self.folder} does not run: start it with `mpp up`")

    def write_state(self, state: dict[str, Any]) -> None:
        """Keeps what the supervisor sees, for `mpp status`."""
        _replace(self.folder / "state.json", json.dumps(state))

    def state(self) -> dict[str, Any]:
        """What the supervisor last saw."""
        kept: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        return kept

    @property
    def _pid_file(self) -> Path:
        return self.folder / "node.pid"

    def _write(self, kept: dict[str, Any]) -> None:
        _replace(self._file, json.dumps(kept, indent=2))


def _replace(file: Path, text: str) -> None:
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.rename(file)


def _port_beside(taken: Any) -> int:
    while (port := free_port()) in taken:
        pass
    return port
