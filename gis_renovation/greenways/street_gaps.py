"""Gaps along streets: ways that only streets without a walkway make, between two places of the slow network."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from gis_renovation.arrays import Floats, Ints
from gis_renovation.greenways.detours import EQUAL_M, GapLimits, ends_of, part_of
from gis_renovation.networks import edge_graph, reach_tiles


class _Graphs(NamedTuple):
    """The same nodes joined by everything drawn, by the slow network, and by streets alone from copies of contacts."""

    everything: csr_matrix
    slow: csr_matrix
    streets: csr_matrix


def street_gaps(nodes: gpd.GeoDataFrame, edges: gpd.GeoDataFrame, limits: GapLimits) -> pd.DataFrame:
    """Ways along streets alone between contacts of path and street, with the detour on paths."""
    count, xy = len(nodes), shapely.get_coordinates(nodes.geometry.to_numpy())
    slow, grey = edges[edges["slow"]], edges[~edges["slow"]]
    contact = np.intersect1d(ends_of(slow), ends_of(grey))
    # Contacts may be left and entered but not passed: their way out starts from a copy of theirs.
    copy_of = np.arange(count)
    copy_of[contact] = count + np.arange(len(contact))
    streets = _one_way_graph(grey, copy_of, count + len(contact))
    graphs = _Graphs(edge_graph(edges, count), edge_graph(slow, count), streets)
    found: list[tuple[int, int, list[int]]] = []
    for block, inside in reach_tiles(xy, contact, limits.min_detour_ratio * limits.limit_m):
        found += _gaps_in_tile(graphs, contact, block, inside, limits)
    ways = pd.DataFrame(found, columns=["start", "end", "way"]).astype({"start": "int64", "end": "int64"})
    return _along_edges(ways, grey, graphs.slow, xy)


def _gaps_in_tile(
    graphs: _Graphs, contact: Ints, block: Ints, inside: Ints, limits: GapLimits
) -> list[tuple[int, int, list[int]]]:
    """Start, end and way of the gaps from the contacts of ``block``, searched among the nodes ``inside``."""
    limit_m = limits.limit_m
    at = np.flatnonzero(np.isin(contact, inside))
    goal = np.searchsorted(inside, contact[at])
    start = np.searchsorted(inside, block)
    leave = len(inside) + np.searchsorted(contact[at], block)
    by_any = dijkstra(part_of(graphs.everything, inside), indices=start, limit=limit_m)[:, goal]
    streets = part_of(graphs.streets, np.r_[inside, graphs.everything.shape[0] + at])
    by_street, before = dijkstra(streets, indices=leave, limit=limit_m, return_predecessors=True)
    length = by_street[:, goal]
    # No longer than the shortest way at all, so a shortest way: then it is one along streets alone.
    row, column = np.nonzero(np.isfinite(length) & (length <= by_any + EQUAL_M) & (block[:, None] < contact[at]))
    length = length[row, column]
    slow_limit_m = limits.min_detour_ratio * limit_m
    by_slow = dijkstra(part_of(graphs.slow, inside), indices=start, limit=slow_limit_m)[row, goal[column]]
    gap = (by_slow >= limits.min_detour_ratio * length - EQUAL_M) & (length > EQUAL_M)
    original = np.r_[inside, contact[at]]
    return [
        (int(block[r]), int(contact[at[c]]), original[_way_back(before[r], int(goal[c]))].tolist())
        for r, c in zip(row[gap], column[gap], strict=True)
    ]


def _one_way_graph(edges: gpd.GeoDataFrame, copy_of: Ints, count: int) -> csr_matrix:
    """Edges both ways, leaving from the copies."""
    there = edges.assign(**{"from": copy_of[edges["from"]]})
    back = edges.assign(**{"from": copy_of[edges["to"]], "to": edges["from"]})
    return edge_graph(pd.concat([there, back]), count, directed=True)


def _way_back(before: Ints, end: int) -> Ints:
    """The nodes of one shortest way, from its start to ``end``."""
    way = [end]
    while before[way[-1]] >= 0:
        way.append(int(before[way[-1]]))
    return np.array(way[::-1])


def _along_edges(ways: pd.DataFrame, grey: gpd.GeoDataFrame, on_slow: csr_matrix, xy: Floats) -> pd.DataFrame:
    """Each way with its course, length, streets, and the distance between its ends on paths."""
    shortest: dict[tuple[int, int], int] = {}
    order = np.argsort(-grey["length_m"].to_numpy(), kind="stable")  # the shortest of parallel streets is put last
    for row, a, b in zip(order.tolist(), grey["from"].to_numpy()[order], grey["to"].to_numpy()[order], strict=True):
        shortest[a, b] = shortest[b, a] = row
    shapes, line_ids = grey.geometry.to_numpy(), grey["line_id"].to_numpy(dtype=object)
    courses, streets = [], []
    for way in ways["way"]:
        rows = [shortest[step] for step in itertools.pairwise(way)]
        courses.append(shapely.line_merge(shapely.multilinestrings(list(shapes[rows]))))
        streets.append("、".join(sorted({str(line_ids[row]).removeprefix("street/") for row in rows})))
    ways["geometry"] = np.array(courses, dtype=object) if courses else np.empty(0, dtype=object)
    ways["street_ids"] = pd.Series(streets, index=ways.index, dtype="object")
    ways["length_m"] = shapely.length(ways["geometry"].to_numpy(dtype=object))
    metres = np.full(len(ways), np.inf)
    start, end = ways["start"].to_numpy(dtype="int64"), ways["end"].to_numpy(dtype="int64")
    for block, _ in reach_tiles(xy, np.unique(start), np.inf):
        mine = np.flatnonzero(np.isin(start, block))
        table = dijkstra(on_slow, indices=block)
        metres[mine] = table[np.searchsorted(block, start[mine]), end[mine]]
    ways["slow_distance_m"] = np.where(np.isfinite(metres), metres, np.nan)
    return ways.assign(kind="street").drop(columns="way")
