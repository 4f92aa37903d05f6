"""Whatever is sent, the answer is a clear problem, never a failure, and nobody else is affected."""

import asyncio
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import orjson
import pytest

from .house import DAY, House, Venue
from .test_ticket_life import problem

UNKNOWN = UUID(int=7)
WANTED = {"mall": "{slug}", "service": "a.1", "channel": "web"}
LIVE = ("/malls/{slug}/board/live", "/tickets/{ticket}/live")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed"),
        (b"", 422, "invalid"),
        (b"[]", 422, "invalid"),
        (b"null", 422, "invalid"),
        (b'"\xff"', 400, "malformed"),
        (WANTED | {"mall": "atlantis"}, 404, "unknown-mall"),
        (WANTED | {"mall": "x" * 65}, 422, "invalid"),
        (WANTED | {"mall": ""}, 422, "invalid"),
        (WANTED | {"mall": "a\u0000b"}, 400, "malformed"),
        (WANTED | {"mall": 7406}, 422, "invalid"),
        (WANTED | {"service": "no.such"}, 404, "unknown-service"),
        (WANTED | {"channel": "fax"}, 422, "invalid"),
        (WANTED | {"priority": "vip"}, 422, "unknown-priority"),
        (WANTED | {"name": "extra"}, 422, "invalid"),
        ({"mall": "{slug}"}, 422, "invalid"),
        (b'{"mall": "\\ud800", "service": "a.1", "channel": "web"}', 400, "malformed"),
    ],
)
async def test_a_ticket_is_not_issued_for_nonsense(
    venue: Venue, body: bytes | dict[str, Any], status: int, code: str
) -> None:
    content = body if isinstance(body, bytes) else orjson.dumps(body).replace(b"{slug}", venue.slug.encode())
    headers = {"Content-Type": "application/json"}
    answer = await venue.ask("POST", "/tickets", headers=headers, content=content)
    assert problem(answer) == (status, code)
    assert (await venue.ticket())["number"] == "A001"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", f"/tickets/{UNKNOWN}", None, 404),
        ("GET", f"/tickets/{UNKNOWN}/live", None, 404),
        ("GET", "/tickets/A001", None, 422),
        ("GET", "/tickets/%00", None, 400),
        ("POST", f"/tickets/{UNKNOWN}/start", None, 404),
        ("POST", "/tickets/{ticket}/dance", None, 422),
        ("POST", "/tickets/{ticket}/transfer", None, 422),
        ("POST", "/tickets/{ticket}/transfer", {"line": "A", "counter": "{counter}"}, 422),
        ("POST", "/tickets/{ticket}/transfer", {"line": "Z"}, 404),
        ("POST", "/tickets/{ticket}/transfer", {"counter": "9"}, 404),
        ("POST", "/tickets/{ticket}/start", {"color": "red"}, 422),
        ("POST", "/tickets/{ticket}/start", None, 409),
        ("POST", "/counters/{slug}-99/call-next", None, 404),
        ("POST", "/counters/9999-01/call-next", None, 404),
        ("POST", "/counters/%00/call-next", None, 400),
        ("POST", "/counters/-/call-next", None, 404),
        ("POST", "/counters/{counter}/quick-serve", {"service": "no.such"}, 404),
        ("POST", "/counters/{counter}/quick-serve", {}, 422),
        ("GET", "/malls/atlantis/board", None, 404),
        ("GET", "/malls/atlantis/board/live", None, 404),
        ("GET", "/malls/atlantis/lines", None, 404),
        ("GET", "/malls/%00/lines", None, 400),
        ("GET", "/malls/{slug}/board?date=yesterday", None, 422),
        ("POST", "/malls/atlantis/day/close", None, 404),
        ("POST", "/malls/{slug}/day/close?date=2031-03-04", None, 409),
        ("DELETE", "/tickets", None, 405),
        ("GET", "/nowhere", None, 404),
    ],
)
async def test_what_is_not_there_is_told_apart_from_failure(
    venue: Venue, method: str, path: str, body: Any, status: int
) -> None:
    ticket = await venue.ticket()
    names = {"ticket": ticket["id"], "slug": venue.slug, "counter": venue.counter(1)}
    path = path.format(**names)
    body = body and {name: value.format(**names) for name, value in body.items()}
    answer = await venue.ask(method, path, body, role="supervisor")
    assert problem(answer)[0] == status


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2031-03-02"])
async def test_any_day_can_be_looked_at(venue: Venue, day: str) -> None:
    for what in ("board", "lines"):
        answer = await venue.ask("GET", f"/malls/{venue.slug}/{what}", params={"date": day})
        assert answer.status_code == 200


@pytest.mark.parametrize("path", LIVE)
@pytest.mark.parametrize("last", ["yesterday", "-1", "1.5", "9" * 40, "٣"])
async def test_a_nonsense_last_event_id_is_refused(venue: Venue, path: str, last: str) -> None:
    ticket = await venue.ticket()
    where = path.format(slug=venue.slug, ticket=ticket["id"])
    answer = await venue.ask("GET", where, headers={b"Last-Event-ID": last.encode()})
    assert problem(answer) == (400, "malformed")


@pytest.mark.parametrize("given", ["1", "not-a-uuid", "a" * 5000])
async def test_a_key_that_is_no_uuid_is_refused(venue: Venue, given: str) -> None:
    assert problem(await venue.issue(key=given))[0] in (400, 431)


async def test_a_large_body_is_refused(venue: Venue) -> None:
    answer = await venue.ask("POST", "/tickets", content=b" " * (10 << 20))
    assert problem(answer) == (413, "too-large")
    assert (await venue.ticket())["number"] == "A001"


async def test_a_body_of_another_kind_is_refused(venue: Venue) -> None:
    answer = await venue.ask("POST", "/tickets", content=b"mall=x", headers={"Content-Type": "text/plain"})
    assert problem(answer)[0] in (400, 415)


async def leave(venue: Venue, share: float) -> None:
    """Send a part of a request for a ticket and go away."""
    body = orjson.dumps({"mall": venue.slug, "service": "a.1", "channel": "web"})
    head = (
        f"POST /api/queue/v1/tickets HTTP/1.1\r\nHost: queue\r\nContent-Type: application/json\r\n"
        f"Mpp-Time: {DAY.isoformat()}T08:00:00+08:00\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    whole = head.encode() + body
    _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(venue.url).port)
    writer.write(whole[: int(len(whole) * share)])
    await writer.drain()
    writer.transport.abort()


async def test_callers_who_leave_in_the_middle_harm_nobody(venue: Venue, house: House) -> None:
    leaving = asyncio.gather(*(leave(venue, share) for share in (0.3, 0.8, 0.99, 1.0) for _ in range(8)))
    answers = await asyncio.gather(*(venue.issue(key=uuid4()) for _ in range(40)))
    await leaving
    assert {answer.status_code for answer in answers} == {201}
    numbers = {answer.json()["number"] for answer in answers}
    assert len(numbers) == 40
    last = int((await venue.ticket())["number"][1:])
    assert 41 <= last <= 40 + 8 + 1  # only a request that was sent whole may have taken a number
    assert await house.verify() == []


async def test_a_page_that_leaves_harms_no_other(venue: Venue) -> None:
    async with venue.board() as stays:
        for _ in range(5):
            async with venue.board():
                pass
        await venue.ticket()
        await venue.call(1)
        await stays.until(lambda said: said.event == "call")
