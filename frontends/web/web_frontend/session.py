"""A session: who sits before this browser, and what this browser holds: its numbers, its device."""

import secrets
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from web_frontend.platform import Caller
from web_frontend.sealing import Seal

IDLE_SECONDS = 30 * 60  # a shared phone forgets who signed in
HELD = 6  # numbers that one browser holds
DAY = 86_400
WHO, HOLDS, DEVICE = "who", "holds", "device"
NAMES = {WHO: "sesi", HOLDS: "nomor", DEVICE: "perangkat"}
KEPT = {WHO: None, HOLDS: 2 * DAY, DEVICE: 400 * DAY}  # seconds; None: until the browser is closed


@dataclass(slots=True)
class Person:
    """Somebody signed in, as far as the pages must know; the platform itself judges every token."""

    token: str
    subject: str
    roles: list[str]
    malls: list[str]
    agencies: list[str]
    expires: float
    name: str = ""

    def has(self, *roles: str) -> bool:
        return not {*self.roles}.isdisjoint(roles)

    @property
    def staff(self) -> bool:
        return self.has("officer", "supervisor", "mall-admin", "national-admin", "analyst")


@dataclass(slots=True)
class Session:
    """What the sealed cookies say. Whatever is changed here goes back with the answer.

    id: new at every sign-in and sign-out, so that nobody can give somebody a session and share it.
    """

    id: str
    person: Person | None = None
    held: dict[str, dict[str, str]] = field(default_factory=dict)  # ticket or booking → mall, secret
    device: dict[str, str] = field(default_factory=dict)  # kind, mall, id, token of a kiosk or board
    ahead: float = 0.0  # seconds; a development node's visitor chose the time
    language: str = "id"
    notice: str = ""  # said once, on the next page

    @property
    def caller(self) -> Caller:
        token = self.person.token if self.person else ""
        return Caller(token, timedelta(seconds=self.ahead), self.language)

    @property
    def device_caller(self) -> Caller:
        return Caller(self.device.get("token", ""), timedelta(seconds=self.ahead), self.language)

    def sign_in(self, person: Person) -> None:
        self.id, self.person = new_id(), person

    def sign_out(self) -> None:
        self.id, self.person = new_id(), None

    def hold(self, id_: str, mall: str, secret: str) -> None:
        """Remember a number's secret; the oldest is let go when there are many."""
        self.held[id_] = {"mall": mall, "secret": secret}
        for oldest in [*self.held][: max(0, len(self.held) - HELD)]:
            del self.held[oldest]

    def secret(self, id_: str) -> str:
        return self.held.get(id_, {}).get("secret", "")


def new_id() -> str:
    return secrets.token_urlsafe(18)


class Sessions:
    """Reads a session from a request's cookies, and writes back what became of it."""

    def __init__(self, seal: Seal, *, secure: bool, choose_time: bool) -> None:
        self.seal, self._secure, self._choose_time = seal, secure, choose_time

    def read(self, request: Request) -> Session:
        who, held, device = (self.seal.open(part, request.cookies.get(NAMES[part])) for part in NAMES)
        who = who if isinstance(who, dict) and who.get("seen", 0) > time.time() - IDLE_SECONDS else {}
        session = Session(who.get("id") or new_id(), held=held or {}, device=device or {})
        session.notice = who.get("notice", "")
        session.ahead = float(who.get("ahead", 0)) if self._choose_time else 0.0
        if (person := who.get("person")) and person["expires"] > time.time():
            session.person = Person(**person)
        return session

    def write(self, before: Request, session: Session, response: Response) -> None:
        """Only what differs, and whether somebody is still there."""
        person = session.person
        who: dict[str, Any] = {"id": session.id, "seen": int(time.time()), "notice": session.notice}
        who |= {"ahead": session.ahead} if session.ahead else {}
        if person:
            who["person"] = {name: getattr(person, name) for name in Person.__slots__}
        self._set(response, WHO, who)
        for part, facts in ((HOLDS, session.held), (DEVICE, session.device)):
            if facts != (self.seal.open(part, before.cookies.get(NAMES[part])) or {}):
                self._set(response, part, facts)

    def _set(self, response: Response, part: str, facts: Any) -> None:
        response.set_cookie(
            NAMES[part],
            self.seal.seal(part, facts) if facts else "",
            max_age=KEPT[part] if facts else 0,
            httponly=True,
            secure=self._secure,
            samesite="lax",
            path="/",
        )
