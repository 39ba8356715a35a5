"""The calendar in whole days: months, weeks, quarters, seasons and Easter. Arithmetic; it reads no words."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

DAY = timedelta(days=1)
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}


def month_end(year: int, month: int) -> date:
    """The last day of a month."""
    return date(year, 12, 31) if month == 12 else date(year, month + 1, 1) - DAY


def back(day: date, count: int, unit: str) -> date:
    """So many days, weeks, months or years earlier."""
    if unit in ("day", "week"):
        return day - count * (7 if unit == "week" else 1) * DAY
    months = day.year * 12 + day.month - 1 - count * (12 if unit == "year" else 1)
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(day.day, month_end(year, month).day))


def around(day: date, unit: str) -> tuple[date, date]:
    """The calendar's day, week, month, quarter or year that a day is in."""
    if unit == "week":
        monday = day - day.weekday() * DAY
        return monday, monday + 6 * DAY
    if unit == "weekend":
        saturday = day + (5 - day.weekday()) * DAY
        return saturday, saturday + DAY
    if unit == "month":
        return day.replace(day=1), month_end(day.year, day.month)
    if unit == "quarter":
        last = (day.month + 2) // 3 * 3
        return date(day.year, last - 2, 1), month_end(day.year, last)
    return (date(day.year, 1, 1), date(day.year, 12, 31)) if unit == "year" else (day, day)


def season(year: int, name: str) -> tuple[date, date]:
    """A season of the north, by its months; winter belongs to the year it begins in."""
    month = SEASONS[name.lower()]
    return date(year, month, 1), month_end(year + (month == 12), (month + 1) % 12 + 1)


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous algorithm)."""
    golden, century = year % 19, year // 100
    moon = (19 * golden + century - century // 4 - (8 * century + 13) // 25 + 15) % 30
    moon -= (moon // 28) * (1 - (29 // (moon + 1)) * ((21 - golden) // 11))
    week = (year + year // 4 + moon + 2 - century + century // 4) % 7
    month = 3 + (moon - week + 40) // 44
    return date(year, month, moon - week + 28 - 31 * (month // 4))


def latest(weekday: int, by: date) -> tuple[date, date]:
    """The last such weekday (0: Monday) that is not after a day."""
    day = by - ((by.weekday() - weekday) % 7) * DAY
    return day, day


def third(year: int, part: Literal["early", "mid", "late"]) -> tuple[date, date]:
    """Four months of a year."""
    at = ("early", "mid", "late").index(part)
    return date(year, 4 * at + 1, 1), month_end(year, 4 * at + 4)


def feast(name: str, year: int) -> tuple[date, date]:
    """The days of a feast, by its English name in lower case. The new year of 2025 begins in the last night of 2024."""
    if name.startswith(("christmas", "xmas")):
        return date(year, 12, 24), date(year, 12, 24 if name.endswith("eve") else 26)
    if name.endswith("eve"):
        return date(year, 12, 31), date(year, 12, 31)
    if name.startswith("new year"):
        return date(year, 1, 1) - (0 if name.endswith("day") else 1) * DAY, date(year, 1, 1)
    if name == "halloween":
        return date(year, 10, 31), date(year, 10, 31)
    sunday = easter(year)
    return sunday - 2 * DAY, sunday + DAY
