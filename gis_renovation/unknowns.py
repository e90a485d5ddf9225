"""Columns that may be absent, values that may be unknown: read without taking silence for an answer.

Unknown is neither no nor 0: an absent column is unknown in every row, and "known to be no" is
another question than "not known to be yes".
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


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
