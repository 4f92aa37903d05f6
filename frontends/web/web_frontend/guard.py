"""The guard at the door: the session of every request, who may post, and what browsers may do."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web_frontend.languages import chosen, speak
from web_frontend.sealing import Seal
from web_frontend.session import Session, Sessions

LANGUAGE = "bahasa"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_LIMIT = 64 * 1024  # bytes; files have doors of their own
FIELD, HEADER = "tanda", "X-Tanda"
OPEN = ("/aset/", "/health/", "/metrics", "/sw.js", "/manifest.webmanifest")  # the same for everybody
ELSEWHERE = "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"


class Forged(Exception):
    """A form that no page of ours, shown in this session, has sent."""


class TooLarge(Exception):
    """More was sent than such a form holds."""


class Guard:
    """ASGI: reads the session before, writes it after, and dresses every answer.

    Another site's page can't post here: browsers say where a request comes from (Sec-Fetch-Site, Origin), and
    every form carries a sign of its session.
    """

    def __init__(
        self,
        app: ASGIApp,
        sessions: Sessions,
        origin: str,
        sign_in_at: str,
        broken: Callable[[Request, Exception], Response],
    ) -> None:
        self._app, self._sessions, self._origin, self._broken = app, sessions, origin, broken
        self._policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
            "connect-src 'self'; media-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
            f"form-action 'self' {sign_in_at}; frame-ancestors 'none'"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request = Request(scope, receive)
        public = request.url.path.startswith(OPEN)
        session = self._sessions.read(request)
        session.language = chosen(request.cookies.get(LANGUAGE), request.headers.get("accept-language", ""))
        speak(session.language)
        scope["state"] = {**scope.get("state", {}), "session": session}
        if request.method not in SAFE and not self._from_us(request):
            answer = Response("Permintaan dari situs lain ditolak.", 403, media_type="text/plain")
            return await answer(scope, receive, send)

        begun = False

        async def dressed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message["headers"], *self._headers(request, session, public)]
            await send(message)

        try:
            await self._app(scope, receive, dressed)
        except Exception as failure:
            if begun:
                raise
            await self._broken(request, failure)(scope, receive, dressed)

    def _from_us(self, request: Request) -> bool:
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        return (
            site in (None, "same-origin", "none")
            and origin in (None, "null", self._origin)
            and (origin != "null" or site == "same-origin")
        )

    def _headers(self, request: Request, session: Session, public: bool) -> list[tuple[bytes, bytes]]:
        told = {
            "content-security-policy": self._policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "permissions-policy": ELSEWHERE,
        }
        headers = [(name.encode(), value.encode()) for name, value in told.items()]
        if public:
            return headers
        kept = Response()
        self._sessions.write(request, session, kept)
        cookies = [pair for pair in kept.raw_headers if pair[0] == b"set-cookie"]
        return [*headers, (b"cache-control", b"no-store"), *cookies]


def session_of(request: Request) -> Session:
    session: Session = request.state.session
    return session


def sign_of(seal: Seal, session: Session) -> str:
    """What every form of this session carries."""
    return seal.sign("form", session.id)


async def posted(request: Request) -> FormData:
    """The form, sent by a page of ours. Raises Forged, TooLarge."""
    if int(request.headers.get("content-length") or 0) > FORM_LIMIT:
        raise TooLarge
    form = await request.form(max_files=0, max_part_size=FORM_LIMIT)
    proof = request.headers.get(HEADER) or str(form.get(FIELD, ""))
    if not request.app.state.seal.signed("form", session_of(request).id, proof):
        raise Forged
    return form


Posted = Annotated[FormData, Depends(posted)]
Sits = Annotated[Session, Depends(session_of)]
