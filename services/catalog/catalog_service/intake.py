"""Taking a file over: from an upload or the shell, rehearsed or for real, to a report."""

import asyncio
import datetime as dt
from collections import Counter
from typing import Annotated

import asyncpg
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from catalog_service import importing, permission, queries
from catalog_service.admin import commanded, free_slug
from catalog_service.answers import Imported
from catalog_service.document import BadDocument, Document, ImportMall, Rehearsed
from catalog_service.mall import DefineMall, NoSuchMall
from catalog_service.national import this_and_next
from mpp.eventsourcing.log import About
from mpp.web.answer import json_response
from mpp.web.auth import Who
from mpp.web.openapi import problems
from mpp.web.problems import Malformed, UnsupportedMediaType
from mpp.web.request import AboutIt, Db, IfMatch, Now

router = APIRouter()
BINARY = {"type": "string", "format": "binary"}
BODIES = {kinds[0]: {"schema": BINARY} for kinds in importing.FORMATS.values()} | {
    "multipart/form-data": {
        "schema": {"type": "object", "properties": {"file": BINARY}, "required": ["file"]}
    }
}


async def take(
    document: Document, code: str, about: About, expected: int | None, today: dt.date, dry_run: bool
) -> Imported:
    """Import, or rehearse it; raises BadDocument with every fault."""
    command = ImportMall(document, this_and_next(today), rehearsal=dry_run)
    try:
        events = (await commanded(code, command, about, expected)).events
    except Rehearsed as rehearsed:
        events = rehearsed.events
    changes = Counter(event.type for event in events)
    return Imported(mall=code, dry_run=dry_run, rows=document.rows, changes=dict(changes))


async def free_slugs(db: asyncpg.Connection, document: Document, code: str) -> None:
    """Refuse a document that takes another mall's slug; raises SlugTaken."""
    for entry in document.entries:
        if isinstance(entry.command, DefineMall):
            await free_slug(db, entry.command.slug, code)


@router.post(
    "/malls/import",
    response_model=Imported,
    responses=problems(BadDocument, NoSuchMall),
    openapi_extra={"requestBody": {"required": True, "content": BODIES}},
)
async def import_mall(
    request: Request,
    actor: Who,
    db: Db,
    about: AboutIt,
    expected: IfMatch,
    now: Now,
    mall: Annotated[str | None, Query(description="slug or code, for a list; YAML names its mall")] = None,
    dry_run: Annotated[bool, Query(description="say what would happen, change nothing")] = False,
) -> Response:
    """Import a file: all of it or nothing; a refusal names part, row, column and reason of each fault."""
    actor.require(*permission.ADMINS)
    content, kind = await _uploaded(request)
    place = await queries.find(db, mall) if mall else None
    if mall and place is None:
        raise NoSuchMall(f"there is no mall {mall[:60]}")
    document = await asyncio.to_thread(importing.read, content, kind, place.code if place else "")
    code = importing.target(document, place.code if place else "")
    if await queries.find(db, code) is None:
        actor.require("national-admin", mall=code)
    permission.whole(actor, code)
    await free_slugs(db, document, code)
    report = await take(document, code, about, expected, now.date(), dry_run)
    return json_response(report.model_dump())


async def _uploaded(request: Request) -> tuple[bytes, str]:
    """The file and its format, from a form or from the body itself."""
    content, kind = b"", request.headers.get("content-type", "")
    names = [kind]
    if kind.lower().startswith("multipart/form-data"):
        async with request.form(max_files=1, max_fields=10) as form:
            files = [part for part in form.values() if isinstance(part, UploadFile)]
            if not files:
                raise Malformed("The form has no file.")
            content = await files[0].read()
            names = [files[0].content_type or "", files[0].filename or ""]
    else:
        content = await request.body()
    for name in names:
        if known := importing.format_of(name):
            return content, known
    raise UnsupportedMediaType("Files are YAML, CSV or XLSX.")
