"""Whatever is asked of a hall in whatever order: its promises hold."""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mpp.eventsourcing.decider import Event, Rejected, fold
from mpp.eventsourcing.log import Recorded
from queue_service import hall as h
from queue_service import promises
from queue_service import ticket as t
from queue_service.announcements import announce
from queue_service.hall import Hall
from queue_service.plan import Line

from .day import PLAN, at, planned, tid

ACTIONS = [h.Recall, h.Start, h.Complete, h.Hold, h.Miss, h.Rejoin, h.Cancel]
counters = st.sampled_from([*PLAN.counters, "9"])
channels = st.sampled_from(h.CHANNELS)
services = st.sampled_from(["a.1", "a.1", "b.1", "c.1", "d.1", "none"])
priorities = st.sampled_from([None, None, None, "elderly", "vip"])


def recorded(events: list[Event]) -> list[Recorded]:
    """The events as one stream of a log."""
    moment = at("08:00")
    return [
        Recorded(n, UUID(int=n), "hall-7406-2026-11-23", n, event, moment)
        for n, event in enumerate(events, 1)
    ]


class AnyDay(RuleBasedStateMachine):
    """A hall that is asked anything."""

    def __init__(self) -> None:
        super().__init__()
        self.hall, self.events, self.now, self.asked = Hall(), list[Event](), at("07:00"), 0
        self.give(h.OpenHall(self.now, PLAN))

    def give(self, command: h.At) -> list[Event]:
        try:
            events = h.decide(command, self.hall)
        except Rejected:
            return []
        self.hall = fold(h.decider, events, self.hall)
        self.events += events
        return events

    def some(self, number: int) -> UUID:
        """A ticket that was asked for, or nobody's."""
        return tid(number % (self.asked + 2) + 1)

    @rule(seconds=st.integers(-600, 1800))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(service=services, channel=channels, priority=priorities, times=st.integers(1, 4))
    def issue(self, service: str, channel: str, priority: str | None, times: int) -> None:
        for _ in range(times):
            self.asked += 1
            self.give(h.IssueTicket(self.now, tid(self.asked), service, channel, priority))

    @rule(service=services, counter=counters)
    def quick_serve(self, service: str, counter: str) -> None:
        self.asked += 1
        self.give(h.QuickServe(self.now, tid(self.asked), service, counter))

    @rule(counter=counters)
    def call(self, counter: str) -> None:
        own = self.hall.line(f"@{counter}").first
        lines = PLAN.counters[counter].lines if counter in PLAN.counters else ()
        events = self.give(h.CallNext(self.now, counter))
        if len(lines) == 1 and own is None and events:
            (event,) = events
            assert isinstance(event, t.TicketCalled)
            assert self.first_in[lines[0]] == event.ticket

    @rule(number=st.integers(0, 60), action=st.sampled_from(ACTIONS))
    def act(self, number: int, action: type[h.OfTicket]) -> None:
        self.give(action(self.now, self.some(number)))

    @rule(action=st.sampled_from([*ACTIONS[:5], None]))
    def go_on_with_everybody_at_a_counter(self, action: type[h.OfTicket] | None) -> None:
        for counter, ticket in [*self.hall.busy.items()]:
            self.give(h.Resume(self.now, ticket, counter) if action is None else action(self.now, ticket))

    @rule(number=st.integers(0, 60), counter=st.none() | counters)
    def resume(self, number: int, counter: str | None) -> None:
        self.give(h.Resume(self.now, self.some(number), counter))

    @rule(number=st.integers(0, 60), line=st.none() | st.sampled_from("ABZ"), counter=st.none() | counters)
    def transfer(self, number: int, line: str | None, counter: str | None) -> None:
        self.give(h.Transfer(self.now, self.some(number), line, counter))

    @rule(capacity=st.none() | st.integers(0, 8), quota=st.integers(0, 3))
    def change_plan(self, capacity: int | None, quota: int) -> None:
        line = Line(letter="A", title="A", capacity=capacity, quotas={"kiosk": quota, "web": quota})
        self.give(h.ChangePlan(self.now, planned(lines={**PLAN.lines, "A": line})))

    @precondition(lambda self: self.asked > 8)
    @rule()
    def close(self) -> None:
        self.give(h.CloseHall(self.now))

    @property
    def first_in(self) -> dict[str, UUID]:
        """Per line the ticket that was told position 1 before the last event."""
        before = fold(h.decider, self.events[:-1])
        waits = [x for x in before.tickets.values() if x.status == "waiting" and not x.counter]
        return {ticket.line: ticket.id for ticket in waits if before.ahead_of(ticket) == 0}

    @invariant()
    def its_promises_hold(self) -> None:
        assert promises.check("hall-7406-2026-11-23", recorded(self.events)) == []

    @invariant()
    def numbers_have_no_gaps(self) -> None:
        issued = [event for event in self.events if isinstance(event, t.TicketIssued)]
        for letter in {event.line for event in issued}:
            numbers = [event.number for event in issued if event.line == letter]
            assert numbers == [t.number_of(letter, n) for n in range(1, len(numbers) + 1)]
        assert len({event.order for event in issued}) == len(issued)

    @invariant()
    def lists_hold_exactly_those_who_wait_once_and_in_order(self) -> None:
        waiting = Counter((x.waits_for, x.place) for x in self.hall.tickets.values() if x.status == "waiting")
        listed = [(key, place) for key, places in self.hall.waiting.items() for place in places]
        assert Counter(listed) == waiting
        for places in self.hall.waiting.values():
            assert [*places] == sorted(places)

    @invariant()
    def a_counter_has_one_person_and_a_person_one_counter(self) -> None:
        at_counters = {
            x.id: x.counter for x in self.hall.tickets.values() if x.status in ("called", "serving")
        }
        assert {ticket: counter for counter, ticket in self.hall.busy.items()} == at_counters

    @invariant()
    def limits_were_kept(self) -> None:
        issued = [e for e in self.events if isinstance(e, t.TicketIssued) and not e.quick and e.line == "B"]
        assert len(issued) <= 2 and sum(e.channel == "web" for e in issued) <= 1

    @invariant()
    def time_went_forward(self) -> None:
        moments: list[Any] = [event.at for event in self.events]  # type: ignore[attr-defined]
        assert moments == sorted(moments)

    @invariant()
    def when_closed_everybody_has_a_final_state(self) -> None:
        if self.hall.closed:
            assert {x.status for x in self.hall.tickets.values()} <= t.FINAL

    def teardown(self) -> None:
        """The state is the fold of what was written down and read back, and all of it can be announced."""
        read = [h.decider.decode(event.type, event.model_dump_json()) for event in self.events]
        again = fold(h.decider, read)
        assert again == self.hall
        told = [announce(each) for each in recorded(self.events)]
        assert all(each and each.mall == "7406" for each in told)


AnyDay.TestCase.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
test_any_day_keeps_its_promises = AnyDay.TestCase
