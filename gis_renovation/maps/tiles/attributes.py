"""Attributes of a layer of tiles: each value once, and for every feature which of them it has."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gis_renovation.arrays import Ints
from gis_renovation.display import explained_missing, layer_style, plain_text
from gis_renovation.maps.encoding import ColumnBlock, encode_column, plain_value, row_id, shown_columns
from gis_renovation.maps.tiles.mvt import encode_value, varints
from gis_renovation.schemas import Field, layer_schemas
from gis_renovation.words import Lang


@dataclass(frozen=True, kw_only=True)
class Column:
    """One attribute of all features: the page's description of it, and codes into its distinct values (-1: none)."""

    described: ColumnBlock
    codes: Ints
    encoded: list[bytes]
    kind: str


def attributes(name: str, frame: gpd.GeoDataFrame, *, lang: Lang) -> list[Column]:
    """The id of every feature, then each column a card shows."""
    style = layer_style(name)
    schema = layer_schemas().get(style.geometry_of or name)
    key = plain_text(frame.index.name or "id")
    columns = [_column(pd.Series([row_id(i) for i in frame.index], name=key), None, lang=lang)]
    for column in shown_columns(frame, schema, lang=lang):
        field = schema.fields.get(column) if schema else None
        columns.append(_column(frame[column], field, lang=lang, missing=explained_missing(frame, field, lang)))
    return columns


def _column(values: pd.Series[Any], field: Field | None, *, lang: Lang, missing: Sequence[str | None] = ()) -> Column:
    described = encode_column(values.iloc[:0], field, lang=lang)
    try:
        codes, distinct = pd.factorize(values)
    except TypeError:  # lists and other cells that cannot be compared: as the text the page would show
        codes, distinct = pd.factorize(values.map(plain_value))
    plain = [plain_value(value) for value in distinct.tolist()]
    codes = codes.astype(np.int64)
    unknown = {at for at, value in enumerate(plain) if value is None}
    if unknown:
        codes[np.isin(codes, list(unknown))] = -1
    told = [None if text is None else "" if text == "—" else text for text in missing]
    meant = list(dict.fromkeys(text for row, text in enumerate(told) if text is not None and codes[row] < 0))
    if meant:
        place = {text: len(plain) + at for at, text in enumerate(meant)}
        plain += meant
        gaps = [row for row in np.flatnonzero(codes < 0).tolist() if told[row] is not None]
        codes[gaps] = [place[str(told[row])] for row in gaps]
    if field is not None and field.columns:
        described["labels"] = {text: field.words(text, lang) for text in plain if isinstance(text, str) and text}
    encoded = [b"" if value is None else encode_value(value) for value in plain]
    types = {type(value) for value in plain if value is not None}
    kind = "Boolean" if types == {bool} else "Number" if types and types <= {int, float} else "String"
    return Column(described=described, codes=codes, encoded=encoded, kind=kind)


def tags_of(table: Sequence[Column], rows: Ints) -> tuple[list[str], list[bytes], list[bytes]]:
    """Keys, values and each feature's pairs of both, of the features of one tile layer."""
    pairs = np.full((len(rows), 2 * len(table)), -1, dtype=np.int64)
    values: list[bytes] = []
    for at, column in enumerate(table):
        codes = column.codes[rows]
        known = codes >= 0
        distinct, place = np.unique(codes[known], return_inverse=True)
        pairs[known, 2 * at] = at
        pairs[known, 2 * at + 1] = place + len(values)
        values += [column.encoded[code] for code in distinct.tolist()]
    filled = pairs >= 0
    data, ends = varints(pairs[filled].astype(np.uint64))
    cuts = ends[np.concatenate([[0], np.cumsum(filled.sum(axis=1))])].tolist()
    keys = [column.described["name"] for column in table]
    return keys, values, [data[a:b] for a, b in itertools.pairwise(cuts)]
