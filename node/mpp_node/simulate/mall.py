"""A mall as its public catalog describes it: hours of the day, lines, counters, services."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from mpp_node.simulate.client import Client

LOOK_AHEAD = 60  # days within which a free working day is looked for


class NoSuchDay(RuntimeError):
    """The mall has no service on this day, or no day is left to play."""


@dataclass(frozen=True, slots=True)
class Service:
    """A public service, the line that serves it, and its typical minutes at the counter."""

    code: str
    line: str
    minutes: float


@dataclass(frozen=True, slots=True)
class Counter:
    """A desk, whose it is, and the lines it serves."""

    id: str
    agency: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Mall:
    """One mall on one day; moments carry the mall's offset."""

    code: str
    slug: str
    title: str
    day: dt.date
    opens: dt.datetime
    last_ticket: dt.datetime
    closes: dt.datetime
    services: tuple[Service, ...]
    counters: tuple[Counter, ...]

    @cached_property
    def capacity(self) -> dict[str, float]:
        """Tickets a minute that each line's counters can serve; a counter is shared by its lines alike."""
        minutes: dict[str, list[float]] = {}
        for service in self.services:
            minutes.setdefault(service.line, []).append(service.minutes)
        served = dict.fromkeys(minutes, 0.0)
        for counter in self.counters:
            lines = [line for line in counter.lines if line in served]
            for line in lines:
                mean = sum(minutes[line]) / len(minutes[line])
                served[line] += 1 / len(lines) / mean
        return served

    @cached_property
    def offered(self) -> tuple[Service, ...]:
        """Services that some counter serves."""
        return tuple(service for service in self.services if self.capacity[service.line] > 0)


async def load(client: Client, slug: str, day: dt.date | None) -> Mall:
    """The mall on this day, or on its next working day without tickets. Raises NoSuchDay, Refused."""
    at = f"/api/catalog/v1/malls/{slug}"
    about = await client.get(at)
    zone = ZoneInfo(about["timezone"])
    tomorrow = dt.datetime.now(zone).date() + dt.timedelta(days=1)
    days = (await client.get(f"{at}/days", **_from(day or tomorrow), days=1 if day else LOOK_AHEAD))["items"]
    working = [each for each in days if each["hours"]]
    if day is None:
        working = await _untouched(client, slug, working)
    if not working:
        raise NoSuchDay(f"{about['title']} gives no service on {day or 'any of the next days'}")
    chosen = dt.date.fromisoformat(working[0]["date"])
    moment = {
        name: dt.datetime.combine(chosen, dt.time.fromisoformat(clock), zone)
        for name, clock in working[0]["hours"].items()
    }
    services = [s for s in await client.items(f"{at}/services") if s["line"]]
    counters = await client.items(f"{at}/counters")
    return Mall(
        code=about["code"],
        slug=about["slug"],
        title=about["title"],
        day=chosen,
        opens=moment["opens"],
        last_ticket=moment["last_ticket"],
        closes=moment["closes"],
        services=tuple(Service(s["code"], s["line"], s["minutes"]) for s in services),
        counters=tuple(Counter(c["id"], c["agency"], tuple(c["lines"])) for c in counters),
    )


def _from(day: dt.date) -> dict[str, str]:
    return {"from": day.isoformat()}


async def _untouched(client: Client, slug: str, days: list[dict[str, str]]) -> list[dict[str, str]]:
    """The first of these days on which nobody took a ticket."""
    for day in days:
        lines = (await client.get(f"/api/queue/v1/malls/{slug}/lines", date=day["date"]))["items"]
        if not any(line["issued"] or line["reason"] == "day-over" for line in lines):
            return [day]
    return []
