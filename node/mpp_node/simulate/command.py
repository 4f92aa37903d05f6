"""`mpp simulate`: the command."""

import asyncio
import datetime as dt
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from mpp_node.commands.options import DEFAULT_FOLDER, Folder
from mpp_node.home import Home

console = Console(highlight=False)
AS_FAST = "max"


def simulate(
    mall: Annotated[str, typer.Option(help="Slug or code.")] = "bombana",
    date: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="By default the next working day without tickets."),
    ] = None,
    speed: Annotated[
        str, typer.Option(help="Simulated seconds per second, or `max`: as fast as answers come.")
    ] = "120",
    seed: Annotated[int, typer.Option(help="The same seed brings the same people.")] = 1,
    tickets: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="How many people; by default the mall's volume.")
    ] = None,
    faults: Annotated[
        float | None,
        typer.Option(min=1, help="Harm a part of the node every so many simulated minutes."),
    ] = None,
    report: Annotated[Path | None, typer.Option("--json", help="Write the verdict to this file.")] = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Play one service day on the running node; the exit code is 0 when it was clean.

    A day that was interrupted goes on when the same command is given again.
    """
    from mpp_node.keys import Signer
    from mpp_node.simulate.day import Setting
    from mpp_node.simulate.screen import Screen

    home = Home(folder)
    home.must_run()
    setting = Setting(
        base=f"http://127.0.0.1:{home.gateway}",
        board=home.address,
        mall=mall,
        date=date.date() if date else None,
        speed=_speed(speed),
        seed=seed,
        tickets=tickets,
        records=home.folder / "simulated",
        sign=Signer(home).token,
        verify=lambda: _verify(home),
        watch=Screen(console).watch,
        say=console.print,
        faults=faults,
        victim=_victim(home) if faults else None,
    )
    _run(setting, report)


def _run(setting: Any, report: Path | None) -> None:
    from mpp_node.simulate.client import Refused, Unreachable
    from mpp_node.simulate.day import play
    from mpp_node.simulate.mall import NoSuchDay
    from mpp_node.simulate.record import AnotherDay
    from mpp_node.simulate.screen import tell

    try:
        verdict = asyncio.run(play(setting))
    except* (NoSuchDay, AnotherDay, Refused, Unreachable) as failures:
        sys.exit(f"mpp: {_first(failures)}")
    except* KeyboardInterrupt:
        console.print("Interrupted; the same command with the same --date and --seed goes on.")
        sys.exit(130)
    if report:
        report.write_text(json.dumps(asdict(verdict) | {"clean": verdict.clean}, indent=2))
    tell(console, verdict)
    if not verdict.clean:
        raise typer.Exit(1)


def _first(failures: BaseException) -> BaseException:
    while isinstance(failures, BaseExceptionGroup):
        failures = failures.exceptions[0]
    return failures


def _speed(told: str) -> float | None:
    if told == AS_FAST:
        return None
    try:
        speed = float(told)
    except ValueError:
        speed = 0
    if not 0 < speed < 1e6:
        raise typer.BadParameter(f"a positive number or `{AS_FAST}`", param_hint="--speed")
    return speed


def _victim(home: Home) -> Any:
    from mpp_node.simulate.victim import NotForFaults, Victim

    try:
        return Victim(home)
    except NotForFaults as refusal:
        sys.exit(f"mpp: {refusal}")


async def _verify(home: Home) -> dict[str, list[dict[str, Any]]]:
    """What `mpp verify` says, by service; nothing when it could not look."""
    words = ["-m", "mpp_node", "verify", "--json", "--home", str(home.folder)]
    process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    checks: dict[str, list[dict[str, Any]]] = json.loads(said or b"{}")
    return checks
