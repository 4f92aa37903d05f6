"""Surveys over real HTTP: once for each transaction, and nobody can be found."""

import asyncio
import logging
from typing import Any

import pytest

from mpp.messaging.message import decode
from mpp.testing.livepage import watching

from .conftest import Mall


async def test_only_one_of_twenty_answers_for_a_ticket_counts(mall: Mall) -> None:
    said = mall.survey(await mall.ended())
    answers = await asyncio.gather(*(mall.ask("POST", "/surveys", said) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [204] + [409] * 19
    shown = (await mall.ask("GET", f"/malls/{mall.code}/ikm")).json()
    assert (shown["transactions"], shown["answers"], shown["too_few"]) == (1, None, True)


async def test_who_does_not_hold_the_ticket_answers_nothing(mall: Mall) -> None:
    ticket = await mall.ended()
    wrong = [mall.survey(ticket, secret="x" * 24), mall.survey(ticket, kind="application")]
    assert [(await mall.ask("POST", "/surveys", said)).status_code for said in wrong] == [404, 404]
    late = await mall.ask("POST", "/surveys", mall.survey(ticket), now="2027-01-23T10:00:00+08:00")
    assert late.status_code == 409
    assert (await mall.ask("POST", "/surveys", mall.survey(ticket, *[5] * 9))).status_code == 422


async def test_the_index_of_a_mall_its_agencies_and_services(mall: Mall) -> None:
    for scores in ([4] * 9, [3] * 9, [3] * 9, [4] * 9, [3] * 9):
        said = mall.survey(await mall.ended(), *scores, sex="female")
        assert (await mall.ask("POST", "/surveys", said)).status_code == 204
    assert (await mall.ask("POST", "/surveys", mall.survey(await mall.ended("stnk")))).status_code == 204
    shown = (await mall.ask("GET", f"/malls/mall-{mall.code}/ikm?period=2026-11")).json()
    assert (shown["ikm"], shown["band"], shown["answers"]) == ("83.33", "B", 6)
    assert (shown["sample_needed"], shown["adequate"]) == (6, True)
    assert [(part["code"], part["ikm"]) for part in shown["services"]] == [("ktp", "85.00"), ("stnk", None)]
    assert [part["code"] for part in shown["agencies"]] == ["dukcapil", "samsat"]
    assert shown["respondents"] == {"sex:female": 5}
    nothing = (await mall.ask("GET", f"/malls/{mall.code}/ikm?period=2025")).json()
    assert (nothing["transactions"], nothing["adequate"]) == (0, False)


async def test_a_mall_may_weigh_as_older_reports_did(mall: Mall) -> None:
    for _ in range(5):
        await mall.ask("POST", "/surveys", mall.survey(await mall.ended(), *[4] * 9))
    path, body = f"/malls/{mall.code}/survey-weights", {"weights": "0.111"}
    assert (await mall.ask("PUT", path, body, token=mall.staff("officer"))).status_code == 403
    assert (await mall.ask("PUT", path, body, token=mall.staff("mall-admin"))).status_code == 204
    assert (await mall.ask("GET", f"/malls/{mall.code}/ikm")).json()["ikm"] == "99.90"


async def test_the_live_page_shows_the_index_as_answers_come(mall: Mall) -> None:
    async with watching(f"{mall.url}/api/feedback/v1/malls/{mall.code}/ikm/live?period=2026") as page:
        await page.until(lambda p: bool(p.events))
        for _ in range(5):
            await mall.ask("POST", "/surveys", mall.survey(await mall.ended(), *[4] * 9))
        await page.until(lambda p: any('"ikm":"100.00"' in data for _, data, _ in p.events))


async def test_an_answer_and_its_words_lead_to_nobody(
    mall: Mall, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    ticket, words = await mall.ended(), "Petugas loket tiga sangat ramah"
    citizen = "5f0c0a2e-0a53-4f0e-9d8e-2b6f3f2a9c11"
    said, token = mall.survey(ticket, words=words), mall.mint.token("citizen", subject=citizen)
    key = {"Idempotency-Key": "0f3a7f1e-9a51-4b5c-8f3f-111111111111"}
    assert (await mall.ask("POST", "/surveys", said, token=token, **key)).status_code == 204
    dumped = await everything(mall)
    noted = caplog.text + capsys.readouterr().out
    for secret in (said["secret"], words, citizen, key["Idempotency-Key"]):
        assert secret not in dumped + noted
        assert secret.encode().hex() not in dumped
    assert str(ticket) not in noted
    named = [line for line in dumped.splitlines() if str(ticket) in line]
    assert named
    assert [line for line in named if not line.startswith(("transactions ", "events "))] == []
    assert [line for line in named if "scores" in line] == []
    shown = await mall.ask("GET", f"/malls/{mall.code}/remarks", token=mall.staff("supervisor"))
    assert shown.json()["items"] == [
        {"agency": "dukcapil", "service": "ktp", "month": "2026-11", "words": words}
    ]


async def stored_at(mall: Mall, sequence: int) -> Any:
    stored = await mall.running.jetstream.get("feedback", sequence)
    assert stored is not None
    return stored


async def everything(mall: Mall) -> str:
    """Every row of every table, and every message."""
    db, rows = mall.running.reader, list[str]()
    names = await db.fetch(
        "select tablename from pg_tables where schemaname in ('feedback', 'feedback_keys')"
    )
    for schema, name in [*(("feedback", n["tablename"]) for n in names), ("feedback_keys", "keys")]:
        if await db.fetchval("select to_regclass($1)", f"{schema}.{name}"):
            found = await db.fetch(f"select t::text as line from {schema}.{name} t")
            rows += [f"{name} {row['line']}" for row in found]
    head = await db.fetchval(
        "select max(position) from events where type not in ('fact-heard', 'transaction-ended')"
    )
    last = 0
    while not last or decode((await stored_at(mall, last)).payload).position < head:
        _, last = await mall.running.jetstream.bounds("feedback")
        await asyncio.sleep(0.05)
    stored = [await stored_at(mall, n) for n in range(1, last + 1)]
    return "\n".join([*rows, *(f"message {each.payload.decode()}" for each in stored)])
