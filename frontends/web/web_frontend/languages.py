"""Languages: every page in Indonesian and English, and how days, hours and numbers are said."""

from contextvars import ContextVar
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

FIRST = "id"  # the language in which pages are written
LANGUAGES = {"id": "Bahasa Indonesia", "en": "English"}
LOCALES = Path(__file__).parent / "locales"
ZONES = {
    "Asia/Jakarta": "WIB",
    "Asia/Pontianak": "WIB",
    "Asia/Makassar": "WITA",
    "Asia/Jayapura": "WIT",
}
_language: ContextVar[str] = ContextVar("language", default=FIRST)


def speak(language: str) -> None:
    """From here on this request is answered in this language."""
    _language.set(language if language in LANGUAGES else FIRST)


def spoken() -> str:
    return _language.get()


def chosen(cookie: str | None, accepted: str) -> str:
    """By hand, else the first of ours that the browser asks for."""
    if cookie in LANGUAGES:
        return str(cookie)
    asked = (part.partition(";")[0].strip()[:2].lower() for part in accepted.split(","))
    return next((language for language in asked if language in LANGUAGES), FIRST)


@cache
def _catalog(language: str) -> dict[str, tuple[str, ...]]:
    """Sentence → its translations: one, or singular and plural."""
    file = LOCALES / language / "LC_MESSAGES" / "messages.po"
    with file.open("rb") as opened:
        read = read_po(opened, locale=language)
    found: dict[str, tuple[str, ...]] = {}
    for message in read:
        if message.id and message.string:
            name = message.id[0] if isinstance(message.id, tuple | list) else message.id
            told = message.string if isinstance(message.string, tuple | list) else (message.string,)
            found[name] = tuple(told)
    return found


def gettext(sentence: str, **facts: Any) -> str:
    """In the language of this request; `%(name)s` are filled in."""
    language = spoken()
    told = sentence if language == FIRST else _catalog(language).get(sentence, (sentence,))[0]
    return told % facts if facts else told


def ngettext(one: str, many: str, n: int, **facts: Any) -> str:
    """Indonesian has one form for all numbers; English has two."""
    language = spoken()
    if language == FIRST:
        told = one if n == 1 else many
    else:
        forms = _catalog(language).get(one, (one, many))
        told = forms[0 if n == 1 else -1]
    return told % ({"n": n} | facts)


def clock(moment: str | datetime, zone: str = "") -> str:
    """`09.42`, in English `09:42`; with a zone's name also `WITA`."""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    if zone:
        at = at.astimezone(ZoneInfo(zone))
    told = at.strftime("%H.%M" if spoken() == "id" else "%H:%M")
    return f"{told} {ZONES.get(zone, '')}".strip()


def day(moment: str | date, *, year: bool = False) -> str:
    """`Selasa, 24 November`."""
    at = date.fromisoformat(moment[:10]) if isinstance(moment, str) else moment
    pattern = "EEEE, d MMMM y" if year else "EEEE, d MMMM"
    return str(format_date(at, pattern, locale=spoken()))


def number(value: float) -> str:
    """`1.234,5`, in English `1,234.5`."""
    return str(format_decimal(value, locale=spoken()))


def rupiah(value: int | None) -> str:
    """What a service costs."""
    if not value:
        return gettext("Gratis")
    return f"Rp{format_decimal(value, locale='id')}"
