"""How places off the network join it, and walks between such places.

A place joins at the nearest point of an edge, not at a node: the straight connector is walked, then the rest of
the edge either way. No place is a thoroughfare.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from gis_renovation.arrays import Floats, Geometries, Ints
from gis_renovation.greenways import is_blocked
from gis_renovation.networks import edge_graph, reach_tiles

JOINED, TOO_FAR, BLOCKED, NO_NETWORK = "joined", "too_far", "blocked", "no_network"


def join_places(places: Geometries, edges: gpd.GeoDataFrame, walls: Geometries, cap_m: float) -> pd.DataFrame:
    """Where each place joins the network.

    ``places`` are points, ``edges`` as :func:`gis_renovation.networks.build_network` returns them, ``walls`` shapes
    that no connector crosses, all in one CRS in metres.

    Returns a frame by position of the place: ``state`` (joined, too_far, blocked, no_network), ``edge`` (position of
    the edge, -1 where not joined), ``connector_m`` (of the joined way; else to the nearest edge; NaN without
    edges), ``along_m`` (from the start of the edge). Of equally near edges the first by id is taken.
    O((n + m) log m) and the pairs within ``cap_m``.
    """
    count = len(places)
    table = pd.DataFrame({"state": NO_NETWORK, "edge": np.full(count, -1), "connector_m": np.nan, "along_m": np.nan})
    if len(edges) == 0 or count == 0:
        return table
    shapes = edges.geometry.to_numpy()
    tree = shapely.STRtree(shapes)
    (place, _), metres = tree.query_nearest(places, return_distance=True)
    table.loc[place, "connector_m"] = metres
    place, edge = tree.query(places, predicate="dwithin", distance=cap_m)
    table["state"] = TOO_FAR
    table.loc[np.unique(place), "state"] = BLOCKED
    metres = shapely.distance(places[place], shapes[edge])
    order = np.lexsort((edge, metres, place))
    place, edge, metres = _first_free(place[order], edge[order], metres[order], (places, shapes, walls))
    table.loc[place, "state"] = JOINED
    table.loc[place, "edge"] = edge
    table.loc[place, "connector_m"] = metres
    table.loc[place, "along_m"] = shapely.line_locate_point(shapes[edge], places[place])
    return table


def _first_free(
    place: Ints, edge: Ints, metres: Floats, shapes: tuple[Geometries, Geometries, Geometries]
) -> tuple[Ints, Ints, Floats]:
    """The first pair of each place, in the order given, before which no wall lies; places without one are left out."""
    places, edges, walls = shapes
    free = np.zeros(len(place), dtype=bool)
    rest = np.arange(len(place))
    while len(rest):
        first = rest[np.unique(place[rest], return_index=True)[1]]
        free[first] = ~is_blocked(places[place[first]], edges[edge[first]], walls)
        rest = np.setdiff1d(rest, first)
        rest = rest[~np.isin(place[rest], place[free])]
    return place[free], edge[free], metres[free]


def walks_between(
    starts: tuple[Geometries, pd.DataFrame],
    goals: tuple[Geometries, pd.DataFrame],
    nodes: gpd.GeoDataFrame,
    edges: gpd.GeoDataFrame,
    limit_m: float,
) -> pd.DataFrame:
    """Metres walked between joined starts and goals, connectors included: ``start``, ``goal``, ``metres``.

    Each side is its points and what :func:`join_places` says of them. Only pairs within ``limit_m`` are returned,
    sorted. One search of ``limit_m`` from each goal, on the part of the network around it.
    """
    sides = [(points, table[table["state"] == JOINED]) for points, table in (starts, goals)]
    (start_points, start), (goal_points, goal) = sides
    if len(start) == 0 or len(goal) == 0:
        return pd.DataFrame({"start": np.empty(0, "int64"), "goal": np.empty(0, "int64"), "metres": np.empty(0)})
    node_xy = shapely.get_coordinates(nodes.geometry.to_numpy())
    first_start = len(nodes) + len(goal)
    points = np.concatenate([goal_points[goal.index], start_points[start.index]])
    xy = np.concatenate([node_xy, shapely.get_coordinates(points)])
    graph = _graph_with_places(nodes, edges, goal, start)
    rank = np.lexsort((xy[:, 1], xy[:, 0]))  # the tiles want places sorted by x
    graph, xy = graph[rank][:, rank], xy[rank]
    goal_at = np.flatnonzero((rank >= len(nodes)) & (rank < first_start))
    found = []
    for block, inside in reach_tiles(xy, goal_at, limit_m):
        ends = np.flatnonzero(rank[inside] >= first_start)
        if len(ends) == 0:
            continue
        table = dijkstra(graph[inside][:, inside], indices=np.searchsorted(inside, block), limit=limit_m)[:, ends]
        row, column = np.nonzero(np.isfinite(table))
        at = start.index.to_numpy()[rank[inside[ends[column]]] - first_start]
        of = goal.index.to_numpy()[rank[block[row]] - len(nodes)]
        found.append(pd.DataFrame({"start": at, "goal": of, "metres": table[row, column]}))
    if not found:
        return walks_between((start_points, start.iloc[:0]), goals, nodes, edges, limit_m)
    return pd.concat(found).sort_values(["start", "goal"], ignore_index=True)


def _graph_with_places(
    nodes: gpd.GeoDataFrame, edges: gpd.GeoDataFrame, goal: pd.DataFrame, start: pd.DataFrame
) -> csr_matrix:
    """The network both ways, ways out of every goal into it, ways out of it to every start, and those on one edge."""
    count, length = len(nodes), edges["length_m"].to_numpy(dtype=float)
    tail, head = (nodes.index.get_indexer(edges[name]) for name in ("from_node", "to_node"))
    goal_at, start_at = count + np.arange(len(goal)), count + len(goal) + np.arange(len(start))
    parts = [(tail, head, length), (head, tail, length)]
    for table, at, leaves in ((goal, goal_at, True), (start, start_at, False)):
        edge, connector = table["edge"].to_numpy(), table["connector_m"].to_numpy()
        along = table["along_m"].to_numpy()
        for node, metres in ((tail[edge], along), (head[edge], np.maximum(length[edge] - along, 0.0))):
            ways = (at, node) if leaves else (node, at)
            parts.append((*ways, connector + metres))
    parts.append(_on_one_edge(goal, start, goal_at, start_at))
    table = pd.DataFrame(
        {name: np.concatenate(c) for name, c in zip(("from", "to", "length_m"), zip(*parts, strict=True), strict=True)}
    )
    return edge_graph(table, count + len(goal) + len(start), directed=True)


def _on_one_edge(goal: pd.DataFrame, start: pd.DataFrame, goal_at: Ints, start_at: Ints) -> tuple[Any, Any, Floats]:
    """Ways between a goal and a start that join the same edge."""
    both = goal.assign(at=goal_at).merge(start.assign(at=start_at), on="edge", suffixes=("_goal", "_start"))
    metres = both["connector_m_goal"] + both["connector_m_start"] + (both["along_m_goal"] - both["along_m_start"]).abs()
    return both["at_goal"].to_numpy("int64"), both["at_start"].to_numpy("int64"), metres.to_numpy(float)
