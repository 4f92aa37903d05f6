"""A ticket over HTTP, from its issue to its end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from .house import DAY, House, Venue, key

OpenMall = Callable[..., Awaitable[Venue]]


def problem(answer: Any) -> tuple[int, str]:
    """Status and the stable word of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code and body["detail"]
    return answer.status_code, body["type"].removeprefix("urn:mpp:problem:")


async def test_the_whole_life_of_a_ticket(venue: Venue) -> None:
    first, ticket = await venue.ticket(clock="08:00:00"), await venue.ticket(clock="08:00:01")
    assert (first["number"], first["position"]) == ("A001", 1)
    assert (ticket["number"], ticket["line"], ticket["position"]) == ("A002", "A", 2)
    assert (ticket["mall"], ticket["date"]) == (venue.code, DAY.isoformat())
    assert (ticket["status"], ticket["issued_at"]) == ("waiting", f"{DAY.isoformat()}T08:00:01+08:00")
    assert 0 < ticket["estimate"]["p50_minutes"] < ticket["estimate"]["p90_minutes"]
    shown = await venue.get(f"/tickets/{ticket['id']}")
    assert "secret" not in shown and shown["number"] == "A002"

    called = (await venue.call(1)).json()
    assert (called["id"], called["status"], called["counter_title"]) == (first["id"], "called", "Loket 1")
    assert (await venue.get(f"/tickets/{ticket['id']}"))["position"] == 1
    assert (await venue.call(2)).json()["number"] == "A002"
    for action, status in (
        ("recall", "called"),
        ("hold", "held"),
        ("resume", "serving"),
        ("transfer", "waiting"),
    ):
        answer = await venue.act(ticket, action, {"line": "B"} if action == "transfer" else None)
        assert (answer.status_code, answer.json()["status"]) == (200, status), answer.text
    assert (await venue.call(4)).json()["number"] == "A002"
    for action, status in (("miss", "missed"), ("rejoin", "waiting")):
        assert (await venue.act(ticket, action)).json()["status"] == status
    assert (await venue.call(4)).json()["counter"] == venue.counter(4)
    for action, status in (("start", "serving"), ("complete", "completed")):
        assert (await venue.act(ticket, action)).json()["status"] == status
    assert problem(await venue.act(ticket, "start")) == (409, "wrong-state")
    end = await venue.get(f"/tickets/{ticket['id']}")
    assert (end["status"], end["position"], end["estimate"]["p50_minutes"]) == ("completed", None, None)


async def test_when_nobody_waits_a_call_is_answered_with_nothing(venue: Venue) -> None:
    answer = await venue.call(1)
    assert (answer.status_code, answer.content) == (204, b"")


async def test_a_busy_counter_is_told_whom_it_has(venue: Venue) -> None:
    await venue.ticket(), await venue.ticket()
    await venue.call(1)
    answer = await venue.call(1)
    assert problem(answer) == (409, "counter-busy") and answer.json()["number"] == "A001"


async def test_quick_service_is_a_ticket_that_is_served_at_once(venue: Venue) -> None:
    path = f"/counters/{venue.counter(1)}/quick-serve"
    answer = await venue.ask("POST", path, {"service": "a.1"}, role="officer")
    ticket = answer.json()
    assert answer.status_code == 201 and ticket["secret"]
    assert (ticket["number"], ticket["status"], ticket["counter"]) == ("A001", "serving", venue.counter(1))
    assert problem(await venue.ask("POST", path, {"service": "a.1"}, role="officer")) == (409, "counter-busy")


async def test_the_same_key_gives_the_same_ticket_again(venue: Venue) -> None:
    again = key()
    first, second = await venue.issue(key=again), await venue.issue(key=again)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json() and first.json()["secret"]
    assert (await venue.ticket())["number"] == "A002"


async def test_the_same_key_at_the_same_time_gives_one_ticket(venue: Venue) -> None:
    again = key()
    answers = await asyncio.gather(*(venue.issue(key=again) for _ in range(12)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({(answer.json()["id"], answer.json()["secret"]) for answer in answers}) == 1
    assert (await venue.ticket())["number"] == "A002"


async def test_a_key_that_comes_with_another_request_is_refused(venue: Venue) -> None:
    again = key()
    await venue.ticket(key=again)
    assert problem(await venue.issue("b.1", key=again)) == (422, "key-reused")
    assert problem(await venue.ask("POST", "/tickets", {"mall": "x"}, key=again))[0] == 422
    assert (await venue.ticket("b.1"))["number"] == "B001"


async def test_a_call_that_found_nobody_stays_one_under_its_key(venue: Venue) -> None:
    again = key()
    assert (await venue.call(1, key=again)).status_code == 204
    await venue.ticket()
    assert (await venue.call(1, key=again)).status_code == 204
    assert (await venue.call(1)).json()["number"] == "A001"


async def test_a_repeated_call_calls_nobody_else(venue: Venue) -> None:
    again = key()
    await venue.ticket(), await venue.ticket()
    first = await venue.call(1, key=again)
    await venue.act(first.json(), "miss")
    second = await venue.call(1, key=again)
    assert second.status_code == 200 and second.json()["id"] == first.json()["id"]
    assert (await venue.call(1)).json()["number"] == "A002"


async def test_a_refusal_is_not_remembered_under_its_key(venue: Venue) -> None:
    again = key()
    assert problem(await venue.issue(key=again, clock="07:00:00")) == (409, "mall-closed")
    assert (await venue.ticket(key=again, clock="08:00:00"))["number"] == "A001"


async def test_many_at_once_get_numbers_without_gaps(venue: Venue, house: House) -> None:
    answers = await asyncio.gather(*(venue.issue(key=uuid4()) for _ in range(60)))
    numbers = sorted(answer.json()["number"] for answer in answers)
    assert numbers == [f"A{n:03d}" for n in range(1, 61)]
    assert sorted(answer.json()["position"] for answer in answers) == list(range(1, 61))
    assert await house.verify() == []


async def test_the_holder_of_a_ticket_gives_it_back_and_nobody_else_does(venue: Venue) -> None:
    mine, other = await venue.ticket(), await venue.ticket()
    for said in (None, "", "wrong", other["secret"], "é"):
        answer = await venue.act(mine, "cancel", {"secret": said}, role=None)
        assert problem(answer) == (401, "unauthenticated")
    answer = await venue.act(mine, "cancel", {"secret": mine["secret"]}, role=None)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert (await venue.get(f"/tickets/{other['id']}"))["status"] == "waiting"


async def test_the_holder_comes_back_after_a_missed_call(venue: Venue) -> None:
    ticket = await venue.ticket()
    await venue.call(1)
    await venue.act(ticket, "miss")
    secret = {"secret": ticket["secret"]}
    answer = await venue.act(ticket, "rejoin", secret, role=None, clock="08:40:00")
    assert (answer.json()["status"], answer.json()["position"]) == ("waiting", 1)
    await venue.call(1, clock="08:50:00")
    await venue.act(ticket, "miss", clock="08:50:00")
    late = await venue.act(ticket, "rejoin", secret, role=None, clock="09:30:00")
    assert problem(late) == (409, "rejoin-refused")


async def test_the_secret_of_a_ticket_opens_nothing_else(venue: Venue) -> None:
    ticket = await venue.ticket()
    await venue.call(1)
    for action in ("recall", "start", "complete", "hold", "resume", "miss", "transfer"):
        body = {"secret": ticket["secret"]} | ({"line": "B"} if action == "transfer" else {})
        assert problem(await venue.act(ticket, action, body, role=None)) == (401, "unauthenticated")
        assert problem(await venue.act(ticket, action, body, role="citizen")) == (403, "forbidden")


async def test_limits_are_told_as_problems(open_mall: OpenMall) -> None:
    venue = await open_mall(capacity=2, quotas={"web": 1})
    await venue.ticket()
    assert problem(await venue.issue()) == (409, "quota-used")
    assert (await venue.issue(channel="mobile")).status_code == 201
    full = await venue.issue(channel="mobile")
    assert problem(full) == (409, "line-full") and full.json()["capacity"] == 2
    line = (await venue.get(f"/malls/{venue.slug}/lines"))["items"][0]
    assert (line["line"], line["open"], line["reason"], line["left"]) == ("A", False, "full", 0)


async def test_lines_are_shown_before_anybody_came(venue: Venue) -> None:
    lines = (await venue.get(f"/malls/{venue.code}/lines"))["items"]
    assert [(line["line"], line["open"], line["waiting"], line["issued"]) for line in lines] == [
        ("A", True, 0, 0),
        ("B", True, 0, 0),
    ]
    early = (await venue.get(f"/malls/{venue.code}/lines", clock="06:00:00"))["items"]
    assert {line["reason"] for line in early} == {"before-opening"}


async def test_priority_is_called_first_and_unknown_priority_is_refused(venue: Venue) -> None:
    await venue.ticket()
    elderly = await venue.ticket(priority="elderly")
    assert elderly["position"] == 1
    answer = await venue.issue(priority="vip")
    assert problem(answer) == (422, "unknown-priority")
    assert (await venue.call(1)).json()["number"] == elderly["number"]
