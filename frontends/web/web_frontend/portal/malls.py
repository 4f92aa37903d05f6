"""A mall and its services: open or not, what to bring, how long, what it costs, how many numbers are left."""

import asyncio
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request
from starlette.responses import Response

from web_frontend.guard import Sits
from web_frontend.pages import Api, At

router = APIRouter()


@router.get("/mpp/{slug}")
async def mall(slug: str, request: Request, pages: At, api: Api, sits: Sits) -> Response:
    """Its hours, and its agencies."""
    known, agencies = await asyncio.gather(
        api.get(f"/catalog/v1/malls/{slug}", sits.caller),
        api.get(f"/catalog/v1/malls/{slug}/agencies", sits.caller, limit=100),
    )
    return pages.show(request, "portal/mall.html", mall=known, agencies=agencies["items"])


@router.get("/mpp/{slug}/instansi/{agency}")
async def agency(slug: str, agency: str, request: Request, pages: At, api: Api, sits: Sits) -> Response:
    """What one agency does there."""
    known, services = await asyncio.gather(
        api.get(f"/catalog/v1/malls/{slug}", sits.caller),
        api.get(f"/catalog/v1/malls/{slug}/services", sits.caller, agency=agency, limit=100),
    )
    return pages.show(request, "portal/agency.html", mall=known, services=services["items"], agency=agency)


@router.get("/mpp/{slug}/layanan/{code}")
async def service(slug: str, code: str, request: Request, pages: At, api: Api, sits: Sits) -> Response:
    """The service's standard, and how to be served."""
    facts = await offered(api, sits, slug, code)
    return pages.show(request, "portal/service.html", **facts)


async def offered(api: Api, sits: Sits, slug: str, code: str) -> dict[str, Any]:
    """The mall, the service with its standard, and its line as it is now (None: it has none)."""
    known, told, lines, of_mall = await asyncio.gather(
        api.get(f"/catalog/v1/malls/{slug}", sits.caller),
        api.get(f"/catalog/v1/malls/{slug}/services/{code}", sits.caller),
        api.get(f"/queue/v1/malls/{slug}/lines", sits.caller),
        api.get(f"/catalog/v1/malls/{slug}/lines", sits.caller, limit=100),
    )
    letter = next((line["line"] for line in of_mall["items"] if code in line["services"]), "")
    line = next((line for line in lines["items"] if line["line"] == letter), None)
    facts = {"mall": known, "service": told, "standard": told["standard"], "line": line}
    return facts | {"key": str(uuid4())}  # of the next press of "Ambil nomor"
