"""HTTP of files: documents are handed in and fetched by short-lived links, and the product is issued."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from mpp.documents import FileTooLarge, FileUnusable, NoSuchFile, NotThisType, tidied
from mpp.eventsourcing.decider import Forbidden
from mpp.eventsourcing.ids import new_id
from mpp.service import Running
from mpp.web.answer import etag, json_response
from mpp.web.auth import Actor, Who, needs
from mpp.web.exchange import exchange_of
from mpp.web.openapi import problems
from mpp.web.request import AboutIt, IfMatch, Now
from tracking_service import answers, command, queries
from tracking_service.api import somebody
from tracking_service.application import Document
from tracking_service.desk import STAFF, AtDesk, keeps
from tracking_service.office import at_office, office_of

router = APIRouter()
LARGEST = 20_000_000
OPEN_FOR = timedelta(minutes=5)
PRODUCT, PRODUCT_TYPES = "product", ("application/pdf", "image/jpeg", "image/png")
SUFFIX = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {media: {"schema": {"type": "string", "format": "binary"}} for media in PRODUCT_TYPES},
    }
}
REFUSED = problems(command.UnknownApplication, NotThisType, FileTooLarge, FileUnusable)


class LinkExpired(Forbidden):
    """This link has expired, or was never ours."""


class Link(BaseModel):
    """Where the file can be fetched, by whoever has the address."""

    url: str
    until: datetime


@router.put(
    "/applications/{application}/documents/{kind}",
    status_code=201,
    response_model=answers.File,
    responses=REFUSED,
    openapi_extra=BODY,
)
async def attach(
    application: UUID,
    kind: str,
    request: Request,
    who: Who,
    desk: AtDesk,
    about: AboutIt,
    now: Now,
    based: IfMatch,
) -> Response:
    """The body is the file itself; its type is told by its content. Another of the same kind replaces it."""
    case = await desk.own(application, somebody(who), based)
    demand = case.process.demand(kind)
    if demand is None:
        raise command.UnknownDocument(kind=kind)
    content = exchange_of(request.scope).body
    stored, row = await desk.documents.put(
        case.subject, case.purpose, new_id(), content, allowed=demand.media, limit=demand.limit
    )
    document = Document(
        document=stored.document, kind=kind, sha256=stored.sha256, bytes=stored.bytes, media=stored.media
    )
    asked = command.AttachDocument(**case.under(now), document=document)
    outcome = await desk.handle(case.stream, asked, about, also=[row])
    kept = outcome.state.documents[kind]  # a repeat of the request is told of the first file
    shown = kept.model_dump(mode="json", exclude={"document"}) | {"id": str(kept.document)}
    return json_response(shown, 201, {"ETag": etag(outcome.version)})


@router.put(
    "/applications/{application}/product",
    status_code=201,
    response_model=answers.File,
    responses={**REFUSED, **problems(command.ApplicationElsewhere)},
    openapi_extra=BODY,
)
async def issue(
    application: UUID,
    request: Request,
    actor: Annotated[Actor, needs(*STAFF)],
    desk: AtDesk,
    about: AboutIt,
    now: Now,
    based: IfMatch,
) -> Response:
    """What was applied for, as a file; with it the application ends."""
    case = await at_office(desk, application, actor, based)
    stored, row = await desk.documents.put(
        case.subject,
        case.purpose,
        new_id(),
        exchange_of(request.scope).body,
        allowed=PRODUCT_TYPES,
        limit=LARGEST,
        retain_until=keeps(case.process, now),
    )
    product = Document(
        document=stored.document, kind=PRODUCT, sha256=stored.sha256, bytes=stored.bytes, media=stored.media
    )
    asked = command.IssueProduct(**case.under(now), **office_of(actor), product=product)
    outcome = await desk.handle(case.stream, asked, about, also=[row])
    shown = product.model_dump(mode="json", exclude={"document"}) | {"id": str(product.document)}
    return json_response(shown, 201, {"ETag": etag(outcome.version)})


@router.get(
    "/applications/{application}/documents/{document}/link",
    response_model=Link,
    responses=problems(command.UnknownApplication, NoSuchFile),
)
async def link(application: UUID, document: UUID, who: Who, desk: AtDesk, now: Now) -> Response:
    """For its applicant and the officers of its agency; five minutes."""
    case = await desk.seen(application, somebody(who))
    if await queries.document(desk.reader, case.id, document) is None:
        raise NoSuchFile
    until = int((now + OPEN_FOR).timestamp())
    proof = desk.links.proof(f"{case.id} {document}", until)
    url = f"/api/tracking/v1/files/{case.id}/{document}?until={until}&proof={proof}"
    return json_response({"url": url, "until": datetime.fromtimestamp(until, UTC).isoformat()})


@router.get(
    "/files/{application}/{document}",
    response_class=Response,
    responses={
        200: {"content": {media: {} for media in PRODUCT_TYPES}},
        **problems(LinkExpired, NoSuchFile),
    },
)
async def fetch(
    application: UUID,
    document: UUID,
    desk: AtDesk,
    now: Now,
    until: Annotated[int, Query(ge=0, lt=1 << 40)],
    proof: Annotated[str, Query(max_length=64)],
) -> Response:
    """The file as it was handed in, to whoever has a link that is still good."""
    if not desk.links.holds(f"{application} {document}", until, proof, now):
        raise LinkExpired
    case = await desk.case(application)
    row = await queries.document(desk.reader, case.id, document)
    if row is None:
        raise NoSuchFile
    content = await desk.documents.get(desk.reader, case.subject, case.purpose, document)
    name = f'attachment; filename="{row["kind"]}.{SUFFIX[row["media"]]}"'
    return Response(content, media_type=row["media"], headers={"Content-Disposition": name})


async def tidy(running: Running) -> None:
    """The duty: files that were stored and never told of are deleted."""

    async def known(ids: list[UUID]) -> set[UUID]:
        return await queries.known_files(running.reader, ids)

    await tidied(running.documents, known)
