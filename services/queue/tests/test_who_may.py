"""Who may do what: roles, malls and agencies, and tokens that do not count."""

from typing import Any
from uuid import uuid4

import pytest

from mpp.testing.tokens import TokenMint

from .house import House, Venue
from .test_ticket_life import OpenMall, problem

HERE: dict[str, Any] = {}
ELSEWHERE = {"malls": ["0001"]}
STAFF: list[tuple[str, dict[str, Any], int]] = [
    ("officer", HERE, 200),
    ("officer", {"agencies": ["x"]}, 200),
    ("officer", {"agencies": ["y", "x"]}, 200),
    ("supervisor", HERE, 200),
    ("mall-admin", HERE, 200),
    ("national-admin", {"malls": None}, 200),
    ("officer", {"agencies": ["y"]}, 403),
    ("officer", {"agencies": []}, 403),
    ("officer", ELSEWHERE, 403),
    ("officer", {"malls": None}, 403),
    ("supervisor", ELSEWHERE, 403),
    ("mall-admin", ELSEWHERE, 403),
    ("mall-admin", {"malls": None}, 403),
    ("national-admin", ELSEWHERE, 403),
    ("citizen", HERE, 403),
    ("kiosk", HERE, 403),
    ("display", HERE, 403),
    ("analyst", {"malls": None}, 403),
]


def told(answer: Any) -> int:
    """The status; a refusal is a problem."""
    if answer.status_code >= 400:
        problem(answer)
    status: int = answer.status_code
    return status


@pytest.mark.parametrize(("role", "claims", "expected"), STAFF)
async def test_a_counter_is_worked_by_staff_of_its_mall_and_agency(
    venue: Venue, role: str, claims: dict[str, Any], expected: int
) -> None:
    token = venue.token(role, **claims)
    ticket = await venue.ticket()
    assert told(await venue.call(1, None, token=token)) == expected
    quick = f"/counters/{venue.counter(2)}/quick-serve"
    served = await venue.ask("POST", quick, {"service": "a.1"}, token=token)
    assert told(served) == (201 if expected == 200 else expected)
    if expected != 200:
        await venue.call(1)
    assert told(await venue.act(ticket, "start", None, None, token=token)) == expected
    if expected != 200:
        assert (await venue.get(f"/tickets/{ticket['id']}"))["status"] == "called"


@pytest.mark.parametrize(("role", "claims", "expected"), STAFF)
async def test_a_waiting_ticket_is_moved_by_staff_who_serve_its_line(
    venue: Venue, role: str, claims: dict[str, Any], expected: int
) -> None:
    ticket, token = await venue.ticket(), venue.token(role, **claims)
    assert told(await venue.act(ticket, "cancel", None, None, token=token)) == expected


async def test_nobody_works_at_a_counter_without_a_token(venue: Venue) -> None:
    ticket = await venue.ticket()
    assert problem(await venue.call(1, None)) == (401, "unauthenticated")
    assert problem(await venue.act(ticket, "cancel", None, None)) == (401, "unauthenticated")


async def test_a_counter_of_no_agency_is_worked_by_any_officer_of_the_mall(open_mall: OpenMall) -> None:
    venue = await open_mall(agency="")
    ticket, token = await venue.ticket(), venue.token("officer", agencies=["z"])
    assert told(await venue.call(1, None, token=token)) == 200
    assert told(await venue.act(ticket, "start", None, None, token=token)) == 200
    assert told(await venue.call(4, None, token=token)) == 403


async def test_a_held_ticket_is_resumed_where_the_officer_works(venue: Venue) -> None:
    ticket = await venue.ticket()
    await venue.call(1)
    await venue.act(ticket, "hold")
    there = {"counter": venue.counter(4)}
    x, both = venue.token("officer", agencies=["x"]), venue.token("officer", agencies=["x", "y"])
    assert told(await venue.act(ticket, "resume", there, None, token=x)) == 403
    assert told(await venue.act(ticket, "resume", {"counter": "9999-01"}, None, token=x)) == 404
    assert told(await venue.act(ticket, "resume", there, None, token=both)) == 200


async def test_a_ticket_is_handed_on_to_another_agency(venue: Venue) -> None:
    ticket, token = await venue.ticket(), venue.token("officer", agencies=["x"])
    assert told(await venue.act(ticket, "transfer", {"line": "B"}, None, token=token)) == 200
    assert told(await venue.act(ticket, "cancel", None, None, token=token)) == 403


@pytest.mark.parametrize(
    ("channel", "role", "claims", "expected"),
    [
        ("web", "", HERE, 201),
        ("mobile", "", HERE, 201),
        ("web", "citizen", {"malls": None}, 201),
        ("kiosk", "", HERE, 401),
        ("kiosk", "kiosk", HERE, 201),
        ("kiosk", "kiosk", ELSEWHERE, 403),
        ("kiosk", "kiosk", {"malls": None}, 403),
        ("kiosk", "citizen", HERE, 403),
        ("kiosk", "officer", HERE, 403),
        ("kiosk", "supervisor", HERE, 201),
        ("counter", "officer", HERE, 201),
        ("counter", "officer", ELSEWHERE, 403),
        ("counter", "kiosk", HERE, 403),
        ("counter", "", HERE, 401),
        ("telegram", "", HERE, 401),
        ("telegram", "citizen", {"malls": None}, 201),
        ("telegram", "system", {"malls": None}, 201),
        ("telegram", "kiosk", HERE, 403),
    ],
)
async def test_a_channel_is_open_to_those_who_stand_at_it(
    venue: Venue, channel: str, role: str, claims: dict[str, Any], expected: int
) -> None:
    token = venue.token(role, **claims) if role else None
    assert told(await venue.issue(channel=channel, token=token)) == expected


async def test_a_ticket_tells_who_took_it_when_a_citizen_was_signed_in(venue: Venue, house: House) -> None:
    me = str(uuid4())
    mine = await venue.ticket(token=venue.token("citizen", malls=None, subject=me))
    others = await venue.ticket(), await venue.ticket(channel="kiosk", token=venue.token("kiosk"))

    facts = "select data ->> 'ticket', data ->> 'citizen' from events where type = 'ticket-issued'"
    rows = await house.running.reader.fetch(facts)
    known = {row[0]: row[1] for row in rows}
    assert [known[ticket["id"]] for ticket in (mine, *others)] == [me, None, None]


@pytest.mark.parametrize(
    ("role", "claims", "expected"),
    [
        ("", HERE, 401),
        ("officer", HERE, 403),
        ("supervisor", ELSEWHERE, 403),
        ("supervisor", HERE, 204),
        ("national-admin", {"malls": None}, 204),
    ],
)
async def test_a_day_is_closed_by_a_supervisor_of_the_mall(
    venue: Venue, role: str, claims: dict[str, Any], expected: int
) -> None:
    await venue.ticket()
    token = venue.token(role, **claims) if role else None
    assert told(await venue.ask("POST", f"/malls/{venue.slug}/day/close", token=token)) == expected


@pytest.mark.parametrize(
    "kind", ["expired", "forged", "another audience", "another issuer", "garbage", "scheme"]
)
async def test_a_token_that_does_not_count_is_nobodys(venue: Venue, mint: TokenMint, kind: str) -> None:
    malls = [venue.code]
    given = {
        "expired": mint.expired("officer", malls=malls),
        "forged": mint.forged("officer", malls=malls),
        "another audience": mint.token("officer", malls=malls, audience="another"),
        "another issuer": mint.token("officer", malls=malls, issuer="http://127.0.0.1:1"),
        "garbage": "a.b.c",
    }
    headers = {"Authorization": f"Bearer {given[kind]}" if kind in given else "Basic YTpi"}
    await venue.ticket()
    for method, path, body in (
        ("POST", f"/counters/{venue.counter(1)}/call-next", None),
        ("POST", "/tickets", {"mall": venue.slug, "service": "a.1", "channel": "web"}),
    ):
        answer = await venue.ask(method, path, body, headers=headers)
        assert problem(answer) == (401, "unauthenticated") and "www-authenticate" in answer.headers


async def test_whoever_looks_needs_no_token(venue: Venue) -> None:
    ticket = await venue.ticket()
    for path in (f"/malls/{venue.slug}/board", f"/malls/{venue.slug}/lines", f"/tickets/{ticket['id']}"):
        assert await venue.get(path)
