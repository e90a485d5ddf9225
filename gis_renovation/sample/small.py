"""A part of the synthetic city: a few communities and what lies around them, for trials that should be quick."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from affine import Affine

from gis_renovation.arrays import Floats
from gis_renovation.rasters import Raster
from gis_renovation.schemas import layer_schema

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

# So much of the town around the communities belongs to the part.
AROUND_M = 400.0

# The community in the middle of the part: near it lie the parcels and rooms that were planted.
MIDDLE = "340404-022"

# Layers that a part of the city is told by: they have to be made even where nobody asks for them.
TELLS_THE_PART = ("communities", "project_communities")


def cut_city(city: Mapping[str, Any], communities: int) -> dict[str, Any]:
    """The layers of ``city`` around so many of its communities: those nearest to :data:`MIDDLE`, by their centres.

    Shapes that reach into the window around them stay whole, and so do all reporting units; rasters are cut to
    whole pixels; rows that name what is no longer there go. ``city`` holds at least the layers of
    :data:`TELLS_THE_PART`, and each layer after those that it refers to. O(features).
    """
    kept = _nearest(city["communities"], communities)
    left, bottom, right, top = kept.total_bounds
    window = np.array([left - AROUND_M, bottom - AROUND_M, right + AROUND_M, top + AROUND_M])
    members = city["project_communities"]
    members = members[members["community_id"].isin(kept.index)]
    part: dict[str, Any] = {"communities": kept, "project_communities": members.reset_index(drop=True)}
    for name, layer in city.items():
        if isinstance(layer, Raster):
            part[name] = _cropped(layer, window)
        elif name not in part:
            part[name] = _rows_left(name, layer, window, part)
    return {name: part[name] for name in city}


def _nearest(communities: gpd.GeoDataFrame, count: int) -> gpd.GeoDataFrame:
    centres = shapely.centroid(communities.geometry.to_numpy())
    middle = centres[communities.index.get_loc(MIDDLE)]
    order = np.argsort(shapely.distance(centres, middle), kind="stable")
    return communities.iloc[np.sort(order[:count])]


def _rows_left(name: str, layer: pd.DataFrame, window: Floats, part: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of one layer that lie in the window and name only what is left."""
    rows = np.ones(len(layer), dtype=bool)
    if "geometry" in layer.columns and name != "reporting_units":
        rows &= shapely.intersects(layer.geometry.to_numpy(), shapely.box(*window))
    if name == "projects":
        rows &= layer.index.isin(part["project_communities"]["project_id"])
    if name == "meter_readings":
        rows &= layer["place_id"].isin([*part["parcels"].index, *part["premises"].index]).to_numpy()
    for field in layer_schema(name).fields.values():
        if field.references in part and field.name in layer.columns:
            column = layer[field.name]
            rows &= (column.isna() | column.isin(part[field.references].index)).to_numpy()
    left = layer[rows]
    return left if layer_schema(name).key else left.reset_index(drop=True)


def _cropped(raster: Raster, window: Floats) -> Raster:
    """The pixels of a north-up raster that meet the window."""
    left, bottom, right, top = window
    grid = raster.transform
    columns, rows = ((np.array(ends) - start) / step for ends, start, step in (
        ((left, right), grid.c, grid.a), ((top, bottom), grid.f, grid.e)
    ))  # fmt: skip
    first = max(0, int(np.floor(rows[0]))), max(0, int(np.floor(columns[0])))
    values = raster.values[first[0] : int(np.ceil(rows[1])), first[1] : int(np.ceil(columns[1]))]
    corner = Affine(grid.a, 0.0, grid.c + grid.a * first[1], 0.0, grid.e, grid.f + grid.e * first[0])
    return Raster(values.copy(), corner, raster.crs)
