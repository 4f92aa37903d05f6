"""A day at a small mall, for stories: Monday 23 November 2026 in Bombana, four lines and four counters."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from mpp.eventsourcing.decider import Event, fold
from mpp.testing.scenario import Scenario
from queue_service import command as c
from queue_service import hall as h
from queue_service import rules
from queue_service.hall import Hall
from queue_service.plan import Counter, Hours, Line, Plan, Service
from queue_service.ticket import Ticket

ZONE = ZoneInfo("Asia/Makassar")
MONDAY = date(2026, 11, 23)


def at(clock: str) -> datetime:
    """This time of the Monday: `at("08:00")`."""
    return datetime.combine(MONDAY, time.fromisoformat(clock), ZONE)


def tid(number: int) -> UUID:
    """The id of the ticket that a story calls by this number."""
    return UUID(int=number)


PLAN = Plan(
    mall="7406",
    date=MONDAY,
    timezone="Asia/Makassar",
    hours=Hours(opens=time(7, 30), closes=time(16), last_ticket=time(15, 30)),
    lines={
        "A": Line(letter="A", title="Kependudukan"),
        "B": Line(letter="B", title="Samsat", capacity=2, quotas={"web": 1}),
        "C": Line(letter="C", title="Pajak", closed="flood"),
        "D": Line(letter="D", title="Imigrasi"),
    },
    services={
        code: Service(code=code, line=code[0].upper(), minutes=8) for code in ("a.1", "b.1", "c.1", "d.1")
    },
    counters={
        "1": Counter(id="1", title="Loket 1", agency="dukcapil", lines=("A",)),
        "2": Counter(id="2", title="Loket 2", agency="dukcapil", lines=("A", "B")),
        "3": Counter(id="3", title="Loket 3", agency="samsat", lines=("B",)),
        "4": Counter(id="4", title="Loket 4", agency="samsat", lines=()),
    },
)


def planned(**changes: Any) -> Plan:
    """The plan with some fields changed."""
    return Plan(**{name: getattr(PLAN, name) for name in Plan.model_fields} | changes)


def order(clock: str, issued: int = 0) -> int:
    """Where somebody stands who comes at this time, after so many others of the hall."""
    return (int((at(clock) - at("00:00")).total_seconds()) << 46) + (issued << 26)


def opened(plan: Plan = PLAN, clock: str = "07:00") -> list[Event]:
    return [h.HallOpened(plan=plan, at=at(clock))]


def after(*commands: c.At, plan: Plan = PLAN) -> Scenario[Hall]:
    """A story that begins when these commands were accepted."""
    hall, events = Hall(), [*opened(plan)]
    hall = fold(rules.decider, events)
    for command in commands:
        hall = fold(rules.decider, rules.decide(command, hall), hall)
    return Scenario(rules.decider, hall)


def issue(
    number: int,
    clock: str = "08:00",
    service: str = "a.1",
    channel: c.Channel = "kiosk",
    priority: str | None = None,
) -> c.IssueTicket:
    return c.IssueTicket(at(clock), tid(number), service, channel, priority)


def issues(*numbers: int, service: str = "a.1", priority: str | None = None) -> list[c.IssueTicket]:
    return [issue(number, service=service, priority=priority) for number in numbers]


def call(counter: str = "1", clock: str = "08:30") -> c.CallNext:
    return c.CallNext(at(clock), counter)


def on(action: type[c.OfTicket], number: int, clock: str = "08:30", **to: str) -> c.OfTicket:
    """`on(c.Start, 1, "08:31")`."""
    return action(at(clock), tid(number), **to)


def served(number: int, counter: str = "1", begin: str = "08:30", end: str = "08:40") -> list[c.At]:
    """Called, started and completed; the ticket must be the counter's next."""
    return [call(counter, begin), on(c.Start, number, begin), on(c.Complete, number, end)]


def missed(number: int, counter: str = "1", clock: str = "08:30") -> list[c.At]:
    return [call(counter, clock), on(c.Miss, number, clock)]


def ticket(hall: Hall, number: int) -> Ticket:
    return hall.ticket(tid(number))


def waiting(hall: Hall, line: str = "A") -> list[int]:
    """The tickets of a line in the order in which they will be called; a counter's own list is `@1`."""
    return [place.ticket.int for place in hall.line(line)]


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
