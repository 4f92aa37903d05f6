"""Whatever is asked of a hall in whatever order: its promises hold."""

from collections import Counter

from hypothesis import event as note
from hypothesis import given, settings

from mpp.eventsourcing.decider import Event, fold
from queue_service import command as c
from queue_service import promises, rules
from queue_service import ticket as t
from queue_service.announcements import announce
from queue_service.hall import BookingsExpected, Hall

from .any_day import STREAM, AnyDay, recorded, wishes
from .day import PLAN

Wishes = list[tuple[str, int]]


def check_the_lists(hall: Hall) -> None:
    """They hold exactly those who wait, once, in order."""
    stand = (x for x in hall.tickets.values() if x.status == "waiting")
    waiting = Counter((key, x.place) for x in stand for key in x.waits_in)
    assert Counter((key, place) for key, places in hall.waiting.items() for place in places) == waiting
    assert all([*places] == sorted(places) for places in hall.waiting.values())


def check_the_counters(hall: Hall) -> None:
    """A counter has one person, a person one counter."""
    at_counters = {x.id: x.counter for x in hall.tickets.values() if x.status in ("called", "serving")}
    assert {ticket: counter for counter, ticket in hall.busy.items()} == at_counters


def check_the_limits(hall: Hall, events: list[Event]) -> None:
    """Line B takes two tickets a day, one of them through the web, whatever else happens."""
    issued = [event for event in events if isinstance(event, t.TicketIssued) and event.line == "B"]
    asked = [event for event in issued if not event.quick and not event.booking]
    assert len(asked) <= 2 and sum(event.channel == "web" for event in asked) <= 1
    assert hall.issued.get("B", 0) == len(issued)


def first_told(hall: Hall, counter: str) -> set[object]:
    """Who of this counter's lists was told to be first among those whom its officer can serve."""
    keys = (f"@{counter}", *(PLAN.counters[counter].lines if counter in PLAN.counters else ()))
    known: frozenset[str] | None = hall.skills(counter)
    first: set[object] = set()
    for key in keys:
        for place in hall.line(key):
            ticket = hall.ticket(place.ticket)
            wanted = (ticket.stop, *ticket.rest)
            here = wanted[:1] if key[0] == "@" else [stop for stop in wanted if stop.line == key]
            if known is None or any(stop.service in known for stop in here):
                first.add(ticket.id)
                break
    return first


@settings(max_examples=150, deadline=None)
@given(wishes)
def test_any_day_keeps_its_promises(asked: Wishes) -> None:
    day = AnyDay()
    day.give(c.OpenHall(day.now, PLAN))
    for wish, number in asked:
        before, command = day.hall, day.command(wish, number)
        for event in day.give(command):
            note(event.type)
            if isinstance(event, t.TicketCalled):
                assert event.ticket in first_told(before, event.counter)
        check_the_lists(day.hall)
        check_the_counters(day.hall)
        check_the_limits(day.hall, day.events)
        assert not day.hall.closed or {x.status for x in day.hall.tickets.values()} <= t.FINAL
    assert promises.check(STREAM, recorded(day.events)) == []
    moments = [event.at for event in day.events]  # type: ignore[attr-defined]
    assert moments == sorted(moments)


@settings(max_examples=50, deadline=None)
@given(wishes)
def test_the_state_is_the_fold_of_what_is_read_back_and_all_of_it_is_told(asked: Wishes) -> None:
    day = AnyDay()
    day.give(c.OpenHall(day.now, PLAN))
    for wish, number in asked:
        day.give(day.command(wish, number))
    read = [rules.decider.decode(event.type, event.model_dump_json()) for event in day.events]
    assert fold(rules.decider, read) == day.hall
    for each in recorded(day.events):
        told = announce(each)
        if isinstance(each.event, BookingsExpected):
            assert told is None
            continue
        assert told and (told.mall, told.event) == ("7406", each.event.type.replace("plan-", "hall-"))


@settings(max_examples=50, deadline=None)
@given(wishes)
def test_where_one_counter_serves_one_line_the_positions_are_the_order_of_the_calls(asked: Wishes) -> None:
    day = AnyDay()
    alone = PLAN.model_copy(update={"counters": {"1": PLAN.counters["1"]}})
    day.give(c.OpenHall(day.now, alone))
    for wish, number in asked:
        if wish not in ("transfer", "plan", "close", "sit", "visit", "add"):
            day.give(day.command(wish, number))
    for busy in [*day.hall.busy.values()]:
        day.give(c.Hold(day.now, busy))
    waiting = [x for x in day.hall.tickets.values() if x.waits_in[0] == "A" and x.status == "waiting"]
    told = sorted(waiting, key=lambda x: day.hall.ahead_of(x) or 0)
    assert [day.hall.ahead_of(x) for x in told] == list(range(len(told)))
    for ticket in told:
        called = [e for e in day.give(c.CallNext(day.now, "1")) if isinstance(e, t.TicketCalled)]
        assert [event.ticket for event in called] == [ticket.id]
        day.give(c.Hold(day.now, ticket.id))
    assert not any(isinstance(e, t.TicketCalled) for e in day.give(c.CallNext(day.now, "1")))
