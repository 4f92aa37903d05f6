"""`mpp bench estimate`: the command."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from mpp_node.bench.estimates.scoring import Score

console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)


def estimates(
    seeds: Annotated[list[int] | None, typer.Argument(help="One table each.")] = None,
    days: Annotated[int, typer.Option(min=2, help="Independent days of each scenario.")] = 30,
    only: Annotated[str, typer.Option(help="Only scenarios whose name holds this.")] = "",
) -> None:
    """Score the estimates on simulated malls against the classics, on the same paths."""
    from mpp_node.bench.estimates.scenarios import SCENARIOS
    from mpp_node.bench.estimates.scoring import score

    for seed in seeds or [1, 2, 3]:
        table = _table(seed, days)
        for scenario in SCENARIOS:
            if only in scenario.name:
                _add(table, score(scenario, seed, days))
        console.print(table)


def _table(seed: int, days: int) -> Table:
    title = f"seed {seed}, {days} days; minutes; in brackets the 95 % interval of (error² of it - ours)"
    table = Table(title=title)
    for column in ("scenario", "tickets", "mean wait", "RMSE", "bias", "≤ p90", "÷ oracle"):
        table.add_column(column, justify="left" if column == "scenario" else "right")
    for name in ("oracle", "QL", "HOL", "LES", "mean-20"):
        table.add_column(name, justify="right")
    return table


def _add(table: Table, score: "Score") -> None:
    versus = [f"{v.rmse:.2f} {v.verdict}\n[{v.low:.1f}, {v.high:.1f}]" for v in score.versus.values()]
    table.add_row(
        score.scenario,
        f"{score.tickets:,}",
        f"{score.mean_wait:.1f}",
        f"{score.rmse:.2f}",
        f"{score.bias:+.2f}",
        f"{score.within:.1%}",
        f"{score.to_oracle:.2f}",
        *(cell.replace("[", "\\[") for cell in versus),
    )
