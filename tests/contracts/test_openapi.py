"""The public APIs under a fuzzer that reads their own descriptions."""

import subprocess
import sys

import pytest

from mpp.testing.node import RunningNode
from mpp_node.node import NAMES


@pytest.mark.parametrize("service", NAMES)
@pytest.mark.parametrize("role", ["national-admin", "citizen"])
def test_nothing_that_the_description_allows_makes_the_service_fail(
    node: RunningNode, service: str, role: str
) -> None:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run"),
        f"{node.address}/api/{service}/v1/openapi.json",
        *("--checks", "not_a_server_error,content_type_conformance,status_code_conformance"),
        *("--header", f"Authorization: Bearer {node.token(role)}"),
        *("--header", "Mpp-Time: 2026-11-23T09:00:00+08:00"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", "25"),
        *("--exclude-path-regex", "/live$", "--request-timeout", "20", "--seed", "7406", "--no-color"),
    ]
    told = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert told.returncode == 0, told.stdout[-8000:] + told.stderr[-2000:]
