"""Pages: templates with what every one of them needs, and what people read when something goes wrong."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from web_frontend import languages
from web_frontend.assets import Assets
from web_frontend.guard import FIELD, session_of, sign_of
from web_frontend.platform import Platform
from web_frontend.session import Session

TEMPLATES = Path(__file__).parent / "templates"


class Pages:
    """`pages.show(request, "portal/home.html", mall=mall)`."""

    def __init__(self, assets: Assets, *, choose_time: bool) -> None:
        self._choose_time = choose_time
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        )
        self._templates.install_gettext_callables(  # type: ignore[attr-defined]
            languages.gettext, languages.ngettext, newstyle=True
        )
        self._templates.globals |= {
            "asset": assets.url,
            "icon": assets.icon,
            "languages": languages.LANGUAGES,
            "query": _query,
        }
        self._templates.filters |= {
            "clock": languages.clock,
            "in_zone": lambda moment, zone: moment.astimezone(ZoneInfo(zone)),
            "day": languages.day,
            "number": languages.number,
            "rupiah": languages.rupiah,
        }

    def show(self, request: Request, template: str, status: int = 200, **facts: Any) -> HTMLResponse:
        """The page; a notice of the last one is said once."""
        session = session_of(request)
        notice, session.notice = session.notice, ""
        sign = sign_of(request.app.state.seal, session)
        known = {
            "request": request,
            "path": request.url.path,
            "session": session,
            "person": session.person,
            "language": session.language,
            "sign": sign,
            "sign_field": Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, sign),
            "notice": notice,
            "now": datetime.now(UTC) + timedelta(seconds=session.ahead),
            "choose_time": self._choose_time,
            "errors": {},
        }
        return HTMLResponse(self._templates.get_template(template).render(known | facts), status)

    def part(self, request: Request, template: str, **facts: Any) -> HTMLResponse:
        """A piece of a page, for a page that is open."""
        return self.show(request, template, **facts)


def _query(**values: Any) -> str:
    """`?q=kk&halaman=2` of what is there."""
    there = {name: value for name, value in values.items() if value not in (None, "")}
    return f"?{urlencode(there)}" if there else ""


def to(path: str) -> RedirectResponse:
    """After a form was taken: a page that can be loaded again."""
    return RedirectResponse(path, 303)


def is_part(request: Request) -> bool:
    """Whether an open page asks for a piece of itself."""
    return request.headers.get("hx-request") == "true"


def local(path: str) -> str:
    """A path of ours, whatever somebody wrote into a link; else the first page."""
    fine = (
        path.startswith("/") and not path.startswith(("//", "/\\")) and "\\" not in path and ":" not in path
    )
    return path if fine and path.isprintable() else "/"


async def the_pages(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


async def the_platform(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform


At = Annotated[Pages, Depends(the_pages)]
Api = Annotated[Platform, Depends(the_platform)]
__all__ = ["Api", "At", "Pages", "Response", "Session", "is_part", "local", "to"]
