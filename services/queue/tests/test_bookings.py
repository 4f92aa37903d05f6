"""Bookings: slots that are offered, held, booked, moved and given back, and never oversold."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from mpp.eventsourcing.decider import Event, Rejected, fold
from mpp.eventsourcing.log import Recorded
from mpp.testing.scenario import Scenario
from queue_service import booking as b
from queue_service import promises
from queue_service.booking import SlotDay
from queue_service.plan import Booking, UnknownService
from queue_service.slots import Offered

from .day import PLAN, at, planned, tid

RULES = Booking(per_slot=2, days_ahead=3, opens_at=time(8), closes_minutes=60, quotas={"web": 3})
PERSON = UUID(int=77)
EARLY = datetime(2026, 11, 21, 3, tzinfo=UTC)  # Saturday, 11:00 in Bombana: the day is open for bookings


def offered(rules: Booking = RULES, **changes: Any) -> Offered:
    return Offered.of(planned(booking={"A": rules}, **changes))


def after(*commands: b.Command, offer: Offered | None = None) -> Scenario[SlotDay]:
    day = fold(b.decider, b.decide(b.OfferSlots(EARLY - timedelta(days=2), offer or offered()), SlotDay()))
    for command in commands:
        day = fold(b.decider, b.decide(command, day), day)
    return Scenario(b.decider, day)


def book(
    number: int,
    slot: str = "09:00",
    moment: datetime = EARLY,
    channel: str = "mobile",
    citizen: UUID | None = None,
    hold: bool = False,
) -> b.Book:
    return b.Book(moment, tid(number), "a.1", at(slot), channel, citizen, hold)


def later(minutes: float) -> datetime:
    return EARLY + timedelta(minutes=minutes)


def test_slots_follow_the_hours_the_length_and_the_buffer() -> None:
    day = offered(Booking(per_slot=1, slot_minutes=60, buffer_minutes=30))
    assert [start.isoformat("minutes") for start in day.lines["A"].starts] == [
        "07:30",
        "09:00",
        "10:30",
        "12:00",
        "13:30",
    ]


def test_a_slot_takes_what_its_counters_serve_less_the_walk_ins_share() -> None:
    def takes(**rules: Any) -> int:
        return offered(Booking(slot_minutes=30, **rules)).lines["A"].takes

    assert takes(walk_in_share=0) == 7  # two counters, eight minutes a person
    assert (takes(walk_in_share=0.5), takes(walk_in_share=1), takes(per_slot=9)) == (3, 0, 9)


def test_of_a_limited_line_the_walk_ins_keep_their_share() -> None:
    lines = {**PLAN.lines, "A": PLAN.lines["A"].model_copy(update={"capacity": 64})}
    day = offered(Booking(per_slot=50, walk_in_share=0.5, slot_minutes=30), lines=lines)
    assert len(day.lines["A"].starts) == 16 and day.lines["A"].takes == 2


def test_a_closed_day_and_a_closed_line_offer_nothing() -> None:
    assert offered(hours=None, closed="holiday").lines["A"].starts == ()
    assert "C" not in Offered.of(planned(booking={"C": RULES})).lines


def test_a_slot_is_booked_until_it_is_full() -> None:
    full = after(book(1), book(2))
    refusal = full.when(book(3)).refused(b.SlotFull)
    assert refusal.facts["takes"] == 2
    after(book(1), book(2), b.Cancel(later(1), tid(2))).when(book(3, moment=later(2)))
    assert (
        after(book(1), book(2), b.Cancel(later(1), tid(2)), book(3, moment=later(2))).state.left(
            "A", at("09:00"), later(3)
        )
        == 0
    )


def test_a_held_slot_is_taken_until_the_hold_expires() -> None:
    held = after(book(1, hold=True), book(2))
    held.when(book(3, moment=later(4.9))).refused(b.SlotFull)
    again = after(book(1, hold=True), book(2), book(3, moment=later(5)))
    again.when(b.Confirm(later(6), tid(1))).refused(b.HoldExpired)
    made = after(book(1, hold=True)).when(b.Confirm(later(4), tid(1))).happened
    assert [event.type for event in made] == ["booking-made"]
    after(book(1, hold=True), b.Confirm(later(4), tid(1))).when(b.Confirm(later(9), tid(1))).then()


def test_a_day_opens_at_its_hour_and_a_slot_closes_before_it_begins() -> None:
    opens = at("08:00") - timedelta(days=3)
    refusal = after().when(book(1, moment=opens - timedelta(seconds=1))).refused(b.BookingNotOpen)
    assert refusal.facts == {"opens_at": opens.isoformat()}
    assert after(book(1, moment=opens)).state.booking(tid(1)).status == "booked"
    after().when(book(1, moment=at("08:00") + timedelta(seconds=1))).refused(b.BookingTooLate)


def test_a_channel_has_its_quota_of_the_day() -> None:
    three = [book(n, slot, channel="web") for n, slot in enumerate(("09:00", "09:30", "10:00"), 1)]
    after(*three).when(book(4, "10:30", channel="web")).refused(b.ChannelUsedUp)
    assert after(*three, book(4, "10:30", channel="portal")).state.booking(tid(4)).status == "booked"


def test_one_person_books_so_much_a_day() -> None:
    two = [book(1, "09:00", citizen=PERSON), book(2, "10:00", citizen=PERSON)]
    after(*two).when(book(3, "11:00", citizen=PERSON)).refused(b.PersonLimit)
    assert after(*two, b.Cancel(later(1), tid(1)), book(3, "11:00", later(2), citizen=PERSON)).state.booking(
        tid(3)
    )


@pytest.mark.parametrize("slot", ["09:01", "06:00", "15:30"])
def test_only_slots_that_are_offered_are_booked(slot: str) -> None:
    after().when(book(1, slot)).refused(b.UnknownSlot)
    after().when(b.Book(EARLY, tid(1), "b.1", at("09:00"), "web")).refused(UnknownService)


def test_before_the_offer_nothing_is_decided() -> None:
    Scenario(b.decider, SlotDay()).when(book(1)).refused(b.NotOffered)
    after().when(b.Cancel(EARLY, tid(1))).refused(b.UnknownBooking)


def test_a_day_that_is_closed_later_gives_its_bookings_back() -> None:
    story = after(book(1), book(2, "10:00"), book(3, "10:00"), b.Use(at("09:30"), tid(3), tid(33)))
    closed = b.OfferSlots(at("09:40"), offered(hours=None, closed="flood"))
    ended = [e for e in story.when(closed).happened if isinstance(e, b.BookingCancelled)]
    assert [(e.booking, e.reason) for e in ended] == [(tid(1), "slot-withdrawn"), (tid(2), "slot-withdrawn")]
    story.when(closed).then()


def test_a_booking_is_used_once_and_never_after_it_was_cancelled() -> None:
    used = after(book(1), b.Use(at("08:50"), tid(1), tid(11)))
    assert used.when(b.Use(at("08:51"), tid(1), tid(12))).refused(b.BookingEnded).facts["ticket"] == str(
        tid(11)
    )
    used = after(book(1), b.Use(at("08:50"), tid(1), tid(11)))
    used.when(b.Cancel(at("08:51"), tid(1))).refused(b.BookingEnded)
    after(book(1), b.Cancel(later(1), tid(1))).when(b.Use(at("08:50"), tid(1), tid(11))).refused(
        b.BookingEnded
    )


def test_what_was_cancelled_is_cancelled_again_but_not_moved() -> None:
    gone: list[b.Command] = [book(1), b.Cancel(later(1), tid(1))]
    after(*gone).when(b.Cancel(later(2), tid(1))).then()
    after(*gone).when(b.Cancel(later(2), tid(1), "moved")).refused(b.BookingEnded)


def test_who_does_not_come_is_not_waited_for() -> None:
    day = after(book(1), book(2), book(3, "10:00"), b.Use(at("08:50"), tid(1), tid(11)))
    assert day.state.expected() == {"A": {at("09:00"): 2, at("10:00"): 1}}
    day.when(b.Lapse(at("09:15"))).then()
    (lapsed,) = day.when(b.Lapse(at("09:15") + timedelta(seconds=1))).happened
    assert isinstance(lapsed, b.BookingLapsed) and lapsed.booking == tid(2)
    assert day.state.expected() == {"A": {at("09:00"): 1, at("10:00"): 1}}


SLOTS = ("09:00", "09:30", "10:00")
asked = st.lists(
    st.tuples(
        st.sampled_from(["book", "hold", "confirm", "cancel", "use", "lapse", "offer"]), st.integers(0, 5000)
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@drawn(asked)
def test_whatever_is_asked_no_slot_is_oversold(wishes: list[tuple[str, int]]) -> None:
    day, events, now, made = SlotDay(), [], EARLY, 0
    for wish, number in [("offer", 0), *wishes]:
        now += timedelta(seconds=number % 200)
        some = tid(number % (made + 1) + 1)
        commands: dict[str, b.Command] = {
            "confirm": b.Confirm(now, some),
            "cancel": b.Cancel(now, some),
            "use": b.Use(now, some, tid(9000 + number)),
            "lapse": b.Lapse(now if number % 3 else at("12:00")),
            "offer": b.OfferSlots(now, offered(Booking(per_slot=1 + number % 3, quotas={"web": 2}))),
        }
        if wish in ("book", "hold"):
            made += 1
            who = UUID(int=number % 4) if number % 4 else None
            command: b.Command = book(
                made, SLOTS[number % 3], now, ("web", "mobile")[number % 2], who, wish == "hold"
            )
        else:
            command = commands[wish]
        try:
            told = b.decide(command, day)
        except Rejected:
            continue
        day = fold(b.decider, told, day)
        events += told
        assert all(day.left("A", slot, day.last_at) >= 0 for slot in map(at, SLOTS))
        people = Counter(x.citizen for x in day.bookings.values() if x.citizen and x.live(day.last_at))
        assert max(people.values(), default=0) <= 2
    moment = at("08:00")
    log = [Recorded(n, UUID(int=n), "slots-7406-2026-11-23", n, e, moment) for n, e in enumerate(events, 1)]
    lowered = [e for e in events if isinstance(e, b.SlotsOffered)]
    if len(lowered) == 1:
        assert promises.check("slots-7406-2026-11-23", log) == []
    read: list[Event] = [b.decider.decode(e.type, e.model_dump_json()) for e in events]
    assert fold(b.decider, read) == day
