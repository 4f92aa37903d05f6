"""Files that show what is complained of: who may hand them in and see them, and what they may not tell."""

from typing import Any
from uuid import uuid4

import httpx

from mpp.documents import bare

from .conftest import Mall

PLACE = b"Exif\x00\x00GPS 4.78 S 121.88 E"
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x07JFIF\x00"
    + b"\xff\xe1" + (len(PLACE) + 2).to_bytes(2) + PLACE
    + b"\xff\xfe\x00\x08camera" + b"\xff\xdb\x00\x04\x00\x01" + b"\xff\xda\x00\x02picture\xff\xd9"
)  # fmt: skip
PDF = b"%PDF-1.7\n1 0 obj<</Author(Siti)>>endobj\n%%EOF"


async def hand_in(
    mall: Mall, filed: dict[str, Any], content: bytes, *, secret: str = "", token: str = ""
) -> Any:
    headers = {"Mpp-Time": "2026-11-24T10:00:00+08:00"} | ({"Mpp-Secret": secret} if secret else {})
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{mall.url}/api/feedback/v1/complaints/{filed['number']}/evidence"
    return await mall.client.post(url, content=content, headers=headers)


async def fetched(
    mall: Mall, filed: dict[str, Any], file: str, token: str = "", **proof: str
) -> httpx.Response:
    path = f"/complaints/{filed['number']}/evidence/{file}/link"
    link = await mall.ask("POST", path, proof, token=token)
    if link.status_code != 200:
        return link
    return await mall.ask("GET", link.json()["url"].removeprefix("/api/feedback/v1"))


async def test_the_picture_is_kept_and_where_it_was_taken_is_not(mall: Mall) -> None:
    filed = await mall.file(anonymous=True, agency="samsat")
    made = await hand_in(mall, filed, JPEG, secret=filed["secret"])
    assert made.status_code == 201, made.text
    shown = await mall.follow(filed, secret=filed["secret"])
    assert [file["media"] for file in shown["evidence"]] == ["image/jpeg"]
    own = await fetched(mall, filed, made.json()["id"], secret=filed["secret"])
    assert b"picture" in own.content and b"GPS" not in own.content and b"camera" not in own.content
    officer = mall.staff("officer", agencies=["samsat"])
    assert (await fetched(mall, filed, made.json()["id"], officer)).content == own.content


async def test_an_anonymous_complaint_takes_no_file_that_may_name_its_author(mall: Mall) -> None:
    filed = await mall.file(anonymous=True)
    assert (await hand_in(mall, filed, PDF, secret=filed["secret"])).status_code == 415
    named = await mall.file()
    assert (await hand_in(mall, named, PDF, secret=named["secret"])).status_code == 201


async def test_nothing_of_who_handed_it_in_is_kept_of_an_anonymous_complaint(mall: Mall) -> None:
    siti = str(uuid4())
    token = mall.mint.token("citizen", subject=siti)
    filed = await mall.file(anonymous=True)
    made = await hand_in(mall, filed, JPEG, secret=filed["secret"], token=token)
    assert made.status_code == 201
    rows = await mall.running.reader.fetch("select e::text as row from events e")
    assert not [row for row in rows if siti in row["row"]]


async def test_only_who_holds_it_hands_in_and_only_who_handles_it_sees(mall: Mall) -> None:
    filed = await mall.file(agency="samsat")
    assert (await hand_in(mall, filed, JPEG)).status_code == 404
    assert (await hand_in(mall, filed, JPEG, secret="guess")).status_code == 404
    assert (await hand_in(mall, filed, JPEG, token=mall.staff("supervisor"))).status_code == 404
    made = (await hand_in(mall, filed, JPEG, secret=filed["secret"])).json()
    strangers = ["", mall.mint.token("citizen"), mall.staff("officer", agencies=["dukcapil"])]
    for token in strangers:
        assert (await fetched(mall, filed, made["id"], token)).status_code == 404
    forged = f"/evidence/{uuid4()}/{made['id']}?until=9999999999&proof=guess"
    assert (await mall.ask("GET", forged)).status_code == 403


async def test_five_files_are_enough(mall: Mall) -> None:
    filed = await mall.file()
    for _ in range(5):
        assert (await hand_in(mall, filed, JPEG, secret=filed["secret"])).status_code == 201
    refused = await hand_in(mall, filed, JPEG, secret=filed["secret"])
    assert refused.json()["type"] == "urn:mpp:problem:too-much-evidence"


def test_a_png_keeps_its_picture_alone() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + bytes(4)

    drawn = [chunk(b"IHDR", bytes(13)), chunk(b"IDAT", b"picture"), chunk(b"IEND", b"")]
    told = [chunk(b"tEXt", b"Author Siti"), chunk(b"eXIf", b"GPS")]
    whole = b"\x89PNG\r\n\x1a\n" + drawn[0] + b"".join(told) + drawn[1] + drawn[2]
    assert bare(whole) == b"\x89PNG\r\n\x1a\n" + b"".join(drawn)
    assert bare(b"no picture") == b"no picture"
