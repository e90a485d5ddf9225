"""Lines to nodes and edges, and what can be reached along them.

A network is two frames. ``nodes``: points indexed by ``node_id``. ``edges``: lines indexed by
``edge_id`` with ``line_id`` (the line it was cut from), ``from_node``, ``to_node`` and ``length_m``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from gis_renovation.arrays import Floats, Geometries, Ints
from gis_renovation.bridges import bridge_to
from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError
from gis_renovation.ids import sorted_by_id

if TYPE_CHECKING:
    from networkx import MultiGraph

# Coordinates closer than this are one place whatever ``snap_m`` says: below it floats cannot tell
# a computed crossing from the vertex it falls on (1e-6 m is about 500 float steps at 4e6 m).
_SAME_PLACE_M = 1e-6
# Gaps closed by snapping cost nothing, so a way may be this much shorter than the straight line at most.
_SNAP_ALLOWANCE = 1.05
# Rows times columns of a table of distances: 32 MB of floats at a time, however large the city.
_CELLS_AT_A_TIME = 4_000_000


def build_network(
    lines: gpd.GeoDataFrame,
    *,
    snap_m: float = 0.5,
    node_crossings: bool = True,
    level_column: str = "level",
    stops: gpd.GeoSeries | None = None,
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Nodes and edges of a network of lines.

    Lines meet where their ends lie within ``snap_m`` of each other or of another line's course, as
    drawn networks have it: a path that stops half a metre short of the street does reach it. The
    gap itself costs nothing. Geometry is not moved: an edge keeps the course and length of its line.

    Parameters
    ----------
    lines
        Lines in a projected CRS in metres, indexed by id (a default index counts as ids "0", "1", ...). Parts of a
        MultiLineString and loops of a self-crossing line become edges of their own.
    snap_m
        Metres within which an end meets another end or line.
    node_crossings
        Whether lines that cross also meet. A slow path crossing a street does; a pipe under a street does not.
    level_column
        Lines whose values in this column differ (bridge, tunnel) do not meet by crossing; their ends
        still do. Without the column all lines are on one level; unknown counts as level 0.
    stops
        Points that must become nodes: every line passing within ``snap_m`` is cut there.

    Returns
    -------
    nodes, edges
        ``nodes`` (Point; ``node_id``, numbered by x, then y, so that they do not depend on row order; a
        node lies in the middle of the ends it joins). ``edges`` (LineString; ``edge_id`` is the line's id,
        ``#``, and a number along it), both sorted by id. No lines: two empty frames with the same columns.

    Raises
    ------
    CRSError
        The lines are not in a projected CRS in metres.
    DataError
        Ids missing or repeated.

    Notes
    -----
    O((n + k) log n) for n vertices and k meetings.

    Examples
    --------
    Two lines that cross are cut where they meet:

    >>> from shapely import LineString
    >>> shapes = [LineString([(0, 0), (100, 0)]), LineString([(40, -30), (40, 50)])]
    >>> nodes, edges = build_network(gpd.GeoDataFrame(geometry=shapes, index=["a", "b"], crs="EPSG:4548"))
    >>> edges[["from_node", "to_node", "length_m"]]
            from_node   to_node  length_m
    edge_id
    a#000    N0000000  N0000002      40.0
    a#001    N0000002  N0000004      60.0
    b#000    N0000001  N0000002      30.0
    b#001    N0000002  N0000003      50.0
    """
    require_metric(lines=lines, stops=stops)
    lines = sorted_by_id(lines, "lines")
    parts, owner = _parts(lines.geometry.to_numpy())
    level = _levels(lines, level_column)[owner]
    tolerance = max(snap_m, _SAME_PLACE_M)
    cuts = [_touching_ends(parts, tolerance)]
    if node_crossings:
        cuts.append(_crossings(parts, level))
    if stops is not None:
        cuts.append(_passing(parts, stops.to_numpy(), tolerance))
    shapes, part = _cut(parts, np.concatenate([c[0] for c in cuts]), np.concatenate([c[1] for c in cuts]))
    positions, ends = _join_ends(shapes, tolerance)
    node_ids = pd.Index([f"N{rank:07d}" for rank in range(len(positions))], name="node_id", dtype="object")
    nodes = gpd.GeoDataFrame(geometry=shapely.points(positions), index=node_ids, crs=lines.crs)
    line_id = lines.index.to_numpy(dtype=object)[owner[part]]
    number = pd.Series(line_id).groupby(line_id).cumcount() if len(line_id) else pd.Series(dtype="int64")
    names = [f"{line}#{k:03d}" for line, k in zip(line_id, number, strict=True)]
    edges = gpd.GeoDataFrame(
        {
            "line_id": line_id,
            "from_node": node_ids.to_numpy(dtype=object)[ends[:, 0]],
            "to_node": node_ids.to_numpy(dtype=object)[ends[:, 1]],
            "length_m": shapely.length(shapes),
        },
        geometry=shapes,
        index=pd.Index(names, name="edge_id", dtype="object"),
        crs=lines.crs,
    )
    return nodes, edges.sort_index()


def network_components(nodes: gpd.GeoDataFrame, edges: gpd.GeoDataFrame) -> pd.Series[Any]:
    """The connected part of the network each node belongs to, named by its smallest node id.

    Series ``component`` on the index of ``nodes``. O(nodes + edges).
    """
    names = nodes.index.to_numpy(dtype=object)
    _, label = connected_components(_matrix(*_ends(nodes, edges), len(nodes)), directed=False)
    first = pd.Series(names).groupby(label).transform("min").to_numpy(dtype=object) if len(names) else names
    return pd.Series(first, index=nodes.index, name="component", dtype="object")


def node_degrees(nodes: gpd.GeoDataFrame, edges: gpd.GeoDataFrame) -> pd.Series[Any]:
    """How many edge ends meet at each node; 1 is a dangle, a dead end. Series ``degree`` on the index of ``nodes``."""
    start, end, _ = _ends(nodes, edges)
    return pd.Series(np.bincount(np.concatenate([start, end]), minlength=len(nodes)), index=nodes.index, name="degree")


def node_distances(
    nodes: gpd.GeoDataFrame,
    edges: gpd.GeoDataFrame,
    start_costs_m: pd.Series[Any],
    *,
    limit_m: float = np.inf,
) -> pd.DataFrame:
    """Metres along the network from each node to the nearest of many starts, and which start that is.

    ``start_costs_m`` is indexed by node id; its values are metres already walked before that node
    (a connector from a gate, say). Edges are walked both ways.

    Returns a frame on the index of ``nodes``: ``distance_m`` (infinite when no start can be reached within
    ``limit_m``) and ``start_node`` (None then). One Dijkstra for all starts: O(E log V).
    """
    count = len(nodes)
    result = pd.DataFrame({"distance_m": np.full(count, np.inf), "start_node": None}, index=nodes.index)
    result["start_node"] = result["start_node"].astype("object")
    starts = start_costs_m[start_costs_m.notna() & np.isfinite(start_costs_m)].groupby(level=0).min()
    if count == 0 or len(starts) == 0:
        return result
    at = nodes.index.get_indexer(starts.index)
    # A node of its own before all starts: its edges carry what was walked before.
    tail, head, cost = _ends(nodes, edges)
    graph = _matrix(
        np.concatenate([tail, head, np.full(len(at), count)]),
        np.concatenate([head, tail, at]),
        np.concatenate([cost, cost, starts.to_numpy(dtype=float)]),
        count + 1,
    )
    distance, before = dijkstra(graph, indices=count, limit=limit_m, return_predecessors=True)
    result["distance_m"] = distance[:count]
    root = np.where(before[:count] == count, np.arange(count), before[:count])
    reached = np.isfinite(distance[:count])
    root = np.where(reached, root, np.arange(count))
    while True:  # each round doubles how far up the tree of shortest paths a node looks
        higher = root[root]
        if (higher == root).all():
            break
        root = higher
    names = nodes.index.to_numpy(dtype=object)
    result["start_node"] = pd.Series(names[root], index=result.index, dtype="object").where(reached, None)
    return result


def edge_graph(edges: pd.DataFrame, count: int, *, directed: bool = False) -> csr_matrix:
    """A sparse graph of ``count`` nodes for scipy, from the columns ``from`` and ``to`` (positions) and ``length_m``.

    Both ways unless ``directed``. Of parallel edges the shortest counts. O(E log E).
    """
    tail, head = (edges[name].to_numpy(dtype="int64") for name in ("from", "to"))
    cost = edges["length_m"].to_numpy(dtype=float)
    if not directed:
        tail, head, cost = np.concatenate([tail, head]), np.concatenate([head, tail]), np.concatenate([cost, cost])
    return _matrix(tail, head, cost, count)


def reach_tiles(xy: Floats, starts: Ints, limit_m: float) -> Iterator[tuple[Ints, Ints]]:
    """Groups of starts lying close together, each with all nodes that ways of ``limit_m`` from them can touch.

    ``xy`` are node positions sorted by x, as :func:`build_network` numbers them; ``starts`` positions in ``xy``.
    No way is shorter than the straight line (but for snapped gaps, for which 5 % are allowed), so a limited
    search on the part of the graph inside finds what one on the whole finds, and tables stay small.
    Groups are squares of ``limit_m``, split where a table would exceed 32 MB. Each start comes once;
    ``inside`` is sorted. An infinite limit gives the whole network, as many starts at a time as memory allows.
    """
    if np.isfinite(limit_m):
        cell = np.floor(xy[starts] / max(limit_m, 1.0)).astype("int64")
        order = np.lexsort((starts, cell[:, 1], cell[:, 0]))
        cut = np.flatnonzero((np.diff(cell[order], axis=0) != 0).any(axis=1)) + 1
        groups = np.split(order, cut) if len(order) else []
    else:
        groups = [np.arange(len(starts))]
    for group in groups:
        inside = np.arange(len(xy))
        if np.isfinite(limit_m):
            margin = _SNAP_ALLOWANCE * limit_m
            low, high = xy[starts[group]].min(axis=0) - margin, xy[starts[group]].max(axis=0) + margin
            first, last = np.searchsorted(xy[:, 0], [low[0], np.nextafter(high[0], np.inf)])
            inside = first + np.flatnonzero((xy[first:last, 1] >= low[1]) & (xy[first:last, 1] <= high[1]))
        size = max(1, _CELLS_AT_A_TIME // max(len(inside), 1))
        for k in range(0, len(group), size):
            yield starts[group[k : k + size]], inside


def lengths_within(lines: Geometries, areas: Geometries) -> pd.Series[Any]:
    """Metres of each line inside each area it meets, indexed by the positions ``area`` and ``line``, sorted.

    ``lines`` and ``areas`` are arrays of shapely geometry in one CRS in metres. A line on an area's boundary
    counts as inside. Lines wholly inside are not cut. O((n + m) log n + k) for k pairs that meet.
    """
    area, line = shapely.STRtree(lines).query(areas, predicate="intersects")
    order = np.lexsort((line, area))
    area, line = area[order], line[order]
    shapely.prepare(areas)
    metres = shapely.length(lines)[line]
    rim = ~shapely.covers(areas[area], lines[line])
    metres[rim] = shapely.length(shapely.intersection(lines[line[rim]], areas[area[rim]]))
    pairs = pd.MultiIndex.from_arrays([area.astype("int64"), line.astype("int64")], names=["area", "line"])
    return pd.Series(metres, index=pairs, dtype="float64")


# --- networkx -------------------------------------------------------------------------------------


def network_to_networkx(nodes: gpd.GeoDataFrame, edges: gpd.GeoDataFrame) -> MultiGraph:
    """A network as an undirected networkx graph, for what its algorithms know and this program does not.

    Parameters
    ----------
    nodes, edges
        As :func:`build_network` returns them, in a projected CRS in metres. Further columns of edges go along.

    Returns
    -------
    networkx.MultiGraph
        Nodes by ``node_id`` with ``x`` and ``y`` in metres, those without an edge included; edges keyed by
        ``edge_id`` with their columns, ``length_m`` to walk by and ``geometry`` to draw; ``graph["crs"]``. All
        in the order of ids, whatever that of the rows.

    Raises
    ------
    GisRenovationError
        networkx is not installed (``pip install "gis-renovation[bridges]"``).
    CRSError
        The network is not in a projected CRS in metres.
    DataError
        Ids missing or repeated.

    Notes
    -----
    O(nodes + edges).

    Examples
    --------
    Two lines that cross make four edges around one node:

    >>> from shapely import LineString
    >>> shapes = [LineString([(0, 0), (100, 0)]), LineString([(40, -30), (40, 50)])]
    >>> graph = network_to_networkx(*build_network(gpd.GeoDataFrame(geometry=shapes, crs="EPSG:4548")))
    >>> sorted(degree for _, degree in graph.degree)
    [1, 1, 1, 1, 4]
    >>> graph.size(weight="length_m")
    180.0
    """
    crs = require_metric(nodes=nodes, edges=edges)
    nodes, edges = sorted_by_id(nodes, "nodes"), sorted_by_id(edges, "edges")
    graph: MultiGraph = bridge_to("networkx").MultiGraph(crs=crs)
    xy = shapely.get_coordinates(nodes.geometry.to_numpy()).tolist()
    graph.add_nodes_from((node, {"x": x, "y": y}) for node, (x, y) in zip(nodes.index, xy, strict=True))
    told = edges.to_dict("records")
    graph.add_edges_from(
        (row["from_node"], row["to_node"], key, row) for key, row in zip(edges.index, told, strict=True)
    )
    return graph


def network_from_networkx(graph: MultiGraph) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """The nodes and edges of an undirected networkx graph, as :func:`build_network` gives them.

    Parameters
    ----------
    graph
        Nodes with ``x`` and ``y`` in metres, ``graph["crs"]`` a projected CRS in metres. Edges may have
        ``geometry`` (else the straight line is drawn), ``length_m`` (else the length of the line is taken),
        ``line_id`` (else the edge's own id), and ``from_node``, where the line starts (else the smaller id).
        A key that is a text is the edge's id; any other edge is called ``<from>~<to>#<key>``.

    Returns
    -------
    nodes, edges
        Sorted by id, which are texts. A graph without nodes: two empty frames with the same columns.

    Raises
    ------
    CRSError
        ``graph["crs"]`` is missing or not a projected CRS in metres.
    ConfigError
        The graph is directed: ``to_undirected()`` makes one way of the two.

    Notes
    -----
    O(nodes + edges), sorted.
    """
    if graph.is_directed():
        raise ConfigError(
            "网络应为无向图；请先用 graph.to_undirected() 转换。",
            "A network is undirected: use graph.to_undirected() first.",
        )
    places = dict(graph.nodes(data=True))
    nodes = gpd.GeoDataFrame(
        geometry=shapely.points([(place["x"], place["y"]) for place in places.values()]) if places else [],
        index=pd.Index([str(node) for node in places], name="node_id", dtype="object"),
        crs=graph.graph.get("crs"),
    )
    require_metric(nodes=nodes)
    told = [_edge_told(graph, *edge) for edge in graph.edges(keys=True)]
    table = pd.DataFrame(told, columns=["edge_id", "line_id", "from_node", "to_node", "length_m", "geometry"])
    texts = dict.fromkeys(("line_id", "from_node", "to_node"), "str")
    table = table.astype({"edge_id": "object", **texts, "length_m": "float64"})
    edges = gpd.GeoDataFrame(table.set_index("edge_id"), geometry="geometry", crs=nodes.crs)
    return sorted_by_id(nodes, "nodes"), sorted_by_id(edges, "edges")


def _edge_told(graph: MultiGraph, one: Hashable, other: Hashable, key: Hashable) -> dict[str, object]:
    """What the graph says of one edge, and the straight line where it draws none."""
    edge = graph.edges[one, other, key]
    one, other = sorted((one, other), key=str)
    if str(edge.get("from_node", one)) != str(one):
        one, other = other, one
    line = edge.get("geometry")
    if line is None:
        line = shapely.LineString([(graph.nodes[end]["x"], graph.nodes[end]["y"]) for end in (one, other)])
    name = key if isinstance(key, str) else f"{one}~{other}#{key}"
    return {
        "edge_id": name,
        "line_id": str(edge.get("line_id", name)),
        "from_node": str(one),
        "to_node": str(other),
        "length_m": edge.get("length_m", line.length),
        "geometry": line,
    }


# --- cutting lines --------------------------------------------------------------------------------


def _parts(shapes: Geometries) -> tuple[Geometries, Ints]:
    """Simple LineStrings with a length, and the row each came from."""
    parts, owner = shapely.get_parts(shapely.force_2d(shapes), return_index=True)
    tangled = ~shapely.is_simple(parts)
    parts[tangled] = shapely.node(parts[tangled])
    pieces, part = shapely.get_parts(parts, return_index=True)
    keep = shapely.length(pieces) > 0
    return pieces[keep], owner[part[keep]].astype("int64")


def _levels(lines: gpd.GeoDataFrame, column: str) -> Geometries:
    if column not in lines.columns:
        return np.zeros(len(lines), dtype=object)
    level = lines[column].astype("object")
    return np.asarray(level.where(level.notna(), 0), dtype=object)


def _touching_ends(parts: Geometries, tolerance: float) -> tuple[Ints, Floats]:
    """Where an end of one part lies on, or within ``tolerance`` of, another part: (part, metres along it)."""
    ends = np.concatenate([shapely.get_point(parts, 0), shapely.get_point(parts, -1)])
    own = np.tile(np.arange(len(parts)), 2)
    point, part = shapely.STRtree(parts).query(ends, predicate="dwithin", distance=tolerance)
    other = own[point] != part
    point, part = point[other], part[other]
    return part.astype("int64"), shapely.line_locate_point(parts[part], ends[point])


def _passing(parts: Geometries, points: Geometries, tolerance: float) -> tuple[Ints, Floats]:
    """Where parts pass within ``tolerance`` of given points: (part, metres along it)."""
    point, part = shapely.STRtree(parts).query(points, predicate="dwithin", distance=tolerance)
    return part.astype("int64"), shapely.line_locate_point(parts[part], points[point])


def _crossings(parts: Geometries, level: Geometries) -> tuple[Ints, Floats]:
    """Where parts of one level cross or overlap: (part, metres along it), for both of each pair."""
    first, second = shapely.STRtree(parts).query(parts, predicate="intersects")
    pair = (first < second) & (level[first] == level[second])
    first, second = first[pair], second[pair]
    xy, which = shapely.get_coordinates(shapely.intersection(parts[first], parts[second]), return_index=True)
    points = shapely.points(xy)
    part = np.concatenate([first[which], second[which]])
    return part.astype("int64"), shapely.line_locate_point(parts[part], np.concatenate([points, points]))


def _cut(parts: Geometries, cut_part: Ints, cut_measure: Floats) -> tuple[Geometries, Ints]:
    """Parts cut at given metres along them: the pieces in order, and the part each came from."""
    if len(parts) == 0:
        return np.empty(0, dtype=object), np.empty(0, dtype="int64")
    part, xy, cut = _vertices_with_cuts(parts, cut_part, cut_measure)
    first = np.r_[True, part[1:] != part[:-1]]
    last = np.r_[part[1:] != part[:-1], True]
    inner = cut & ~first & ~last
    twice = np.repeat(np.arange(len(part)), np.where(inner, 2, 1))  # an inner cut ends one piece and starts the next
    second_copy = np.r_[False, twice[1:] == twice[:-1]]
    starts = first[twice] & ~second_copy | second_copy
    piece = np.cumsum(starts) - 1
    return np.asarray(shapely.linestrings(xy[twice], indices=piece)), part[twice][starts]


def _vertices_with_cuts(parts: Geometries, cut_part: Ints, cut_measure: Floats) -> tuple[Ints, Floats, Any]:
    """All vertices and cuts by part and metres along it, places nearer than a micrometre made one."""
    xy, part = shapely.get_coordinates(parts, return_index=True)
    step = np.r_[0.0, np.hypot(*np.diff(xy, axis=0).T)]
    step[np.r_[True, part[1:] != part[:-1]]] = 0.0
    total = np.cumsum(step)
    measure = total - total[np.searchsorted(part, part)]
    cut_xy = shapely.get_coordinates(shapely.line_interpolate_point(parts[cut_part], cut_measure))
    all_part, all_measure = np.r_[part, cut_part], np.r_[measure, cut_measure]
    all_xy, is_cut = np.r_[xy, cut_xy], np.r_[np.zeros(len(part), bool), np.ones(len(cut_part), bool)]
    order = np.lexsort((is_cut, all_measure, all_part))
    all_part, all_measure, all_xy, is_cut = all_part[order], all_measure[order], all_xy[order], is_cut[order]
    new = np.r_[True, (all_part[1:] != all_part[:-1]) | (np.diff(all_measure) > _SAME_PLACE_M)]
    group = np.cumsum(new) - 1
    any_cut = np.bincount(group, weights=is_cut) > 0
    # Of places made one the drawn vertex stays, so that lines sharing a vertex still share it.
    keep = np.lexsort((is_cut, group))
    keep = keep[np.r_[True, np.diff(group[keep]) > 0]]
    return all_part[keep].astype("int64"), all_xy[keep], any_cut


def _join_ends(shapes: Geometries, tolerance: float) -> tuple[Floats, Ints]:
    """Node positions sorted by x, then y, and the two nodes of each piece; ends within ``tolerance`` share one."""
    if len(shapes) == 0:
        return np.empty((0, 2)), np.empty((0, 2), dtype="int64")
    xy = np.stack([shapely.get_coordinates(shapely.get_point(shapes, k)) for k in (0, -1)], axis=1).reshape(-1, 2)
    places, place = np.unique(xy, axis=0, return_inverse=True)
    pairs = cKDTree(places).query_pairs(tolerance * (1 + 1e-9), output_type="ndarray")
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(places), len(places)))
    count, cluster = connected_components(links, directed=False)
    size = np.bincount(cluster, minlength=count)
    # The middle, counted from each cluster's first place: sums of large coordinates would lose digits.
    anchor = places[np.unique(cluster, return_index=True)[1]]
    offset = places - anchor[cluster]
    middle = anchor + np.stack([np.bincount(cluster, weights=offset[:, k], minlength=count) / size for k in (0, 1)], 1)
    order = np.lexsort((middle[:, 1], middle[:, 0]))
    rank = np.empty(count, dtype="int64")
    rank[order] = np.arange(count)
    return middle[order], rank[cluster[place.reshape(-1)]].reshape(-1, 2)


# --- graphs ---------------------------------------------------------------------------------------


def _ends(nodes: gpd.GeoDataFrame, edges: gpd.GeoDataFrame) -> tuple[Ints, Ints, Floats]:
    """Positions of each edge's nodes, and its length."""
    start, end = (nodes.index.get_indexer(edges[column]) for column in ("from_node", "to_node"))
    return start.astype("int64"), end.astype("int64"), edges["length_m"].to_numpy(dtype=float)


def _matrix(tail: Ints, head: Ints, cost: Floats, count: int) -> csr_matrix:
    """A sparse graph; of parallel edges the shortest, because the sparse format would add them up."""
    order = np.lexsort((cost, head, tail))
    tail, head, cost = tail[order], head[order], cost[order]
    shortest = np.r_[True, (np.diff(tail) != 0) | (np.diff(head) != 0)][: len(tail)]
    return csr_matrix((cost[shortest], (tail[shortest], head[shortest])), shape=(count, count))
