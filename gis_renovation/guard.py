"""The coordinate guard: whether the layers are where they claim to be.

It never moves anything. It compares places and says what it suspects, so that a person decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj import CRS, Transformer

from gis_renovation.errors import Finding, Text

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

TRUSTED_LAYERS = ("reporting_units", "communities")

# A prefecture is some 100 km across; farther away than this is another city, not a suburb.
MARGIN_M = 50_000.0


def check_places(
    layers: Mapping[str, Any], project_crs: CRS, *, area: tuple[float, float, float, float] | None = None
) -> list[Finding]:
    """Features that lie outside the project's area, layer by layer, with the likely cause.

    ``area`` is left, bottom, right, top in degrees; without it the extent of the reporting units or
    the communities is trusted (the middle 90 % of their features and a margin of 50 km). Layers are
    in ``project_crs``. A layer that is wholly outside may have swapped axes or another city's data:
    the finding says which of these fits. O(features).
    """
    vectors = {name: layer for name, layer in layers.items() if "geometry" in getattr(layer, "columns", ())}
    extent = _area_extent(area, project_crs) if area else _trusted_extent(vectors)
    if extent is None:
        return []
    findings = []
    for name, layer in sorted(vectors.items()):
        centres = _centres(layer)
        known = np.isfinite(centres).all(axis=1)
        outside: NDArray[np.bool_] = known & ~_within(centres, extent)
        if outside.any():
            findings.append(_outside(name, layer, centres, np.asarray(outside), known, extent, project_crs))
    return findings


def _centres(layer: gpd.GeoDataFrame) -> NDArray[np.float64]:
    bounds = shapely.bounds(layer.geometry.to_numpy())
    return np.column_stack([(bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2])


def _within(points: NDArray[np.float64], extent: NDArray[np.float64]) -> NDArray[np.bool_]:
    inside = (points >= extent[:2]) & (points <= extent[2:])
    return np.asarray(inside.all(axis=1))


def _area_extent(area: tuple[float, float, float, float], project_crs: CRS) -> NDArray[np.float64]:
    transformer = Transformer.from_crs("EPSG:4490", project_crs, always_xy=True)
    left, bottom, right, top = transformer.transform_bounds(*area)
    return np.array([left - MARGIN_M, bottom - MARGIN_M, right + MARGIN_M, top + MARGIN_M])


def _trusted_extent(vectors: Mapping[str, Any]) -> NDArray[np.float64] | None:
    for name in TRUSTED_LAYERS:
        if name in vectors:
            centres = _centres(vectors[name])
            centres = centres[np.isfinite(centres).all(axis=1)]
            if len(centres):
                low, high = np.quantile(centres, [0.05, 0.95], axis=0)
                return np.concatenate([low - MARGIN_M, high + MARGIN_M])
    return None


def _outside(
    name: str,
    layer: gpd.GeoDataFrame,
    centres: NDArray[np.float64],
    outside: NDArray[np.bool_],
    known: NDArray[np.bool_],
    extent: NDArray[np.float64],
    project_crs: CRS,
) -> Finding:
    count, total = int(outside.sum()), int(known.sum())
    middle = np.median(centres[outside], axis=0)
    lon, lat = Transformer.from_crs(project_crs, "EPSG:4490", always_xy=True).transform(*middle)
    swapped = _within(middle[::-1][None, :], extent)[0]
    cause = (
        Text(
            "X 与 Y 对调后正好落在项目范围内，坐标轴很可能颠倒。",
            "Swapping X and Y lands in the area: the axes are likely swapped.",
        )
        if swapped
        else Text(
            "可能是别的城市的数据，或坐标系（带号、中央经线）写错。",
            "It may be another city's data, or the CRS (zone, central meridian) may be wrong.",
        )
    )
    where = f"{lon:.3f}°E {lat:.3f}°N" if np.isfinite([lon, lat]).all() else f"{middle[0]:,.0f}, {middle[1]:,.0f}"
    return Finding(
        severity="error",
        code="outside_area",
        layer=name,
        ids=tuple(str(i) for i in layer.index[outside]),
        text=Text(
            f"{total} 个要素中有 {count} 个不在项目范围内（约在 {where}）。{cause.zh}",
            f"{count} of {total} features lie outside the project's area (about {where}). {cause.en}",
        ),
    )
