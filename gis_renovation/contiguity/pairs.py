"""Which communities lie near enough to one another: every pair once, with the exact gap."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis_renovation.arrays import Floats, Geometries, Positions
from gis_renovation.contiguity.limits import require_length
from gis_renovation.crs import require_metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# Geometry rows handled at once by each thread; keeps what is in flight small and the cores even.
CHUNK_ROWS = 2_048
# Pairs measured at once: small, so that no thread is left with a long last piece alone.
PAIRS_AT_ONCE = 4_096
# A line shorter than this is no line to look at.
DOT_M = 1e-6


class NearbyPairs(NamedTuple):
    """Pairs of row positions with ``first < second`` in lexicographic order, and the gap of each in metres."""

    first: Positions
    second: Positions
    gap_m: Floats


class Places(NamedTuple):
    """The communities' polygons, and a tree over those that have coordinates with the row of each."""

    polygon: Geometries
    tree: shapely.STRtree
    row: Positions


class Pairs(NamedTuple):
    """Pairs of communities: row positions ``first`` < ``second``, gap in m and shortest line between them."""

    first: Positions
    second: Positions
    gap_m: Floats
    line: Geometries


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
    require_length("max_gap_m", max_gap_m)
    if isinstance(geometry, gpd.GeoSeries | gpd.GeoDataFrame):
        require_metric(geometry=geometry)
        geometry = np.asarray(geometry.geometry.to_numpy(), dtype=object)
    first, second, gap_m = measured_pairs(outlines_of(geometry, max_gap_m), max_gap_m, threads, _gaps)
    return NearbyPairs(first, second, gap_m)


def _gaps(one: Geometries, other: Geometries, _max_gap_m: float) -> tuple[Floats]:
    return (np.asarray(shapely.distance(one, other)),)


def gaps_and_lines(one: Geometries, other: Geometries, max_gap_m: float) -> tuple[Floats, Geometries]:
    """Gap and shortest line at once: the line costs little more than the gap alone.

    Its length may differ from the gap in the last digit, which matters at 0 and at the bound.
    """
    line = shapely.shortest_line(one, other)
    gap_m = shapely.length(line)
    ask = (gap_m < 1e-6) | (np.abs(gap_m - max_gap_m) < 1e-6)
    gap_m[ask] = shapely.distance(one[ask], other[ask])
    return gap_m, line


def measured_pairs(
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


def outlines_of(geometry: Geometries, max_gap_m: float) -> _Outlines:
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
