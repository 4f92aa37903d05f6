"""HTTP of evidence: files that show what is complained of, handed in by whoever holds the complaint."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel

from feedback_service import cases, queries, rules
from feedback_service.api import FileOut, Number, Proof
from feedback_service.desk import AtDesk
from mpp.documents import FileTooLarge, FileUnusable, NoSuchFile, NotThisType, bare, media_of, tidied
from mpp.eventsourcing.decider import Forbidden
from mpp.service import Running
from mpp.web.answer import json_response
from mpp.web.auth import Who
from mpp.web.exchange import exchange_of
from mpp.web.openapi import problems
from mpp.web.request import AboutIt, Now

router = APIRouter()
LARGEST = 5_000_000
OPEN_FOR = timedelta(minutes=5)
PICTURES = ("image/jpeg", "image/png")
ALLOWED = (*PICTURES, "application/pdf")
Secret = Annotated[str | None, Header(alias="Mpp-Secret", max_length=64, description="the holder's")]
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {media: {"schema": {"type": "string", "format": "binary"}} for media in ALLOWED},
    }
}


class LinkExpired(Forbidden):
    """This link has expired, or was never ours."""


class LinkOut(BaseModel):
    """Where the file can be fetched, by whoever has the address."""

    url: str
    until: datetime


@router.post(
    "/complaints/{number}/evidence",
    status_code=201,
    response_model=FileOut,
    responses=problems(
        rules.UnknownComplaint, rules.TooMuchEvidence, NotThisType, FileTooLarge, FileUnusable
    ),
    openapi_extra=BODY,
)
async def attach(
    number: Number, request: Request, desk: AtDesk, who: Who, about: AboutIt, now: Now, secret: Secret = None
) -> Response:
    """The body is the file. Of pictures only the picture is kept: cameras write down where and when.

    An anonymous complaint takes pictures alone: what else a PDF says of its author can't be taken out.
    """
    row = await cases.found(desk, number)
    if not cases.holds(desk, row, secret, who):
        raise rules.UnknownComplaint
    content = exchange_of(request.scope).body
    allowed = PICTURES if row["anonymous"] else ALLOWED
    stored, vaulted = await desk.documents.put(
        cases.subject(row["id"], row["citizen"]),
        cases.purpose(row["id"]),
        uuid4(),
        bare(content) if media_of(content) in PICTURES else content,
        allowed=allowed,
        limit=LARGEST,
    )
    command = rules.AttachEvidence(now, stored.document, stored.media, stored.bytes, stored.sha256)
    noted = about if row["citizen"] is not None and row["citizen"] == who.id else cases.nameless(about, desk)
    await desk.handle(f"complaint-{row['id']}", command, noted, also=[vaulted])
    return json_response({"id": str(stored.document), "media": stored.media, "bytes": stored.bytes}, 201)


@router.post(
    "/complaints/{number}/evidence/{document}/link",
    response_model=LinkOut,
    responses=problems(rules.UnknownComplaint, NoSuchFile),
)
async def link(number: Number, document: UUID, proof: Proof, desk: AtDesk, who: Who, now: Now) -> Response:
    """For its holder and for those who handle it; five minutes."""
    row = await cases.found(desk, number)
    if not (cases.holds(desk, row, proof.secret, who) or cases.of_staff(row, who)):
        raise rules.UnknownComplaint
    if document not in {each["id"] for each in await queries.evidence(desk.reader, row["id"])}:
        raise NoSuchFile
    until = int((now + OPEN_FOR).timestamp())
    signed = desk.links.proof(f"{row['id']} {document}", until)
    url = f"/api/feedback/v1/evidence/{row['id']}/{document}?until={until}&proof={signed}"
    return json_response({"url": url, "until": datetime.fromtimestamp(until, UTC).isoformat()})


@router.get(
    "/evidence/{complaint}/{document}",
    response_class=Response,
    responses={200: {"content": {media: {} for media in ALLOWED}}, **problems(LinkExpired, NoSuchFile)},
)
async def fetch(
    complaint: UUID,
    document: UUID,
    desk: AtDesk,
    now: Now,
    until: Annotated[int, Query(ge=0, lt=1 << 40)],
    proof: Annotated[str, Query(max_length=64)],
) -> Response:
    """The file, to whoever has a link that is still good."""
    if not desk.links.holds(f"{complaint} {document}", until, proof, now):
        raise LinkExpired
    row = await cases.found(desk, str(complaint))
    files = {each["id"]: each for each in await queries.evidence(desk.reader, complaint)}
    if document not in files:
        raise NoSuchFile
    whose = cases.subject(row["id"], row["citizen"])
    content = await desk.documents.get(desk.reader, whose, cases.purpose(row["id"]), document)
    headers = {"Content-Disposition": "attachment; filename=evidence"}
    return Response(content, media_type=files[document]["media"], headers=headers)


async def tidy(running: Running) -> None:
    """The duty: files that were stored and never told of are deleted."""

    async def known(ids: list[UUID]) -> set[UUID]:
        return await queries.known_evidence(running.reader, ids)

    await tidied(running.documents, known)
