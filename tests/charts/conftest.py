"""The charts as helm renders them; without the tools of `make tools` these tests say so and are skipped."""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

HOUSE = Path(__file__).parents[2]
TOOLS = HOUSE / ".tools" / "bin"
VALUES = ("dev", "province", "nation")
Manifests = list[dict[str, Any]]


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder of helm, checkov and the others."""
    if not (TOOLS / "helm").exists():
        pytest.skip("helm and the other tools of the charts are not installed: make tools")
    return TOOLS


@pytest.fixture(scope="session")
def chart(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The umbrella with its parts put in, in a folder that may be written."""
    here = tmp_path_factory.mktemp("charts")
    shutil.copytree(HOUSE / "charts", here / "charts", ignore=shutil.ignore_patterns("*.tgz", "Chart.lock"))
    put = [str(tools / "helm"), "dependency", "update", str(here / "charts" / "mpp")]
    subprocess.run(put, check=True, capture_output=True)
    return here / "charts" / "mpp"


@pytest.fixture(scope="session")
def rendered(tools: Path, chart: Path) -> Mapping[str, str]:
    """What each values file leads to, as text."""
    return {name: _template(tools, chart, name) for name in VALUES}


def _template(tools: Path, chart: Path, name: str) -> str:
    values = chart / "values" / f"{name}.yaml"
    words = ["template", "mpp", str(chart), "--namespace", "mpp", "--kube-version", "1.37", "-f", str(values)]
    ended = subprocess.run([str(tools / "helm"), *words], check=True, capture_output=True, text=True)
    return ended.stdout


@pytest.fixture(scope="session")
def manifests(rendered: Mapping[str, str]) -> Callable[[str], Manifests]:
    """The manifests of one values file."""
    read = {name: [each for each in yaml.safe_load_all(text) if each] for name, text in rendered.items()}
    return read.__getitem__
