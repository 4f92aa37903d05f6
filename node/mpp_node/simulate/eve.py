"""The eve of a day: the mall's rules are set, and those who book choose their slots."""

import asyncio
import datetime as dt
from random import Random
from typing import Any

from mpp_node.simulate.arrivals import Person
from mpp_node.simulate.client import Client, Refused
from mpp_node.simulate.clock import Clock
from mpp_node.simulate.floor import QUEUE, Floor
from mpp_node.simulate.mall import Counter

TOGETHER = 16  # bookings asked for at a time
SLOT = 30  # minutes
FULL = ("slot-full", "unknown-slot", "unknown-service", "channel-used-up", "booking-too-late")
TURNS, LUNCH = 3, 30  # officers are at lunch in turns, minutes


def lunch(floor: Floor, turn: int) -> dt.datetime:
    """When the officers of this turn go."""
    noon = floor.mall.opens + (floor.mall.closes - floor.mall.opens) * 0.5
    return noon + dt.timedelta(minutes=LUNCH * (turn % TURNS))


async def prepare(floor: Floor, browser: Client) -> dict[int, dict[str, Any]]:
    """What the office sets and citizens book, the day before: person → booking. Repeated, the same."""
    eve = Clock(floor.mall.opens - dt.timedelta(days=1), None)
    office = Client(browser.http, eve, floor.tally, floor.token("mall-admin", "of the mall"))
    await _rules(floor, office)
    asking, few = Client(browser.http, eve, floor.tally), asyncio.Semaphore(TOGETHER)
    booked: dict[int, dict[str, Any]] = {}

    async def book(person: Person) -> None:
        async with few:
            answer = await _book(floor, asking, person)
        if answer and answer["code"]:
            booked[person.n] = answer

    await asyncio.gather(*(book(person) for person in floor.people.values() if person.books))
    return booked


async def _rules(floor: Floor, office: Client) -> None:
    """Every line is booked; counters of several lines have profiles, and all have their lunch planned."""
    slug, chance = floor.mall.slug, Random(f"{floor.seed} {floor.mall.day} rules")
    lines = sorted({service.line for service in floor.mall.offered})
    rules = {"slot_minutes": SLOT, "walk_in_share": 0.5, "closes_minutes": 0}
    for line in lines:
        await office.put(f"{QUEUE}/malls/{slug}/lines/{line}/booking", rules)
    for turn, counter in enumerate(floor.mall.counters):
        begin = lunch(floor, turn)
        away = [begin.time().isoformat(), (begin + dt.timedelta(minutes=LUNCH)).time().isoformat()]
        profile = {"breaks": [away], **_profile(counter, lines, chance)}
        await office.put(f"{QUEUE}/malls/{slug}/counters/{counter.id}/profile", profile)


def _profile(counter: Counter, known: list[str], chance: Random) -> dict[str, Any]:
    lines = [line for line in counter.lines if line in known]
    if len(lines) < 2:
        return {}
    late = {"thresholds": [{"line": line, "minutes": 60} for line in lines]}
    mode = chance.choice(("longest", "order", "ratio"))
    if mode == "ratio":
        return late | {"mode": mode, "ratio": {line: 2 if n == 0 else 1 for n, line in enumerate(lines)}}
    return late | ({"mode": mode, "order": lines} if mode == "order" else {})


async def _book(floor: Floor, asking: Client, person: Person) -> dict[str, Any] | None:
    """The slot that fits best; who finds it full comes without one."""
    citizen = asking.of(floor.token("citizen", str(person.n)))
    since = dt.timedelta(minutes=int(person.arrives // SLOT) * SLOT)
    body = {
        "mall": floor.mall.slug,
        "service": person.service,
        "slot": (floor.mall.opens + since).isoformat(),
        "channel": "mobile",
    }
    try:
        answer: dict[str, Any] = await citizen.post(
            f"{QUEUE}/bookings", body, floor.id_of(f"booking of {person.n}")
        )
    except Refused as refusal:
        if refusal.code not in FULL:
            raise
        return None
    return answer
