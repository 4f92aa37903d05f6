"""Whom a counter calls: given who waits and how it works, when it calls, then this one, for this reason."""

from collections.abc import Sequence
from datetime import time

import pytest

from queue_service import command as c
from queue_service import ticket as t
from queue_service.explaining import explain
from queue_service.hall import Hall
from queue_service.plan import Counter, Plan, Profile, Service, Threshold

from .day import PLAN, after, at, call, issue, on, planned, tid

BOTH = Counter(id="2", title="Loket 2", lines=("A", "B", "D"))


def working(profile: Profile) -> Plan:
    """Counter 2 serves the lines A, B and D by this profile; B takes any number."""
    lines = {**PLAN.lines, "B": PLAN.lines["B"].model_copy(update={"capacity": None, "quotas": {}})}
    return planned(counters={"1": PLAN.counters["1"], "2": BOTH}, lines=lines, profiles={"2": profile})


def called(hall_after: Sequence[c.At], plan: Plan, clock: str = "08:30") -> t.TicketCalled:
    story = after(*hall_after, plan=plan).when(call("2", clock))
    event = story.happened[-1]
    assert isinstance(event, t.TicketCalled)
    return event


def order_of_calls(commands: Sequence[c.At], plan: Plan, counter: str = "2") -> list[str]:
    """The numbers in the order in which one counter calls them all."""
    story = after(*commands, plan=plan)
    numbers: list[str] = []
    while True:
        story = story.when(call(counter, "08:40"))
        calls = [event for event in story.happened if isinstance(event, t.TicketCalled)]
        if not calls:
            return numbers
        numbers.append(calls[0].number)
        story = story.when(on(c.Miss, calls[0].ticket.int, "08:40"))


MIXED = [
    issue(1, "08:00", "d.1"),
    issue(2, "08:01", "b.1"),
    issue(3, "08:02", "a.1"),
    issue(4, "08:03", "a.1"),
    issue(5, "08:04", "b.1"),
    issue(6, "08:05", "a.1"),
]


def test_without_a_profile_whoever_came_first_is_called() -> None:
    assert order_of_calls(MIXED, working(Profile())) == ["D001", "B001", "A001", "A002", "B002", "A003"]


def test_lines_in_an_order() -> None:
    plan = working(Profile(mode="order", order=("B", "A")))
    assert order_of_calls(MIXED, plan) == ["B001", "B002", "A001", "A002", "A003", "D001"]


def test_lines_by_a_ratio_take_turns_and_nobody_collects_a_debt() -> None:
    plan = working(Profile(mode="ratio", ratio={"A": 2, "B": 1, "D": 1}))
    assert order_of_calls(MIXED, plan) == ["A001", "A002", "B001", "D001", "A003", "B002"]
    alone = [issue(n, "08:00", "a.1") for n in range(1, 7)]
    late = [
        *alone,
        *(each for n in (1, 2, 3) for each in (call("2"), on(c.Miss, n))),
        issue(7, "08:35", "b.1"),
    ]
    assert order_of_calls(late, plan) == ["A004", "B001", "A005", "A006"]


def test_a_line_outside_the_ratio_is_called_when_no_other_waits() -> None:
    plan = working(Profile(mode="ratio", ratio={"A": 1, "B": 1}))
    assert order_of_calls([issue(1, service="d.1"), issue(2)], plan) == ["A001", "D001"]


def test_who_waits_too_long_in_a_line_goes_before_the_order() -> None:
    profile = Profile(mode="order", order=("A",), thresholds=(Threshold(line="D", minutes=30),))
    waits = [issue(1, "08:00", "d.1"), issue(2, "08:20", "a.1")]
    assert called(waits, working(profile), "08:30").number == "A001"
    late = called(waits, working(profile), "08:31")
    assert late.number == "D001" and late.why == t.Why(
        rule="threshold", lines=("D",), minutes=30, waited_minutes=31
    )


def test_the_right_of_way_comes_before_any_profile() -> None:
    plan = working(Profile(mode="order", order=("B",)))
    waits = [issue(1, "08:00", "b.1"), issue(2, "08:05", "a.1", priority="elderly")]
    event = called(waits, plan)
    assert event.number == "A001" and event.why and event.why.rule == "priority"


def test_who_was_sent_to_this_counter_comes_before_its_order() -> None:
    plan = working(Profile(mode="order", order=("B",)))
    waits = [issue(1, "08:00", "b.1"), issue(2, "08:05"), on(c.Transfer, 2, "08:10", counter="2")]
    event = called(waits, plan)
    assert event.number == "A001" and event.why and event.why.rule == "own"


def skilled(*skills: str) -> tuple[Sequence[c.At], Plan]:
    services = {**PLAN.services, "a.2": Service(code="a.2", line="A", minutes=20)}
    sits = c.SitDown(at("07:30"), "1", tid(99), skills)
    return [sits, issue(1, "08:00", "a.1"), issue(2, "08:01", "a.2"), issue(3, "08:02", "a.2")], planned(
        services=services
    )


def test_an_officer_is_given_only_what_she_knows() -> None:
    commands, plan = skilled("a.2")
    assert order_of_calls(commands, plan, "1") == ["A002", "A003"]
    story = after(*commands, plan=plan).when(call("1"))
    (event,) = story.happened
    assert isinstance(event, t.TicketCalled) and event.why and event.why.passed == 1
    story.when(on(c.Miss, 2), c.LeaveCounter(at("08:31"), "1"), call("1", "08:32"))
    last = story.happened[-1]
    assert isinstance(last, t.TicketCalled) and last.number == "A001"


def test_a_counter_that_calls_is_not_paused_any_longer() -> None:
    paused: Sequence[c.At] = [issue(1), c.PauseCounter(at("08:10"), "1", "break")]
    story = after(*paused).when(call("1"))
    assert [event.type for event in story.happened] == ["counter-reopened", "ticket-called"]


def told(commands: Sequence[c.At], plan: Plan, counter: str = "2", clock: str = "08:30") -> str:
    hall: Hall = after(*commands, plan=plan).when(call(counter, clock)).state
    ticket = hall.ticket(hall.busy[counter])
    assert ticket.why and hall.plan
    title = plan.counters[counter].title
    both = explain(ticket.number, ticket.line, title, ticket.why, hall.plan)
    assert both["en"].endswith(".") and both["en"] != both["id"]
    return both["id"]


THRESHOLD = Profile(mode="order", order=("A",), thresholds=(Threshold(line="D", minutes=20),))
BOOKED = c.CheckIn(at("08:45"), tid(1), tid(500), "a.1", at("09:00"), "web")
KNOWN = {**PLAN.services, "a.2": Service(code="a.2", line="A", minutes=5)}
SENTENCES: dict[str, tuple[Sequence[c.At], Plan, str]] = {
    "A001 dipanggil karena paling lama menunggu di antrean A, B dan D: 30 menit.": (
        [issue(1)],
        working(Profile()),
        "08:30",
    ),
    "A001 dipanggil lebih dulu karena didahulukan: lanjut usia.": (
        [issue(1, priority="elderly")],
        working(Profile()),
        "08:30",
    ),
    "D001 dipanggil karena di antrean D ada yang sudah menunggu lebih dari 20 menit.": (
        [issue(1, "08:00", "d.1"), issue(2, "08:01")],
        working(THRESHOLD),
        "08:30",
    ),
    "B001 dipanggil karena Loket 2 mendahulukan antrean B, lalu A.": (
        [issue(1), issue(2, service="b.1")],
        working(Profile(mode="order", order=("B", "A"))),
        "08:30",
    ),
    "A001 dipanggil karena kini giliran antrean A: Loket 2 memanggil bergantian, A dua kali, B sekali.": (
        [issue(1), issue(2, service="b.1")],
        working(Profile(mode="ratio", ratio={"A": 2, "B": 1})),
        "08:30",
    ),
    "A001 dipanggil karena diarahkan khusus ke Loket 2.": (
        [issue(1), on(c.Transfer, 1, "08:10", counter="2")],
        working(Profile()),
        "08:30",
    ),
    "A001 dipanggil sesuai reservasinya pukul 09.00.": ([BOOKED], working(Profile()), "09:00"),
    "A001 dipanggil lagi karena sudah kembali setelah nomornya terlewat.": (
        [issue(1), call("2", "08:10"), on(c.Miss, 1, "08:12"), on(c.Rejoin, 1, "08:15")],
        working(Profile()),
        "08:30",
    ),
    "A002 dipanggil karena petugas di Loket 2 menangani layanannya; "
    "1 orang di depannya menunggu petugas lain.": (
        [c.SitDown(at("07:30"), "2", tid(99), ("a.1",)), issue(1, service="a.2"), issue(2)],
        working(Profile()).model_copy(update={"services": KNOWN}),
        "08:31",
    ),
    "A002 dipanggil lebih dulu karena didahulukan: penyandang disabilitas.": (
        [issue(1), issue(2, "08:10", priority="disabled")],
        working(Profile(mode="order", order=("B",))),
        "08:30",
    ),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_call_is_explained_in_one_sentence(sentence: str) -> None:
    commands, plan, clock = SENTENCES[sentence]
    assert told(commands, plan, clock=clock) == sentence


def test_a_profile_reads_its_turns_and_breaks() -> None:
    profile = Profile.model_validate_json(
        '{"mode": "ratio", "ratio": {"A": 2, "B": 1}, "breaks": [["12:00", "13:00"]]}'
    )
    assert profile.turns == ("A", "A", "B") and profile.breaks == ((time(12), time(13)),)
