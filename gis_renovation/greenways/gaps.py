"""Where the slow-traffic network breaks off: gaps worth closing, found along streets and across nothing at all."""

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

from gis_renovation.arrays import Floats, Ints
from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError
from gis_renovation.networks import build_network, edge_graph, network_components, reach_tiles
from gis_renovation.unknowns import known_no, known_yes, optional_column, texts_as_objects

# Lengths that differ by less are equal: sums of the same pieces in another order.
_EQUAL_M = 1e-6

_COLUMNS = (
    "kind",
    "from_line",
    "to_line",
    "length_m",
    "slow_distance_m",
    "detour_ratio",
    "joins_pieces",
    "smaller_piece_length_m",
    "street_ids",
    "barrier_ids",
    "reason_zh",
    "reason_en",
    "geometry",
)


def find_greenway_gaps(
    slow_paths: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame | None = None,
    barriers: gpd.GeoDataFrame | None = None,
    *,
    min_detour_ratio: float = 1.5,
    limit_m: float = 1000.0,
    missing_m: float = 500.0,
    crossing_m: float = 40.0,
    kinds: tuple[str, ...] = (),
    walkways_count: bool = True,
    snap_m: float = 0.5,
) -> gpd.GeoDataFrame:
    """Gaps in the slow-traffic network, each with what it would join and the detour it would save.

    The slow network is the paths and, unless ``walkways_count`` is off, the streets known to have a
    walkway. A **gap along streets** lies between two places where it meets other streets: the shortest
    way between them uses such streets only, meets no other such place, and staying on the slow network is
    at least ``min_detour_ratio`` times as far or impossible. A **missing link** lies between a path's dead
    end and the nearest part of the slow network that all drawn lines together reach only by such a
    detour. Which gaps to close, in which order and at what cost is not decided here, nor whether a
    missing link can be built.

    Parameters
    ----------
    slow_paths, streets
        Lines, project CRS in metres. Paths known to be closed to the public and expressways without a
        known walkway are left out; other streets count whether or not they have a walkway, because
        the question is where a path could go.
    barriers
        Lines or polygons that a gap may cross (river, railway, ...). None: not examined.
    min_detour_ratio
        How many times farther the way on slow paths must be. 1.5 is what Vybornova et al. (2023,
        Geographical Analysis 55: 239-267) use for bicycle networks.
    limit_m
        Longest gap along streets to look for, metres.
    missing_m
        Longest missing link, straight metres; 500 m is the ten-minute circle (TD/T 1062-2021).
    crossing_m
        A gap up to this length is a crossing: about the width of an arterial with its margins, metres.
    kinds
        Kinds of slow path that make the network; empty for all. ``("greenway",)`` with ``walkways_count`` off
        asks where the greenway itself breaks off.
    walkways_count
        Whether a street known to have a walkway is part of the slow network.
    snap_m
        Gap in the drawing that still joins two lines, metres.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``greenway_gaps`` (lines along the streets, or straight for a missing link), indexed by ``gap_id``
        (``<line>~<line>``, numbered where two lines have several gaps) and sorted by it. ``kind``: ``barrier``
        if it crosses one, else ``crossing`` if it is short and on or over a street, else ``street`` or
        ``missing``. ``slow_distance_m`` and ``detour_ratio`` are unknown where the slow network does not
        join the two ends at all, a gap that ``joins_pieces``; ``smaller_piece_length_m`` is the length of
        network it would tie to the rest then. No paths or no gaps: an empty frame with the same columns.

    Raises
    ------
    CRSError
        The layers do not share one projected CRS in metres.
    ConfigError
        A length is not above 0 or ``min_detour_ratio`` is below 1.

    Notes
    -----
    O(c E_l log E_l) for c contacts of path and street with E_l edges within ``limit_m``, searched tile by
    tile, so that memory does not grow with the square of the city; the detours of the gaps found are
    searched without limit.
    """
    require_metric(slow_paths=slow_paths, streets=streets, barriers=barriers)
    _require_options(min_detour_ratio, limit_m=limit_m, missing_m=missing_m)
    lines = _lines(slow_paths, streets, kinds, walkways_count=walkways_count)
    nodes, edges = build_network(lines, snap_m=snap_m)
    edges["slow"] = edges["line_id"].map(lines["slow"]).astype(bool)
    for end in ("from", "to"):
        edges[end] = nodes.index.get_indexer(edges[f"{end}_node"])
    gaps = pd.concat(
        [
            _street_gaps(nodes, edges, min_detour_ratio, limit_m),
            _missing_links(nodes, edges, min_detour_ratio, missing_m, snap_m),
        ],
        ignore_index=True,
    )
    gaps = _with_pieces(gaps, nodes, edges)
    gaps["barrier_ids"] = _crossed(gaps, barriers)
    short = (gaps["length_m"] <= crossing_m) & (gaps["kind"].eq("street") | _meets(gaps, edges[~edges["slow"]]))
    gaps["kind"] = np.select([gaps["barrier_ids"].notna(), short], ["barrier", "crossing"], gaps["kind"]).astype(object)
    return _finished(gaps, slow_paths.crs)


def _require_options(min_detour_ratio: float, **lengths_m: float) -> None:
    """Raise ConfigError naming every option out of range."""
    wrong = [f"{name} = {value:g}" for name, value in lengths_m.items() if not value > 0]
    if not min_detour_ratio >= 1:
        wrong.append(f"min_detour_ratio = {min_detour_ratio:g}")
    if wrong:
        raise ConfigError(
            f"[greenway_gaps] 长度应大于 0 m，min_detour_ratio 应不小于 1；现为 {'，'.join(wrong)}。",
            f"[greenway_gaps] lengths must be above 0 m, min_detour_ratio at least 1; found {', '.join(wrong)}.",
        )


def _lines(
    slow_paths: gpd.GeoDataFrame, streets: gpd.GeoDataFrame | None, kinds: tuple[str, ...], *, walkways_count: bool
) -> gpd.GeoDataFrame:
    """Paths and streets a path could follow, ids marked ``path/`` and ``street/``; ``slow`` marks the slow network."""
    kept = ~known_no(slow_paths, "public")
    if kinds:
        kept &= optional_column(slow_paths, "kind").isin(kinds).to_numpy()
    chosen = [("path", slow_paths[kept])]
    if streets is not None:
        expressway = optional_column(streets, "class").eq("expressway") & ~known_yes(streets, "walkway")
        chosen.append(("street", streets[~expressway]))
    parts = [
        gpd.GeoDataFrame(
            {
                "level": optional_column(layer, "level").to_numpy(dtype=object),
                "slow": np.full(len(layer), name == "path") | (known_yes(layer, "walkway") & walkways_count),
            },
            geometry=layer.geometry.to_numpy(),
            index=pd.Index([f"{name}/{key}" for key in layer.index], dtype="object"),
            crs=slow_paths.crs,
        )
        for name, layer in chosen
    ]
    return gpd.GeoDataFrame(pd.concat(parts), crs=slow_paths.crs)


# --- gaps along streets ---------------------------------------------------------------------------


def _street_gaps(
    nodes: gpd.GeoDataFrame, edges: gpd.GeoDataFrame, min_detour_ratio: float, limit_m: float
) -> pd.DataFrame:
    """Ways along streets alone between contacts of path and street, with the detour on paths."""
    count, xy = len(nodes), shapely.get_coordinates(nodes.geometry.to_numpy())
    slow, grey = edges[edges["slow"]], edges[~edges["slow"]]
    contact = np.intersect1d(_ends(slow), _ends(grey))
    # Contacts may be left and entered but not passed: their way out starts from a copy of theirs.
    copy_of = np.arange(count)
    copy_of[contact] = count + np.arange(len(contact))
    graphs = (
        edge_graph(edges, count),
        edge_graph(slow, count),
        _one_way_graph(grey, copy_of, count + len(contact)),
    )
    found: list[tuple[int, int, list[int]]] = []
    for block, inside in reach_tiles(xy, contact, min_detour_ratio * limit_m):
        found += _gaps_in_tile(graphs, contact, block, inside, min_detour_ratio, limit_m)
    ways = pd.DataFrame(found, columns=["start", "end", "way"]).astype({"start": "int64", "end": "int64"})
    return _along_edges(ways, grey, graphs[1], xy)


def _gaps_in_tile(
    graphs: tuple[csr_matrix, csr_matrix, csr_matrix],
    contact: Ints,
    block: Ints,
    inside: Ints,
    min_detour_ratio: float,
    limit_m: float,
) -> list[tuple[int, int, list[int]]]:
    """Start, end and way of the gaps from the contacts of ``block``, searched among the nodes ``inside``."""
    everything, on_slow, along_streets = graphs
    at = np.flatnonzero(np.isin(contact, inside))
    goal = np.searchsorted(inside, contact[at])
    start = np.searchsorted(inside, block)
    leave = len(inside) + np.searchsorted(contact[at], block)
    by_any = dijkstra(_part(everything, inside), indices=start, limit=limit_m)[:, goal]
    streets = _part(along_streets, np.r_[inside, everything.shape[0] + at])
    by_street, before = dijkstra(streets, indices=leave, limit=limit_m, return_predecessors=True)
    length = by_street[:, goal]
    # No longer than the shortest way at all, so a shortest way: then it is one along streets alone.
    row, column = np.nonzero(np.isfinite(length) & (length <= by_any + _EQUAL_M) & (block[:, None] < contact[at]))
    length = length[row, column]
    slow_limit_m = min_detour_ratio * limit_m
    by_slow = dijkstra(_part(on_slow, inside), indices=start, limit=slow_limit_m)[row, goal[column]]
    gap = (by_slow >= min_detour_ratio * length - _EQUAL_M) & (length > _EQUAL_M)
    original = np.r_[inside, contact[at]]
    return [
        (int(block[r]), int(contact[at[c]]), original[_way_back(before[r], int(goal[c]))].tolist())
        for r, c in zip(row[gap], column[gap], strict=True)
    ]


def _part(graph: csr_matrix, inside: Ints) -> csr_matrix:
    """The graph among some of its nodes."""
    return graph[inside][:, inside]


def _ends(edges: gpd.GeoDataFrame) -> Ints:
    return np.unique(edges[["from", "to"]].to_numpy(dtype="int64"))


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


# --- missing links --------------------------------------------------------------------------------


def _missing_links(
    nodes: gpd.GeoDataFrame, edges: gpd.GeoDataFrame, min_detour_ratio: float, missing_m: float, snap_m: float
) -> pd.DataFrame:
    """From each dead end of the paths to the nearest path that is near in a straight line but not by any way."""
    slow = edges[edges["slow"]].reset_index(drop=True)
    count = len(nodes)
    of_path = slow["line_id"].astype(str).str.startswith("path/")
    degree = np.bincount(slow[["from", "to"]].to_numpy("int64").ravel(), minlength=count)
    dead_end = np.intersect1d(np.flatnonzero(degree == 1), _ends(slow[of_path]))
    points, shapes = nodes.geometry.to_numpy()[dead_end], slow.geometry.to_numpy()
    end, edge = shapely.STRtree(shapes).query(points, predicate="dwithin", distance=missing_m)
    pairs = pd.DataFrame({"node": dead_end[end], "edge": edge, "line": slow["line_id"].to_numpy(dtype=object)[edge]})
    pairs["from"], pairs["to"] = slow["from"].to_numpy()[edge], slow["to"].to_numpy()[edge]
    pairs["straight_m"] = shapely.distance(points[end], shapes[edge])
    pairs["measure_m"] = shapely.line_locate_point(shapes[edge], points[end])
    pairs["rest_m"] = slow["length_m"].to_numpy()[edge] - pairs["measure_m"]
    pairs = pairs[pairs["straight_m"] > max(snap_m, _EQUAL_M)].reset_index(drop=True)
    xy = shapely.get_coordinates(nodes.geometry.to_numpy())
    by_any = _ways_to_edges(pairs, edge_graph(edges, count), xy, min_detour_ratio * missing_m)
    pairs = pairs[by_any >= min_detour_ratio * pairs["straight_m"] - _EQUAL_M]
    pairs = pairs.sort_values(["node", "straight_m", "line"]).drop_duplicates("node")
    pairs = pairs.sort_values(["straight_m", "node"]).reset_index(drop=True)
    place = shapely.line_interpolate_point(shapes[pairs["edge"]], pairs["measure_m"].to_numpy())
    keep = _worth_building(pairs, edges, np.r_[xy, shapely.get_coordinates(place)], min_detour_ratio, missing_m)
    pairs, place = pairs[keep], place[keep]
    by_slow = _ways_to_edges(pairs, edge_graph(slow, count), xy, np.inf)
    # Aimed at another line's end, a link ends in that node; otherwise in the middle of a line.
    near_end = pairs[["measure_m", "rest_m"]].min(axis="columns") <= max(snap_m, _EQUAL_M)
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


def _worth_building(
    pairs: pd.DataFrame, edges: gpd.GeoDataFrame, xy: Floats, min_detour_ratio: float, missing_m: float
) -> NDArray[np.bool_]:
    """Which links, the shortest first, still save their detour once the shorter ones are built.

    Without this each far end of a broken path would ask for a link of its own over the same gap.
    ``pairs`` come shortest first; ``xy`` are the nodes and then the places the links aim at.
    """
    near = _ways_between_ends(pairs, edges, xy, min_detour_ratio * missing_m)
    built: dict[int, list[tuple[int, float]]] = {}
    keep = np.zeros(len(pairs), dtype=bool)
    for k, metres in enumerate(pairs["straight_m"].to_numpy()):
        bound = min_detour_ratio * metres - _EQUAL_M
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
    graph = _part(edge_graph(pd.concat(joints), len(xy)), by_x)
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
        table = dijkstra(_part(graph, inside), indices=np.searchsorted(inside, block), limit=limit_m)
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
        table = dijkstra(_part(graph, inside), indices=np.searchsorted(inside, block), limit=limit_m)
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


# --- what a gap joins -----------------------------------------------------------------------------


def _with_pieces(gaps: pd.DataFrame, nodes: gpd.GeoDataFrame, edges: gpd.GeoDataFrame) -> pd.DataFrame:
    """The gaps with the paths at their ends, whether they join separate pieces, and the smaller piece's length."""
    slow = edges[edges["slow"]].sort_values("line_id")
    piece = network_components(nodes, slow).to_numpy(dtype=object)
    slow_piece = piece[slow["from"].to_numpy(dtype="int64")]
    length = slow["length_m"].groupby(slow_piece).sum()
    line_at = pd.concat([slow.set_index("from")["line_id"], slow.set_index("to")["line_id"]])
    line_at = line_at.groupby(level=0).min()
    piece_of_line = pd.Series(slow_piece, index=slow["line_id"].to_numpy(dtype=object), dtype="object")
    piece_of_line = piece_of_line[~piece_of_line.index.duplicated()]
    gaps["from_line"] = gaps["start"].map(line_at)
    on_line = gaps["end"] < 0  # a missing link that ends in the middle of a path
    gaps["to_line"] = gaps["end"].map(line_at).astype("object").where(~on_line, gaps["line"])
    ends = [gaps["from_line"].map(piece_of_line), gaps["to_line"].map(piece_of_line)]
    smaller = pd.concat([end.map(length) for end in ends], axis="columns").min(axis="columns").astype("float64")
    gaps["joins_pieces"] = gaps["slow_distance_m"].isna()
    gaps["smaller_piece_length_m"] = smaller.where(gaps["joins_pieces"])
    for name in ("from_line", "to_line"):
        gaps[name] = gaps[name].astype("object").map(lambda line: str(line).partition("/")[2])
    return gaps


def _meets(gaps: pd.DataFrame, streets: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Whether each gap crosses or follows one of the streets."""
    shapes = gaps["geometry"].to_numpy(dtype=object)
    gap, _ = shapely.STRtree(streets.geometry.to_numpy()).query(shapes, predicate="intersects")
    return np.isin(np.arange(len(gaps)), gap)


def _crossed(gaps: pd.DataFrame, barriers: gpd.GeoDataFrame | None) -> pd.Series[Any]:
    """Ids of the barriers each gap crosses, joined; None where none is known."""
    ids = pd.Series(None, index=gaps.index, dtype="object")
    if barriers is None or len(barriers) == 0 or len(gaps) == 0:
        return ids
    tree = shapely.STRtree(barriers.geometry.to_numpy())
    gap, barrier = tree.query(gaps["geometry"].to_numpy(dtype=object), predicate="intersects")
    names = pd.Series(barriers.index.to_numpy(dtype=object)[barrier].astype(str)).groupby(gap)
    ids.iloc[sorted(set(gap))] = names.agg(lambda found: "、".join(sorted(set(found)))).to_numpy(dtype=object)
    return ids


def _finished(gaps: pd.DataFrame, crs: Any) -> gpd.GeoDataFrame:
    """Ids, detours, reasons; columns in order, sorted by id."""
    swapped = gaps["from_line"] > gaps["to_line"]
    gaps.loc[swapped, ["from_line", "to_line"]] = gaps.loc[swapped, ["to_line", "from_line"]].to_numpy()
    gaps["detour_ratio"] = gaps["slow_distance_m"] / gaps["length_m"]
    corner = shapely.bounds(gaps["geometry"].to_numpy(dtype=object)) if len(gaps) else np.empty((0, 4))
    gaps = gaps.assign(x=corner[:, 0], y=corner[:, 1]).sort_values(["from_line", "to_line", "x", "y", "length_m"])
    pair = (gaps["from_line"] + "~" + gaps["to_line"]).astype("object")
    number = pair.groupby(pair).cumcount() + 1
    gaps.index = pd.Index(pair.where(number == 1, pair + "#" + number.astype(str)), name="gap_id", dtype="object")
    reasons = [_reason(row) for row in gaps.itertuples()]
    gaps["reason_zh"] = pd.Series([zh for zh, _ in reasons], index=gaps.index, dtype="object")
    gaps["reason_en"] = pd.Series([en for _, en in reasons], index=gaps.index, dtype="object")
    gaps = gaps.astype({"length_m": "float64", "slow_distance_m": "float64", "joins_pieces": "bool"})
    shapes = gaps["geometry"].to_numpy(dtype=object)
    table = texts_as_objects(gaps[[name for name in _COLUMNS if name != "geometry"]])
    return gpd.GeoDataFrame(table, geometry=shapes, crs=crs).sort_index()


def _reason(row: Any) -> tuple[str, str]:
    """What the gap is and why it matters, in Chinese and English."""
    where = {
        "barrier": ("跨越阻隔处缺少慢行道", "Slow paths break off at a barrier"),
        "crossing": ("过街处慢行道中断", "Slow paths break off at a crossing"),
        "street": ("沿街缺少慢行道", "No slow path along the street"),
        "missing": ("断头与相邻慢行道之间没有道路连接", "A dead end and the path beside it are not linked"),
    }[row.kind]
    if row.joins_pieces:
        tail = (
            f"补上可把 {row.smaller_piece_length_m:.0f} m 慢行道接入网络",
            f"closing it ties {row.smaller_piece_length_m:.0f} m of path to the rest",
        )
    else:
        tail = (
            f"现沿慢行道须绕行 {row.slow_distance_m:.0f} m（{row.detour_ratio:.1f} 倍）",
            f"on slow paths it is {row.slow_distance_m:.0f} m now ({row.detour_ratio:.1f} times)",
        )
    return f"{where[0]}，长 {row.length_m:.0f} m；{tail[0]}。", f"{where[1]}, {row.length_m:.0f} m; {tail[1]}."
