"""A period of the index: a year, half, quarter or month, written 2026, 2026-S1, 2026-Q4 or 2026-11."""

import re
from datetime import date as Date
from datetime import timedelta

from mpp.eventsourcing.decider import Invalid

PATTERN = re.compile(r"(2\d{3})(?:-(?:S([12])|Q([1-4])|(0[1-9]|1[0-2])))?")


class NoPeriod(Invalid):
    """A period is written 2026, 2026-S1, 2026-Q4 or 2026-11."""


def days_of(period: str) -> tuple[Date, Date]:
    """The first and the last day. Raises NoPeriod."""
    found = PATTERN.fullmatch(period)
    if found is None:
        raise NoPeriod(period=period)
    year, half, quarter, month = (int(part) if part else 0 for part in found.groups())
    months = 6 if half else 3 if quarter else 1 if month else 12
    first = (half or quarter or month or 1) - 1
    begins = Date(year, first * months + 1, 1)
    after = first * months + months
    return begins, Date(year + after // 12, after % 12 + 1, 1) - timedelta(days=1)
