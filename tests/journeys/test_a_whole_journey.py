"""One citizen from the first visit to being forgotten, through the gateway, with every service."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest_asyncio

from mpp.testing.node import RunningNode, running_node
from mpp_emulators import bot
from mpp_emulators.smtp import Mailbox
from mpp_node.home import Home

from .everywhere import places_of

SERVICE, AGENCY, CHAT = "adminduk.ktp-cetak-ulang", "disdukcapil", 8812345678
NAME, NIK = "Wa Ode Zubaidah Kasturi", "7406014107900001"
EMAIL, PHONE = "zubaidah.kasturi@example.id", "+6281298765432"
GRIEVANCE, REPLY = "Petugas loket tiga membentak ibu saya", "Kami mohon maaf dan sudah menegur petugas"
REMARK, STREET = "Foto Kartu Keluarga terpotong di kiri", "Jalan Cendrawasih Nomor 99"
PHOTO = b"\xff\xd8\xff\xda\x00\x02" + NAME.encode() + b"\xff\xd9"
FAMILY_CARD = b"%PDF-1.7\n1 0 obj<</Type/Catalog/Author(Wa Ode Zubaidah Kasturi)>>endobj\n%%EOF\n"
CARD = b"%PDF-1.7\n1 0 obj<</Type/Catalog/Title(KTP-el)>>endobj\n%%EOF\n"


@dataclass
class World:
    """A node whose mails and messages go to emulators, and a day on which its mall is open."""

    node: RunningNode
    mailbox: Mailbox
    bot: bot.Bot
    day: date

    def client(self, *token: str) -> httpx.AsyncClient:
        """Whoever has such a token; all come at half past nine."""
        headers = {"Mpp-Time": f"{self.day}T09:30:00+08:00"}
        if token:
            headers["Authorization"] = f"Bearer {self.node.token(*token)}"
        return httpx.AsyncClient(base_url=f"{self.node.address}/api", headers=headers, timeout=30)

    async def told(self, subject: str) -> None:
        """Until it has come by mail and by Telegram."""

        def there() -> bool:
            mails = [mail.subject for mail in self.mailbox.to(EMAIL)]
            return subject in mails and len(self.bot.to(CHAT)) == len(mails)

        await until(there, f"told: {subject}")


async def until(holds: Callable[[], Any], what: str, seconds: float = 30) -> None:
    try:
        async with asyncio.timeout(seconds):
            while True:
                held = holds()
                if await held if asyncio.iscoroutine(held) else held:
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"never {what}") from None


async def ok(asked: Any, status: int | None = None) -> Any:
    """The answer's content; anything but a success fails with what was said."""
    answer = await asked
    assert answer.is_success if status is None else answer.status_code == status, answer.text
    return answer.json() if answer.content else None


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    telegram = bot.Bot()
    with Mailbox() as mailbox:
        async with bot.served(telegram.app()) as url:
            outside = {"MPP_TELEGRAM_URL": url, "MPP_TELEGRAM_TOKEN": telegram.token}
            entered = running_node(MPP_SMTP_URL=mailbox.url, **outside)
            node = await asyncio.to_thread(entered.__enter__)
            try:
                yield World(node, mailbox, telegram, await open_day(node))
            finally:
                await asyncio.to_thread(entered.__exit__, None, None, None)


async def open_day(node: RunningNode) -> date:
    """The next working day from tomorrow on."""
    async with httpx.AsyncClient(base_url=f"{node.address}/api") as client:
        first = (datetime.now() + timedelta(days=1)).date()
        days = await ok(client.get("/catalog/v1/malls/bombana/days", params={"from": str(first)}))
    return date.fromisoformat(next(day["date"] for day in days["items"] if day["hours"]))


async def registered(citizen: httpx.AsyncClient) -> None:
    facts = {"name": NAME, "nik": NIK, "sex": "female", "birth_date": "1990-07-01"}
    await ok(citizen.put("/profile/v1/me", json=facts), 201)
    contacts = {"email": EMAIL, "phone": PHONE, "telegram": CHAT}
    await ok(citizen.put("/profile/v1/me/contacts", json=contacts))
    await ok(citizen.put("/profile/v1/me/address", json={"street": STREET, "regency": "7406"}))
    for purpose in ("notifications", "prefill"):
        agreed = {"given": True, "text": "2026-11"}
        await ok(citizen.put(f"/profile/v1/me/consents/{purpose}", json=agreed))
    await ok(citizen.put("/notify/v1/me/preferences", json={"quiet": None, "zone": "Asia/Makassar"}))

    async def known() -> bool:
        heard = await ok(citizen.get("/notify/v1/me/preferences"))
        return bool(heard["consent"] and set(heard["channels"]) == {"email", "telegram", "sms"})

    await until(known, "heard by notify how the citizen can be reached")


async def served(world: World, citizen: httpx.AsyncClient, officer: httpx.AsyncClient) -> None:
    asked = {"mall": "bombana", "service": SERVICE, "channel": "web"}
    ticket = await ok(citizen.post("/queue/v1/tickets", json=asked), 201)
    counters = await ok(officer.get("/catalog/v1/malls/bombana/counters"))
    counter = next(each["id"] for each in counters["items"] if ticket["line"] in each["lines"])
    called = await ok(officer.post(f"/queue/v1/counters/{counter}/call-next"))
    assert called["number"] == ticket["number"]
    await world.told(f"Giliran Anda: {ticket['number']}")
    for action in ("start", "complete"):
        await ok(officer.post(f"/queue/v1/tickets/{ticket['id']}/{action}"))


async def decided(world: World, citizen: httpx.AsyncClient, officer: httpx.AsyncClient) -> dict[str, Any]:
    """An application that is filed, sent back, mended, approved and issued; as its applicant sees it."""
    api = "/tracking/v1"
    opened = await ok(citizen.post(f"{api}/applications", json={"mall": "bombana", "service": SERVICE}), 201)
    number, path = opened["number"], f"{api}/applications/{opened['id']}"
    filled = await ok(citizen.get(f"{api}/processes/ktp-reprint/prefill"))
    assert filled == {"name": NAME, "nik": NIK, "phone": PHONE}
    await ok(citizen.put(f"{path}/answers", json={"answers": filled | {"reason": "lost"}}))
    await ok(citizen.put(f"{path}/documents/kk", content=FAMILY_CARD), 201)
    await ok(citizen.post(f"{path}/submit"))
    await world.told(f"Permohonan {number} diterima")

    listed = await ok(officer.get(f"{api}/malls/bombana/worklist"))
    assert opened["id"] in {each["id"] for each in listed["items"]}
    back = {"reasons": ["document-unreadable:kk"], "text": REMARK}
    await ok(officer.post(f"{path}/office/send-back", json=back))
    await world.told(f"Permohonan {number} perlu diperbaiki")
    await ok(citizen.put(f"{path}/documents/kk", content=FAMILY_CARD + b"%"), 201)
    await ok(citizen.post(f"{path}/submit"))
    await ok(officer.post(f"{path}/office/declare-complete", json={}))
    await world.told(f"Permohonan {number} diproses")
    await ok(officer.post(f"{path}/office/step", json={"step": "printing"}))
    await ok(officer.post(f"{path}/office/approve", json={}))
    await world.told(f"Permohonan {number} disetujui")
    product = await ok(officer.put(f"{path}/product", content=CARD), 201)
    await world.told(f"Hasil permohonan {number} siap")
    link = await ok(citizen.get(f"{path}/documents/{product['id']}/link"))
    fetched = await citizen.get(world.node.address + link["url"])
    assert fetched.content == CARD
    await world.told("Bagaimana pelayanan kami?")
    shown: dict[str, Any] = await ok(citizen.get(path))
    assert shown["outcome"] == "approved"
    return shown


async def rated(citizen: httpx.AsyncClient, application: dict[str, Any]) -> None:
    holder = {"kind": "application", "id": application["id"], "secret": application["secret"]}

    async def answered() -> bool:
        answer = await citizen.post("/feedback/v1/surveys", json=holder | {"scores": [4] * 9})
        return answer.is_success

    await until(answered, "known to feedback that the application has ended")
    again = await citizen.post("/feedback/v1/surveys", json=holder | {"scores": [1] * 9})
    assert again.status_code == 409


async def complained(world: World, citizen: httpx.AsyncClient, officer: httpx.AsyncClient) -> None:
    api = "/feedback/v1/complaints"
    said = {"mall": "bombana", "kind": "complaint", "text": GRIEVANCE, "service": SERVICE}
    filed = await ok(citizen.post(api, json=said), 201)
    path = f"{api}/{filed['number']}"
    await world.told(f"Pengaduan {filed['number']} diterima")
    await ok(citizen.post(f"{path}/evidence", content=PHOTO), 201)
    async with world.client("supervisor", "--mall", "bombana") as supervisor:
        await ok(supervisor.post(f"{path}/verify", json={}))
        await ok(supervisor.post(f"{path}/forward", json={"agency": AGENCY}))
    await ok(officer.post(f"{path}/answer", json={"text": REPLY, "outcome": "fixed"}))
    await world.told(f"Pengaduan {filed['number']} dijawab")
    shown = await ok(citizen.post(f"{path}/follow", json={}))
    assert [step["words"] for step in shown["history"] if step["words"]] == [GRIEVANCE, REPLY]


async def forgotten(citizen: httpx.AsyncClient) -> dict[str, Any]:
    asked: dict[str, Any] = await ok(citizen.delete("/profile/v1/me"), 202)

    async def everybody() -> bool:
        nonlocal asked
        asked = await ok(citizen.get("/profile/v1/me/forgetting"))
        return bool(asked["state"] == "done")

    await until(everybody, "answered by every service that holds something")
    return asked


async def test_a_citizen_is_served_and_told_and_heard_and_then_forgotten_everywhere(world: World) -> None:
    subject = str(uuid4())
    staff = ("officer", "--mall", "bombana", "--agency", AGENCY)
    async with world.client("citizen", "--subject", subject) as citizen, world.client(*staff) as officer:
        await registered(citizen)
        await served(world, citizen, officer)
        application = await decided(world, citizen, officer)
        await rated(citizen, application)
        await complained(world, citizen, officer)

        history = await ok(citizen.get("/tracking/v1/me/history"))
        assert {each["kind"] for each in history} == {"application", "ticket", "complaint"}
        inbox = await ok(citizen.get("/notify/v1/me/inbox", params={"limit": 200}))
        mails = [(mail.subject, mail.text.strip()) for mail in world.mailbox.to(EMAIL)]
        assert sorted((item["subject"], item["text"]) for item in inbox["items"]) == sorted(mails)
        assert len({*mails}) == len(mails) >= 10  # nobody is told the same twice
        held = await ok(citizen.get("/profile/v1/me/export"))
        assert NAME in str(held) and GRIEVANCE in str(held)

        answer = await forgotten(citizen)
        assert {each["service"] for each in answer["answers"]} == {
            "profile",
            "tracking",
            "notify",
            "feedback",
        }

    home = Home(world.node.folder / "home")
    known = application["number"]
    assert len(await places_of(home, [known])) > 3  # who looks like this finds what is there
    said = [NAME, NIK, PHONE, PHONE.removeprefix("+62"), EMAIL, str(CHAT), GRIEVANCE, REPLY, REMARK, STREET]
    assert await places_of(home, said) == set()
    verified = world.node.tell("verify")
    assert verified.returncode == 0, verified.stdout
