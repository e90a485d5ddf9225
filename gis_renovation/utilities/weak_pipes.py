"""Which pipe, cable or point cuts off how many households when it fails: the layer."""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Flags, Floats, Ints
from gis_renovation.unknowns import texts_as_objects
from gis_renovation.utilities.network import SOURCE_KINDS, UtilityNetwork, networks_in, utility_network
from gis_renovation.utilities.weak_points import find_weak_points
from gis_renovation.words import Text

# What fails: "line" or "node", and the id of the one or the other.
_Part = tuple[str, str | None, str | None]
_REASON = Text(
    "此处中断，{who}与全部水源（气源、电源、排放口）断开，没有第二条路",
    "A break here cuts {who} off from every source (or outfall); there is no second way",
)
_WHO = Text("{n} 户", "{n} households")
_AT_LEAST = Text("至少 {n} 户（另有小区户数未知）", "at least {n} households (those of some communities are unknown)")
_NOBODY_COUNTED = Text("户数未知的小区", "communities of unknown households")


def rank_weak_pipes(
    utility_lines: gpd.GeoDataFrame,
    utility_nodes: gpd.GeoDataFrame,
    communities: gpd.GeoDataFrame,
    *,
    least_households: float = 1.0,
    snap_m: float = 0.5,
) -> gpd.GeoDataFrame:
    """Single points of failure of each network: lines and points without which households are cut off, ranked.

    Exact for all lines and points at once. Whether what stays connected has pressure or capacity enough is not
    looked at. A network on whose record no source (of a drain: outfall) stands has no rows, because nobody knows
    from where it is fed; so has what no source reaches.

    Parameters
    ----------
    utility_lines, utility_nodes
        Lines and points, one projected CRS in metres, indexed by id; ``network``, ``status``, and ``kind`` (source,
        outfall, inlet). Abandoned, empty and planned lines carry nothing.
    communities
        Polygons, same CRS, indexed by id, with ``households``, shared equally by the inlets in each.
    least_households
        A line or point that cuts off fewer is not listed, unless it cuts off a community of unknown households.
    snap_m
        Ends nearer than this meet, metres.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``utility_weak_points``: points (in the middle of a line), indexed by ``weak_point_id`` and sorted by it;
        ``part`` is ``line`` or ``node``, ``rank`` counts within the network from the most households down, equal
        ones sharing the better rank. A line cut by points into pieces has its worst piece. Where
        ``households_unknown``, communities whose households nobody knows are cut off besides those counted.

    Raises
    ------
    CRSError
        The layers do not share one projected CRS in metres.
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O(n log n) for n vertices of lines and points.

    Examples
    --------
    A source, a pipe, and an inlet of 40 households at its end:

    >>> from shapely import LineString, Point, box
    >>> pipe = gpd.GeoDataFrame(
    ...     {"network": ["water"]}, geometry=[LineString([(0, 50), (90, 50)])], index=["W"], crs="EPSG:4548"
    ... )
    >>> ends = gpd.GeoDataFrame(
    ...     {"network": "water", "kind": ["source", "inlet"]},
    ...     geometry=[Point(0, 50), Point(90, 50)], index=["S", "I"], crs="EPSG:4548",
    ... )
    >>> home = gpd.GeoDataFrame({"households": [40]}, geometry=[box(80, 0, 200, 100)], index=["A"], crs="EPSG:4548")
    >>> rank_weak_pipes(pipe, ends, home)[["part", "line_id", "households_behind", "rank"]]
                   part line_id  households_behind  rank
    weak_point_id
    water/W        line       W               40.0     1
    """
    found = [_table([], "", np.empty((0, 2)), _Behind.nobody(), np.empty(0, dtype=bool))]
    for name in networks_in(utility_lines, tuple(SOURCE_KINDS)):
        network = utility_network(utility_lines, utility_nodes, communities, network=name, snap_m=snap_m)
        found.append(_weak_points(network, name, least_households))
    table = pd.concat([part for part in found if len(part)] or found)
    shapes = table.pop("geometry").to_numpy()
    return gpd.GeoDataFrame(texts_as_objects(table), geometry=shapes, crs=utility_lines.crs).sort_index()


class _Behind(NamedTuple):
    """Households cut off, and whether a community of unknown households is among them."""

    households: Floats
    unknown: Flags

    @classmethod
    def nobody(cls) -> _Behind:
        return cls(np.empty(0), np.empty(0, dtype=bool))


def _weak_points(network: UtilityNetwork, name: str, least: float) -> pd.DataFrame:
    weak = find_weak_points(network.graph, network.sources, network.households)
    # The same walk weighed by the communities nobody counted.
    lacking = find_weak_points(network.graph, network.sources, network.unknown_places)
    of_edge, of_node = lacking.behind_edge > 0, lacking.behind_node > 0
    edges = np.flatnonzero(weak.edges & ((weak.behind_edge >= least) | of_edge))
    # Of a line's pieces the worst, the first along it among equals.
    worst = edges[np.lexsort((edges, ~of_edge[edges], -weak.behind_edge[edges]))]
    _, first = np.unique(network.line_id[worst].astype(str), return_index=True)
    edges = np.sort(worst[first])
    is_source = np.isin(np.arange(network.graph.node_count), network.sources)
    known = np.array([node is not None for node in network.node_id], dtype=bool)
    nodes = np.flatnonzero(weak.nodes & known & ~is_source & ((weak.behind_node >= least) | of_node))
    middle = shapely.get_coordinates(shapely.line_interpolate_point(network.shapes[edges], 0.5, normalized=True))
    behind = _Behind(np.r_[weak.behind_edge[edges], weak.behind_node[nodes]], np.r_[of_edge[edges], of_node[nodes]])
    unknown = np.r_[network.status_unknown[edges], np.zeros(len(nodes), dtype=bool)]
    return _table(_parts(network, edges, nodes), name, np.vstack([middle, network.xy[nodes]]), behind, unknown)


def _who(households: float, unknown: bool) -> Text:
    if not unknown:
        return _WHO.fill(n=f"{households:.0f}")
    return _AT_LEAST.fill(n=f"{np.floor(households):.0f}") if households >= 1 else _NOBODY_COUNTED


def _parts(network: UtilityNetwork, edges: Ints, nodes: Ints) -> list[_Part]:
    lines = [("line", str(line), None) for line in network.line_id[edges]]
    return lines + [("node", None, str(node)) for node in network.node_id[nodes]]


def _table(parts: list[_Part], name: str, xy: Floats, behind: _Behind, unknown: Flags) -> pd.DataFrame:
    """The rows of one network."""
    ids = [f"{name}/{line or node}" for _, line, node in parts]
    reasons = [_REASON.fill(who=_who(n, lacking)) for n, lacking in zip(*behind, strict=True)]
    columns = {
        "network": pd.Series(name, index=range(len(parts)), dtype="object"),
        "part": pd.Series([part for part, _, _ in parts], dtype="object"),
        "line_id": pd.Series([line for _, line, _ in parts], dtype="object"),
        "node_id": pd.Series([node for _, _, node in parts], dtype="object"),
        "households_behind": behind.households,
        "households_unknown": behind.unknown.astype(bool),
        "rank": pd.Series(-behind.households).rank(method="min").astype("int64"),
        "status_unknown": unknown.astype(bool),
        "reason_zh": pd.Series([reason.zh for reason in reasons], dtype="object"),
        "reason_en": pd.Series([reason.en for reason in reasons], dtype="object"),
        "geometry": pd.Series(np.asarray(shapely.points(xy), dtype=object), dtype="object"),
    }
    table = pd.DataFrame(columns)
    table.index = pd.Index(ids, name="weak_point_id", dtype="object")
    return table
