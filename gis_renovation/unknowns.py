"""Columns that may be absent, values that may be unknown: read without taking silence for an answer.

Unknown is neither no nor 0: an absent column is unknown in every row, and "known to be no" is
another question than "not known to be yes".

A source may also give a number as approximate (“约120”): the number stays a number, so that sums, filters and
formulas work, and the column :data:`schemas.APPROXIMATE` holds the names of the columns meant, joined by “;”.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis_renovation.schemas import APPROXIMATE, NAMES_JOINED_BY
from gis_renovation.words import Text


def optional_column(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """The column as objects on the frame's index; all unknown when the city does not have it."""
    if name in frame.columns:
        return frame[name].astype("object")
    return pd.Series(None, index=frame.index, dtype="object")


def optional_numbers(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """The column as floats, NaN where unknown or when the city does not have it."""
    return pd.to_numeric(optional_column(frame, name)).astype("float64")


def known_yes(frame: pd.DataFrame, name: str) -> NDArray[np.bool_]:
    """Rows whose yes/no column surely says yes."""
    return np.asarray(optional_column(frame, name).eq(True).fillna(False), dtype=bool)


def known_no(frame: pd.DataFrame, name: str) -> NDArray[np.bool_]:
    """Rows whose yes/no column surely says no; not the rest of :func:`known_yes`."""
    return np.asarray(optional_column(frame, name).eq(False).fillna(False), dtype=bool)


def texts_as_objects(table: pd.DataFrame) -> pd.DataFrame:
    """A new frame whose text columns are objects with None for unknown, whatever type pandas picked for them."""
    texts = [name for name in table.columns if table[name].dtype == object or pd.api.types.is_string_dtype(table[name])]
    columns = {name: table[name].astype("object") for name in texts}
    return table.assign(**{name: column.where(column.notna(), None) for name, column in columns.items()})


def name_or_id(name: object, key: object) -> str:
    """What to call a thing in words: its name, or its id alone where it has none."""
    return name if isinstance(name, str) and name.strip() else str(key)


def names_or_ids(frame: pd.DataFrame) -> pd.Series[str]:
    """What to call each row in words, on the frame's index; all ids when the city has no names."""
    names = optional_column(frame, "name").tolist()
    called = [name_or_id(name, key) for name, key in zip(names, frame.index, strict=True)]
    return pd.Series(called, index=frame.index, dtype="str")


# --- approximate numbers --------------------------------------------------------------------------

# How people see such a number: “约 120 户”.
ABOUT = Text("约 {n}", "about {n}")
# What stands beside tables and pages that have one.
ABOUT_MEANS = Text(
    "数前写“约”的，资料本身写的就是约数（如“约120”）；合计按所写的数计算。",
    "A number marked “about” is approximate in the records themselves; totals take it as written.",
)

Table = TypeVar("Table", bound="pd.DataFrame")


def estimate_names(rows: Mapping[str, NDArray[np.bool_]], index: pd.Index) -> pd.Series[Any] | None:
    """The column :data:`APPROXIMATE` for rows of ``index``: per column name, which rows are approximate.

    Names stand in the mapping's order, that of the columns; a row without any is missing. None if there is none
    at all. O(rows x names).
    """
    named = {name: mask for name, mask in rows.items() if mask.any()}
    if not named:
        return None
    told = [""] * len(index)
    for name, mask in named.items():
        for row in mask.nonzero()[0].tolist():
            told[row] = f"{told[row]}{NAMES_JOINED_BY}{name}" if told[row] else name
    return pd.Series([text or None for text in told], index=index, dtype="str")


def estimated_rows(frame: pd.DataFrame, column: str) -> NDArray[np.bool_]:
    """Which rows of ``column`` are approximate; none in a frame that does not say. O(rows)."""
    if APPROXIMATE not in frame.columns or column == APPROXIMATE:
        return np.zeros(len(frame), dtype=bool)
    # Few texts stand in many rows; a missing one has the code -1, the last of the list.
    codes, texts = pd.factorize(frame[APPROXIMATE])
    named = np.array([*(column in _names(text) for text in texts.tolist()), False], dtype=bool)
    return np.asarray(named[codes], dtype=bool)


def keep_told_estimates(frame: Table) -> Table:
    """``frame`` with :data:`APPROXIMATE` naming only columns it has, in rows where they are known.

    What an audience may not see is not named to it either; where nothing is left to name the column goes. The
    frame itself is not changed. O(rows).
    """
    if APPROXIMATE not in frame.columns:
        return frame
    named = {name for text in frame[APPROXIMATE].unique().tolist() for name in _names(text)}
    known = {
        str(name): estimated_rows(frame, str(name)) & frame[name].notna().to_numpy()
        for name in frame.columns
        if name in named
    }
    told = estimate_names(known, frame.index)
    rest: Table = frame.drop(columns=APPROXIMATE) if told is None else frame.assign(**{APPROXIMATE: told})
    return rest


def _names(text: object) -> list[str]:
    return text.split(NAMES_JOINED_BY) if isinstance(text, str) else []
