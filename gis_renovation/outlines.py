"""Areas fit to measure: what frames made by hand may hold that no file of a project gets past the reader with."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import shapely

from gis_renovation.arrays import Flags
from gis_renovation.errors import DataError, Finding, by_key
from gis_renovation.words import Text

AREAS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)


def require_areas(**layers: gpd.GeoDataFrame | None) -> None:
    """Refuse layers with shapes that have no area to measure: missing, empty, no area at all, or crossing themselves.

    Each kind of fault is one sentence with the ids and the line that mends it. Layers given as ``None`` are passed
    over. Raises DataError. O(vertices).
    """
    findings = [found for name, layer in layers.items() if layer is not None for found in _faults(name, layer)]
    if findings:
        raise DataError(findings)


def _faults(name: str, layer: gpd.GeoDataFrame) -> Iterator[Finding]:
    shapes = np.asarray(layer.geometry.to_numpy(), dtype=object)
    nothing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    other = ~nothing & ~np.isin(shapely.get_type_id(shapes), AREAS)
    crossing = ~nothing & ~other & ~shapely.is_valid(shapes)
    line = f"{name} = {name}[~({name}.geometry.isna() | {name}.is_empty)]"
    mend = f"{name}.geometry = {name}.make_valid()"
    told = (
        (
            "missing_geometry",
            nothing,
            f"图形缺失或为空，无法量算；请补上图形，或先去掉这些行：{line}。",
            f"Shapes are missing or empty, nothing can be measured: add them, or leave these rows out: {line}.",
        ),
        (
            "wrong_geometry",
            other,
            "这些图形不是面，无法量算面积；请改用面状图形。",
            "These shapes are no areas, so they have none to measure: give polygons.",
        ),
        (
            "invalid_geometry",
            crossing,
            f"图形自相交，面积不可信；请在来源处改正，或先修复并核对面积：{mend}。",
            f"Shapes cross themselves, so no area can be trusted: mend the source, or repair and check them: {mend}.",
        ),
    )
    for code, which, zh, en in told:
        if which.any():
            yield _finding(name, code, Text(zh, en), layer, which)


def _finding(name: str, code: str, text: Text, layer: gpd.GeoDataFrame, which: Flags) -> Finding:
    ids = [str(key) for key in layer.index[which]]
    return Finding(severity="error", code=code, layer=name, text=text, features=by_key(ids))
