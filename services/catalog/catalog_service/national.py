"""The national calendar: public holidays and joint leave (cuti bersama) of Indonesia."""

import datetime as dt

import holidays

from catalog_service.hours import SetHolidays


def national(year: int) -> SetHolidays:
    """One year as the government's joint decree has it; movable feasts of later years are estimates."""
    days: dict[dt.date, str] = dict(
        holidays.country_holidays("ID", years=year, categories=("public", "government"), language="id")
    )
    return SetHolidays(year=year, days=dict(sorted(days.items())))


def this_and_next(today: dt.date) -> tuple[SetHolidays, SetHolidays]:
    return national(today.year), national(today.year + 1)
