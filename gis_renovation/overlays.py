"""How much of one set of polygons lies inside another: containment first, cutting only at the rim.

A parcel wholly inside a zone needs no cut, one wholly outside no test beyond its box. Only what
straddles a boundary is intersected, and that on all given threads (shapely releases the lock).
Everything is planar: callers see to one projected CRS in metres (:func:`gis_renovation.crs.require_metric`).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Geometries = NDArray[np.object_]

_CHUNK = 4096


@dataclass(frozen=True)
class Overlaps:
    """Pairs of polygons that share area, sorted by shape and then cover, each pair once.

    ``shape`` and ``cover`` are positions in the arrays given; ``area_m2`` is what they share;
    ``width_m`` the mean width of the shared patch, twice its area by its perimeter (half a
    rectangle's harmonic side): a long thin sliver has a small one however large its area.
    """

    shape: Indices
    cover: Indices
    area_m2: Floats
    width_m: Floats


def overlap_areas(shapes: Geometries, covers: Geometries, *, threads: int = 2) -> Overlaps:
    """Every pair of a shape and a cover that share area, with the area and its mean width.

    ``shapes`` and ``covers`` are arrays of valid polygons in one metric CRS, missing ones allowed
    (they share nothing). Covers may overlap each other; see :func:`dissolve_overlapping` where each
    place may count once. Empty input gives empty arrays. O(n log n + rim vertices).
    """
    cover_at, shape_at = _box_pairs(shapes, covers)
    if len(shape_at) == 0:
        nothing = np.empty(0, np.float64)
        return Overlaps(shape_at, cover_at, nothing, nothing)
    shapely.prepare(covers)
    inside = _threaded(shapely.covers, covers[cover_at], shapes[shape_at], threads=threads)
    touches = inside.copy()
    touches[~inside] = _threaded(
        shapely.intersects, covers[cover_at[~inside]], shapes[shape_at[~inside]], threads=threads
    )
    cover_at, shape_at, inside = cover_at[touches], shape_at[touches], inside[touches]
    area, length = np.empty(len(shape_at)), np.empty(len(shape_at))
    whole = shapes[shape_at[inside]]
    area[inside], length[inside] = shapely.area(whole), shapely.length(whole)
    rim = ~inside
    cut = _threaded(shapely.intersection, shapes[shape_at[rim]], covers[cover_at[rim]], threads=threads)
    area[rim], length[rim] = shapely.area(cut), shapely.length(cut)
    keep = area > 0.0
    order = np.lexsort((cover_at[keep], shape_at[keep]))
    area, length = area[keep][order], length[keep][order]
    return Overlaps(shape_at[keep][order], cover_at[keep][order], area, 2.0 * area / length)


def covered_areas(shapes: Geometries, covers: Geometries, *, threads: int = 2) -> tuple[Floats, Floats]:
    """Area of each shape inside the union of ``covers``, and the width of its widest shared patch.

    Where covers overlap each place counts once. Both arrays follow ``shapes``; 0 where nothing is
    shared, NaN never. O(n log n + rim vertices).
    """
    pairs = overlap_areas(shapes, dissolve_overlapping(covers), threads=threads)
    area = np.bincount(pairs.shape, weights=pairs.area_m2, minlength=len(shapes)).astype(np.float64)
    width = np.zeros(len(shapes))
    np.maximum.at(width, pairs.shape, pairs.width_m)
    return area, width


def dissolve_overlapping(geometries: Geometries) -> Geometries:
    """The same ground covered by polygons no two of which share area.

    Groups whose interiors overlap are united; polygons that only touch stay apart, which keeps the
    work local. Missing and empty geometry is dropped. O(n log n + vertices of overlapping groups).
    """
    geometries = geometries[~(shapely.is_missing(geometries) | shapely.is_empty(geometries))]
    tree = shapely.STRtree(geometries)
    left, right = tree.query(geometries, predicate="intersects")
    once = left < right
    left, right = left[once], right[once]
    shares = shapely.relate_pattern(geometries[left], geometries[right], "T********")
    left, right = left[shares], right[shares]
    if len(left) == 0:
        return geometries
    size = len(geometries)
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(size, size))
    _, group = connected_components(graph, directed=False)
    mixed = np.isin(group, group[left])
    order = np.argsort(group[mixed], kind="stable")
    members = geometries[mixed][order]
    starts = np.flatnonzero(np.diff(group[mixed][order], prepend=-1))
    united = [shapely.union_all(part) for part in np.split(members, starts[1:])]
    return np.array([*geometries[~mixed], *united], dtype=object)


def _box_pairs(shapes: Geometries, covers: Geometries) -> tuple[Indices, Indices]:
    """Positions of covers and shapes whose boxes meet; the tree stands over the larger array."""
    if len(shapes) >= len(covers):
        cover_at, shape_at = shapely.STRtree(shapes).query(covers)
    else:
        shape_at, cover_at = shapely.STRtree(covers).query(shapes)
    return cover_at, shape_at


def _threaded(function: Callable[..., Any], left: Geometries, right: Geometries, *, threads: int) -> Any:
    """``function(left, right)`` in chunks on several threads; the order of the result is kept."""
    if threads <= 1 or len(left) <= _CHUNK:
        return function(left, right)
    bounds = range(0, len(left), _CHUNK)
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda at: function(left[at : at + _CHUNK], right[at : at + _CHUNK]), bounds))
    return np.concatenate(parts)
