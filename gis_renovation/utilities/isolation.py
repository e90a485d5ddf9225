"""Isolation segments of water, gas and heat: what to close for each, who is without, what a stuck valve adds."""

from __future__ import annotations

import math
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Floats, Ints, Words
from gis_renovation.unknowns import optional_numbers, texts_as_objects
from gis_renovation.utilities.graph import Graph
from gis_renovation.utilities.network import VALVED_NETWORKS, UtilityNetwork, networks_in, utility_network
from gis_renovation.utilities.segments import (
    Cuts,
    Segments,
    added_by_failure,
    cuts_at_nodes,
    find_segments,
    sum_by_segment,
    touching_segments,
)
from gis_renovation.utilities.weak_points import find_weak_points

_LISTED = "、"


def list_isolation_segments(
    utility_lines: gpd.GeoDataFrame,
    utility_nodes: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame,
    *,
    snap_m: float = 0.5,
) -> gpd.GeoDataFrame:
    """Every isolation segment of water, gas and heat: which valves close it, and what is then without supply.

    A burst or a planned work anywhere in a segment is closed off by the same valves. A valve known not to turn
    (``operable`` no: paved over, rusted) closes nothing, so the segment reaches on to the next; one of which nobody
    knows counts as closing and is listed to be tried beforehand. Valves known to be shut part the network already.
    What is looked at is who is cut off, not pressure.

    Parameters
    ----------
    utility_lines, utility_nodes
        Lines and points, one projected CRS in metres, indexed by id; ``network``, ``status``, ``diameter_mm``,
        ``kind``, ``operable``, ``open``. Abandoned, empty and planned lines carry nothing.
    communities
        Polygons, same CRS, indexed by id, with ``households``, shared equally by the inlets in each.
    snap_m
        Ends nearer than this meet, metres.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``isolation_segments``: lines, indexed by ``segment_id`` (network and the first line by id) and sorted by
        it. A valve where three lines and more meet is taken as a chamber with a valve on each. ``households`` have
        their inlet in it; ``households_behind`` lose supply besides, because no source reaches them any more, unknown
        where no source is on record; where ``households_unknown``, communities whose households nobody knows besides.
        ``volume_m3`` is unknown where a diameter is.

    Raises
    ------
    CRSError
        The layers do not share one projected CRS in metres.
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(n log n) for n vertices of lines and points; all segments at once.

    Examples
    --------
    A source, a valve, and behind it an inlet of 40 households:

    >>> from shapely import LineString, Point, box
    >>> pipes = gpd.GeoDataFrame(
    ...     {"network": "water", "diameter_mm": [200.0, 100.0]},
    ...     geometry=[LineString([(0, 50), (50, 50)]), LineString([(50, 50), (90, 50)])],
    ...     index=["W1", "W2"], crs="EPSG:4548",
    ... )
    >>> points = gpd.GeoDataFrame(
    ...     {"network": "water", "kind": ["source", "valve", "inlet"]},
    ...     geometry=[Point(0, 50), Point(50, 50), Point(90, 50)], index=["S", "V", "I"], crs="EPSG:4548",
    ... )
    >>> home = gpd.GeoDataFrame({"households": [40]}, geometry=[box(80, 0, 200, 100)], index=["A"], crs="EPSG:4548")
    >>> list_isolation_segments(pipes, points, home)[["length_m", "valves", "households", "households_behind"]]
                length_m valves  households  households_behind
    segment_id
    water/W1        50.0      V         0.0               40.0
    water/W2        40.0      V        40.0                0.0
    """
    found = [
        _segment_rows(view, name, utility_lines)
        for name, view in _views(utility_lines, utility_nodes, communities, snap_m)
    ]
    table = pd.concat(found) if found else _empty_segments()
    shapes = table.pop("geometry").to_numpy()
    return gpd.GeoDataFrame(texts_as_objects(table), geometry=shapes, crs=utility_lines.crs).sort_index()


def rank_valves(
    utility_lines: gpd.GeoDataFrame,
    utility_nodes: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame,
    *,
    snap_m: float = 0.5,
) -> gpd.GeoDataFrame:
    """For each valve of water, gas and heat what is closed off besides when it fails to close: which to maintain first.

    Parameters
    ----------
    utility_lines, utility_nodes, communities, snap_m
        As for :func:`list_isolation_segments`.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``valve_failures``: points, indexed by ``valve_id`` and sorted by it. ``added_length_m`` and
        ``added_households`` are those of the worst case, a burst on the smaller side; null for a valve that is known
        not to turn (its two sides are one segment already) or with households unknown on either side, 0 for one with
        the same segment on both sides.

    Raises
    ------
    CRSError
        The layers do not share one projected CRS in metres.
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(n log n) for n vertices of lines and points; all valves at once.

    Examples
    --------
    A valve between 50 m and 40 m of pipe:

    >>> from shapely import LineString, Point, box
    >>> pipes = gpd.GeoDataFrame(
    ...     {"network": "water"},
    ...     geometry=[LineString([(0, 50), (50, 50)]), LineString([(50, 50), (90, 50)])],
    ...     index=["W1", "W2"], crs="EPSG:4548",
    ... )
    >>> points = gpd.GeoDataFrame(
    ...     {"network": "water", "kind": ["valve"]}, geometry=[Point(50, 50)], index=["V"], crs="EPSG:4548"
    ... )
    >>> home = gpd.GeoDataFrame({"households": [40]}, geometry=[box(80, 0, 200, 100)], index=["A"], crs="EPSG:4548")
    >>> rank_valves(pipes, points, home)[["state", "segments", "added_length_m"]]
                state  segments  added_length_m
    valve_id
    V         untried         2            50.0
    """
    found = [_valve_rows(view, name) for name, view in _views(utility_lines, utility_nodes, communities, snap_m)]
    empty = _valve_table("", np.empty(0, dtype=object), np.empty(0, dtype=object), np.empty((0, 3)), np.empty((0, 2)))
    table = pd.concat(found) if found else empty
    shapes = table.pop("geometry").to_numpy()
    return gpd.GeoDataFrame(texts_as_objects(table), geometry=shapes, crs=utility_lines.crs).sort_index()


class _View(NamedTuple):
    """A network with its valves that can be closed, and the segments between them."""

    network: UtilityNetwork
    valves: Ints
    cuts: Cuts
    segments: Segments
    valve: Ints
    segment: Ints


def _views(
    utility_lines: gpd.GeoDataFrame, utility_nodes: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, snap_m: float
) -> list[tuple[str, _View]]:
    found = []
    for name in networks_in(utility_lines, VALVED_NETWORKS):
        network = utility_network(utility_lines, utility_nodes, communities, network=name, snap_m=snap_m)
        if network.graph.edge_count == 0:
            continue
        valves = np.flatnonzero((network.kind == "valve") & ~network.stuck | network.shut)
        cuts = cuts_at_nodes(network.graph, valves)
        segments = find_segments(network.graph, cuts)
        found.append((name, _View(network, valves, cuts, segments, *touching_segments(network.graph, cuts, segments))))
    return found


# --- segments -------------------------------------------------------------------------------------


def _empty_segments() -> pd.DataFrame:
    types = {
        "network": "object",
        "length_m": "float64",
        "volume_m3": "float64",
        "valve_count": "int64",
        "valves": "object",
        "untried_valves": "object",
        "stuck_valves": "object",
        "hydrants": "int64",
        "households": "float64",
        "households_behind": "float64",
        "households_unknown": "bool",
        "geometry": "object",
    }
    columns = {name: pd.Series(dtype=dtype) for name, dtype in types.items()}
    return pd.DataFrame(columns, index=pd.Index([], name="segment_id", dtype="object"))


def _segment_rows(view: _View, name: str, utility_lines: gpd.GeoDataFrame) -> pd.DataFrame:
    network, segments = view.network, view.segments
    edge_rows = np.unique(segments.of_edge)
    order = np.argsort(segments.of_edge, kind="stable")
    pieces = np.split(order, np.searchsorted(segments.of_edge[order], edge_rows[1:]))
    first = pd.Series([min(network.line_id[piece].astype(str)) for piece in pieces], dtype="object")
    again = first.groupby(first).cumcount()
    labels = [f"{name}/{line}" + (f"#{k + 1}" if k else "") for line, k in zip(first, again, strict=True)]
    stuck = np.flatnonzero(network.stuck & ~network.shut)
    closing = ~network.shut[view.valves[view.valve]]
    valve, segment = view.valves[view.valve[closing]], view.segment[closing]
    untried = ~network.turns[valve]
    columns = {
        "network": name,
        "length_m": sum_by_segment(segments, edges=network.lengths_m)[edge_rows],
        "volume_m3": sum_by_segment(segments, edges=_volumes(network, utility_lines))[edge_rows],
        "valve_count": np.bincount(segment, minlength=segments.segment_count)[edge_rows],
        "valves": _named(network, valve, segment, edge_rows),
        "untried_valves": _named(network, valve[untried], segment[untried], edge_rows),
        "stuck_valves": _named(network, stuck, segments.of_node[stuck], edge_rows),
        "hydrants": sum_by_segment(segments, nodes=(network.kind == "hydrant").astype(float))[edge_rows].astype(
            "int64"
        ),
        "households": sum_by_segment(segments, nodes=network.households)[edge_rows],
        "households_behind": _behind(view, network.households)[edge_rows],
        "households_unknown": (
            (sum_by_segment(segments, nodes=network.unknown_places) > 0) | (_behind(view, network.unknown_places) > 0)
        )[edge_rows],
        "geometry": [shapely.line_merge(shapely.multilinestrings(list(network.shapes[piece]))) for piece in pieces],
    }
    return pd.DataFrame(columns, index=pd.Index(labels, name="segment_id", dtype="object"))


def _volumes(network: UtilityNetwork, utility_lines: gpd.GeoDataFrame) -> Floats:
    """Cubic metres in each edge, full; unknown where the diameter is."""
    diameter = optional_numbers(utility_lines, "diameter_mm")
    diameter.index = diameter.index.astype(str)
    across = diameter.reindex(network.line_id.astype(str)).to_numpy() / 1000.0
    return np.asarray(network.lengths_m * math.pi / 4.0 * across**2, dtype="float64")


def _named(network: UtilityNetwork, node: Ints, segment: Ints, rows: Ints) -> list[str | None]:
    """The ids of points in or around each segment, sorted and joined."""
    ids = pd.Series(network.node_id[node].astype(str)).groupby(segment).agg(lambda each: _LISTED.join(sorted(each)))
    return [ids.get(row) for row in rows]


def _behind(view: _View, weights: Floats) -> Floats:
    """The weight that loses supply when each segment is closed, beside its own; NaN where no source is on record.

    Segments and the valves between them are a network themselves, in which a closed segment is a node taken away.
    """
    network, segments = view.network, view.segments
    if len(network.sources) == 0:
        return np.full(segments.segment_count, np.nan)
    open_valve = ~network.shut[view.valves[view.valve]]
    count = segments.segment_count + len(view.valves)
    between = Graph(count, segments.segment_count + view.valve[open_valve], view.segment[open_valve])
    own = np.zeros(count)
    own[: segments.segment_count] = sum_by_segment(segments, nodes=weights)
    # An inlet at a valve hangs on the valve's own node: it is fed as long as any side of it is.
    at_valve = weights[view.valves]
    own[: segments.segment_count] -= np.bincount(
        segments.of_node[view.valves], weights=at_valve, minlength=segments.segment_count
    )
    own[segments.segment_count :] = at_valve
    sources = np.unique(_source_segments(view))
    weak = find_weak_points(between, sources, own)
    behind = np.asarray(weak.behind_node[: segments.segment_count] - own[: segments.segment_count])
    return np.where(weak.supplied[: segments.segment_count], np.maximum(behind, 0.0), 0.0)


def _source_segments(view: _View) -> Ints:
    """Where sources stand in the network of segments: in one, or at a valve."""
    number = np.full(view.network.graph.node_count, -1, dtype="int64")
    number[view.valves] = view.segments.segment_count + np.arange(len(view.valves))
    own = number[view.network.sources]
    return np.where(own >= 0, own, view.segments.of_node[view.network.sources])


# --- valves ---------------------------------------------------------------------------------------


def _valve_rows(view: _View, name: str) -> pd.DataFrame:
    network, count = view.network, len(view.valves)
    added = np.full((network.graph.node_count, 2), np.nan)
    sides = np.zeros(network.graph.node_count, dtype="int64")
    sides[view.valves] = np.bincount(view.valve, minlength=count)
    sizes = (
        sum_by_segment(view.segments, edges=network.lengths_m),
        sum_by_segment(view.segments, nodes=network.households),
    )
    for column, size in enumerate(sizes):
        added[view.valves, column] = added_by_failure(view.valve, view.segment, size, count)
    # Which side has fewer households nobody can say where those of a community on either side are unknown.
    uncounted = sum_by_segment(view.segments, nodes=network.unknown_places) > 0
    added[view.valves[view.valve[uncounted[view.segment]]], 1] = np.nan
    rows = np.flatnonzero(network.kind == "valve")
    state = np.select([network.shut, network.stuck, network.turns], ["shut", "stuck", "turns"], default="untried")[
        rows
    ].astype(object)
    added[network.shut] = np.nan
    numbers = np.column_stack([sides[rows], added[rows]])
    return _valve_table(name, network.node_id[rows], state, numbers, network.xy[rows])


def _valve_table(name: str, ids: Words, state: Words, numbers: Floats, xy: Floats) -> pd.DataFrame:
    columns = {
        "network": pd.Series(name, index=range(len(ids)), dtype="object"),
        "state": pd.Series(state, dtype="object"),
        "segments": numbers[:, 0].astype("int64"),
        "added_length_m": numbers[:, 1],
        "added_households": numbers[:, 2],
        "geometry": pd.Series(np.asarray(shapely.points(xy), dtype=object), dtype="object"),
    }
    table = pd.DataFrame(columns)
    table.index = pd.Index([str(each) for each in ids], name="valve_id", dtype="object")
    return table
