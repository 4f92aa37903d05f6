"""`mpp seed | rebuild | verify | dead-letters`: what a service does itself, told from one place."""

import json
import subprocess
import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from mpp_node.commands.options import DEFAULT_FOLDER, Folder
from mpp_node.home import Home
from mpp_node.services import SERVICES, Service, environment, service


class Deed(StrEnum):
    """What to do with dead letters."""

    LIST = "list"
    REPLAY = "replay"


def seed(folder: Folder = DEFAULT_FOLDER) -> None:
    """Load the malls that come with the platform; loading them again changes nothing."""
    home = _running(folder)
    _finish([_tell(home, known, "seed") for known in SERVICES if known.seeds])


def rebuild(
    name: Annotated[str, typer.Argument(metavar="SERVICE", help="Whose views are made anew from its log.")],
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Make the views of a service anew from its log, while it runs."""
    _finish([_tell(_running(folder), _named(name), "rebuild")])


def verify(
    folder: Folder = DEFAULT_FOLDER,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, service → its checks.")] = False,
) -> None:
    """Check log, views and streams of every service; the exit code is 1 when something is wrong."""
    home = _running(folder)
    if not as_json:
        _finish([_tell(home, known, "verify") for known in SERVICES])
        return
    reports: dict[str, Any] = {}
    codes = []
    for known in SERVICES:
        answer = _ask(home, known, "verify", "--json")
        codes.append(answer.returncode)
        reports[known.name] = [json.loads(line) for line in answer.stdout.splitlines()]
    print(json.dumps(reports, indent=2))
    _finish(codes)


def dead_letters(
    name: Annotated[str | None, typer.Argument(metavar="[SERVICE]", help="By default every service.")] = None,
    deed: Annotated[Deed, typer.Argument(help="`replay` tries them again, in order.")] = Deed.LIST,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """List the messages that could not be handled, or try them again."""
    home = _running(folder)
    chosen = [_named(name)] if name else list(SERVICES)
    _finish([_tell(home, known, "dead-letters", deed.value) for known in chosen])


def _running(folder: Any) -> Home:
    home = Home(folder)
    home.must_run()
    return home


def _named(name: str) -> Service:
    try:
        return service(name)
    except KeyError:
        known = ", ".join(known.name for known in SERVICES)
        raise typer.BadParameter(f"no service {name}; there are {known}") from None


def _tell(home: Home, to: Service, *words: str) -> int:
    """Runs a command of the service with our own input and output; returns its exit code."""
    print(f"{to.name}:", flush=True)
    return subprocess.run(
        [sys.executable, "-m", to.module, *words], env=environment(home, to), check=False
    ).returncode


def _ask(home: Home, whom: Service, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", whom.module, *words],
        env=environment(home, whom),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )


def _finish(codes: list[int]) -> None:
    if any(codes):
        raise typer.Exit(1)
