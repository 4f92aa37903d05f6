"""Who missed a call may come back: behind the next few, not too late, not too often."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queue_service import command as c
from queue_service import rules
from queue_service import ticket as t
from queue_service.plan import Rules
from queue_service.ticket import WrongState

from .day import PLAN, after, at, call, issue, issues, missed, on, planned, ticket, tid, waiting


def back(number: int, *before: c.At, line: str = "A") -> list[int]:
    """The line after this ticket came back."""
    return waiting(after(*before).when(on(c.Rejoin, number, "08:40")).state, line)


def test_a_missed_call_ends_the_wait() -> None:
    story = after(*issues(1, 2), call("1")).when(on(c.Miss, 1, "08:33"))
    hall = story.then(
        t.TicketMissed(ticket=tid(1), number="A001", line="A", at=at("08:33"), counter="1", turn=1)
    )
    assert ticket(hall, 1).status == "missed" and ticket(hall, 1).counter is None and waiting(hall) == [2]


def test_who_comes_back_stands_behind_the_next_three() -> None:
    assert back(1, *issues(1, 2, 3, 4, 5, 6), *missed(1)) == [2, 3, 4, 1, 5, 6]


@pytest.mark.parametrize("others", [0, 1, 2, 3])
def test_in_a_short_line_who_comes_back_stands_at_the_end(others: int) -> None:
    ahead = list(range(2, 2 + others))
    assert back(1, *issues(1, *ahead), *missed(1)) == [*ahead, 1]


def test_new_arrivals_stand_behind_who_came_back() -> None:
    hall = after(*issues(1, 2), *missed(1), on(c.Rejoin, 1, "08:40"), issue(3, "08:41")).state
    assert waiting(hall) == [2, 1, 3]


def test_nobody_overtakes_however_often_a_short_line_shuffles() -> None:
    story = after(*issues(1, 2, 3), plan=planned(rules=Rules(rejoins=99)))
    for _ in range(10):
        for n in (1, 2, 3):
            story.when(*missed(n), on(c.Rejoin, n))
    assert story.refusal is None
    assert waiting(story.when(issue(4)).state) == [1, 2, 3, 4]


def test_priority_is_kept_and_stands_behind_priority_but_before_the_others() -> None:
    came = [issue(1, priority="elderly"), *issues(2, 3), *issues(4, 5, priority="elderly")]
    assert back(1, *came, *missed(1)) == [4, 5, 1, 2, 3]
    many = [issue(1, priority="elderly"), *issues(*range(2, 8), priority="elderly"), issue(8)]
    assert back(1, *many, *missed(1)) == [2, 3, 4, 1, 5, 6, 7, 8]


def test_without_priority_one_comes_back_behind_all_who_have_it() -> None:
    came = [*issues(1, 2), *issues(3, 4, 5, 6, priority="elderly")]
    assert back(1, issues(1)[0], call("1"), *came[1:], on(c.Miss, 1)) == [3, 4, 5, 6, 1, 2]


def test_a_ticket_that_waited_for_one_counter_comes_back_to_its_line() -> None:
    came = [*issues(1, 2), on(c.Transfer, 1, counter="3"), *missed(1, "3")]
    assert back(1, *came) == [2, 1]


def test_the_last_moment_counts_and_the_next_is_too_late() -> None:
    gone = after(*issues(1, 2), *missed(1, clock="08:30"))
    assert gone.when(on(c.Rejoin, 1, "09:00")).refusal is None
    late = after(*issues(1, 2), *missed(1, clock="08:30")).when(on(c.Rejoin, 1, "09:00:01"))
    assert late.refused(rules.RejoinRefused).facts["until"] == at("09:00").isoformat()


def test_a_third_return_is_refused() -> None:
    twice = [issue(1)]
    story = after(*twice)
    for clock in ("08:30", "08:40"):
        story.when(call("1", clock), on(c.Miss, 1, clock), on(c.Rejoin, 1, clock))
    story.when(call("1", "08:50"), on(c.Miss, 1, "08:50"), on(c.Rejoin, 1, "08:51"))
    assert story.refused(rules.RejoinRefused).facts == {
        "until": at("09:20").isoformat(),
        "rejoins": 2,
        "allowed": 2,
    }


def test_the_rules_are_those_of_the_mall() -> None:
    strict = planned(rules=Rules(rejoins=0))
    after(issue(1), *missed(1), plan=strict).when(on(c.Rejoin, 1)).refused(rules.RejoinRefused)
    kind = planned(rules=Rules(rejoin_after=1))
    assert waiting(after(*issues(1, 2, 3), *missed(1), on(c.Rejoin, 1), plan=kind).state) == [2, 1, 3]


def test_only_who_missed_a_call_comes_back() -> None:
    after(issue(1)).when(on(c.Rejoin, 1)).refused(WrongState)


@given(
    returning=st.lists(st.booleans(), min_size=1, max_size=25),
    behind=st.lists(st.sampled_from(["elderly", None]), max_size=12),
)
def test_whoever_comes_back_stands_behind_three_of_the_line_or_as_near_as_priority_allows(
    returning: list[bool], behind: list[str | None]
) -> None:
    many = range(1, len(returning) + 1)
    came: list[c.At] = []
    for n, elderly in zip(many, returning, strict=True):
        came += [issue(n, priority="elderly" if elderly else None), *missed(n)]
    came += [issue(100 + n, "08:31", priority=priority) for n, priority in enumerate(behind)]
    story = after(*came, plan=PLAN)
    for n in many:
        line = [place.rank for place in story.state.line("A")]
        story.when(on(c.Rejoin, n, "08:40"))
        better, peers = line.count(0) * (not returning[n - 1]), line.count(1 - returning[n - 1])
        place = ticket(story.state, n).place
        assert story.state.line("A").ahead_of(place) == min(max(3, better), better + peers)
