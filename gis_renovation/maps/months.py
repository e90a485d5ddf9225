"""The months of a year on one layer: how far the works in each community had come at each month's end."""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from gis_renovation.display import StyleClass, classify, layer_style, plain_text
from gis_renovation.maps.encoding import Cell, ColumnBlock, MonthlyBlock, MonthsBlock
from gis_renovation.progress import community_months
from gis_renovation.words import Lang

# A slider of more months than this is no longer read; the latest are kept.
MONTHS_SHOWN = 60

NEEDED = ("communities", "projects", "project_communities", "works_records")


def month_ends(first: datetime.date, last: datetime.date) -> list[datetime.date]:
    """The last day of each month from ``first``'s on, the final one being ``last`` itself; at most 60."""
    count = (last.year - first.year) * 12 + last.month - first.month
    ends = []
    for step in range(max(0, count - MONTHS_SHOWN + 1), count):
        year, month = divmod(first.year * 12 + first.month - 1 + step, 12)
        ends.append(datetime.date(year, month + 1, calendar.monthrange(year, month + 1)[1]))
    return [*ends, last]


def monthly_progress(
    layers: Mapping[str, pd.DataFrame], as_of: datetime.date
) -> dict[datetime.date, pd.DataFrame] | None:
    """The progress of each community at each month's end up to ``as_of``, by the rules of the progress table.

    Returns month's end -> ``community_progress`` of that day with the communities' index, or None when a
    needed table is absent or holds no record before ``as_of``. O(months x records log records).
    """
    if any(name not in layers for name in NEEDED):
        return None
    records = layers["works_records"]
    dates = [day for day in records["recorded_on"].dropna() if day <= as_of]
    if not dates:
        return None
    # Only which communities there are matters here; their numbers may be withheld and then are words.
    places = pd.DataFrame(index=layers["communities"].index)
    days = month_ends(min(dates), as_of)
    made = community_months(places, layers["projects"], layers["project_communities"], records, days)
    return {day: table.reindex(places.index) for day, table in made.items()}


# What a card says of a month; the rest of it does not change with the works.
MONTHLY_COLUMNS = ("state", "started", "completed", "progress_share")


def monthly_column(name: str, ids: Sequence[str], months: Mapping[datetime.date, pd.DataFrame]) -> MonthlyBlock:
    """One column at every month's end for ``ids``: each value once, and per month their places (-1: none)."""
    grid = []
    values: dict[Cell, int] = {}
    for frame in months.values():
        by_id = dict(zip((str(key) for key in frame.index), frame[name].tolist(), strict=True))
        cells = [by_id.get(key) for key in ids]
        known = [None if pd.isna(cell) else round(cell, 6) if isinstance(cell, float) else cell for cell in cells]
        grid.append([-1 if cell is None else values.setdefault(cell, len(values)) for cell in known])
    return {"values": list(values), "rows": grid}


def add_monthly_columns(
    columns: Sequence[ColumnBlock], ids: Sequence[str], months: Mapping[datetime.date, pd.DataFrame]
) -> None:
    """Give the encoded columns of a card that change with the works their values of every month; ``ids`` by row."""
    for column in columns:
        if column["name"] in MONTHLY_COLUMNS:
            column["monthly"] = monthly_column(column["name"], ids, months)


def encode_months(
    name: str, states: pd.DataFrame, ids: list[str], *, lang: Lang
) -> tuple[MonthsBlock, list[StyleClass]]:
    """Monthly states as the page reads them, and the classes of all months with the last one's counts.

    ``ids`` are the features drawn, in their order. The block holds per month one class number a feature.
    """
    style = layer_style(name)
    wanted = set(ids)
    drawn = states[[str(key) in wanted for key in states.index]]
    column = style.column
    # One class list for all months, so that a colour means the same from January to December.
    long = drawn.melt(value_name=column)[[column]]
    classes, position = classify(name, long)
    grid = (
        position.reshape(len(drawn.columns), len(drawn)) if len(drawn) else np.zeros((len(drawn.columns), 0), np.int64)
    )
    block: MonthsBlock = {
        "labels": [str(day) for day in drawn.columns],
        "class_labels": [plain_text(c.label.in_language(lang)) for c in classes],
        "cls": grid.tolist(),
    }
    last = np.bincount(grid[-1], minlength=len(classes)) if len(drawn) else np.zeros(len(classes), np.int64)
    counted = [
        StyleClass(code=c.code, label=c.label, symbol=c.symbol, count=int(last[at])) for at, c in enumerate(classes)
    ]
    return block, counted
