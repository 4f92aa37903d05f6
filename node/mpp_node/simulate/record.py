"""A record: what the API acknowledged to the simulation, kept in a file so that a day can go on later."""

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

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


@dataclass(slots=True)
class Record:
    """Everything told on one day. `add` keeps a fact in the file and takes it in."""

    visits: dict[str, Visit] = field(default_factory=dict)
    of_person: dict[int, Visit] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    calls: list[tuple[str, str, str]] = field(default_factory=list)  # ticket, counter, kind
    heard: list[dict[str, Any]] = field(default_factory=list)  # calls as the board told them
    repeated: int = 0  # of those heard, the ones heard before
    position: int | None = None  # up to which the board was heard
    begun: dict[str, Any] | None = None
    last: dt.datetime | None = None
    closed: bool = False
    _file: BinaryIO | None = None

    @classmethod
    def open(cls, file: Path, begin: dict[str, Any]) -> "Record":
        """The record in this file, new or gone on with. Raises AnotherDay when it began otherwise."""
        record = cls()
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = 0
        if file.exists():
            for line in file.read_bytes().splitlines(keepends=True):
                if not line.endswith(b"\n"):
                    break  # the last line of a simulation that was killed
                record._take(**orjson.loads(line))
                whole += len(line)
        record._file = file.open("ab")
        record._file.truncate(whole)
        if record.begun is None:
            record.add("begun", dt.datetime.fromisoformat(begin["at"]), **{"as_": begin})
        elif {**record.begun, "at": ""} != {**begin, "at": ""}:
            raise AnotherDay(f"this day was begun with {_told(record.begun)}, not {_told(begin)}")
        return record

    def add(self, what: str, at: dt.datetime, **facts: Any) -> None:
        """One more fact, told at this simulated moment."""
        if self._file is not None:
            self._file.write(orjson.dumps({"what": what, "at": at.isoformat(), **facts}) + b"\n")
            self._file.flush()
        self._take(what, at.isoformat(), **facts)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _take(self, what: str, at: str, **facts: Any) -> None:
        moment = dt.datetime.fromisoformat(at)
        self.last = max(moment, self.last or moment)
        match what:
            case "begun":
                self.begun = facts["as_"]
            case "issued":
                facts["issued_at"] = dt.datetime.fromisoformat(facts["issued_at"])
                visit = Visit(**facts, since=moment)
                self.visits[visit.id] = visit
                if visit.person:
                    self.of_person[visit.person] = visit
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

    def _called(self, moment: dt.datetime, ticket: str, counter: str, kind: str) -> None:
        self.calls.append((ticket, counter, kind))
        visit = self.visits[ticket]
        visit.calls += kind == "call"
        self._moved(visit, moment, "called", counter=counter)

    def _moved(self, visit: Visit, moment: dt.datetime, status: str, **facts: Any) -> None:
        visit.returns += status == "waiting"
        if visit.status in SETTLED or (visit.status == status != "waiting"):
            return  # answers of two clients may come in another order than the events
        visit.status, visit.since = status, moment
        visit.line, visit.counter = facts.get("line", visit.line), facts.get("counter")

    def _heard(self, call: dict[str, Any]) -> None:
        if self.position is not None and call["id"] <= self.position:
            self.repeated += 1
            return
        self.position = call["id"]
        self.heard.append(call)


def _told(begin: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in begin.items() if name != "at")
