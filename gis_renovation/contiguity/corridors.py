"""The ground between two communities, without the barriers in it: which ways are left.

The *ways* between two communities are the paths inside the corridor between their facing sides: the
convex hull of what of each lies within reach of the other, as far as it is within reach of both.
Barriers are taken out of the corridor, widened so that an opening too narrow to pass is none. Where no
part of the rest leads from one community to the other, every way is blocked.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from gis_renovation.arrays import Geometries, Positions
from gis_renovation.contiguity.barriers import Barriers
from gis_renovation.contiguity.pairs import Pairs

# A part of a community behind a barrier counts as the community only from this share of its area on;
# less is how far rivers and railways are drawn over the edge of a compound by mistake.
MAIN_PART_SHARE = 0.1


# A way round a barrier is drawn with its bend at a corner of the open ground or at a point so far apart.
BEND_M = 5.0


def main_parts(barriers: Barriers, polygons: Geometries, on_place: Positions) -> Geometries:
    """Each community without the barriers over it and without the slivers they cut off."""
    mains = polygons.copy()
    met, at = np.unique(on_place[0], return_inverse=True)
    left = _subtract(polygons[met], at, shapely.buffer(barriers.solid[on_place[2]], barriers.half_m, quad_segs=2))
    part, whose = shapely.get_parts(left, return_index=True)
    big = shapely.area(part) >= MAIN_PART_SHARE * shapely.area(polygons[met])[whose]
    mains[met] = _collected(part[big], whose[big], len(met))
    return mains


def _collected(part: Geometries, whose: Positions, count: int) -> Geometries:
    """The parts of each, as multipolygons; empty where there is none."""
    made = np.full(count, shapely.from_wkt("MULTIPOLYGON EMPTY"), dtype=object)
    if len(part):
        has, at = np.unique(whose, return_inverse=True)
        made[has] = shapely.multipolygons(part, indices=at)
    return made


def _subtract(shapes: Geometries, at: Positions, takers: Geometries) -> Geometries:
    """``shapes`` without every taker at their position, one taker of each position at a time."""
    left = shapes.copy()
    order = np.argsort(at, kind="stable")
    at, takers = at[order], takers[order]
    turn = np.arange(len(at)) - np.searchsorted(at, at)
    for rank in range(int(turn.max(initial=-1)) + 1):
        now = turn == rank
        left[at[now]] = shapely.difference(left[at[now]], takers[now])
    return left


class Corridors(NamedTuple):
    """The ground between pairs, and what stands in it.

    By pair: its row (ascending), the corridor, the main part of either community. By piece of a barrier: the
    corridor it lies in (``hit``, ascending), its ``owner`` and the piece itself (``taker``), widened by
    ``half_m``.
    """

    row: Positions
    ground: Geometries
    near_side: Geometries
    far_side: Geometries
    hit: Positions
    owner: Positions
    taker: Geometries
    half_m: float


def corridors(barriers: Barriers, mains: Geometries, pairs: Pairs, rows: Positions, reach_m: float) -> Corridors:
    """The ground to be searched for a way between the main parts of each pair, all pairs at once.

    Reach is a little more than the largest gap, for buffers are polygons inside the true circle.
    """
    near_side, far_side = mains[pairs.first[rows]], mains[pairs.second[rows]]
    round_near = shapely.buffer(near_side, reach_m, quad_segs=4)
    round_far = shapely.buffer(far_side, reach_m, quad_segs=4)
    facing = np.stack([shapely.intersection(near_side, round_far), shapely.intersection(far_side, round_near)], axis=-1)
    hull = shapely.convex_hull(shapely.geometrycollections(facing)) if len(rows) else facing[:, 0]
    ground = shapely.intersection(shapely.intersection(hull, round_near), round_far)
    hit, piece = barriers.solids.query(ground, predicate="dwithin", distance=barriers.half_m)
    order = np.lexsort((piece, barriers.solid_owner[piece], hit))
    hit, piece = hit[order], piece[order]
    taker = shapely.buffer(barriers.solid[piece], barriers.half_m, quad_segs=2)
    return Corridors(rows, ground, near_side, far_side, hit, barriers.solid_owner[piece], taker, barriers.half_m)


def ways_left(case: Corridors, trials: Positions, hit: Positions, taker: Geometries) -> dict[int, Any]:
    """For each trial that leads across without its takers, a connected piece of ground that does.

    ``trials`` are positions in ``case``, ``hit`` positions in ``trials``; so are the keys.
    """
    part, trial = shapely.get_parts(_subtract(case.ground[trials], hit, taker), return_index=True)
    area = shapely.get_dimensions(part) == 2
    part, trial = part[area], trial[area]
    leads = shapely.intersects(part, case.near_side[trials][trial])
    leads &= shapely.intersects(part, case.far_side[trials][trial])
    return dict(zip(trial[leads].tolist()[::-1], part[leads].tolist()[::-1], strict=True))


def opens(case: Corridors, at: int, crossed: frozenset[int]) -> bool:
    """Whether a corridor leads across once the crossed barriers are left out."""
    here = slice(*np.searchsorted(case.hit, [at, at + 1]))
    stays = np.array([owner not in crossed for owner in case.owner[here].tolist()], dtype=bool)
    taker = case.taker[here][stays]
    return bool(ways_left(case, np.array([at]), np.zeros(len(taker), dtype=np.intp), taker))


def way_around(case: Corridors, at: int, part: BaseGeometry) -> tuple[float, Any]:
    """The shortest walk across the open ground with at most one bend, at a vertex of its outline.

    Where even that is barred the two legs are given as they are: the walk is a lower bound then.
    """
    bends = shapely.points(np.unique(shapely.get_coordinates(shapely.segmentize(part, BEND_M)), axis=0))
    here = slice(*np.searchsorted(case.hit, [at, at + 1]))
    legs = (
        shapely.shortest_line(case.near_side[at], bends),
        shapely.shortest_line(bends, case.far_side[at]),
    )
    length_m = shapely.length(legs[0]) + shapely.length(legs[1])
    # The ground's outline runs along the widened barriers: only what goes through them is barred.
    blocks = shapely.union_all(shapely.buffer(case.taker[here], -case.half_m / 2.0))
    barred = shapely.intersects(legs[0], blocks) | shapely.intersects(legs[1], blocks)
    best = int(np.lexsort((length_m, barred))[0])
    xy = np.concatenate([shapely.get_coordinates(leg[best]) for leg in legs])
    return float(length_m[best]), shapely.remove_repeated_points(shapely.linestrings(xy))
