"""A citizen is forgotten: at once here, by everybody in the end, and it is seen who has not answered."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from mpp.operations import verified
from mpp.service import Running
from mpp_contracts import feedback, notify, tracking
from mpp_contracts.subjects import Answered, Kept
from profile_service import reactions, upkeep
from profile_service.__main__ import service
from profile_service.handling import handle

from .people import consented, nik, registered

OTHERS = (tracking.SubjectAnswered, notify.SubjectAnswered, feedback.SubjectAnswered)


async def until(http: httpx.AsyncClient, service_: str) -> dict[str, Any]:
    """The status once this service has answered."""
    async with asyncio.timeout(20):
        while True:
            status: dict[str, Any] = (await http.get("/me/forgetting")).json()
            if service_ not in status["missing"]:
                return status
            await asyncio.sleep(0.05)


async def hear(citizen: UUID, request: str, contract: type[Answered], kept: tuple[Kept, ...] = ()) -> None:
    told = contract(citizen=citizen, request=UUID(request), at=datetime.now(UTC), kept=kept)
    await handle.all(reactions.react(told))


async def test_who_is_forgotten_is_unreadable_at_once_and_everybody_answers(
    client: Any, running: Running
) -> None:
    number = nik()
    id_, http = await registered(client, nik=number)
    await consented(http, "notifications")
    asked = await http.delete("/me")
    assert (asked.status_code, asked.json()["state"]) == (202, "open")
    assert (await http.delete("/me")).json()["request"] == asked.json()["request"]
    for path in ("/me", "/me/export", "/me/prefill?fields=name", "/me/history"):
        assert (await http.get(path)).status_code == 410
    assert (await http.put("/me", json={"name": "Siti"})).status_code == 410
    system = client("system", "/internal")
    assert (await system.get(f"/citizens/{id_}/contacts?purpose=notifications")).status_code == 410

    request = (await until(http, "profile"))["request"]
    for table in ("vault", "niks"):
        where = "person" if table == "vault" else "citizen"
        sql = f"select count(*) from {table} where {where} = $1"
        assert await running.reader.fetchval(sql, id_) == 0
    kept = Kept(purpose="application", until=datetime(2036, 1, 1, tzinfo=UTC), law="uu-43-2009")
    for contract in OTHERS:
        await hear(id_, request, contract, (kept,) if contract.owner == "tracking" else ())
    status = (await http.get("/me/forgetting")).json()
    assert (status["state"], status["missing"]) == ("done", [])
    [law] = [each["kept"] for each in status["answers"] if each["kept"]]
    assert (law[0]["purpose"], law[0]["law"]) == ("application", "uu-43-2009")

    again = client("citizen", subject=str(uuid4()))  # the NIK is free for a new account
    assert (await again.put("/me", json={"name": "Siti", "nik": number})).status_code == 201


async def test_who_has_not_answered_after_three_days_is_named(client: Any, running: Running) -> None:
    id_, http = await registered(client)
    await http.delete("/me")
    request = (await until(http, "profile"))["request"]
    await hear(id_, request, notify.SubjectAnswered)
    asked = datetime.fromisoformat((await http.get("/me/forgetting")).json()["asked_at"])
    assert await upkeep.look(running, asked + timedelta(hours=72)) >= 1
    status = (await http.get("/me/forgetting")).json()
    assert (status["state"], status["missing"]) == ("late", ["feedback", "tracking"])


async def test_an_officer_may_ask_for_somebody_without_an_account(client: Any) -> None:
    officer = client("officer", malls=["7406"])
    made = await officer.post("/citizens", json={"mall": "7406", "name": "La Ode"})
    path = f"/citizens/{made.json()['citizen']}"
    assert (await officer.delete(path)).status_code == 202
    assert (await officer.get(f"{path}?purpose=application")).status_code == 410
    assert (await officer.get(f"{path}/forgetting")).json()["state"] == "open"


async def test_who_asked_for_nothing_has_no_request(client: Any) -> None:
    _, http = await registered(client)
    assert (await http.get("/me/forgetting")).status_code == 404


async def test_views_are_the_fold_of_the_log(client: Any, running: Running) -> None:
    _, http = await registered(client)
    await consented(http, "statistics")
    checks = [each for each in await verified(service, running) if "JetStream" not in each.name]
    assert [each.violations for each in checks if not each.holds] == []
