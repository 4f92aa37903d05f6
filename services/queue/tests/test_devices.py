"""Kiosks and boards over HTTP: their tokens, papers and spoken calls."""

from typing import Any
from uuid import uuid4

import pytest
import segno

from mpp_emulators.printer import NotUnderstood, Printer
from queue_service.receipt import Paper, escpos

from .house import Venue

TOLD: dict[str, Any] = {
    "slot": None,
    "position": 5,
    "estimate": {"p50_minutes": 12.4, "p90_minutes": 25.0},
    "journey": [],
}
PAGE = "https://mpp.example.go.id/tiket/0198b3f2-7a3e-7c11-9d2b-1f2e3d4c5b6a#abcdefghijklmnopqrstuvwx"
PAPER = Paper("MPP Bombana", "A012", "Kartu Keluarga", PAGE, "2026-11-24T09:42:00+08:00", False, TOLD)


async def device(venue: Venue, kind: str = "kiosk") -> dict[str, Any]:
    path = f"/malls/{venue.slug}/devices"
    answer = await venue.ask("POST", path, {"kind": kind, "title": f"{kind} 1"}, role="mall-admin")
    assert answer.status_code == 201
    told: dict[str, Any] = answer.json()
    return told


async def test_a_kiosk_with_its_token_issues_tickets_in_its_mall_until_it_is_revoked(
    venue: Venue, open_mall: Any
) -> None:
    kiosk, elsewhere = await device(venue), await open_mall()
    assert (await venue.issue(channel="kiosk", token=kiosk["token"])).status_code == 201
    assert (await elsewhere.issue(channel="kiosk", token=kiosk["token"])).status_code == 403
    shown = await venue.get(f"/malls/{venue.slug}/devices", role="officer")
    assert shown == [{"id": kiosk["id"], "kind": "kiosk", "title": "kiosk 1"}]
    path = f"/malls/{venue.slug}/devices/{kiosk['id']}"
    assert (await venue.ask("DELETE", path, role="mall-admin")).status_code == 204
    assert (await venue.issue(channel="kiosk", token=kiosk["token"])).status_code == 401
    assert (await venue.ask("DELETE", path, role="mall-admin")).status_code == 404


async def test_a_made_up_token_is_nobodys(venue: Venue) -> None:
    kiosk = await device(venue)
    head, secret = kiosk["token"].rsplit(".", 1)
    for token in (f"{head}.{secret[::-1]}", "mpp-device.", f"mpp-device.{venue.code}.{uuid4()}.{secret}"):
        assert (await venue.issue(channel="kiosk", token=token)).status_code == 401
    assert (await venue.call(1, role=None, token=kiosk["token"])).status_code == 403


async def test_a_ticket_is_printed_fails_and_is_printed_again(venue: Venue) -> None:
    kiosk = (await device(venue))["token"]
    ticket = (await venue.issue(channel="kiosk", token=kiosk)).json()
    path = f"/papers/{ticket['id']}"
    job = (await venue.ask("POST", path, token=kiosk)).json()
    assert (job["status"], job["again"]) == ("pending", False)
    failed = await venue.ask("POST", f"{path}/{job['id']}/fail", {"reason": "paper-out"}, token=kiosk)
    assert failed.json()["status"] == "paper-out"
    again = (await venue.ask("POST", path, token=kiosk)).json()
    bytes_ = await venue.ask("GET", f"{path}/{again['id']}", token=kiosk)
    printer = Printer()
    printer.feed(bytes_.content)
    (text,) = printer.texts
    assert "A001" in text and f"MPP {venue.code}" in text and "CETAK ULANG" not in text
    assert (await venue.ask("POST", f"{path}/{again['id']}/confirm", token=kiosk)).json()[
        "status"
    ] == "printed"
    copy = (await venue.ask("POST", path, role="officer")).json()
    assert copy["again"] is True
    second = await venue.ask("GET", f"{path}/{copy['id']}", role="officer", params={"columns": 32})
    printer.feed(second.content)
    assert "CETAK ULANG" in printer.texts[1]
    assert (await venue.ask("POST", path)).status_code == 401
    assert (await venue.ask("GET", f"{path}/{uuid4()}", token=kiosk)).status_code == 404


async def test_of_two_boards_one_speaks_each_call_and_the_console_sees_it(venue: Venue) -> None:
    boards = [(await device(venue, "display"))["token"] for _ in range(2)]
    await venue.ticket()
    await venue.call(1, clock="08:31:00")
    (call,) = (await venue.get(f"/malls/{venue.slug}/board"))["calls"]
    path = f"/malls/{venue.slug}/calls/{call['id']}"
    first = await venue.ask("POST", f"{path}/claim", token=boards[0], clock="08:31:01")
    assert (first.status_code, first.json()["number"], first.json()["counter_title"]) == (
        200,
        "A001",
        "Loket 1",
    )
    second = await venue.ask("POST", f"{path}/claim", token=boards[1], clock="08:31:02")
    assert second.status_code == 409 and second.json()["type"].endswith("call-taken")
    assert (await venue.ask("POST", f"{path}/heard", token=boards[0], clock="08:31:08")).status_code == 200
    shown = await venue.get(f"/tickets/{call['ticket']}")
    assert shown["heard_at"] == "2031-03-03T08:31:08+08:00"
    missing = f"/malls/{venue.slug}/calls/{10**15}/claim"
    assert (await venue.ask("POST", missing, token=boards[0])).status_code == 404
    assert (await venue.ask("POST", f"{path}/claim", role="kiosk")).status_code == 403


@pytest.mark.parametrize("columns", [32, 42])
def test_the_paper_says_everything_and_its_code_opens_the_tickets_page(columns: int) -> None:
    printer = Printer()
    printer.feed(escpos(PAPER, columns))
    ((text,), (picture,)) = printer.texts, printer.papers
    for words in (
        "MPP Bombana",
        "A012",
        "Kartu Keluarga",
        "4 orang di depan",
        "12-25 menit",
        "09.42  24-11-2026",
    ):
        assert words in text
    scale = 6 if columns == 42 else 5
    code = segno.make(PAGE, error="m")
    dark = picture.point(lambda dot: 255 * (dot < 128)).getbbox()
    assert dark and dark[2] - dark[0] <= 576
    width, raw = len(code.matrix) * scale, picture.tobytes()

    def is_code(x: int, y: int) -> bool:
        return all(
            (raw[(y + row * scale + 2) * picture.width + x + column * scale + 2] < 128) == bool(module)
            for row, line in enumerate(code.matrix)
            for column, module in enumerate(line)
        )

    left = (picture.width - width) // 2
    found = [
        (x, y) for y in range(picture.height - width) for x in range(left - 8, left + 9) if is_code(x, y)
    ]
    assert found


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (TOLD | {"position": 1}, "Anda berikutnya."),
        (TOLD | {"estimate": {"p50_minutes": None, "p90_minutes": None}}, "Waktu tunggu belum bisa"),
        (TOLD | {"slot": "2026-11-24T10:00:00+08:00"}, "Reservasi pukul 10.00"),
        (TOLD | {"journey": [{"service": "a.1"}, {"service": "b.1"}]}, "Lalu: b.1"),
    ],
)
def test_the_paper_is_honest(told: dict[str, Any], words: str) -> None:
    printer = Printer()
    printer.feed(escpos(Paper("M", "A1000", "KK", PAGE, "2026-11-24T09:42:00+08:00", True, told)))
    assert words in printer.texts[0] and "CETAK ULANG" in printer.texts[0]


def test_without_pages_for_citizens_the_paper_has_no_code() -> None:
    printer = Printer()
    printer.feed(escpos(Paper("M", "A001", "KK", "", "2026-11-24T09:42:00+08:00", False, TOLD)))
    assert "Pindai" not in printer.texts[0] and "A001" in printer.texts[0]


def test_the_printer_refuses_what_it_does_not_know() -> None:
    with pytest.raises(NotUnderstood):
        Printer().feed(b"\x1b@\x1bZ")
