"""Complaints over real HTTP: who may what, who sees whom, and what is left of somebody."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from feedback_service.deadlines import Deadlines
from feedback_service.leaving import forgetting
from mpp_contracts.profile import SubjectForgotten

from .conftest import Mall
from .test_surveys import everything


async def test_a_complaint_is_followed_with_its_number_and_secret_alone(mall: Mall) -> None:
    filed = await mall.file(reporter={"name": "Siti", "phone": "0812"})
    head, own = mall.staff("supervisor"), {"secret": filed["secret"]}
    officer = mall.staff("officer", agencies=["samsat"])
    assert await mall.act(filed, "verify", head) == 204
    assert await mall.act(filed, "forward", head, agency="samsat") == 204
    assert await mall.act(filed, "answer", officer, text="Sudah dibuka", outcome="fixed") == 204
    assert await mall.act(filed, "reply", text="Belum", **own) == 204
    assert await mall.act(filed, "answer", officer, text="Maaf, sekarang", outcome="fixed") == 204
    assert await mall.act(filed, "close", head, reason="resolved") == 204
    shown = await mall.follow(filed, **own)
    assert (shown["status"], shown["outcome"], shown["reporter"]["name"]) == ("closed", "fixed", "Siti")
    assert [step["words"] for step in shown["history"] if step["words"]] == [
        "Loket tutup", "Sudah dibuka", "Belum", "Maaf, sekarang",
    ]  # fmt: skip


async def test_nobody_else_learns_that_a_complaint_exists(mall: Mall) -> None:
    filed = await mall.file(agency="samsat")
    strangers = ["", mall.mint.token("citizen"), mall.mint.token("supervisor", malls=["9999"])]
    strangers.append(mall.staff("officer", agencies=["dukcapil"]))
    for token in strangers:
        answer = await mall.ask("POST", f"/complaints/{filed['number']}/follow", {}, token=token)
        assert answer.status_code == 404
    assert await mall.act(filed, "verify", mall.staff("officer", agencies=["samsat"])) == 403
    assert await mall.act(filed, "verify") == 401
    assert await mall.act(filed, "withdraw", mall.staff("supervisor")) == 404


async def test_a_secret_complaint_is_not_in_the_register_and_its_reporter_not_before_the_agency(
    mall: Mall,
) -> None:
    siti = str(uuid4())
    filed = await mall.file(token=mall.mint.token("citizen", subject=siti), secret=True, agency="samsat")
    other = await mall.file()
    public = (await mall.ask("GET", f"/malls/{mall.code}/register")).json()["items"]
    assert [each["number"] for each in public] == [other["number"]]
    officer = await mall.follow(filed, mall.staff("officer", agencies=["samsat"]))
    assert (officer["citizen"], officer["history"][0]["words"]) == (None, "Loket tutup")
    assert (await mall.follow(filed, mall.staff("supervisor")))["citizen"] == siti
    counted = (await mall.ask("GET", f"/malls/{mall.code}/complaint-statistics")).json()
    assert counted["all"] == [{"of": None, "complaints": 2, "in_time": None, "median_days": None}]


async def test_an_anonymous_complaint_is_nobody_s_anywhere(mall: Mall) -> None:
    siti, key, text = str(uuid4()), str(uuid4()), "Diminta uang di loket dua"
    token = mall.mint.token("citizen", subject=siti)
    said = {"mall": mall.code, "kind": "supervision", "text": text, "anonymous": True}
    trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "Idempotency-Key": key}
    first = await mall.ask("POST", "/complaints", said, token=token, **trace)
    again = await mall.ask("POST", "/complaints", said, token=token, **trace)
    assert first.json() == again.json()
    filed = first.json()
    await mall.act(filed, "withdraw", token, secret=filed["secret"])
    dumped = await everything(mall)
    for known in (siti, key, text, filed["secret"], "4bf92f3577b34da6a3ce929d0e0e4736"):
        assert known not in dumped
    shown = await mall.follow(filed, mall.staff("mall-admin"))
    assert (shown["reporter"], shown["citizen"], shown["history"][0]["words"]) == (None, None, text)
    named = await mall.ask("POST", "/complaints", said | {"reporter": {"name": "Siti"}})
    assert named.status_code == 422


async def test_a_forgotten_citizen_s_words_are_gone_and_the_complaint_stays_counted(mall: Mall) -> None:
    siti, request = uuid4(), uuid4()
    token = mall.mint.token("citizen", subject=str(siti))
    filed = await mall.file(token=token, agency="samsat")
    system = mall.mint.token("system")
    held = (await mall.ask("GET", f"/internal/subjects/{siti}", token=system)).json()
    assert [each["number"] for each in held["complaints"]] == [filed["number"]]
    assert (await mall.ask("GET", f"/internal/subjects/{siti}", token=token)).status_code == 403
    now = datetime.now(UTC)
    await mall.running.handle.all(forgetting.steps(SubjectForgotten(citizen=siti, at=now, request=request)))
    await forgetting.answer_all(mall.running, now)
    while await mall.running.reader.fetchval(
        "select answered_at is null from forgettings where request = $1", request
    ):
        await asyncio.sleep(0.05)
    shown = await mall.follow(filed, mall.staff("supervisor"))
    assert (shown["citizen"], shown["history"][0]["words"]) == (None, None)
    assert (await mall.ask("GET", f"/internal/subjects/{siti}", token=system)).json()["complaints"] == []


async def test_replicas_that_look_at_once_say_a_deadline_once(mall: Mall) -> None:
    filed = await mall.file(kind="information")
    later, duty = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(days=400), Deadlines()
    await asyncio.gather(*(duty.look(mall.running, later) for _ in range(5)))
    shown = await mall.follow(filed, secret=filed["secret"])
    assert [(step["happened"], step["due"]) for step in shown["history"][1:]] == [
        ("deadline-passed", "forward"), ("deadline-passed", "class"),
    ]  # fmt: skip
    assert UUID(filed["id"])
