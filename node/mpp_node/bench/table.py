"""The table: medians of rounds with least and most, ratios of what was measured side by side."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from rich.table import Table

Figures = dict[str, float | dict[str, float]]  # one round: key → figure, or its parts
WORDS = {
    "bare_fastapi_rps": "nothing, with the body of a ticket, /s",
    "noop_rps": "the same with our edge, token and key, /s",
    "ticket_rps": "tickets, durable and visible, /s",
    "ticket_rps_grown": "the same in a log of 2 million events, /s",
    "ticket_two_replicas_rps": "tickets of one hall, two processes, /s",
    "call_next_rps": "calls, after each one request more, /s",
    "pgbench_insert_tps": "pgbench, one row inserted, 32 clients, /s",
    "event_to_consumer_ms": "event → a consumer's commit, ms:",
    "event_to_board_ms": "call → a board, through the gateway, ms:",
    "live_pages": "live pages open on one process",
    "live_page_kib": "memory of one more of them, KiB",
    "live_fanout_ms": "call → 200 pages of its line, ms:",
    "consumer_eps": "the catalog's events into the queue, /s",
    "rebuild_eps": "rebuild, events/s",
    "start_s": "a whole node from nothing to ready, s",
    "memory_mib": "memory, MiB:",
}


@dataclass(frozen=True, slots=True)
class Ratio:
    """One figure by another, round by round, the least that is wanted, and what would be better."""

    of: str
    to: str
    floor: float
    better: float

    def rounds(self, rounds: Sequence[Figures]) -> list[float]:
        pairs = [(each.get(self.of), each.get(self.to)) for each in rounds]
        return [a / b for a, b in pairs if isinstance(a, float) and isinstance(b, float)]

    @property
    def name(self) -> str:
        return f"{self.of} ÷ {self.to}"


RATIOS = (
    Ratio("ticket_rps", "noop_rps", 0.75, 1.3),  # nothing goes through FastAPI's solver, tickets do not
    Ratio("ticket_rps", "bare_fastapi_rps", 0.55, 0.78),
    Ratio("ticket_two_replicas_rps", "ticket_rps", 0.9, 1.2),
    Ratio("ticket_rps_grown", "ticket_rps", 0.85, 0.95),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """What is wanted of one figure: no less than `limit`, or no more; and what would be better."""

    limit: float
    better: float | None = None
    least: bool = True

    def shown(self, median: float) -> str:
        """`≥ 0.75 (1.3)`, and whether this median misses the first, or reaches the second."""
        sign = 1 if self.least else -1
        wanted = f"{'≥' if self.least else '≤'} {self.limit:,g}"
        wanted += "" if self.better is None else f" ({self.better:,g})"
        if sign * median < sign * self.limit:
            return wanted + " missed"
        return wanted + (" better" if self.better is not None and sign * median >= sign * self.better else "")


BARS = {
    "event_to_consumer_ms.p50": Bar(15, 5, least=False),
    "event_to_consumer_ms.p99": Bar(40, 10, least=False),
    "event_to_board_ms.p99": Bar(150, least=False),
    "live_pages": Bar(10_000),
    "live_page_kib": Bar(30, 12, least=False),
    "live_fanout_ms.p99": Bar(50, 5, least=False),
    "consumer_eps": Bar(5_000, 20_000),
    "rebuild_eps": Bar(50_000, 150_000),
}


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over all rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(median(values), min(values), max(values))


def spreads(rounds: Sequence[Figures]) -> dict[str, Spread]:
    """By `key` or `key.part`, in the order of WORDS."""
    found: dict[str, list[float]] = {}
    for key in WORDS:
        for figure in (each[key] for each in rounds if key in each):
            parts = figure.items() if isinstance(figure, Mapping) else [("", figure)]
            for part, value in parts:
                found.setdefault(f"{key}.{part}".rstrip("."), []).append(value)
    return {name: Spread.of(values) for name, values in found.items()}


def compared(rounds: Sequence[Figures]) -> list[tuple[Ratio, Spread]]:
    """Ratios of what was measured in the same round."""
    found = [(ratio, ratio.rounds(rounds)) for ratio in RATIOS]
    return [(ratio, Spread.of(values)) for ratio, values in found if values]


def report(rounds: Sequence[Figures], about: Mapping[str, Any]) -> dict[str, Any]:
    """Each key with its median, or the medians of its parts; `about` tells the rest."""
    medians: dict[str, Any] = {}
    ranges = spreads(rounds)
    for name, spread in ranges.items():
        key, _, part = name.partition(".")
        if part:
            medians.setdefault(key, {})[part] = round(spread.median, 2)
        else:
            medians[key] = round(spread.median, 2)
    ratios = {ratio.name: _rounded(spread, 3) for ratio, spread in compared(rounds)}
    return medians | {
        "about": {**about, "ratios": ratios, "spread": {name: _rounded(s, 2) for name, s in ranges.items()}}
    }


def _rounded(spread: Spread, digits: int) -> dict[str, float]:
    told = {"median": spread.median, "min": spread.least, "max": spread.most}
    return {name: round(value, digits) for name, value in told.items()}


def shown(rounds: Sequence[Figures]) -> Table:
    """The table as people read it."""
    table = Table("", "median", "min", "max", "wanted (better)", box=None, pad_edge=False, padding=(0, 2))
    for name, spread in spreads(rounds).items():
        key, _, part = name.partition(".")
        wanted = BARS[name].shown(spread.median) if name in BARS else ""
        table.add_row(f"{WORDS[key]} {part}".rstrip(), *map(_short, _three(spread)), wanted)
    for ratio, spread in compared(rounds):
        wanted = Bar(ratio.floor, ratio.better).shown(spread.median)
        table.add_row(ratio.name, *(f"{value:.2f}" for value in _three(spread)), wanted)
    return table


def _three(spread: Spread) -> tuple[float, float, float]:
    return spread.median, spread.least, spread.most


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def load_average() -> list[float]:
    return [round(value, 2) for value in os.getloadavg()]
