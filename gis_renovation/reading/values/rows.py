"""The rows of files: how people count them, ids by their place on the ground, and a frame on its key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gis_renovation.errors import FeatureRef, FileRow
from gis_renovation.reading.values.ledgers import SHEET_ROW
from gis_renovation.schemas import LayerSchema

if TYPE_CHECKING:
    import geopandas as gpd


def row_refs(index: Iterable[object]) -> list[FeatureRef]:
    """The rows as people count them: the sheet's own row numbers where the reader kept them, else their place."""
    first = 0 if getattr(index, "name", None) == SHEET_ROW else 1
    rows = (
        label
        if isinstance(label, FileRow)
        else int(label) + first
        if isinstance(label, int | np.integer)
        else str(label)
        for label in index
    )
    return [FeatureRef(rows=(row,)) for row in rows]


def together(parts: Iterable[Mapping[Any, Any]]) -> dict[Any, Any]:
    """What several mappings say, the later one where two say something of one thing."""
    return {key: value for part in parts for key, value in part.items()}


def file_rows(parts: Iterable[tuple[str, pd.Index]]) -> pd.Index:
    """The rows of several files one after the other, each named by its file and as people count there."""
    labels = []
    for name, index in parts:
        first = 0 if index.name == SHEET_ROW else 1
        rows = index.tolist()
        labels += [row if isinstance(row, FileRow) else FileRow(name, int(row) + first) for row in rows]
    return pd.Index(labels, dtype=object)


def has_shapes(rows: object) -> bool:
    """Whether a frame's column called geometry holds shapes; without a look at any of them."""
    return str(getattr(rows, "dtypes", {}).get("geometry", "")) == "geometry"


def number_rows(rows: gpd.GeoDataFrame, prefix: str, *, after: int = 0) -> pd.Series:
    """Ids by position on the ground (left, bottom, right, top, then content), so row order does not matter."""
    import shapely

    if not has_shapes(rows):
        order = np.array(sorted(range(len(rows)), key=_row_text(rows)), dtype=np.int64)
    else:
        bounds = np.nan_to_num(shapely.bounds(rows.geometry.to_numpy()))
        order = np.lexsort(bounds.T[::-1])
        tied = {int(p) for p in np.flatnonzero((np.diff(bounds[order], axis=0) == 0).all(axis=1))}
        for start in sorted(p for p in tied if p - 1 not in tied):
            end = start + 1
            while end < len(order) and (bounds[order[end]] == bounds[order[start]]).all():
                end += 1
            order[start:end] = sorted(order[start:end], key=_row_text(rows))
    width = max(4, len(str(after + len(rows))))
    ids = np.empty(len(rows), dtype=object)
    ids[order] = [f"{prefix}{number:0{width}d}" for number in range(after + 1, after + len(rows) + 1)]
    return pd.Series(ids, index=rows.index, dtype="str")


def _row_text(rows: gpd.GeoDataFrame) -> Callable[[int], tuple[str, ...]]:
    """A sort key of a row's whole content, shape first."""
    shapes = has_shapes(rows)

    def text(position: int) -> tuple[str, ...]:
        row = rows.iloc[position]
        shape = row["geometry"].wkb_hex if shapes and row["geometry"] is not None else ""
        return (shape, *(str(row.iloc[n]) for n, name in enumerate(rows.columns) if not shapes or name != "geometry"))

    return text


def repeated_keys(frame: pd.DataFrame, schema: LayerSchema) -> dict[str, FeatureRef]:
    """The keys that stand in several rows, each with those rows."""
    if schema.key not in frame.columns or frame[schema.key].is_unique:
        return {}
    keys = frame[schema.key]
    rows = frame.index[keys.notna() & keys.duplicated(keep=False)]
    found: dict[str, list[int | str | FileRow]] = {}
    for key, ref in zip(keys.loc[rows], row_refs(rows), strict=True):
        found.setdefault(str(key), []).extend(ref.rows)
    return {key: FeatureRef(key, tuple(own)) for key, own in found.items()}


def on_key(frame: gpd.GeoDataFrame, schema: LayerSchema) -> gpd.GeoDataFrame:
    """The frame on its key, sorted; one with empty or repeated keys stays as it is, for the check to name the rows."""
    if not schema.key:
        return frame.reset_index(drop=True)
    if schema.key not in frame.columns:
        if not len(frame):  # an empty file often has no columns either; that it is empty says it all
            frame.index = pd.Index([], dtype="str", name=schema.key)
        return frame
    keys = frame[schema.key]
    if keys.hasnans or not isinstance(keys.dtype, pd.StringDtype):
        return frame.set_index(schema.key)
    # One sort tells order and repetition together; an index would hash a million keys for each.
    values = pa.array(keys.array)
    order = _sorting_order(values)
    ordered = values.take(pa.array(order))
    if len(ordered) > 1 and pc.any(pc.equal(ordered[1:], ordered[:-1])).as_py():
        return frame.set_index(schema.key)
    frame = frame.drop(columns=schema.key)
    if (order[1:] < order[:-1]).any():
        frame = frame.take(order)
    frame.index = pd.Index(pd.array(ordered, dtype="str"), name=schema.key)
    return frame


def _sorting_order(texts: Any) -> Any:
    """The positions that sort Arrow texts without nulls, equal ones in any order.

    Texts of one length, as ids are, differ in few of their bytes: those make machine words to sort by.
    """
    texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    lengths = pc.unique(pc.binary_length(texts)).to_pylist()
    if len(lengths) != 1 or not lengths[0]:
        return pc.sort_indices(texts).to_numpy()
    starts = np.frombuffer(texts.buffers()[1], dtype="i8" if pa.types.is_large_string(texts.type) else "i4")
    first, size = int(starts[texts.offset]), len(texts) * lengths[0]
    letters = np.frombuffer(texts.buffers()[2], dtype="u1")[first : first + size].reshape(len(texts), -1)
    differ = np.flatnonzero((letters != letters[0]).any(axis=0))
    words = np.zeros((len(texts), 8 * max(1, -(-len(differ) // 8))), dtype="u1")
    words[:, : len(differ)] = letters[:, differ]
    numbers = words.view(">u8").astype("u8")
    return np.argsort(numbers[:, 0]) if numbers.shape[1] == 1 else np.lexsort(numbers.T[::-1])
