"""Signing in at the OpenID provider: authorization code with PKCE; browsers never see the token."""

import json
import time
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from web_frontend.guard import Posted, Sits
from web_frontend.languages import gettext as _
from web_frontend.pages import At, local, to
from web_frontend.session import Person, new_id
from web_frontend.settings import Settings

log = structlog.get_logger()
ASKED, MINUTES = "masuk", 10
BACK = "/masuk/kembali"
router = APIRouter()


class Provider:
    """The provider as its discovery document describes it, asked when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._known = settings, dict[str, Any]()

    @property
    def origin(self) -> str:
        parts = urlsplit(self._settings.issuer_url)
        return f"{parts.scheme}://{parts.netloc}"

    async def document(self) -> dict[str, Any]:
        if not self._known:
            base = self._settings.issuer_back_url or self._settings.issuer_url
            async with httpx.AsyncClient(timeout=5) as http:
                answer = await http.get(f"{base}/.well-known/openid-configuration")
                answer.raise_for_status()
                self._known = answer.json()
        return self._known

    def client(self) -> AsyncOAuth2Client:
        told = self._settings
        return AsyncOAuth2Client(
            told.client_id,
            told.client_secret.get_secret_value(),
            scope="openid",
            redirect_uri=told.public_url + BACK,
            code_challenge_method="S256",
            timeout=5,
        )

    def behind(self, url: str) -> str:
        """An address of the provider as it is reached from here."""
        told = self._settings
        return url.replace(told.issuer_url, told.issuer_back_url, 1) if told.issuer_back_url else url


@router.get("/masuk")
async def sign_in(request: Request, sits: Sits, pages: At, ke: str = "/", sebagai: str = "") -> Response:
    """Off to the provider; what comes back must answer to what is sealed here for ten minutes."""
    provider, seal = request.app.state.provider, request.app.state.seal
    verifier = new_id() + new_id() + new_id()
    try:
        document = await provider.document()
    except (httpx.HTTPError, ValueError) as failure:
        log.warning("the provider is not reached", failure=type(failure).__name__)
        return pages.show(request, "errors/away.html", 503)
    async with provider.client() as client:
        url, state = client.create_authorization_url(
            document["authorization_endpoint"],
            code_verifier=verifier,
            ui_locales=sits.language,
            login_hint=sebagai,
        )
    answer = RedirectResponse(url, 303)
    asked = {"state": state, "verifier": verifier, "to": local(ke), "until": time.time() + MINUTES * 60}
    answer.set_cookie(
        ASKED,
        seal.seal(ASKED, asked),
        MINUTES * 60,
        httponly=True,
        samesite="lax",
        path=BACK,
        secure=request.app.state.settings.secure,
    )
    return answer


@router.get(BACK)
async def back(request: Request, sits: Sits, code: str = "", state: str = "") -> Response:
    """From the provider; the session gets a new id, whoever it was before."""
    asked = request.app.state.seal.open(ASKED, request.cookies.get(ASKED))
    if not asked or not code or asked["state"] != state or asked["until"] < time.time():
        sits.notice = _("Masuk dibatalkan. Silakan coba lagi.")
        return to("/")
    provider = request.app.state.provider
    try:
        document = await provider.document()
        async with provider.client() as client:
            endpoint = provider.behind(document["token_endpoint"])
            token = await client.fetch_token(endpoint, code=code, code_verifier=asked["verifier"])
        sits.sign_in(_person(token["access_token"]))
    except (OAuthError, httpx.HTTPError, ValueError, KeyError) as failure:
        log.warning("nobody signed in", failure=type(failure).__name__)
        sits.notice = _("Masuk belum berhasil. Silakan coba lagi.")
        return to("/")
    answer = to(asked["to"])
    answer.delete_cookie(ASKED, path=BACK)
    return answer


@router.post("/keluar")
async def sign_out(_form: Posted, sits: Sits) -> Response:
    sits.sign_out()
    sits.notice = _("Anda sudah keluar.")
    return to("/")


def _person(token: str) -> Person:
    """Whom the provider says this is: it said so itself, over a connection of ours."""
    body = token.split(".")[1]
    claims = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return Person(
        token=token,
        subject=str(claims["sub"]),
        roles=list(claims.get("roles", [])),
        malls=list(claims.get("malls", [])),
        agencies=list(claims.get("agencies", [])),
        expires=float(claims["exp"]),
        name=str(claims.get("name", "")),
    )
