"""Both languages are complete: every sentence of every page, and nothing that no page says any more."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from web_frontend import languages
from web_frontend.languages import LOCALES, chosen, clock, day, gettext, ngettext, number, speak
from web_frontend.pages import TEMPLATES

HOUSE = Path(languages.__file__).parent
JINJA = {"extensions": "jinja2.ext.i18n,jinja2.ext.do", "trim_blocks": "true", "lstrip_blocks": "true"}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}


def said() -> set[str]:
    """Every sentence that pages and code hand over to be translated."""
    methods = [("**.py", "python"), ("**.html", "jinja2")]
    found = extract_from_dir(HOUSE, methods, {"**.html": JINJA}, keywords=KEYWORDS)
    return {m[2][0] if isinstance(m[2], tuple) else m[2] for m in found}


def test_every_sentence_is_there_in_english_and_none_too_many() -> None:
    with (LOCALES / "en" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalog = read_po(BytesIO(file.read()), locale="en")
    known = {m.id[0] if isinstance(m.id, tuple | list) else m.id: m for m in catalog if m.id}
    told = {sentence: [*_forms(message.string)] for sentence, message in known.items()}
    missing = [sentence for sentence, forms in told.items() if not all(forms)]
    assert (said() - known.keys(), known.keys() - said(), missing) == (set(), set(), [])
    for sentence, forms in told.items():
        for form in forms:
            assert {*_names(sentence)} >= {*_names(form)}, sentence


def _forms(told: Any) -> tuple[str, ...]:
    return tuple(told) if isinstance(told, tuple | list) else (told or "",)


def _names(sentence: str) -> list[str]:
    return [part.partition(")")[0] for part in sentence.split("%(")[1:]]


PAGES = sorted(page.relative_to(TEMPLATES).as_posix() for page in TEMPLATES.rglob("*.html"))


@pytest.mark.parametrize("page", PAGES)
def test_no_page_says_words_that_are_not_handed_over(page: str) -> None:
    jinja = Environment(autoescape=True, extensions=["jinja2.ext.i18n", "jinja2.ext.do"])
    parsed = jinja.parse((TEMPLATES / page).read_text())
    loose = "".join(str(data.data) for data in parsed.find_all(nodes.TemplateData))
    words = [text.strip() for text in _between_tags(loose) if any(letter.isalpha() for letter in text)]
    assert [text for text in words if text not in ("MPP", "· MPP")] == []


def _between_tags(markup: str) -> list[str]:
    """What is outside of tags, comments and scripts; a value inside of a tag is no word."""
    found, depth, text = [], 0, ""
    for sign in markup:
        if sign == "<":
            found.append(text)
            depth, text = 1, ""
        elif sign == ">" and depth:
            depth, text = 0, ""
        elif not depth:
            text += sign
    return [*found, text] if not depth else found


def test_days_hours_and_numbers_are_said_as_people_say_them() -> None:
    speak("id")
    assert clock("2026-11-23T09:42:00+08:00") == "09.42"
    assert clock("2026-11-23T01:42:00+00:00", "Asia/Makassar") == "09.42 WITA"
    assert day("2026-11-24") == "Selasa, 24 November" and number(1234.5) == "1.234,5"
    assert ngettext("%(n)s orang", "%(n)s orang", 3) == "3 orang"
    speak("en")
    assert clock("2026-11-23T09:42:00+08:00") == "09:42" and number(1234.5) == "1,234.5"
    assert gettext("Ambil nomor") == "Take a number"
    assert [ngettext("%(n)s orang", "%(n)s orang", n) for n in (1, 2)] == ["1 person", "2 people"]
    speak("id")


def test_a_language_is_chosen_by_hand_else_by_the_browser() -> None:
    assert chosen("en", "id") == "en" and chosen(None, "fr-FR,en-US;q=0.8,id;q=0.5") == "en"
    assert chosen("xx", "fr") == "id"
