"""Tiket: a number taken at home, and the page that follows it."""

from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from starlette.responses import Response

from web_frontend.guard import Posted, Sits
from web_frontend.languages import gettext as _
from web_frontend.pages import Api, At, is_part, to
from web_frontend.platform import Refused
from web_frontend.portal.malls import offered

router = APIRouter()
ACTS = {"batalkan": "cancel", "kembali": "rejoin", "beri-tahu": "near"}


@router.post("/mpp/{slug}/layanan/{code}/ambil")
async def take(
    slug: str, code: str, request: Request, form: Posted, pages: At, api: Api, sits: Sits
) -> Response:
    """Take a number. The form brings the key of its page, so that a second press gives the same number."""
    wanted: dict[str, Any] = {"mall": slug, "service": code, "channel": "web"}
    if form.get("prioritas"):
        wanted["priority"] = str(form["prioritas"])
    try:
        ticket = await api.post("/queue/v1/tickets", sits.caller, wanted, key=_key(form))
    except Refused as refusal:
        if refusal.status not in (409, 422):
            raise
        facts = await offered(api, sits, slug, code)
        return pages.show(request, "portal/service.html", 409, refusal=refusal, **facts)
    sits.hold(ticket["id"], ticket["mall"], ticket["secret"])
    return to(f"/tiket/{ticket['id']}")


@router.get("/tiket/{ticket}")
async def show(ticket: UUID, request: Request, pages: At, api: Api, sits: Sits) -> Response:
    """Where it stands; to whoever holds it also what can be done."""
    told = await api.get(f"/queue/v1/tickets/{ticket}", sits.caller)
    mall = await api.get(f"/catalog/v1/malls/{told['mall']}", sits.caller)
    facts = {"ticket": told, "mall": mall, "mine": bool(sits.secret(str(ticket)))}
    template = "portal/ticket-now.html" if is_part(request) else "portal/ticket.html"
    return pages.show(request, template, **facts)


@router.post("/tiket/{ticket}/simpan")
async def keep(ticket: UUID, form: Posted, api: Api, sits: Sits) -> Response:
    """From a code on paper: the secret came in the address after `#`, which browsers keep to themselves."""
    told = await api.get(f"/queue/v1/tickets/{ticket}", sits.caller)
    sits.hold(str(ticket), told["mall"], str(form.get("rahasia", ""))[:64])
    return to(f"/tiket/{ticket}")


@router.post("/tiket/{ticket}/{act}")
async def act(ticket: UUID, act: str, form: Posted, api: Api, sits: Sits) -> Response:
    """Cancel it, come back after a missed call, or be told when the n-th."""
    if act not in ACTS:
        raise Refused(404, {})
    body: dict[str, Any] = {"secret": sits.secret(str(ticket))}
    if not body["secret"]:
        raise Refused(403, {})
    if act == "beri-tahu":
        nth = str(form.get("ke", ""))
        body["nth"] = int(nth) if nth.isdecimal() and 0 < int(nth) <= 99 else None
    try:
        await api.post(f"/queue/v1/tickets/{ticket}/{ACTS[act]}", sits.caller, body, key=_key(form))
    except Refused as refusal:
        if refusal.status != 409:
            raise
        sits.notice = _("Ini tidak dapat dilakukan lagi. Lihat keadaan nomor Anda di bawah.")
    return to(f"/tiket/{ticket}")


def _key(form: Any) -> str:
    """The page's own key, or a new one."""
    try:
        return str(UUID(str(form.get("kunci", ""))))
    except ValueError:
        return str(uuid4())
