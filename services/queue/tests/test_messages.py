"""What those who wait are told: all, one line, one ticket, as long as it holds."""

import pytest

from mpp.eventsourcing.decider import Invalid
from queue_service import command as c
from queue_service.plan import UnknownLine
from queue_service.ticket import UnknownTicket

from .day import after, at, issue, ticket, tid

LATE = c.Announce(at("08:10"), tid(700), "delayed", minutes=30)
CLOSING = c.Announce(at("08:10"), tid(701), "closing", closes_at=at("11:00"), line="A")
ONE = c.Announce(at("08:10"), tid(702), "delayed", minutes=5, ticket=tid(2))


def heard(*messages: c.Announce, number: int, clock: str = "08:11") -> list[int]:
    hall = after(issue(1), issue(2, service="b.1"), *messages).state
    return [said.message.int for said in hall.messages_for(ticket(hall, number), at(clock))]


def test_all_a_line_or_one_ticket() -> None:
    assert heard(LATE, CLOSING, ONE, number=1) == [700, 701]
    assert heard(LATE, CLOSING, ONE, number=2) == [700, 702]


def test_a_delay_is_over_when_its_minutes_are() -> None:
    assert heard(LATE, number=1, clock="08:39") == [700] and heard(LATE, number=1, clock="08:40") == []


@pytest.mark.parametrize(
    "odd",
    [
        c.Announce(at("08:10"), tid(1), "delayed"),
        c.Announce(at("08:10"), tid(1), "closing", minutes=5),
        c.Announce(at("08:10"), tid(1), "closing"),
        c.Announce(at("08:10"), tid(1), "delayed", minutes=5, closes_at=at("11:00")),
    ],
)
def test_a_message_says_what_belongs_to_it(odd: c.Announce) -> None:
    after(issue(1)).when(odd).refused(Invalid)


def test_nobody_is_spoken_to_who_does_not_exist() -> None:
    after(issue(1)).when(c.Announce(at("08:10"), tid(1), "delayed", minutes=5, line="Z")).refused(UnknownLine)
    after(issue(1)).when(c.Announce(at("08:10"), tid(1), "delayed", minutes=5, ticket=tid(9))).refused(
        UnknownTicket
    )
