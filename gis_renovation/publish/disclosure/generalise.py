"""Geometries made coarse enough to publish: on a grid and generalised as a coverage, without slivers.

Also the sum of contiguous detailed coverage, against the 25 km² above which large-scale maps of
continuous cover are classified (Ministry of Natural Resources, 自然资发〔2020〕95号, item 18, and the
ministry's answer on it).
"""

from __future__ import annotations

import numpy as np
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from gis_renovation.arrays import Geometries
from gis_renovation.publish.disclosure.snapping import snapped_areas

# Continuous coverage of detailed maps that stays outside the catalogue, in m².
COVERAGE_LIMIT_M2 = 25_000_000.0


def generalise_shapes(geometry: Geometries, tolerance_m: float, *, grid_m: float = 10.0) -> Geometries:
    """``geometry`` on whole multiples of ``grid_m``, without details finer than ``tolerance_m``.

    Areas are brought onto the grid together (:func:`snapped_areas`) and then simplified together, so that shared
    borders stay shared and no sliver, gap or overlap opens between neighbours (shapely's coverage_simplify,
    Visvalingam and Whyatt 1993, which only leaves corners out); lines each by itself, ends kept; points are
    rounded. Where areas overlap, the borders they do not share are simplified each by itself, those of all others
    stay shared. What would vanish becomes one step or cell of the grid, so that no exact vertex stays. Order and
    number of shapes are kept; missing shapes stay missing. A tolerance of 0 only brings onto the grid.
    O(vertices log vertices).
    """
    out = np.array(geometry, dtype=object)
    dimension = np.where(shapely.is_missing(out) | shapely.is_empty(out), -1, shapely.get_dimensions(out))
    areas, lines, points = (np.flatnonzero(dimension == wanted) for wanted in (2, 1, 0))
    out[points] = _rounded(out[points], grid_m)
    out[lines] = _coarse_lines(out[lines], tolerance_m, grid_m)
    out[areas] = _coarse_areas(out[areas], tolerance_m, grid_m)
    # What became less than it was lies within a cell, or its mended rest would.
    lost = np.flatnonzero((dimension > 0) & (shapely.get_dimensions(out) != dimension))
    out[lost] = [_least_shape(shape, grid_m) for shape in np.asarray(geometry, dtype=object)[lost]]
    return out


def _rounded(shapes: Geometries, grid_m: float) -> Geometries:
    rounded: Geometries = shapely.transform(shapes, lambda xy: np.rint(xy / grid_m) * grid_m)
    return rounded


def _coarse_lines(lines: Geometries, tolerance_m: float, grid_m: float) -> Geometries:
    """Lines on the grid; None for one that falls to a point."""
    fewer = shapely.simplify(lines, tolerance_m, preserve_topology=True) if tolerance_m > 0 else lines
    made: Geometries = shapely.remove_repeated_points(_rounded(fewer, grid_m))
    made[shapely.length(made) == 0] = None
    return made


def _coarse_areas(areas: Geometries, tolerance_m: float, grid_m: float) -> Geometries:
    """Areas on the grid, as a coverage; None for one that vanishes."""
    made = snapped_areas(areas, grid_m)
    there = np.flatnonzero(~shapely.is_missing(made))
    if tolerance_m > 0 and len(there):
        made[there] = shapely.coverage_simplify(made[there], tolerance_m)
    # Where areas overlap, simplifying each by itself may still break one: it is mended and snapped once more.
    broken = there[~shapely.is_valid(made[there])]
    made[broken] = snapped_areas(shapely.make_valid(made[broken], method="structure", keep_collapsed=False), grid_m)
    return made


def _least_shape(shape: BaseGeometry, grid_m: float) -> BaseGeometry:
    """What stands for a shape smaller than the grid: a step or a cell of the grid where it lies."""
    x, y = np.round(shapely.get_coordinates(shape)[0] / grid_m) * grid_m
    if shapely.get_dimensions(shape) == 1:
        return shapely.LineString([(x, y), (x + grid_m, y)])
    cell: BaseGeometry = shapely.box(x, y, x + grid_m, y + grid_m)
    return cell


def largest_contiguous_area_m2(layers: dict[str, Geometries], *, gap_m: float = 50.0) -> float:
    """The area in m² of the largest piece of continuous detailed cover.

    Geometries of all ``layers`` nearer than ``gap_m`` to one another belong to one piece (streets
    between blocks do not interrupt a map); its area is that of the convex hull, so that the ground
    between the shapes counts as covered. Nothing drawn: 0. O(n log n + near pairs).
    """
    shapes = np.concatenate([np.asarray(s, dtype=object) for s in layers.values()] or [np.zeros(0, dtype=object)])
    shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    if len(shapes) == 0:
        return 0.0
    left, right = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=gap_m)
    near = coo_matrix((np.ones(len(left), dtype=bool), (left, right)), shape=(len(shapes), len(shapes)))
    _, piece = connected_components(near, directed=False)
    order = np.argsort(piece, kind="stable")
    pieces = np.split(shapes[order], np.flatnonzero(np.diff(piece[order])) + 1)
    return max(float(shapely.area(shapely.convex_hull(shapely.GeometryCollection(part.tolist())))) for part in pieces)
