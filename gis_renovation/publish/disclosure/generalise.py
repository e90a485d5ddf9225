"""Geometries made coarse enough to publish: generalised as a coverage and rounded, without slivers.

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

# Continuous coverage of detailed maps that stays outside the catalogue, in m².
COVERAGE_LIMIT_M2 = 25_000_000.0


def generalise_shapes(geometry: Geometries, tolerance_m: float, *, grid_m: float = 1.0) -> Geometries:
    """``geometry`` without details finer than ``tolerance_m``, on whole multiples of ``grid_m``.

    Areas are simplified together, so that shared borders stay shared and no sliver or gap opens
    between neighbours (shapely's coverage_simplify, Visvalingam and Whyatt 1993); lines each by
    itself, ends kept; points are rounded. Where areas overlap, the borders they do not share are
    simplified each by itself, those of all others stay shared. What rounding breaks is mended and
    snapped once more; what would vanish becomes one step or cell of the grid, so that no exact vertex
    stays. Order and number of shapes are kept; missing shapes stay missing. A tolerance of 0 only rounds.
    O(vertices log vertices).
    """
    out = np.array(geometry, dtype=object)
    present = ~(shapely.is_missing(out) | shapely.is_empty(out))
    areas = np.flatnonzero(present & (shapely.get_dimensions(out) == 2))
    lines = np.flatnonzero(present & (shapely.get_dimensions(out) == 1))
    if tolerance_m > 0 and len(areas):
        out[areas] = shapely.coverage_simplify(out[areas], tolerance_m)
    if tolerance_m > 0 and len(lines):
        out[lines] = shapely.simplify(out[lines], tolerance_m, preserve_topology=True)
    rounded = shapely.transform(out, lambda xy: np.round(xy / grid_m) * grid_m)
    good = shapely.is_valid(rounded) & (shapely.get_dimensions(rounded) == shapely.get_dimensions(out))
    good &= (shapely.area(rounded) > 0) | (shapely.get_dimensions(out) < 2)
    # Mending puts corners between the lines of the grid, so what rounding broke is snapped once more.
    broken = np.flatnonzero(present & ~good)
    mended = rounded.copy()
    mended[broken] = shapely.make_valid(rounded[broken], method="structure", keep_collapsed=False)
    mended[broken] = shapely.set_precision(shapely.set_precision(mended[broken], grid_m), 0.0)
    lost = present & (shapely.is_empty(mended) | (shapely.get_dimensions(mended) != shapely.get_dimensions(out)))
    mended[lost] = [_least_shape(shape, grid_m) for shape in out[lost]]
    return mended


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
