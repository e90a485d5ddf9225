"""Texts that were longer than a cell and left in several columns, as one text again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gis_renovation.writing import CONTINUED, FROM_BEFORE, GOES_ON

if TYPE_CHECKING:
    import pandas as pd


def join_continued(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame without the columns that only continue another; as it is if there is none.

    A column is one where its name says so and every filled cell of it begins, and the one before it ends, with the mark
    of a text that goes on; a city's own columns of such names stay. O(rows).
    """
    starts: dict[str, list[str]] = {}
    for name in map(str, frame.columns):
        base, number = _continued(name)
        if base in frame.columns and number == len(starts.get(base, ())) + 2:
            starts.setdefault(base, []).append(name)
    for base, more in starts.items():
        texts = frame[base].astype(object)
        for name in more:
            part = frame[name]
            goes_on = texts.map(lambda text: isinstance(text, str) and text.endswith(GOES_ON))
            begins = part.map(lambda text: isinstance(text, str) and text.startswith(FROM_BEFORE))
            if not (begins | part.isna()).all() or (begins & ~goes_on).any():
                break
            joined = texts.str[: -len(GOES_ON)] + part.astype(object).str[len(FROM_BEFORE) :]
            texts = joined.where(begins, texts)
        else:
            frame = frame.drop(columns=more).assign(**{base: texts})
    return frame


_NUMBERED = re.compile(
    re.escape(CONTINUED).replace(r"\{header\}", "(?P<header>.+)").replace(r"\{number\}", r"(?P<n>\d+)")
)


def _continued(name: str) -> tuple[str, int]:
    """The column that another continues by its name, and as which part."""
    found = _NUMBERED.fullmatch(name)
    return (found["header"], int(found["n"])) if found else ("", 0)
