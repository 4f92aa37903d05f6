"""What others say becomes what a person is told: once, and nothing after they are forgotten."""

from collections.abc import Sequence
from datetime import UTC, datetime
from datetime import date as Date
from typing import Any
from uuid import UUID, uuid4

import pytest

from mpp.eventsourcing.handler import Step
from mpp.service import Running
from mpp_contracts import feedback, profile, queue, tracking
from mpp_contracts.published import NATION, Published
from notify_service import queries
from notify_service.__main__ import service
from notify_service.desk import preferences_of
from notify_service.erasure import forgetting
from notify_service.kinds import KINDS
from notify_service.preferences import Preferences

NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)
THING = UUID(int=12)


def ticket(kind: type[queue.OfTicket], citizen: UUID | None, **more: Any) -> Published:
    facts = {
        "mall": "7406",
        "date": Date(2026, 11, 24),
        "at": NOON,
        "ticket": citizen or THING,
        "number": "A012",
    }
    return kind.model_validate(facts | {"line": "A", "citizen": citizen} | more)


def call(citizen: UUID | None) -> Published:
    return ticket(queue.TicketCalled, citizen, counter="7406-03", counter_title="Loket 3")


def application(kind: type[tracking.OfApplication], citizen: UUID | None, **more: Any) -> Published:
    facts = {
        "mall": "7406",
        "application": citizen or THING,
        "number": "7406-7K3M9-QXD2C-F",
        "citizen": citizen,
    }
    return kind.model_validate(facts | {"service": "ptsp.sip", "agency": "dpmptsp", "at": NOON} | more)


def complaint(kind: type[feedback.OfComplaint], citizen: UUID | None, **more: Any) -> Published:
    facts = {
        "mall": "7406",
        "complaint": citizen or THING,
        "number": "ADU-1",
        "kind": "complaint",
        "citizen": citizen,
    }
    return kind.model_validate(facts | {"at": NOON} | more)


def of_profile(kind: type[profile.OfCitizen], citizen: UUID, **more: Any) -> Published:
    return kind.model_validate({"mall": NATION, "citizen": citizen, "at": NOON} | more)


def status(citizen: UUID | None, status: str, *reasons: str) -> Published:
    return application(tracking.StatusChanged, citizen, status=status, step="checking", reasons=reasons)


def booking(kind: type[queue.OfBooking], citizen: UUID, **more: Any) -> Published:
    slot = {"booking": UUID(int=4), "line": "A", "service": "adminduk.kk-baru"}
    slot |= {"slot": "2026-11-24T09:30:00+08:00"}
    day = {"mall": "7406", "date": "2026-11-24", "at": NOON}
    return kind.model_validate(day | slot | {"citizen": citizen} | more)


BY_HOLDER = booking(queue.BookingCancelled, UUID(int=9), reason="by-holder")


async def hear(running: Running, *events: Published) -> None:
    for event in events:
        heard = next(each for each in service.listens.values() if type(event) in each.contracts)
        steps: Sequence[Step] = heard.react(event)
        if steps:
            await running.handle.all(steps)


async def inbox(running: Running, citizen: UUID) -> list[tuple[str, dict[str, str]]]:
    return [(row["kind"], row["facts"]) for row in await queries.inbox(running.reader, citizen, None, 50)]


async def test_everything_a_person_should_hear_of_is_in_their_inbox(running: Running) -> None:
    siti = uuid4()
    due = {"due": NOON}
    await hear(
        running,
        call(siti),
        ticket(queue.TicketRecalled, siti, counter="7406-03", counter_title="Loket 3"),
        ticket(queue.TicketNear, siti, position=3),
        ticket(queue.TicketMissed, siti, counter="7406-03"),
        booking(queue.BookingMade, siti, channel="web"),
        booking(queue.BookingCancelled, siti, reason="slot-withdrawn"),
        application(tracking.ApplicationSubmitted, siti),
        *(status(siti, each) for each in ("in-progress", "paused", "approved", "rejected", "withdrawn")),
        status(siti, "sent-back", "document-missing:str", "document-unreadable:ktp"),
        status(siti, "deemed-granted"),
        application(tracking.DeadlinePassed, siti, **due),
        application(tracking.ProductIssued, siti, product=uuid4()),
        application(tracking.ApplicationEnded, siti, outcome="approved"),
        complaint(feedback.ComplaintFiled, siti),
        *(
            complaint(feedback.ComplaintStatusChanged, siti, status=each, agency="samsat")
            for each in ("forwarded", "answered", "closed")
        ),
    )
    told = await inbox(running, siti)
    assert {kind for kind, _ in told} == KINDS.keys() and len(told) == len(KINDS)
    said = dict(told)
    assert said["ticket-called"] == {"number": "A012", "counter": "Loket 3"}
    assert said["application-sent-back"]["reasons"] == "document-missing:str, document-unreadable:ktp"
    assert said["ticket-near"] == {"number": "A012", "position": "3"}
    assert said["booking-withdrawn"] == {"slot": "24-11-2026 09.30"}
    assert said["complaint-forwarded"] == {"number": "ADU-1", "agency": "samsat"}


async def test_what_is_said_twice_is_told_once(running: Running) -> None:
    siti = uuid4()
    await hear(running, call(siti), call(siti), status(siti, "approved"), status(siti, "approved"))
    assert sorted(kind for kind, _ in await inbox(running, siti)) == ["application-approved", "ticket-called"]


@pytest.mark.parametrize(
    "event",
    [
        status(UUID(int=9), "waiting-for-the-moon"),
        application(tracking.DeadlinePassed, UUID(int=9), due=NOON, step="checking"),
        application(tracking.ApplicationEnded, UUID(int=9), outcome="withdrawn"),
        complaint(feedback.ComplaintStatusChanged, UUID(int=9), status="verified"),
        call(None),
        complaint(feedback.ComplaintFiled, None),
        BY_HOLDER,
    ],
    ids=[
        "unknown status",
        "one step's limit",
        "withdrawn",
        "verified",
        "nobody's ticket",
        "anonymous",
        "cancelled by its holder",
    ],
)
def test_what_nobody_needs_to_hear_is_not_told(event: Published) -> None:
    heard = next(each for each in service.listens.values() if type(event) in each.contracts)
    assert list(heard.react(event)) == []


async def test_channels_and_consent_are_those_of_the_profile_and_never_an_address(running: Running) -> None:
    siti = uuid4()
    await hear(
        running,
        of_profile(profile.ContactsChanged, siti, channels=("email", "phone", "pigeon")),
        of_profile(profile.ConsentGiven, siti, purpose="notifications"),
        of_profile(profile.ConsentWithdrawn, siti, purpose="prefill"),
    )
    known = await preferences_of(running.reader, siti)
    assert (known.channels, known.consent) == (("email", "sms"), True)
    await hear(running, of_profile(profile.ConsentWithdrawn, siti, purpose="notifications"))
    assert not (await preferences_of(running.reader, siti)).consent


async def test_somebody_forgotten_has_no_inbox_and_nothing_waits_for_them(running: Running) -> None:
    siti, la_ode = uuid4(), uuid4()
    for each in (siti, la_ode):
        await hear(
            running,
            of_profile(profile.ContactsChanged, each, channels=("email",)),
            of_profile(profile.ConsentGiven, each, purpose="notifications"),
            call(each),
        )
    request = uuid4()
    await hear(running, of_profile(profile.SubjectForgotten, siti, request=request))
    await forgetting.answer_all(running, datetime.now(UTC))
    assert await inbox(running, siti) == []
    assert await preferences_of(running.reader, siti) == Preferences()
    assert len(await inbox(running, la_ode)) == 1
    waiting = await queries.to_choose(running.reader, True, 100)
    assert siti not in {row["citizen"] for row in waiting}
