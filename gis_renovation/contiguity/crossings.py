"""Crossings that open a cut link again, and the walks over one, two or three of them."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from gis_renovation.arrays import Flags, Floats, Geometries, Positions
from gis_renovation.contiguity.barriers import Barriers, diagonals
from gis_renovation.contiguity.corridors import Corridors, corridors, opens
from gis_renovation.contiguity.limits import LinkLimits
from gis_renovation.contiguity.pairs import Pairs
from gis_renovation.contiguity.sentences import feature_names, metres
from gis_renovation.ids import ids_in
from gis_renovation.words import Text

# Crossings of one cut looked at together, when one alone does not reach across all barriers.
CROSSINGS_TOGETHER = 8


class Crossings(NamedTuple):
    """Crossings as two ends and a length in m; ``serves`` holds the barriers each leads over."""

    ends: Geometries
    length_m: Floats
    is_point: Flags
    serves: list[frozenset[int]]
    tree: shapely.STRtree


def prepare_crossings(
    layer: gpd.GeoDataFrame, ids: pd.Index, barriers: tuple[Barriers, ...], *, crossing_reach_m: float
) -> Crossings:
    """Crossings and the barriers each leads over: the one it names, else all it touches, else the nearest in reach.

    One drawn a second time, with the very same shape, is led over with it.

    ``ids`` are the barriers' in the order of their layer. A line is entered at its ends only: nobody
    steps onto a bridge in its middle. O(crossings log pieces).
    """
    shapes = shapely.force_2d(np.asarray(layer.geometry.to_numpy(), dtype=object))
    part, of = shapely.get_parts(shapes, return_index=True)
    head, tail = np.unique(of, return_index=True)[1], len(of) - 1 - np.unique(of[::-1], return_index=True)[1]
    is_point = shapely.get_dimensions(shapes) == 0
    first = np.where(is_point, part[head], shapely.get_point(part[head], 0))
    last = np.where(is_point, part[head], shapely.get_point(part[tail], -1))
    return Crossings(
        ends=np.stack([first, last], axis=1),
        length_m=np.asarray(shapely.length(shapes)),
        is_point=np.asarray(shapely.length(shapes) == 0.0),
        serves=_served(layer, shapes, ids, barriers, crossing_reach_m),
        tree=shapely.STRtree(shapes),
    )


def _served(
    layer: gpd.GeoDataFrame, shapes: Geometries, ids: pd.Index, barriers: tuple[Barriers, ...], reach_m: float
) -> list[frozenset[int]]:
    serves: list[set[int]] = [set() for _ in shapes]
    free = np.ones(len(shapes), dtype=bool)
    if "barrier_id" in layer:
        free = layer["barrier_id"].isna().to_numpy(dtype=bool)
        named = ids.get_indexer(pd.Index(ids_in(layer["barrier_id"]), dtype=object))
        for crossing in np.flatnonzero(~free & (named >= 0)).tolist():
            serves[crossing].add(int(named[crossing]))
    solid = np.concatenate([each.solid for each in barriers])
    owner = np.concatenate([each.solid_owner for each in barriers])
    alike = _drawn_alike(solid, owner) if not free.all() else {}
    serves = [which.union(*(alike.get(barrier, ()) for barrier in which)) for which in serves]
    rows = np.flatnonzero(free)
    at, piece = shapely.STRtree(solid).query(shapes[rows], predicate="dwithin", distance=max(reach_m, 1e-9))
    off_m = shapely.distance(shapes[rows[at]], solid[piece])
    nearest_m = np.full(len(rows), np.inf)
    np.minimum.at(nearest_m, at, off_m)
    chosen = off_m <= nearest_m[at]
    for crossing, barrier in zip(rows[at[chosen]].tolist(), owner[piece[chosen]].tolist(), strict=True):
        serves[crossing].add(barrier)
    return [frozenset(which) for which in serves]


def _drawn_alike(solid: Geometries, owner: Positions) -> dict[int, list[int]]:
    """For each barrier that is drawn several times all of that shape."""
    pieces: dict[int, list[bytes]] = {}
    for barrier, piece in zip(owner.tolist(), shapely.to_wkb(solid).tolist(), strict=True):
        pieces.setdefault(barrier, []).append(piece)
    shaped: dict[tuple[bytes, ...], list[int]] = {}
    for barrier, own in sorted(pieces.items()):
        shaped.setdefault(tuple(sorted(own)), []).append(barrier)
    return {barrier: those for those in shaped.values() if len(those) > 1 for barrier in those}


class Scene(NamedTuple):
    """What the search for crossings needs throughout."""

    mains: Geometries
    pairs: Pairs
    barriers: Barriers
    crossings: Crossings
    case: Corridors
    reach_m: float
    max_detour_m: float


class _Walk(NamedTuple):
    """A walk over crossings: its length in m, the crossings in ascending order, and its vertices."""

    length_m: float
    crossings: tuple[int, ...]
    xy: Floats


def rejoined(
    scene: Scene, cut: dict[int, tuple[int, ...]], in_the_way: dict[int, frozenset[int]]
) -> dict[int, tuple[float, Any, tuple[int, ...]]]:
    """The cut pairs that crossings join again, each by the shortest walk that is not too long."""
    over = _walks_over_one(scene, in_the_way)
    simple = _sole(in_the_way, over.row) >= 0
    first = np.unique(over.row[simple], return_index=True)[1]
    best = np.flatnonzero(simple)[first]
    found: dict[int, tuple[float, Any, tuple[int, ...]]] = {
        row: (length_m, line, (crossing,))
        for row, length_m, line, crossing in zip(
            over.row[best].tolist(),
            over.length_m[best].tolist(),
            _lines(over.xy[best]).tolist(),
            over.crossing[best].tolist(),
            strict=True,
        )
    }
    singles: dict[int, list[_Walk]] = {}
    for at in np.flatnonzero(~simple).tolist():
        walk = _Walk(float(over.length_m[at]), (int(over.crossing[at]),), over.xy[at])
        singles.setdefault(int(over.row[at]), []).append(walk)
    for row, walks in singles.items():
        for walk in _walks(scene, row, walks, frozenset(cut[row]), in_the_way[row]):
            crossed = frozenset[int]().union(*(scene.crossings.serves[c] for c in walk.crossings))
            if in_the_way[row] <= crossed or _opens(scene, row, crossed):
                found[row] = (walk.length_m, _lines(walk.xy[None])[0], walk.crossings)
                break
    return found


def _lines(xy: Floats) -> Geometries:
    return np.asarray(shapely.remove_repeated_points(shapely.linestrings(xy)), dtype=object)


def _sole(in_the_way: dict[int, frozenset[int]], rows: Positions) -> Positions:
    """The barrier in the way of each row if it is the only one, else -1."""
    return np.array([next(iter(w)) if len(w := in_the_way[row]) == 1 else -1 for row in rows.tolist()], dtype=np.intp)


class _WalksOverOne(NamedTuple):
    """Walks over one crossing: pair row, crossing, length in m, four vertices; by row, then length."""

    row: Positions
    crossing: Positions
    length_m: Floats
    xy: Floats


def _walks_over_one(scene: Scene, in_the_way: dict[int, frozenset[int]]) -> _WalksOverOne:
    """For each cut pair the walks over one crossing that leads over a barrier in its way.

    A crossing that one can reach from a community only across a barrier not in the pair's way is left out.
    """
    rows = np.array(sorted(in_the_way), dtype=np.intp)
    # From a community all under a lake nobody walks anywhere.
    rows = rows[~shapely.is_empty(scene.mains[scene.pairs.first[rows]])]
    near_side, far_side = scene.mains[scene.pairs.first[rows]], scene.mains[scene.pairs.second[rows]]
    at, crossing = scene.crossings.tree.query(diagonals(shapely.bounds(near_side), scene.max_detour_m))
    wanted = _wanted(scene.crossings.serves, in_the_way, rows, at, crossing)
    at, crossing = at[wanted], crossing[wanted]
    there = _there(near_side[at], far_side[at], scene.crossings.ends[crossing])
    back, line = there.copy(), ~scene.crossings.is_point[crossing]
    back[line] = _there(near_side[at[line]], far_side[at[line]], scene.crossings.ends[crossing[line], ::-1])
    length_m = np.fmin(there, back) + scene.crossings.length_m[crossing]
    order = np.lexsort((crossing, length_m, at))
    order = order[length_m[order] <= scene.max_detour_m]
    at, crossing, length_m, enter = at[order], crossing[order], length_m[order], np.where(there <= back, 0, 1)[order]
    ends = scene.crossings.ends
    legs = (
        shapely.shortest_line(near_side[at], ends[crossing, enter]),
        shapely.shortest_line(ends[crossing, 1 - enter], far_side[at]),
    )
    free = ~_barred(scene, in_the_way, rows[at], crossing, legs)
    xy = np.concatenate([shapely.get_coordinates(leg).reshape(-1, 2, 2) for leg in legs], axis=1)
    return _WalksOverOne(rows[at[free]], crossing[free], length_m[free], xy[free])


def _there(near_side: Geometries, far_side: Geometries, ends: Geometries) -> Floats:
    """From the one community to the first end and from the last end to the other, in m."""
    return np.asarray(shapely.distance(near_side, ends[:, 0]) + shapely.distance(far_side, ends[:, 1]))


def _wanted(
    serves: list[frozenset[int]],
    in_the_way: dict[int, frozenset[int]],
    rows: Positions,
    at: Positions,
    crossing: Positions,
) -> Flags:
    """Whether the crossing leads over a barrier in the way of the row; most have one barrier each."""
    alone = np.array([next(iter(which)) if len(which) == 1 else -1 for which in serves], dtype=np.intp)
    sole = _sole(in_the_way, rows)
    wanted: Flags = np.asarray(alone[crossing] == sole[at])
    for entry in np.flatnonzero((alone[crossing] < 0) | (sole[at] < 0)).tolist():
        wanted[entry] = bool(in_the_way[int(rows[at[entry]])] & serves[int(crossing[entry])])
    return wanted


def _barred(
    scene: Scene,
    in_the_way: dict[int, frozenset[int]],
    row: Positions,
    crossing: Positions,
    legs: tuple[Geometries, ...],
) -> Flags:
    """Whether a leg of each walk meets a barrier neither in the pair's way nor under the crossing."""
    barred = np.zeros(len(row), dtype=bool)
    sole = _sole(in_the_way, row)
    for leg in legs:
        walk, piece = scene.barriers.solids.query(leg, predicate="dwithin", distance=scene.barriers.half_m)
        owner = scene.barriers.solid_owner[piece]
        other = owner != sole[walk]
        for at, met in zip(walk[other].tolist(), owner[other].tolist(), strict=True):
            barred[at] |= met not in in_the_way[int(row[at])] and met not in scene.crossings.serves[int(crossing[at])]
    return barred


def _walks(
    scene: Scene, row: int, singles: list[_Walk], cutters: frozenset[int], in_the_way: frozenset[int]
) -> list[_Walk]:
    """Walks over one crossing, or two or three that each lead over another barrier; the shortest first.

    A walk that leaves a barrier uncrossed that closes the pair alone is none.
    """
    useful = {walk.crossings[0]: scene.crossings.serves[walk.crossings[0]] & in_the_way for walk in singles}
    walks = singles
    if len(set(useful.values())) > 1:
        sides = (scene.mains[scene.pairs.first[row]], scene.mains[scene.pairs.second[row]])
        few = sorted(walk.crossings[0] for walk in sorted(singles, key=_by_length)[:CROSSINGS_TOGETHER])
        groups = [g for count in (2, 3) for g in combinations(few, count) if _each_needed([useful[c] for c in g])]
        together = [_walk(sides, scene.crossings, group) for group in groups]
        walks = [*singles, *(walk for walk in together if walk.length_m <= scene.max_detour_m)]
    crossed = [frozenset[int]().union(*(useful[c] for c in walk.crossings)) for walk in walks]
    return sorted((walk for walk, over in zip(walks, crossed, strict=True) if cutters <= over), key=_by_length)


def _by_length(walk: _Walk) -> tuple[float, tuple[int, ...]]:
    return walk.length_m, walk.crossings


def _each_needed(sets: list[frozenset[int]]) -> bool:
    """Whether no set lies within another."""
    return not any(a <= b or b <= a for a, b in combinations(sets, 2))


def _walk(sides: tuple[BaseGeometry, BaseGeometry], crossings: Crossings, chosen: tuple[int, ...]) -> _Walk:
    """The shortest walk from edge to edge over the chosen crossings in any order and direction."""
    best = _Walk(float("inf"), chosen, np.zeros((0, 2)))
    for order in permutations(chosen):
        for turned in np.ndindex(*(2,) * len(order)):
            stops = [sides[0]]
            for crossing, way in zip(order, turned, strict=True):
                stops += [crossings.ends[crossing, way], crossings.ends[crossing, 1 - way]]
            stops.append(sides[1])
            legs = [shapely.shortest_line(a, b) for a, b in list(pairwise(stops))[::2]]
            length_m = float(shapely.length(legs).sum() + crossings.length_m[list(order)].sum())
            if length_m < best.length_m:
                best = _Walk(length_m, chosen, np.concatenate([shapely.get_coordinates(leg) for leg in legs]))
    return best


def _opens(scene: Scene, row: int, crossed: frozenset[int]) -> bool:
    """Whether the corridor leads across once the crossed barriers are left out."""
    case, at = scene.case, int(np.searchsorted(scene.case.row, row))
    if at == len(case.row) or case.row[at] != row:
        case, at = corridors(scene.barriers, scene.mains, scene.pairs, np.array([row]), scene.reach_m), 0
    return opens(case, at, crossed)


def crossing_names(crossings: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame | None, limits: LinkLimits) -> list[Text]:
    """The crossings' names; one that does not lie on the barrier it is said to cross says so.

    A line must meet it, a point lie within ``crossing_reach_m`` of it. O(crossings).
    """
    names = feature_names(crossings, "crossings")
    if barriers is None or "barrier_id" not in crossings:
        return names
    at = barriers.index.get_indexer(pd.Index(ids_in(crossings["barrier_id"]), dtype=object))
    rows = np.flatnonzero(at >= 0)
    shapes = np.asarray(crossings.geometry.to_numpy(), dtype=object)[rows]
    off_m = shapely.distance(shapes, np.asarray(barriers.geometry.to_numpy(), dtype=object)[at[rows]])
    most_m = np.where(shapely.length(shapes) > 0, 1.0, max(limits.crossing_reach_m, 1.0))
    for row, off in zip(rows[off_m > most_m].tolist(), off_m[off_m > most_m].tolist(), strict=True):
        note = Text("（离所登记跨越的阻隔 {off} 米，请核对）", " ({off} m off the barrier it is said to cross: check)")
        names[row] += note.fill(off=metres(off))
    return names
