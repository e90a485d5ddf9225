"""Drawings, whose meaning stands in layer names and in texts beside the lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Geometries
from gis_renovation.errors import ConfigError
from gis_renovation.reading.values.cells import to_text

if TYPE_CHECKING:
    import geopandas as gpd

# Columns that the driver gives a drawing.
TEXT, LAYER = "Text", "Layer"


@dataclass(frozen=True)
class Beside:
    """The text of each row, rows with several different texts by position, and texts that no row is near."""

    texts: pd.Series
    several: tuple[tuple[int, tuple[str, ...]], ...]
    unplaced: tuple[str, ...]


def texts_beside(
    rows: gpd.GeoDataFrame, drawing: gpd.GeoDataFrame, *, within_m: float, layers: Sequence[str] = ()
) -> Beside:
    """The texts of ``drawing`` given to the nearest of ``rows`` (lines, areas or points), within ``within_m`` metres.

    A text belongs to the one feature nearest to it, of equally near ones to the first by position in the file; a
    feature near several equal texts has that text. ``layers`` limits the texts to those drawing layers. Raises
    ConfigError for a file without texts or in degrees. O(n log n).
    """
    _require(drawing, layers)
    written = to_text(drawing[TEXT])
    meant = written.notna() & (drawing.geom_type == "Point") & ~drawing.index.isin(rows.index)
    if layers:
        meant &= to_text(drawing[LAYER]).isin(list(layers))
    texts, places = written[meant].tolist(), drawing.geometry[meant].to_numpy()
    found: dict[int, list[str]] = {}
    near, rest = _nearest(shapely.STRtree(rows.geometry.to_numpy()), places, within_m)
    for text, row in near:
        found.setdefault(row, []).append(texts[text])
    out = np.full(len(rows), None, dtype=object)
    several = []
    for row, own in sorted(found.items()):
        if len(set(own)) == 1:
            out[row] = own[0]
        else:
            several.append((row, tuple(sorted(set(own)))))
    return Beside(pd.Series(out, index=rows.index, dtype="str"), tuple(several), tuple(texts[n] for n in rest))


def _nearest(tree: shapely.STRtree, places: Geometries, within_m: float) -> tuple[list[tuple[int, int]], list[int]]:
    """Text and row of each text that has one near, and the texts that have none."""
    pairs = tree.query_nearest(places, max_distance=within_m, all_matches=True)
    first: dict[int, int] = {}
    for text, row in sorted(zip(*(side.tolist() for side in pairs), strict=True)):
        first.setdefault(text, row)
    return sorted(first.items()), [n for n in range(len(places)) if n not in first]


def _require(drawing: gpd.GeoDataFrame, layers: Sequence[str]) -> None:
    needed = [TEXT, *([LAYER] if layers else [])]
    missing = [name for name in needed if name not in drawing.columns]
    if missing or "geometry" not in drawing:
        listed = "、".join(missing) or "geometry"
        raise ConfigError(
            f"来源卡的 text_within_m 只用于有文字的图（DXF）：文件中没有 {listed}。",
            f"text_within_m is for drawings with texts (DXF): the file has no {listed}.",
        )
    if drawing.crs is not None and drawing.crs.is_geographic:
        raise ConfigError(
            "来源卡的 text_within_m 以米计，文件却是经纬度；请先转为投影坐标系。",
            "text_within_m is in metres, but the file is in degrees; project it first.",
        )
