"""A small disk: a file system of its own in a file, which a test can fill and free again."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

BLOCK = 1 << 20


class Disk:
    """A mounted file system at `place`."""

    def __init__(self, place: Path) -> None:
        self.place, self._ballast = place, place / "ballast"

    def hold(self, link: Path) -> None:
        """What is written to the folder `link` lands on this disk."""
        (self.place / link.name).mkdir(mode=0o755)
        link.symlink_to(self.place / link.name)

    def fill(self) -> None:
        """Not a byte is left."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for size in (BLOCK, 4096, 1):
                with suppress(OSError):
                    while ballast.write(bytes(size)):
                        pass
            os.fsync(ballast.fileno())

    def free(self) -> None:
        """There is room again."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """A disk of this size, in a file in `folder`; skips the test where none can be mounted."""
    image, place = folder / "disk.image", folder / "disk"
    if os.geteuid() != 0:
        pytest.skip("only root mounts a file system")
    place.mkdir()
    with image.open("wb") as empty:
        empty.truncate(megabytes << 20)
    try:
        _run("mkfs.ext4", "-q", "-m0", str(image))  # nothing is kept back for root
        _run("mount", "-o", "loop", str(image), str(place))
    except (OSError, subprocess.CalledProcessError) as failure:
        pytest.skip(f"no file system of its own can be mounted here: {failure}")
    try:
        yield Disk(place)
    finally:
        _run("umount", "--lazy", str(place))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
