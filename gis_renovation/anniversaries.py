"""The same day so many calendar years later.

Where that year has no such day it is the last of the month (Civil Code, Article 202).
"""

from __future__ import annotations

import datetime

import numpy as np
from numpy.typing import NDArray

from gis_renovation.arrays import Ints


def anniversaries(dates: NDArray[np.datetime64], years: Ints | int) -> NDArray[np.datetime64]:
    """The same day so many years later, the last of the month where that year has no such day."""
    month = dates.astype("datetime64[M]")
    there = month + np.asarray(years, np.int64) * np.timedelta64(12, "M")
    day = dates - month.astype("datetime64[D]")
    last = (there + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    return np.asarray(np.minimum(there.astype("datetime64[D]") + day, last))


def years_after(day: datetime.date, years: int) -> datetime.date:
    """The first day after whole calendar years from ``day`` are over: the day after the anniversary.

    >>> years_after(datetime.date(2020, 2, 29), 5)
    datetime.date(2025, 3, 1)
    """
    anniversary: datetime.date = anniversaries(np.array([day], dtype="datetime64[D]"), years)[0].item()
    return anniversary + datetime.timedelta(days=1)
