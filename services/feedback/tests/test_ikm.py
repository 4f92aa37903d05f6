"""The index against a hand-worked example, a plain computation, and the edges of its bands."""

import random
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest

from feedback_service.ikm import PRINTED, TABLE, band, formula, ikm, nrr, rounded, sample_size
from feedback_service.period import NoPeriod, days_of


def test_a_hand_worked_example() -> None:
    """Three answers. Sums of the elements: 10 9 8 11 12 9 10 7 6, together 82.

    NRR: 3.33 3.00 2.67 3.67 4.00 3.00 3.33 2.33 2.00, exactly 82/3 in all.
    IKM = 25 × 82/3 × 1/9 = 2050/27 = 75.925925… → 75.93, C.
    """
    answers = [(3, 3, 2, 4, 4, 3, 3, 2, 2), (4, 3, 3, 4, 4, 3, 4, 3, 2), (3, 3, 3, 3, 4, 3, 3, 2, 2)]
    totals = [sum(element) for element in zip(*answers, strict=True)]
    assert totals == [10, 9, 8, 11, 12, 9, 10, 7, 6]
    means = "3.33 3.00 2.67 3.67 4.00 3.00 3.33 2.33 2.00"
    assert " ".join(f"{rounded(nrr(total, 3)):.2f}" for total in totals) == means
    assert ikm(totals, 3) == Fraction(2050, 27)
    assert rounded(ikm(totals, 3)) == Decimal("75.93")
    assert band(Decimal("75.93")) == "C"


def test_a_thousand_samples_agree_with_a_plain_computation() -> None:
    chance = random.Random(14)
    for _ in range(1000):
        answers = [[chance.randint(1, 4) for _ in range(9)] for _ in range(chance.randint(1, 60))]
        plain = Decimal(25 * sum(map(sum, answers))) / Decimal(9 * len(answers))
        expected = plain.quantize(Decimal("0.01"), ROUND_HALF_UP)
        totals = [sum(each[n] for each in answers) for n in range(9)]
        letter = "A" if expected > Decimal("88.30") else "B" if expected > Decimal("76.60") else None
        letter = letter or ("C" if expected >= 65 else "D")
        assert (rounded(ikm(totals, len(answers))), band(expected)) == (expected, letter)


@pytest.mark.parametrize(
    ("index", "letter"),
    [
        ("25", "D"),
        ("64.99", "D"),
        ("65.00", "C"),
        ("76.60", "C"),
        ("76.61", "B"),
        ("88.30", "B"),
        ("88.31", "A"),
        ("100", "A"),
    ],
)
def test_bands_begin_where_the_regulation_says(index: str, letter: str) -> None:
    assert band(Decimal(index)) == letter


def test_an_index_is_rounded_before_it_is_banded() -> None:
    assert band(rounded(Fraction("88.305"))) == "A"
    assert band(rounded(Fraction("88.30499"))) == "B"


def test_legacy_weights_end_where_they_ended() -> None:
    best = [4] * 9
    assert [rounded(ikm(best, 1, w)) for w in ("exact", "0.11", "0.111")] == [
        Decimal(100), Decimal("99.00"), Decimal("99.90"),
    ]  # fmt: skip


def test_a_sample_is_as_large_as_the_printed_table_says() -> None:
    printed = {10: 10, 100: 80, 200: 132, 500: 217, 1000: 278, 10_000: 370, 100_000: 384}
    assert {size: sample_size(size) for size in printed} == printed
    assert [size for size in PRINTED if abs(formula(size) - TABLE[size]) > 1] == []
    sizes = [sample_size(size) for size in range(0, 120_000, 7)]
    assert sizes == sorted(sizes)


def test_periods_are_years_halves_quarters_and_months() -> None:
    said = {"2026": "2026-01-01 2026-12-31", "2026-S2": "2026-07-01 2026-12-31"}
    said |= {"2026-Q1": "2026-01-01 2026-03-31", "2028-02": "2028-02-01 2028-02-29"}
    assert {period: " ".join(map(str, days_of(period))) for period in said} == said
    for wrong in ("", "26", "2026-13", "2026-S3", "2026-Q5", "2026-1"):
        with pytest.raises(NoPeriod):
            days_of(wrong)
