"""The satisfaction index IKM, exactly: Permenpan RB 14/2017, nine elements, each 1 to 4."""

from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal

ELEMENTS = 9
SHOWN_FROM = 5  # answers: the figure of fewer would tell what single people answered
Weights = Literal["exact", "0.11", "0.111"]
Band = Literal["A", "B", "C", "D"]
WEIGHT: dict[str, Fraction] = {
    "exact": Fraction(1, 9),
    "0.11": Fraction(11, 100),
    "0.111": Fraction(111, 1000),
}
BANDS: tuple[tuple[Decimal, Band], ...] = (
    (Decimal("88.31"), "A"),
    (Decimal("76.61"), "B"),
    (Decimal("65.00"), "C"),
)
# Krejcie and Morgan 1970, as printed: population, sample.
TABLE = {
    10: 10, 15: 14, 20: 19, 25: 24, 30: 28, 35: 32, 40: 36, 45: 40, 50: 44, 55: 48, 60: 52, 65: 56, 70: 59,
    75: 63, 80: 66, 85: 70, 90: 73, 95: 76, 100: 80, 110: 86, 120: 92, 130: 97, 140: 103, 150: 108, 160: 113,
    170: 118, 180: 123, 190: 127, 200: 132, 210: 136, 220: 140, 230: 144, 240: 148, 250: 152, 260: 155,
    270: 159, 280: 162, 290: 165, 300: 169, 320: 175, 340: 181, 360: 186, 380: 191, 400: 196, 420: 201,
    440: 205, 460: 210, 480: 214, 500: 217, 550: 226, 600: 234, 650: 242, 700: 248, 750: 254, 800: 260,
    850: 265, 900: 269, 950: 274, 1000: 278, 1100: 285, 1200: 291, 1300: 297, 1400: 302, 1500: 306, 1600: 310,
    1700: 313, 1800: 317, 1900: 320, 2000: 322, 2200: 327, 2400: 331, 2600: 335, 2800: 338, 3000: 341,
    3500: 346, 4000: 351, 4500: 354, 5000: 357, 6000: 361, 7000: 364, 8000: 367, 9000: 368, 10000: 370,
    15000: 375, 20000: 377, 30000: 379, 40000: 380, 50000: 381, 75000: 382, 100000: 384, 1000000: 384,
}  # fmt: skip
PRINTED = sorted(TABLE)


def rounded(value: Fraction) -> Decimal:
    """Two decimals, a half goes up."""
    return Decimal((2 * value * 100 + 1) // 2) / 100


def nrr(total: int, answers: int) -> Fraction:
    """The mean of one element."""
    return Fraction(total, answers)


def ikm(totals: Sequence[int], answers: int, weights: Weights = "exact") -> Fraction:
    """The index of these sums of the nine elements, not rounded."""
    return 25 * sum((nrr(total, answers) * WEIGHT[weights] for total in totals), Fraction(0))


def band(index: Decimal) -> Band:
    """The class of a rounded index."""
    return next((letter for least, letter in BANDS if index >= least), "D")


def formula(population: int) -> int:
    """Krejcie and Morgan's formula, to the nearest whole."""
    chi = Fraction(3841, 1000) / 4
    exact = chi * population / (Fraction(25, 10000) * (population - 1) + chi)
    return int((2 * exact + 1) // 2)


def sample_size(population: int) -> int:
    """Answers needed: the printed table where it names the population, else the formula, never fewer."""
    if population < PRINTED[0]:
        return population
    floor = TABLE[PRINTED[bisect_right(PRINTED, population) - 1]]
    return TABLE.get(population) or max(floor, formula(population))
