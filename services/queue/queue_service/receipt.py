"""The paper: a ticket in ESC/POS, for any receipt printer of 58 or 80 mm."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import segno
from escpos.printer import Dummy  # type: ignore[import-untyped]

WIDE = 42  # columns of an 80 mm paper; from here on the number is printed larger


@dataclass(frozen=True, slots=True)
class Paper:
    """What is on it. `told`: the ticket's answer; `page`: where its code leads, "" when there are no
    pages for citizens; `printed_at`: RFC 3339 in the mall's zone.
    """

    mall: str
    number: str
    service: str
    page: str
    printed_at: str
    again: bool
    told: dict[str, Any]


def escpos(paper: Paper, columns: int = WIDE) -> bytes:
    """The bytes from initialisation to the cut."""
    printer = Dummy(profile="TM-T88II")
    printer.hw("INIT")
    printer.set(align="center", bold=True)
    _lines(printer, paper.mall, columns)
    printer.set(align="center", bold=False)
    printer.textln("Nomor antrean / Queue number")
    size = 8 if columns >= WIDE and len(paper.number) <= 5 else 5
    printer.set(align="center", bold=True, custom_size=True, width=size, height=size)
    printer.textln(paper.number)
    printer.set(align="center", bold=False, normal_textsize=True)
    if paper.again:
        printer.textln("CETAK ULANG / COPY")
    _lines(printer, paper.service, columns)
    printer.textln()
    for line in _waiting(paper):
        _lines(printer, line, columns)
    printer.textln()
    if paper.page:
        _code(printer, paper.page, 6 if columns >= WIDE else 5)
        printer.textln("Pindai untuk melihat antrean Anda.")
        printer.textln("Scan to follow your place in line.")
    printer.textln()
    printer.textln(f"{_clock(paper.printed_at)}  {_day(paper.printed_at)}")
    printer.cut()
    return bytes(printer.output)


def _waiting(paper: Paper) -> list[str]:
    """Position and range as sentences; nothing that is not known."""
    told, lines = paper.told, []
    if slot := told["slot"]:
        lines.append(f"Reservasi pukul {_clock(slot)}")
    if (position := told["position"]) is not None:
        ahead = position - 1
        lines.append(f"{ahead} orang di depan Anda." if ahead else "Anda berikutnya.")
        low, high = told["estimate"]["p50_minutes"], told["estimate"]["p90_minutes"]
        if low is None:
            lines.append("Waktu tunggu belum bisa diperkirakan.")
        else:
            lines.append(f"Perkiraan menunggu {_minutes(low)}-{_minutes(high)} menit.")
    for step in told["journey"][1:]:
        lines.append(f"Lalu: {step['service']}")
    return lines


def _code(printer: Dummy, page: str, size: int) -> None:
    """As a picture: not every printer draws QR codes itself."""
    code = BytesIO()
    segno.make(page, error="m").save(code, kind="png", scale=size, border=2)
    printer.image(code, center=False)


def _lines(printer: Dummy, text: str, columns: int) -> None:
    printer.block_text(text, columns=columns)
    printer.textln()


def _minutes(minutes: float) -> int:
    return max(1, round(minutes))


def _clock(moment: str) -> str:
    return moment[11:16].replace(":", ".")


def _day(moment: str) -> str:
    return f"{moment[8:10]}-{moment[5:7]}-{moment[:4]}"
