"""Fixtures of the faults, the option `--faults`, and the page that a run with it writes."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from . import table
from .crowd import LOAD
from .scene import Scene
from .stand import Stand

SCENES = pytest.StashKey[list[str]]()  # every fault with a row, in the order of the page
# Not the usual place for temporary files: that is often memory, and there is nothing to sync there.
DISK = "/var/tmp"  # noqa: S108


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", action="store_true", help="play every fault, and write docs/faults.md")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes minutes; played by `make test-faults` alone")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long ones are left out unless asked for."""
    config.stash[SCENES] = [
        item.name for item in items if {"scene", "row"} & {*getattr(item, "fixturenames", ())}
    ]
    if not config.getoption("--faults", False):
        long = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if not item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The page is written when every fault has its row, or can't be played here."""
    if not config.getoption("--faults", False):
        return
    skipped = {report.nodeid.rpartition("::")[2] for report in terminalreporter.getreports("skipped")}
    names = [name for name in config.stash[SCENES] if name not in skipped]
    rows = {name: table.kept(name) for name in names}
    if missing := [name for name, row in rows.items() if row is None]:
        terminalreporter.write_line(f"docs/faults.md stays as it is: no row yet of {', '.join(missing)}")
    else:
        table.PAGE.write_text(table.page([row for row in rows.values() if row], LOAD))
        terminalreporter.write_line(f"docs/faults.md: {len(rows)} faults")


@pytest.fixture
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """A fault's stand in a folder of its own; the logs of one that failed are kept in build/faults/logs."""
    with tempfile.TemporaryDirectory(
        prefix="mpp-fault-", dir=DISK if Path(DISK).is_dir() else None, ignore_cleanup_errors=True
    ) as folder:
        Path(folder).chmod(0o711)  # PostgreSQL may run as somebody else
        table.forget(request.node.name)
        scene = Scene(request.node.name, Stand(Path(folder)))
        yield scene
        if not scene.played:
            logs = table.KEPT / "logs" / request.node.name
            shutil.copytree(scene.stand.home.logs, logs, dirs_exist_ok=True)


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Callable[[table.Row], None]:
    """Keeps the row of a test that has no stand of its own."""
    table.forget(request.node.name)
    return partial(table.keep, request.node.name)
