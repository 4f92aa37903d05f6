"""A whole node with stand-ins for the services, started by its own command."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.testing.node import RunningNode
from mpp.testing.postgres import scratch
from mpp_node.services import SERVICES

STUB = Path(__file__).with_name("stub.py")


def node_of_stand_ins(folder: Path) -> RunningNode:
    """A node, not started yet, that finds stand-ins in its folder where the services would be."""
    for service in SERVICES:
        package = folder / service.module
        package.mkdir()
        (package / "__init__.py").touch()
        shutil.copy(STUB, package / "__main__.py")
    return RunningNode(folder, {"PYTHONPATH": str(folder)})


@pytest.fixture(scope="session")
def node() -> Iterator[RunningNode]:
    """A running node that tests share; what they kill comes back."""
    with scratch("mpp-node-") as folder:
        running = node_of_stand_ins(folder)
        process = running.up()
        yield running
        process.terminate()
        process.communicate(timeout=60)
