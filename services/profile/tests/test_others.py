"""Officers, other services, and nobody else: each sees what they may, and leaves a trace."""

from typing import Any
from uuid import uuid4

from .people import consented, nik, registered


async def assisted(client: Any, number: str) -> tuple[str, Any]:
    officer = client("officer", malls=["7406"])
    body = {"mall": "7406", "name": "La Ode", "nik": number}
    made = await officer.post("/citizens", json=body)
    assert made.status_code == 201, made.text
    return made.json()["citizen"], officer


async def test_an_officer_registers_finds_and_reads_somebody_of_their_mall_and_it_is_written_down(
    client: Any,
) -> None:
    number = nik()
    id_, officer = await assisted(client, number)
    found = await officer.post("/citizens/find", json={"mall": "7406", "nik": number})
    assert found.json() == {"citizen": id_}
    contacts = await officer.put(f"/citizens/{id_}/contacts", json={"phone": "081234567"})
    assert contacts.status_code == 200

    seen = await officer.get(f"/citizens/{id_}?purpose=application")
    assert seen.json()["identity"]["nik"] == f"7406••••••••{number[-4:]}"
    assert (await officer.get(f"/citizens/{id_}")).status_code == 422  # a look has a purpose
    export = (await officer.get(f"/citizens/{id_}/export")).json()
    assert [line["purpose"] for line in export["readings"]] == ["find", "application", "export"]
    assert {line["role"] for line in export["readings"]} == {"officer"}
    assert [(line["what"], line["role"]) for line in export["history"]] == [
        ("citizen-registered", "officer"),
        ("facts-changed", "officer"),
        ("facts-changed", "officer"),
    ]


async def test_another_mall_does_not_even_learn_that_somebody_exists(client: Any) -> None:
    number = nik()
    id_, _ = await assisted(client, number)
    elsewhere = client("officer", malls=["3271"])
    assert (await elsewhere.get(f"/citizens/{id_}?purpose=application")).status_code == 404
    assert (await elsewhere.put(f"/citizens/{id_}", json={"name": "X"})).status_code == 404
    assert (await elsewhere.delete(f"/citizens/{id_}")).status_code == 404
    sought = {"mall": "3271", "nik": number}
    assert (await elsewhere.post("/citizens/find", json=sought)).status_code == 404
    assert (await elsewhere.post("/citizens/find", json={**sought, "mall": "7406"})).status_code == 403
    body = {"mall": "7406", "name": "X"}
    assert (await elsewhere.post("/citizens", json=body)).status_code == 403


async def test_who_registered_themselves_is_no_officers_business(client: Any) -> None:
    number = nik()
    id_, _ = await registered(client, nik=number)
    officer = client("officer", malls=["7406"])
    assert (await officer.get(f"/citizens/{id_}?purpose=application")).status_code == 404
    assert (await officer.post("/citizens/find", json={"mall": "7406", "nik": number})).status_code == 404


async def test_a_service_learns_contacts_with_consent_only(client: Any) -> None:
    id_, http = await registered(client)
    await http.put("/me/contacts", json={"email": "siti@example.id", "telegram": 77, "language": "en"})
    system, path = client("system", "/internal"), f"/citizens/{id_}/contacts?purpose=notifications"
    assert (await system.get(path)).status_code == 403
    await consented(http, "notifications")
    told = {
        "name": "Siti Aminah",
        "email": "siti@example.id",
        "phone": None,
        "telegram": 77,
        "language": "en",
    }
    assert (await system.get(path)).json() == told
    assert (await system.get(f"/citizens/{id_}/prefill?fields=email")).status_code == 403
    await consented(http, "prefill")
    assert (await system.get(f"/citizens/{id_}/prefill?fields=email")).json() == {"email": "siti@example.id"}
    assert (await system.get(f"/citizens/{uuid4()}/prefill")).status_code == 404
    [first, second] = (await http.get("/me/readings")).json()
    assert (first["kinds"], second["kinds"]) == (["identity", "contact"], ["contact"])


async def test_only_the_system_asks_inside(client: Any) -> None:
    path = f"/citizens/{uuid4()}/contacts?purpose=notifications"
    for role, status in (("", 401), ("citizen", 403), ("officer", 403)):
        assert (await client(role, "/internal").get(path)).status_code == status
