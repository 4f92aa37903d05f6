"""A whole life of handlers and relays in virtual time, with faults at every await, from one seed."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from mpp.eventsourcing.decider import Rejected
from mpp.eventsourcing.handler import Handler, Outcome, Step
from mpp.eventsourcing.log import About, Recorded, Row, Unavailable
from mpp.messaging.message import decode
from mpp.messaging.relay import FENCED, Relay
from mpp.testing import toy
from mpp.testing.simulated import (
    Database,
    Nats,
    SimulatedJetStream,
    SimulatedLog,
    Transaction,
)
from mpp.testing.virtual import Dice, virtual_loop

HALLS = ("hall-7406", "hall-3271", "hall-1671")
CLIENTS, ORDERS = 4, 4


class Violation(AssertionError):
    """A promise was broken; the message begins with the seed."""


class Crashed(Exception):
    """The process died under the caller."""


async def project(tx: Transaction, events: Sequence[Recorded]) -> None:
    await tx.io()
    for recorded in events:
        if isinstance(recorded.event, toy.Spoilt):
            raise RuntimeError("this cannot be projected")
        tx.views[recorded.id] = recorded.event


@dataclass(frozen=True, slots=True)
class Kit:
    """What is put under test; a planted fault replaces one part of it."""

    handler: type[Handler] = Handler
    relay: type[Relay] = Relay
    jetstream: type[SimulatedJetStream] = SimulatedJetStream
    # made per process: what is projected, given that process's JetStream connection
    project: Callable[[SimulatedJetStream], Callable[..., Any]] = lambda jetstream: project


class Process:
    """One replica: a handler, a relay, and the requests it is working on."""

    def __init__(self, world: "World"):
        kit, jetstream = world.kit, world.kit.jetstream(world.nats)
        self.handle = kit.handler([toy.decider], kit.project(jetstream), batch=8)
        self.relay = kit.relay(
            "toy", SimulatedLog(world.database), jetstream, self.handle.decode, toy.announce, window=3
        )
        self.handle.start(SimulatedLog(world.database))
        self.handle.committed = self.relay.poke
        self.relaying = asyncio.create_task(self.relay.run())
        self.requests: dict[asyncio.Task[Outcome], None] = {}  # in order, for the seed's sake

    async def ask(self, steps: Sequence[Step], about: About) -> Outcome:
        request = asyncio.create_task(self.handle.all(steps, about))
        self.requests[request] = None
        try:
            await asyncio.wait([request])
        finally:
            request.cancel()  # a caller who goes away takes his request along
            self.requests.pop(request)
        if request.cancelled():
            raise Crashed
        return request.result()

    def crash(self) -> None:
        for task in (self.handle._writer, self.relaying, *self.requests):
            if task:
                task.cancel()


@dataclass
class World:
    """One schedule: what exists, what was promised to whom, and what was seen to be wrong."""

    seed: int
    kit: Kit
    lossy: bool = False  # whether a failover may lose what was acknowledged
    processes: list[Process] = field(default_factory=list)
    acknowledged: list[tuple[str, int, str]] = field(default_factory=list)  # stream, number, whom
    states: dict[UUID | None, tuple[str, int, toy.Hall]] = field(default_factory=dict)  # by last event
    wrong: list[str] = field(default_factory=list)
    lost: list[Row] = field(default_factory=list)  # by a failover
    before: list[UUID] = field(default_factory=list)  # what was announced before it
    faults: list[str] = field(default_factory=list)
    alarmed_at_end: bool = False

    def __post_init__(self) -> None:
        self.dice = Dice(self.seed)
        self.database, self.nats = Database(self.dice), Nats(self.dice)
        self.database.committed, self.dice.each = self._committed, self._caches_are_folds

    def _committed(self, rows: Sequence[Row]) -> None:
        last: dict[str, UUID] = {row.stream: row.id for row in self.database.rows[: -len(rows) or None]}
        for row in rows:
            _, _, hall = self.states.get(last.get(row.stream), ("", 0, toy.Hall()))
            hall = toy.evolve(hall, toy.decider.decode(row.type, row.data))
            self.states[row.id], last[row.stream] = (row.stream, row.version, hall), row.id

    def _caches_are_folds(self) -> None:
        for process in self.processes:
            for stream, fold in process.handle._cache.items():
                if self.states.get(fold.last) != (stream, fold.version, fold.state):
                    self.wrong.append(f"a cache holds {stream} at {fold.version}, which the log never held")

    async def live(self) -> None:
        """Clients and faults side by side; then peace, and everything must have come to rest."""
        self.processes.append(Process(self))
        clients = [asyncio.create_task(self._client(number)) for number in range(CLIENTS)]
        chaos = asyncio.create_task(self._chaos())
        await asyncio.wait([*clients, chaos])
        self.wrong += [f"a client failed: {task.exception()!r}" for task in clients if task.exception()]
        chaos.result()
        self.dice.trouble = 0.0
        for process in self.processes:
            for stream in HALLS:
                try:
                    await self._order(process, [Step(stream, toy.Give("last"))], About())
                except RuntimeError as failure:
                    self.wrong.append(f"in peace an order failed: {failure!r}")
        await self._relayed()
        self.alarmed_at_end = self.alarmed()
        self._caches_are_folds()
        for process in self.processes:
            await process.handle.stop()
            process.relaying.cancel()

    async def _client(self, number: int) -> None:
        random = self.dice.random
        for order in range(ORDERS):
            whom = f"{number}.{order}"
            streams = random.sample(HALLS, random.choice((1, 1, 1, 2)))
            command: Any = random.choice((toy.Give(whom),) * 8 + (toy.Spoil(), "nonsense", toy.Close()))
            if command == toy.Close():
                streams = ["hall-9999"]
            steps = [Step(stream, command) for stream in streams]
            if random.random() < 0.3:  # without a key one does not ask again
                await self._asked(steps, About())
                continue
            about = About(key=whom, request=hashlib.sha256(repr(steps).encode()).digest())
            while not await self._asked(steps, about):
                await self.dice.pause()
                await asyncio.sleep(0.2)
            await self.dice.pause()

    async def _asked(self, steps: Sequence[Step], about: About) -> bool:
        """Whether there was an answer; without one, one asks again with the same key."""
        patience = self.dice.random.choice((0.01, 1, 10))
        if not self.processes:
            return False
        try:
            async with asyncio.timeout(patience):
                await self._order(self.dice.random.choice(self.processes), steps, about)
        except (Unavailable, Crashed, TimeoutError):
            return False
        except Rejected as refusal:
            self.wrong.append(f"{steps} was refused: {refusal!r}")
        except (RuntimeError, TypeError):  # what spoils and what is nonsense
            if isinstance(steps[0].command, toy.Give | toy.Close):
                raise
        return True

    async def _order(self, process: Process, steps: Sequence[Step], about: About) -> None:
        outcome = await process.ask(steps, about)
        for event in outcome.events:
            if isinstance(event, toy.Given) and event.whom != getattr(steps[0].command, "whom", None):
                self.wrong.append(f"{steps} got the answer of {event.whom}")
        given = [event.number for event in outcome.events if isinstance(event, toy.Given)]
        if isinstance(steps[-1].command, toy.Give):
            if not given:
                self.wrong.append(f"{steps} got no number")
                return
            self.acknowledged.append((steps[-1].stream, given[-1], steps[-1].command.whom))

    async def _chaos(self) -> None:
        random = self.dice.random
        kinds = [self._crash, self._crash, self._second, self._no_database, self._no_nats, self._cut]
        for _ in range(random.choice((0, 2, 5, 8))):
            await asyncio.sleep(random.random() * random.choice((0.02, 1)))
            fault = random.choice([*kinds, self._fail_over] if self.lossy else kinds)
            self.faults.append(fault.__name__)
            await fault()
        if not self.processes:
            self.processes.append(Process(self))

    async def _crash(self) -> None:
        if self.processes:
            self.processes.pop(self.dice.random.randrange(len(self.processes))).crash()
        await self.dice.pause()
        self.processes.append(Process(self))

    async def _second(self) -> None:
        if len(self.processes) < 3:
            self.processes.append(Process(self))

    async def _no_database(self) -> None:
        self.database.up = False
        await asyncio.sleep(self.dice.random.random() * 3)
        self.database.up = True

    async def _no_nats(self) -> None:
        self.nats.up, self.nats.epoch = False, self.nats.epoch + 1
        await asyncio.sleep(self.dice.random.random() * 3)
        self.nats.up = True

    async def _cut(self) -> None:
        self.faults.append(self.nats.cut())

    async def _fail_over(self) -> None:
        """Only what the standby has can still be asked for."""
        if not self.lost:
            self.before = self.announced(self.database.rows)
            self.lost = self.database.lose(self.dice.random.randint(0, 3))

    def announced(self, rows: Sequence[Row]) -> list[UUID]:
        return [row.id for row in rows if row.type == toy.Given.type]

    def stored(self) -> list[UUID]:
        return [decode(message.payload).id for message in self.nats.messages()]

    def alarmed(self) -> bool:
        return bool(FENCED.labels("toy")._value.get())

    async def _relayed(self) -> None:
        """JetStream has been brought to the log's end, or the alarm is raised."""
        for _ in range(100):
            if self.stored()[-1:] == self.announced(self.database.rows)[-1:]:
                return
            await asyncio.sleep(0.3)
        if not (self.lost and self.alarmed()):
            self.wrong.append("the relay does not come to the log's end")

    def broken(self) -> list[str]:
        """Every promise that this life broke."""
        rows, wrong = self.database.rows, list(dict.fromkeys(self.wrong))
        given: dict[str, list[toy.Given]] = {}
        for stream in {row.stream for row in rows}:
            events = self.database.versions(stream)
            if [row.version for row in events] != list(range(1, len(events) + 1)):
                wrong.append(f"{stream}: versions {[row.version for row in events]}")
            told = [toy.decider.decode(row.type, row.data) for row in events]
            given[stream] = [event for event in told if isinstance(event, toy.Given)]
            numbers = [event.number for event in given[stream]]
            if numbers != list(range(1, len(numbers) + 1)):
                wrong.append(f"{stream}: numbers {numbers}")
            whom = [event.whom for event in given[stream] if event.whom != "last"]
            if len(whom) != len(set(whom)):
                wrong.append(f"{stream}: somebody has two numbers: {sorted(whom)}")
        gone = {(row.stream, toy.decider.decode(row.type, row.data)) for row in self.lost}
        for a in self.acknowledged:
            if _given(a) not in given.get(a[0], ()) and (a[0], _given(a)) not in gone:
                wrong.append(f"acknowledged and lost: {a}")
        if [row.position for row in rows] != sorted({row.position for row in rows}):
            wrong.append("positions out of order")
        if list(self.database.views) != [row.id for row in rows]:
            wrong.append("the views are not the fold of the log")
        return wrong + self._jetstream_broken()

    def _jetstream_broken(self) -> list[str]:
        now, stored = self.announced(self.database.rows), self.stored()
        if stored and stored == now[-len(stored) :]:
            return []
        if self.lost and self.alarmed_at_end:
            at = self.before.index(stored[0]) if stored and stored[0] in self.before else 0
            if self.before[at : at + len(stored)] == stored:
                return []
        places = [now.index(told) if told in now else "?" for told in stored]
        return [f"JetStream holds {places} of {len(now)} announced events"]


def _given(acknowledged: tuple[str, int, str]) -> toy.Given:
    return toy.Given(number=acknowledged[1], whom=acknowledged[2])


def simulate(seed: int, kit: Kit | None = None, *, lossy: bool = False) -> World:
    """Live one schedule; Violation names the seed and every promise that was broken."""
    FENCED.labels("toy").set(0)
    with virtual_loop() as loop, structlog.testing.capture_logs():
        world = World(seed, kit or Kit(), lossy)
        loop.run_until_complete(world.live())
    if broken := world.broken():
        raise Violation(f"seed {seed}: " + "; ".join(broken) + f"; faults: {', '.join(world.faults)}")
    return world
