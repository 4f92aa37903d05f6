"""`mpp bench`: the command."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from mpp_node.bench.estimates.command import estimates
from mpp_node.bench.rush import rush
from mpp_node.bench.year import year

if TYPE_CHECKING:
    from mpp_node.bench.table import Figures
    from mpp_node.bench.world import Size

WIDE = 100  # columns of the table in a file
console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
# Not the usual place for temporary files: that is often memory, and there is nothing to sync there.
DISK = "/var/tmp"  # noqa: S108


bench = typer.Typer(invoke_without_command=True)
bench.command("estimate")(estimates)
bench.command()(rush)
bench.command("statistics")(year)


@bench.callback()
def everything(
    context: typer.Context,
    rounds: Annotated[int, typer.Option(min=1, help="Everything is measured once in each.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each rate is measured.")] = 3.0,
    report: Annotated[Path | None, typer.Option("--json", help="Write the medians to this file.")] = None,
) -> None:
    """Measure on servers of its own, beside no load but its own; the exit code is 1 when a fact was lost."""
    from mpp_node.bench.world import Broken, Size

    if context.invoked_subcommand:
        return
    try:
        measure(rounds, seconds, report, Size())
    except Broken as failure:
        sys.exit(f"mpp: {failure}")


def measure(rounds: int, seconds: float, report: Path | None, size: "Size") -> None:
    """All rounds, the table, and the report; Broken when a fact was lost."""
    from mpp_node.bench.table import report as told
    from mpp_node.bench.table import shown

    folder = Path(tempfile.mkdtemp(prefix="mpp-bench-", dir=DISK if Path(DISK).is_dir() else None))
    folder.chmod(0o711)  # PostgreSQL may run as somebody else
    try:
        measured, about = asyncio.run(_measured(folder, rounds, seconds, size))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if report:
        report.write_text(json.dumps(told(measured, about), indent=2, ensure_ascii=False) + "\n")
    console.print(shown(measured))
    console.print(
        f"{about['tickets']:,} tickets: 0 gaps, 0 duplicates. {rounds} rounds of {seconds:g} s on"
        f" {about['cores']} cores, load {about['load_before'][0]:.1f} before."
    )


async def _measured(
    folder: Path, rounds: int, seconds: float, size: "Size"
) -> "tuple[list[Figures], dict[str, Any]]":
    """The figures of each round, and what they were measured on."""
    from mpp_node.bench import grown
    from mpp_node.bench.measures import MEASURES
    from mpp_node.bench.table import load_average
    from mpp_node.bench.world import World

    about = {"rounds": rounds, "seconds": seconds, "cores": os.cpu_count(), "load_before": load_average()}
    world, measured = World(folder, seconds, size), list["Figures"]()
    with world.running():
        await world.prepare()
        console.print(f"a log of {size.events:,} events …")
        await grown.prepare(world)
        for n in range(rounds):
            figures: Figures = {}
            for name, taken in MEASURES.items():
                console.print(f"round {n + 1} of {rounds}: {name} …")
                figures |= await taken(world)
            measured.append(figures)
    return measured, about | {"size": asdict(size), "tickets": world.tickets, "gaps": 0, "duplicates": 0}
