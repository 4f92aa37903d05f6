"""Files: known by their content, sealed before they leave the process, kept in S3 storage."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from os import urandom
from typing import Any, cast
from uuid import UUID

import obstore
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from obstore.store import S3Store

from mpp.duty import every
from mpp.eventsourcing.decider import Invalid, NotFound, Rejected
from mpp.eventsourcing.log import Reading, Unavailable
from mpp.privacy import Row, Vault
from mpp.settings import Settings

SIGNATURES = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
PNG = b"\x89PNG\r\n\x1a\n"
DRAWN = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"sRGB"}
MARKER, SCAN, COMMENT, APP1, ADOBE, APP15 = 0xFF, 0xDA, 0xFE, 0xE1, 0xEE, 0xEF
EVERY, SPARED = 3600.0, timedelta(days=1)  # seconds between two sweeps; what is younger may yet be told of
ACTIVE = re.compile(rb"/(JavaScript|JS|Launch|EmbeddedFile|RichMedia|XFA)\b")
NONCE = 12
ATTEMPT = timedelta(seconds=5)


class NotThisType(Rejected):
    """The file is of a type that is not taken here, whatever its name says."""

    status = 415


class FileTooLarge(Rejected):
    """The file is larger than this document may be."""

    status = 413


class FileUnusable(Invalid):
    """The file is empty, or a PDF that does something when it is opened."""


class NoSuchFile(NotFound):
    """There is no such file, or it was forgotten."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What may be known of a file by everybody who knows of it."""

    document: UUID
    sha256: str
    bytes: int
    media: str


def media_of(content: bytes) -> str | None:
    """The type by its first bytes; None: none that we take."""
    return next((media for begin, media in SIGNATURES.items() if content.startswith(begin)), None)


def inspect(content: bytes, allowed: Collection[str], limit: int) -> str:
    """The type of a file that may be kept; raises FileTooLarge, FileUnusable, NotThisType.

    A PDF with scripts or attachments in plain sight is refused; what is hidden in compressed parts is not
    found. There is no scan for viruses.
    """
    if len(content) > limit:
        raise FileTooLarge(bytes=len(content), limit=limit)
    if not content:
        raise FileUnusable("The file is empty.")
    media = media_of(content)
    if media is None or media not in allowed:
        raise NotThisType(found=media, allowed=sorted(allowed))
    if media == "application/pdf" and ACTIVE.search(content):
        raise FileUnusable("The PDF holds scripts or attachments.")
    return media


class Documents:
    """The files of one service, in a bucket of its own.

    Each is sealed with AES-256-GCM under a key of its own, which lies in the vault of the person it is
    about: with them it is forgotten, wherever copies of the object may be.
    """

    def __init__(self, settings: Settings, vault: Vault) -> None:
        self._vault, self._service = vault, settings.service.encode()
        self._store = _store(settings)

    async def put(
        self,
        person: UUID,
        purpose: str,
        name: UUID,
        content: bytes,
        *,
        allowed: Collection[str],
        limit: int,
        retain_until: datetime | None = None,
    ) -> tuple[Stored, Row]:
        """Stores it, then gives the row that makes it readable, as `also` of the command that tells of it.

        What is stored and never told of is found by `sweep`. Raises Unavailable, Forgotten, and what
        `inspect` raises.
        """
        media = inspect(content, allowed, limit)
        key, nonce = urandom(32), urandom(NONCE)
        row = await self._vault.put(person, purpose, {_fact(name): key.hex()}, retain_until=retain_until)
        sealed = nonce + AESGCM(key).encrypt(nonce, content, self._about(name))
        await self._ask(obstore.put_async(self._store, str(name), sealed))
        return Stored(name, hashlib.sha256(content).hexdigest(), len(content), media), row

    async def get(self, db: Reading, person: UUID, purpose: str, name: UUID) -> bytes:
        """The file as it was handed in; raises NoSuchFile, Unavailable."""
        held = await self._vault.read(db, person, purpose)
        key = held.get(_fact(name))
        if key is None:
            raise NoSuchFile
        try:
            found = await self._ask(obstore.get_async(self._store, str(name)))
            sealed = bytes(await self._ask(found.bytes_async()))
            return AESGCM(bytes.fromhex(key)).decrypt(sealed[:NONCE], sealed[NONCE:], self._about(name))
        except FileNotFoundError:
            raise NoSuchFile from None
        except InvalidTag:
            raise RuntimeError("an object was moved or touched") from None

    async def delete(self, names: Iterable[UUID]) -> None:
        """Doing it again changes nothing."""
        for name in names:
            try:
                await self._ask(obstore.delete_async(self._store, str(name)))
            except FileNotFoundError:
                continue

    async def sweep(self, known: Callable[[list[UUID]], Awaitable[set[UUID]]], before: datetime) -> int:
        """Delete what was stored before this time and is not known to anybody; how many."""
        gone = 0
        listing = obstore.list(self._store, chunk_size=500)
        while page := await self._ask(_next(listing)):
            old = [UUID(each["path"]) for each in page if _is_ours(each, before)]
            lost = {*old} - await known(old)
            await self.delete(lost)
            gone += len(lost)
        return gone

    def _about(self, name: UUID) -> bytes:
        return self._service + b"\x00" + name.bytes

    async def _ask(self, asked: Awaitable[Any]) -> Any:
        try:
            return await asked
        except FileNotFoundError:
            raise
        except (obstore.exceptions.BaseError, OSError) as failure:
            raise Unavailable("the storage of files does not answer") from failure


def bare(content: bytes) -> bytes:
    """A picture without what the camera wrote beside it: place, time, device, comments, previews.

    A PNG keeps what is needed to draw it, a JPEG all but its APP and COM segments (Adobe's says how colours
    are stored and stays). What is no picture comes back as it is, what is broken may come back as none.
    """
    match media_of(content):
        case "image/png":
            return _bare_png(content)
        case "image/jpeg":
            return _bare_jpeg(content)
    return content


def _bare_png(content: bytes) -> bytes:
    at, kept = len(PNG), [PNG]
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4])
        if content[at + 4 : at + 8] in DRAWN:
            kept.append(content[at : at + 12 + length])
        at += 12 + length
    return b"".join(kept)


def _bare_jpeg(content: bytes) -> bytes:
    at, kept = 2, [content[:2]]
    while at + 4 <= len(content) and content[at] == MARKER:
        kind, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if kind == SCAN:
            break
        if not (APP1 <= kind <= APP15 and kind != ADOBE) and kind != COMMENT:
            kept.append(content[at : at + 2 + length])
        at += 2 + length
    return b"".join([*kept, content[at:]])


async def tidied(documents: "Documents | None", known: Callable[[list[UUID]], Awaitable[set[UUID]]]) -> None:
    """A duty without end, hourly: what was stored and is known to nobody is deleted, once it is a day old."""
    if documents is not None:
        await every(EVERY, lambda: documents.sweep(known, datetime.now(UTC) - SPARED), "sweeping files")


def _is_ours(found: Any, before: datetime) -> bool:
    return found["last_modified"] < before and re.fullmatch(r"[0-9a-f-]{36}", found["path"]) is not None


async def _next(listing: Any) -> list[Any]:
    return [*await anext(listing, [])]


def _fact(name: UUID) -> str:
    return f"file-{name}"


def _store(settings: Settings) -> S3Store:
    if settings.s3_url is None:
        raise ValueError("MPP_S3_URL is needed: this service keeps files")
    bucket, key = settings.s3_bucket or settings.service, settings.s3_key or settings.service
    return _bucket(settings.s3_url, bucket, key, settings.s3_secret.get_secret_value())


def _bucket(url: str, bucket: str, key: str, secret: str) -> S3Store:
    return S3Store(
        bucket,
        endpoint=url,
        access_key_id=key,
        secret_access_key=secret,
        region="us-east-1",
        virtual_hosted_style_request=False,
        client_options=cast(Any, {"allow_http": True, "timeout": "30s", "connect_timeout": "2s"}),
        retry_config=cast(Any, {"max_retries": 1, "retry_timeout": ATTEMPT}),
    )


async def make_bucket(url: str, bucket: str, key: str, secret: str) -> None:
    """For storage that makes a bucket with its first object, as SeaweedFS does for those who may."""
    await obstore.put_async(_bucket(url, bucket, key, secret), ".bucket", b"")
