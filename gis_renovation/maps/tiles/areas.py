"""Counts by area, which stand for a layer of tiles while the map is far out; they add up to all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Floats, Geometries, Ints
from gis_renovation.display import StyleClass, layer_style, plain_text
from gis_renovation.maps.encoding import LayerBlock, class_blocks, encode_layer, layer_label
from gis_renovation.words import Lang, Text

# A page writes at most 180 names on the map, and a square without its number would say nothing.
UNITS_LIMIT = 180

SQUARE_SIDES_M = (100, 200, 250, 500, 1_000, 2_000, 2_500, 5_000, 10_000, 20_000, 50_000)

RAMP = ("#eef3ea", "#cfe0cf", "#a3c6b4", "#6fa399", "#3f7780")

TILE_UNITS = "tile_units"


def units_block(
    name: str, frame: gpd.GeoDataFrame, layers: Mapping[str, pd.DataFrame], street_zoom: int, *, lang: Lang
) -> tuple[LayerBlock, tuple[StyleClass, ...]]:
    """How many features there are by unit, as a layer of the page for zooms before the street zoom."""
    counted = count_by_unit(frame, layers.get("reporting_units"))
    classes, position = _density_classes(counted["per_km2"].to_numpy())
    block = encode_layer(TILE_UNITS, counted, {}, lang=lang)
    label = layer_label(name, lang)
    what = Text(f"{label}：按区域汇总", f"{label}: counts by area").in_language(lang)
    counts: LayerBlock = {
        **block,
        "name": f"{plain_text(name)}.units",
        "label": what,
        "cls": position.tolist(),
        **class_blocks(classes, labelled=True, lang=lang),
        "units_of": plain_text(name),
        "end_zoom": street_zoom,
    }
    return counts, classes


def count_by_unit(frame: gpd.GeoDataFrame, units: pd.DataFrame | None) -> gpd.GeoDataFrame:
    """How many features lie in each unit: the finest reporting units given, squares where there are none.

    Every feature is counted once, by its first corner, in the first unit (by id) that holds it; those
    in no unit are counted by squares of a grid. With fewer than three units all are counted by squares.

    Returns
    -------
    GeoDataFrame
        Index ``unit_id``; ``name``, ``feature_count``, ``per_km2`` (features a square kilometre of
        the unit). Units without a feature are there with 0. The counts add up to ``len(frame)``.
    """
    corners, owner = shapely.get_coordinates(frame.geometry.to_numpy(), return_index=True)
    spots = corners[np.flatnonzero(np.diff(owner, prepend=-1))]
    unit_of = np.full(len(spots), -1, dtype=np.int64)
    given = _finest_units(units, frame)
    if given is not None:
        shapes = given.geometry.to_numpy()
        places = np.asarray(shapely.points(spots))
        unit, point = shapely.STRtree(places).query(shapes, predicate="intersects")
        order = np.lexsort((unit, point))
        point, unit = point[order], unit[order]
        first = np.diff(point, prepend=-1) != 0
        unit_of[point[first]] = unit[first]
    parts = []
    if given is not None:
        names = given["name"] if "name" in given.columns else pd.Series(given.index, index=given.index)
        held = np.bincount(unit_of[unit_of >= 0], minlength=len(given))
        parts.append(_unit_rows([str(key) for key in given.index], names.tolist(), held, given.geometry.to_numpy()))
    outside = spots[unit_of < 0]
    if len(outside):
        parts.append(_squares(outside))
    made = gpd.GeoDataFrame(pd.concat(parts), geometry="geometry", crs=frame.crs)
    return made.set_index(pd.Index(made.index, name="unit_id"))


def _finest_units(units: pd.DataFrame | None, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame | None:
    """Street areas, else counties, with shapes in the layer's CRS and by id; None if fewer than three."""
    if not isinstance(units, gpd.GeoDataFrame) or units.active_geometry_name is None or units.crs != frame.crs:
        return None
    found = units[~(units.geometry.isna() | units.geometry.is_empty)]
    if "level" in found.columns and (found["level"] == "subdistrict").any():
        found = found[found["level"] == "subdistrict"]
    return found.sort_index() if len(found) >= 3 else None


def _squares(spots: Floats) -> gpd.GeoDataFrame:
    """Squares of the finest grid that needs no more than the limit to hold every spot."""
    for side in SQUARE_SIDES_M:
        cell = np.floor(spots / side).astype(np.int64)
        # Column and row in one number: sorting rows of two is twenty times slower.
        low = cell.min(axis=0)
        tall = int(cell[:, 1].max() - low[1]) + 1
        number, count = np.unique((cell[:, 0] - low[0]) * tall + cell[:, 1] - low[1], return_counts=True)
        if len(number) <= UNITS_LIMIT:
            break
    found = np.stack([number // tall, number % tall], axis=1) + low
    left, bottom = (found * side).T
    ids = [f"E{x * side}N{y * side}" for x, y in found.tolist()]
    label = f"{side / 1000:g} km" if side >= 1000 else f"{side} m"
    names = [f"{label} × {label}" for _ in ids]
    return _unit_rows(ids, names, count, shapely.box(left, bottom, left + side, bottom + side))


def _unit_rows(ids: Sequence[str], names: Sequence[str], count: Ints, shapes: Geometries) -> gpd.GeoDataFrame:
    area_km2 = shapely.area(shapes) / 1e6
    return gpd.GeoDataFrame(
        {"name": list(names), "feature_count": count, "per_km2": np.round(count / area_km2, 1)},
        index=pd.Index(ids),
        geometry=shapes,
    )


def _density_classes(density: Floats) -> tuple[tuple[StyleClass, ...], Ints]:
    """Up to five classes of about equal numbers of units, with bounds rounded to two digits."""
    some = density[density > 0]
    edges = [float(f"{value:.2g}") for value in np.quantile(some, [0.2, 0.4, 0.6, 0.8])] if len(some) else []
    breaks = sorted({edge for edge in edges if edge > some.min()}) if len(some) else []
    position = np.digitize(density, breaks)
    symbol = layer_style(TILE_UNITS).symbol
    ramp = [RAMP[round(at * (len(RAMP) - 1) / max(len(breaks), 1))] for at in range(len(breaks) + 1)]
    bounds = [None, *breaks, None]
    classes = tuple(
        StyleClass(
            code="",
            label=_density_label(bounds[at], bounds[at + 1]),
            symbol=symbol.model_copy(update={"fill": fill}),
            count=int((position == at).sum()),
        )
        for at, fill in enumerate(ramp)
    )
    return classes, position.astype(np.int64)


def _density_label(lower: float | None, upper: float | None) -> Text:
    if lower is None and upper is None:
        return Text("每平方公里个数", "number per km²")
    if lower is None:
        return Text(f"每平方公里不足 {upper:,g} 个", f"under {upper:,g} per km²")
    if upper is None:
        return Text(f"每平方公里 {lower:,g} 个及以上", f"{lower:,g} per km² and more")
    return Text(f"每平方公里 {lower:,g} 至不足 {upper:,g} 个", f"{lower:,g} to under {upper:,g} per km²")
