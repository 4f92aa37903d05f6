"""Check-in: what was booked becomes a number in the one line, and its place is kept until it is too late."""

from typing import Any
from uuid import UUID

import pytest

from queue_service import command as c
from queue_service import promises
from queue_service import ticket as t
from queue_service.issuing import BookingUsed, CheckInEarly, CheckInLate, LineFull, MallClosed
from queue_service.plan import Booking, Plan

from .any_day import STREAM, recorded
from .day import PLAN, after, at, call, issue, on, opened, planned, ticket, tid, waiting


def arrives(
    number: int, clock: str = "08:50", slot: str = "09:00", booking: int = 0, service: str = "a.1"
) -> c.CheckIn:
    return c.CheckIn(at(clock), tid(number), UUID(int=booking or 1000 + number), service, at(slot), "web")


def plan(**rules: Any) -> Plan:
    return planned(booking={"A": Booking(**rules), "B": Booking(**rules)})


def test_a_booking_becomes_the_next_number_of_the_line() -> None:
    story = after(issue(1)).when(arrives(2))
    (issued,) = story.happened
    assert isinstance(issued, t.TicketIssued)
    assert (issued.number, issued.booking, issued.slot) == ("A002", UUID(int=1002), at("09:00"))


def test_it_becomes_one_ticket() -> None:
    refusal = after(arrives(2)).when(arrives(3, "08:51", booking=1002)).refused(BookingUsed)
    assert refusal.facts == {"number": "A001", "ticket": str(tid(2))}


def test_it_counts_within_its_window() -> None:
    after().when(arrives(1, "08:29:59")).refused(CheckInEarly)
    after().when(arrives(1, "09:15:01")).refused(CheckInLate)
    for clock in ("08:30", "09:15"):
        assert len(after().when(arrives(1, clock)).happened) == 1
    after(plan=planned(hours=None, closed="flood")).when(arrives(1)).refused(MallClosed)


def test_by_slot_it_stands_before_those_who_came_within_its_lead() -> None:
    walk_ins = [issue(1, "08:20"), issue(2, "08:29"), issue(3, "08:31"), issue(4, "08:49")]
    assert waiting(after(*walk_ins, arrives(5)).state) == [1, 2, 5, 3, 4]


def test_by_arrival_it_stands_as_it_came() -> None:
    walk_ins = [issue(1, "08:20"), issue(2, "08:49"), arrives(5), issue(3, "08:51")]
    assert waiting(after(*walk_ins, plan=plan(order="arrival")).state) == [1, 2, 5, 3]


def test_two_slots_stand_by_their_times_whoever_comes_first() -> None:
    both = [arrives(1, "09:00", "09:30"), arrives(2, "09:01", "09:00")]
    assert waiting(after(*both).state) == [2, 1]


def test_the_places_of_those_who_booked_are_kept_until_it_is_too_late_for_them() -> None:
    expect = c.ExpectBookings(at("08:00"), {"B": {at("09:00"): 1}})
    few = plan()
    issued = after(expect, issue(1, service="b.1"), plan=few)
    refusal = issued.when(issue(2, "08:10", "b.1")).refused(LineFull)
    assert refusal.facts["kept_for_bookings"] == 1
    assert len(after(expect, issue(1, service="b.1"), plan=few).when(issue(2, "09:16", "b.1")).happened) == 1
    came = after(expect, issue(1, service="b.1"), arrives(3, service="b.1"), plan=few)
    came.when(issue(2, "09:16", "b.1")).refused(LineFull)


def test_who_booked_comes_in_even_when_the_line_is_full() -> None:
    full = [issue(1, service="b.1"), issue(2, service="b.1")]
    story = after(*full, plan=plan()).when(arrives(3, service="b.1"))
    assert len(story.happened) == 1
    events = [*opened(plan()), *(e for each in full for e in after(plan=plan()).when(each).happened)]
    assert promises.check(STREAM, recorded([*events[:2], *story.happened])) == ["line B: numbers are not 1…2"]


def test_priority_stands_before_a_booking() -> None:
    assert waiting(after(arrives(1), issue(2, "08:55", priority="elderly")).state) == [2, 1]


def test_a_booking_used_twice_is_found_in_the_log() -> None:
    first = after().when(arrives(1)).happened[0]
    second = after(issue(9)).when(arrives(2, booking=1001)).happened[0]
    broken = promises.check(STREAM, recorded([*opened(), first, second]))
    assert broken == [f"booking {UUID(int=1001)} became 2 tickets"]


@pytest.mark.parametrize("order", ["slot", "arrival"])
def test_who_came_from_a_booking_misses_and_comes_back_like_anybody(order: str) -> None:
    begun = [
        arrives(1),
        call("1", "08:55"),
        on(c.Miss, 1, "08:57"),
        *(issue(n, "08:58") for n in (2, 3, 4, 5)),
    ]
    hall = after(*begun, on(c.Rejoin, 1, "09:00"), plan=plan(order=order)).state
    assert waiting(hall) == [2, 3, 4, 1, 5] and ticket(hall, 1).booking == UUID(int=1001)
    assert PLAN.rules.rejoin_after == 3
