"""Which communities are neighbours, across which gap, cut by what and joined again by what.

连片改造 needs neighbours, and compounds behind walls never quite touch: two communities are neighbours
when the gap between their edges is at most ``max_gap_m``. A river, railway, expressway, arterial or wall
cuts the link when it blocks *every* way across that gap; a bridge, underpass, gate or level crossing
joins it again at the price of the walk to it. County borders always cut, because each county reports and
pays for its own communities.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError, DataError, Finding, Text
from gis_renovation.schemas import layer_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]
Flags = NDArray[np.bool_]
Geometries = NDArray[Any]

# A part of a community behind a barrier counts as the community only from this share of its area on;
# less is how far rivers and railways are drawn over the edge of a compound by mistake.
MAIN_PART_SHARE = 0.1
# Geometry rows handled at once by each thread; keeps what is in flight small and the cores even.
CHUNK_ROWS = 4_096


class NearbyPairs(NamedTuple):
    """Pairs of row positions with ``first < second`` in lexicographic order, and the gap of each in metres."""

    first: Positions
    second: Positions
    gap_m: Floats


def nearby_pairs(
    geometry: gpd.GeoSeries | gpd.GeoDataFrame | Geometries, *, max_gap_m: float, threads: int = 2
) -> NearbyPairs:
    """All pairs of polygons whose edges are at most ``max_gap_m`` apart, each once, with the exact gap.

    Boxes decide first; GEOS measures only the pairs whose boxes are near enough, on ``threads``
    threads (shapely releases the interpreter lock). Polygons that touch, overlap or hold one another
    have gap 0. Missing and empty geometry has no neighbour.

    Parameters
    ----------
    geometry
        Polygons or multipolygons in one projected CRS in metres (an array carries no CRS and is trusted).
    max_gap_m
        The bound, inclusive: a pair exactly this far apart is in.
    threads
        Threads that measure; the answer does not depend on it.

    Returns
    -------
    NearbyPairs
        Positions in ``geometry``; empty arrays for none or one polygon.

    Raises
    ------
    ConfigError
        ``max_gap_m`` is negative or not finite.
    CRSError
        A layer whose CRS is missing, geographic or not in metres.

    Notes
    -----
    O(n log n + candidates). Boxes, then boxes turned by 45 degrees, then GEOS's unprepared distance:
    at twenty corners a polygon, preparing costs more than it saves.
    """
    _require_length("max_gap_m", max_gap_m)
    if isinstance(geometry, gpd.GeoSeries | gpd.GeoDataFrame):
        require_metric(geometry=geometry)
        geometry = np.asarray(geometry.geometry.to_numpy(), dtype=object)
    outlines = _outlines(geometry, max_gap_m)
    if len(outlines.shape) == 0:
        return NearbyPairs(np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp), np.zeros(0))

    def measure(one: Positions, other: Positions) -> tuple[Positions, Positions, Floats]:
        gap_m = shapely.distance(outlines.shape[one], outlines.shape[other])
        near = gap_m <= max_gap_m
        return outlines.row[one[near]], outlines.row[other[near]], gap_m[near]

    # The main thread looks for candidates (that holds the interpreter) while the others measure.
    with ThreadPoolExecutor(max_workers=max(threads, 1)) as pool:
        jobs = [pool.submit(measure, one, other) for one, other in _candidates(outlines, max_gap_m)]
        one, other, gap_m = (np.concatenate(column) for column in zip(*(j.result() for j in jobs), strict=True))
    first, second = np.minimum(one, other), np.maximum(one, other)
    order = np.argsort(first * len(geometry) + second)
    return NearbyPairs(first[order], second[order], gap_m[order])


class _Outlines(NamedTuple):
    """Polygons in the order of a space-filling curve, so that neighbours lie close in memory's use too.

    ``row`` is where each came from; ``slack_m`` covers the rounding of sums of coordinates.
    """

    row: Positions
    shape: Geometries
    bounds: Floats
    slack_m: float


def _outlines(geometry: Geometries, max_gap_m: float) -> _Outlines:
    """The polygons that have coordinates, sorted along a Z-order curve over their boxes' centres."""
    bounds = shapely.bounds(geometry)
    row = np.flatnonzero(np.isfinite(bounds).all(axis=1))
    bounds = bounds[row]
    if not len(row):
        return _Outlines(row, geometry[row], bounds, 0.0)
    middle = bounds[:, :2] + bounds[:, 2:]
    corner = middle.min(axis=0)
    cell = ((middle - corner) * (65535.0 / max(float((middle - corner).max()), 1e-9))).astype(np.uint64)
    order = np.argsort(_spread_bits(cell[:, 0]) | (_spread_bits(cell[:, 1]) << np.uint64(1)), kind="stable")
    slack_m = 16.0 * float(np.spacing(np.abs(bounds).max() + max_gap_m))
    return _Outlines(row[order], geometry[row[order]], bounds[order], slack_m)


def _spread_bits(number: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The 16 low bits with a gap of one bit after each, half of a Morton code."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        number = (number | (number << np.uint64(shift))) & np.uint64(mask)
    return number


def _candidates(outlines: _Outlines, max_gap_m: float) -> Iterator[tuple[Positions, Positions]]:
    """Pairs, each once, whose upright boxes and boxes turned by 45 degrees are both within reach.

    The turned boxes spare a third of the measuring: compounds that meet only corner to corner.
    """
    count = len(outlines.shape)
    tree = shapely.STRtree(outlines.shape)
    reach, turned_reach = max_gap_m + outlines.slack_m, max_gap_m * math.sqrt(2.0) + 2.0 * outlines.slack_m
    low, high = np.empty((2, count)), np.empty((2, count))
    for start in range(0, count, CHUNK_ROWS):
        rows = slice(start, min(start + CHUNK_ROWS, count))
        low[:, rows], high[:, rows] = _turned_extents(outlines.shape[rows])
        bounds = outlines.bounds[rows]
        # A diagonal has the same box as the rectangle and is cheaper to build.
        diagonals = shapely.linestrings(np.stack([bounds[:, :2] - reach, bounds[:, 2:] + reach], axis=1))
        one, other = tree.query(diagonals)
        one += start
        # Only earlier ones: each pair once, and their extents are known.
        one, other = one[other < one], other[other < one]
        near = (low[:, one] - high[:, other] <= turned_reach) & (low[:, other] - high[:, one] <= turned_reach)
        near = near.all(axis=0)
        yield one[near], other[near]


def _turned_extents(shapes: Geometries) -> tuple[Floats, Floats]:
    """Least and greatest x + y and x - y of each shape, as two rows."""
    xy = shapely.get_coordinates(shapes)
    starts = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(shapes))[:-1]])
    turned = (xy[:, 0] + xy[:, 1], xy[:, 0] - xy[:, 1])
    return (
        np.stack([np.minimum.reduceat(axis, starts) for axis in turned]),
        np.stack([np.maximum.reduceat(axis, starts) for axis in turned]),
    )


def _threaded(function: Callable[..., Any], *arrays: Geometries, threads: int) -> NDArray[Any]:
    """``function`` over aligned arrays, chunk by chunk on threads; same result as one call."""
    rows = len(arrays[0])
    if threads <= 1 or rows <= CHUNK_ROWS // 8:
        return np.asarray(function(*arrays))
    size = min(CHUNK_ROWS, -(-rows // threads))
    pieces = [tuple(array[start : start + size] for array in arrays) for start in range(0, rows, size)]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        return np.concatenate(list(pool.map(lambda piece: function(*piece), pieces)))


# --- links ----------------------------------------------------------------------------------------


def link_communities(
    communities: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None = None,
    crossings: gpd.GeoDataFrame | None = None,
    *,
    max_gap_m: float = 60.0,
    min_opening_m: float = 1.2,
    max_cutting_grade: int = 2,
    crossing_reach_m: float = 25.0,
    max_detour_m: float = 300.0,
    wall_gap_m: float = 2.0,
    within_subdistrict: bool = False,
    threads: int = 2,
) -> gpd.GeoDataFrame:
    """Every pair of communities at most ``max_gap_m`` apart, and why it is joined, cut or rejoined.

    The ways between two communities are the paths inside the *corridor* between their facing sides: the
    convex hull of what of each lies within ``max_gap_m`` of the other, as far as it is within that
    distance of both. Barriers are taken out of the corridor, widened so that an opening narrower than
    ``min_opening_m`` is none. If nothing of what is left leads from one community to the other, every
    way is blocked and the link is cut; a barrier across the shortest line alone cuts nothing. A cut
    link is rejoined when each barrier in the way has a crossing and the walk over it is short enough.
    Walks are straight lines from edge to crossing to edge, so a lower bound of the real walk.

    Parameters
    ----------
    communities
        Polygons in a projected CRS in metres, index the community id; ``unit_code``, ``subdistrict``
        are used where present, null is unknown and cuts nothing.
    barriers
        Lines or polygons, index the barrier id; ``kind``, ``name``, ``grade`` (1 no way over, 2 over at
        lights, 3 can be opened). None or empty: nothing blocks.
    crossings
        Points or lines, index the crossing id; ``kind``, ``name``, ``barrier_id``.
    max_gap_m
        Largest gap between the edges of neighbours, inclusive. No statute fixes one; 60 m passes an
        inner-city street with its setbacks.
    min_opening_m
        Narrowest opening in a barrier that a person passes; 1.2 m lets a wheelchair and a walker meet.
    max_cutting_grade
        Barriers up to this grade cut, and those of unknown grade; higher ones are only mentioned.
    crossing_reach_m
        A crossing that names no barrier and touches none serves the nearest within this distance.
    max_detour_m
        Longest walk from one community to the other over crossings.
    wall_gap_m
        Boundaries at most this far apart that run side by side count as a shared wall.
    within_subdistrict
        Whether the border between two known, different subdistricts cuts too.
    threads
        Threads that measure; the answer does not depend on it.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``community_links``, lines, index ``link_id`` ("A~B" with A < B as text), sorted by
        ``focal`` and ``neighbor``. Empty with the same columns if nothing is near.

    Raises
    ------
    CRSError
        Layers without one projected CRS in metres.
    ConfigError
        A parameter out of range.
    DataError
        Repeated ids in a layer.

    Notes
    -----
    O(n log n + candidates); the corridor is built only for pairs whose shortest line meets a barrier.
    """
    require_metric(communities=communities, barriers=barriers, crossings=crossings)
    limits = _Limits(max_gap_m, min_opening_m, max_cutting_grade, crossing_reach_m, max_detour_m, wall_gap_m)
    for name in ("max_gap_m", "min_opening_m", "crossing_reach_m", "max_detour_m", "wall_gap_m"):
        _require_length(name, getattr(limits, name))
    places = _sorted_by_id(communities, "communities")
    fences = _sorted_by_id(barriers, "barriers") if barriers is not None and len(barriers) else None
    bridges = _sorted_by_id(crossings, "crossings") if crossings is not None and len(crossings) else None
    polygons = _geometries(places)
    pairs = nearby_pairs(polygons, max_gap_m=max_gap_m, threads=threads)
    lines = _threaded(shapely.shortest_line, polygons[pairs.first], polygons[pairs.second], threads=threads)
    alike = {column: _alike(places, pairs, column) for column in ("unit_code", "subdistrict", "owner_unit")}
    judged = _judge_borders(pairs, lines, alike, within_subdistrict=within_subdistrict)
    if fences is not None:
        judged = _judge_barriers(judged, pairs, polygons, fences, bridges, limits)
    walls_m = shared_walls_m(polygons, pairs, wall_gap_m=wall_gap_m)
    return _links_frame(places, pairs, judged, alike, walls_m, fences, bridges, limits)


class _Limits(NamedTuple):
    """The parameters of one call, so that they travel together."""

    max_gap_m: float
    min_opening_m: float
    max_cutting_grade: int
    crossing_reach_m: float
    max_detour_m: float
    wall_gap_m: float


class _Judged(NamedTuple):
    """What is known of each pair: cause code, walk, line to draw, barriers and crossings by position."""

    cause: Geometries
    walk_m: Floats
    line: Geometries
    fences: dict[int, tuple[int, ...]]
    bridges: dict[int, tuple[int, ...]]


STATUS = {
    "touching": "joined",
    "near": "joined",
    "around": "joined",
    "soft_barrier": "joined",
    "barrier": "cut",
    "unit_border": "cut",
    "subdistrict_border": "cut",
    "crossing": "rejoined",
}


def _sorted_by_id(layer: gpd.GeoDataFrame, name: str) -> gpd.GeoDataFrame:
    """The layer with text ids in ascending order, so that no result depends on row order."""
    layer = layer.set_axis(pd.Index([str(value) for value in layer.index], dtype=object), axis="index")
    repeated = sorted(set(layer.index[layer.index.duplicated()]))
    if repeated:
        text = Text("编号重复；每个要素的编号必须唯一。", "Ids are repeated; every feature needs its own.")
        raise DataError([Finding(severity="error", code="duplicate_key", layer=name, ids=tuple(repeated), text=text)])
    return layer.sort_index()


def _geometries(layer: gpd.GeoDataFrame) -> Geometries:
    return np.asarray(layer.geometry.to_numpy(), dtype=object)


def _alike(places: gpd.GeoDataFrame, pairs: NearbyPairs, column: str) -> pd.Series[Any]:
    """Whether both communities of each pair have the same value; null unless both are known."""
    if column not in places:
        return pd.Series(pd.NA, index=range(len(pairs.first)), dtype="boolean")
    codes, _ = pd.factorize(places[column])
    one, other = codes[pairs.first], codes[pairs.second]
    return pd.Series(one == other, dtype="boolean").mask((one < 0) | (other < 0))


def _judge_borders(
    pairs: NearbyPairs, lines: Geometries, alike: dict[str, pd.Series[Any]], *, within_subdistrict: bool
) -> _Judged:
    """All pairs joined but those across a county border, or a subdistrict border where asked."""
    cause = np.where(pairs.gap_m > 0, "near", "touching").astype(object)
    if within_subdistrict:
        cause[_differ(alike["subdistrict"])] = "subdistrict_border"
    cause[_differ(alike["unit_code"])] = "unit_border"
    walk_m = np.where(np.isin(cause, ["near", "touching"]), pairs.gap_m, np.nan)
    return _Judged(cause, walk_m, lines, {}, {})


def _differ(alike: pd.Series[Any]) -> Flags:
    """True where both values are known and differ."""
    return (~alike.fillna(value=True)).to_numpy(dtype=bool)


# --- barriers -------------------------------------------------------------------------------------


class _Corridors(NamedTuple):
    """Ground between the pairs near barriers: pair row, corridor, main part of either community,
    and which widened barrier (``hit_fence``) lies in which corridor (``hit``)."""

    row: Positions
    ground: Geometries
    near_side: Geometries
    far_side: Geometries
    hit: Positions
    hit_fence: Positions


def _judge_barriers(
    judged: _Judged,
    pairs: NearbyPairs,
    polygons: Geometries,
    fences: gpd.GeoDataFrame,
    bridges: gpd.GeoDataFrame | None,
    limits: _Limits,
) -> _Judged:
    """The verdicts after the barriers had their say over the pairs no border cuts."""
    wide = shapely.buffer(_geometries(fences), max(limits.min_opening_m / 2.0, 1e-3))
    cutting = _is_cutting(fences, limits.max_cutting_grade)
    result = _Judged(judged.cause.copy(), judged.walk_m.copy(), judged.line.copy(), {}, {})
    rows = np.flatnonzero(~np.isnan(judged.walk_m))
    _mention_soft(result, rows, fences, np.flatnonzero(~cutting))
    met = _pairs_meeting(wide, np.flatnonzero(cutting), pairs, judged.line, polygons, rows)
    if not len(met):
        return result
    case = _corridors(met, pairs, polygons, wide, np.flatnonzero(cutting), limits.max_gap_m)
    is_open, lines = _ways_left(case, np.arange(len(met)), case.hit, wide[case.hit_fence])
    _write_open(result, case, judged.line, lines, wide)
    _write_cut(result, case, np.flatnonzero(~is_open), wide)
    if bridges is not None:
        _rejoin(result, case, np.flatnonzero(~is_open), pairs, polygons, fences, wide, bridges, limits)
    return result


def _is_cutting(fences: gpd.GeoDataFrame, max_cutting_grade: int) -> Flags:
    """Barriers that block: of a grade up to the limit, or of unknown grade (unknown is not passable)."""
    if "grade" not in fences:
        return np.ones(len(fences), dtype=bool)
    grade = pd.to_numeric(fences["grade"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(np.isnan(grade) | (grade <= max_cutting_grade))


def _mention_soft(result: _Judged, rows: Positions, fences: gpd.GeoDataFrame, soft: Positions) -> None:
    """Note the barriers that can be opened where they cross the shortest line."""
    found_row, found = shapely.STRtree(_geometries(fences)[soft]).query(result.line[rows], predicate="intersects")
    for row, at in zip(rows[found_row].tolist(), soft[found].tolist(), strict=True):
        result.cause[row] = "soft_barrier"
        result.fences[row] = tuple(sorted({*result.fences.get(row, ()), at}))


def _pairs_meeting(
    wide: Geometries, cutting: Positions, pairs: NearbyPairs, lines: Geometries, polygons: Geometries, rows: Positions
) -> Positions:
    """Rows whose shortest line or one of whose communities meets a barrier; the rest stays joined.

    If neither does, the shortest line itself is an open way.
    """
    tree = shapely.STRtree(wide[cutting])
    across = np.zeros(len(lines), dtype=bool)
    across[rows[tree.query(lines[rows], predicate="intersects")[0]]] = True
    inside = np.zeros(len(polygons), dtype=bool)
    inside[tree.query(polygons, predicate="intersects")[0]] = True
    return rows[(across | inside[pairs.first] | inside[pairs.second])[rows]]


def _corridors(
    rows: Positions,
    pairs: NearbyPairs,
    polygons: Geometries,
    wide: Geometries,
    cutting: Positions,
    reach_m: float,
) -> _Corridors:
    """The ground to be searched for a way, pair by pair (all in arrays)."""
    # Buffers are polygons inside the true circle: 1 % more keeps a gap of exactly the bound within them.
    reach_m = reach_m * 1.01 + 0.1
    one, other = polygons[pairs.first[rows]], polygons[pairs.second[rows]]
    round_one, round_other = shapely.buffer(one, reach_m), shapely.buffer(other, reach_m)
    facing = np.stack([shapely.intersection(one, round_other), shapely.intersection(other, round_one)], axis=1)
    hull = shapely.convex_hull(shapely.geometrycollections(facing))
    ground = shapely.intersection(shapely.intersection(hull, round_one), round_other)
    hit, found = shapely.STRtree(wide[cutting]).query(ground, predicate="intersects")
    used = np.unique(np.concatenate([pairs.first[rows], pairs.second[rows]]))
    mains = np.empty(len(polygons), dtype=object)
    mains[used] = _main_parts(polygons[used], wide, cutting)
    order = np.lexsort((cutting[found], hit))
    return _Corridors(
        rows, ground, mains[pairs.first[rows]], mains[pairs.second[rows]], hit[order], cutting[found][order]
    )


def _main_parts(polygons: Geometries, wide: Geometries, cutting: Positions) -> Geometries:
    """Each community without the barriers over it and without the slivers they cut off."""
    at, found = shapely.STRtree(wide[cutting]).query(polygons, predicate="intersects")
    left = _subtract(polygons, at, wide[cutting[found]])
    part, owner = shapely.get_parts(left, return_index=True)
    big = shapely.area(part) >= MAIN_PART_SHARE * shapely.area(polygons)[owner]
    return np.asarray(_collect(part[big], owner[big], len(polygons)))


def _collect(part: Geometries, owner: Positions, count: int) -> Geometries:
    """Multipolygons of the parts of each owner; empty where there is none."""
    made = np.full(count, shapely.from_wkt("MULTIPOLYGON EMPTY"), dtype=object)
    if len(part):
        owners = np.unique(owner)
        made[owners] = shapely.multipolygons(part, indices=np.searchsorted(owners, owner))
    return made


def _subtract(shapes: Geometries, at: Positions, takers: Geometries) -> Geometries:
    """``shapes`` without every taker at their position; takers of one position are taken in turn."""
    left = shapes.copy()
    order = np.argsort(at, kind="stable")
    at, takers = at[order], takers[order]
    turn = np.arange(len(at)) - np.searchsorted(at, at)
    for rank in range(int(turn.max(initial=-1)) + 1):
        now = turn == rank
        left[at[now]] = shapely.difference(left[at[now]], takers[now])
    return left


def _ways_left(case: _Corridors, trials: Positions, hit: Positions, takers: Geometries) -> tuple[Flags, Geometries]:
    """Whether each trial's corridor without its takers leads across, and the shortest such line.

    ``trials`` are positions in ``case``; ``hit`` are positions in ``trials``. Lines are None where shut.
    """
    part, trial = shapely.get_parts(_subtract(case.ground[trials], hit, takers), return_index=True)
    area = shapely.get_dimensions(part) == 2
    part, trial = part[area], trial[area]
    near_side, far_side = case.near_side[trials][trial], case.far_side[trials][trial]
    leads = shapely.intersects(part, near_side) & shapely.intersects(part, far_side)
    part, trial = part[leads], trial[leads]
    line = shapely.shortest_line(
        shapely.intersection(part, near_side[leads]), shapely.intersection(part, far_side[leads])
    )
    order = np.lexsort((shapely.length(line), trial))[::-1]
    lines = np.full(len(trials), None, dtype=object)
    lines[trial[order]] = line[order]
    return ~shapely.is_missing(lines), lines


def _write_open(result: _Judged, case: _Corridors, straight: Geometries, lines: Geometries, wide: Geometries) -> None:
    """Pairs with a way left: where the shortest line is blocked, the link goes round the barrier."""
    for at in np.flatnonzero(~shapely.is_missing(lines)).tolist():
        row = int(case.row[at])
        crossed = [int(f) for f in case.hit_fence[case.hit == at] if shapely.intersects(wide[f], straight[row])]
        if crossed:
            result.cause[row] = "around"
            result.fences[row] = tuple(crossed)
            result.line[row] = lines[at]
            result.walk_m[row] = max(shapely.length(lines[at]), shapely.length(straight[row]))


def _write_cut(result: _Judged, case: _Corridors, shut: Positions, wide: Geometries) -> None:
    """Pairs without a way: name the barriers that alone would cut, or all that do together."""
    hits = np.flatnonzero(np.isin(case.hit, shut))
    alone, _ = _ways_left(case, case.hit[hits], np.arange(len(hits)), wide[case.hit_fence[hits]])
    for at in shut.tolist():
        here = case.hit[hits] == at
        enough = case.hit_fence[hits][here & ~alone]
        row = int(case.row[at])
        result.cause[row] = "barrier"
        result.walk_m[row] = np.nan
        result.fences[row] = tuple((enough if len(enough) else case.hit_fence[hits][here]).tolist())


# --- crossings ------------------------------------------------------------------------------------


def _rejoin(
    result: _Judged,
    case: _Corridors,
    shut: Positions,
    pairs: NearbyPairs,
    polygons: Geometries,
    fences: gpd.GeoDataFrame,
    wide: Geometries,
    bridges: gpd.GeoDataFrame,
    limits: _Limits,
) -> None:
    """Join cut pairs again over the crossings with the shortest walk, if that is short enough."""
    spans = _geometries(bridges)
    serves = _served(bridges, spans, fences, limits.crossing_reach_m)
    near = _crossings_near(case, shut, pairs, polygons, spans, limits.max_detour_m)
    for at in shut.tolist():
        hit = case.hit_fence[case.hit == at].tolist()
        usable = [
            b
            for b in near.get(at, ())
            if serves[b] & set(hit) and _legs_free(case, at, spans[b], wide, serves[b] | set(hit))
        ]
        best: tuple[float, tuple[int, ...]] | None = None
        for chosen in _choices(usable):
            crossed = set().union(*(serves[b] for b in chosen))
            walk_m, line = _walk_over(case.near_side[at], case.far_side[at], spans[list(chosen)])
            if walk_m > limits.max_detour_m or (best is not None and (walk_m, chosen) >= best):
                continue
            left = np.array([f for f in hit if f not in crossed], dtype=np.intp)
            if _ways_left(case, np.array([at]), np.zeros(len(left), dtype=np.intp), wide[left])[0][0]:
                best = (walk_m, chosen)
                row = int(case.row[at])
                result.cause[row], result.walk_m[row], result.line[row] = "crossing", walk_m, line
                result.bridges[row] = chosen


def _served(bridges: gpd.GeoDataFrame, spans: Geometries, fences: gpd.GeoDataFrame, reach_m: float) -> list[set[int]]:
    """The barriers each crossing leads over: the one it names, else all it touches, else the nearest in reach."""
    shapes = _geometries(fences)
    named = fences.index.get_indexer(bridges["barrier_id"]) if "barrier_id" in bridges else np.full(len(bridges), -1)
    known = bridges["barrier_id"].notna().to_numpy() if "barrier_id" in bridges else np.zeros(len(bridges), dtype=bool)
    tree = shapely.STRtree(shapes)
    serves: list[set[int]] = [{int(f)} if f >= 0 else set() for f in named]
    for bridge, fence in tree.query(spans, predicate="intersects").T.tolist():
        if not known[bridge]:
            serves[bridge].add(fence)
    unset = np.array([b for b in range(len(spans)) if not serves[b] and not known[b]], dtype=np.intp)
    if len(unset):
        for at, fence in zip(*tree.query_nearest(spans[unset], max_distance=max(reach_m, 1e-9)).tolist(), strict=True):
            serves[int(unset[at])].add(fence)
    return serves


def _crossings_near(
    case: _Corridors, shut: Positions, pairs: NearbyPairs, polygons: Geometries, spans: Geometries, max_detour_m: float
) -> dict[int, list[int]]:
    """For each shut corridor the crossings within the longest walk of both communities."""
    tree = shapely.STRtree(spans)
    at, bridge = tree.query(polygons[pairs.first[case.row[shut]]], predicate="dwithin", distance=max_detour_m)
    at = shut[at]
    walk_m = (
        shapely.distance(case.near_side[at], spans[bridge])
        + shapely.length(spans[bridge])
        + shapely.distance(case.far_side[at], spans[bridge])
    )
    found: dict[int, list[int]] = {}
    for corridor, crossing in sorted(
        zip(at[walk_m <= max_detour_m].tolist(), bridge[walk_m <= max_detour_m].tolist(), strict=True)
    ):
        found.setdefault(corridor, []).append(crossing)
    return found


def _legs_free(case: _Corridors, at: int, span: Any, wide: Geometries, allowed: set[int]) -> bool:
    """Whether no further barrier lies between either community and the crossing."""
    for side in (case.near_side[at], case.far_side[at]):
        leg = shapely.shortest_line(side, span)
        if any(shapely.intersects(wide[f], leg) for f in range(len(wide)) if f not in allowed):
            return False
    return True


def _choices(usable: list[int]) -> list[tuple[int, ...]]:
    """One crossing, or two or three for as many barriers in a row."""
    few = usable[:12]
    return [*((b,) for b in usable), *combinations(few, 2), *combinations(few, 3)]


def _walk_over(near_side: Any, far_side: Any, spans: Geometries) -> tuple[float, Any]:
    """Length and line of the walk from edge to edge over the crossings, nearest first."""
    order = np.argsort(shapely.distance(near_side, spans), kind="stable")
    stops = [near_side, *spans[order], far_side]
    legs = [shapely.get_coordinates(shapely.shortest_line(a, b)) for a, b in pairwise(stops)]
    length_m = float(sum(shapely.length(shapely.linestrings(leg)) for leg in legs) + shapely.length(spans).sum())
    return length_m, shapely.remove_repeated_points(shapely.linestrings(np.concatenate(legs)))


# --- shared walls ---------------------------------------------------------------------------------


def shared_walls_m(polygons: Geometries, pairs: NearbyPairs, *, wall_gap_m: float) -> Floats:
    """Length in metres over which each pair's boundaries run side by side at most ``wall_gap_m`` apart."""
    walls = np.zeros(len(pairs.first))
    near = np.flatnonzero(pairs.gap_m <= wall_gap_m)
    one, other = polygons[pairs.first[near]], polygons[pairs.second[near]]
    reach = max(wall_gap_m, 1e-6)
    lengths = [
        shapely.length(shapely.intersection(shapely.boundary(a), shapely.buffer(b, reach, join_style="mitre")))
        for a, b in ((one, other), (other, one))
    ]
    walls[near] = np.minimum(*lengths)
    return walls


# --- the layer and its sentences ------------------------------------------------------------------


def _links_frame(
    places: gpd.GeoDataFrame,
    pairs: NearbyPairs,
    judged: _Judged,
    alike: dict[str, pd.Series[Any]],
    walls_m: Floats,
    fences: gpd.GeoDataFrame | None,
    bridges: gpd.GeoDataFrame | None,
    limits: _Limits,
) -> gpd.GeoDataFrame:
    ids = places.index.to_numpy(dtype=object)
    focal, neighbor = ids[pairs.first], ids[pairs.second]
    reasons = [
        _reason(places, int(pairs.first[row]), int(pairs.second[row]), row, pairs, judged, fences, bridges, limits)
        for row in range(len(focal))
    ]
    fence = [judged.fences.get(row, (-1,))[0] for row in range(len(focal))]
    bridge = [judged.bridges.get(row, (-1,))[0] for row in range(len(focal))]
    frame = gpd.GeoDataFrame(
        {
            "focal": pd.array(focal, dtype="str"),
            "neighbor": pd.array(neighbor, dtype="str"),
            "status": pd.array([STATUS[cause] for cause in judged.cause], dtype="str"),
            "cause": pd.array(judged.cause, dtype="str"),
            "gap_m": pairs.gap_m,
            "walk_m": judged.walk_m,
            "shared_wall_m": walls_m,
            "barrier_id": _looked_up(fences, fence, None),
            "barrier_kind": _looked_up(fences, fence, "kind"),
            "crossing_id": _looked_up(bridges, bridge, None),
            **{f"same_{column.removesuffix('_code')}": values.array for column, values in alike.items()},
            "reason_zh": pd.array([reason.zh for reason in reasons], dtype="str"),
            "reason_en": pd.array([reason.en for reason in reasons], dtype="str"),
        },
        geometry=gpd.array.from_shapely(_drawable(judged.line, places, pairs), crs=places.crs),
        index=pd.Index([f"{a}~{b}" for a, b in zip(focal, neighbor, strict=True)], dtype="str", name="link_id"),
    )
    return frame


def _looked_up(layer: gpd.GeoDataFrame | None, at: list[int], column: str | None) -> pd.api.extensions.ExtensionArray:
    """Ids, or a column, of the features at the positions; null for -1."""
    if layer is None or (column is not None and column not in layer):
        return pd.array([None] * len(at), dtype="str")
    values = layer.index if column is None else layer[column]
    return pd.array(
        [values.iloc[i] if column is not None and i >= 0 else values[i] if i >= 0 else None for i in at], dtype="str"
    )


def _drawable(lines: Geometries, places: gpd.GeoDataFrame, pairs: NearbyPairs) -> Geometries:
    """The links as lines one can see: where communities touch, from inside one to inside the other."""
    polygons = _geometries(places)
    lines = lines.copy()
    dots = np.flatnonzero(shapely.length(lines) < 1e-6)
    if len(dots):
        inside = [
            shapely.get_coordinates(shapely.point_on_surface(polygons[at[dots]])) for at in (pairs.first, pairs.second)
        ]
        contact = shapely.get_coordinates(shapely.get_point(lines[dots], 0))
        path = np.stack([inside[0], contact, inside[1]], axis=1)
        same = shapely.length(shapely.linestrings(path)) < 1e-6
        path[same, 2, 0] += 1.0
        lines[dots] = shapely.linestrings(path)
    return lines


def _reason(
    places: gpd.GeoDataFrame,
    one: int,
    other: int,
    row: int,
    pairs: NearbyPairs,
    judged: _Judged,
    fences: gpd.GeoDataFrame | None,
    bridges: gpd.GeoDataFrame | None,
    limits: _Limits,
) -> Text:
    """Why the pair is joined, cut or rejoined, in one sentence a planner can defend."""
    gap, cause = float(pairs.gap_m[row]), judged.cause[row]
    away = Text("边界相接", "touching") if gap == 0 else Text(f"相距 {_metres(gap)} 米", f"{_metres(gap)} m apart")
    if cause in ("near", "touching"):
        return Text(f"{away.zh}，其间无阻隔", f"{away.en}, nothing between them")
    if cause.endswith("_border"):
        column = "unit_code" if cause == "unit_border" else "subdistrict"
        codes = places[column].iloc[[one, other]].tolist()
        kind = Text("县区", "counties") if column == "unit_code" else Text("街道（乡镇）", "subdistricts")
        return Text(
            f"分属不同{kind.zh}（{codes[0]}、{codes[1]}），{away.zh}，不跨界连片",
            f"in different {kind.en} ({codes[0]}, {codes[1]}), {away.en}; zones do not cross this border",
        )
    assert fences is not None
    names = [_name(fences, at, "barriers") for at in judged.fences[row]]
    zh, en = "、".join(n.zh for n in names), ", ".join(n.en for n in names)
    if cause == "soft_barrier":
        return Text(f"隔{zh}（可拆除或开口），{away.zh}", f"{en} between them can be opened; {away.en}")
    if cause == "around":
        return Text(f"{away.zh}，{zh}未完全隔断，可绕过", f"{away.en}; {en} does not close every way between them")
    if cause == "barrier":
        return Text(
            f"隔{zh}，{away.zh}，步行 {limits.max_detour_m:.0f} 米内无可用通道",
            f"cut by {en}, {away.en}; no crossing within a walk of {limits.max_detour_m:.0f} m",
        )
    assert bridges is not None
    over = [_name(bridges, at, "crossings") for at in judged.bridges[row]]
    walk = f"{float(judged.walk_m[row]):.0f}"
    return Text(
        f"隔{zh}，{away.zh}；经{'、'.join(n.zh for n in over)}（绕行 {walk} 米）可连通",
        f"cut by {en}, {away.en}; joined again over {', '.join(n.en for n in over)} (a walk of {walk} m)",
    )


def _name(layer: gpd.GeoDataFrame, at: int, schema: str) -> Text:
    """The feature's own name, else what kind it is and its id."""
    name = layer["name"].iloc[at] if "name" in layer else None
    if isinstance(name, str) and name:
        return Text(name, name)
    kind = layer["kind"].iloc[at] if "kind" in layer else None
    label = layer_schema(schema).fields["kind"].values.get(kind, layer_schema(schema).label)
    return Text(f"{label.zh} {layer.index[at]}", f"{label.en} {layer.index[at]}")


def _metres(value_m: float) -> str:
    """Whole metres; one decimal below ten, so that 0.4 m is not called 0."""
    return f"{value_m:.0f}" if value_m >= 10 else f"{value_m:.1f}"


def _require_length(name: str, value: float, *, least: float = 0.0) -> None:
    if not (math.isfinite(value) and value >= least):
        raise ConfigError(
            f"{name} 应为不小于 {least:g} 的米数，现为 {value}；请在 project.toml 的 [contiguity] 中改正。",
            f"{name} must be a length of at least {least:g} m; found {value}. Mend it in [contiguity] of project.toml.",
        )
