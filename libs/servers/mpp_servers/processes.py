"""Processes by identity: a pid alone may be somebody else's by now."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process of this machine: its pid and when it was born."""

    pid: int
    born: str

    @property
    def alive(self) -> bool:
        return born(self.pid) == self.born

    def send(self, number: int) -> None:
        """Sends a signal; nothing happens when the process is gone."""
        with contextlib.suppress(ProcessLookupError):
            if self.alive:
                os.kill(self.pid, number)

    def end(self, number: int = signal.SIGTERM, *, patience: float = 10.0) -> None:
        """Asks the process to end and waits; after `patience` seconds it is killed."""
        self.send(number)
        if not self.ends_within(patience):
            self.send(signal.SIGKILL)
            self.ends_within(5)

    def ends_within(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while self.alive and time.monotonic() < until:
            time.sleep(0.02)
        return not self.alive


def born(pid: int) -> str:
    """When a process started, in the system's own words; "" when there is none or it has ended."""
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else fields[19]
    ask = ["ps", "-o", "lstart=", "-p", str(pid)]
    return subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()


def remember(file: Path, pid: int) -> Process:
    """Writes a pid file and returns the process it names."""
    process = Process(pid, born(pid))
    file.write_text(f"{process.pid}\n{process.born}\n")
    return process


def remembered(file: Path) -> Process | None:
    """The living process of a pid file, or None."""
    try:
        pid, born_at = file.read_text().split("\n")[:2]
        process = Process(int(pid), born_at)
    except (OSError, ValueError):
        return None
    return process if process.born and process.alive else None


def working_in(folder: Path) -> list[Process]:
    """The processes whose working directory is this folder; elsewhere than on Linux none are seen."""
    here = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if link.readlink() == folder:
                pid = int(link.parent.name)
                here.append(Process(pid, born(pid)))
    return here
