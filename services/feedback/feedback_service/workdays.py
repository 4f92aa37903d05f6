"""Working days: Monday to Friday without holidays and joint leave, in the mall's zone."""

from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """`closed`: dates off although in the week; `opened`: dates on which work is done all the same."""

    zone: str
    closed: frozenset[Date] = frozenset()
    opened: frozenset[Date] = frozenset()

    def works(self, day: Date) -> bool:
        return day in self.opened or (day.weekday() < SATURDAY and day not in self.closed)

    def end_after(self, moment: datetime, days: int) -> datetime:
        """The end of the n-th working day after the day of this moment: midnight, in the mall's zone."""
        day = moment.astimezone(ZoneInfo(self.zone)).date()
        while days > 0:
            day += timedelta(days=1)
            days -= self.works(day)
        return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(self.zone))
