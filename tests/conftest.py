"""What the tests across services share: one node, and the traces it sends."""

from collections.abc import Iterator

import pytest

from mpp.testing.node import RunningNode, running_node
from mpp.testing.otlp import OtlpReceiver


@pytest.fixture(scope="session")
def traces() -> Iterator[OtlpReceiver]:
    """Where the node sends its spans."""
    with OtlpReceiver() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def node(traces: OtlpReceiver) -> Iterator[RunningNode]:
    """A running node with its real services, on its seeds."""
    with running_node(MPP_OTLP_ENDPOINT=traces.endpoint) as running:
        yield running
