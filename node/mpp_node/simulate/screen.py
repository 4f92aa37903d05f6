"""The screen: how the day goes while it is played, and the verdict at its end."""

import asyncio
from collections import Counter
from time import monotonic

from rich.console import Console
from rich.live import Live
from rich.table import Table

from mpp_node.simulate.floor import Floor
from mpp_node.simulate.verdict import Verdict

FRAMES = 4  # a second, on a terminal
SECONDS = 10.0  # between two lines elsewhere


class Screen:
    """Shows a floor in real time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._before = (monotonic(), 0)
        self._rate = 0.0

    async def watch(self, floor: Floor) -> None:
        """Without end: a live table on a terminal, a line now and then elsewhere."""
        if not self._console.is_terminal:
            while True:
                await asyncio.sleep(SECONDS)
                facts = self._facts(floor)
                self._console.print(
                    " · ".join(f"{name} {value}" for name, value in facts.items()), soft_wrap=True
                )
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while True:
                live.update(self._table(floor), refresh=True)
                await asyncio.sleep(1 / FRAMES)

    def _table(self, floor: Floor) -> Table:
        facts = self._facts(floor)
        table = Table(*facts, box=None, pad_edge=False, padding=(0, 2))
        table.add_row(*facts.values())
        return table

    def _facts(self, floor: Floor) -> dict[str, str]:
        visits, now = floor.record.visits.values(), floor.clock.now
        states = Counter(visit.status for visit in visits)
        waits = [(now - visit.since).total_seconds() / 60 for visit in visits if visit.status == "waiting"]
        return {
            "time": f"{now:%H:%M}",
            "issued": str(len(visits)),
            "waiting": str(states["waiting"]),
            "serving": str(states["called"] + states["serving"]),
            "served": str(states["completed"]),
            "missed": str(states["missed"]),
            "cancelled": str(states["cancelled"]),
            "longest wait": f"{max([0.0, *waits]):.0f} min",
            "requests/s": f"{self._requests_a_second(floor):.0f}",
        }

    def _requests_a_second(self, floor: Floor) -> float:
        now, then, requests = monotonic(), *self._before
        if now - then > 1:
            self._rate = (floor.tally.requests - requests) / (now - then)
            self._before = (now, floor.tally.requests)
        return self._rate


def tell(console: Console, verdict: Verdict) -> None:
    """The verdict, a fact a line, and what is wrong."""
    v = verdict
    console.print(f"[bold]{v.mall}, {v.date}[/bold]")
    away = f", {v.turned_away} turned away" if v.turned_away else ""
    console.print(f"  issued {v.issued}{away}")
    console.print(f"  served {v.served} · missed {v.missed} · cancelled {v.cancelled} · lapsed {v.lapsed}")
    console.print(f"  wait   mean {v.mean_wait} min · p90 {v.p90_wait} min · longest {v.longest_wait} min")
    if v.within_p90 is not None:
        console.print(f"         {v.within_p90:.0%} within the p90 that was promised with the number")
    console.print(
        f"  gaps {len(v.gaps)} · duplicates {len(v.duplicates)} · called twice {len(v.called_twice)}"
    )
    console.print(
        f"  lost {len(v.lost)} · without an end {len(v.unsettled)} · otherwise than planned {len(v.astray)}"
    )
    told = f"missed {v.board_missed} · repeated {v.board_repeated} · not told {v.board_untold}"
    console.print(f"  board  {v.calls} calls · {told}")
    console.print(f"  pages  {v.pages_followed} followed live · {v.pages_wrong} without the ticket's end")
    for service, checks in v.checks.items():
        for check in checks:
            mark = "ok " if check["holds"] else "BAD"
            console.print(f"  {mark} {service}: {check['check']} ({check['looked_at']})")
    if mended := [fault["seconds"] for fault in v.struck if fault["seconds"] is not None]:
        mean = sum(mended) / len(mended)
        console.print(
            f"  faults {len(v.struck)} · mended after {mean:.1f} s on average, {max(mended):.1f} s at most"
        )
    console.print("  played " + " · ".join(f"{name} {value:g}" for name, value in v.played.items()))
    for fault in v.faults():
        console.print(f"[red]✗ {fault}[/red]")
    console.print("[green]✓ a clean day[/green]" if v.clean else "[red]✗ not a clean day[/red]")
