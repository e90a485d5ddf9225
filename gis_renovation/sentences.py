"""Columns of sentences, and beside them what each sentence tells: counts of households or people, and money.

The text stands in two columns, ``why_zh`` and ``why_en``. What it tells stands in the frame's
``attrs["sentences"]`` as JSON, ``{"why": {"Z-C01": {"counts": [412], "money_yuan": []}}}``: by the columns' common
name and the row's key, only for rows that tell anything. pandas and geopandas keep ``attrs`` in GeoParquet, so
what a step tells survives in its stored result; other formats do not, and no table, map or document shows it.
It is one string, because pandas copies ``attrs`` deeply with every column that is taken.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import pandas as pd

from gis_renovation.words import Sentence

ATTRIBUTE = "sentences"
Table = TypeVar("Table", bound="pd.DataFrame")


class Told(NamedTuple):
    """What one sentence tells: counts of households or people, and money in yuan, each number once, ascending."""

    counts: tuple[float, ...]
    money_yuan: tuple[float, ...]


def with_sentences(frame: Table, name: str, sentences: Sequence[Sentence | None]) -> Table:
    """``frame`` with the columns ``<name>_zh`` and ``<name>_en``, a sentence a row (None: null), and what they tell.

    The frame itself is not changed; what it knew of other columns it forgets, unless it is in ``frame`` still.
    """
    columns = {
        f"{name}_zh": pd.array([None if each is None else each.zh for each in sentences], dtype="str"),
        f"{name}_en": pd.array([None if each is None else each.en for each in sentences], dtype="str"),
    }
    told = {
        str(key): {"counts": sorted(set(each.counts)), "money_yuan": sorted(set(each.money_yuan))}
        for key, each in zip(frame.index, sentences, strict=True)
        if each is not None and (each.counts or each.money_yuan)
    }
    result: Table = frame.assign(**columns)
    known = {column: rows for column, rows in _stored(frame).items() if f"{column}_zh" in result.columns}
    result.attrs[ATTRIBUTE] = _text({**known, name: told})
    return result


def repeat_sentences(frame: Table, name: str, source: pd.DataFrame) -> Table:
    """``frame`` with the sentences ``name`` of ``source``, whose rows are the same, and what they tell."""
    result: Table = frame.assign(**{column: source[column].array for column in (f"{name}_zh", f"{name}_en")})
    rows = _stored(source).get(name)
    if rows is not None:
        result.attrs[ATTRIBUTE] = _text({**_stored(frame), name: rows})
    return result


def sentence_facts(frame: pd.DataFrame, column: str) -> dict[str, Told] | None:
    """What the sentences of ``column`` (``why``, or ``why_zh``) tell, by key; rows that tell nothing are not in it.

    None where the frame does not know: its texts are no sentences of the program's, or come from a file that
    does not keep this. O(rows that tell anything, of all columns).
    """
    rows = _stored(frame).get(column.removesuffix("_zh").removesuffix("_en"))
    if rows is None:
        return None
    return {key: Told(tuple(told["counts"]), tuple(told["money_yuan"])) for key, told in rows.items()}


Stored = dict[str, dict[str, dict[str, list[float]]]]


def _text(stored: Stored) -> str:
    return json.dumps(stored, ensure_ascii=False, sort_keys=True)


def _stored(frame: pd.DataFrame) -> Stored:
    stored: Stored = json.loads(frame.attrs.get(ATTRIBUTE, "{}"))
    return stored
