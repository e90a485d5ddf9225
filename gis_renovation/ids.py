"""The index of a layer holds its ids: taken as they are, made text, or refused in one sentence.

One rule for every function that takes a layer, and for the columns that name features of another one:

- Ids are text. Whole numbers, as a table read from a file has them, become their digits.
- A default index (0, 1, 2, ...) gives the ids "0", "1", "2", ... of the rows as they stand: enough for a first look
  at a file, and another feature's as soon as the rows are. Where the ids still stand in a column, the index was
  forgotten: the frame is refused, with the call that sets it.
- A missing id and a repeated one are refused.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

import pandas as pd

from gis_renovation.errors import DataError, Finding, by_key
from gis_renovation.schemas import layer_schemas
from gis_renovation.words import Text

Frame = TypeVar("Frame", bound=pd.DataFrame | None)
P = ParamSpec("P")
Result = TypeVar("Result")


def with_ids(frame: Frame, layer: str) -> Frame:
    """The frame on text ids, its rows in their order; the very frame where they are text already.

    ``layer`` names the layer, for the column its ids may still stand in and for the message. Raises DataError for
    ids that are forgotten in that column, missing, or repeated. A layer that is not at hand stays so. O(rows).
    """
    if frame is None:
        return frame
    if frame.index.hasnans:
        raise _unfit("no_ids", layer, "编号为空；每个要素都要有编号。", "Ids are missing; every feature needs one.")
    frame = on_text_ids(frame, layer)
    if not frame.index.is_unique:
        repeated = sorted(set(frame.index[frame.index.duplicated()]))
        text = Text("编号重复；每个要素的编号必须唯一。", "Ids are repeated; every feature needs its own.")
        raise _unfit("duplicate_key", layer, *text, ids=repeated)
    return frame


def on_text_ids(frame: Frame, layer: str) -> Frame:
    """The frame with its ids as text, for who tells missing and repeated ones with other faults, all at once.

    Raises DataError for ids that are forgotten in a column. O(rows).
    """
    schema = layer_schemas().get(layer)
    if frame is None or isinstance(frame.index, pd.MultiIndex) or (schema is not None and not schema.key):
        return frame
    key, index = schema.key if schema else "", frame.index
    if key and key in frame.columns and pd.api.types.is_integer_dtype(index.dtype):
        call = f'{layer}.set_index("{key}")'
        raise _unfit(
            "no_ids",
            layer,
            f"图层 {layer} 的索引只是行号，编号还在列 {key} 中；请先用 {call}。",
            f"The index of {layer} only counts rows, its ids stand in the column {key}: use {call} first.",
        )
    if index.inferred_type in ("string", "empty"):
        return frame
    return frame.set_axis(pd.Index([_text(value) for value in index], dtype=object, name=index.name))


def layers_on_text_ids(function: Callable[P, Result]) -> Callable[P, Result]:
    """The function with every layer it is given on text ids (:func:`on_text_ids`), whatever an index held."""
    signature = inspect.signature(function)

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> Result:
        bound = signature.bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            if isinstance(value, pd.DataFrame) and name in layer_schemas():
                bound.arguments[name] = on_text_ids(value, name)
        return function(*bound.args, **bound.kwargs)

    return called


def sorted_by_id(frame: Frame, layer: str) -> Frame:
    """The frame on text ids in ascending order, so that no result depends on row order. O(rows log rows)."""
    frame = with_ids(frame, layer)
    if frame is None:
        return frame
    return frame if frame.index.is_monotonic_increasing else frame.sort_index()


def ids_in(column: pd.Series) -> pd.Series:
    """A column that names features of another layer, as text ids; unknown stays unknown. O(rows)."""
    if pd.api.types.infer_dtype(column, skipna=True) in ("string", "empty"):
        return column
    named = [_text(value) if known else None for value, known in zip(column, column.notna(), strict=True)]
    return pd.Series(named, index=column.index, name=column.name, dtype="object")


def _text(value: object) -> str:
    """A number without the decimals that a column with gaps gives it."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _unfit(code: str, layer: str, zh: str, en: str, *, ids: Sequence[str] = ()) -> DataError:
    return DataError([Finding(severity="error", code=code, layer=layer, features=by_key(ids), text=Text(zh, en))])
