"""Frames that keep what a file's driver hands over: whole numbers beside empty cells, times with their offset.

Pandas turns a column of whole numbers with one empty cell into floats, which hold 53 bits: an id of 18 digits becomes
another. It also brings times of several offsets to one zone, so that the day of some is another. Both are kept
here until the schema's field says what the column is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gis_renovation.arrays import Flags
from gis_renovation.local import as_local

if TYPE_CHECKING:
    import geopandas as gpd

# Up to here floats hold every whole number.
EXACT = 2**53

# As many digits as a float keeps of any decimal number.
_DIGITS = 15


def frame_of(table: Any) -> pd.DataFrame:
    """An Arrow table as a frame; whole numbers of 64 bits may be missing and stay whole numbers.

    Whole numbers beyond 64 bits and decimals beyond 15 digits become their digits as text, JSON its text. The
    table's memory is given up. O(cells), without a look at single ones.
    """
    for place, field in enumerate(table.schema):
        column = table.column(place)
        plain = _plain(column)
        if plain is not column:
            table = table.set_column(place, field.name, plain)
    mapper = {pa.int64(): pd.Int64Dtype()}.get
    frame: pd.DataFrame = table.to_pandas(types_mapper=mapper, deduplicate_objects=False, self_destruct=True)
    return frame


def text_made_whole(batch: Any) -> tuple[Any, Flags]:
    """An Arrow batch whose text is all UTF-8, and which of its rows held bytes that are none: they show as “�”.

    Raises ArrowInvalid for a batch whose parts contradict each other. One pass over the text, some GB a second.
    """
    bad = np.zeros(batch.num_rows, dtype=bool)
    for place, field in enumerate(batch.schema):
        column = batch.column(place)
        if not (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
            continue
        held = column.view(pa.large_binary() if pa.types.is_large_string(field.type) else pa.binary())
        held.validate(full=True)  # lengths that fit the bytes, before anything looks into them
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            raw = held.to_pylist()
            texts = [None if cell is None else cell.decode("utf-8", "replace") for cell in raw]
            bad |= [cell is not None and cell != (text or "").encode() for cell, text in zip(raw, texts, strict=True)]
            batch = batch.set_column(place, field, pa.array(texts, field.type))
    return batch, bad


def _plain(column: Any) -> Any:
    """A column in a type that a frame holds without loss."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type))
    if pa.types.is_uint64(kind) or (pa.types.is_decimal(kind) and kind.scale <= 0):
        largest = pc.max(pc.abs(column) if pa.types.is_decimal(kind) else column).as_py()
        return column.cast(pa.int64() if (largest or 0) < 2**63 else pa.large_string())
    if pa.types.is_decimal(kind):
        return column.cast(pa.float64() if kind.precision <= _DIGITS else pa.large_string())
    return column


def rows_of(path: Path, layer: str, **options: Any) -> gpd.GeoDataFrame | pd.DataFrame:
    """``pyogrio.read_dataframe`` row by row, for what Arrow cannot hand over, as exact as :func:`frame_of`.

    The driver gives whole numbers beside empty cells as floats; those beyond 2**53 are read again without the empty
    ones. Raises what pyogrio raises.
    """
    import pyogrio

    options |= {"layer": layer, "use_arrow": False, "datetime_as_string": True}
    frame = pyogrio.read_dataframe(as_local(path), fid_as_index=True, **options)
    info = pyogrio.read_info(as_local(path), layer=layer, **{k: v for k, v in options.items() if k == "encoding"})
    whole = [str(name) for name, kind in zip(info["fields"], info["dtypes"], strict=True) if kind == "int64"]
    for name in whole:
        if name in frame.columns and frame[name].dtype == np.float64:
            frame[name] = _read_again(frame[name], path, name, options)
    return frame.reset_index(drop=True)


def _read_again(column: pd.Series, path: Path, name: str, options: dict[str, Any]) -> pd.Series:
    import pyogrio

    known = column.dropna()
    exact = known
    if len(known) and known.abs().max() >= EXACT:
        asked = {**options, "columns": [name], "read_geometry": False, "fids": known.index.to_numpy()}
        exact = pyogrio.read_dataframe(as_local(path), fid_as_index=True, **asked)[name]
    return exact.astype("Int64").reindex(column.index) if column.index.is_unique else column


def stacked(parts: Sequence[pd.DataFrame]) -> Any:
    """Several files' rows under each other; columns of different types keep each value as its file has it."""
    if len(parts) == 1:
        return parts[0]
    kinds: dict[str, set[str]] = {}
    for part in parts:
        for name, kind in part.dtypes.items():
            kinds.setdefault(str(name), set()).add(str(kind))
    mixed = {name for name, found in kinds.items() if len(found) > 1 and "geometry" not in found}
    same = [part.astype({name: object for name in part.columns if name in mixed}) for part in parts]
    return pd.concat(same, ignore_index=True)


# What a spreadsheet shows for a number of more than eleven digits, and saves so as text.
_SCIENTIFIC = re.compile(r"[+-]?\d(?:\.\d*)?[eE]\+(?:1[1-9]|[2-9]\d)")


def digits_lost(frame: pd.DataFrame, *, spreadsheet: bool) -> dict[str, Flags]:
    """By column, which cells hold whole numbers whose last digits cannot be trusted.

    Floats of drivers keep whole numbers up to 2**53, spreadsheets 15 digits; text in scientific notation shows a
    few. Columns without any are left out. O(cells), without a look at single ones where no column has such a cell.
    """
    limit = 10.0**_DIGITS if spreadsheet else float(EXACT)
    found = {}
    for number, name in enumerate(map(str, frame.columns)):
        column = frame.iloc[:, number]
        if column.dtype == np.float64:
            rows = np.abs(column.to_numpy()) >= limit
        elif isinstance(column.dtype, pd.StringDtype):
            rows = _scientific(pa.array(column.array, from_pandas=True))
        elif column.dtype == object:
            rows = np.array([_is_lost(value, limit) for value in column], dtype=bool)
        else:
            continue
        if rows.any():
            found[name] = rows
    return found


def _scientific(texts: Any) -> Flags:
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    buffers = [bytes(b) for c in chunks if (b := c.buffers()[2]) is not None]
    if not any(b"e+" in buffer or b"E+" in buffer for buffer in buffers):
        return np.zeros(0, dtype=bool)
    return np.array([_is_lost(text.strip() if text else text, 0) for text in texts.to_pylist()], dtype=bool)


def _is_lost(value: object, limit: float) -> bool:
    if isinstance(value, str):
        return _SCIENTIFIC.fullmatch(value) is not None
    return isinstance(value, float) and abs(value) >= limit
