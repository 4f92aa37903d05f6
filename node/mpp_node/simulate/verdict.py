"""The verdict on a day: what was acknowledged, against what the API says in the end."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mpp_node.simulate.arrivals import Person
from mpp_node.simulate.record import Record, Visit

FINAL = ("completed", "missed", "cancelled", "lapsed")
NUMBER = re.compile(r"([A-Z]+)([0-9]+)")
Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the API says after the day: each ticket known (None: 404), the lines, `mpp verify`."""

    tickets: Mapping[str, Answer | None]
    lines: Sequence[Answer]
    checks: Mapping[str, Sequence[Answer]]


@dataclass(slots=True)
class Verdict:
    """Counts of tickets; waits in simulated minutes, from the issue to the first call on the board."""

    mall: str
    date: str
    issued: int
    turned_away: int
    served: int
    missed: int
    cancelled: int
    lapsed: int
    mean_wait: float
    p90_wait: float
    longest_wait: float
    within_p90: float | None  # share of waits within the p90 promised at the issue: shown, not judged
    calls: int
    gaps: list[str]  # numbers that no ticket has
    duplicates: list[str]  # numbers or tickets that two people have
    called_twice: list[str]  # more calls than waits
    unsettled: list[str]  # not in exactly one final state
    lost: list[str]  # acknowledged, and not so in the end
    astray: list[str]  # people who ended otherwise than they were planned to
    board_missed: int
    board_repeated: int
    board_untold: int  # calls on the board that no officer was told
    pages_followed: int
    pages_wrong: int  # live pages whose last word was not the ticket's end
    surprises: list[str]  # answers that nobody expects on such a day
    checks: dict[str, list[dict[str, Any]]]
    played: dict[str, float] = field(default_factory=dict)
    struck: list[dict[str, Any]] = field(default_factory=list)  # faults that the node suffered

    def faults(self) -> Iterator[str]:
        """What makes the day unclean, a sentence each."""
        for what in ("gaps", "duplicates", "called_twice", "unsettled", "lost", "astray", "surprises"):
            if found := getattr(self, what):
                yield f"{what.replace('_', ' ')}: {len(found)} ({'; '.join(found[:3])})"
        for what in ("board_missed", "board_repeated", "board_untold", "pages_wrong"):
            if count := getattr(self, what):
                yield f"{what.replace('_', ' ')}: {count}"
        if not self.checks:
            yield "not verified"
        for service, checks in self.checks.items():
            for check in checks:
                if not check["holds"]:
                    yield f"verify {service}: {check['check']}: {'; '.join(check['violations'][:3])}"

    @property
    def clean(self) -> bool:
        return not [*self.faults()]


def judge(
    mall: str,
    date: dt.date,
    record: Record,
    outcome: Outcome,
    pages: Mapping[str, str],
    surprises: Sequence[str] = (),
    people: Iterable[Person] = (),
) -> Verdict:
    """Hold what was told during the day, and the people who were sent, against the outcome."""
    tickets = {id_: answer for id_, answer in outcome.tickets.items() if answer}
    states = Counter(answer["status"] for answer in tickets.values())
    waits = first_waits(record, tickets)
    promised = [(wait, v.p90) for id_, wait in waits.items() if (v := record.visits.get(id_)) and v.p90]
    sorted_waits = sorted(waits.values())
    return Verdict(
        mall=mall,
        date=date.isoformat(),
        issued=len(tickets),
        turned_away=len(record.refused),
        served=states["completed"],
        missed=states["missed"],
        cancelled=states["cancelled"],
        lapsed=states["lapsed"],
        mean_wait=round(sum(sorted_waits) / len(sorted_waits), 1) if sorted_waits else 0.0,
        p90_wait=round(sorted_waits[int(0.9 * (len(sorted_waits) - 1))], 1) if sorted_waits else 0.0,
        longest_wait=round(sorted_waits[-1], 1) if sorted_waits else 0.0,
        within_p90=round(sum(w <= p for w, p in promised) / len(promised), 3) if promised else None,
        calls=len(record.calls),
        gaps=[*_gaps(tickets, outcome.lines)],
        duplicates=[*_duplicates(record, tickets)],
        called_twice=[*_called_twice(record)],
        unsettled=[a["number"] for a in tickets.values() if a["status"] not in FINAL],
        lost=[*_lost(record, tickets)],
        astray=[*_astray(record, tickets, people)],
        board_missed=record.unheard().total(),
        board_repeated=record.repeated,
        board_untold=0 if record.interrupted else record.untold().total(),
        pages_followed=len(pages),
        pages_wrong=sum(tickets.get(id_, {}).get("status") != last for id_, last in pages.items()),
        surprises=[*surprises],
        checks={service: [dict(check) for check in checks] for service, checks in outcome.checks.items()},
    )


def first_waits(record: Record, tickets: Mapping[str, Answer]) -> dict[str, float]:
    """Minutes from the issue to the first call that the board told, by ticket."""
    waits: dict[str, float] = {}
    for call in sorted(record.heard, key=lambda call: int(call["id"])):
        if call["kind"] == "call" and call["ticket"] in tickets and call["ticket"] not in waits:
            issued = dt.datetime.fromisoformat(tickets[call["ticket"]]["issued_at"])
            waits[call["ticket"]] = (dt.datetime.fromisoformat(call["at"]) - issued).total_seconds() / 60
    return waits


def _gaps(tickets: Mapping[str, Answer], lines: Sequence[Answer]) -> Iterator[str]:
    """Each line counts 1, 2, 3 … up to what it says it issued."""
    known = [_parts(answer["number"]) for answer in tickets.values()]
    issued = Counter({line["line"]: int(line["issued"]) for line in lines})
    for letter in {*issued, *(letter for letter, _ in known)}:
        numbers = {seq for letter_, seq in known if letter_ == letter}
        yield from (
            f"{letter}{n:03d}" for n in range(1, max([issued[letter], *numbers]) + 1) if n not in numbers
        )
        yield from (f"{letter}{n:03d} beyond its line's count" for n in numbers if n > issued[letter])


def _parts(number: str) -> tuple[str, int]:
    found = NUMBER.fullmatch(number)
    return (found[1], int(found[2])) if found else (number, 0)


def _duplicates(record: Record, tickets: Mapping[str, Answer]) -> Iterator[str]:
    numbers = Counter(answer["number"] for answer in tickets.values())
    yield from (f"{number} on {n} tickets" for number, n in numbers.items() if n > 1)
    holders = Counter(visit.number for visit in record.of_person.values())
    yield from (f"{number} given to {n} people" for number, n in holders.items() if n > 1)


def _called_twice(record: Record) -> Iterator[str]:
    """Everybody is called at most once in each wait, as acknowledged and as told by the board."""
    told = Counter(call["ticket"] for call in record.heard if call["kind"] == "call")
    for visit in record.visits.values():
        if max(visit.calls, told[visit.id]) > 1 + visit.returns + visit.done:
            yield visit.number


def _lost(record: Record, tickets: Mapping[str, Answer]) -> Iterator[str]:
    """Tickets, numbers and ends that were acknowledged and are not so any more."""
    for visit in record.visits.values():
        answer = tickets.get(visit.id)
        if answer is None:
            yield f"{visit.number} is unknown"
        elif answer["number"] != visit.number:
            yield f"{visit.number} became {answer['number']}"
        elif visit.status in FINAL and answer["status"] != visit.status:
            yield f"{visit.number} was {visit.status} and is {answer['status']}"


def _astray(record: Record, tickets: Mapping[str, Answer], people: Iterable[Person]) -> Iterator[str]:
    """Everybody has a number or was turned away, and those who stay and hear their call are served."""
    for person in people:
        visit = record.of_person.get(person.n)
        if visit is None:
            if person.n not in record.refused:
                yield f"person {person.n} has no number"
        elif (answer := tickets.get(visit.id)) and answer["status"] not in _ends(person, visit):
            yield f"{visit.number} is {answer['status']}"


def _ends(person: Person, visit: Visit) -> set[str]:
    """How this visit may end; the officer takes a holder who does not know the number yet for a stranger."""
    ends = {"completed"} if person.hears < 3 else {"missed"}
    ends |= {"completed"} if person.comes_back or visit.surprised else set()
    return ends | ({"cancelled"} if person.gives_up else set())
