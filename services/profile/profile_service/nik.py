"""A NIK: sixteen digits that tell where and for whom they were first issued; there is no check digit."""

from dataclasses import dataclass
from datetime import date

from mpp.eventsourcing.decider import Invalid

PROVINCES = frozenset(  # 38, as Kemendagri counts them
    {
        *range(11, 20),
        21,
        *range(31, 37),
        *range(51, 54),
        *range(61, 66),
        *range(71, 77),
        81,
        82,
        *range(91, 97),
    }
)
WOMEN = 40  # is added to a woman's day of birth
SHOWN = 4


class NoNik(Invalid):
    """This is not a NIK: sixteen digits, the seventh to twelfth a date of birth."""


@dataclass(frozen=True, slots=True)
class Nik:
    """What a valid NIK says; `warnings` are codes for what is odd and still no ground for a refusal."""

    number: str
    sex: str
    warnings: tuple[str, ...]


def read(number: str, today: date) -> Nik:
    """Raises NoNik. A day above 40 is a woman's; of two possible centuries one must lie in the past."""
    if len(number) != 16 or not (number.isascii() and number.isdigit()):
        raise NoNik("a NIK has sixteen digits", field="nik")
    day, month, year = int(number[6:8]), int(number[8:10]), int(number[10:12])
    woman = day > WOMEN
    if not any(_born(century + year, month, day - WOMEN * woman, today) for century in (1900, 2000)):
        raise NoNik("the seventh to twelfth digit are no date of birth", field="nik")
    if number.endswith("0000"):
        raise NoNik("the last four digits count from 0001", field="nik")
    return Nik(number, "female" if woman else "male", tuple(_warnings(number)))


def contradictions(nik: Nik, birth: date | None, sex: str | None) -> tuple[str, ...]:
    """Codes for what the person says otherwise than the number does."""
    odd = []
    if birth is not None and nik.number[6:12] != digits_of(birth, nik.sex):
        odd.append("nik-birth-date-differs")
    if sex is not None and sex != nik.sex:
        odd.append("nik-sex-differs")
    return tuple(odd)


def digits_of(birth: date, sex: str) -> str:
    """The seventh to twelfth digit of somebody born on this day."""
    return f"{birth.day + WOMEN * (sex == 'female'):02}{birth.month:02}{birth.year % 100:02}"


def masked(number: str) -> str:
    """As it is shown: 3271••••••••0001."""
    return number[:SHOWN] + "•" * (len(number) - 2 * SHOWN) + number[-SHOWN:]


def _born(year: int, month: int, day: int, today: date) -> bool:
    try:
        return date(year, month, day) <= today
    except ValueError:
        return False


def _warnings(number: str) -> list[str]:
    odd = [] if int(number[:2]) in PROVINCES else ["nik-province-unknown"]
    if not (1 <= int(number[2:4]) <= 39 or 71 <= int(number[2:4]) <= 99):
        odd.append("nik-regency-unknown")
    return odd if number[4:6] != "00" else [*odd, "nik-district-unknown"]
