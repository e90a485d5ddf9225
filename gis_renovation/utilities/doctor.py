"""What is wrong with how utility lines and points are drawn: each fault with its place and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from gis_renovation.arrays import Flags, Floats, Geometries, Words
from gis_renovation.crs import require_metric
from gis_renovation.ids import sorted_by_id
from gis_renovation.unknowns import optional_column, texts_as_objects
from gis_renovation.utilities.network import SOURCE_KINDS, may_carry
from gis_renovation.words import Text

# Points at which a line may well end: what it feeds, what feeds it, and where a drain begins.
_ENDS = ("source", "inlet", "outfall", "hydrant", "transformer", "cabinet", "manhole")
# Coordinates are compared to the millimetre, finer than any survey.
_SAME_M = 0.001

_PROPOSALS = {
    "self_loop": Text("核对起止点号：起点与终点相同", "Check the ends: the line ends where it starts"),
    "tiny_line": Text("与相邻管段合并，或核对坐标", "Merge it with its neighbour, or check the coordinates"),
    "long_line": Text("核对中间是否漏测管点", "Check for points left out on the way"),
    "duplicate_line": Text("保留一条，删去重复的", "Keep one and delete the other"),
    "reversed_line": Text("正反方向各录了一次；按流向保留一条", "Drawn once each way; keep the one along the flow"),
    "near_miss": Text("端点差一点没接上；现场核对后接上", "The end stops just short; check on site, join it"),
    "dangling_end": Text(
        "端点没有接到任何管线；核对是否漏测或预留口", "The end meets nothing; something left out, or a stub?"
    ),
    "crossing": Text(
        "相交而无管点；核对是上下穿越还是漏了连接点", "Lines cross without a point: one above, or a joint left out?"
    ),
    "unused_node": Text(
        "管点不在任何管线上；核对坐标或删去", "The point is on no line; check the coordinates or delete it"
    ),
    "unused_valve": Text(
        "阀门不在任何管线上，关阀时不计；核对坐标", "The valve is on no line and closes nothing; check its place"
    ),
    "repeated_node": Text("同一位置有两个管点；合并为一个", "Two points at one place; make them one"),
}


class _Faults(NamedTuple):
    """Faults of one kind: the place, the line or point it is of, the other one it meets, and a distance or length."""

    kind: str
    xy: Floats
    line: Words | None
    node: Words | None
    other: Words | None
    metres: Floats


class _Drawn(NamedTuple):
    """Lines and points of one network; ``ends`` are the first and last places of each line, in that order."""

    line: Words
    shapes: Geometries
    ends: Floats
    node: Words
    kind: Words
    places: Floats


def check_utility_topology(
    utility_lines: gpd.GeoDataFrame,
    utility_nodes: gpd.GeoDataFrame,
    *,
    snap_m: float = 0.5,
    near_miss_m: float = 2.0,
    longest_line_m: float | None = None,
) -> gpd.GeoDataFrame:
    """Faults in how each network is drawn, each with its place and a proposal; nothing is changed.

    Lines that repeat each other or end where they start, ends that meet nothing or stop just short, crossings
    without a point, points on no line or twice at one place. Lines in use and of unknown status are looked at, each
    network by itself: pipes of different networks may cross. Heights and slopes are not looked at.

    Parameters
    ----------
    utility_lines, utility_nodes
        Lines and points, one projected CRS in metres, indexed by id; ``network``, ``status``, ``kind``.
    snap_m
        Ends nearer than this meet, and a line shorter than this is tiny, metres.
    near_miss_m
        An end that meets nothing and lies nearer than this to another line stops just short of it, metres.
    longest_line_m
        Longer straight stretches between two places are told, metres; None: none is too long. Surveys go by 75 m.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``utility_faults``: points, indexed by ``fault_id`` and sorted by it. Clean data: no row.

    Raises
    ------
    CRSError
        The layers do not share one projected CRS in metres.
    DataError
        Ids missing, repeated, or forgotten in a column.

    Notes
    -----
    O((n + k) log n) for n vertices of lines and points and k pairs that meet.

    Examples
    --------
    A branch that stops 80 cm short of its main:

    >>> from shapely import LineString, Point
    >>> pipes = gpd.GeoDataFrame(
    ...     {"network": "water"},
    ...     geometry=[LineString([(0, 0), (100, 0)]), LineString([(50, 0.8), (50, 40)])],
    ...     index=["main", "branch"], crs="EPSG:4548",
    ... )
    >>> points = gpd.GeoDataFrame(
    ...     {"network": "water", "kind": ["source", "inlet", "inlet"]},
    ...     geometry=[Point(0, 0), Point(100, 0), Point(50, 40)], index=["S", "A", "B"], crs="EPSG:4548",
    ... )
    >>> check_utility_topology(pipes, points)[["kind", "line_id", "other_id", "metres"]]
                           kind line_id other_id  metres
    fault_id
    water/near_miss/1 near_miss  branch     main     0.8
    """
    require_metric(utility_lines=utility_lines, utility_nodes=utility_nodes)
    lines = sorted_by_id(utility_lines, "utility_lines")
    lines = lines[may_carry(lines)]
    nodes = sorted_by_id(utility_nodes, "utility_nodes")
    found = [_rows("", [])]
    for name in SOURCE_KINDS:
        drawn = _drawn(lines[(lines["network"] == name)], nodes[(nodes["network"] == name)])
        faults = [*_of_single_lines(drawn, snap_m, longest_line_m), *_twice(drawn), *_of_nodes(drawn, snap_m)]
        faults += [*_loose_ends(drawn, snap_m, near_miss_m), *_crossings(drawn, snap_m)]
        found.append(_rows(name, faults))
    table = pd.concat([part for part in found if len(part)] or found)
    shapes = table.pop("geometry").to_numpy()
    return gpd.GeoDataFrame(texts_as_objects(table), geometry=shapes, crs=utility_lines.crs).sort_index()


def _drawn(lines: gpd.GeoDataFrame, nodes: gpd.GeoDataFrame) -> _Drawn:
    single = lines.explode()
    shapes = single.geometry.to_numpy()
    ends = np.stack([shapely.get_coordinates(shapely.get_point(shapes, k)) for k in (0, -1)], axis=1)
    return _Drawn(
        single.index.to_numpy(dtype=object),
        shapes,
        ends,
        nodes.index.to_numpy(dtype=object),
        optional_column(nodes, "kind").to_numpy(dtype=object),
        shapely.get_coordinates(nodes.geometry.to_numpy()),
    )


def _of_single_lines(drawn: _Drawn, snap_m: float, longest_m: float | None) -> Iterator[_Faults]:
    length = shapely.length(drawn.shapes)
    loop = np.hypot(*(drawn.ends[:, 0] - drawn.ends[:, 1]).T) <= _SAME_M
    cases = {"self_loop": loop, "tiny_line": ~loop & (length < snap_m)}
    if longest_m is not None:
        xy, line = shapely.get_coordinates(drawn.shapes, return_index=True)
        step = np.where(np.diff(line) == 0, np.hypot(*np.diff(xy, axis=0).T), 0.0)
        stretch = np.zeros(len(drawn.line))
        np.maximum.at(stretch, line[:-1], step)
        cases["long_line"] = stretch > longest_m
    for kind, rows in cases.items():
        middle = shapely.get_coordinates(shapely.line_interpolate_point(drawn.shapes[rows], 0.5, normalized=True))
        yield _Faults(kind, middle, drawn.line[rows], None, None, length[rows])


def _twice(drawn: _Drawn) -> Iterator[_Faults]:
    """Lines that have the course of one before them, the same way round or the other."""
    rounded = shapely.set_precision(drawn.shapes, _SAME_M, mode="pointwise")
    course = pd.Series(shapely.to_wkb(shapely.normalize(rounded)))
    first = course.groupby(course).transform(lambda same: same.index[0]).to_numpy(dtype="int64")
    again = np.flatnonzero(first != np.arange(len(first)))
    turned = np.hypot(*(drawn.ends[again, 0] - drawn.ends[first[again], 0]).T) > 2 * _SAME_M
    for kind, rows in (("duplicate_line", again[~turned]), ("reversed_line", again[turned])):
        middle = shapely.get_coordinates(shapely.line_interpolate_point(drawn.shapes[rows], 0.5, normalized=True))
        yield _Faults(kind, middle, drawn.line[rows], None, drawn.line[first[rows]], shapely.length(drawn.shapes[rows]))


def _of_nodes(drawn: _Drawn, snap_m: float) -> Iterator[_Faults]:
    points = np.atleast_1d(np.asarray(shapely.points(drawn.places), dtype=object))
    on_line = np.unique(shapely.STRtree(drawn.shapes).query(points, predicate="dwithin", distance=snap_m)[0])
    unused = ~np.isin(np.arange(len(points)), on_line)
    valve = drawn.kind == "valve"
    for kind, rows in (("unused_node", unused & ~valve), ("unused_valve", unused & valve)):
        yield _Faults(kind, drawn.places[rows], None, drawn.node[rows], None, np.full(int(rows.sum()), np.nan))
    pairs = cKDTree(drawn.places).query_pairs(_SAME_M, output_type="ndarray") if len(points) else np.empty((0, 2), int)
    pairs = pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))]
    later, first = np.unique(pairs[:, 1], return_index=True)
    other = drawn.node[pairs[first, 0]]
    yield _Faults("repeated_node", drawn.places[later], None, drawn.node[later], other, np.zeros(len(later)))


def _loose_ends(drawn: _Drawn, snap_m: float, near_m: float) -> Iterator[_Faults]:
    """Ends that meet no other line and no point at which a line may end; of those, which stop just short."""
    places = drawn.ends.reshape(-1, 2)
    owner = np.repeat(np.arange(len(drawn.line)), 2)
    points = np.atleast_1d(np.asarray(shapely.points(places), dtype=object))
    tree = shapely.STRtree(drawn.shapes)
    at, line = tree.query(points, predicate="dwithin", distance=snap_m)
    loose = ~np.isin(np.arange(len(points)), at[line != owner[at]])
    loose &= ~(np.hypot(*(drawn.ends[:, 0] - drawn.ends[:, 1]).T) <= _SAME_M)[owner]
    goals = drawn.places[np.isin(drawn.kind, _ENDS)]
    if len(goals) and len(places):
        loose &= cKDTree(goals).query(places)[0] > snap_m
    at, line = tree.query(points[loose], predicate="dwithin", distance=max(near_m, snap_m))
    at = np.flatnonzero(loose)[at]
    at, line = at[line != owner[at]], line[line != owner[at]]
    gap = shapely.distance(points[at], drawn.shapes[line])
    order = np.lexsort((line, gap, at))
    at, line, gap = at[order], line[order], gap[order]
    first = np.unique(at, return_index=True)[1]
    at, line, gap = at[first], line[first], gap[first]
    yield _Faults("near_miss", places[at], drawn.line[owner[at]], None, drawn.line[line], gap)
    rest = np.setdiff1d(np.flatnonzero(loose), at)
    yield _Faults("dangling_end", places[rest], drawn.line[owner[rest]], None, None, np.full(len(rest), np.nan))


def _crossings(drawn: _Drawn, snap_m: float) -> Iterator[_Faults]:
    """Where two lines cross away from their ends and no point stands."""
    first, second = shapely.STRtree(drawn.shapes).query(drawn.shapes, predicate="crosses")
    first, second = first[first < second], second[first < second]
    xy, pair = shapely.get_coordinates(
        shapely.intersection(drawn.shapes[first], drawn.shapes[second]), return_index=True
    )
    first, second = first[pair], second[pair]
    apart = _far(xy, drawn.places, snap_m)
    for line in (first, second):
        for k in (0, 1):
            apart &= np.hypot(*(drawn.ends[line, k] - xy).T) > snap_m
    first, second, xy = first[apart], second[apart], xy[apart]
    yield _Faults("crossing", xy, drawn.line[first], None, drawn.line[second], np.zeros(len(xy)))


def _far(xy: Floats, places: Floats, distance_m: float) -> Flags:
    if len(places) == 0 or len(xy) == 0:
        return np.ones(len(xy), dtype=bool)
    return np.asarray(cKDTree(places).query(xy)[0] > distance_m)


def _rows(name: str, faults: list[_Faults]) -> pd.DataFrame:
    """The rows of one network; faults of a kind are numbered in the order of their lines and points."""
    columns: dict[str, list[object]] = {
        key: [] for key in ("kind", "line_id", "node_id", "other_id", "metres", "geometry")
    }
    ids: list[str] = []
    for fault in faults:
        count = len(fault.xy)
        ids += [f"{name}/{fault.kind}/{k:0{len(str(count))}d}" for k in range(1, count + 1)]
        columns["kind"] += [fault.kind] * count
        for key, values in (("line_id", fault.line), ("node_id", fault.node), ("other_id", fault.other)):
            columns[key] += [None] * count if values is None else [str(value) for value in values]
        columns["metres"] += list(fault.metres)
        columns["geometry"] += list(np.atleast_1d(np.asarray(shapely.points(fault.xy), dtype=object)))
    told = [_PROPOSALS[str(kind)] for kind in columns["kind"]]
    table = pd.DataFrame(
        {
            "network": pd.Series(name, index=range(len(ids)), dtype="object"),
            **{key: pd.Series(columns[key], dtype="object") for key in ("kind", "line_id", "node_id", "other_id")},
            "metres": pd.Series(columns["metres"], dtype="float64"),
            "proposal_zh": pd.Series([text.zh for text in told], dtype="object"),
            "proposal_en": pd.Series([text.en for text in told], dtype="object"),
            "geometry": pd.Series(columns["geometry"], dtype="object"),
        }
    )
    table.index = pd.Index(ids, name="fault_id", dtype="object")
    return table
