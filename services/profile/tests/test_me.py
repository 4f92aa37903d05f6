"""What citizens do with their own profile, over HTTP."""

from typing import Any
from uuid import uuid4

from mpp.service import Running

from .people import consented, nik, registered


async def test_somebody_registers_corrects_and_sees_their_nik_masked(client: Any) -> None:
    number = nik()
    id_, http = await registered(client, nik=number)
    again = await http.put("/me", json={"name": "Siti A.", "sex": "male"})
    assert (again.status_code, again.headers["ETag"], again.json()["warnings"]) == (200, '"3"', [])

    shown = await http.get("/me")
    assert (shown.status_code, shown.headers["ETag"]) == (200, '"3"')
    masked = f"7406••••••••{number[-4:]}"
    assert shown.json()["identity"] == {"name": "Siti A.", "nik": masked, "sex": "male"}
    assert shown.json()["citizen"] == str(id_)


async def test_an_odd_nik_is_taken_with_a_warning_and_a_wrong_one_is_refused(client: Any) -> None:
    http = client("citizen", subject=str(uuid4()))
    odd = await http.put("/me", json={"name": "Budi", "nik": "9999014501850001", "sex": "male"})
    assert (odd.status_code, odd.json()["warnings"]) == (201, ["nik-province-unknown", "nik-sex-differs"])
    wrong = await http.put("/me", json={"name": "Budi", "nik": "123"})
    assert (wrong.status_code, wrong.json()["type"].rpartition(":")[2]) == (422, "no-nik")
    assert "123" not in wrong.text
    unborn = await http.put("/me", json={"name": "Budi", "birth_date": "2027-01-01"})
    assert (unborn.status_code, unborn.json()["field"]) == (422, "birth_date")


async def test_a_nik_belongs_to_one_citizen(client: Any, running: Running) -> None:
    number = nik()
    id_, http = await registered(client, nik=number)
    other = client("citizen", subject=str(uuid4()))
    taken = await other.put("/me", json={"name": "Ani", "nik": number})
    assert (taken.status_code, taken.json()["type"].rpartition(":")[2]) == (409, "nik-taken")
    assert (await other.get("/me")).status_code == 404  # nothing of it was written

    assert (await http.put("/me", json={"name": "Siti", "nik": nik()})).status_code == 200  # corrected
    assert (await other.put("/me", json={"name": "Ani", "nik": number})).status_code == 201
    assert await running.reader.fetchval("select count(*) from niks where citizen = $1", id_) == 1


async def test_contacts_address_and_family_are_given_once_and_fill_forms_with_consent(client: Any) -> None:
    _, http = await registered(client, nik=nik(serial=9001))
    await http.put("/me/contacts", json={"email": "siti@example.id", "phone": "0812-3456-789"})
    await http.put("/me/address", json={"street": "Jl. Merdeka 1", "regency": "7406"})
    child = {"name": "Adi", "relation": "child", "nik": nik(day=5)}
    await http.put("/me/family", json={"members": [child]})

    fields = "/me/prefill?fields=name,nik,phone,street,village"
    refused = await http.get(fields)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (403, "consent-missing")
    await consented(http, "prefill")
    filled = {"name": "Siti Aminah", "nik": nik(serial=9001), "phone": "+628123456789"}
    assert (await http.get(fields)).json() == {**filled, "street": "Jl. Merdeka 1"}
    assert (await http.get("/me/prefill?fields=salary")).status_code == 422
    await consented(http, "prefill", given=False)
    assert (await http.get(fields)).status_code == 403

    shown = (await http.get("/me")).json()
    assert "••••" in shown["family"]["members"][0]["nik"]
    assert [line["what"] for line in (await http.get("/me/history")).json()][-2:] == [
        "consent-given",
        "consent-withdrawn",
    ]


async def test_a_change_for_an_older_version_is_refused_and_a_repeat_has_the_first_answer(
    client: Any,
) -> None:
    _, http = await registered(client)
    stale = await http.put("/me/address", json={"street": "Jl. A"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    key = {"Idempotency-Key": str(uuid4())}
    first, second = [await http.put("/me/address", json={"street": "B"}, headers=key) for _ in range(2)]
    assert (first.status_code, first.content) == (200, second.content)
    assert (await http.get("/me")).headers["ETag"] == first.headers["ETag"]


async def test_nothing_of_what_was_told_is_in_a_table_or_an_event(client: Any, running: Running) -> None:
    number = nik()
    _, http = await registered(client, nik=number)
    await http.put("/me/contacts", json={"email": "rahasia@example.id"})
    tables = await running.reader.fetch("select tablename from pg_tables where schemaname = 'profile'")
    for row in tables:
        text = await running.reader.fetchval(f"select string_agg(t::text, ' ') from {row['tablename']} t")
        for said in ("Siti", number, "rahasia"):
            assert said not in (text or ""), row["tablename"]


async def test_only_a_citizen_has_a_profile(client: Any) -> None:
    for role, status in (("", 401), ("officer", 403), ("national-admin", 403), ("system", 403)):
        assert (await client(role).get("/me")).status_code == status


async def test_the_export_holds_everything_and_names_who_did_not_answer(client: Any) -> None:
    number = nik()
    id_, http = await registered(client, nik=number)
    await consented(http, "notifications")
    system = client("system", "/internal")
    assert (await system.get(f"/citizens/{id_}/contacts?purpose=notifications")).status_code == 200

    made = (await http.get("/me/export")).json()
    assert made["facts"]["identity"]["nik"] == number
    assert made["consents"] == {"notifications": "2026-11"}
    assert [line["what"] for line in made["history"]] == [
        "citizen-registered",
        "facts-changed",
        "consent-given",
    ]
    assert [(line["role"], line["purpose"]) for line in made["readings"]] == [("system", "notifications")]
    held = {each["service"]: each for each in made["elsewhere"]}
    assert {name: each["answered"] for name, each in held.items()} == {
        "feedback": False,
        "notify": False,
        "tracking": True,
    }
    assert held["tracking"]["held"] == {"applications": [{"citizen": str(id_)}]}
