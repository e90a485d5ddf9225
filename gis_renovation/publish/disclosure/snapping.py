"""Areas brought onto a coarse grid together: by snap rounding, so that what touched touches and nothing crosses."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from gis_renovation.arrays import Floats, Geometries, Ints

# How far a corner may lie off a neighbour's border and still be on it, in grid steps: what digitising leaves.
_TOUCH = 1e-6


def snapped_areas(areas: Geometries, grid_m: float) -> Geometries:
    """Polygons and multipolygons (metres) with every corner on a whole multiple of ``grid_m``; None where one vanishes.

    Snap rounding after Hobby (1999): each corner goes to the nearest point of the grid, and every edge that
    passes through the cell of such a point is led through the point. Whoever shares a border, with the same
    corners or only with some of them, therefore shares it still; areas that lay beside each other do not overlap,
    and where they touched no gap opens. Nothing moves farther than half the diagonal of a cell.
    O((corners + passed cells) log corners).
    """
    parts, owner = shapely.get_parts(shapely.get_parts(areas, return_index=True)[0], return_index=True)
    owner = shapely.get_parts(areas, return_index=True)[1][owner]
    flat = shapely.get_dimensions(parts) == 2
    parts, owner = parts[flat], owner[flat]
    out = np.full(len(areas), None, dtype=object)
    if len(parts) == 0:
        return out
    rings, part_of = shapely.get_rings(parts, return_index=True)
    whole, whole_of = _polygons(_snapped_rings(rings, grid_m), part_of)
    if len(whole):
        areas_of = owner[whole_of]
        present, at = np.unique(areas_of, return_inverse=True)
        out[present] = _clean(np.asarray(shapely.multipolygons(whole, indices=at), dtype=object))
    return out


def _snapped_rings(rings: Geometries, grid_m: float) -> Geometries:
    """The rings on the grid; None where one has fallen to a step there and back."""
    path, ring_of = _led(*shapely.get_coordinates(rings, return_index=True), grid_m)
    kept = _without_repeats(path, ring_of)
    path, ring_of = path[kept], ring_of[kept]
    # Three corners and the first again make a ring.
    good = np.flatnonzero(np.bincount(ring_of, minlength=len(rings)) >= 4)
    out = np.full(len(rings), None, dtype=object)
    if len(good):
        chosen = np.isin(ring_of, good)
        out[good] = shapely.linearrings(path[chosen], indices=np.searchsorted(good, ring_of[chosen]))
    return out


def _polygons(rings: Geometries, part_of: Ints) -> tuple[Geometries, Ints]:
    """Polygons of shells, the first ring of each part, with their holes, and the part of each."""
    present = ~shapely.is_missing(rings)
    is_shell = np.r_[True, np.diff(part_of) > 0]
    shells = np.flatnonzero(present & is_shell)
    holes = np.flatnonzero(present & ~is_shell & np.isin(part_of, part_of[shells]))
    made = np.asarray(shapely.polygons(rings[shells]), dtype=object)
    with_holes, at = np.unique(part_of[holes], return_inverse=True)
    if len(with_holes):
        where = np.searchsorted(part_of[shells], with_holes)
        cut = np.flatnonzero(np.diff(at)) + 1
        made[where] = [
            shapely.polygons(shell, holes=own)
            for shell, own in zip(rings[shells][where], np.split(rings[holes], cut), strict=True)
        ]
    return made, part_of[shells]


def _led(xy: Floats, ring_of: Ints, grid_m: float) -> tuple[Floats, Ints]:
    """The corners of each ring on the grid, with the points between through whose cells its edges pass."""
    cell = np.rint(xy / grid_m)
    hot = np.unique(cell, axis=0)
    starts = np.flatnonzero(ring_of[:-1] == ring_of[1:])
    first, last = xy[starts], xy[starts + 1]
    # Both owners of an edge must find the same points whichever way they draw it.
    turned = (first[:, 0] > last[:, 0]) | ((first[:, 0] == last[:, 0]) & (first[:, 1] > last[:, 1]))
    a, b = np.where(turned[:, None], last, first), np.where(turned[:, None], first, last)
    edges = shapely.linestrings(np.stack([a, b], axis=1))
    centres = hot * grid_m
    half = grid_m * (0.5 + _TOUCH)
    cells = shapely.STRtree(
        shapely.box(centres[:, 0] - half, centres[:, 1] - half, centres[:, 0] + half, centres[:, 1] + half)
    )
    edge, passed = cells.query(edges, predicate="intersects")
    along = ((centres[passed] - a[edge]) * (b - a)[edge]).sum(axis=1)
    along = np.where(turned[edge], -along, along)
    # A ring is its edges one after another, each from its own corner's cell to the next one's.
    own = (hot[passed] == np.rint(first[edge] / grid_m)).all(axis=1)
    end = (hot[passed] == np.rint(last[edge] / grid_m)).all(axis=1)
    rank = np.where(own, -1, np.where(end, 1, 0))
    order = np.lexsort((along, rank, edge))
    return centres[passed[order]], ring_of[starts][edge[order]]


def _without_repeats(path: Floats, path_ring: Ints) -> NDArray[np.bool_]:
    """Which points of the paths differ from the one before."""
    differs: NDArray[np.bool_] = np.r_[True, (np.diff(path, axis=0) != 0).any(axis=1) | (np.diff(path_ring) != 0)]
    return differs


def _clean(areas: Geometries) -> Geometries:
    """Where a path runs there and back on itself it encloses nothing."""
    made = shapely.make_valid(areas, method="structure", keep_collapsed=False)
    made[shapely.is_empty(made) | (shapely.area(made) == 0)] = None
    single = shapely.get_num_geometries(made) == 1
    made[single] = shapely.get_geometry(made[single], 0)
    return made
