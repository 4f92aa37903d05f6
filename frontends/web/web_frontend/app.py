"""The application: every page under its guard."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException as Refusal
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, RedirectResponse, Response

from web_frontend import signing_in
from web_frontend.assets import Assets
from web_frontend.guard import LANGUAGE, Forged, Guard, Posted, TooLarge
from web_frontend.languages import LANGUAGES
from web_frontend.pages import Pages, local, to
from web_frontend.platform import Away, Platform, Refused
from web_frontend.sealing import Seal
from web_frontend.session import Sessions
from web_frontend.settings import Settings

log = structlog.get_logger()


def create(settings: Settings, routers: Sequence[APIRouter]) -> FastAPI:
    """Routers of the portal, the kiosk, the counter, the board and the office under one roof."""
    seal, assets = Seal(settings.secret_key.get_secret_value()), Assets()
    sessions = Sessions(seal, secure=settings.secure, choose_time=settings.clock == "request")
    provider = signing_in.Provider(settings)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        app.state.platform = Platform(settings.api_url)
        try:
            yield
        finally:
            await app.state.platform.close()

    guard = Middleware(
        Guard, sessions=sessions, origin=settings.public_url, sign_in_at=provider.origin, broken=_broken
    )
    app = FastAPI(
        title="MPP pages", openapi_url=None, redirect_slashes=False, lifespan=life, middleware=[guard]
    )
    app.state.settings, app.state.seal, app.state.assets = settings, seal, assets
    app.state.provider, app.state.pages = provider, Pages(assets, choose_time=settings.clock == "request")
    for router in (assets.router(), signing_in.router, _doors(), *routers):
        app.include_router(router)
    _explain(app)
    return app


def _doors() -> APIRouter:
    """What belongs to no page: health, metrics, and the choice of a language."""
    router = APIRouter()

    @router.get("/health/live")
    @router.get("/health/ready")
    async def healthy() -> Response:
        return JSONResponse({"status": "ok"})

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @router.get("/manifest.webmanifest")
    async def manifest() -> Response:
        """How the portal looks when it is kept on a phone's first screen."""
        told = {"name": "Mal Pelayanan Publik", "short_name": "MPP", "lang": "id", "start_url": "/"}
        told |= {"display": "standalone", "theme_color": "#022a5b", "background_color": "#ffffff"}
        return JSONResponse(told, media_type="application/manifest+json")

    @router.post("/bahasa")
    async def language(form: Posted) -> Response:
        answer: Response = to(local(str(form.get("ke", "/"))))
        wanted = str(form.get("bahasa", ""))
        if wanted in LANGUAGES:
            answer.set_cookie(LANGUAGE, wanted, 400 * 86_400, samesite="lax", path="/", httponly=True)
        return answer

    return router


def _explain(app: FastAPI) -> None:
    """Every failure is a page that says what happened, why, and what to do."""

    @app.exception_handler(Refused)
    async def refused(request: Request, refusal: Refused) -> Response:
        if refusal.status == 401:
            return RedirectResponse(f"/masuk?ke={request.url.path}", 303)
        known = {403: "errors/not-yours.html", 404: "errors/not-found.html", 429: "errors/too-many.html"}
        page = known.get(refusal.status, "errors/refused.html")
        if page == "errors/refused.html":
            log.warning("a refusal without a page of its own", code=refusal.code, route=_route(request))
        return _page(request, page, refusal.status, code=refusal.code)

    @app.exception_handler(Away)
    async def away(request: Request, _away: Away) -> Response:
        return _page(request, "errors/away.html", 503)

    @app.exception_handler(Forged)
    async def forged(request: Request, _forged: Forged) -> Response:
        return _page(request, "errors/stale.html", 403)

    @app.exception_handler(TooLarge)
    async def large(request: Request, _large: TooLarge) -> Response:
        return _page(request, "errors/refused.html", 413, code="too-large")

    @app.exception_handler(RequestValidationError)
    async def odd(request: Request, _odd: RequestValidationError) -> Response:
        return _page(request, "errors/not-found.html", 404)

    @app.exception_handler(Refusal)
    async def http(request: Request, refusal: HTTPException) -> Response:
        page = "errors/not-found.html" if refusal.status_code in (404, 405) else "errors/refused.html"
        return _page(request, page, refusal.status_code, code="")


def _broken(request: Request, failure: Exception) -> Response:
    log.error("a page failed", route=_route(request), exc_info=failure)
    return _page(request, "errors/broken.html", 500)


def _page(request: Request, template: str, status: int, **facts: str) -> Response:
    pages: Pages = request.app.state.pages
    return pages.show(request, template, status, **facts)


def _route(request: Request) -> str:
    return getattr(request.scope.get("route"), "path", "unmatched")
