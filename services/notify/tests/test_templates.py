"""What is said: every fact that has to be told is in it, in both languages, and no other."""

from datetime import UTC, datetime

import pytest
from hypothesis import given as any_
from hypothesis import strategies as st

from mpp.testing.scenario import given
from notify_service import template as t
from notify_service.kinds import KINDS
from notify_service.texts import shipped

NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)
GOOD = "Nomor ((number)) ke ((counter))"


def save(
    id_: str = GOOD, en: str = GOOD, kind: str = "ticket-called", subject: str = "Giliran"
) -> t.SaveTemplate:
    said = [t.Text(subject=subject, text=text) for text in (id_, en)]
    return t.SaveTemplate(kind, t.Texts(id=said[0], en=said[1]), NOON)


def test_every_kind_comes_with_texts_that_would_be_accepted() -> None:
    assert shipped().keys() == KINDS.keys()
    for kind, texts in shipped().items():
        t.check(kind, texts)
        facts = {name: f"‹{name}›" for name in KINDS[kind].facts}
        for language in ("id", "en"):
            told = texts.of(language).filled(facts)
            assert all(fact in told.text for fact in facts.values()) and "((" not in told.subject + told.text


def test_each_saving_is_a_new_version_and_the_same_again_is_none() -> None:
    story = given(t.decider).when(save(), save("((number)), ((counter))"))
    assert story.state.version == 2
    story.when(save("((number)), ((counter))")).then()


def test_a_text_that_does_not_tell_a_fact_is_refused_and_says_which() -> None:
    refusal = given(t.decider).when(save(en="Number ((number))")).refused(t.PlaceholderMissing)
    assert refusal.detail == "missing: counter"
    assert refusal.facts == {"language": "en", "missing": ["counter"]}


def test_a_fact_told_in_the_subject_alone_is_missing_in_the_text() -> None:
    given(t.decider).when(save("((number))", subject="((counter))")).refused(t.PlaceholderMissing)


@pytest.mark.parametrize("text", [f"{GOOD} ((name))", f"{GOOD} (())", f"{GOOD} ((Number))"])
def test_a_placeholder_that_nobody_knows_is_refused(text: str) -> None:
    given(t.decider).when(save(text)).refused(t.PlaceholderUnknown)


def test_nobody_is_ever_told_of_a_kind_that_is_not() -> None:
    given(t.decider).when(save(kind="weather")).refused(t.UnknownKind)


@any_(st.text(max_size=40), st.text(max_size=40))
def test_what_a_fact_holds_is_said_as_it_is(number: str, counter: str) -> None:
    """Also when it looks like a placeholder; a subject stays one line, so no header can be smuggled in."""
    text = t.Text(subject="((number))", text="((number))|((counter))")
    filled = text.filled({"number": number, "counter": counter})
    assert filled.text == f"{number}|{counter}"
    assert "\n" not in filled.subject and "\r" not in filled.subject
