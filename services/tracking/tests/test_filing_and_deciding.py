"""Over HTTP: repeats, versions, supervisors' steps, a clock that stands, and silence that grants."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from mpp.service import Running
from mpp.testing.installed import Client
from tracking_service.scheduler import Scheduler

from .conftest import KNOWN, MALL, MONDAY, Person

PDF = b"%PDF-1.7\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(200) + b"\xff\xd9"
LICENCE = {"profession": "nurse", "registration": "STR-12", "place": "Puskesmas Rumbia"}
START = datetime.fromisoformat(MONDAY)


@pytest.fixture
def dpmptsp(client: Client) -> httpx.AsyncClient:
    return client("officer", malls=[MALL], agencies=["dpmptsp"])


async def a_licence(person: Person) -> str:
    """Filed with everything; the address of the application."""
    await person.opens("ptsp.sip-nakes")
    path = f"/applications/{person.application}"
    answers = {"answers": KNOWN | LICENCE}
    assert (await person.http.put(f"{path}/answers", json=answers)).status_code == 204
    for kind, content in {"str": PDF, "diploma": PDF, "place": PDF, "photo": JPEG}.items():
        put = await person.http.put(f"{path}/documents/{kind}", content=content)
        assert put.status_code == 201, put.text
    submitted = await person.submits()
    assert submitted.status_code == 204, submitted.text
    return path


async def acted(officer: httpx.AsyncClient, path: str, action: str, **said: Any) -> httpx.Response:
    return await officer.post(f"{path}/office/{action}", json=said)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


async def test_a_repeated_request_opens_one_application(person: Person) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    wish = {"mall": "bombana", "service": "adminduk.ktp-cetak-ulang"}
    first, second = [await person.http.post("/applications", json=wish, headers=key) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    other = await person.http.post("/applications", json=wish | {"service": "x"}, headers=key)
    assert other.status_code in (404, 422)
    assert len((await person.http.get("/me/applications")).json()["items"]) == 1


async def test_only_what_the_mall_offers_and_a_process_decides_is_opened(person: Person) -> None:
    wish = {"mall": "bombana", "service": "ptsp.nib"}
    assert code(await person.http.post("/applications", json=wish)) == (404, "unknown-service")
    nowhere = wish | {"mall": "9999"}
    assert code(await person.http.post("/applications", json=nowhere)) == (404, "unknown-mall")


async def test_a_citizen_files_for_nobody_else_and_an_officer_only_for_people_of_their_agency(
    person: Person, client: Client, dpmptsp: httpx.AsyncClient
) -> None:
    wish = {"mall": "bombana", "service": "adminduk.ktp-cetak-ulang"}
    applicant = {"applicant": {"name": "La Ode", "phone": "+628111112222"}}
    assert code(await person.http.post("/applications", json=wish | applicant)) == (403, "forbidden")
    assert (await dpmptsp.post("/applications", json=wish | applicant)).status_code == 403
    assert (await client().post("/applications", json=wish)).status_code == 401
    assert (await client("kiosk").post("/applications", json=wish)).status_code == 403


async def test_answers_based_on_an_older_version_do_not_replace_newer_ones(person: Person) -> None:
    await person.opens()
    seen = (await person.http.get(f"/applications/{person.application}")).headers["etag"]
    path, old = f"/applications/{person.application}/answers", {"If-Match": seen}
    assert (await person.http.put(path, json={"answers": KNOWN}, headers=old)).status_code == 204
    stale = await person.http.put(path, json={"answers": {"name": "Wati"}}, headers=old)
    assert stale.status_code == 412
    assert (await person.sees())["answers"] == KNOWN


async def test_a_form_is_filled_in_little_by_little_and_judged_whole_when_it_is_handed_in(
    person: Person,
) -> None:
    await person.opens()
    path = f"/applications/{person.application}"
    half = {"answers": {"name": "Siti"}}
    assert (await person.http.put(f"{path}/answers", json=half)).status_code == 204
    await person.http.put(f"{path}/documents/kk", content=PDF)
    refused = await person.submits()
    assert code(refused) == (422, "answers-wrong")
    assert {error["rule"] for error in refused.json()["errors"]} == {"required"}
    assert (await person.answers()).status_code == 204
    assert (await person.submits()).status_code == 204
    assert code(await person.answers()) == (409, "application-elsewhere")


async def test_a_supervisor_s_step_is_refused_to_an_officer(
    person: Person, dpmptsp: httpx.AsyncClient, client: Client
) -> None:
    path = await a_licence(person)
    assert (await acted(dpmptsp, path, "declare-complete")).status_code == 204
    assert code(await acted(dpmptsp, path, "approve")) == (409, "step-not-allowed")
    for step in ("assessment", "decision"):
        assert (await acted(dpmptsp, path, "step", step=step)).status_code == 204
    assert code(await acted(dpmptsp, path, "approve")) == (403, "supervisors-step")
    assert (await person.sees())["allowed"] == ["approved", "rejected"]
    supervisor = client("supervisor", malls=[MALL], agencies=["dpmptsp"])
    assert (await acted(supervisor, path, "approve")).status_code == 204


async def test_a_failure_at_the_agency_stops_the_clock(person: Person, dpmptsp: httpx.AsyncClient) -> None:
    path = await a_licence(person)
    await acted(dpmptsp, path, "declare-complete")
    due = (await person.sees())["due"]
    assert due == "2026-11-26T00:00:00+08:00"  # two working days after Monday for the first step
    assert code(await acted(dpmptsp, path, "pause")) == (422, "words-missing")
    assert (await acted(dpmptsp, path, "pause", delay="network-failure")).status_code == 204
    shown = await person.sees()
    assert (shown["status"], shown["due"]) == ("paused", None)
    later = {"Mpp-Time": (START + timedelta(days=2)).isoformat()}
    resume = await dpmptsp.post(f"{path}/office/resume", json={}, headers=later)
    assert resume.status_code == 204
    assert (await person.sees())["due"] == "2026-11-27T00:00:00+08:00"  # Tuesday does not count


async def test_silence_is_said_to_come_near_and_then_grants(
    person: Person, dpmptsp: httpx.AsyncClient, running: Running
) -> None:
    path = await a_licence(person)
    await acted(dpmptsp, path, "declare-complete")
    scheduler = Scheduler()
    law = datetime(2026, 11, 30, 16, tzinfo=UTC)  # midnight in Bombana after five working days
    await scheduler.look(running, law - timedelta(seconds=1))
    shown = await person.sees()
    assert shown["status"] == "in-progress" and shown["overdue"]  # of its step
    for _ in range(2):
        await scheduler.look(running, law)
    shown = await person.sees()
    assert shown["status"] == "deemed-granted"
    happened = [entry["happened"] for entry in shown["history"]]
    assert happened.count("deemed-granted") == 1
    product = await dpmptsp.put(f"{path}/product", content=PDF)
    assert product.status_code == 201, product.text
    assert (await person.sees())["outcome"] == "deemed-granted"


async def test_an_application_is_decided_by_the_version_it_was_opened_under(
    person: Person, client: Client, officer: httpx.AsyncClient
) -> None:
    admin = client("national-admin")
    shown = (await admin.get("/processes/skck")).json()
    await person.opens("polri.skck-baru")
    changed = process_of(shown, documents=[])
    answer = await admin.put("/processes/skck", json=changed)
    assert answer.status_code == 204, answer.text
    assert (await admin.get("/processes/skck")).json()["version"] == shown["version"] + 1
    path = f"/applications/{person.application}"
    told = {"answers": KNOWN | {"birth_date": "1990-07-01", "purpose": "work"}}
    assert (await person.http.put(f"{path}/answers", json=told)).status_code == 204
    refused = await person.submits()
    assert refused.json()["missing"] == ["ktp", "kk", "photo"]


def process_of(shown: dict[str, Any], **differs: Any) -> dict[str, Any]:
    """A process as it is put, from what is shown of it and a single step."""
    step = {"code": "check", "title": shown["title"], "leads_to": ["approved", "rejected"]}
    kept = {name: value for name, value in shown.items() if name != "version"}
    return kept | {"steps": [step]} | differs
