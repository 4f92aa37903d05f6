"""A NIK is refused for its form only; what is odd is said and taken."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profile_service.nik import PROVINCES, NoNik, contradictions, digits_of, masked, read

TODAY = date(2026, 11, 24)


@given(
    st.dates(date(1930, 1, 1), TODAY),
    st.sampled_from(["female", "male"]),
    st.integers(0, 999_999),
    st.integers(1, 9999),
)
def test_everybody_who_was_born_has_a_valid_nik_wherever_it_was_issued(
    birth: date, sex: str, place: int, serial: int
) -> None:
    nik = read(f"{place:06}{digits_of(birth, sex)}{serial:04}", TODAY)
    assert nik.sex == sex
    assert contradictions(nik, birth, sex) == ()


@given(st.text(max_size=20))
def test_whatever_is_typed_is_a_nik_or_refused_by_name(said: str) -> None:
    try:
        assert len(read(said, TODAY).number) == 16
    except NoNik as refusal:
        assert refusal.facts == {"field": "nik"}


@pytest.mark.parametrize(
    "number",
    [
        "",
        "740601450185000",
        "74060145018500011",
        "7406O14501850001",
        "7406013202850001",
        "7406017202850001",
        "7406010001850001",
        "7406010113850001",
        "7406010101850000",
        "\u0667" + "406014501850001",
    ],
)
def test_what_cannot_be_a_nik_is_refused(number: str) -> None:
    with pytest.raises(NoNik):
        read(number, TODAY)


def test_an_unknown_place_is_a_warning_and_no_refusal() -> None:
    assert read("7406014501850001", TODAY).warnings == ()
    assert read("9999004501850001", TODAY).warnings == ("nik-province-unknown", "nik-district-unknown")
    assert len(PROVINCES) == 38


def test_what_the_person_says_otherwise_is_a_warning() -> None:
    nik = read("7406014501850001", TODAY)
    assert contradictions(nik, date(1985, 1, 6), "male") == ("nik-birth-date-differs", "nik-sex-differs")


def test_a_leap_day_counts_in_the_century_that_has_it() -> None:
    assert read("7406012902000001", TODAY).sex == "male"  # 2000 was a leap year, 1900 was none


def test_a_nik_is_shown_masked() -> None:
    assert masked("3271014501850001") == "3271••••••••0001"
