"""Booking as an app does it, and check-in as the kiosk does it: by a code that anybody can verify."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from icalendar import Calendar
from pydantic import SecretStr

from mpp.eventsourcing.handler import Step
from queue_service import booking as b
from queue_service.codes import KIND, Code, CodeForged, Codes
from queue_service.mall import Hear

from .house import DAY, House, Venue, eventually, key

OpenMall = Callable[..., Awaitable[Venue]]
RULES = {"per_slot": 2, "days_ahead": 30, "closes_minutes": 30, "quotas": {"telegram": 1}}


def slot(clock: str = "09:00", day: date = DAY) -> str:
    return f"{day.isoformat()}T{clock}:00+08:00"


async def booked_mall(open_mall: OpenMall, **rules: Any) -> Venue:
    venue = await open_mall()
    answer = await venue.ask("PUT", f"/malls/{venue.slug}/lines/A/booking", RULES | rules, role="mall-admin")
    assert answer.status_code == 204, answer.text
    return venue


async def book(
    venue: Venue, when: str | None = None, *, who: str | None = None, **more: Any
) -> httpx.Response:
    body = {
        "mall": venue.slug,
        "service": "a.1",
        "slot": when or slot(),
        "channel": more.pop("channel", "mobile"),
    }
    body |= {name: more.pop(name) for name in ("hold", "citizen") if name in more}
    token = who or venue.token("citizen", malls=None)
    return await venue.ask("POST", "/bookings", body, token=token, **more)


async def made(venue: Venue, when: str | None = None, **more: Any) -> dict[str, Any]:
    answer = await book(venue, when, **more)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def check_in(venue: Venue, code: str, clock: str = "08:45:00", **more: Any) -> httpx.Response:
    return await venue.ask("POST", "/check-ins", {"code": code, "mall": venue.slug}, clock=clock, **more)


async def test_from_the_slots_to_the_number(open_mall: OpenMall, house: House) -> None:
    venue = await booked_mall(open_mall)
    asked = {"service": "a.1", "date": DAY.isoformat()}
    slots = await venue.get(f"/malls/{venue.slug}/slots", params=asked, clock="07:00:00")
    assert slots["line"] == "A" and slots["opens_at"].startswith("2031-02-01T08:00:00")
    assert slots["slots"][3] == {"slot": slot("09:00"), "left": 2, "takes": 2}
    me = venue.token("citizen", malls=None)
    booking = await made(venue, who=me, clock="07:00:00", key=key())
    assert booking["status"] == "booked" and booking["check_in_from"] == slot("08:30")
    slots = await venue.get(f"/malls/{venue.slug}/slots", params=asked, clock="07:00:00")
    assert slots["slots"][3]["left"] == 1
    here = await check_in(venue, booking["code"])
    assert here.status_code == 201, here.text
    ticket = here.json()
    assert (ticket["number"], ticket["slot"]) == ("A001", slot())
    (mine,) = await venue.get("/me/bookings", token=me)
    assert (mine["status"], mine["ticket"]) == ("used", ticket["id"])
    again = await check_in(venue, booking["code"])
    assert again.status_code == 409 and again.json()["type"].endswith("booking-used")
    assert await house.verify() == []


async def test_a_hold_is_confirmed_or_given_back(open_mall: OpenMall) -> None:
    venue = await booked_mall(open_mall)
    held = await made(venue, hold=True, clock="07:00:00")
    assert held["status"] == "held" and held["code"] is None and held["held_until"] == slot("07:05")
    said = {"secret": held["secret"]}
    confirmed = await venue.ask("POST", f"/bookings/{held['id']}/confirm", said, clock="07:04:00")
    assert confirmed.json()["status"] == "booked" and confirmed.json()["code"]
    late = await made(venue, hold=True, clock="07:05:00")
    gone = await venue.ask(
        "POST", f"/bookings/{late['id']}/confirm", {"secret": late["secret"]}, clock="07:11:00"
    )
    assert gone.status_code == 409 and gone.json()["type"].endswith("hold-expired")


async def test_moving_frees_the_old_slot_and_its_code_no_longer_counts(open_mall: OpenMall) -> None:
    venue = await booked_mall(open_mall)
    old = await made(venue, clock="07:00:00")
    tomorrow = slot("10:00", DAY + timedelta(days=1))
    body = {"secret": old["secret"], "slot": tomorrow}
    new = await venue.ask("POST", f"/bookings/{old['id']}/move", body, clock="07:01:00")
    assert new.status_code == 200 and new.json()["slot"] == tomorrow and new.json()["id"] != old["id"]
    refused = await check_in(venue, old["code"])
    assert refused.status_code == 409 and refused.json()["type"].endswith("booking-cancelled")
    assert (await check_in(venue, new.json()["code"])).json()["type"].endswith("other-day")
    full = [await made(venue, clock="07:02:00") for _ in range(2)]
    elsewhere = await made(venue, slot("10:30"), clock="07:02:00")
    body = {"secret": elsewhere["secret"], "slot": slot()}
    stays = await venue.ask("POST", f"/bookings/{elsewhere['id']}/move", body, clock="07:03:00")
    assert stays.status_code == 409 and stays.json()["type"].endswith("slot-full") and len(full) == 2
    shown = await venue.get(f"/bookings/{elsewhere['id']}", headers={"Mpp-Secret": elsewhere["secret"]})
    assert shown["status"] == "booked"  # who can't move keeps what he had


async def test_a_forged_a_foreign_and_a_cancelled_code_are_refused(open_mall: OpenMall, venue: Venue) -> None:
    mall = await booked_mall(open_mall)
    booking = await made(mall, clock="07:00:00")
    claims = jwt.decode(booking["code"], options={"verify_signature": False})
    head = jwt.get_unverified_header(booking["code"])
    forged = jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", head)
    for code in (forged, booking["code"][:-6] + "AAAAAA", "x", "a.b.c", mall.token("citizen")):
        answer = await check_in(mall, code)
        assert answer.status_code == 422 and answer.json()["type"].endswith("code-forged"), code
    foreign = await venue.ask("POST", "/check-ins", {"code": booking["code"], "mall": venue.slug})
    assert foreign.json()["type"].endswith("code-forged")
    gone = await mall.ask("POST", f"/bookings/{booking['id']}/cancel", {"secret": booking["secret"]})
    assert gone.json()["status"] == "cancelled" and gone.json()["code"] is None
    assert (await check_in(mall, booking["code"])).json()["type"].endswith("booking-cancelled")


async def test_anybody_verifies_a_code_with_the_published_key_alone(open_mall: OpenMall) -> None:
    venue = await booked_mall(open_mall)
    booking = await made(venue, clock="07:00:00")
    (published,) = (await venue.get("/bookings/keys"))["keys"]
    told = jwt.decode(booking["code"], jwt.PyJWK(published).key, ["EdDSA"])
    assert told == {
        "jti": booking["id"], "mall": venue.code, "service": "a.1",
        "slot": slot()[:16] + "+08:00", "channel": "mobile",
    }  # fmt: skip
    assert jwt.get_unverified_header(booking["code"])["typ"] == KIND
    assert len(booking["code"]) < 500  # fits a QR code that a phone shows


async def test_a_mall_that_was_never_told_of_a_booking_believes_the_signature(
    open_mall: OpenMall, house: House
) -> None:
    """As on a mall's own node whose link is down; a cancellation it did not hear of can't count there."""
    venue = await booked_mall(open_mall)
    at = datetime.fromisoformat(slot())
    stranger = Code(uuid4(), venue.code, "a.1", at, "portal")
    answer = await check_in(venue, house.desk.codes.sign(stranger))
    assert answer.status_code == 201 and answer.json()["slot"] == slot()
    assert (await check_in(venue, house.desk.codes.sign(stranger))).status_code == 409


def test_a_node_trusts_the_keys_it_was_told_of() -> None:
    national, node = Codes(SecretStr("11" * 32)), Codes(SecretStr("22" * 32))
    code = Code(uuid4(), "7406", "a.1", datetime(2031, 3, 3, 9, tzinfo=UTC), "web")
    with pytest.raises(CodeForged):
        node.read(national.sign(code))
    assert Codes(SecretStr("22" * 32), [national.jwks[0]]).read(national.sign(code)) == code


async def test_early_and_late_are_told_when(open_mall: OpenMall) -> None:
    venue = await booked_mall(open_mall)
    booking = await made(venue, clock="07:00:00")
    early = (await check_in(venue, booking["code"], "08:29:00")).json()
    assert early["type"].endswith("check-in-early") and early["opens_at"].startswith("2031-03-03T08:30:00")
    late = (await check_in(venue, booking["code"], "09:16:00")).json()
    assert late["type"].endswith("check-in-late")
    assert (await venue.issue(clock="09:16:00")).status_code == 201  # a walk-in's number is still there


async def test_who_may_book_and_who_may_look(open_mall: OpenMall) -> None:
    venue = await booked_mall(open_mall)
    nobody = await venue.ask(
        "POST", "/bookings", {"mall": venue.slug, "service": "a.1", "slot": slot(), "channel": "web"}
    )
    assert nobody.status_code == 401
    portal = venue.mint.token("system")
    assert (await book(venue, channel="portal")).status_code == 403
    assert (
        await book(venue, channel="portal", who=portal, clock="07:00:00")
    ).status_code == 401  # for nobody
    theirs = await made(venue, channel="portal", who=portal, citizen=str(uuid4()), clock="07:00:00")
    assert (await venue.ask("GET", f"/bookings/{theirs['id']}")).status_code == 401
    other = venue.token("citizen", malls=None)
    assert (await venue.ask("GET", f"/bookings/{theirs['id']}", token=other)).status_code == 403
    assert (await venue.ask("GET", f"/bookings/{theirs['id']}", role="officer")).status_code == 200
    wrong = {"Mpp-Secret": "x" * 24}
    assert (await venue.ask("GET", f"/bookings/{theirs['id']}", headers=wrong)).status_code == 401
    assert (await venue.ask("GET", f"/bookings/{uuid4()}", role="officer")).status_code == 404


async def test_a_persons_limit_and_a_channels_quota(open_mall: OpenMall) -> None:
    venue = await booked_mall(open_mall, per_slot=9)
    me = venue.token("citizen", malls=None)
    for clock in ("09:00", "10:00"):
        await made(venue, slot(clock), who=me, clock="07:00:00")
    third = await book(venue, slot("11:00"), who=me, clock="07:00:00")
    assert third.status_code == 409 and third.json()["type"].endswith("person-limit")
    await made(venue, channel="telegram", clock="07:00:00")
    second = await book(venue, channel="telegram", clock="07:00:00")
    assert second.json()["type"].endswith("channel-used-up")


async def test_the_calendar_entry_is_read_by_calendars(open_mall: OpenMall) -> None:
    venue = await booked_mall(open_mall)
    booking = await made(venue, clock="07:00:00")
    said = {"Mpp-Secret": booking["secret"]}
    answer = await venue.ask("GET", f"/bookings/{booking['id']}/calendar.ics", headers=said)
    assert answer.headers["content-type"].startswith("text/calendar")
    (entry,) = Calendar.from_ical(answer.text).walk("VEVENT")
    assert entry.decoded("dtstart") == datetime.fromisoformat(slot())
    assert entry.decoded("dtend") - entry.decoded("dtstart") == timedelta(minutes=30)
    assert "Check-in pukul 08.30-09.15" in str(entry["description"]) and str(entry["uid"]).startswith(
        booking["id"]
    )


async def test_the_same_key_gives_the_same_booking(open_mall: OpenMall) -> None:
    venue = await booked_mall(open_mall)
    me, once = venue.token("citizen", malls=None), key()
    both = [await made(venue, who=me, key=once, clock="07:00:00") for _ in range(2)]
    assert both[0]["id"] == both[1]["id"]


async def test_many_at_once_never_oversell_a_slot(open_mall: OpenMall, house: House) -> None:
    venue = await booked_mall(open_mall, per_slot=7)
    tokens = [venue.token("citizen", malls=None) for _ in range(60)]
    answers = await asyncio.gather(*(book(venue, who=token, clock="07:00:00") for token in tokens))
    assert sorted(answer.status_code for answer in answers) == [201] * 7 + [409] * 53
    assert {a.json()["type"].rpartition(":")[2] for a in answers if a.status_code == 409} == {"slot-full"}
    assert await house.verify() == []


async def test_the_hall_keeps_the_places_of_those_who_booked(open_mall: OpenMall) -> None:
    venue = await open_mall(capacity=2)
    rules = RULES | {"per_slot": None, "slot_minutes": 480, "walk_in_share": 0.5}
    await venue.ask("PUT", f"/malls/{venue.slug}/lines/A/booking", rules, role="mall-admin")
    await made(venue, slot("07:30"), clock="06:00:00")
    await venue.ticket(clock="07:30:00")
    full = await venue.issue(clock="07:31:00")
    assert full.json()["type"].endswith("line-full") and full.json()["kept_for_bookings"] == 1
    (line, _) = (await venue.get(f"/malls/{venue.slug}/lines", clock="07:31:00"))["items"]
    assert (line["left"], line["reason"]) == (0, "full")
    assert (await venue.issue(clock="07:46:00")).status_code == 201  # too late for a check-in


async def test_a_slot_that_is_withdrawn_gives_its_bookings_back(open_mall: OpenMall, house: House) -> None:
    venue = await booked_mall(open_mall)
    booking = await made(venue, clock="07:00:00")
    closed = Hear("day", DAY.isoformat(), {"hours": None, "reason": "flood"})
    await house.running.handle.all([Step(f"mall-{venue.code}", closed)])

    async def status() -> str:
        shown = await venue.get(f"/bookings/{booking['id']}", headers={"Mpp-Secret": booking["secret"]})
        return str(shown["status"])

    assert await eventually(status, lambda now: now == "cancelled") == "cancelled"
    state: b.SlotDay = (await house.desk.folds.read(house.running.reader, b.stream_of(venue.code, DAY))).state
    assert state.offered and state.offered.closed == "flood"
    assert json.dumps(house.desk.codes.jwks).count('"d"') == 0  # never the private key
