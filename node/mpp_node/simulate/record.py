"""A record: what the API acknowledged to the simulation, kept in a file so that a day can go on later."""

import datetime as dt
import fcntl
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

Call = tuple[str, str, str]  # ticket, counter, kind
SETTLED = ("completed", "cancelled")  # no later answer changes these; a missed ticket may come back


class AnotherDay(RuntimeError):
    """The record in the file is of a day that was begun differently."""


@dataclass(slots=True)
class Visit:
    """One ticket as its answers told it; `p90`: minutes promised when it was issued."""

    id: str
    person: int
    secret: str
    number: str
    line: str
    service: str
    issued_at: dt.datetime
    p90: float | None
    status: str = "waiting"
    counter: str | None = None
    since: dt.datetime = dt.datetime.min
    calls: int = 0
    returns: int = 0  # to a line, by coming back or by transfer
    done: int = 0  # services of a visit that has several
    lines: list[str] = field(default_factory=list)  # in which it waits, when they are several
    surprised: bool = False  # its holder, by the call: the answer with the number was still under way


@dataclass(slots=True)
class Record:
    """Everything told on one day. `add` keeps a fact in the file and takes it in."""

    visits: dict[str, Visit] = field(default_factory=dict)
    of_person: dict[int, Visit] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)  # calls as the board told them
    repeated: int = 0  # of those heard, the ones heard before
    position: int | None = None  # up to which the board was heard
    begun: dict[str, Any] | None = None
    last: dt.datetime | None = None
    closed: bool = False
    interrupted: bool = False  # and gone on with: what was told last may not be known
    _file: BinaryIO | None = None

    @classmethod
    def open(cls, file: Path, begin: dict[str, Any], at: dt.datetime) -> "Record":
        """The record in this file, new or gone on with. Raises AnotherDay when it began otherwise."""
        record = cls()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        record._file = file.open("ab+")
        try:
            fcntl.flock(record._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AnotherDay("another process plays this day now") from None
        record._file.seek(0)
        record._file.truncate(record._read(record._file.readlines()))
        if record.begun is None:
            record.add("begun", at, day=begin)
        elif record.begun != begin:
            raise AnotherDay(f"this day was begun with {_told(record.begun)}, not {_told(begin)}")
        else:
            record.interrupted = True
        return record

    def add(self, what: str, at: dt.datetime, **facts: Any) -> None:
        """One more fact, told at this simulated moment."""
        if self._file is not None:
            self._file.write(orjson.dumps({"what": what, "at": at.isoformat(), **facts}) + b"\n")
            self._file.flush()
        self._take(what, at.isoformat(), **facts)

    def unheard(self, calls: int | None = None) -> Counter[Call]:
        """Acknowledged calls that no board told; of the first so many, or of all."""
        return Counter(self.calls[:calls]) - self._on_boards()

    def untold(self) -> Counter[Call]:
        """Calls that a board told, and nobody was told who called."""
        return self._on_boards() - Counter(self.calls)

    def _on_boards(self) -> Counter[Call]:
        return Counter((h["ticket"], h["counter"], h["kind"]) for h in self.heard)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _read(self, lines: list[bytes]) -> int:
        """Takes in whole lines only, and returns their length: a killed simulation may leave half a line."""
        whole = 0
        for line in lines:
            if line.endswith(b"\n"):
                self._take(**orjson.loads(line))
                whole += len(line)
        return whole

    def _take(self, what: str, at: str, **facts: Any) -> None:
        moment = dt.datetime.fromisoformat(at)
        self.last = max(moment, self.last or moment)
        match what:
            case "begun":
                self.begun = facts["day"]
            case "issued":
                self._issued(moment, **facts)
            case "refused":
                self.refused[facts["person"]] = facts["why"]
            case "called":
                self._called(moment, **facts)
            case "moved":
                self._moved(self.visits[facts.pop("ticket")], moment, **facts)
            case "heard":
                self._heard(facts["call"])
            case "board":
                self.position = facts["position"]
            case "closed":
                self.closed = True

    def _issued(self, moment: dt.datetime, **facts: Any) -> None:
        facts["issued_at"] = dt.datetime.fromisoformat(facts["issued_at"])
        if known := self.visits.get(facts["id"]):  # an officer was told of it before its holder
            known.person, known.secret, known.p90 = facts["person"], facts["secret"], facts["p90"]
            known.surprised = True
        visit = self.visits.setdefault(facts["id"], known or Visit(**facts, since=moment))
        if visit.person:
            self.of_person[visit.person] = visit

    def _called(self, moment: dt.datetime, ticket: str, counter: str, kind: str) -> None:
        self.calls.append((ticket, counter, kind))
        visit = self.visits[ticket]
        visit.calls += kind == "call"
        self._moved(visit, moment, "called", counter=counter)

    def _moved(self, visit: Visit, moment: dt.datetime, status: str, **facts: Any) -> None:
        further = max(0, facts.get("done", 0) - visit.done)
        visit.done += further  # a repeated answer shows what is now: it may be called again already
        visit.returns += status == "waiting" and not further
        if visit.status in SETTLED or (visit.status == status and status not in ("waiting", "serving")):
            return  # answers of two clients may come in another order than the events
        visit.status, visit.since = status, moment
        visit.line, visit.counter = facts.get("line", visit.line), facts.get("counter")
        visit.service, visit.lines = facts.get("service", visit.service), facts.get("lines", visit.lines)

    def _heard(self, call: dict[str, Any]) -> None:
        if self.position is not None and call["id"] <= self.position:
            self.repeated += 1
            return
        self.position = call["id"]
        self.heard.append(call)


def _told(begin: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in begin.items())
