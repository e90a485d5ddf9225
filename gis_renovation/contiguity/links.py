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
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis_renovation.arrays import Flags, Floats, Geometries, Positions
from gis_renovation.contiguity.barriers import (
    Pairs,
    Places,
    Verdicts,
    barriers_met,
    judge_pairs,
    prepare_barriers,
    prepare_crossings,
)
from gis_renovation.contiguity.sentences import Facts, Judged, Sentences, feature_names, reason_sentences
from gis_renovation.contiguity.shared_lines import UNUSED_STATUS, shared_kind_count
from gis_renovation.contiguity.shared_walls import SharedWalls, shared_walls, wall_lines, wall_sentences, wall_uses
from gis_renovation.crs import require_metric
from gis_renovation.errors import ConfigError, DataError, Finding, by_key
from gis_renovation.unknowns import names_or_ids
from gis_renovation.words import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# Geometry rows handled at once by each thread; keeps what is in flight small and the cores even.
CHUNK_ROWS = 2_048
# Pairs measured at once: small, so that no thread is left with a long last piece alone.
PAIRS_AT_ONCE = 4_096
# A line shorter than this is no line to look at.
DOT_M = 1e-6

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
    first, second, gap_m = _measured_pairs(_outlines(geometry, max_gap_m), max_gap_m, threads, _gaps)
    return NearbyPairs(first, second, gap_m)


def _gaps(one: Geometries, other: Geometries, _max_gap_m: float) -> tuple[Floats]:
    return (np.asarray(shapely.distance(one, other)),)


def _gaps_and_lines(one: Geometries, other: Geometries, max_gap_m: float) -> tuple[Floats, Geometries]:
    """Gap and shortest line at once: the line costs little more than the gap alone.

    Its length may differ from the gap in the last digit, which matters at 0 and at the bound.
    """
    line = shapely.shortest_line(one, other)
    gap_m = shapely.length(line)
    ask = (gap_m < 1e-6) | (np.abs(gap_m - max_gap_m) < 1e-6)
    gap_m[ask] = shapely.distance(one[ask], other[ask])
    return gap_m, line


def _measured_pairs(
    outlines: _Outlines, max_gap_m: float, threads: int, measure: Callable[..., tuple[NDArray[Any], ...]]
) -> tuple[NDArray[Any], ...]:
    """First and second row of each pair, sorted, and what ``measure`` gives for it, the gap before all."""

    def job(one: Positions, other: Positions) -> tuple[NDArray[Any], ...]:
        swap = outlines.row[one] > outlines.row[other]
        one, other = np.where(swap, other, one), np.where(swap, one, other)
        measured = measure(outlines.shape[one], outlines.shape[other], max_gap_m)
        near = measured[0] <= max_gap_m
        return outlines.row[one[near]], outlines.row[other[near]], *(column[near] for column in measured)

    # The main thread looks for candidates (that holds the interpreter) while the others measure.
    with ThreadPoolExecutor(max_workers=max(threads, 1)) as pool:
        jobs = [
            pool.submit(job, one[start : start + PAIRS_AT_ONCE], other[start : start + PAIRS_AT_ONCE])
            for one, other in _candidates(outlines, max_gap_m)
            for start in range(0, max(len(one), 1), PAIRS_AT_ONCE)
        ]
        columns = tuple(np.concatenate(column) for column in zip(*(j.result() for j in jobs), strict=True))
    order = np.argsort(columns[0] * (int(columns[1].max(initial=0)) + 1) + columns[1])
    return tuple(column[order] for column in columns)


class _Outlines(NamedTuple):
    """Polygons in the order of a space-filling curve, so that neighbours lie close in memory's use too.

    ``row`` is where each came from; ``tree`` holds ``shape``; ``slack_m`` covers the rounding of sums
    of coordinates.
    """

    row: Positions
    shape: Geometries
    bounds: Floats
    tree: shapely.STRtree
    slack_m: float


def _outlines(geometry: Geometries, max_gap_m: float) -> _Outlines:
    """The polygons that have coordinates, sorted along a Z-order curve over their boxes' centres."""
    bounds = shapely.bounds(geometry)
    row = np.flatnonzero(np.isfinite(bounds).all(axis=1))
    bounds = bounds[row]
    if not len(row):
        return _Outlines(row, geometry[row], bounds, shapely.STRtree([]), 0.0)
    middle = bounds[:, :2] + bounds[:, 2:]
    corner = middle.min(axis=0)
    cell = ((middle - corner) * (65535.0 / max(float((middle - corner).max()), 1e-9))).astype(np.uint64)
    order = np.argsort(_spread_bits(cell[:, 0]) | (_spread_bits(cell[:, 1]) << np.uint64(1)), kind="stable")
    slack_m = 16.0 * float(np.spacing(np.abs(bounds).max() + max_gap_m))
    shape = geometry[row[order]]
    return _Outlines(row[order], shape, bounds[order], shapely.STRtree(shape), slack_m)


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
    reach, turned_reach = max_gap_m + outlines.slack_m, max_gap_m * math.sqrt(2.0) + 2.0 * outlines.slack_m
    low, high = np.empty((2, count)), np.empty((2, count))
    if not count:
        # One lot of nothing, so that there is always something to put together.
        yield np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    for start in range(0, count, CHUNK_ROWS):
        rows = slice(start, min(start + CHUNK_ROWS, count))
        low[:, rows], high[:, rows] = _turned_extents(outlines.shape[rows])
        bounds = outlines.bounds[rows]
        # A diagonal has the same box as the rectangle and is cheaper to build.
        diagonals = shapely.linestrings(np.stack([bounds[:, :2] - reach, bounds[:, 2:] + reach], axis=1))
        one, other = outlines.tree.query(diagonals)
        one += start
        # Only earlier ones: each pair once, and their extents are known.
        earlier = other < one
        one, other = one[earlier], other[earlier]
        apart = np.maximum(low[:, one] - high[:, other], low[:, other] - high[:, one])
        near = (apart <= turned_reach).all(axis=0)
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


# --- links ----------------------------------------------------------------------------------------


def link_communities(
    communities: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None = None,
    crossings: gpd.GeoDataFrame | None = None,
    reporting_units: gpd.GeoDataFrame | None = None,
    utility_lines: gpd.GeoDataFrame | None = None,
    slow_paths: gpd.GeoDataFrame | None = None,
    *,
    max_gap_m: float = 60.0,
    min_opening_m: float = 1.2,
    max_cutting_grade: int = 2,
    crossing_reach_m: float = 25.0,
    max_detour_m: float = 300.0,
    wall_gap_m: float = 2.0,
    tie_reach_m: float = 30.0,
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
    Walks are straight lines from edge to crossing to edge, so a lower bound of the
    real walk; :mod:`gis_renovation.contiguity.barriers` says how the ways are searched.

    Parameters
    ----------
    communities
        Polygons in a projected CRS in metres, index the community id; ``unit_code``, ``subdistrict``
        are used where present, null is unknown and cuts nothing.
    barriers
        Lines or polygons, index the barrier id; ``kind``, ``name``, ``grade`` (1 no way over, 2 over at
        lights, 3 can be opened). None or empty: nothing blocks.
    crossings
        Points or lines, index the crossing id; ``kind``, ``name``, ``barrier_id``. None: whether there
        are crossings is unknown, and the reasons say so.
    reporting_units
        Counties by ``unit_code``, for their names in the reasons.
    utility_lines, slow_paths
        Lines that tie neighbours: mains by ``network`` and ``status``, paths. None: whether they share
        any is unknown, and the columns are null.
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
    tie_reach_m
        A main or path within this distance of both communities is shared: it runs along one street.
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
    metric = require_metric(
        communities=communities,
        barriers=barriers,
        crossings=crossings,
        utility_lines=utility_lines,
        slow_paths=slow_paths,
    )
    _require_length("tie_reach_m", tie_reach_m)
    lengths = {
        "max_gap_m": max_gap_m,
        "min_opening_m": min_opening_m,
        "crossing_reach_m": crossing_reach_m,
        "max_detour_m": max_detour_m,
        "wall_gap_m": wall_gap_m,
    }
    for name, value in lengths.items():
        _require_length(name, value)
    places = sorted_by_id(communities, "communities")
    polygons = np.asarray(places.geometry.to_numpy(), dtype=object)
    outlines = _outlines(polygons, max_gap_m)
    pairs = Pairs(*_measured_pairs(outlines, max_gap_m, threads, _gaps_and_lines))
    alike = {column: _alike(places, pairs, column) for column in ("unit_code", "subdistrict", "owner_unit")}
    borders = _borders(alike, within_subdistrict=within_subdistrict)
    fences = None if barriers is None else sorted_by_id(barriers, "barriers")
    bridges = None if crossings is None else sorted_by_id(crossings, "crossings")
    near = Places(polygons, outlines.tree, outlines.row)
    walls = _walls(polygons, pairs, wall_gap_m)
    at = _where_they_meet(pairs, walls)
    judged = _judge(near, pairs, at, borders, fences, bridges, max_cutting_grade=max_cutting_grade, **lengths)
    facts = Facts(
        [] if fences is None else feature_names(fences, "barriers"),
        None if bridges is None else feature_names(bridges, "crossings"),
        _sides(places, pairs, borders, reporting_units),
        max_detour_m,
    )
    ties = {f"same_{column.removesuffix('_code')}": values.array for column, values in alike.items()}
    ties |= _ties(polygons, pairs, utility_lines, slow_paths, tie_reach_m)
    reasons = reason_sentences(pairs, judged, walls.length_m, facts)
    frame = _columns(places.index, pairs, judged, walls, ties, fences, bridges, reasons)
    return gpd.GeoDataFrame(frame, geometry=_drawn(polygons, pairs, judged, walls), crs=metric)


def sorted_by_id(layer: gpd.GeoDataFrame, name: str) -> gpd.GeoDataFrame:
    """The layer with text ids in ascending order, so that no result depends on row order.

    Raises DataError if an id is repeated.
    """
    layer = layer.set_axis(pd.Index([str(value) for value in layer.index], dtype=object), axis="index")
    repeated = sorted(set(layer.index[layer.index.duplicated()]))
    if repeated:
        text = Text("编号重复；每个要素的编号必须唯一。", "Ids are repeated; every feature needs its own.")
        found = by_key(repeated)
        raise DataError([Finding(severity="error", code="duplicate_key", layer=name, features=found, text=text)])
    return layer if layer.index.is_monotonic_increasing else layer.sort_index()


def _alike(places: gpd.GeoDataFrame, pairs: Pairs, column: str) -> pd.Series[Any]:
    """Whether both communities of each pair have the same value; null unless both are known."""
    if column not in places:
        return pd.Series(pd.NA, index=range(len(pairs.first)), dtype="boolean")
    codes, _ = pd.factorize(places[column])
    one, other = codes[pairs.first], codes[pairs.second]
    return pd.Series(one == other, dtype="boolean").mask((one < 0) | (other < 0))


def _borders(alike: dict[str, pd.Series[Any]], *, within_subdistrict: bool) -> Geometries:
    """The border that cuts each pair, or an empty text."""
    cause = np.full(len(alike["unit_code"]), "", dtype=object)
    if within_subdistrict:
        cause[_differ(alike["subdistrict"])] = "subdistrict_border"
    cause[_differ(alike["unit_code"])] = "unit_border"
    return cause


def _sides(
    places: gpd.GeoDataFrame, pairs: Pairs, borders: Geometries, units: gpd.GeoDataFrame | None
) -> dict[int, tuple[str, str]]:
    """What lies on either side of the borders that cut, by row: counties by name where it is known."""
    known = {} if units is None or "name" not in units else units["name"].dropna().to_dict()
    found: dict[int, tuple[str, str]] = {}
    for cause, column in (("unit_border", "unit_code"), ("subdistrict_border", "subdistrict")):
        rows = np.flatnonzero(borders == cause)
        if not len(rows):
            continue
        values = places[column].astype(object).map(lambda code: str(known.get(code, code))).tolist()
        for row, one, other in zip(rows.tolist(), pairs.first[rows].tolist(), pairs.second[rows].tolist(), strict=True):
            found[row] = (values[one], values[other])
    return found


def _differ(alike: pd.Series[Any]) -> Flags:
    """True where both values are known and differ."""
    return (~alike.fillna(value=True)).to_numpy(dtype=bool)


def _judge(
    places: Places,
    pairs: Pairs,
    at: Geometries,
    borders: Geometries,
    fences: gpd.GeoDataFrame | None,
    bridges: gpd.GeoDataFrame | None,
    *,
    max_gap_m: float,
    min_opening_m: float,
    max_cutting_grade: int,
    crossing_reach_m: float,
    max_detour_m: float,
    wall_gap_m: float,  # noqa: ARG001 - one set of lengths for all
) -> Judged:
    """The cause of each pair's status, with the barriers and crossings that matter."""
    free = borders == ""
    cause = np.where(free, np.where(pairs.gap_m > 0, "near", "touching"), borders).astype(object)
    judged = Judged(cause, np.where(free, pairs.gap_m, np.nan), pairs.line.copy(), {}, {})
    if fences is None or not len(fences):
        return judged
    shapes = np.asarray(fences.geometry.to_numpy(), dtype=object)
    cutting = _is_cutting(fences, max_cutting_grade)
    hard, soft = (
        prepare_barriers(shapes[which], np.flatnonzero(which), min_opening_m=min_opening_m)
        for which in (cutting, ~cutting)
    )
    ways = None
    if bridges is not None and len(bridges):
        ways = prepare_crossings(bridges, fences.index, (hard, soft), crossing_reach_m=crossing_reach_m)
    for row, met in barriers_met(soft, places, pairs, at, np.flatnonzero(free)).items():
        judged.cause[row], judged.barriers[row] = "soft_barrier", met
    verdicts = judge_pairs(
        places, pairs, np.flatnonzero(free), hard, ways, max_gap_m=max_gap_m, max_detour_m=max_detour_m
    )
    _write_verdicts(judged, verdicts)
    return judged


def _is_cutting(fences: gpd.GeoDataFrame, max_cutting_grade: int) -> Flags:
    """Barriers that block: of a grade up to the limit, or of unknown grade (unknown is not passable)."""
    if "grade" not in fences:
        return np.ones(len(fences), dtype=bool)
    grade = pd.to_numeric(fences["grade"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(np.isnan(grade) | (grade <= max_cutting_grade))


def _write_verdicts(judged: Judged, verdicts: Verdicts) -> None:
    for row, (walk_m, line) in verdicts.around.items():
        judged.cause[row], judged.walk_m[row], judged.line[row] = "around", walk_m, line
        judged.barriers[row] = verdicts.past[row]
    for row, barriers in verdicts.cut.items():
        judged.cause[row], judged.walk_m[row], judged.barriers[row] = "barrier", np.nan, barriers
    for row, (walk_m, line, crossings) in verdicts.over.items():
        judged.cause[row], judged.walk_m[row], judged.line[row] = "crossing", walk_m, line
        judged.crossings[row] = crossings


def _walls(polygons: Geometries, pairs: Pairs, wall_gap_m: float) -> SharedWalls:
    """Shared walls of all pairs; those further apart than the bound have none."""
    length_m, middle = np.zeros(len(pairs.first)), np.full((len(pairs.first), 2), np.nan)
    near = np.flatnonzero(pairs.gap_m <= wall_gap_m)
    if len(near):
        found = shared_walls(polygons, pairs.first[near], pairs.second[near], wall_gap_m=wall_gap_m)
        length_m[near], middle[near] = found.length_m, found.middle
    return SharedWalls(length_m, middle)


def _where_they_meet(pairs: Pairs, walls: SharedWalls) -> Geometries:
    """Where a barrier between the two is looked for first: the middle of a shared wall, else the shortest line."""
    at = pairs.line.copy()
    walled = np.flatnonzero(~np.isnan(walls.middle[:, 0]))
    at[walled] = shapely.points(walls.middle[walled])
    return at


def _ties(
    polygons: Geometries,
    pairs: Pairs,
    utility_lines: gpd.GeoDataFrame | None,
    slow_paths: gpd.GeoDataFrame | None,
    reach_m: float,
) -> dict[str, Any]:
    """Mains in use (or of unknown state) and paths that both communities stand at; null where no layer is given."""
    mains = pd.array([pd.NA] * len(pairs.first), dtype="Int64")
    paths = pd.array([pd.NA] * len(pairs.first), dtype="boolean")
    if utility_lines is not None:
        used = utility_lines
        if "status" in used:
            used = used[~used["status"].isin(UNUSED_STATUS)]
        shapes = np.asarray(used.geometry.to_numpy(), dtype=object)
        count = shared_kind_count(polygons, pairs.first, pairs.second, shapes, used["network"], reach_m=reach_m)
        mains = pd.array(count, dtype="Int64")
    if slow_paths is not None:
        shapes = np.asarray(slow_paths.geometry.to_numpy(), dtype=object)
        one_kind = pd.Series("path", index=slow_paths.index)
        count = shared_kind_count(polygons, pairs.first, pairs.second, shapes, one_kind, reach_m=reach_m)
        paths = pd.array(count > 0, dtype="boolean")
    return {"shared_main_count": mains, "shares_path": paths}


# --- the layer ------------------------------------------------------------------------------------


def _columns(
    index: pd.Index[Any],
    pairs: Pairs,
    judged: Judged,
    walls: SharedWalls,
    ties: dict[str, Any],
    fences: gpd.GeoDataFrame | None,
    bridges: gpd.GeoDataFrame | None,
    reasons: Sentences,
) -> pd.DataFrame:
    """The layer's columns in the order of its schema."""
    ids = index.to_numpy(dtype=object)
    focal, neighbor = ids[pairs.first].tolist(), ids[pairs.second].tolist()
    barrier, crossing = (_first_of(found, len(focal)) for found in (judged.barriers, judged.crossings))
    columns = {
        "focal": pd.array(focal, dtype="str"),
        "neighbor": pd.array(neighbor, dtype="str"),
        "status": pd.array([STATUS[cause] for cause in judged.cause], dtype="str"),
        "cause": pd.array(judged.cause, dtype="str"),
        "gap_m": pairs.gap_m,
        "walk_m": judged.walk_m,
        "shared_wall_m": walls.length_m,
        "barrier_id": _picked(fences, None, barrier),
        "barrier_kind": _picked(fences, "kind", barrier),
        "crossing_id": _picked(bridges, None, crossing),
        "crossing_kind": _picked(bridges, "kind", crossing),
        **ties,
        "reason_zh": pd.array(reasons.zh, dtype="str"),
        "reason_en": pd.array(reasons.en, dtype="str"),
    }
    links = [f"{one}~{other}" for one, other in zip(focal, neighbor, strict=True)]
    return pd.DataFrame(columns, index=pd.Index(links, dtype="str", name="link_id"))


def _first_of(found: dict[int, tuple[int, ...]], count: int) -> Positions:
    """The first position found for each row, -1 where there is none."""
    first = np.full(count, -1, dtype=np.intp)
    first[list(found)] = [which[0] for which in found.values()]
    return first


def _picked(layer: gpd.GeoDataFrame | None, column: str | None, at: Positions) -> pd.api.extensions.ExtensionArray:
    """Ids, or a column, of the features at the positions; null for -1."""
    picked = np.full(len(at), None, dtype=object)
    if layer is not None and (column is None or column in layer):
        values = layer.index if column is None else layer[column]
        picked[at >= 0] = np.asarray(values, dtype=object)[at[at >= 0]]
    return pd.array(picked, dtype="str")


def _drawn(polygons: Geometries, pairs: Pairs, judged: Judged, walls: SharedWalls) -> gpd.array.GeometryArray:
    """The links as lines one can see: where communities touch, from inside one to inside the other."""
    lines = judged.line
    dots = np.flatnonzero(shapely.length(lines) < DOT_M)
    if len(dots):
        contact = walls.middle[dots]
        bare = np.isnan(contact[:, 0])
        contact[bare] = shapely.get_coordinates(shapely.get_point(pairs.line[dots[bare]], 0))
        inside = [
            shapely.get_coordinates(shapely.point_on_surface(polygons[at[dots]])) for at in (pairs.first, pairs.second)
        ]
        path = np.stack([inside[0], contact, inside[1]], axis=1)
        # The same community drawn twice: a line must still have a length.
        path[(np.ptp(path, axis=1) < DOT_M).all(axis=1), 2, 0] += 1.0
        lines[dots] = shapely.linestrings(path)
    return gpd.array.from_shapely(lines)


# --- shared walls ---------------------------------------------------------------------------------


def list_shared_walls(
    communities: gpd.GeoDataFrame,
    community_links: gpd.GeoDataFrame,
    zone_members: pd.DataFrame | None = None,
    *,
    wall_gap_m: float = 2.0,
    min_wall_m: float = 5.0,
) -> gpd.GeoDataFrame:
    """Every wall two communities share, with its length, and whether opening it (拆墙并院) serves a zone.

    Parameters
    ----------
    communities
        Polygons in a projected CRS in metres, index the community id; ``name`` where known.
    community_links
        Layer of :func:`link_communities`; the lengths are those of ``shared_wall_m``.
    zone_members
        Whose ``zone_id`` says which communities are renovated together; None: not known yet.
    wall_gap_m
        As for :func:`link_communities`: where the boundary is drawn as shared.
    min_wall_m
        Shorter stretches are not listed: 5 m takes a gate and a path.

    Returns
    -------
    geopandas.GeoDataFrame
        Layer ``shared_walls``, index ``link_id``, sorted: the stretch of the first community's boundary
        that runs along the other. No shared walls give no rows with the same columns.

    Raises
    ------
    CRSError
        No common projected CRS in metres.
    ConfigError
        A length out of range.

    Notes
    -----
    O(links + vertices of the communities that share a wall).
    """
    metric = require_metric(communities=communities, community_links=community_links)
    _require_length("wall_gap_m", wall_gap_m)
    _require_length("min_wall_m", min_wall_m)
    shared = community_links[community_links["shared_wall_m"] >= max(min_wall_m, DOT_M)].sort_index()
    shapes = sorted_by_id(communities, "communities")
    one, other = (shapes.geometry.reindex(shared[side]).to_numpy() for side in ("focal", "neighbor"))
    home = {} if zone_members is None else zone_members["zone_id"].dropna().to_dict()
    first, second = ([home.get(member) for member in shared[side]] for side in ("focal", "neighbor"))
    together = [a if a == b else None for a, b in zip(first, second, strict=True)]
    use = wall_uses(shared["status"], together, has_zones=zone_members is not None)
    names = names_or_ids(shapes)
    ends = [(names[a], names[b]) for a, b in zip(shared["focal"], shared["neighbor"], strict=True)]
    texts = wall_sentences(ends, shared["shared_wall_m"], use)
    columns = {
        "focal": shared["focal"].array,
        "neighbor": shared["neighbor"].array,
        "shared_wall_m": shared["shared_wall_m"].array,
        "gap_m": shared["gap_m"].array,
        "use": pd.array(use, dtype="str"),
        "zone_id": pd.array(together, dtype="str"),
        "reason_zh": pd.array([text.zh for text in texts], dtype="str"),
        "reason_en": pd.array([text.en for text in texts], dtype="str"),
    }
    frame = pd.DataFrame(columns, index=pd.Index(shared.index, dtype="str", name="link_id"))
    lines = gpd.array.from_shapely(wall_lines(one, other, wall_gap_m=wall_gap_m))
    return gpd.GeoDataFrame(frame, geometry=lines, crs=metric)


# --- groups ---------------------------------------------------------------------------------------


def connected_groups(communities: gpd.GeoDataFrame, community_links: pd.DataFrame) -> pd.Series[Any]:
    """Which communities one can walk between over joined and rejoined links: the groups zones are cut from.

    Parameters
    ----------
    communities
        Index the community id; nothing else is read.
    community_links
        Layer of :func:`link_communities`.

    Returns
    -------
    pandas.Series
        ``group_id``: "G-" and the smallest id of the group, on the index of ``communities`` in its order.
        A community without a link is a group of its own. Empty for no communities.

    Raises
    ------
    DataError
        A link names a community that is not there.

    Notes
    -----
    O(communities + links).
    """
    ids = pd.Index([str(value) for value in communities.index], dtype=object)
    order = ids.sort_values()
    usable = community_links[community_links["status"].isin(("joined", "rejoined"))]
    one, other = (order.get_indexer(pd.Index(usable[side], dtype=object)) for side in ("focal", "neighbor"))
    stray = (one < 0) | (other < 0)
    if stray.any():
        text = Text("连接指向不存在的小区；请重新运行 community_links。", "Links name communities that are not there.")
        lost = by_key(usable.index[stray])
        raise DataError(
            [Finding(severity="error", code="dangling_reference", layer="community_links", features=lost, text=text)]
        )
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(len(order), len(order)))
    _, label = connected_components(graph, directed=False)
    smallest = order.to_numpy()[np.unique(label, return_index=True)[1]] if len(order) else np.zeros(0, dtype=object)
    group = pd.Series([f"G-{smallest[at]}" for at in label], index=order, dtype="str")
    return group.loc[ids].set_axis(communities.index).rename("group_id")


def _require_length(name: str, value: float, *, least: float = 0.0) -> None:
    if not (math.isfinite(value) and value >= least):
        raise ConfigError(
            f"{name} 应为不小于 {least:g} 的米数，现为 {value}；请在 project.toml 的 [contiguity] 中改正。",
            f"{name} must be a length of at least {least:g} m; found {value}. Mend it in [contiguity] of project.toml.",
        )
