"""Days in which anything is asked: sensible and senseless commands, drawn as names and numbers."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, get_args
from uuid import UUID

from hypothesis import strategies as st

from mpp.eventsourcing.decider import Event, Rejected, fold
from mpp.eventsourcing.log import Recorded
from queue_service import command as c
from queue_service import rules
from queue_service.hall import Hall
from queue_service.plan import Line, Plan

from .day import PLAN, at, planned, tid

STREAM = "hall-7406-2026-11-23"
SERVICES = ("a.1", "a.1", "a.1", "b.1", "c.1", "d.1", "none")
PRIORITIES = (None, None, None, "elderly", "disabled", "vip")
COUNTERS = ("1", "2", "3", "1", "2", "3", "4", "9")
AT_COUNTER = (c.Start, c.Complete, c.Hold, c.Miss, c.Recall)
ANYWHERE = (c.Rejoin, c.Cancel, c.Start, c.Complete, c.Hold, c.Miss, c.Recall)
WISHES = (
    *["issue"] * 8,
    *["call"] * 8,
    *["start"] * 4,
    *["complete"] * 4,
    *["miss"] * 3,
    *["rejoin"] * 4,
    *["hold"] * 2,
    *["resume"] * 3,
    *["transfer"] * 3,
    *["check-in"] * 2,
    *["visit"] * 4,
    *["add", "drop", "onward", "near", "near"],
    *["sit", "pause", "reopen", "leave", "expect", "message"],
    *["quick", "anything", "plan", "wait", "cancel", "close"],
)
# What is asked, and a number that decides whatever is left open.
wishes = st.lists(st.tuples(st.sampled_from(WISHES), st.integers(0, 5000)), min_size=20, max_size=150)


@dataclass
class AnyDay:
    """A hall, what happened in it, and the next command for a wish."""

    hall: Hall = field(default_factory=Hall)
    events: list[Event] = field(default_factory=list)
    commands: list[c.At] = field(default_factory=list)
    now: datetime = field(default_factory=lambda: at("08:00"))
    asked: int = 0

    def give(self, command: c.At) -> list[Event]:
        """What the command leads to; nothing when it is refused."""
        self.commands.append(command)
        try:
            events = rules.decide(command, self.hall)
        except Rejected:
            return []
        self.hall = fold(rules.decider, events, self.hall)
        self.events += events
        return events

    def some(self, number: int, *statuses: str) -> UUID:
        """A ticket in one of these states; when there is none, any, or nobody's."""
        fitting = [ticket.id for ticket in self.hall.tickets.values() if ticket.status in statuses]
        return sorted(fitting)[number % len(fitting)] if fitting else tid(number % (self.asked + 2) + 1)

    def command(self, wish: str, number: int) -> c.At:
        self.now += timedelta(seconds=number % 97 - 8)
        now, counter = self.now, COUNTERS[number % len(COUNTERS)]
        match wish:
            case "issue":
                self.asked += 1
                wanted = (SERVICES[number % 7], get_args(c.Channel)[number % 5], PRIORITIES[number % 6])
                return c.IssueTicket(now, tid(self.asked), *wanted)
            case "quick":
                self.asked += 1
                return c.QuickServe(now, tid(self.asked), SERVICES[number % 7], counter)
            case "call":
                return c.CallNext(now, counter)
            case "visit":
                self.asked += 1
                first, *also = (SERVICES[(number + n) % 7] for n in range(0, 2 + number % 6, 2))
                return c.IssueTicket(now, tid(self.asked), first, "kiosk", None, None, tuple(also))
            case "check-in":
                self.asked += 1
                slot = at("08:00") + timedelta(minutes=30 * (number % 5))
                service = SERVICES[number % 7]
                return c.CheckIn(now, tid(self.asked), UUID(int=1000 + number % 40), service, slot, "web")
            case "add" | "drop":
                action = c.AddService if wish == "add" else c.DropService
                return action(now, self.some(number, "waiting", "called", "serving"), SERVICES[number % 7])
            case "onward":
                return c.Complete(now, self.some(number, "serving"), SERVICES[number % 7])
            case "near":
                return c.WishNear(now, self.some(number, "waiting"), number % 5 or None)
            case "sit" | "pause" | "reopen" | "leave":
                return self._seat(wish, number, counter)
            case "expect":
                return c.ExpectBookings(now, {"B": {at("09:00"): number % 3}} if number % 4 else {})
            case "message":
                delay: dict[str, Any] = (
                    {"kind": "delayed", "minutes": 10} if number % 3 else {"kind": "closing"}
                )
                line, ticket = "ABCZ"[number % 4], self.some(number, "waiting") if number % 2 else None
                return c.Announce(
                    now, UUID(int=number), line=line if number % 5 else None, ticket=ticket, **delay
                )
            case "resume":
                return c.Resume(now, self.some(number, "held"), counter if number % 2 else None)
            case "transfer":
                to = {"line": "ABDZ"[number % 4]} if number % 3 else {"counter": counter}
                return c.Transfer(now, self.some(number, "waiting", "called", "serving", "held"), **to)
            case "plan":
                return c.ChangePlan(now, _plan(number))
            case "close":
                return c.CloseHall(now) if self.asked > 12 else c.CallNext(now, counter)
            case "wait":
                self.now += timedelta(minutes=number % 60)
                return c.OpenHall(now, PLAN)
        return self._step(wish, number)

    def _seat(self, wish: str, number: int, counter: str) -> c.OfCounter:
        match wish:
            case "sit":
                skills = None if number % 3 else ("a.1", "b.1")[: number % 2 + 1]
                return c.SitDown(self.now, counter, UUID(int=number % 5), skills)
            case "pause":
                until = self.now + timedelta(minutes=20) if number % 2 else None
                return c.PauseCounter(self.now, counter, "break", until)
            case "reopen":
                return c.ReopenCounter(self.now, counter)
        return c.LeaveCounter(self.now, counter)

    def _step(self, wish: str, number: int) -> c.OfTicket:
        known: dict[str, tuple[type[c.OfTicket], tuple[str, ...]]] = {
            "start": (c.Start, ("called",)),
            "complete": (c.Complete, ("serving",)),
            "miss": (c.Miss, ("called",)),
            "rejoin": (c.Rejoin, ("missed",)),
            "hold": (c.Hold, ("called", "serving")),
            "cancel": (c.Cancel, ("waiting",)),
            "anything": (ANYWHERE[number % len(ANYWHERE)], ()),
        }
        action, statuses = known[wish]
        return action(self.now, self.some(number, *statuses))


def _plan(number: int) -> Plan:
    room = None if number % 3 else number % 9
    line = Line(letter="A", title="A", capacity=room, quotas={"kiosk": number % 4} if number % 2 else {})
    return planned(lines={**PLAN.lines, "A": line})


def recorded(events: Iterable[Event]) -> list[Recorded]:
    """The events as one stream of a log."""
    moment = at("08:00")
    return [Recorded(n, UUID(int=n), STREAM, n, event, moment) for n, event in enumerate(events, 1)]
