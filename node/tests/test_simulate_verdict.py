"""The verdict on a simulated day finds what is wrong with it; and a record that is read again is the same."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mpp_node.simulate.arrivals import Person, stranger
from mpp_node.simulate.record import AnotherDay, Record
from mpp_node.simulate.verdict import Outcome, Verdict, judge

EIGHT = dt.datetime.fromisoformat("2026-11-23T08:00:00+08:00")
HOLDS = {"queue": [{"check": "versions contiguous", "looked_at": 1, "holds": True, "violations": []}]}
LINES = [{"line": "A", "issued": 3}]


def at(minutes: float) -> dt.datetime:
    return EIGHT + dt.timedelta(minutes=minutes)


def day() -> Record:
    """Three people: one served, one who missed the call, came back and was served, one who gave up."""
    record = Record()
    for n in (1, 2, 3):
        facts: dict[str, Any] = {"id": f"t{n}", "number": f"A00{n}", "line": "A", "service": "a.one"}
        times = {"issued_at": at(n).isoformat(), "p90": 10.0}
        record.add("issued", at(n), person=n, secret="s", **facts, **times)
    called(record, "t1", 1, 5)
    moved(record, "t1", "completed", 9)
    called(record, "t2", 2, 10)
    moved(record, "t2", "missed", 12)
    moved(record, "t2", "waiting", 20)
    called(record, "t2", 3, 25)
    moved(record, "t2", "completed", 30)
    moved(record, "t3", "cancelled", 31)
    return record


def called(record: Record, ticket: str, position: int, minutes: float) -> None:
    record.add("called", at(minutes), ticket=ticket, counter="c1", kind="call")
    told = {"ticket": ticket, "counter": "c1", "kind": "call", "at": at(minutes).isoformat()}
    record.add("heard", at(minutes), call={"id": position, **told})


def moved(record: Record, ticket: str, status: str, minutes: float) -> None:
    record.add("moved", at(minutes), ticket=ticket, status=status, line="A", counter=None)


def tickets(**changes: Any) -> dict[str, Any]:
    ends = {"t1": "completed", "t2": "completed", "t3": "cancelled"}
    found: dict[str, Any] = {
        id_: {"number": f"A00{n}", "status": end, "issued_at": at(n).isoformat()}
        for n, (id_, end) in enumerate(ends.items(), 1)
    }
    for id_, change in changes.items():
        found[id_] = change and {**found.get(id_, found["t1"]), **change}
    return found


def person(n: int, **traits: Any) -> Person:
    return replace(stranger(Random(1), 5.0), n=n, **traits)


def verdict(record: Record, found: dict[str, Any] | None = None, **changes: Any) -> Verdict:
    outcome = Outcome(found or tickets(), changes.get("lines", LINES), changes.get("checks", HOLDS))
    told = {name: changes[name] for name in ("surprises", "people") if name in changes}
    return judge("MPP", EIGHT.date(), record, outcome, changes.get("pages", {}), **told)


def test_a_day_without_a_fault_is_clean_and_counted() -> None:
    found = verdict(day())
    assert found.clean, [*found.faults()]
    assert (found.issued, found.served, found.cancelled, found.missed, found.lapsed) == (3, 2, 1, 0, 0)
    assert (found.mean_wait, found.longest_wait, found.within_p90) == (6.0, 8.0, 1.0)
    assert found.calls == 3


def test_a_number_that_nobody_has_is_a_gap() -> None:
    assert verdict(day(), lines=[{"line": "A", "issued": 4}]).gaps == ["A004"]
    assert verdict(day(), tickets(t3={"number": "A005"}), lines=[{"line": "A", "issued": 5}]).gaps == [
        "A003",
        "A004",
    ]


def test_a_number_that_the_line_does_not_count_is_told() -> None:
    assert not verdict(day(), lines=[{"line": "A", "issued": 2}]).clean


def test_a_number_on_two_tickets_is_a_duplicate() -> None:
    found = verdict(day(), tickets(t9={"number": "A002"}))
    assert found.duplicates == ["A002 on 2 tickets"]


def test_a_ticket_given_to_two_people_is_a_duplicate() -> None:
    record = day()
    again = {"id": "t1", "number": "A001", "line": "A", "service": "a.one", "p90": None}
    record.add("issued", at(40), person=4, secret="s", issued_at=at(1).isoformat(), **again)
    assert verdict(record).duplicates == ["A001 given to 2 people"]


def test_two_calls_in_one_wait_are_found_and_a_call_after_coming_back_is_none() -> None:
    record = day()
    called(record, "t1", 4, 40)
    assert verdict(record).called_twice == ["A001"]


def test_an_acknowledged_ticket_that_is_gone_is_lost() -> None:
    assert verdict(day(), tickets(t3=None)).lost == ["A003 is unknown"]


def test_an_acknowledged_end_that_is_undone_is_lost() -> None:
    found = verdict(day(), tickets(t1={"status": "lapsed"}))
    assert found.lost == ["A001 was completed and is lapsed"]


def test_a_ticket_without_an_end_is_told() -> None:
    assert verdict(day(), tickets(t3={"status": "serving"})).unsettled == ["A003"]


def test_a_call_that_the_board_never_told_or_told_twice_is_found() -> None:
    record = day()
    record.add("called", at(40), ticket="t1", counter="c1", kind="recall")
    record.add("heard", at(41), call=record.heard[0])
    found = verdict(record)
    assert (found.board_missed, found.board_repeated) == (1, 1)
    assert not found.clean


def test_a_call_on_the_board_that_no_officer_was_told_is_found_unless_the_record_is_interrupted() -> None:
    record = day()
    told = {"ticket": "t1", "counter": "c2", "kind": "call", "at": at(40).isoformat()}
    record.add("heard", at(40), call={"id": 4, **told})
    assert verdict(record).board_untold == 1 and not verdict(record).clean
    record.interrupted = True
    assert verdict(record).board_untold == 0


def test_everybody_who_was_sent_ends_as_planned() -> None:
    served, gone, gives_up = person(1), person(2, hears=3, comes_back=8.0), person(3, gives_up=20.0)
    assert verdict(day(), people=[served, gone, gives_up]).clean
    stays_away, patient = person(2, hears=3), person(3)
    assert verdict(day(), people=[stays_away, patient]).astray == ["A002 is completed", "A003 is cancelled"]
    assert verdict(day(), people=[person(4)]).astray == ["person 4 has no number"]
    record = day()
    record.add("refused", at(50), person=4, why="line-full")
    assert verdict(record, people=[person(4)]).clean


def test_a_live_page_whose_last_word_is_not_the_end_is_found() -> None:
    assert verdict(day(), pages={"t1": "completed", "t3": "waiting"}).pages_wrong == 1


def test_a_broken_check_a_surprise_and_a_day_that_was_not_verified_are_unclean() -> None:
    broken = {"queue": [{**HOLDS["queue"][0], "holds": False, "violations": ["line A"]}]}
    assert [*verdict(day(), checks=broken).faults()] == ["verify queue: versions contiguous: line A"]
    assert not verdict(day(), checks={}).clean
    assert not verdict(day(), surprises=["409"]).clean


def test_an_officer_may_be_told_of_a_ticket_before_its_holder() -> None:
    record = Record()
    facts = {"id": "t1", "number": "A001", "line": "A", "service": "a", "issued_at": at(1).isoformat()}
    record.add("issued", at(1), person=0, secret="", p90=None, **facts)
    called(record, "t1", 1, 2)
    record.add("issued", at(2), person=1, secret="s", p90=5.0, **facts)
    visit = record.of_person[1]
    assert (visit.status, visit.secret, visit.p90) == ("called", "s", 5.0)
    moved(record, "t1", "completed", 3)
    found = verdict(record, {"t1": tickets()["t1"]}, people=[person(1, hears=3)])
    assert found.astray == []  # the officer could not know who it was


def test_a_record_goes_on_where_it_was_left_even_in_the_middle_of_a_line(tmp_path: Path) -> None:
    file, begin = tmp_path / "day.jsonl", {"seed": 1, "tickets": 3}
    record = Record.open(file, begin, at(0))
    facts = {"id": "t1", "number": "A001", "line": "A", "service": "a", "issued_at": at(1).isoformat()}
    record.add("issued", at(1), person=1, secret="s", p90=None, **facts)
    called(record, "t1", 1, 5)
    record.close()
    with file.open("ab") as torn:
        torn.write(b'{"what":"moved","at":')
    again = Record.open(file, begin, at(0))
    again.add("moved", at(9), ticket="t1", status="completed", line="A", counter="c1")
    again.close()
    third = Record.open(file, begin, at(0))
    assert third.visits["t1"].status == "completed"
    assert (third.calls, third.position, third.last) == ([("t1", "c1", "call")], 1, at(9))


def test_a_record_of_another_day_or_in_use_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "day.jsonl"
    record = Record.open(file, {"tickets": 3}, at(0))
    with pytest.raises(AnotherDay, match="another process"):
        Record.open(file, {"tickets": 3}, at(0))
    record.close()
    with pytest.raises(AnotherDay, match="tickets 3, not tickets 4"):
        Record.open(file, {"tickets": 4}, at(0))
