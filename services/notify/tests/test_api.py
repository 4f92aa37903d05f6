"""HTTP of the inbox, of wishes, of texts and of what could not be delivered."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from mpp.service import Running
from mpp.testing.installed import Client
from notify_service.notification import Choose, GiveUp
from notify_service.preferences import Channel
from notify_service.texts import shipped

from .test_sending import state, told


@pytest.fixture
def siti(client: Client) -> tuple[UUID, httpx.AsyncClient]:
    id_ = uuid4()
    return id_, client("citizen", subject=str(id_))


@pytest.fixture
def admin(client: Client) -> httpx.AsyncClient:
    return client("national-admin")


@pytest_asyncio.fixture
async def lost(running: Running) -> UUID:
    """A notification that was given up on both of its channels in the same moment."""
    id_, now = await told(running, uuid4()), datetime.now(UTC)
    both: tuple[Channel, ...] = ("email", "telegram")
    await running.handle(f"notification-{id_}", Choose(both, now))
    for channel in both:
        await running.handle(f"notification-{id_}", GiveUp(channel, now, "blocked"))
    return id_


async def test_an_inbox_is_read_newest_first_page_by_page(
    siti: tuple[UUID, httpx.AsyncClient], running: Running
) -> None:
    citizen, http = siti
    ids = [str(await told(running, citizen, number=f"A{each:03}")) for each in range(5)]
    first = (await http.get("/me/inbox", params={"limit": 3})).json()
    rest = (await http.get("/me/inbox", params={"limit": 3, "cursor": first["next"]})).json()
    assert [each["id"] for page in (first, rest) for each in page["items"]] == ids[::-1]
    assert (first["unread"], rest["next"]) == (5, None)
    assert first["items"][0]["text"] == "Giliran Anda! Nomor A004 silakan ke counter sekarang."
    assert (await http.get("/me/inbox", params={"cursor": "nonsense"})).status_code == 400


async def test_what_was_read_counts_no_more_and_only_its_owner_reads_it(
    siti: tuple[UUID, httpx.AsyncClient], client: Client, running: Running
) -> None:
    citizen, http = siti
    id_ = await told(running, citizen)
    stranger = client("citizen", subject=str(uuid4()))
    assert (await stranger.post(f"/me/inbox/{id_}/read")).status_code == 404
    for _ in range(2):
        assert (await http.post(f"/me/inbox/{id_}/read")).status_code == 204
    inbox = (await http.get("/me/inbox")).json()
    assert inbox["unread"] == 0 and inbox["items"][0]["read_at"]
    assert (await stranger.get("/me/inbox")).json()["items"] == []


async def test_the_language_is_the_one_they_chose_or_ask_for(
    siti: tuple[UUID, httpx.AsyncClient], running: Running
) -> None:
    citizen, http = siti
    await told(running, citizen, number="A012", counter="Loket 3")
    assert (await http.put("/me/preferences", json={"language": "en"})).status_code == 204
    indonesian = (await http.get("/me/inbox", params={"language": "id"})).json()["items"][0]
    english = (await http.get("/me/inbox")).json()["items"][0]
    assert indonesian["text"].startswith("Giliran Anda!") and english["text"].startswith("It is your turn!")
    assert (await http.get("/me/inbox", params={"language": "fr"})).status_code == 422


async def test_wishes_are_kept_as_they_were_said(siti: tuple[UUID, httpx.AsyncClient]) -> None:
    _, http = siti
    before = (await http.get("/me/preferences")).json()
    assert (before["quiet"], before["consent"]) == (["21:00:00", "07:00:00"], False)
    wish = {"off": {"surveys": ["email", "email"]}, "quiet": None, "zone": "Asia/Jayapura", "language": "en"}
    assert (await http.put("/me/preferences", json=wish)).status_code == 204
    after = (await http.get("/me/preferences")).json()
    assert after == before | wish | {"off": {"surveys": ["email"]}}


@pytest.mark.parametrize(
    "wish",
    [
        {"off": {"weather": ["email"]}},
        {"off": {"calls": ["pigeon"]}},
        {"zone": "Asia/Atlantis"},
        {"zone": "../../etc/passwd"},
        {"quiet": ["21:00"]},
        {"language": "fr"},
        {"email": "siti@example.id"},
    ],
)
async def test_a_wish_that_means_nothing_is_refused(
    siti: tuple[UUID, httpx.AsyncClient], wish: dict[str, Any]
) -> None:
    assert (await siti[1].put("/me/preferences", json=wish)).status_code == 422
    assert (await siti[1].get("/me/preferences")).json()["zone"] == "Asia/Jakarta"


async def test_texts_are_seen_tried_and_saved(admin: httpx.AsyncClient) -> None:
    found = {each["kind"]: each for each in (await admin.get("/templates")).json()}
    missed = found["ticket-missed"]
    assert (missed["version"], missed["placeholders"], missed["group"]) == (0, ["number"], "tickets")
    texts = missed["texts"] | {"en": {"subject": "Missed", "text": "Number ((number)) was called."}}
    shown = (await admin.post("/templates/ticket-missed/preview", json=texts)).json()
    assert shown["en"] == {"subject": "Missed", "text": "Number ‹number› was called."}
    assert (await admin.put("/templates/ticket-missed", json=texts)).status_code == 204
    found = {each["kind"]: each for each in (await admin.get("/templates")).json()}
    assert found["ticket-missed"]["version"] >= 1 and found["ticket-missed"]["texts"] == texts


@pytest.mark.parametrize("path", ["/templates/{}", "/templates/{}/preview"])
async def test_a_text_that_can_not_be_said_is_refused(admin: httpx.AsyncClient, path: str) -> None:
    method = "POST" if path.endswith("preview") else "PUT"
    texts = shipped()["ticket-missed"].model_dump(mode="json")
    silent = texts | {"en": {"subject": "Missed", "text": "You were called."}}
    refused = await admin.request(method, path.format("ticket-missed"), json=silent)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:mpp:problem:placeholder-missing")
    assert refused.json()["missing"] == ["number"]
    empty = texts | {"en": {"subject": "", "text": ""}}
    assert (await admin.request(method, path.format("ticket-missed"), json=empty)).status_code == 422
    assert (await admin.request(method, path.format("weather"), json=texts)).status_code == 404


async def test_what_could_not_be_delivered_is_seen_once_each_and_tried_again(
    admin: httpx.AsyncClient, running: Running, lost: UUID
) -> None:
    seen, cursor = [], None
    while True:
        page = (
            await admin.get("/failed", params={"limit": 1} | ({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [
            (each["channel"], each["reason"]) for each in page["items"] if each["notification"] == str(lost)
        ]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [("email", "blocked"), ("telegram", "blocked")]
    assert (await admin.post(f"/notifications/{lost}/email/retry")).status_code == 204
    assert (await state(running, lost))["email"] == ("waiting", None)
    again = await admin.post(f"/notifications/{lost}/email/retry")
    assert (again.status_code, again.json()["type"]) == (409, "urn:mpp:problem:not-now")
    assert (await admin.post(f"/notifications/{lost}/pigeon/retry")).status_code == 422
    assert (await admin.post(f"/notifications/{uuid4()}/email/retry")).status_code == 404
    assert (await admin.get("/failed", params={"cursor": "nonsense"})).status_code == 400
