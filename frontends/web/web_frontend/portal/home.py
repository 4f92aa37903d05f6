"""Beranda: what do you need today? And what was searched for, by need and not by agency."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from web_frontend.guard import Posted, Sits
from web_frontend.pages import Api, At, is_part, local, to

router = APIRouter()
WIB = ZoneInfo("Asia/Jakarta")
LONGEST = 100  # characters of a search


@router.get("/")
async def home(request: Request, pages: At, api: Api, sits: Sits) -> Response:
    malls = await api.get("/catalog/v1/malls", sits.caller, limit=100)
    return pages.show(request, "portal/home.html", malls=malls["items"], asked="")


@router.get("/cari")
async def search(request: Request, pages: At, api: Api, sits: Sits, q: str = "", mpp: str = "") -> Response:
    """Services of all malls, or of one, that fit what somebody needs; typos are forgiven."""
    asked = q.strip()[:LONGEST].replace("\x00", "")
    path = f"/catalog/v1/malls/{mpp}/services" if mpp.isalnum() or "-" in mpp else "/catalog/v1/services"
    found = await api.get(path, sits.caller, q=asked, limit=20) if asked else {"items": []}
    malls = {m["code"]: m for m in (await api.get("/catalog/v1/malls", sits.caller, limit=100))["items"]}
    template = "portal/found.html" if is_part(request) else "portal/search.html"
    return pages.show(request, template, found=found["items"], malls=malls, asked=asked, mpp=mpp)


@router.post("/waktu")
async def choose_time(request: Request, form: Posted, sits: Sits) -> Response:
    """On a development node a visitor looks at another hour."""
    if request.app.state.settings.clock == "request":
        try:
            wished = datetime.fromisoformat(str(form.get("waktu", ""))).replace(tzinfo=WIB)
            sits.ahead = (wished - datetime.now(UTC)).total_seconds()
        except ValueError:
            sits.ahead = 0.0
    return to(local(str(form.get("ke", "/"))))
