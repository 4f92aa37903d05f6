"""Papers and spoken calls: what machines may do, once, and what happens when they fail."""

import pytest

from queue_service import command as c
from queue_service import kiosk
from queue_service.hall import Hall

from .day import after, at, call, issue, minutes, on, ticket, tid

BOARD, OTHER = tid(801), tid(802)
CALLED = [issue(1), call("1", "08:30")]


def paper(job: int, clock: str = "08:01", *, free: bool = False) -> c.RequestPrint:
    return c.RequestPrint(at(clock), tid(1), tid(job), None, free)


def ended(job: int, reason: str | None = None) -> c.EndPrint:
    return c.EndPrint(at("08:02"), tid(1), tid(job), reason)


def claim(board: int = 801, clock: str = "08:30:01") -> c.ClaimCall:
    return c.ClaimCall(at(clock), tid(1), 77, tid(board), at("08:30"))


def heard(board: int = 801, clock: str = "08:30:08") -> c.HearCall:
    return c.HearCall(at(clock), tid(1), 77, tid(board))


def test_a_paper_is_asked_for_and_comes_out() -> None:
    story = after(issue(1)).when(paper(50), ended(50))
    assert [event.type for event in story.happened] == ["print-requested", "print-confirmed"]
    assert ticket(story.state, 1).jobs == ((tid(50), "printed"),)
    after(issue(1), paper(50), ended(50)).when(ended(50)).then()


def test_a_paper_that_failed_is_printed_again_as_the_first() -> None:
    story = after(issue(1), paper(50), ended(50, "paper-out")).when(paper(51))
    (asked,) = story.happened
    assert asked.again is False  # type: ignore[attr-defined]
    after(issue(1), paper(50), ended(50, "paper-out")).when(ended(50)).refused(kiosk.PrintEnded)
    after(issue(1)).when(ended(50)).refused(kiosk.UnknownPrint)


def test_a_kiosk_prints_three_and_the_staff_as_many_as_are_needed() -> None:
    three = [issue(1), *(paper(n) for n in (50, 51, 52))]
    after(*three).when(paper(53)).refused(kiosk.PapersUsedUp)
    (asked,) = after(*three).when(paper(53, free=True)).happened
    assert asked.again is True  # type: ignore[attr-defined]


def test_the_first_board_speaks_a_call_and_the_others_stay_silent() -> None:
    story = after(*CALLED, claim())
    story.when(claim(802, "08:30:02")).refused(kiosk.CallTaken)
    after(*CALLED, claim()).when(claim(801, "08:30:03")).then()
    hall: Hall = after(*CALLED, claim(), heard()).state
    assert ticket(hall, 1).heard_at == at("08:30:08")
    after(*CALLED, claim(), heard()).when(claim(802, "08:30:30")).refused(kiosk.CallTaken)
    after(*CALLED, claim(), heard()).when(heard()).then()


def test_when_a_board_falls_silent_another_speaks() -> None:
    assert len(after(*CALLED, claim()).when(claim(802, "08:30:21")).happened) == 1
    after(*CALLED, claim(), claim(802, "08:30:21")).when(heard(801, "08:30:25")).refused(kiosk.CallNotClaimed)
    after(*CALLED).when(heard()).refused(kiosk.CallNotClaimed)


def test_an_old_call_is_shown_and_not_spoken() -> None:
    assert at("08:30") + kiosk.STALE == at("08:31") and minutes(1) == kiosk.STALE
    after(*CALLED).when(claim(clock="08:31:01")).refused(kiosk.CallStale)


@pytest.mark.parametrize("again", [on(c.Recall, 1, "08:32"), on(c.Hold, 1, "08:32")])
def test_only_a_new_call_takes_back_that_it_was_heard(again: c.OfTicket) -> None:
    hall = after(*CALLED, claim(), heard(), again).state
    assert (ticket(hall, 1).heard_at is None) == isinstance(again, c.Recall)
