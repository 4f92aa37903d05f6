"""One simulated day: SimPy moves the time, the queue's own rules decide, every estimate is noted."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import simpy

from mpp.eventsourcing.decider import Event
from mpp_node.bench.estimates.classics import Classics
from mpp_node.bench.estimates.scenarios import Scenario
from queue_service import command as c
from queue_service import rules
from queue_service.estimate import estimate
from queue_service.hall import Hall, evolve
from queue_service.plan import Counter, Hours, Line, Plan, Profile, Service
from queue_service.ticket import TicketCalled, TicketIssued

DAY, ZONE = date(2026, 11, 23), ZoneInfo("Asia/Makassar")
MIDNIGHT = datetime.combine(DAY, time(0), ZONE)


@dataclass(slots=True)
class Told:
    """What somebody was told when the ticket was issued, and how long it took; minutes."""

    p50: float
    p90: float
    classics: dict[str, float]
    waited: float = -1.0


def plan_of(scenario: Scenario) -> Plan:
    """What the platform is told of this mall."""
    letters = sorted({service.line for service in scenario.services})
    opens, last = _clock(scenario.opens), _clock(scenario.last_ticket)
    return Plan(
        mall="7406",
        date=DAY,
        timezone=ZONE.key,
        hours=Hours(opens=opens, closes=last, last_ticket=last),
        lines={letter: Line(letter=letter, title=letter) for letter in letters},
        services={s.code: Service(code=s.code, line=s.line, minutes=s.standard) for s in scenario.services},
        counters={id_: Counter(id=id_, title=id_, lines=lines) for id_, lines in scenario.counters.items()},
        profiles={
            id_: Profile(breaks=((_clock(begin), _clock(end)),))
            for id_, (begin, end) in scenario.breaks.items()
        },
    )


def _clock(minute: float) -> time:
    return time(int(minute) // 60, int(minute) % 60)


class Day:
    """The same seed gives the same arrivals, services and absences."""

    def __init__(self, scenario: Scenario, seed: int):
        self.scenario, self.chance = scenario, Random(seed)
        self.env = simpy.Environment(initial_time=scenario.opens)
        self.hall, self.plan = Hall(), plan_of(scenario)
        self.news = self.env.event()  # somebody came
        self.told: dict[UUID, Told] = {}
        self.classics = Classics(scenario)
        self.open = True

    def play(self) -> list[Told]:
        """Until everybody was called; what was told to those who are scored."""
        self.give(c.OpenHall(self.now, self.plan))
        for counter in self.scenario.counters:
            self.give(c.SitDown(self.now, counter, UUID(int=1)))
            self.env.process(self._counter(counter))
        self.env.process(self._arrivals())
        self.env.run()
        scored = self.plan.moment(_clock(self.scenario.scored_from))
        kept = (told for id_, told in self.told.items() if self.hall.ticket(id_).issued_at >= scored)
        return [told for told in kept if told.waited >= 0]

    @property
    def now(self) -> datetime:
        return MIDNIGHT + timedelta(minutes=self.env.now)

    def give(self, command: c.At) -> list[Event]:
        events = rules.decide(command, self.hall)
        for event in events:
            self.hall = evolve(self.hall, event)
        return events

    def _arrivals(self) -> Generator[simpy.Event, Any, None]:
        """A Poisson process whose rate changes: thinned from the highest."""
        scenario, chance = self.scenario, self.chance
        weights = [service.share for service in scenario.services]
        number = 0
        while True:
            yield self.env.timeout(chance.expovariate(scenario.peak))
            if self.env.now >= scenario.last_ticket:
                break
            if chance.random() * scenario.peak > scenario.rate(self.env.now):
                continue
            number += 1
            service = chance.choices(scenario.services, weights)[0]
            priority = "elderly" if chance.random() < scenario.preferred else None
            self._come(UUID(int=number), service.code, priority)
        self.open = False
        self._wake()

    def _come(self, id_: UUID, service: str, priority: str | None) -> None:
        (issued,) = self.give(c.IssueTicket(self.now, id_, service, "kiosk", priority))
        assert isinstance(issued, TicketIssued)  # noqa: S101
        one = estimate(self.hall, self.hall.ticket(id_), self.now)
        guesses = self.classics.guess(self.hall, issued.line, self.env.now)
        if one.p50_minutes is not None and one.p90_minutes is not None:
            self.told[id_] = Told(one.p50_minutes, one.p90_minutes, guesses)
        self._wake()

    def _wake(self) -> None:
        """Idle counters look again."""
        news, self.news = self.news, self.env.event()
        news.succeed()

    def _counter(self, counter: str) -> Generator[simpy.Event, Any, None]:
        services = {service.code: service for service in self.scenario.services}
        pause = self.scenario.breaks.get(counter)
        while True:
            if pause and self.env.now >= pause[0]:
                yield from self._away(counter, pause[1])
                pause = None
            called = [e for e in self.give(c.CallNext(self.now, counter)) if isinstance(e, TicketCalled)]
            if not called:
                if not self.open:
                    return
                waits = [self.news]
                if pause:
                    waits.append(self.env.timeout(max(0.0, pause[0] - self.env.now)))
                yield simpy.AnyOf(self.env, waits)
                continue
            id_ = called[0].ticket
            ticket = self.hall.ticket(id_)
            waited = (self.now - ticket.issued_at).total_seconds() / 60
            self.told[id_].waited = waited
            self.classics.called(ticket.line, waited)
            if self.chance.random() < self.scenario.absent:
                yield self.env.timeout(self.scenario.patience)
                self.give(c.Miss(self.now, id_))
                continue
            self.give(c.Start(self.now, id_))
            minutes = services[ticket.service].draw(self.chance)
            yield self.env.timeout(minutes)
            self.give(c.Complete(self.now, id_))
            self.classics.served(ticket.line, minutes)

    def _away(self, counter: str, until: float) -> Generator[simpy.Event, Any, None]:
        back = MIDNIGHT + timedelta(minutes=until)
        if back > self.now:
            self.give(c.PauseCounter(self.now, counter, "break", back))
            yield self.env.timeout(until - self.env.now)
            self.give(c.ReopenCounter(self.now, counter))
