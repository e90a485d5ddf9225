"""Missing links of the slow network: dead ends near a path that no drawn way leads to."""

from __future__ import annotations

import heapq
import itertools
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from gis_renovation.arrays import Floats
from gis_renovation.greenways.detours import EQUAL_M, GapLimits, ends_of, part_of
from gis_renovation.networks import edge_graph, reach_tiles


def missing_links(
    nodes: gpd.GeoDataFrame, edges: gpd.GeoDataFrame, limits: GapLimits, *, snap_m: float
) -> pd.DataFrame:
    """From each dead end of the paths to the nearest path that is near in a straight line but not by any way."""
    slow = edges[edges["slow"]].reset_index(drop=True)
    count = len(nodes)
    of_path = slow["line_id"].astype(str).str.startswith("path/")
    degree = np.bincount(slow[["from", "to"]].to_numpy("int64").ravel(), minlength=count)
    dead_end = np.intersect1d(np.flatnonzero(degree == 1), ends_of(slow[of_path]))
    points, shapes = nodes.geometry.to_numpy()[dead_end], slow.geometry.to_numpy()
    end, edge = shapely.STRtree(shapes).query(points, predicate="dwithin", distance=limits.missing_m)
    pairs = pd.DataFrame({"node": dead_end[end], "edge": edge, "line": slow["line_id"].to_numpy(dtype=object)[edge]})
    pairs["from"], pairs["to"] = slow["from"].to_numpy()[edge], slow["to"].to_numpy()[edge]
    pairs["straight_m"] = shapely.distance(points[end], shapes[edge])
    pairs["measure_m"] = shapely.line_locate_point(shapes[edge], points[end])
    pairs["rest_m"] = slow["length_m"].to_numpy()[edge] - pairs["measure_m"]
    pairs = pairs[pairs["straight_m"] > max(snap_m, EQUAL_M)].reset_index(drop=True)
    xy = shapely.get_coordinates(nodes.geometry.to_numpy())
    by_any = _ways_to_edges(pairs, edge_graph(edges, count), xy, limits.min_detour_ratio * limits.missing_m)
    pairs = pairs[by_any >= limits.min_detour_ratio * pairs["straight_m"] - EQUAL_M]
    pairs = pairs.sort_values(["node", "straight_m", "line"]).drop_duplicates("node")
    pairs = pairs.sort_values(["straight_m", "node"]).reset_index(drop=True)
    place = shapely.line_interpolate_point(shapes[pairs["edge"]], pairs["measure_m"].to_numpy())
    keep = _worth_building(pairs, edges, np.r_[xy, shapely.get_coordinates(place)], limits)
    pairs, place = pairs[keep], place[keep]
    by_slow = _ways_to_edges(pairs, edge_graph(slow, count), xy, np.inf)
    # Aimed at another line's end, a link ends in that node; otherwise in the middle of a line.
    near_end = pairs[["measure_m", "rest_m"]].min(axis="columns") <= max(snap_m, EQUAL_M)
    at_end = pairs["from"].where(pairs["measure_m"] <= pairs["rest_m"], pairs["to"])
    return pd.DataFrame(
        {
            "start": pairs["node"],
            "end": at_end.where(near_end, -1),
            "line": pairs["line"],
            "geometry": _straight(nodes.geometry.to_numpy()[pairs["node"]], place),
            "length_m": pairs["straight_m"],
            "slow_distance_m": np.where(np.isfinite(by_slow), by_slow, np.nan),
            "kind": "missing",
            "street_ids": None,
        }
    )


def _worth_building(pairs: pd.DataFrame, edges: gpd.GeoDataFrame, xy: Floats, limits: GapLimits) -> NDArray[np.bool_]:
    """Which links, the shortest first, still save their detour once the shorter ones are built.

    Without this each far end of a broken path would ask for a link of its own over the same gap.
    ``pairs`` come shortest first; ``xy`` are the nodes and then the places the links aim at.
    """
    near = _ways_between_ends(pairs, edges, xy, limits.min_detour_ratio * limits.missing_m)
    built: dict[int, list[tuple[int, float]]] = {}
    keep = np.zeros(len(pairs), dtype=bool)
    for k, metres in enumerate(pairs["straight_m"].to_numpy()):
        bound = limits.min_detour_ratio * metres - EQUAL_M
        start, goal = k, len(pairs) + k
        if _way_with_links(near, built, start, goal, bound) < bound:
            continue
        keep[k] = True
        built.setdefault(start, []).append((goal, metres))
        built.setdefault(goal, []).append((start, metres))
    return keep


def _ways_between_ends(
    pairs: pd.DataFrame, edges: gpd.GeoDataFrame, xy: Floats, limit_m: float
) -> list[list[tuple[int, float]]]:
    """Ways along all drawn lines between the links' two kinds of end: dead ends (first), places aimed at (then)."""
    size = len(pairs)
    place = np.arange(len(xy) - size, len(xy))
    spots = pd.DataFrame({"place": place, "edge": pairs["edge"], "measure_m": pairs["measure_m"]})
    spots = spots.sort_values(["edge", "measure_m", "place"])
    follows = spots["edge"].eq(spots["edge"].shift(-1)).to_numpy()
    along = spots["measure_m"].shift(-1) - spots["measure_m"]
    joints = [
        pd.DataFrame(edges[["from", "to", "length_m"]]),
        pd.DataFrame({"from": place, "to": pairs["from"], "length_m": pairs["measure_m"]}),
        pd.DataFrame({"from": place, "to": pairs["to"], "length_m": pairs["rest_m"]}),
        pd.DataFrame({"from": spots["place"], "to": spots["place"].shift(-1), "length_m": along})[follows],
    ]
    by_x = np.lexsort((xy[:, 1], xy[:, 0]))  # tiles want positions in order of x
    graph = part_of(edge_graph(pd.concat(joints), len(xy)), by_x)
    rank = np.empty(len(xy), dtype="int64")
    rank[by_x] = np.arange(len(xy))
    ends = rank[np.r_[pairs["node"].to_numpy(dtype="int64"), place]]
    end_at: dict[int, list[int]] = {}
    for k, at in enumerate(ends.tolist()):
        end_at.setdefault(at, []).append(k)  # a node may be the end of several links
    is_end = np.zeros(len(xy), dtype=bool)
    is_end[ends] = True
    ways: list[list[tuple[int, float]]] = [[] for _ in range(len(ends))]
    for block, inside in reach_tiles(xy[by_x], np.flatnonzero(is_end), limit_m):
        table = dijkstra(part_of(graph, inside), indices=np.searchsorted(inside, block), limit=limit_m)
        goals = inside[is_end[inside]]
        for start, row in zip(block.tolist(), table[:, np.searchsorted(inside, goals)], strict=True):
            reached = np.isfinite(row)
            found = zip(goals[reached].tolist(), row[reached].tolist(), strict=True)
            near = [(k, metres) for goal, metres in found for k in end_at[goal]]
            for k in end_at[start]:
                ways[k] = near
    return ways


def _way_with_links(
    near: list[list[tuple[int, float]]], built: dict[int, list[tuple[int, float]]], start: int, goal: int, bound: float
) -> float:
    """Metres from one end to another by drawn lines and the links built so far; infinite from ``bound`` on."""
    queue, done = [(0.0, start)], set[int]()
    while queue:
        metres, end = heapq.heappop(queue)
        if end == goal or metres >= bound:
            return metres if end == goal else np.inf
        if end in done:
            continue
        done.add(end)
        for neighbour, more in itertools.chain(near[end], built.get(end, ())):
            if neighbour not in done and metres + more < bound:
                heapq.heappush(queue, (metres + more, neighbour))
    return np.inf


def _ways_to_edges(pairs: pd.DataFrame, graph: csr_matrix, xy: Floats, limit_m: float) -> Floats:
    """Metres along a graph from each pair's node to its place on its edge, by either end; infinite beyond the limit."""
    node, metres = pairs["node"].to_numpy(dtype="int64"), np.full(len(pairs), np.inf)
    for block, inside in reach_tiles(xy, np.unique(node), limit_m):
        table = dijkstra(part_of(graph, inside), indices=np.searchsorted(inside, block), limit=limit_m)
        table = np.c_[table, np.full(len(block), np.inf)]  # the last column: ends beyond reach
        local = np.full(len(xy), -1)
        local[inside] = np.arange(len(inside))
        mine = np.flatnonzero(np.isin(node, block))
        row = np.searchsorted(block, node[mine])
        by_from = table[row, local[pairs["from"].to_numpy()[mine]]] + pairs["measure_m"].to_numpy()[mine]
        by_to = table[row, local[pairs["to"].to_numpy()[mine]]] + pairs["rest_m"].to_numpy()[mine]
        metres[mine] = np.minimum(by_from, by_to)
    return metres


def _straight(start: NDArray[Any], end: NDArray[Any]) -> NDArray[Any]:
    xy = np.stack([shapely.get_coordinates(start), shapely.get_coordinates(end)], axis=1)
    return np.asarray(shapely.linestrings(xy), dtype=object)
