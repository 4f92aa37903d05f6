"""Gets what the browser tests look with: python frontends/fetch_browser.py .tools/browser.

A Chromium that is installed is taken as it is; else one from the npm registry that brings its own libraries.
The checks of accessibility are axe-core's. Without npm there is none of both, and the tests say so.
"""

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import brotli

BROWSER = "@sparticuz/chromium@153.0.0", "20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0"
AXE = "axe-core@4.14.1", "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"
INSTALLED = ("chromium", "chromium-browser", "google-chrome")


def package(name: str, digest: str) -> tarfile.TarFile:
    """What the registry has under this name and version; refused when it is not what was looked at."""
    with tempfile.TemporaryDirectory() as folder:
        told = subprocess.run(
            ["npm", "pack", "--silent", name], cwd=folder, check=True, capture_output=True, text=True
        )
        content = (Path(folder) / told.stdout.strip().splitlines()[-1]).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise SystemExit(f"{name} is not what was locked: sha256 {found}")
    return tarfile.open(fileobj=io.BytesIO(content))


def part(of: tarfile.TarFile, name: str) -> bytes:
    held = of.extractfile(f"package/{name}")
    assert held is not None  # noqa: S101
    return held.read()


def chromium(folder: Path) -> Path:
    """The program, with its libraries beside it."""
    carried = package(*BROWSER)
    for name in ("al2023", "fonts"):
        with tarfile.open(fileobj=io.BytesIO(brotli.decompress(part(carried, f"bin/{name}.tar.br")))) as more:
            more.extractall(folder / name, filter="data")
    program = folder / "chromium"
    program.write_bytes(brotli.decompress(part(carried, "bin/chromium.br")))
    program.chmod(0o755)
    return program


def main(folder: Path) -> None:
    """`path` names the program; there is none where nothing could be had."""
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.which("npm") is None:
        sys.stderr.write("npm is not installed: the browser tests will be skipped\n")
        return
    (folder / "axe.js").write_bytes(part(package(*AXE), "axe.min.js"))
    installed = next(filter(None, map(shutil.which, INSTALLED)), None)
    (folder / "path").write_text(installed or str(chromium(folder)))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
