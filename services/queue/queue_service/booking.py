"""Bookings: one mall on one day, every slot of it; what must be decided together so that none is oversold."""

from __future__ import annotations  # HashTrieMap has no type arguments at run time

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from rpds import HashTrieMap

from mpp.eventsourcing.decider import Decider, Event, NotFound, Rejected
from queue_service.plan import UnknownService
from queue_service.slots import Offered

Status = Literal["held", "booked", "used", "cancelled", "lapsed"]
BEFORE = datetime.min.replace(tzinfo=UTC)
LIVE: frozenset[Status] = frozenset({"held", "booked", "used", "lapsed"})  # these take up their slot


def stream_of(mall: str, day: date) -> str:
    """The stream of one mall's slots on one day: `slots-7406-2026-11-23`."""
    return f"slots-{mall}-{day.isoformat()}"


class NotOffered(Rejected):
    """Nobody asked for this day yet: what it offers must be brought first."""


class UnknownBooking(NotFound):
    """No such booking on this day."""


class UnknownSlot(NotFound):
    """No slot begins then: the day is closed, or the line is not booked."""


class BookingNotOpen(Rejected):
    """This day is not open for bookings yet."""


class BookingTooLate(Rejected):
    """It is too late to book or move to this slot."""


class SlotFull(Rejected):
    """All places of this slot are taken; others of the day may be free."""


class ChannelUsedUp(Rejected):
    """This channel's bookings of the line are gone for the day; others may still have some."""


class PersonLimit(Rejected):
    """One person may book only so much on one day."""


class HoldExpired(Rejected):
    """The slot was kept for a while, and nobody confirmed in time."""


class BookingEnded(Rejected):
    """The booking is used, cancelled or lapsed."""


class SlotsOffered(Event, type="slots-offered"):
    offered: Offered
    at: datetime


class BookingEvent(Event):
    """Something that happened to one booking."""

    booking: UUID
    at: datetime


class SlotHeld(BookingEvent, type="slot-held"):
    line: str
    service: str
    slot: datetime
    channel: str
    citizen: UUID | None
    until: datetime


class BookingMade(BookingEvent, type="booking-made"):
    line: str
    service: str
    slot: datetime
    channel: str
    citizen: UUID | None


class BookingCancelled(BookingEvent, type="booking-cancelled"):
    """`reason`: by-holder, by-staff, moved, or slot-withdrawn when the mall no longer has this slot."""

    line: str
    service: str
    slot: datetime
    citizen: UUID | None
    reason: str


class BookingUsed(BookingEvent, type="booking-used"):
    """Its holder checked in."""

    ticket: UUID


class BookingLapsed(BookingEvent, type="booking-lapsed"):
    """Nobody came in time; the place is for walk-ins again."""

    line: str
    service: str
    slot: datetime
    citizen: UUID | None


@dataclass(frozen=True, slots=True)
class At:
    at: datetime


@dataclass(frozen=True, slots=True)
class OfferSlots(At):
    """What the day offers, as the mall is known now; bookings whose slot is gone are cancelled."""

    offered: Offered


@dataclass(frozen=True, slots=True)
class Book(At):
    """Take a place; `hold`: only keep it for a while."""

    booking: UUID
    service: str
    slot: datetime
    channel: str
    citizen: UUID | None = None
    hold: bool = False


@dataclass(frozen=True, slots=True)
class OfBooking(At):
    booking: UUID


class Confirm(OfBooking):
    """Book what was held."""


@dataclass(frozen=True, slots=True)
class Cancel(OfBooking):
    reason: str = "by-holder"


@dataclass(frozen=True, slots=True)
class Use(OfBooking):
    ticket: UUID


class Lapse(At):
    """Whoever did not come in time is not waited for any longer."""


Command = OfferSlots | Book | Confirm | Cancel | Use | Lapse


@dataclass(frozen=True, slots=True)
class Booked:
    """One booking; `until`: how long it is held."""

    id: UUID
    line: str
    service: str
    slot: datetime
    channel: str
    citizen: UUID | None
    status: Status
    until: datetime | None = None
    ticket: UUID | None = None

    def live(self, at: datetime) -> bool:
        return self.status in LIVE and (self.until is None or self.until > at)


@dataclass(frozen=True, slots=True)
class SlotDay:
    """The state of the day; `taken`, `through` and `persons` hold what is live, or was when it was added."""

    offered: Offered | None = None
    last_at: datetime = BEFORE
    bookings: HashTrieMap[UUID, Booked] = HashTrieMap()
    taken: HashTrieMap[tuple[str, datetime], tuple[UUID, ...]] = HashTrieMap()
    persons: HashTrieMap[UUID, tuple[UUID, ...]] = HashTrieMap()

    def booking(self, id: UUID) -> Booked:  # noqa: A002
        found = self.bookings.get(id)
        if found is None:
            raise UnknownBooking
        return found

    def live(self, ids: tuple[UUID, ...] | None, at: datetime) -> list[Booked]:
        known = (self.bookings[id_] for id_ in ids or ())
        return [booked for booked in known if booked.live(at)]

    def in_slot(self, line: str, slot: datetime, at: datetime) -> list[Booked]:
        return self.live(self.taken.get((line, slot)), at)

    def left(self, line: str, slot: datetime, at: datetime) -> int:
        offer = self.offered.lines[line] if self.offered else None
        return max(0, offer.takes - len(self.in_slot(line, slot, at))) if offer else 0

    def through(self, line: str, channel: str, at: datetime) -> int:
        """How many of the line's bookings came through this channel."""
        slots = self.offered.slots(line) if self.offered else ()
        return sum(b.channel == channel for slot in slots for b in self.in_slot(line, slot, at))

    def expected(self) -> dict[str, dict[datetime, int]]:
        """Line → slot → how many are booked, whether they came or not."""
        found: dict[str, dict[datetime, int]] = {}
        for booked in self.bookings.values():
            if booked.status in ("booked", "used"):
                slots = found.setdefault(booked.line, {})
                slots[booked.slot] = slots.get(booked.slot, 0) + 1
        return found


def decide(command: Command, day: SlotDay) -> list[Event]:
    if isinstance(command, OfferSlots):
        return [] if command.offered == day.offered else _offer(command, day)
    if day.offered is None:
        raise NotOffered
    at = max(command.at, day.last_at)
    match command:
        case Book():
            return [_book(command, day, day.offered, at)]
        case Confirm(booking=id_):
            return _confirm(day.booking(id_), at)
        case Cancel(booking=id_, reason=reason):
            return _cancel(day.booking(id_), reason, at)
        case Use(booking=id_, ticket=ticket):
            return _use(day.booking(id_), ticket, at)
        case Lapse():
            return _lapse(day, day.offered, at)


def _offer(command: OfferSlots, day: SlotDay) -> list[Event]:
    at = max(command.at, day.last_at)
    gone = [
        b for b in day.bookings.values() if b.status == "booked" and not command.offered.has(b.line, b.slot)
    ]
    ended = [_cancelled(b, "slot-withdrawn", at) for b in sorted(gone, key=lambda b: b.id)]
    return [SlotsOffered(offered=command.offered, at=at), *ended]


def _book(command: Book, day: SlotDay, offered: Offered, at: datetime) -> Event:
    line = offered.services.get(command.service)
    if line is None:
        raise UnknownService(service=command.service)
    slot, rules = command.slot, offered.lines[line].rules
    if not offered.has(line, slot):
        raise UnknownSlot(line=line, slot=slot.isoformat(), closed=offered.closed)
    if at < (opens := offered.opens(line)):
        raise BookingNotOpen(opens_at=opens.isoformat())
    if at > (closes := slot - timedelta(minutes=rules.closes_minutes)):
        raise BookingTooLate(closes_at=closes.isoformat())
    if not day.left(line, slot, at):
        raise SlotFull(line=line, slot=slot.isoformat(), takes=offered.lines[line].takes)
    quota = rules.quotas.get(command.channel)
    if quota is not None and day.through(line, command.channel, at) >= quota:
        raise ChannelUsedUp(line=line, channel=command.channel, quota=quota)
    if command.citizen and len(day.live(day.persons.get(command.citizen), at)) >= offered.per_person:
        raise PersonLimit(allowed=offered.per_person)
    facts = {
        "booking": command.booking, "line": line, "service": command.service, "slot": _local(slot, offered),
        "channel": command.channel, "citizen": command.citizen, "at": at,
    }  # fmt: skip
    if command.hold:
        return SlotHeld(**facts, until=at + timedelta(minutes=rules.hold_minutes))
    return BookingMade(**facts)


def _local(slot: datetime, offered: Offered) -> datetime:
    """The same moment with the mall's offset, whatever the client's was."""
    return slot.astimezone(ZoneInfo(offered.timezone))


def _confirm(booked: Booked, at: datetime) -> list[Event]:
    if booked.status == "booked":
        return []
    if booked.status != "held":
        raise BookingEnded(status=booked.status)
    if not booked.live(at):
        raise HoldExpired(until=booked.until.isoformat() if booked.until else None)
    return [
        BookingMade(
            booking=booked.id, line=booked.line, service=booked.service, slot=booked.slot,
            channel=booked.channel, citizen=booked.citizen, at=at,
        )
    ]  # fmt: skip


def _cancel(booked: Booked, reason: str, at: datetime) -> list[Event]:
    if booked.status == "cancelled" and reason != "moved":
        return []  # said twice
    if booked.status not in ("held", "booked"):
        raise BookingEnded(status=booked.status)
    return [_cancelled(booked, reason, at)]


def _cancelled(booked: Booked, reason: str, at: datetime) -> BookingCancelled:
    return BookingCancelled(
        booking=booked.id, line=booked.line, service=booked.service, slot=booked.slot,
        citizen=booked.citizen, reason=reason, at=at,
    )  # fmt: skip


def _use(booked: Booked, ticket: UUID, at: datetime) -> list[Event]:
    """A booking that lapsed a moment ago is used all the same: the hall decides who is too late."""
    if booked.status not in ("booked", "lapsed"):
        raise BookingEnded(status=booked.status, ticket=str(booked.ticket) if booked.ticket else None)
    return [BookingUsed(booking=booked.id, ticket=ticket, at=at)]


def _lapse(day: SlotDay, offered: Offered, at: datetime) -> list[Event]:
    ended = []
    for line, offer in offered.lines.items():
        late = timedelta(minutes=offer.rules.late_minutes)
        for slot in offered.slots(line):
            if slot + late < at:
                ended += [b for b in day.in_slot(line, slot, at) if b.status == "booked"]
    return [
        BookingLapsed(
            booking=b.id, line=b.line, service=b.service, slot=b.slot, citizen=b.citizen, at=at
        )
        for b in ended
    ]  # fmt: skip


def evolve(day: SlotDay, event: Event) -> SlotDay:
    match event:
        case SlotsOffered(offered=offered, at=at):
            return replace(day, offered=offered, last_at=at)
        case SlotHeld() | BookingMade():
            return _added(day, event)
        case BookingCancelled(booking=id_):
            return _changed(day, replace(day.bookings[id_], status="cancelled"), event.at)
        case BookingUsed(booking=id_, ticket=ticket):
            return _changed(day, replace(day.bookings[id_], status="used", ticket=ticket), event.at)
        case BookingLapsed(booking=id_):
            return _changed(day, replace(day.bookings[id_], status="lapsed"), event.at)
    return day


def _added(day: SlotDay, e: SlotHeld | BookingMade) -> SlotDay:
    until, status = (e.until, "held") if isinstance(e, SlotHeld) else (None, "booked")
    booked = Booked(e.booking, e.line, e.service, e.slot, e.channel, e.citizen, status, until)  # type: ignore[arg-type]
    fresh, key = e.booking not in day.bookings, (e.line, e.slot)
    day = replace(day, last_at=e.at, bookings=day.bookings.insert(booked.id, booked))
    if not fresh:
        return day
    taken = (*_still(day, day.taken.get(key), e.at), booked.id)
    persons = day.persons
    if e.citizen:
        persons = persons.insert(e.citizen, (*_still(day, persons.get(e.citizen), e.at), booked.id))
    return replace(day, taken=day.taken.insert(key, taken), persons=persons)


def _still(day: SlotDay, ids: tuple[UUID, ...] | None, at: datetime) -> Iterator[UUID]:
    return (booked.id for booked in day.live(ids, at))


def _changed(day: SlotDay, booked: Booked, at: datetime) -> SlotDay:
    return replace(day, last_at=at, bookings=day.bookings.insert(booked.id, booked))


EVENTS: tuple[type[Event], ...] = (
    SlotsOffered,
    SlotHeld,
    BookingMade,
    BookingCancelled,
    BookingUsed,
    BookingLapsed,
)
decider: Decider[SlotDay] = Decider("slots", SlotDay(), decide, evolve, EVENTS)
