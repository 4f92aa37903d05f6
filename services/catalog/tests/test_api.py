"""The catalog over HTTP: what anybody may read, and who may change what."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

Client = Callable[..., httpx.AsyncClient]


async def test_the_three_malls_are_listed_page_by_page(client: Client) -> None:
    first = (await client().get("/malls", params={"limit": 2})).json()
    rest = (await client().get("/malls", params={"cursor": first["next"], "limit": 500})).json()
    codes = [mall["code"] for mall in first["items"] + rest["items"]]
    assert {"1671", "3271", "7406"} <= set(codes) and codes == sorted(codes)
    assert rest["next"] is None


@pytest.mark.parametrize("name", ["bombana", "7406"])
async def test_a_mall_is_found_by_slug_and_by_code(client: Client, name: str) -> None:
    answer = await client().get(f"/malls/{name}")
    mall = answer.json()
    assert (mall["slug"], mall["code"], mall["timezone"]) == ("bombana", "7406", "Asia/Makassar")
    assert mall["hours"][0] == {"opens": "07:30:00", "closes": "16:00:00", "last_ticket": "15:30:00"}
    assert mall["hours"][5:] == [None, None]
    assert mall["today"]["state"] == "open" and mall["today"]["date"] == "2026-11-23"
    assert answer.headers["etag"] == f'"{mall["version"]}"'


async def test_an_unknown_mall_is_a_clear_problem(client: Client) -> None:
    answer = await client().get("/malls/atlantis")
    assert answer.status_code == 404 and answer.json()["type"] == "urn:mpp:problem:no-such-mall"


async def test_services_tell_their_line_and_the_pages_together_are_all(client: Client) -> None:
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        query = {"limit": 50} | ({"cursor": cursor} if cursor else {})
        page = (await client().get("/malls/bombana/services", params=query)).json()
        items, cursor = items + page["items"], page["next"]
        if cursor is None:
            break
    assert len({item["code"] for item in items}) == len(items) == 156
    assert all(item["line"] and item["minutes"] > 0 for item in items)


async def test_a_service_is_read_under_any_version_of_its_standard(client: Client) -> None:
    admin = client("mall-admin", malls=["1671"])
    path = "/malls/palembang/services/imigrasi.paspor"
    before = (await client().get(path)).json()
    body = {key: before[key] for key in ("agency", "title")} | {
        "standard": before["standard"] | {"minutes": 99}
    }
    assert (await admin.put(path, json=body)).json()["changes"] == 1
    now, then = (await client().get(path)).json(), (await client().get(path, params={"standard": 1})).json()
    assert (now["version"], now["standard"]["minutes"], now["versions"]) == (2, 99, [1, 2])
    assert (then["version"], then["standard"]) == (1, before["standard"])
    missing = await client().get(path, params={"standard": 3})
    assert missing.status_code == 404


async def test_lines_counters_and_agencies_are_listed(client: Client) -> None:
    lines = (await client().get("/malls/palembang/lines")).json()["items"]
    assert [line["line"] for line in lines][24:28] == ["Y", "Z", "AA", "AB"]
    counters = (await client().get("/malls/3271/counters")).json()["items"]
    assert (
        counters[0]["id"] == "3271-01"
        and counters[0]["title"] == "Loket 1"
        and counters[0]["lines"] == ["A", "B"]
    )
    agencies = (await client().get("/malls/bombana/agencies")).json()["items"]
    assert len(agencies) == 14 and sum(agency["services"] for agency in agencies) == 156


async def test_the_days_of_a_mall_follow_week_holidays_and_overrides(client: Client) -> None:
    admin = client("mall-admin", malls=["3271"])
    short = {"hours": {"opens": "08:00", "closes": "11:00"}, "reason": "year-end"}
    assert (await admin.put("/malls/3271/days/2026-12-31", json=short)).status_code == 200
    days = (await client().get("/malls/3271/days", params={"from": "2026-12-24", "days": 9})).json()["items"]
    by_date = {day["date"]: day for day in days}
    assert by_date["2026-12-24"]["holiday"] == "Cuti Bersama Hari Raya Natal"
    assert by_date["2026-12-26"]["hours"] is None and by_date["2026-12-26"]["why"] == "week"
    assert by_date["2026-12-31"]["hours"]["last_ticket"] == "11:00:00"
    assert by_date["2027-01-01"]["why"] == "holiday"
    assert (await admin.delete("/malls/3271/days/2026-12-31")).status_code == 200
    assert (await admin.delete("/malls/3271/days/2026-12-31")).status_code == 404


async def test_the_last_day_of_the_calendar_is_no_trap(client: Client) -> None:
    answer = await client().get("/malls/3271/days", params={"from": "9999-12-30", "days": 400})
    assert [day["date"] for day in answer.json()["items"]] == ["9999-12-30", "9999-12-31"]


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ({}, 401),
        ({"role": "officer", "malls": ["7406"]}, 403),
        ({"role": "supervisor", "malls": ["3271"]}, 403),
        ({"role": "supervisor", "malls": ["7406"]}, 200),
        ({"role": "supervisor", "malls": ["7406"], "agencies": ["samsat"]}, 403),
        ({"role": "supervisor", "malls": ["7406"], "agencies": ["disdukcapil"]}, 200),
        ({"role": "mall-admin", "malls": ["7406"]}, 200),
        ({"role": "national-admin"}, 200),
    ],
)
async def test_a_line_is_closed_by_those_who_keep_it(
    client: Client, who: dict[str, Any], status: int
) -> None:
    keeper = client(**who)
    answer = await keeper.post("/malls/bombana/lines/A/close", json={"reason": "network-down"})
    assert answer.status_code == status
    if status == 200:
        lines = (await keeper.get("/malls/bombana/lines")).json()["items"]
        assert lines[0]["closed"] == "network-down"
        assert (await keeper.post("/malls/bombana/lines/A/open")).status_code == 200
        assert (await keeper.get("/malls/bombana/lines")).json()["items"][0]["closed"] is None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/malls/bombana/hours", {"week": [None] * 7}),
        ("PUT", "/malls/bombana/lines/A", {"title": "A"}),
        ("PUT", "/malls/bombana/counters/7406-01", {"title": "Loket 1"}),
        ("PUT", "/malls/bombana/days/2026-12-31", {"reason": "x"}),
        ("DELETE", "/malls/bombana/services/adminduk.ktp-baru", None),
        ("POST", "/malls/import?mall=bombana", None),
    ],
)
async def test_a_supervisor_and_another_malls_admin_change_nothing_else(
    client: Client, method: str, path: str, body: Any
) -> None:
    headers = {"Content-Type": "text/csv"} if "import" in path else {}
    content: dict[str, Any] = {"content": b"code,agency,title,minutes\n"} if headers else {"json": body}
    for who in (client("supervisor", malls=["7406"]), client("mall-admin", malls=["3271"])):
        assert (await who.request(method, path, headers=headers, **content)).status_code == 403


async def test_an_admin_of_one_agency_leaves_the_others_alone(client: Client) -> None:
    samsat = client("mall-admin", malls=["7406"], agencies=["samsat"])
    standard = {"agency": "samsat", "title": "Cek fisik", "standard": {"minutes": 5}}
    assert (await samsat.put("/malls/7406/services/samsat.cek-fisik", json=standard)).status_code == 200
    assert (await samsat.put("/malls/7406/services/adminduk.ktp-baru", json=standard)).status_code == 403
    assert (await samsat.put("/malls/7406/hours", json={"week": [None] * 7})).status_code == 403
    assert (await samsat.delete("/malls/7406/services/samsat.cek-fisik")).status_code == 200


async def test_a_national_admin_makes_a_mall_and_nobody_else_does(client: Client) -> None:
    body = {"slug": "kendari", "title": "MPP Kendari", "region": "Kota Kendari", "timezone": "Asia/Makassar"}
    local = client("mall-admin", malls=["7471"])
    assert (await local.put("/malls/7471", json=body)).status_code == 403
    national = client("national-admin")
    key = {"Idempotency-Key": str(uuid4())}
    made, again = [await national.put("/malls/7471", json=body, headers=key) for _ in range(2)]
    assert (made.status_code, made.json()) == (201, again.json()) and again.status_code == 201
    assert (await local.put("/malls/kendari", json=body | {"title": "MPP Kota Kendari"})).status_code == 200
    taken = await national.put("/malls/7472", json=body)
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:mpp:problem:slug-taken")
    assert (await national.put("/malls/nowhere", json=body | {"slug": "x"})).status_code == 404
    days = (await local.get("/malls/kendari/days", params={"from": "2027-01-01", "days": 1})).json()["items"]
    assert days[0]["holiday"] == "Tahun Baru Masehi"


async def test_a_change_based_on_an_old_version_is_refused(client: Client) -> None:
    admin = client("mall-admin", malls=["3271"])
    tag = (await admin.get("/malls/3271")).headers["etag"]
    change = {"title": "Samsat Kota Bogor"}
    first = await admin.put("/malls/3271/agencies/samsat", json=change, headers={"If-Match": tag})
    assert first.status_code == 200 and first.headers["etag"] != tag
    late = await admin.put("/malls/3271/agencies/samsat", json=change, headers={"If-Match": tag})
    assert (late.status_code, late.json()["type"]) == (412, "urn:mpp:problem:version-mismatch")


async def test_a_repeated_key_gets_the_first_answer_and_another_request_under_it_is_refused(
    client: Client,
) -> None:
    admin = client("mall-admin", malls=["3271"], subject=str(uuid4()))
    headers = {"Idempotency-Key": str(uuid4())}
    path = "/malls/3271/days/2026-12-30"
    first = await admin.put(path, json={"reason": "flood"}, headers=headers)
    again = await admin.put(path, json={"reason": "flood"}, headers=headers)
    other = await admin.put(path, json={"reason": "fire"}, headers=headers)
    assert (first.json(), first.status_code) == (again.json(), again.status_code)
    assert (other.status_code, other.json()["type"]) == (422, "urn:mpp:problem:key-reused")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/malls/bombana/lines/a", {"title": "A"}),
        ("/malls/bombana/lines/A", {"title": ""}),
        ("/malls/bombana/lines/A", {"title": "A", "quotas": {"fax": 1}}),
        ("/malls/bombana/lines/A", {"title": "A", "services": ["no.such"]}),
        ("/malls/bombana/counters/3271-01", {"title": "Loket 1"}),
        ("/malls/bombana/hours", {"week": [None]}),
        ("/malls/bombana/holidays/1066", {}),
        ("/malls/bombana/holidays/2026", {"days": {"2027-01-01": "x"}}),
        ("/malls/bombana/days/yesterday", {"reason": "x"}),
        ("/malls/bombana/services/UPPER", {"agency": "samsat", "title": "x", "standard": {"minutes": 5}}),
        ("/malls/bombana/services/a.b", {"agency": "samsat", "title": "x", "standard": {"minutes": 0}}),
        ("/malls/bombana", {"slug": "Bombana!", "title": "x", "region": "x", "timezone": "Asia/Makassar"}),
    ],
)
async def test_what_makes_no_sense_is_told_apart_from_failure(client: Client, path: str, body: Any) -> None:
    answer = await client("mall-admin", malls=["7406"]).put(path, json=body)
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"


async def test_holidays_of_a_year_come_from_the_national_calendar_or_by_hand(client: Client) -> None:
    admin, path = client("mall-admin", malls=["1671"]), "/malls/1671/holidays/2030"
    assert (await admin.put(path)).json()["changes"] == 1
    assert (await admin.put(path)).json()["changes"] == 0
    by_hand = {"days": {"2030-06-17": "Hari Jadi Palembang"}}
    assert (await admin.put(path, json=by_hand)).json()["changes"] == 1
    day = (await admin.get("/malls/1671/days", params={"from": "2030-06-17", "days": 1})).json()["items"][0]
    assert day["holiday"] == "Hari Jadi Palembang"
