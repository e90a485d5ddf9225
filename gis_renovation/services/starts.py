"""Where walks start: a community's known gates, else where its outline meets what may be walked."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Geometries, Ints
from gis_renovation.unknowns import known_no, optional_column


class Starts(NamedTuple):
    """Points where walks start, the position of the area each belongs to, and which areas have known gates."""

    points: Geometries
    area: Ints
    has_gates: pd.Series[bool]


def starts_of(
    areas: gpd.GeoDataFrame, gates: gpd.GeoDataFrame | None, lines: gpd.GeoDataFrame, connect_m: float
) -> Starts:
    """The gates of each area that are not known to be closed; of an area without a known gate, its frontage.

    The frontage is every place where a line crosses the outline, and the place of the outline nearest to each line
    that passes within ``connect_m`` outside. O((n + m) log m) and the pairs.
    """
    points, owner = np.empty(0, dtype=object), np.empty(0, dtype="int64")
    if gates is not None and len(gates):
        used = gates[~known_no(gates, "open")]
        at = areas.index.get_indexer(optional_column(used, "community_id"))
        points, owner = used.geometry.to_numpy()[at >= 0], at[at >= 0]
    has = np.isin(np.arange(len(areas)), owner)
    bare = np.flatnonzero(~has)
    front, of = _frontage(areas.geometry.to_numpy()[bare], lines.geometry.to_numpy(), connect_m)
    return Starts(np.concatenate([points, front]), np.concatenate([owner, bare[of]]), pd.Series(has, index=areas.index))


def _frontage(areas: Geometries, lines: Geometries, connect_m: float) -> tuple[Geometries, Ints]:
    """Places of each outline where lines cross it or pass nearest, with the position of the area."""
    area, line = shapely.STRtree(lines).query(areas, predicate="dwithin", distance=connect_m)
    rims = shapely.boundary(areas)
    crosses = shapely.intersects(rims[area], lines[line])
    met = shapely.intersection(rims[area[crosses]], lines[line[crosses]])
    xy, of = shapely.get_coordinates(met, return_index=True)
    outside = ~crosses & ~shapely.intersects(areas[area], lines[line])
    nearest = shapely.shortest_line(areas[area[outside]], lines[line[outside]])
    xy = np.concatenate([xy, shapely.get_coordinates(shapely.get_point(nearest, 0))])
    of = np.concatenate([area[crosses][of], area[outside]])
    table = pd.DataFrame({"area": of, "x": xy[:, 0], "y": xy[:, 1]}).drop_duplicates().sort_values(["area", "x", "y"])
    return np.asarray(shapely.points(table[["x", "y"]].to_numpy()), dtype=object), table["area"].to_numpy("int64")
