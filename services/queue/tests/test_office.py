"""Those who lead a mall set its rules, pause it, speak to those who wait; those at counters sit down."""

from typing import Any

import pytest

from .house import Venue, eventually, key


async def put(venue: Venue, path: str, body: Any, role: str = "mall-admin") -> None:
    answer = await venue.ask("PUT", f"/malls/{venue.slug}{path}", body, role=role)
    assert answer.status_code == 204, answer.text


async def lines(venue: Venue) -> dict[str, Any]:
    found = (await venue.get(f"/malls/{venue.slug}/lines"))["items"]
    return {line["line"]: line for line in found}


async def test_what_was_set_is_shown_to_the_staff(venue: Venue) -> None:
    counter = venue.counter(1)
    await put(venue, "/rules", {"rejoin_minutes": 45, "bookings_per_person": 1})
    await put(
        venue,
        f"/counters/{counter}/profile",
        {"mode": "order", "order": ["A"], "breaks": [["12:00", "13:00"]]},
    )
    await put(venue, "/lines/A/booking", {"slot_minutes": 20})
    shown = await venue.get(f"/malls/{venue.slug}/settings", role="officer")
    assert shown["rules"]["rejoin_minutes"] == 45 and shown["rules"]["ranks"]["elderly"] == 0
    assert shown["profiles"][counter]["breaks"] == [["12:00:00", "13:00:00"]]
    assert shown["booking"]["A"]["slot_minutes"] == 20 and shown["pauses"] == {}
    await venue.ask("DELETE", f"/malls/{venue.slug}/lines/A/booking", role="mall-admin")
    assert (await venue.get(f"/malls/{venue.slug}/settings", role="officer"))["booking"] == {}


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/lines/Z/booking", {}, 404, "unknown-line"),
        ("/lines/A/booking", {"slot_minutes": 1}, 422, "invalid"),
        ("/counters/none/profile", {}, 404, "unknown-counter"),
        ("/counters/{counter}/profile", {"mode": "chaos"}, 422, "invalid"),
        ("/counters/{counter}/profile", {"order": ["Z"]}, 404, "unknown-line"),
        ("/counters/{counter}/profile", {"mode": "ratio", "ratio": {"A": 0}}, 422, "invalid"),
        ("/rules", {"rejoins": -1}, 422, "invalid"),
        ("/pause", {"reason": "Banjir besar!"}, 422, "invalid"),
        ("/lines/Z/pause", {}, 404, "unknown-line"),
    ],
)
async def test_nonsense_is_not_set(venue: Venue, path: str, body: Any, status: int, code: str) -> None:
    path = f"/malls/{venue.slug}{path.format(counter=venue.counter(1))}"
    answer = await venue.ask("PUT", path, body, role="mall-admin")
    assert answer.status_code == status and answer.json()["type"].endswith(code)


async def test_a_pause_by_hand_is_seen_by_every_client_and_ends_by_itself(venue: Venue) -> None:
    await venue.ticket()
    async with venue.board() as board:
        until = {"reason": "printer", "until": "2031-03-03T09:00:00+08:00"}
        await put(venue, "/lines/A/pause", until, "supervisor")
        await board.until(lambda said: said.event == "lines" and said.data[0]["reason"] == "paused")
        told = await lines(venue)
        assert told["A"]["open"] is False and told["B"]["open"] is True
        refused = await venue.issue()
        assert refused.status_code == 409 and refused.json()["reason"] == "printer"
        assert (await venue.issue(clock="09:00:01")).status_code == 201
    await venue.ask("DELETE", f"/malls/{venue.slug}/lines/A/pause", role="supervisor")
    await put(venue, "/pause", {"reason": "fire-drill"}, "supervisor")
    both = await eventually(lambda: lines(venue), lambda now: now["B"]["reason"] == "paused")
    assert both["A"]["reason"] == "paused"
    await venue.ask("DELETE", f"/malls/{venue.slug}/pause", role="supervisor")
    assert (await eventually(lambda: lines(venue), lambda now: now["A"]["open"]))["B"]["open"]


async def test_a_message_is_heard_on_the_page_of_whom_it_is_for(venue: Venue) -> None:
    here, there = await venue.ticket(), await venue.ticket("b.1")
    late = {"kind": "delayed", "minutes": 30, "line": "A"}
    async with venue.board() as board, venue.page(f"/tickets/{here['id']}/live") as page:
        sent = await venue.ask("POST", f"/malls/{venue.slug}/messages", late, role="officer", key=key())
        assert sent.status_code == 201
        shown = await board.until(lambda said: said.event == "message")
        assert (shown.data["id"], shown.data["line"]) == (sent.json()["id"], "A")
        await page.until(lambda said: [each["id"] for each in said.data["messages"]] == [sent.json()["id"]])
    (on_board,) = (await venue.get(f"/malls/{venue.slug}/board"))["messages"]
    assert on_board["minutes"] == 30
    (said,) = (await venue.get(f"/tickets/{here['id']}"))["messages"]
    assert (said["id"], said["kind"], said["minutes"]) == (sent.json()["id"], "delayed", 30)
    assert (await venue.get(f"/tickets/{there['id']}"))["messages"] == []
    assert (await venue.get(f"/tickets/{here['id']}", clock="09:00:00"))["messages"] == []


async def test_an_officer_sits_down_pauses_and_leaves(venue: Venue) -> None:
    path = f"/counters/{venue.counter(1)}"
    seat = await venue.ask("POST", f"{path}/sit-down", {"skills": ["a.1"]}, role="officer")
    assert seat.json() == {
        "counter": venue.counter(1),
        "staffed": True,
        "skills": ["a.1"],
        "paused": None,
        "until": None,
    }
    until = "2031-03-03T13:00:00+08:00"
    paused = await venue.ask("POST", f"{path}/pause", {"reason": "lunch", "until": until}, role="officer")
    assert (paused.json()["paused"], paused.json()["until"]) == ("lunch", until)
    await venue.ticket()
    assert (await venue.call(1)).status_code == 200
    busy = await venue.ask("POST", f"{path}/leave", role="officer")
    assert busy.status_code == 409 and busy.json()["type"].endswith("counter-busy")
    past = await venue.ask("POST", f"{path}/pause", {"until": "2031-03-03T08:00:00+08:00"}, role="officer")
    assert past.status_code == 422
    unknown = await venue.ask("POST", f"{path}/sit-down", {"skills": ["none"]}, role="officer")
    assert unknown.status_code == 404


async def test_a_visit_over_http_and_why_it_was_called(venue: Venue) -> None:
    wanted = {"mall": venue.slug, "service": "a.1", "also": ["b.1"], "channel": "web"}
    ticket = (await venue.ask("POST", "/tickets", wanted)).json()
    assert [(step["service"], step["status"], step["position"]) for step in ticket["journey"]] == [
        ("a.1", "waiting", 1),
        ("b.1", "waiting", 1),
    ]
    said = {"secret": ticket["secret"]}
    near = await venue.ask("POST", f"/tickets/{ticket['id']}/near", said | {"nth": 3})
    assert near.json()["near"] is None  # it is near already, and was told
    called = (await venue.call(1, clock="08:40:00")).json()
    assert called["why"]["en"] == "A001 was called because it waited longest in line A: 10 minutes."
    await venue.act(ticket, "start", clock="08:41:00")
    onward = await venue.act(ticket, "complete", clock="08:45:00")
    assert [step["status"] for step in onward.json()["journey"]] == ["completed", "waiting"]
    assert (await venue.call(4, clock="08:46:00")).json()["number"] == "A001"
    await venue.act(ticket, "start", clock="08:46:00")
    done = (await venue.act(ticket, "complete", clock="08:50:00")).json()
    assert done["status"] == "completed" and [step["status"] for step in done["journey"]] == ["completed"] * 2
