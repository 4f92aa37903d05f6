"""The check of a hall's log finds every kind of broken promise, and nothing in a good day."""

import pytest

from mpp.eventsourcing.decider import Event
from queue_service import command as c
from queue_service import hall as h
from queue_service import promises
from queue_service import ticket as t
from queue_service.plan import Line

from .any_day import recorded
from .day import PLAN, after, at, call, issue, issues, missed, on, opened, planned, tid

DAY: list[c.At] = [
    *issues(1, 2, 3),
    issue(4, service="b.1", channel="web"),
    issue(5, service="b.1"),
    *missed(1),
    on(c.Rejoin, 1, "08:31"),
    call("1", "08:32"),
    on(c.Start, 2, "08:32"),
    on(c.Hold, 2, "08:33"),
    on(c.Resume, 2, "08:34", counter="2"),
    on(c.Transfer, 2, "08:35", counter="3"),
    call("3", "08:36"),
    on(c.Start, 2, "08:36"),
    on(c.Complete, 2, "08:37"),
    c.QuickServe(at("08:38"), tid(6), "b.1", "3"),
    on(c.Complete, 6, "08:39"),
    on(c.Cancel, 3, "08:40"),
    c.CloseHall(at("16:00")),
]


def day() -> list[Event]:
    story = after().when(*DAY)
    assert story.refusal is None
    return [*opened(), *story.happened]


def broken(events: list[Event]) -> str:
    return " / ".join(promises.check("hall-7406-2026-11-23", recorded(events)))


def of(number: int, line: str = "A", clock: str = "08:50") -> dict[str, object]:
    return {"ticket": tid(number), "number": f"{line}{number:03d}", "line": line, "at": at(clock)}


def issued(number: int, seq: int, line: str = "A", channel: str = "kiosk") -> t.TicketIssued:
    shown = {"ticket": tid(number), "number": t.number_of(line, seq), "line": line, "at": at("08:00")}
    rest = {"service": "a.1", "channel": channel, "seq": seq, "rank": 1, "order": seq}
    return t.TicketIssued.model_validate(shown | rest)


def called(number: int, counter: str = "1") -> t.TicketCalled:
    return t.TicketCalled.model_validate(of(number) | {"counter": counter, "title": counter})


def started(number: int, counter: str) -> t.TicketStarted:
    return t.TicketStarted.model_validate(of(number) | {"counter": counter})


def full(capacity: int | None = None, **quotas: int) -> list[Event]:
    line = Line(letter="A", title="A", capacity=capacity, quotas=quotas)
    return opened(planned(lines={**PLAN.lines, "A": line}))


CANCELLED = t.TicketCancelled.model_validate(of(1))
HANDED_ON = t.TicketTransferred.model_validate(of(1) | {"from_line": "A", "counter": None, "served": 0})
CAME_BACK = t.TicketRejoined.model_validate(of(1) | {"rank": 1, "order": 1})
MISSED = t.TicketMissed.model_validate(of(1) | {"counter": "1"})


def test_a_good_day_breaks_nothing() -> None:
    assert broken(day()) == ""


def test_what_was_heard_of_a_mall_promises_nothing() -> None:
    assert promises.check("mall-7406", recorded(day()[5:])) == []


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([*opened(), issued(1, 1), issued(2, 3)], "line A: numbers are not 1…2"),
        ([*opened(), issued(1, 1), issued(2, 1)], "line A: numbers are not 1…2"),
        ([*opened(), issued(1, 1), issued(1, 2)], "issued 2 times"),
        ([*opened(), issued(1, 1), called(1), called(1)], "A001 called twice"),
        ([*opened(), called(1)], "A001 called twice, or not waiting"),
        ([*opened(), issued(1, 1), CANCELLED, called(1)], "A001 called twice, or not waiting"),
        ([*opened(), issued(1, 1), started(1, "1"), called(1)], "A001 called twice, or not waiting"),
        ([*opened(), issued(1, 1), called(1), MISSED, CANCELLED], "A001 ended twice"),
        ([*opened(), issued(1, 1), CANCELLED, HANDED_ON], "A001 handed on after its end"),
        ([*opened(), issued(1, 1), CAME_BACK], "A001 came back without having gone"),
        ([*opened(), issued(1, 1), h.HallClosed(at=at("16:00"))], "has no final state"),
        ([*opened(), h.HallClosed(at=at("16:00")), issued(1, 1)], "has no final state"),
        ([*opened(), issued(1, 1), issued(2, 2), called(1), called(2)], "1 has two people"),
        ([*opened(), issued(1, 1), called(1), started(1, "2")], "A001 is at two counters"),
        ([*full(1), issued(1, 1), issued(2, 2)], "line A: more than 1 tickets"),
        ([*full(web=0), issued(1, 1, channel="web")], "line A: more than its quota for web"),
    ],
)
def test_a_planted_violation_is_found(events: list[Event], found: str) -> None:
    assert found in broken(events)


@pytest.mark.parametrize("kind", [t.TicketIssued, t.TicketMissed, t.TicketCompleted, t.TicketCancelled])
def test_an_event_that_got_lost_is_missed(kind: type[Event]) -> None:
    events = day()
    del events[next(n for n, event in enumerate(events) if isinstance(event, kind))]
    assert broken(events)


@pytest.mark.parametrize("kind", [t.TicketIssued, t.TicketCalled, t.TicketCompleted, t.TicketCancelled])
def test_an_event_that_was_written_twice_is_found(kind: type[Event]) -> None:
    events = day()
    place = next(n for n, event in enumerate(events) if isinstance(event, kind))
    assert broken([*events[: place + 1], *events[place:]])


def test_a_limit_that_was_lowered_counts_from_then_on() -> None:
    lower = h.PlanChanged(plan=planned(lines={"A": Line(letter="A", title="A", capacity=1)}), at=at("08:10"))
    assert broken([*opened(), issued(1, 1), issued(2, 2), lower]) == ""
    assert "more than 1" in broken([*opened(), issued(1, 1), lower, issued(2, 2)])
