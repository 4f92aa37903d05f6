"""Signing in on a development node: everybody chooses who to be (authorization code with PKCE)."""

import hashlib
import html
import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

import httpx
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from mpp_node.home import Home

CLIENT = "web"
BACK = "/masuk/kembali"
CODE_SECONDS, TOKEN_SECONDS = 60, 8 * 3600
PEOPLE = ("Siti Rahmawati", "Budi Santoso", "Wayan Sudarma")  # invented
STAFF = {
    "officer": "Petugas loket",
    "supervisor": "Supervisor",
    "mall-admin": "Admin mal",
}
NATION = {"national-admin": "Admin nasional", "analyst": "Analis"}
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Who somebody chose to be, until the code for it is exchanged."""

    claims: dict[str, list[str] | str]
    challenge: str
    until: float


class SignIns:
    """Codes that wait for their exchange; each counts once, for a minute."""

    def __init__(self) -> None:
        self._waiting: dict[str, Choice] = {}

    def remember(self, claims: dict[str, list[str] | str], challenge: str) -> str:
        code, now = secrets.token_urlsafe(24), time.monotonic()
        self._waiting = {kept: choice for kept, choice in self._waiting.items() if choice.until > now}
        self._waiting[code] = Choice(claims, challenge, now + CODE_SECONDS)
        return code

    def exchange(self, code: str, verifier: str) -> dict[str, list[str] | str] | None:
        """The claims, when the code waits and the verifier is the one that was asked with."""
        choice = self._waiting.pop(code, None)
        digest = hashlib.sha256(verifier.encode()).digest()
        proved = urlsafe_b64encode(digest).rstrip(b"=").decode()
        fits = choice is not None and choice.until > time.monotonic() and choice.challenge == proved
        return choice.claims if choice is not None and fits else None


def router(home: Home, sign_ins: SignIns) -> APIRouter:
    """The page, and what becomes of its form."""
    api = APIRouter()

    @api.get("/oidc/authorize", include_in_schema=False)
    async def choose(request: Request) -> Response:
        if not _asked_well(home, dict(request.query_params)):
            return HTMLResponse("This is not a request of the node's own pages.", 400, HEADERS)
        malls = await _malls(home)
        return HTMLResponse(_page(dict(request.query_params), malls), headers=HEADERS)

    @api.post("/oidc/authorize", include_in_schema=False)
    async def chosen(request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        if not _asked_well(home, form):
            return HTMLResponse("This is not a request of the node's own pages.", 400, HEADERS)
        code = sign_ins.remember(_claims(form), form["code_challenge"])
        told = urlencode({"code": code, "state": form.get("state", "")})
        return RedirectResponse(f"{home.address}{BACK}?{told}", 303, HEADERS)

    return api


def _asked_well(home: Home, asked: dict[str, str]) -> bool:
    wanted = {"client_id": CLIENT, "redirect_uri": home.address + BACK, "response_type": "code"}
    wanted |= {"code_challenge_method": "S256"}
    return all(asked.get(name) == value for name, value in wanted.items()) and bool(
        asked.get("code_challenge")
    )


async def _malls(home: Home) -> list[tuple[str, str]]:
    """Code and title of every mall."""
    async with httpx.AsyncClient(timeout=5) as http:
        try:
            answer = await http.get(f"http://127.0.0.1:{home.port('catalog')}/api/catalog/v1/malls?limit=100")
            return [(mall["code"], mall["title"]) for mall in answer.json()["items"]]
        except (httpx.HTTPError, ValueError, KeyError):
            return []


def _claims(form: dict[str, str]) -> dict[str, list[str] | str]:
    """`as`: citizen/<name>, <staff role>/<mall>, <national role>/, or <officer>/<mall>/<agency>."""
    role, _, rest = form.get("as", "").partition("/")
    if role == "citizen":
        return {"roles": ["citizen"], "subject": str(uuid5(NAMESPACE_URL, rest)), "name": rest}
    if role in STAFF:
        name = f"{STAFF[role]} {rest}"
        return {"roles": [role], "malls": [rest], "subject": str(uuid5(NAMESPACE_URL, name)), "name": name}
    role = role if role in NATION else "analyst"
    return {"roles": [role], "subject": str(uuid5(NAMESPACE_URL, role)), "name": NATION[role]}


def _page(asked: dict[str, str], malls: list[tuple[str, str]]) -> str:
    kept = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in asked.items()
    )
    citizens = "".join(_button(f"citizen/{name}", name) for name in PEOPLE)
    staff = "".join(
        f"<h3>{html.escape(title)}</h3>"
        + "".join(_button(f"{role}/{code}", said) for role, said in STAFF.items())
        for code, title in malls
    )
    nation = "".join(_button(role, said) for role, said in NATION.items())
    return f"""<!doctype html><html lang="id"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Masuk · node pengembangan</title>
<link rel="stylesheet" href="/oidc/sign-in.css"></head><body><main><h1>Masuk sebagai siapa?</h1>
<p>Ini node pengembangan: siapa pun boleh memilih. Di mal, orang masuk lewat INApas.</p>
<form method="post" action="/oidc/authorize">{kept}
<h2>Warga</h2>{citizens}<h2>Petugas</h2>{staff}<h2>Nasional</h2>{nation}</form></main></body></html>"""


def _button(value: str, said: str) -> str:
    return f'<button name="as" value="{html.escape(value)}">{html.escape(said)}</button> '
