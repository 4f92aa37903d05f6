"""`mpp bench statistics`: a year of one busy mall in the log, and how long its statistics take."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import typer
from rich.console import Console

if TYPE_CHECKING:
    from mpp_node.bench.world import World

console = Console(highlight=False)
DISK = "/var/tmp"  # noqa: S108
MALL, DAY, ZONE = "3271", date(2020, 1, 2), "Asia/Jakarta"
YEAR = 2020
LINES, SERVICES, COUNTERS, AGENCIES = 20, 145, 40, 14  # as at Bogor's opening
COPY = """
    insert into events (id, stream, version, type, data, about, recorded_at)
    select gen_random_uuid(), 'hall-' || $3 || '-' || copy.day, e.version, e.type,
           replace(replace(e.data::text, '-000000000000"', copy.tail), $4::text, copy.day)::jsonb, e.about,
           now() - interval '400 days'
    from (select n, ($4::text::date + n)::text as day, '-' || lpad(to_hex(n), 12, '0') || '"' as tail
          from generate_series($1::int, $2::int) n where extract(isodow from $4::text::date + n) < 6) copy
    cross join (select version, type, data, about from events where stream = $5 offset 0) e
    order by copy.n, e.version
"""


def year(
    visits: Annotated[int, typer.Option(min=10, help="A day, of some 255 days.")] = 2800,
    asked: Annotated[int, typer.Option(min=1, help="How often each question is asked.")] = 15,
) -> None:
    """Fill a log with a year of one mall, make the views anew, and ask for its statistics."""
    folder = Path(tempfile.mkdtemp(prefix="mpp-year-", dir=DISK if Path(DISK).is_dir() else None))
    folder.chmod(0o711)  # PostgreSQL may run as somebody else
    try:
        for line in asyncio.run(_measured(folder, visits, asked)):
            console.print(line)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _measured(folder: Path, visits: int, asked: int) -> list[str]:
    from mpp.eventsourcing.rebuild import rebuild
    from mpp_node.bench.world import World
    from queue_service import views
    from queue_service.handling import handle

    world = World(folder, 1.0)
    with world.running():
        await world.prepare()
        world.queue.stop()
        await _fill(world, visits)
        console.print("the views …")
        began = time.perf_counter()
        events = await rebuild(world.dsn(), "queue", views.TABLES, handle.decode, handle.project)
        seconds = time.perf_counter() - began
        async with world.database() as connection:
            await connection.execute("vacuum analyze")
            tickets = await connection.fetchval(
                "select count(*) from tickets where hall like $1", f"hall-{MALL}-%"
            )
        world.queue.start()
        made = f"views made anew in {seconds:.0f} s ({events / seconds:,.0f}/s)"
        told = [f"{tickets:,} tickets, {events:,} events; {made}"]
        began = time.perf_counter()
        await _counted(world)
        told.append(f"the days counted in {time.perf_counter() - began:.0f} s")
        return told + await _asked(world, asked)


async def _counted(world: "World") -> None:
    """Until upkeep has counted every day that is over."""
    from mpp_node.bench.world import until
    from queue_service import tallies

    async with world.database() as connection:

        async def done() -> bool:
            await asyncio.sleep(0.5)
            return not await tallies.uncounted(connection, 1)

        await until(done, "the days", 300)


async def _asked(world: "World", asked: int) -> list[str]:
    """Milliseconds from the request to the last byte, each question asked so often in turn."""
    from mpp_node.keys import Signer

    span = {"from": f"{YEAR}-01-01", "to": f"{YEAR}-12-31"}
    path = f"/api/queue/v1/malls/{MALL}/statistics"
    asks: dict[str, tuple[str, dict[str, str]]] = {
        "the year": (path, span),
        "the year but its first day": (path, span | {"from": f"{YEAR}-01-02"}),
        "one month": (path, {"from": f"{YEAR}-03-01", "to": f"{YEAR}-03-31"}),
        "one day": (path, {"from": f"{YEAR}-03-03", "to": f"{YEAR}-03-03"}),
        "the year by service, CSV": (f"{path}.csv", span | {"by": "service"}),
        "all malls, the year": ("/api/queue/v1/statistics", span),
    }
    took: dict[str, list[float]] = {name: [] for name in asks}
    told = []
    token = Signer(world.home).token(["analyst"])
    headers = {"Authorization": f"Bearer {token}", "Mpp-Time": f"{DAY}T10:00:00+07:00"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{world.home.gateway}", headers=headers
    ) as client:
        for _ in range(asked):
            for name, (where, query) in asks.items():
                began = time.perf_counter()
                answer = await client.get(where, params=query)
                took[name].append(1000 * (time.perf_counter() - began))
                answer.raise_for_status()
        total: dict[str, Any] = (await client.get(path, params=span)).json()["total"]
    told.append(", ".join(f"{name} {value}" for name, value in total.items()))
    told += [
        f"{name}: median {median(each):.0f} ms, longest {max(each):.0f} ms" for name, each in took.items()
    ]
    return told


async def _fill(world: "World", visits: int) -> None:
    """One day lived by the rules, and copies of it on every weekday of the year."""
    from mpp.eventsourcing.handler import Step
    from mpp.eventsourcing.log import About, connect
    from mpp_node.bench.filling import UNIT, writing
    from queue_service.hall import stream_of
    from queue_service.mall import Hear

    stream = stream_of(MALL, DAY)
    console.print(f"a day of {visits:,} visits …")
    async with writing(world.dsn()) as write:
        known = [Step(f"mall-{MALL}", Hear(kind, key, fact)) for (kind, key), fact in _facts().items()]
        await write.all(known)
        steps = [
            Step(stream, command, About(actor=UUID(int=int(getattr(command, "counter", "0")[-2:] or 0) + 1)))
            for command in _day(visits)
        ]
        for start in range(0, len(steps), UNIT):
            await write.all(steps[start : start + UNIT])
    connection = await connect(world.dsn(), "queue", "bench", statement_timeout="0")
    try:
        for first in range(1, 365, 30):
            console.print(f"the year … {DAY + timedelta(days=first)}")
            await connection.execute(COPY, first, min(first + 29, 363), MALL, DAY.isoformat(), stream)
        await connection.execute("analyze events")
    finally:
        await connection.close()


def _facts() -> dict[tuple[str, str], dict[str, Any]]:
    hours = {"opens": "07:00:00", "closes": "17:00:00", "last_ticket": "16:30:00"}
    told: dict[tuple[str, str], dict[str, Any]] = {
        ("mall", ""): {"slug": "bogor", "title": "MPP Kota Bogor", "timezone": ZONE},
        ("week", ""): {"week": [hours] * 5 + [None, None]},
    }
    for n in range(LINES):
        services = [f"s{m}" for m in range(n, SERVICES, LINES)]
        told["line", chr(65 + n)] = {
            "title": f"Line {n}",
            "services": services,
            "capacity": None,
            "quotas": {},
        }
    for n in range(SERVICES):
        told["service", f"s{n}"] = {"code": f"s{n}", "minutes": 5 + n % 12}
    for n in range(COUNTERS):
        desk = {"title": f"Loket {n + 1}", "agency": f"agency-{n % AGENCIES}", "lines": [chr(65 + n % LINES)]}
        told["counter", f"{MALL}-{n:02d}"] = desk
    return told


def _day(visits: int) -> Iterator[Any]:
    """Everybody comes, waits for one of two counters, and is served, or not there, or has left."""
    from queue_service import command as c
    from queue_service.plan import Plan

    chance, commands = Random(1), list[tuple[datetime, int, Any]]()
    midnight = datetime.combine(DAY, datetime.min.time(), ZoneInfo(ZONE))
    free = dict.fromkeys(range(COUNTERS), midnight)
    for n in range(visits):
        ticket = UUID(f"0198c0de-{n:04x}-7000-8000-000000000000")
        at = midnight + timedelta(hours=7) + timedelta(hours=9) * n / visits
        service = chance.randrange(SERVICES)
        channel: c.Channel = chance.choice(("kiosk", "kiosk", "kiosk", "web", "mobile", "telegram"))
        commands.append((at, len(commands), c.IssueTicket(at, ticket, f"s{service}", channel)))
        if chance.random() < 0.04:
            commands.append((at, len(commands), c.Cancel(at, ticket)))
            continue
        mine = min((service % LINES, service % LINES + LINES), key=lambda each: free[each])
        counter, call = f"{MALL}-{mine:02d}", max(at, free[mine])
        gone, ends = chance.random() < 0.05, call + timedelta(minutes=chance.expovariate(1 / 7))
        turn = [c.Miss(call, ticket)] if gone else [c.Start(call, ticket), c.Complete(ends, ticket)]
        commands.append((call, len(commands), c.CallNext(call, counter)))
        commands += [(each.at, len(commands) + 1, each) for each in turn]
        free[mine] = call + timedelta(seconds=1) if gone else ends + timedelta(seconds=1)
    yield c.OpenHall(midnight, Plan.of(MALL, DAY, _facts()))
    yield from (command for _, _, command in sorted(commands, key=lambda each: each[:2]))
    yield c.CloseHall(midnight + timedelta(hours=30))
