"""One utility network from surveyed lines and points: what is in use, what feeds it, its valves, its customers."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from scipy.spatial import cKDTree

from gis_renovation.arrays import Flags, Floats, Geometries, Ints, Words
from gis_renovation.crs import require_metric
from gis_renovation.ids import sorted_by_id
from gis_renovation.networks import build_network
from gis_renovation.unknowns import known_no, optional_column, optional_numbers
from gis_renovation.utilities.graph import Graph

# What feeds each network; drains run the other way and are held together by where they lead.
SOURCE_KINDS = {
    "water": ("source",),
    "gas": ("source",),
    "heat": ("source",),
    "power": ("source",),
    "telecom": ("source",),
    "sewer": ("outfall",),
    "storm": ("outfall",),
    "combined_sewer": ("outfall",),
}
# Networks under pressure are closed off by valves; drains and cables are not.
VALVED_NETWORKS = ("water", "gas", "heat")


@dataclass(frozen=True)
class UtilityNetwork:
    """The lines in use of one network, cut where they meet and at surveyed points.

    ``graph`` joins nodes by edges. Of each edge: ``line_id``, ``shapes``, ``lengths_m``, ``status_unknown`` (nobody
    recorded that the line is in use). Of each node: ``node_id`` and ``kind`` of the surveyed point there (None: none),
    ``xy`` in metres, ``stuck`` (a valve known not to turn), ``turns`` (known to turn), ``shut`` (known to be closed),
    ``households`` whose inlet it is, and ``unknown_places``, how many communities of unknown households have it.
    ``left_households`` have no inlet anywhere near.
    """

    graph: Graph
    line_id: Words
    shapes: Geometries
    lengths_m: Floats
    status_unknown: Flags
    node_id: Words
    kind: Words
    xy: Floats
    stuck: Flags
    turns: Flags
    shut: Flags
    sources: Ints
    households: Floats
    unknown_places: Floats
    left_households: float


def utility_network(
    utility_lines: gpd.GeoDataFrame,
    utility_nodes: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame,
    *,
    network: str,
    snap_m: float = 0.5,
) -> UtilityNetwork:
    """The network named ``network`` with the households of communities at its inlets.

    Abandoned, empty and planned lines are no part of it; a line whose status nobody recorded is, and is marked.
    Lines meet at ends within ``snap_m`` of each other or of another line's course, and at surveyed points; lines that
    merely cross do not. A point further than ``snap_m`` from every line in use is left out. The households of a
    community are shared equally by its inlets: points of kind ``inlet`` in its polygon or within ``snap_m`` of it; of
    two communities that hold one inlet the first by id has it. Unknown households are counted by themselves.

    Layers are in one projected CRS in metres (CRSError), indexed by id (DataError). O((n + k) log n).
    """
    require_metric(utility_lines=utility_lines, utility_nodes=utility_nodes, communities=communities)
    lines = sorted_by_id(utility_lines, "utility_lines")
    lines = lines[(lines["network"] == network).to_numpy(dtype=bool) & may_carry(lines)]
    unknown = optional_column(lines, "status").isna()
    points = sorted_by_id(utility_nodes, "utility_nodes")
    points = points[(points["network"] == network).to_numpy(dtype=bool)]
    nodes, edges = build_network(lines, snap_m=snap_m, node_crossings=False, stops=points.geometry)
    xy = shapely.get_coordinates(nodes.geometry.to_numpy())
    at, surveyed = _points_at_nodes(xy, points, snap_m)
    start, end = (nodes.index.get_indexer(edges[name]).astype("int64") for name in ("from_node", "to_node"))
    kind = _at(at, optional_column(surveyed, "kind").to_numpy(dtype=object), len(xy))
    valve = kind == "valve"
    households, unknown_places, left = _households(communities, surveyed, at, len(xy), snap_m)
    return UtilityNetwork(
        graph=Graph(len(xy), start, end),
        line_id=edges["line_id"].to_numpy(dtype=object),
        shapes=edges.geometry.to_numpy(),
        lengths_m=edges["length_m"].to_numpy(dtype="float64"),
        status_unknown=unknown.reindex(edges["line_id"]).to_numpy(dtype=bool),
        node_id=_at(at, surveyed.index.to_numpy(dtype=object), len(xy)),
        kind=kind,
        xy=xy,
        stuck=valve & _flags(at, known_no(surveyed, "operable"), len(xy)),
        turns=valve & _flags(at, optional_column(surveyed, "operable").eq(True).to_numpy(dtype=bool), len(xy)),
        shut=valve & _flags(at, known_no(surveyed, "open"), len(xy)),
        sources=np.flatnonzero(np.isin(kind, SOURCE_KINDS[network])),
        households=households,
        unknown_places=unknown_places,
        left_households=left,
    )


def may_carry(lines: gpd.GeoDataFrame) -> Flags:
    """Which lines are in use or of a status nobody recorded: abandoned, empty and planned ones carry nothing."""
    status = optional_column(lines, "status")
    return np.asarray(status.isna() | (status == "in_use"), dtype=bool)


def networks_in(utility_lines: gpd.GeoDataFrame, wanted: tuple[str, ...]) -> list[str]:
    """Which of the wanted networks the layer has, in that order."""
    there = set(utility_lines["network"].dropna())
    return [name for name in wanted if name in there]


def _points_at_nodes(xy: Floats, points: gpd.GeoDataFrame, snap_m: float) -> tuple[Ints, gpd.GeoDataFrame]:
    """The node of each surveyed point that lies on the network, nearest first, one point a node."""
    if len(points) == 0 or len(xy) == 0:
        return np.empty(0, dtype="int64"), points.iloc[:0]
    distance, node = cKDTree(xy).query(shapely.get_coordinates(points.geometry.to_numpy()))
    near = np.flatnonzero(distance <= snap_m + 1e-6)
    near = near[np.lexsort((distance[near], node[near]))]
    first = np.r_[True, np.diff(node[near]) > 0] if len(near) else np.zeros(0, dtype=bool)
    return node[near[first]].astype("int64"), points.iloc[near[first]]


def _at(node: Ints, values: Words, count: int) -> Words:
    found = np.full(count, None, dtype=object)
    found[node] = values
    return found


def _flags(node: Ints, values: Flags, count: int) -> Flags:
    found = np.zeros(count, dtype=bool)
    found[node] = values
    return found


def _households(
    communities: gpd.GeoDataFrame, surveyed: gpd.GeoDataFrame, at: Ints, count: int, snap_m: float
) -> tuple[Floats, Floats, float]:
    """Households at each node, communities there whose households are unknown, and households without an inlet."""
    areas = sorted_by_id(communities, "communities")
    told = optional_numbers(areas, "households")
    weights, unknown = told.fillna(0.0).to_numpy(), told.isna().to_numpy()
    inlet = np.flatnonzero((optional_column(surveyed, "kind") == "inlet").to_numpy())
    shapes = surveyed.geometry.to_numpy()[inlet]
    point, area = shapely.STRtree(areas.geometry.to_numpy()).query(shapes, predicate="dwithin", distance=snap_m)
    order = np.lexsort((area, point))
    point, area = point[order], area[order]
    first = np.r_[True, np.diff(point) > 0] if len(point) else np.zeros(0, dtype=bool)
    point, area = point[first], area[first]
    shares = np.bincount(area, minlength=len(areas))
    node = at[inlet[point]]
    found, lacking = (
        np.bincount(node, weights=each[area], minlength=count).astype("float64")
        for each in (weights / np.maximum(shares, 1), unknown)
    )
    return found, lacking, float(weights[shares == 0].sum())
