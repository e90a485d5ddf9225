"""Walks from communities to parks: connectors off the network, the way along it, the share of frontage near a park.

The measuring behind :func:`gis_renovation.greenways.access.park_access`; which lines and parks count is decided there.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_renovation.arrays import Floats, Geometries, Ints
from gis_renovation.greenways.rules import ParkGoals, WalkingRules
from gis_renovation.networks import build_network, node_distances

_FAR_M = 1e12  # stands for "out of reach" where infinity would turn differences into NaN
# A connector may touch a barrier this near its ends: banks and the paths on them are drawn to a metre or two.
_BANK_M = 2.0


def park_walks(
    areas: gpd.GeoDataFrame,
    lines: gpd.GeoDataFrame,
    parks: gpd.GeoDataFrame,
    walls: Geometries,
    *,
    goals: ParkGoals,
    walking: WalkingRules,
) -> pd.DataFrame:
    """The nearest park of each area along the network, and which share of its frontage is near one.

    ``areas`` and ``parks`` are polygons sorted by id, ``lines`` what may be walked, ``walls`` shapes no connector
    crosses, all in one CRS in metres.

    Returns a frame on the index of ``areas``: ``network_distance_m`` and ``park_id`` (unknown without a way),
    ``frontage_m``, ``covered_<d>_m_share`` and ``served_share`` (unknown without frontage). O(n log n) for n
    vertices at ``step_m`` spacing.
    """
    connect_m, step_m = walking.connect_m, walking.step_m
    dense = lines.set_geometry(shapely.segmentize(lines.geometry.to_numpy(), step_m), crs=lines.crs)
    nodes, edges = build_network(dense, snap_m=walking.snap_m, stops=_vertices_near(dense, parks, connect_m))
    starts = _park_starts(edges, parks, walls, connect_m)
    rows = _frontage(areas.geometry.to_numpy(), nodes, _drawn_once(edges), walls, walking)
    nearest = starts.sort_values(["node", "metres", "park"]).drop_duplicates("node").set_index("node")
    walked = node_distances(nodes, edges, nearest["metres"])
    goal = walked["start_node"].map(nearest["park"]).to_numpy(dtype=object)
    pieces = _frontage_pieces(_with_ways(rows, walked["distance_m"].to_numpy()), connect_m)
    table = _nearest_walk(_with_ways(rows, walked["distance_m"].to_numpy()), goal, len(areas), connect_m)
    table["frontage_m"] = np.bincount(pieces["area"], pieces["within_m"], minlength=len(areas)).astype("float64")
    known = table["frontage_m"].where(table["frontage_m"] > 0)
    for distance_m in goals.distances_m:
        covered = np.bincount(pieces["area"], _covered(pieces, distance_m), minlength=len(areas))
        table[f"covered_{distance_m:g}_m_share"] = np.minimum(covered / known, 1.0)
    # A park of a smaller radius is put farther off by the difference: then one bound serves parks of every size.
    widest = max((radius for _, radius in goals.service_radii_m), default=0.0)
    handicap = widest - starts["park"].map(_radii(parks, goals.service_radii_m))
    served = node_distances(nodes, edges, (starts["metres"] + handicap).groupby(starts["node"]).min().dropna())
    pieces = _frontage_pieces(_with_ways(rows, served["distance_m"].to_numpy()), connect_m)
    covered = np.bincount(pieces["area"], _covered(pieces, widest), minlength=len(areas))
    table["served_share"] = np.minimum(covered / known, 1.0)
    return table.set_axis(areas.index.rename("community_id"))


def _radii(parks: gpd.GeoDataFrame, service_radii_m: tuple[tuple[float, float], ...]) -> pd.Series[Any]:
    """Service radius of each park by its size; NaN for one too small to count."""
    radius = pd.Series(np.nan, index=parks.index, dtype="float64")
    for least_m2, radius_m in sorted(service_radii_m):
        radius[(parks.area >= least_m2).to_numpy()] = radius_m
    return radius


def _vertices_near(lines: gpd.GeoDataFrame, parks: gpd.GeoDataFrame, connect_m: float) -> gpd.GeoSeries:
    """Vertices of lines from which a park's edge is within ``connect_m``."""
    points: Any = shapely.points(np.unique(shapely.get_coordinates(lines.geometry.to_numpy()), axis=0))
    _, near = shapely.STRtree(points).query(parks.geometry.to_numpy(), predicate="dwithin", distance=connect_m)
    return gpd.GeoSeries(points[np.unique(near)], crs=lines.crs)


def _park_starts(edges: gpd.GeoDataFrame, parks: gpd.GeoDataFrame, walls: Geometries, connect_m: float) -> pd.DataFrame:
    """Nodes from which a park is within ``connect_m``, each with every such park and the metres to its edge."""
    # Measured at the edges' own ends: a node lies in the middle of them and moves when one is added.
    ends = np.concatenate([shapely.get_point(edges.geometry.to_numpy(), k) for k in (0, -1)])
    node = np.concatenate([edges["from_node"], edges["to_node"]])
    shapes = parks.geometry.to_numpy()
    park, end = shapely.STRtree(ends).query(shapes, predicate="dwithin", distance=connect_m)
    free = ~is_blocked(shapes[park], ends[end], walls)
    park, end = park[free], end[free]
    return pd.DataFrame(
        {
            "node": node[end],
            "metres": shapely.distance(shapes[park], ends[end]),
            "park": parks.index.to_numpy(dtype=object)[park],
        }
    )


def is_blocked(shapes: Geometries, points: Geometries, walls: Geometries) -> NDArray[np.bool_]:
    """Whether a wall lies between each shape and its point, but for the last metres at both ends."""
    blocked = np.zeros(len(shapes), dtype=bool)
    if len(walls) == 0 or len(shapes) == 0:
        return blocked
    connectors = shapely.shortest_line(shapes, points)
    metres = shapely.length(connectors)
    long = np.flatnonzero(metres > 2 * _BANK_M)
    ends = shapely.get_coordinates(connectors[long]).reshape(-1, 2, 2)
    cut = (_BANK_M / metres[long])[:, None] * (ends[:, 1] - ends[:, 0])
    inner: Any = shapely.linestrings(np.stack([ends[:, 0] + cut, ends[:, 1] - cut], axis=1))
    # The few walls ask the many connectors: a shape that asks is prepared once.
    _, hit = shapely.STRtree(inner).query(walls, predicate="intersects")
    blocked[long[hit]] = True
    return blocked


def _drawn_once(edges: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The edges without those that run between the same nodes along the very same line as one before."""
    ends = np.sort(edges[["from_node", "to_node"]].to_numpy(dtype=object).astype(str), axis=1)
    line = shapely.to_wkb(shapely.normalize(shapely.force_2d(edges.geometry.to_numpy())))
    again = pd.DataFrame({"one": ends[:, 0], "two": ends[:, 1], "line": line}).duplicated().to_numpy()
    return edges[~again]


def _frontage(
    areas: Geometries,
    nodes: gpd.GeoDataFrame,
    edges: gpd.GeoDataFrame,
    walls: Geometries,
    walking: WalkingRules,
) -> pd.DataFrame:
    """Vertices of the edges near each area: connector to the area, metres to either end of the edge.

    ``run`` numbers the (area, edge) pairs; the vertices of a run stand in order along the edge.
    """
    shapes, connect_m = edges.geometry.to_numpy(), walking.connect_m
    area, edge = shapely.STRtree(shapes).query(areas, predicate="dwithin", distance=connect_m)
    order = np.lexsort((edge, area))
    area, edge = area[order], edge[order]
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    first = np.searchsorted(owner, np.arange(len(shapes) + 1))
    step = np.r_[0.0, np.hypot(*np.diff(xy, axis=0).T)] if len(xy) else np.empty(0)
    along = np.cumsum(step)
    count = np.diff(first)[edge]
    run = np.repeat(np.arange(len(edge)), count)
    vertex = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[edge][run]
    measure = along[vertex] - along[first[edge]][run]
    start, end = (nodes.index.get_indexer(edges[name])[edge] for name in ("from_node", "to_node"))
    length = (along[first[edge + 1] - 1] - along[first[edge]])[run]
    connector = _connectors(areas, area[run], xy[vertex], connect_m + 2 * walking.step_m)
    near = np.flatnonzero(connector <= connect_m)
    blocked = is_blocked(areas[area[run[near]]], np.asarray(shapely.points(xy[vertex[near]]), dtype=object), walls)
    connector[near[blocked]] = _FAR_M
    return pd.DataFrame(
        {
            "run": run,
            "area": area[run],
            "measure_m": measure,
            "rest_m": length - measure,
            "connector_m": connector,
            "start": start[run],
            "end": end[run],
        }
    )


def _with_ways(rows: pd.DataFrame, walked: Floats) -> pd.DataFrame:
    """The vertices with the way on to a park by either end of their edge."""
    walked = np.minimum(walked, _FAR_M)
    return rows.assign(
        by_start_m=walked[rows["start"]] + rows["measure_m"], by_end_m=walked[rows["end"]] + rows["rest_m"]
    )


def _connectors(areas: Geometries, area: Ints, xy: Floats, within_m: float) -> Floats:
    """Straight metres from each place to its area; "far" for places more than ``within_m`` outside its box."""
    left, bottom, right, top = shapely.bounds(areas)[area].T
    x, y = xy.T
    near = (x >= left - within_m) & (x <= right + within_m) & (y >= bottom - within_m) & (y <= top + within_m)
    metres = np.full(len(area), _FAR_M)
    metres[near] = shapely.distance(areas[area[near]], shapely.points(xy[near]))
    return metres


def _nearest_walk(rows: pd.DataFrame, goal: Geometries, count: int, connect_m: float) -> pd.DataFrame:
    """The shortest whole walk of each area and the park it leads to; unknown where there is none."""
    usable = rows[rows["connector_m"] <= connect_m]
    by_start = usable["by_start_m"] <= usable["by_end_m"]
    way = usable["connector_m"] + usable[["by_start_m", "by_end_m"]].min(axis="columns")
    walks = pd.DataFrame(
        {"area": usable["area"], "metres": way, "park": goal[np.where(by_start, usable["start"], usable["end"])]}
    )
    walks = walks[walks["metres"] < _FAR_M].sort_values(["area", "metres", "park"]).drop_duplicates("area")
    walks = walks.set_index("area").reindex(range(count))
    park = walks["park"].astype("object")
    return pd.DataFrame(
        {"network_distance_m": walks["metres"].astype("float64"), "park_id": park.where(park.notna(), None)}
    )


def _frontage_pieces(rows: pd.DataFrame, connect_m: float) -> pd.DataFrame:
    """Stretches between neighbouring vertices of a run that are frontage, with both ends' figures."""
    a, b = rows.iloc[:-1].reset_index(drop=True), rows.iloc[1:].reset_index(drop=True)
    keep = (a["run"] == b["run"]) & (np.minimum(a["connector_m"], b["connector_m"]) <= connect_m)
    a, b = a[keep], b[keep]
    pieces = pd.DataFrame({"area": a["area"].to_numpy(dtype="int64")})
    pieces["length_m"] = (b["measure_m"] - a["measure_m"]).to_numpy()
    for name in ("by_start_m", "by_end_m"):
        pieces[f"{name}_a"] = (a[name] + a["connector_m"]).to_numpy()
        pieces[f"{name}_b"] = (b[name] + b["connector_m"]).to_numpy()
    low, high = _part_below(a["connector_m"].to_numpy(), b["connector_m"].to_numpy(), connect_m)
    pieces["low"], pieces["high"] = low, high
    pieces["within_m"] = np.clip(high - low, 0, 1) * pieces["length_m"]
    return pieces


def _covered(pieces: pd.DataFrame, distance_m: float) -> Floats:
    """Metres of each frontage stretch from which a park is within ``distance_m`` by either end of its edge."""
    low, high = pieces["low"].to_numpy(), pieces["high"].to_numpy()
    low_a, high_a = _part_below(pieces["by_start_m_a"].to_numpy(), pieces["by_start_m_b"].to_numpy(), distance_m)
    low_b, high_b = _part_below(pieces["by_end_m_a"].to_numpy(), pieces["by_end_m_b"].to_numpy(), distance_m)
    low_a, low_b = np.maximum(low_a, low), np.maximum(low_b, low)
    high_a, high_b = np.minimum(high_a, high), np.minimum(high_b, high)
    both = np.clip(np.minimum(high_a, high_b) - np.maximum(low_a, low_b), 0, None)
    union = np.clip(high_a - low_a, 0, None) + np.clip(high_b - low_b, 0, None) - both
    return np.asarray(union * pieces["length_m"], dtype=float)


def _part_below(start: Floats, end: Floats, bound: float) -> tuple[Floats, Floats]:
    """Between which shares of a stretch a straight-line value is at most ``bound``; none: 1 to 0."""
    rise = np.where(start == end, 1.0, end - start)
    at = (bound - start) / rise
    low = np.where(start <= bound, 0.0, np.where(end <= bound, at, 1.0))
    high = np.where(end <= bound, 1.0, np.where(start <= bound, at, 0.0))
    return low, high
