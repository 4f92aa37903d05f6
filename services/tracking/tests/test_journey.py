"""An application over HTTP: from the draft to the product, and everything that is refused on the way."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from mpp.service import Running
from mpp.testing.installed import Client
from tracking_service import queries
from tracking_service.erasure import forgetting

from .conftest import KNOWN, MALL, MONDAY, Person

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n\x00\xff"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def office(officer: httpx.AsyncClient, person: Person) -> Any:
    async def act(action: str, status: int = 204, **said: Any) -> httpx.Response:
        answer = await officer.post(f"/applications/{person.application}/office/{action}", json=said)
        assert answer.status_code == status, answer.text
        return answer

    return act


async def attached(person: Person, kind: str = "kk", content: bytes = PDF) -> httpx.Response:
    return await person.http.put(f"/applications/{person.application}/documents/{kind}", content=content)


async def filed(person: Person) -> None:
    await person.opens()
    assert (await person.answers()).status_code == 204
    assert (await attached(person)).status_code == 201
    assert (await person.submits()).status_code == 204


async def fetched(http: httpx.AsyncClient, person: Person, document: str) -> httpx.Response:
    link = await http.get(f"/applications/{person.application}/documents/{document}/link")
    assert link.status_code == 200, link.text
    return await http.get(str(http.base_url.copy_with(path="/")) + link.json()["url"].lstrip("/"))


async def test_from_the_draft_to_the_product(person: Person, officer: httpx.AsyncClient) -> None:
    act = office(officer, person)
    await filed(person)
    listed = (await officer.get("/malls/bombana/worklist")).json()["items"]
    assert person.application in {row["id"] for row in listed}
    await act("claim")
    await act("send-back", reasons=["document-unreadable:kk"], text="Foto Kartu Keluarga buram")
    shown = await person.sees()
    assert (shown["status"], shown["due"]) == ("sent-back", None)
    assert shown["history"][-1]["reasons"] == ["document-unreadable:kk"]
    assert shown["history"][-1]["words"] == "Foto Kartu Keluarga buram"

    assert (await attached(person, content=PNG)).status_code == 201
    assert (await person.submits()).status_code == 204
    await act("declare-complete")
    shown = await person.sees()
    assert (shown["status"], shown["step"]) == ("in-progress", "verification")
    assert shown["due"] == "2026-11-23T17:00:00+08:00"  # eight hours for the first step
    await act("step", step="printing")
    assert (await person.sees())["due"] == "2026-11-24T09:00:00+08:00"  # 24 hours in all
    await act("approve")
    assert (await person.sees())["status"] == "approved"
    issued = await officer.put(f"/applications/{person.application}/product", content=PDF)
    assert issued.status_code == 201

    shown = await person.sees()
    assert (shown["outcome"], shown["product"]) == ("approved", issued.json()["id"])
    assert [each["kind"] for each in shown["documents"]] == ["kk"]
    product = await fetched(person.http, person, shown["product"])
    assert (product.status_code, product.content) == (200, PDF)
    assert product.headers["content-disposition"] == 'attachment; filename="product.pdf"'
    assert product.headers["x-content-type-options"] == "nosniff"
    assert (await fetched(officer, person, shown["documents"][0]["id"])).content == PNG


async def test_what_is_missing_or_wrong_is_named_and_nothing_is_filed(person: Person) -> None:
    await person.opens()
    assert (await person.submits()).json()["type"].endswith(":answers-missing")
    wrong = await person.answers(nik="12", colour="red")
    assert wrong.status_code == 422
    said = {(error["pointer"], error["rule"]) for error in wrong.json()["errors"]}
    assert said == {("/answers/nik", "pattern"), ("/answers", "additionalProperties")}
    assert "12" not in str(wrong.json()["errors"])  # what was answered is not said back
    assert (await person.answers()).status_code == 204
    assert (await person.submits()).json()["missing"] == ["kk"]
    assert (await person.sees())["status"] == "draft"


async def test_a_file_is_known_by_its_content(person: Person) -> None:
    await person.opens()
    told = {
        b"<html>": (415, "not-this-type"),
        b"": (422, "file-unusable"),
        PDF + b"/JavaScript": (422, "file-unusable"),
        PNG + bytes(2_000_000): (413, "file-too-large"),
    }
    for content, (status, code) in told.items():
        answer = await attached(person, content=content)
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:mpp:problem:{code}")
    assert (await attached(person, kind="selfie")).status_code == 422
    assert (await person.sees())["documents"] == []


async def test_a_link_opens_one_file_for_five_minutes(person: Person, client: Client) -> None:
    await person.opens()
    document = (await attached(person)).json()["id"]
    url = (await person.http.get(f"/applications/{person.application}/documents/{document}/link")).json()[
        "url"
    ]
    later = (datetime.fromisoformat(MONDAY) + timedelta(minutes=6)).isoformat()
    anybody = client(path="")
    assert (await anybody.get(url)).content == PDF
    assert (await anybody.get(url, headers={"Mpp-Time": later})).status_code == 403
    assert (await anybody.get(url.replace(document, person.application))).status_code == 403
    assert (await anybody.get(url[:-1] + ("A" if url[-1] != "A" else "B"))).status_code == 403


async def test_others_do_not_learn_that_it_exists(person: Person, client: Client) -> None:
    await filed(person)
    strangers = [
        client("citizen", subject=str(uuid4())),
        client("officer", malls=[MALL], agencies=["dpmptsp"]),
        client("officer", malls=["3271"], agencies=["disdukcapil"]),
        client("supervisor", malls=["3271"]),
    ]
    path = f"/applications/{person.application}"
    for stranger in strangers:
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.put(f"{path}/documents/kk", content=PDF)).status_code == 404
        for action in ("claim", "approve"):
            assert (await stranger.post(f"{path}/office/{action}", json={})).status_code in (403, 404)
    assert (await client().get(path)).status_code == 401
    assert (await strangers[2].get("/malls/bombana/worklist")).status_code == 403
    others = (await strangers[1].get("/malls/bombana/worklist")).json()["items"]
    assert person.application not in {row["id"] for row in others}


async def test_a_draft_is_nobodys_but_its_owners(person: Person, officer: httpx.AsyncClient) -> None:
    await person.opens()
    assert (await officer.get(f"/applications/{person.application}")).status_code == 404
    claim = await officer.post(f"/applications/{person.application}/office/claim", json={})
    assert claim.status_code == 404


async def test_what_another_officer_claimed_is_theirs_until_a_supervisor_steps_in(
    person: Person, officer: httpx.AsyncClient, client: Client
) -> None:
    await filed(person)
    await office(officer, person)("claim")
    second = office(client("officer", malls=[MALL], agencies=["disdukcapil"]), person)
    refused = await second("declare-complete", 409)
    assert refused.json()["type"] == "urn:mpp:problem:claimed-by-another"
    supervisor = office(client("supervisor", malls=[MALL]), person)
    await supervisor("release")
    await second("claim")
    await second("declare-complete")


async def test_a_change_based_on_an_older_version_is_refused(
    person: Person, officer: httpx.AsyncClient
) -> None:
    await filed(person)
    seen = (await officer.get(f"/applications/{person.application}")).headers["etag"]
    path = f"/applications/{person.application}/office/claim"
    assert (await officer.post(path, json={}, headers={"If-Match": seen})).status_code == 204
    assert (await officer.post(path, json={}, headers={"If-Match": seen})).status_code == 412


async def test_an_officer_files_for_somebody_without_an_account_who_follows_it_by_number_and_digits(
    officer: httpx.AsyncClient, client: Client
) -> None:
    opening = {"mall": "bombana", "service": "adminduk.ktp-cetak-ulang"}
    assert (await officer.post("/applications", json=opening)).status_code == 422
    told = {"applicant": {"name": "La Ode", "phone": "+628111112222"}}
    opened = (await officer.post("/applications", json=opening | told)).json()
    person = Person(uuid4(), officer, opened["id"], opened["number"])
    assert (await person.answers(phone="+628111112222")).status_code == 204
    assert (await attached(person)).status_code == 201

    anybody = client()
    asked = {"number": opened["number"].lower(), "last4": "2222"}
    assert (await anybody.post("/follow", json=asked)).status_code == 404  # a draft is nobody's business
    assert (await person.submits()).status_code == 204
    shown = await anybody.post("/follow", json=asked)
    assert shown.status_code == 200
    assert shown.json()["status"] == "submitted"
    assert "La Ode" not in shown.text

    for _ in range(3):
        wrong = await anybody.post("/follow", json=asked | {"last4": "9999"})
        assert wrong.status_code == 404
    unknown = await anybody.post("/follow", json={"number": "7406-00000-00000-0", "last4": "9999"})
    assert unknown.json()["type"] == wrong.json()["type"]
    assert (await anybody.post("/follow", json=asked)).status_code == 429  # five an hour, right ones too
    later = {"Mpp-Time": (datetime.fromisoformat(MONDAY) + timedelta(hours=2)).isoformat()}
    assert (await anybody.post("/follow", json=asked, headers=later)).status_code == 200


async def test_the_profile_fills_in_what_it_knows(person: Person) -> None:
    assert (await person.http.get("/processes/ktp-reprint/prefill")).json() == KNOWN


async def test_what_can_be_applied_for_is_what_the_mall_offers(client: Client) -> None:
    codes = {each["code"] for each in (await client().get("/processes", params={"mall": MALL})).json()}
    assert codes == {"ktp-reprint", "practice-licence", "skck"}
    everything = {each["code"] for each in (await client().get("/processes")).json()}
    assert everything == codes | {"birth-certificate", "nib"}


async def test_a_process_that_can_not_work_is_refused(client: Client) -> None:
    admin = client("national-admin")
    flawed = {
        "code": "endless",
        "services": ["x"],
        "title": {"id": "a", "en": "a"},
        "limit": {"amount": 1, "unit": "hours"},
        "form": {"type": "object", "additionalProperties": False, "properties": {}},
        "steps": [{"code": "round", "title": {"id": "a", "en": "a"}, "leads_to": ["round"]}],
    }
    answer = await admin.put("/processes/endless", json=flawed)
    assert answer.status_code == 422
    assert "step round never comes to an end" in answer.json()["flaws"]
    no_form = flawed | {"form": {"type": "thing"}}
    assert (await admin.put("/processes/endless", json=no_form)).status_code == 422
    assert (
        await client("mall-admin", malls=[MALL]).put("/processes/endless", json=flawed)
    ).status_code == 403


async def test_a_citizen_withdraws_and_sees_the_history(person: Person) -> None:
    await filed(person)
    assert (await person.http.post(f"/applications/{person.application}/withdraw")).status_code == 204
    history = (await person.http.get("/me/history")).json()
    assert [(each["kind"], each["status"]) for each in history] == [("application", "withdrawn")]
    assert (await person.http.get("/me/applications")).json()["items"][0]["outcome"] == "withdrawn"


async def test_who_is_forgotten_is_nowhere_but_where_the_law_keeps_it(
    person: Person, running: Running, client: Client
) -> None:
    await person.opens()
    await person.answers()
    draft, document = person.application, (await attached(person)).json()["id"]
    await filed(person)
    now = datetime.now(UTC)
    vault = running.vault
    assert vault and running.documents
    erased = await forgetting._erase(running, person.id, now)
    await running.handle.all(erased.steps, also=erased.also)
    assert [kept.law for kept in erased.kept] == ["uu-43-2009"]
    assert await vault.read(running.reader, person.id, f"application-{draft}") == {}
    link = f"/applications/{draft}/documents/{document}/link"
    assert (await person.http.get(link)).status_code == 404
    row = await running.reader.fetchrow("select citizen from applications where id = $1", UUID(draft))
    assert row and row["citizen"] is None


async def test_a_file_that_was_stored_and_never_told_of_is_swept(person: Person, running: Running) -> None:
    await person.opens()
    document = (await attached(person)).json()["id"]
    documents = running.documents
    assert documents
    stray = uuid4()
    await documents.put(person.id, "nothing", stray, PDF, allowed=["application/pdf"], limit=1000)

    async def known(ids: list[UUID]) -> set[UUID]:
        return await queries.known_files(running.reader, ids)

    now = datetime.now(UTC)
    assert await documents.sweep(known, now - timedelta(days=1)) == 0  # it may yet be told of
    assert await documents.sweep(known, now + timedelta(days=1)) >= 1
    assert await documents.sweep(known, now + timedelta(days=1)) == 0
    assert (await fetched(person.http, person, document)).content == PDF
