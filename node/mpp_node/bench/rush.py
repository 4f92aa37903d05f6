"""`mpp bench rush`: the second in which a day opens for bookings, and many want its few slots."""

import asyncio
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import httpx
import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from mpp_node.bench.world import World

console = Console(highlight=False)
SLOTS = 20
DISK = "/var/tmp"  # noqa: S108


@dataclass(frozen=True)
class Rushed:
    """One rush: what everybody was answered, and what the log holds after it; seconds."""

    answers: Counter[str]
    booked: int
    oversold: int
    p50: float
    p99: float
    longest: float


def rush(
    runs: Annotated[int, typer.Option(min=1)] = 3,
    clients: Annotated[int, typer.Option(min=1, max=20_000, help="Each asks once.")] = 5000,
    slots: Annotated[int, typer.Option(min=SLOTS, help="Places in all, spread over twenty slots.")] = 500,
    seconds: Annotated[float, typer.Option(min=0.1, help="In which everybody asks.")] = 1.0,
) -> None:
    """Thousands of citizens, each with a token, ask through the gateway for a few hundred slots."""
    folder = Path(tempfile.mkdtemp(prefix="mpp-rush-", dir=DISK if Path(DISK).is_dir() else None))
    folder.chmod(0o711)  # PostgreSQL may run as somebody else
    try:
        rushes = asyncio.run(_runs(folder, runs, clients, slots, seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    table = Table(title=f"{clients:,} clients within {seconds:g} s, {slots} places")
    for column in ("run", "booked", "oversold", "answers", "p50 s", "p99 s", "longest s"):
        table.add_column(column)
    for n, one in enumerate(rushes, 1):
        answers = ", ".join(f"{count} {answer}" for answer, count in one.answers.most_common())
        figures = (f"{one.p50:.2f}", f"{one.p99:.2f}", f"{one.longest:.2f}")
        table.add_row(str(n), str(one.booked), str(one.oversold), answers, *figures)
    console.print(table)


async def _runs(folder: Path, runs: int, clients: int, slots: int, seconds: float) -> list[Rushed]:
    from mpp_node.bench.world import World

    world = World(folder, seconds)
    with world.running():
        await world.prepare()
        return [await _run(world, n, clients, slots, seconds) for n in range(runs)]


async def _run(world: "World", n: int, clients: int, slots: int, seconds: float) -> Rushed:
    """On a day of its own that opens seven days before it, at eight."""
    from mpp_node.bench.malls import LINES, MALLS, service_of
    from mpp_node.bench.world import Child, until
    from mpp_node.keys import Signer

    mall, line, day = MALLS[0], LINES[n], world.day()
    console.print(f"run {n + 1}: {clients:,} tokens …")
    rules = {"per_slot": slots // SLOTS, "slot_minutes": 60, "days_ahead": 7, "opens_at": "08:00:00"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{world.home.gateway}") as office:
        head = world.headers("national-admin", day)
        path = f"/api/queue/v1/malls/{mall}"
        answer = await office.put(f"{path}/lines/{line}/booking", json=rules, headers=head)
        answer.raise_for_status()
        asked = {"service": service_of(line), "date": day.isoformat()}

        async def offered() -> bool:
            told = (await office.get(f"{path}/slots", params=asked)).json()
            return len(told["slots"]) >= SLOTS

        await until(offered, "the slots")
        people = [_person(Signer(world.home), mall, line, day, seed) for seed in range(clients)]
        async with Child("crowd") as crowd:
            task = {"port": world.home.gateway, "path": "/api/queue/v1/bookings", "people": people}
            answers = await crowd.done(task | {"seconds": seconds, "patience": 60, "seed": n})
        left = (await office.get(f"{path}/slots", params=asked)).json()["slots"]
    taken = [slot["takes"] - slot["left"] for slot in left]
    async with world.database() as database:
        sql = "select slot, count(*) as n from bookings where stream = $1 and status = 'booked' group by slot"
        rows = await database.fetch(sql, f"slots-{mall}-{day}")
    waits = sorted(wait for _, _, wait in answers)
    told = Counter(f"{status} {problem}".strip() for status, problem, _ in answers)
    assert sum(taken) == sum(row["n"] for row in rows)  # noqa: S101
    over = sum(max(0, row["n"] - slots // SLOTS) for row in rows)
    p50, p99 = waits[len(waits) // 2], waits[int(0.99 * (len(waits) - 1))]
    return Rushed(told, sum(row["n"] for row in rows), over, p50, p99, waits[-1])


def _person(signer: Any, mall: str, line: str, day: date, seed: int) -> dict[str, Any]:
    """A citizen who wants one of twenty slots, in the second in which the day opens."""
    from mpp_node.bench.malls import OFFSET, service_of

    hour = Random(seed).randrange(SLOTS)
    token = signer.token(["citizen"], subject=str(uuid4()))
    opens = day - timedelta(days=7)
    return {
        "body": {
            "mall": mall,
            "service": service_of(line),
            "slot": f"{day}T{hour:02d}:00:00{OFFSET}",
            "channel": "web",
        },
        "headers": {"Authorization": f"Bearer {token}", "Mpp-Time": f"{opens}T08:00:00{OFFSET}"},
    }
