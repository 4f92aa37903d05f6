"""The table of rights names every operation there is, and the services answer everybody as it says."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from mpp.testing.node import RunningNode, running_node
from mpp.testing.serving import settings_for
from mpp.web.auth import STRONGEST_FIRST
from mpp_node.home import Home
from mpp_node.keys import Signer

from .rights import CATALOG, RIGHTS, STAFF, Right

METHODS = {"get", "put", "post", "delete", "patch"}
NOW = {"Mpp-Time": "2026-11-24T09:30:00+08:00"}
HERE, ELSEWHERE, AGENCY, OTHER = "7406", "3271", "disdukcapil", "polri"
SOMEWHERE = ("kiosk", "display", *STAFF)  # roles that are held in a mall
INSIDE = ("mall", "whole mall", "agency", "own or mall")
PDF = b"%PDF-1.7\n%%EOF"


def _described(app: FastAPI, service: str) -> Iterator[str]:
    """What the public description of a service offers."""
    for path, item in app.openapi()["paths"].items():
        for method in METHODS & item.keys():
            yield f"{method.upper()} {path.removeprefix(f'/api/{service}/v1')}"


def _offered(service: str) -> set[str]:
    made = import_module(f"{service}_service.__main__").service
    app = made.app(settings_for(service))
    internal = [router for router in made.internal for router in router.routes]
    told = {f"{m} /internal{r.path}" for r in internal if isinstance(r, APIRoute) for m in r.methods or ()}
    return {*_described(app, service), *told, "GET /internal/events"}


def _named(service: str) -> set[str]:
    return {case.partition(" [")[0] for case in RIGHTS[service]}


@pytest.mark.parametrize("service", RIGHTS)
def test_no_operation_is_without_its_right_and_no_right_without_its_operation(service: str) -> None:
    assert _offered(service) == _named(service)


def test_a_new_operation_is_missed_in_the_table() -> None:
    router, app = APIRouter(), FastAPI()
    router.add_api_route("/surprise", lambda: None, methods=["POST"])
    app.include_router(router, prefix="/api/catalog/v1")
    assert {*_described(app, "catalog")} - {*CATALOG} == {"POST /surprise"}


@dataclass(frozen=True)
class Person:
    """Somebody who asks: a role in a mall and an agency, or the citizen whose things they are."""

    role: str = ""
    mall: str = ""
    agency: str = ""
    subject: str = ""
    owner: bool = False

    def __str__(self) -> str:
        return f"{self.role or 'nobody'} {self.mall} {self.agency}{' (owner)' if self.owner else ''}".strip()


@dataclass
class World:
    """A node of its own, with one of everything that rights are about."""

    node: RunningNode
    owner: str = field(default_factory=lambda: str(uuid4()))
    things: dict[str, str] = field(default_factory=dict)
    words: dict[str, dict[str, str]] = field(default_factory=dict)  # what a service means by a placeholder
    tokens: dict[Person, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home = Home(self.node.folder / "home")
        self.signer = Signer(self.home)
        self.client = httpx.AsyncClient(headers=NOW, timeout=30)

    def people(self) -> Iterator[Person]:
        """Nobody, every role where it belongs, and the same where it does not."""
        yield Person()
        yield Person("citizen", subject=self.owner, owner=True)
        yield Person("citizen", subject=str(uuid4()))
        for role in STRONGEST_FIRST:
            if role in SOMEWHERE:
                agency = AGENCY if role == "officer" else ""
                yield Person(role, HERE, agency)
                yield Person(role, ELSEWHERE, agency)
                yield Person(role, HERE, OTHER)
            elif role != "citizen":
                yield Person(role)

    def token(self, person: Person) -> str:
        malls, agencies = [person.mall] * bool(person.mall), [person.agency] * bool(person.agency)
        made = self.signer.token([person.role], malls=malls, agencies=agencies, subject=person.subject)
        return self.tokens.setdefault(person, made)

    async def ask(self, service: str, case: str, person: Person, body: Any = None) -> httpx.Response:
        method, _, path = case.partition(" [")[0].partition(" ")
        note = case.partition(" [")[2].rstrip("]")
        values = self.things | self.words.get(service, {})
        if "=" in note:
            values |= {note.partition("=")[0]: note.partition("=")[2]}
        base = self.node.address + f"/api/{service}/v1"
        if path.startswith("/internal"):
            values |= {"citizen": self.owner}  # who consented
            base = f"http://127.0.0.1:{self.home.port(service)}"
        headers = {"Authorization": f"Bearer {self.token(person)}"} if person.role else {}
        said = {"content": body} if isinstance(body, bytes) else {"json": body}
        if isinstance(body, bytes):
            headers["Content-Type"] = "text/csv" if service == "catalog" else "application/pdf"
        request = self.client.build_request(
            method, base + path.format(**values), headers=headers, params=QUERY.get(path), **said
        )
        answer = await self.client.send(request, stream=True)  # a live page never ends
        if "event-stream" not in answer.headers.get("content-type", ""):
            await answer.aread()
        await answer.aclose()
        return answer

    async def made(self, service: str, case: str, person: Person, body: Any) -> Any:
        answer = await self.ask(service, case, person, body)
        assert answer.is_success, f"{case}: {answer.text}"
        return answer.json() if answer.content else {}


QUERY: dict[str, dict[str, str]] = {
    "/citizens/{citizen}": {"purpose": "application"},
    "/citizens/{citizen}/export": {"purpose": "application"},
    "/me/prefill": {"fields": "name"},
    "/malls/{slug}/slots": {"service": "adminduk.kk-baru", "date": "2026-11-25"},
    "/malls/{slug}/statistics.csv": {"by": "hour"},
    "/malls/import": {"mall": "bombana", "dry_run": "true"},
    "/files/{application}/{document}": {"until": "1", "proof": "none"},
    "/evidence/{complaint}/{document}": {"until": "1", "proof": "none"},
    "/internal/citizens/{citizen}/contacts": {"purpose": "notifications"},
}


@pytest_asyncio.fixture(scope="module")
async def world() -> AsyncIterator[World]:
    with running_node() as node:
        world = World(node)
        await furnish(world)
        yield world
        await world.client.aclose()


async def furnish(world: World) -> None:
    """One of everything, made by those who may."""
    owner = Person("citizen", subject=world.owner, owner=True)
    officer = Person("officer", HERE, AGENCY)
    world.things = {
        "slug": "bombana", "year": "2027", "date": "2026-12-01", "agency": AGENCY, "line": "A",
        "counter": "7406-01", "code": "adminduk.kk-baru", "channel": "email",
        "document": str(uuid4()), "complaint": str(uuid4()), "notification": str(uuid4()), "kind": "kk",
    }  # fmt: skip
    make, things = world.made, world.things
    world.words = {"tracking": {"code": "ktp-reprint", "kind": "kk"}, "notify": {"kind": "ticket-missed"}}
    lines = await make("catalog", "GET /malls/{slug}/lines", Person(), None)
    own_line = next(each for each in lines["items"] if "adminduk.kk-baru" in each["services"])
    counters = (await make("catalog", "GET /malls/{slug}/counters", Person(), None))["items"]
    mine = next(each for each in counters if own_line["line"] in each["lines"] and each["agency"] == AGENCY)
    things |= {"line": own_line["line"], "counter": mine["id"]}
    asked = {"mall": "bombana", "service": "adminduk.kk-baru", "channel": "web"}
    things["ticket"] = (await make("queue", "POST /tickets", Person(), asked))["id"]
    called = await make("queue", "POST /counters/{counter}/call-next", officer, None)
    assert called["id"] == things["ticket"]
    things["job"] = (await make("queue", "POST /papers/{ticket}", officer, None))["id"]
    board = await make("queue", "GET /malls/{slug}/board", Person(), None)
    things |= {"call": str(board["calls"][0]["id"]), "device": str(uuid4())}
    admin = Person("mall-admin", HERE)
    await make("queue", "PUT /malls/{slug}/lines/{line}/booking", admin, {"per_slot": 500})
    slot = {"slot": "2026-11-25T09:30:00+08:00", "hold": False}
    things["booking"] = (await make("queue", "POST /bookings", owner, asked | slot))["id"]
    await make("profile", "PUT /me", owner, {"name": "Wa Ode", "nik": "7406014107900001"})
    for purpose in ("prefill", "notifications"):
        things["purpose"] = purpose
        await make("profile", "PUT /me/consents/{purpose}", owner, {"given": True, "text": "2026-11"})
    registered = {"name": "La Ode", "mall": HERE, "nik": "7406015507900002"}
    things["citizen"] = (await make("profile", "POST /citizens", officer, registered))["citizen"]
    opening = {"mall": "bombana", "service": "adminduk.ktp-cetak-ulang"}
    things["application"] = (await make("tracking", "POST /applications", owner, opening))["id"]
    answers = {"name": "Wa Ode", "nik": "7406014107900001", "phone": "+628123456789", "reason": "lost"}
    await make("tracking", "PUT /applications/{application}/answers", owner, {"answers": answers})
    file = await make("tracking", "PUT /applications/{application}/documents/{kind}", owner, PDF)
    things["document"] = file["id"]
    await make("tracking", "POST /applications/{application}/submit", owner, None)
    complaint = {"mall": "bombana", "kind": "complaint", "text": "Loket tutup", "agency": AGENCY}
    things["number"] = (await make("feedback", "POST /complaints", owner, complaint))["number"]
    proof = await make("feedback", "POST /complaints/{number}/evidence", owner, PDF)
    world.words["feedback"] = {"document": proof["id"]}
    inbox: dict[str, Any] = {"items": []}
    while not inbox["items"]:  # notify hears of the application in its own time; the suite's patience ends it
        inbox = await make("notify", "GET /me/inbox", owner, None)
    things["notification"] = inbox["items"][0]["id"]


def may(right: Right, person: Person) -> bool:
    if not right.roles:
        return True
    if person.role not in right.roles:
        return False
    if person.role == "citizen":
        return person.owner or not (right.within in ("own", "own or mall") or right.hidden)
    if person.role in SOMEWHERE and right.within in INSIDE and person.mall != HERE:
        return False
    if right.within == "whole mall":
        return not person.agency
    return right.within != "agency" or person.agency in ("", AGENCY)


def closed(right: Right, person: Person) -> set[int]:
    if not person.role:
        return {right.nobody}
    return {403, 404} if right.hidden else {403}


def opened(right: Right, status: int) -> bool:
    if right.nobody == 403 and not right.roles:
        return status == 403  # a link is its own right, and this one is forged
    return status < 500 and status not in (401, 403) and not (right.hidden and status == 404)


def ends(case: str) -> tuple[bool, bool]:
    """Forgetting comes last, and how far it has come is asked after it."""
    return case.endswith("/forgetting"), case.startswith("DELETE")


async def test_everybody_is_answered_as_the_table_says(world: World) -> None:
    """Those who may not first: what those who may do changes the world, and deleting ends it."""
    counted: Counter[str] = Counter()
    wrong = []
    process = import_module("tracking_service.seeding").processes()
    bodies = {
        "the process itself": next(p for p in process if p.code == "ktp-reprint").model_dump(mode="json")
    }
    asked = [
        (service, case, right, person)
        for service, table in RIGHTS.items()
        for case, right in table.items()
        for person in world.people()
    ]
    asked.sort(key=lambda each: (may(each[2], each[3]), *ends(each[1])))
    for service, case, right, person in asked:
        body = bodies.get(right.body, right.body) if isinstance(right.body, str) else right.body
        status = (await world.ask(service, case, person, body)).status_code
        allowed = may(right, person)
        counted["open" if allowed else str(status)] += 1
        fits = opened(right, status) if allowed else status in closed(right, person)
        if not fits:
            wrong.append(f"{service} {case}: {person}: {status}, {'open' if allowed else 'closed'}")
    assert not wrong, "\n".join(wrong)
    assert counted.total() > 2000 and counted["open"] > 500 and counted["401"] > 50 and counted["403"] > 500
