"""A day: everybody who comes and everybody who works, from the opening to the verdict."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpp_node.simulate import arrivals
from mpp_node.simulate.board import Board
from mpp_node.simulate.citizens import Citizens
from mpp_node.simulate.client import Client, Refused, Tally, connections
from mpp_node.simulate.clock import Clock
from mpp_node.simulate.eve import prepare
from mpp_node.simulate.floor import QUEUE, Floor, Sign
from mpp_node.simulate.mall import Mall, NoSuchDay, load
from mpp_node.simulate.officers import Officer
from mpp_node.simulate.record import SETTLED, Record
from mpp_node.simulate.trouble import Trouble
from mpp_node.simulate.verdict import Outcome, Verdict, judge
from mpp_node.simulate.victim import Victim

BEFORE = dt.timedelta(minutes=5)  # when the lights go on
BROWSERS = 4  # machines whose connections citizens share
TOGETHER = 16  # questions asked at a time

Checks = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Setting:
    """What is played, and where; `speed`: simulated seconds per real one, None: as fast as answers come.

    records: folder that keeps what was acknowledged; verify: what `mpp verify` says of each service;
    faults: simulated minutes between two faults that `victim` suffers.
    """

    base: str
    board: str
    mall: str
    date: dt.date | None
    speed: float | None
    seed: int
    tickets: int | None
    records: Path
    sign: Sign
    verify: Callable[[], Awaitable[Checks]]
    watch: Callable[[Floor], Coroutine[Any, Any, None]]
    say: Callable[[str], None]
    faults: float | None = None
    victim: Victim | None = None


async def play(setting: Setting) -> Verdict:
    """Play the day to its end, or what is left of it. Raises NoSuchDay, AnotherDay, Refused, Unreachable."""
    tally = Tally()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(connections(setting.base))
        asking = Client(http, Clock(dt.datetime.now(dt.UTC), None), tally)
        mall = await load(asking, setting.mall, setting.date)
        floor = await _floor(setting, mall, asking, tally, stack)
        pages, struck = ({}, []) if floor.record.closed else await _play(floor, setting)
        seconds = tally.seconds
        setting.say("the day is over; verifying")
        outcome = await _outcome(floor, setting)
    surprises, people = [*floor.surprises, *tally.failed], floor.people.values()
    verdict = judge(mall.title, mall.day, floor.record, outcome, pages, surprises, people)
    verdict.struck = struck
    verdict.played = {
        "seconds": round(seconds, 1),
        "requests": tally.requests,
        "retried": tally.retried,
    }
    return verdict


async def _floor(setting: Setting, mall: Mall, asking: Client, tally: Tally, stack: AsyncExitStack) -> Floor:
    """The floor as it is before the opening, or as it was left."""
    total = setting.tickets or arrivals.volume(mall, setting.seed)
    file = setting.records / f"{mall.code}-{mall.day}-{setting.seed}.jsonl"
    if not file.exists():
        await _nobody_was_here(asking, mall)
    begin = {"mall": mall.code, "date": str(mall.day), "seed": setting.seed, "tickets": total}
    record = Record.open(file, begin, mall.opens - BEFORE)
    stack.callback(record.close)
    goes_on = ", going on" if record.visits and not record.closed else ""
    setting.say(f"{mall.title}, {mall.day}: {total} people, {len(mall.counters)} counters{goes_on}")
    setting.say(f"its board: {setting.board}/?mall={mall.slug}&date={mall.day}")
    return Floor(
        mall=mall,
        seed=setting.seed,
        base=setting.base,
        sign=setting.sign,
        clock=Clock(record.last or mall.opens - BEFORE, setting.speed),
        record=record,
        tally=tally,
        people={person.n: person for person in arrivals.plan(mall, total, setting.seed)},
        tasks=asyncio.TaskGroup(),
        open_connections=stack,
    )


async def _nobody_was_here(asking: Client, mall: Mall) -> None:
    lines = (await asking.get(f"{QUEUE}/malls/{mall.slug}/lines", date=str(mall.day)))["items"]
    if issued := sum(line["issued"] for line in lines):
        raise NoSuchDay(
            f"{mall.day} has {issued} tickets that this simulation did not take: choose another day"
        )


async def _play(floor: Floor, setting: Setting) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The day itself; what live pages told last, by ticket, and the faults that struck."""
    async with floor.tasks:
        board = Board(floor, await floor.machine())
        floor.watch(board.follow())
        await board.ready.wait()
        await _look_around(floor)
        citizens = await _citizens(floor)
        for turn, counter in enumerate(floor.mall.counters):
            client = await floor.machine("officer", counter.id, counter.agency)
            floor.actor(Officer(floor, citizens, counter, turn, client).work())
        floor.actor(_speak(floor))
        for person in floor.people.values():
            if person.n not in floor.record.refused:
                floor.actor(citizens.visit(person))
        trouble = await _trouble(floor, board, setting)
        floor.watch(setting.watch(floor))
        await floor.clock.run()
        await trouble.over()
        await _close(floor)
        await board.caught_up()
        await citizens.told()
        floor.dismiss()
    return citizens.pages, trouble.facts()


async def _speak(floor: Floor) -> None:
    """The supervisor tells those who wait of a delay, and in the end that the mall closes."""
    supervisor, mall = await floor.machine("supervisor", "who speaks"), floor.mall
    said: dict[str, Any] = {"kind": "delayed", "minutes": 15}
    for share, message in ((0.3, said), (0.95, {"kind": "closing", "closes_at": mall.closes.isoformat()})):
        moment = mall.opens + (mall.closes - mall.opens) * share
        if floor.clock.now > moment:
            continue
        await floor.clock.until(moment)
        key = floor.id_of(f"message {message['kind']}")
        await supervisor.post(f"{QUEUE}/malls/{mall.slug}/messages", message, key)


async def _trouble(floor: Floor, board: Board, setting: Setting) -> Trouble:
    """What is in store for the node on this day."""
    trouble = Trouble(floor, board, await floor.machine(), setting.say)
    if setting.victim and setting.faults:
        trouble.draw(setting.victim, setting.faults)
    return trouble


async def _citizens(floor: Floor) -> Citizens:
    kiosks = [await floor.machine("kiosk", str(n)) for n in range(3 + len(floor.mall.counters) // 20)]
    browsers = [await floor.machine() for _ in range(BROWSERS)]
    booked = await prepare(floor, browsers[0])
    return Citizens(floor, kiosks, browsers, await floor.machine(), booked)


async def _look_around(floor: Floor) -> None:
    """On a day that goes on: what was done and never acknowledged, because the simulation had ended."""
    visits = [visit for visit in floor.record.visits.values() if visit.status not in SETTLED]
    found = await _tickets(floor, (visit.id for visit in visits))
    for visit in visits:
        answer = found[visit.id]
        if answer and answer["status"] != visit.status:
            floor.moved(visit, answer)


async def _close(floor: Floor) -> None:
    """The supervisor ends the day."""
    mall, supervisor = floor.mall, await floor.machine("supervisor", "of the day")
    floor.clock.turn_to(mall.closes)
    try:
        await supervisor.post(f"{QUEUE}/malls/{mall.slug}/day/close", date=str(mall.day))
    except Refused as refusal:
        floor.surprises.append(str(refusal))
    else:
        floor.record.add("closed", floor.clock.now)


async def _outcome(floor: Floor, setting: Setting) -> Outcome:
    """What the API says of every ticket it ever spoke of, and what the node says of itself."""
    mall, asking = floor.mall, await floor.machine()
    known = {*floor.record.visits, *(call["ticket"] for call in floor.record.heard)}
    tickets = await _tickets(floor, known)
    lines = (await asking.get(f"{QUEUE}/malls/{mall.slug}/lines", date=str(mall.day)))["items"]
    return Outcome(tickets, lines, await setting.verify())


async def _tickets(floor: Floor, ids: Iterable[str]) -> dict[str, dict[str, Any] | None]:
    """The tickets as they are now, None for one that the API does not know."""
    asking, few = await floor.machine(), asyncio.Semaphore(TOGETHER)

    async def one(id_: str) -> tuple[str, dict[str, Any] | None]:
        async with few:
            try:
                return id_, await asking.get(f"{QUEUE}/tickets/{id_}")
            except Refused as refusal:
                if refusal.status != 404:
                    raise
                return id_, None

    return dict(await asyncio.gather(*map(one, ids)))
