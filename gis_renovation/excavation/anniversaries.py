"""Whole years from a day, by the calendar."""

from __future__ import annotations

import datetime


def years_after(day: datetime.date, years: int) -> datetime.date:
    """The first day after whole calendar years from ``day`` are over: the day after the anniversary.

    Of 29 February in a year without one, the anniversary is 28 February.

    >>> years_after(datetime.date(2020, 2, 29), 5)
    datetime.date(2025, 3, 1)
    """
    try:
        anniversary = day.replace(year=day.year + years)
    except ValueError:
        anniversary = datetime.date(day.year + years, 2, 28)
    return anniversary + datetime.timedelta(days=1)
