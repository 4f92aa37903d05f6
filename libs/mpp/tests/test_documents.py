"""Files: known by their content, sealed, told of or swept; and storage that keeps what it acknowledged."""

import asyncio
import hashlib
import zlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import obstore
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from mpp.documents import (
    Documents,
    FileTooLarge,
    FileUnusable,
    NoSuchFile,
    NotThisType,
    _store,
    bare,
    inspect,
    make_bucket,
)
from mpp.eventsourcing.decider import Rejected
from mpp.eventsourcing.log import Unavailable
from mpp.privacy import VAULT_SQL, Vault, opened
from mpp.settings import Settings
from mpp.testing.postgres import scratch
from mpp.testing.serving import settings_for
from mpp_servers.seaweed import Bucket, Seaweed

LATER = datetime.now(UTC) + timedelta(days=1)
SECRET, MASTER = "secret of tests", "11" * 32
PDF = b"%PDF-1.7\n1 0 obj<</Title(Kartu keluarga Wa Ode)>>endobj\n%%EOF"
ALL = ("application/pdf", "image/jpeg", "image/png")


def part(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


HEAD, PIXELS, END = part(b"IHDR", bytes(13)), part(b"IDAT", b"pixels"), part(b"IEND", b"")
PNG = b"\x89PNG\r\n\x1a\n" + HEAD + part(b"eXIf", b"GPS") + part(b"tEXt", b"Author\0Siti") + PIXELS + END
JPEG = b"\xff\xd8\xff\xe1\x00\x05GPS\xff\xfe\x00\x06Siti\xff\xda\x00\x02pixels\xff\xd9"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with scratch("mpp-files-") as folder:
        yield folder


@pytest_asyncio.fixture(scope="module")
async def storage(folder: Path) -> AsyncIterator[Seaweed]:
    buckets = [Bucket("toy", SECRET), Bucket("neighbour", "another")]
    server = Seaweed(folder / "s3", operator="of tests", buckets=buckets)
    server.start()
    for each in buckets:
        await make_bucket(server.url, each.name, "operator", "of tests")
    yield server
    server.stop()


@pytest.fixture
def settings(postgres_url: str, storage: Seaweed) -> Settings:
    wishes = {"database_url": postgres_url, "master_key": SecretStr(MASTER), "db_schema": "toy"}
    return settings_for("toy", **wishes, s3_url=storage.url, s3_secret=SecretStr(SECRET))


@pytest_asyncio.fixture
async def db(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(VAULT_SQL)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def vault(settings: Settings, db: asyncpg.Connection) -> AsyncIterator[Vault]:
    async with opened(settings) as vault:
        await vault.prepare()
        yield vault


@pytest.fixture
def files(settings: Settings, vault: Vault) -> Documents:
    return Documents(settings, vault)


async def kept(files: Documents, db: asyncpg.Connection, person: UUID, content: bytes = PDF) -> UUID:
    name = uuid4()
    _, row = await files.put(person, "evidence", name, content, allowed=ALL, limit=1000)
    await row(db)
    return name


async def raw(settings: Settings, name: UUID) -> bytes:
    """The object as whoever steals the disk sees it."""
    return bytes(await (await obstore.get_async(_store(settings), str(name))).bytes_async())


@pytest.mark.parametrize(("content", "media"), [(PDF, ALL[0]), (JPEG, ALL[1]), (PNG, ALL[2])])
def test_a_file_is_what_it_begins_with(content: bytes, media: str) -> None:
    assert inspect(content, ALL, 1000) == media


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", FileUnusable),
        (b"<html><script>", NotThisType),
        (b"PK\x03\x04", NotThisType),
        (b" " + PDF, NotThisType),
        (PDF + b"/OpenAction<</S/JavaScript>>", FileUnusable),
        (PDF + b"/EmbeddedFile ", FileUnusable),
        (PDF + bytes(1000), FileTooLarge),
    ],
)
def test_what_is_not_taken_is_refused_by_its_reason(content: bytes, rule: type[Rejected]) -> None:
    with pytest.raises(rule):
        inspect(content, ALL, 1000)


def test_a_type_that_this_document_may_not_be_is_refused() -> None:
    with pytest.raises(NotThisType) as refusal:
        inspect(PNG, ["application/pdf"], 1000)
    assert refusal.value.facts == {"found": "image/png", "allowed": ["application/pdf"]}


@given(st.sampled_from([b"", b"%PDF-", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]), st.binary(max_size=300))
def test_whatever_is_handed_in_is_taken_or_refused_and_never_breaks_anything(
    begin: bytes, rest: bytes
) -> None:
    content = begin + rest
    try:
        media = inspect(content, ALL, 200)
    except Rejected:
        return
    assert len(bare(content)) <= len(content)
    assert bare(content) == content or media != "application/pdf"


def test_a_picture_loses_what_the_camera_wrote_and_keeps_what_it_saw() -> None:
    assert bare(PNG) == b"\x89PNG\r\n\x1a\n" + HEAD + PIXELS + END
    assert bare(JPEG) == b"\xff\xd8\xff\xda\x00\x02pixels\xff\xd9"
    assert bare(PDF) == PDF


async def test_a_file_comes_back_as_it_was_and_lies_sealed(
    files: Documents, db: asyncpg.Connection, settings: Settings
) -> None:
    siti, name = uuid4(), uuid4()
    stored, row = await files.put(siti, "evidence", name, PDF, allowed=ALL, limit=1000)
    assert stored.sha256 == hashlib.sha256(PDF).hexdigest()
    assert (stored.document, stored.bytes, stored.media) == (name, len(PDF), "application/pdf")
    with pytest.raises(NoSuchFile):  # not before what tells of it is recorded
        await files.get(db, siti, "evidence", name)
    await row(db)
    assert await files.get(db, siti, "evidence", name) == PDF
    sealed = await raw(settings, name)
    assert b"Wa Ode" not in sealed and b"%PDF" not in sealed
    for person, purpose in ((uuid4(), "evidence"), (siti, "application")):
        with pytest.raises(NoSuchFile):
            await files.get(db, person, purpose, name)


async def test_an_object_that_was_moved_to_another_s_place_is_not_shown(
    files: Documents, db: asyncpg.Connection, settings: Settings
) -> None:
    siti = uuid4()
    hers, other = await kept(files, db, siti), await kept(files, db, siti)
    await obstore.put_async(_store(settings), str(hers), await raw(settings, other))
    with pytest.raises(RuntimeError, match="moved or touched"):
        await files.get(db, siti, "evidence", hers)


async def test_what_was_forgotten_can_not_be_read_wherever_copies_are(
    files: Documents, db: asyncpg.Connection, vault: Vault, settings: Settings
) -> None:
    siti = uuid4()
    name = await kept(files, db, siti)
    copy = await raw(settings, name)
    await vault.forget(siti, datetime.now(UTC))
    await obstore.put_async(_store(settings), str(name), copy)
    with pytest.raises(NoSuchFile):
        await files.get(db, siti, "evidence", name)


async def test_what_was_stored_and_never_told_of_is_swept_once_it_is_old(
    files: Documents, db: asyncpg.Connection, settings: Settings
) -> None:
    siti, name = uuid4(), uuid4()
    told = await kept(files, db, siti)
    await files.put(siti, "evidence", name, PDF, allowed=ALL, limit=1000)  # and died before it told

    async def known(names: list[UUID]) -> set[UUID]:
        return {told} & {*names}

    young = await files.sweep(known, datetime.now(UTC) - timedelta(days=1))
    assert young == 0 and await raw(settings, name)
    assert await files.sweep(known, LATER) >= 1
    with pytest.raises(FileNotFoundError):
        await raw(settings, name)
    assert await files.get(db, siti, "evidence", told) == PDF
    await files.delete([name, told])
    await files.delete([name, told])


async def test_one_service_has_no_way_into_another_s_bucket(settings: Settings) -> None:
    stranger = _store(settings.model_copy(update={"s3_bucket": "neighbour"}))
    with pytest.raises((PermissionError, obstore.exceptions.BaseError)):
        await obstore.put_async(stranger, "a", b"b")


async def answers(files: Documents, db: asyncpg.Connection, person: UUID, name: UUID) -> bool:
    try:
        return bool(await files.get(db, person, "evidence", name))
    except Unavailable:
        return False


async def test_storage_that_is_killed_keeps_what_it_acknowledged_and_says_503_meanwhile(
    files: Documents, db: asyncpg.Connection, storage: Seaweed
) -> None:
    siti = uuid4()
    names = [await kept(files, db, siti) for _ in range(20)]
    storage.kill()
    with pytest.raises(Unavailable):
        await files.put(siti, "evidence", uuid4(), PDF, allowed=ALL, limit=1000)
    with pytest.raises(Unavailable):
        await files.get(db, siti, "evidence", names[0])
    storage.start()
    async with asyncio.timeout(60):
        while not await answers(files, db, siti, names[0]):
            pass  # its parts find each other after it says that it is there
    assert [await files.get(db, siti, "evidence", name) for name in names] == [PDF] * 20
    held = await db.fetchval("select count(*) from vault where person = $1", siti)
    assert held == 20  # nothing of what was not stored
