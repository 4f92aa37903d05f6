"""Views made anew on a running node."""

import pytest

from mpp.testing.node import RunningNode


@pytest.mark.parametrize("service", ["catalog", "queue"])
def test_rebuilt_views_are_the_fold_of_the_log(node: RunningNode, service: str) -> None:
    rebuilt = node.tell("rebuild", service)
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    verified = node.tell("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "BAD" not in verified.stdout and f"ok  {service}: views = fold of the log" in verified.stdout
