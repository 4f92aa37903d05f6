"""The comparison: what clients, boards and the consumer were told, against the log."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import asyncpg

from mpp.messaging.jetstream import JetStream
from mpp.messaging.message import Message, decode
from mpp_node.bench.listener import SCHEMA
from mpp_node.bench.world import until
from mpp_servers.server import DidNotStart

from .crowd import Crowd
from .ledger import Entry
from .stand import Stand

# Each with the key under which it was asked for: a command is remembered with the version it led to.
_FACTS = """select e.position, e.stream, e.type, e.data ->> 'ticket' as ticket,
        e.data ->> 'number' as number, c.key, e.data ->> 'counter' as counter
    from events e left join commands c on c.stream = e.stream and c.version = e.version and c.events > 0
    where e.stream like 'hall-%' order by e.position"""
_HEARD = (
    f"select substr(stream, 7) as mall, data ->> 'ticket' as ticket from {SCHEMA}.events order by position"
)
ARRIVES = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Fact:
    """An event of a hall, with the key of the command that led to it (its SHA-256), if one did."""

    position: int
    stream: str
    type: str
    ticket: str | None
    number: str | None
    key: bytes | None
    counter: str | None = None


@dataclass
class Findings:
    """Sentences about what is not as it was promised, and how much was looked at."""

    acknowledged: int = 0
    unacknowledged: int = 0  # in the log under a key of ours, whose client never heard of it
    calls: int = 0
    acts: int = 0  # what officers did with those they called
    gone: list[Entry] = field(default_factory=list)  # answers to clients that are not in the log
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)

    def told(self) -> str:
        kinds = {"lost": self.lost, "doubled": self.doubled, "wrong": self.wrong}
        return "; ".join(f"{name} {len(said)}: {said[:5]}" for name, said in kinds.items() if said)


def known_as(key: str) -> bytes:
    return sha256(key.encode()).digest()


async def arrived(stand: Stand, crowd: Crowd, seconds: float = ARRIVES) -> str:
    """Until the listener, the boards and JetStream have the whole log; what is wrong when they do not."""
    try:
        await _everything(stand, crowd, seconds)
    except DidNotStart as late:
        return str(late)
    return ""


async def _everything(stand: Stand, crowd: Crowd, seconds: float) -> None:
    async with stand.database() as connection, operator(stand) as jetstream:
        head = await connection.fetchval("select max(position) from events where stream like 'hall-%'")

        async def everywhere() -> bool:
            heard = await connection.fetchval(f"select position from {SCHEMA}.inbox where source = 'queue'")
            stored = await _last(jetstream)
            return bool(heard == head and stored and stored.position == head)

        await until(everywhere, "the listener and JetStream", seconds)
        calls = await _called(connection, stand)

        def shown() -> bool:
            return all(
                not (last := calls[board.split()[0]][-1:]) or last[0] in seen
                for board, seen in _shown(crowd).items()
            )

        await until(shown, "the boards", seconds)


async def compare(stand: Stand, crowd: Crowd, *, whole: bool = True) -> Findings:
    """Everything, once all has arrived. `whole`: JetStream reaches back to the beginning."""
    found = Findings()
    async with stand.database() as connection:
        facts = [Fact(*row) for row in await connection.fetch(_FACTS)]
        heard = [(row["mall"], row["ticket"]) for row in await connection.fetch(_HEARD)]
    issued = [fact for fact in facts if fact.type == "ticket-issued"]
    called = [fact for fact in facts if fact.type == "ticket-called"]
    acted = [fact for fact in facts if fact.type in ACTS.values()]
    found.wrong += [
        f"{failed['act']} was answered 500" for failed in crowd.failures() if failed["status"] == 500
    ]
    compare_tickets(found, crowd.kiosks.ledger.entries(), issued)
    compare_calls(found, crowd.officers.ledger.entries(), called)
    compare_acts(found, crowd.officers.ledger.entries(), acted)
    _listener(found, issued, heard, stand)
    _boards(found, crowd, facts, stand)
    await _jetstream(found, facts, stand, whole)
    return found


def compare_tickets(found: Findings, ledger: Sequence[Entry], issued: Sequence[Fact]) -> None:
    """Every answer is in the log once and as it was told; nothing is there that nobody asked for."""
    asked = {known_as(entry["key"]) for entry in ledger if entry["what"] == "asked"}
    told = [entry for entry in ledger if entry["what"] == "told"]
    refused = Counter(f"{entry['status']} {entry['code']}" for entry in told if entry["status"] != 201)
    found.wrong += [f"{many} tickets refused: {why}" for why, many in refused.items()]
    answers = {known_as(entry["key"]): entry for entry in told if entry["status"] == 201}
    found.acknowledged = len(answers)
    _once(found, answers, issued, "ticket")
    found.unacknowledged = sum(fact.key in asked and fact.key not in answers for fact in issued)
    found.wrong += [f"nobody asked for {_name(fact)}" for fact in issued if fact.key not in asked]
    numbers = Counter((fact.stream, fact.number) for fact in issued)
    tickets = Counter(fact.ticket for fact in issued)
    found.doubled += [
        f"{many} times {what}" for what, many in [*numbers.items(), *tickets.items()] if many > 1
    ]
    acknowledged = Counter((entry["mall"], entry["number"]) for entry in answers.values())
    found.doubled += [f"told to {many}: {what}" for what, many in acknowledged.items() if many > 1]


def compare_calls(found: Findings, ledger: Sequence[Entry], called: Sequence[Fact]) -> None:
    """Every call told to an officer is in the log; nobody is called twice."""
    asked = {known_as(entry["key"]) for entry in ledger if entry["what"] == "asked"}
    told = [entry for entry in ledger if entry["what"] == "told"]
    refused = Counter(
        f"{entry['act']}: {entry['status']} {entry['code']}" for entry in told if "code" in entry
    )
    found.wrong += [f"{many} refused, {why}" for why, many in refused.items()]
    calls = {known_as(e["key"]): e for e in told if e["act"] == "call-next" and e["status"] == 200}
    found.calls = len(calls)
    _once(found, calls, called, "call")
    found.wrong += [f"nobody called {_name(fact)}" for fact in called if fact.key not in asked]
    people = Counter(fact.ticket for fact in called)  # nobody rejoins here
    found.doubled += [f"{ticket} called {many} times" for ticket, many in people.items() if many > 1]


ACTS = {
    "recall": "ticket-recalled",
    "start": "ticket-started",
    "complete": "ticket-completed",
    "miss": "ticket-missed",
}


def compare_acts(found: Findings, ledger: Sequence[Entry], acted: Sequence[Fact]) -> None:
    """Whatever an officer was told to have done with somebody is in the log, as what it was."""
    for act, kind in ACTS.items():
        done = {known_as(e["key"]): e for e in ledger if e["what"] == "told" and e["act"] == act}
        done = {key: entry for key, entry in done.items() if entry["status"] == 200}
        found.acts += len(done)
        _once(found, done, [fact for fact in acted if fact.type == kind], act)


def _once(found: Findings, answers: dict[bytes, Entry], facts: Sequence[Fact], what: str) -> None:
    """Each answer has one fact under its key, with the same ticket, number, and counter if one was told."""
    under: dict[bytes | None, list[Fact]] = defaultdict(list)
    for fact in facts:
        under[fact.key].append(fact)
    for key, answer in answers.items():
        there = under.get(key, [])
        if len(there) > 1:
            found.doubled.append(f"one key, {len(there)} facts: {what} {answer['number']}")
        at = answer.get("counter")
        if not any(
            (answer["ticket"], answer["number"], at or f.counter) == (f.ticket, f.number, f.counter)
            for f in there
        ):
            found.lost.append(f"{what} {answer['number']} of {answer['mall']}")
            found.gone.append(answer)


def _listener(
    found: Findings, issued: Sequence[Fact], heard: Sequence[tuple[str, str]], stand: Stand
) -> None:
    """It has committed each ticket once, in the order of the log, mall by mall."""
    for mall, hall in stand.halls().items():
        wanted = [fact.ticket for fact in issued if fact.stream == hall]
        compare_order(
            found, wanted, [ticket for where, ticket in heard if where == mall], f"listener, {mall}"
        )


def _boards(found: Findings, crowd: Crowd, facts: Sequence[Fact], stand: Stand) -> None:
    """Each board was shown each call since it opened once, in the order of the log."""
    shown, halls = _shown(crowd), stand.halls()
    opened = {entry["board"]: entry["position"] for entry in crowd.boards.ledger.entries("opened")}
    for board, since in opened.items():
        calls = [f.position for f in facts if f.stream == halls[board.split()[0]] and f.type in CALLS]
        compare_order(
            found, [position for position in calls if position > since], shown[board], f"board {board}"
        )


async def _jetstream(found: Findings, facts: Sequence[Fact], stand: Stand, whole: bool) -> None:
    """From its first message on it holds what the log has, in order."""
    async with operator(stand) as jetstream:
        sequence, there = (await jetstream.bounds("queue"))[0], list[int]()
        while stored := await jetstream.get("queue", sequence):
            sequence = stored.sequence + 1
            there.append(decode(stored.payload).position)
    wanted = [fact.position for fact in facts if whole or fact.position >= there[0]]
    compare_order(found, wanted, there, "JetStream")


CALLS = ("ticket-called", "ticket-recalled")


def compare_order(found: Findings, wanted: Sequence[Any], there: Sequence[Any], whose: str) -> None:
    """The same, in the same order."""
    missing, many = {*wanted} - {*there}, Counter(there)
    found.lost += [f"{whose}: {one} never came" for one in sorted(missing)]
    found.doubled += [f"{whose}: {one} came {n} times" for one, n in many.items() if n > 1]
    found.wrong += [f"{whose}: {one} is not in the log" for one in sorted({*there} - {*wanted})]
    if not missing and len(there) == len(wanted) and list(there) != list(wanted):
        found.wrong.append(f"{whose}: not in order")


def _name(fact: Fact) -> str:
    return f"{fact.number} at position {fact.position}"


def _shown(crowd: Crowd) -> dict[str, list[int]]:
    boards: dict[str, list[int]] = {entry["board"]: [] for entry in crowd.boards.ledger.entries("opened")}
    for entry in crowd.boards.ledger.entries("shown"):
        boards[entry["board"]].append(entry["position"])
    return boards


@asynccontextmanager
async def operator(stand: Stand) -> AsyncIterator[JetStream]:
    """JetStream as its operator reads it."""
    jetstream = JetStream(stand.nats.url_of("operator"), "operator")
    await jetstream.connect()
    try:
        yield jetstream
    finally:
        await jetstream.close()


async def _last(jetstream: JetStream) -> Message | None:
    first, last = await jetstream.bounds("queue")
    stored = await jetstream.get("queue", last) if first <= last else None
    return decode(stored.payload) if stored else None


async def _called(connection: asyncpg.Connection, stand: Stand) -> dict[str, list[int]]:
    sql = "select position from events where stream = $1 and type = any($2) order by position"
    return {
        mall: [row["position"] for row in await connection.fetch(sql, hall, CALLS)]
        for mall, hall in stand.halls().items()
    }
