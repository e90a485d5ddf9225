"""What lies between two communities: barriers that close every way, and crossings that open one again.

The *ways* between two communities are the paths inside the corridor between their facing sides: the
convex hull of what of each lies within reach of the other, as far as it is within reach of both.
Barriers are taken out of the corridor, widened so that an opening too narrow to pass is none. Where no
part of the rest leads from one community to the other, every way is blocked.

Building a corridor costs half a millisecond, so two cheaper tests that are never wrong come first:
a shortest line that meets no barrier is itself a way; and a barrier that runs through the whole box
around both communities, meets neither, and crosses their shortest line an odd number of times has one
of them on each side.
"""

from __future__ import annotations

from itertools import chain as chained
from itertools import combinations, pairwise, permutations
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Flags, Floats, Geometries, Positions

# A part of a community behind a barrier counts as the community only from this share of its area on;
# less is how far rivers and railways are drawn over the edge of a compound by mistake.
MAIN_PART_SHARE = 0.1
# Lines are searched in runs of so many segments of at most this length, polygons in tiles no larger.
PIECE_SEGMENTS = 8
SEGMENT_M = 250.0
TILE_M = 1000.0
TILE_VERTICES = 64
# A way round a barrier is drawn with its bend at a corner of the open ground or at a point so far apart.
BEND_M = 5.0
# Crossings of one cut looked at together, when one alone does not reach across all barriers.
CROSSINGS_TOGETHER = 8


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


class Verdicts(NamedTuple):
    """What stands between the pairs that barriers touch; every key is a pair's row.

    ``around`` holds the way left past the barriers and its length, ``cut`` the barriers that close
    every way (each alone, else all together), ``over`` the walk over crossings: length, line, crossings.
    ``past`` names the barriers the shortest line meets though another way is open.
    """

    around: dict[int, tuple[float, Any]]
    past: dict[int, tuple[int, ...]]
    cut: dict[int, tuple[int, ...]]
    over: dict[int, tuple[float, Any, tuple[int, ...]]]


class Barriers(NamedTuple):
    """Barriers in short pieces, so that a railway across the city is searched locally.

    ``solid`` are pieces of lines, and of polygons with their inside. ``edge`` are runs of segments of
    lines and polygon rings, in order along each ``chain``, over vertices ``start`` to ``stop`` of ``xy``.
    Owners are positions in the layer. ``half_m`` is half the least opening a person passes; ``reach``
    holds the boxes of the solid pieces widened by it.
    """

    half_m: float
    solid: Geometries
    solid_owner: Positions
    solids: shapely.STRtree
    reach: shapely.STRtree
    edge: Geometries
    edge_owner: Positions
    chain: Positions
    start: Positions
    stop: Positions
    xy: Floats
    edges: shapely.STRtree


class Crossings(NamedTuple):
    """Crossings as two ends and a length in m; ``serves`` holds the barriers each leads over."""

    ends: Geometries
    length_m: Floats
    is_point: Flags
    serves: list[frozenset[int]]
    tree: shapely.STRtree


# --- preparing ------------------------------------------------------------------------------------


def prepare_barriers(shapes: Geometries, owner: Positions, *, min_opening_m: float) -> Barriers:
    """Lines and polygons cut into pieces. ``owner`` is the barrier's position in its layer. O(vertices)."""
    shapes = shapely.force_2d(shapes)
    is_area = shapely.get_dimensions(shapes) == 2
    part, of = shapely.get_parts(shapes[~is_area], return_index=True)
    area_part, area_of = shapely.get_parts(shapes[is_area], return_index=True)
    ring, ring_of = shapely.get_rings(area_part, return_index=True)
    line_owner, area_owner = owner[~is_area][of], owner[is_area][area_of]
    chains = shapely.segmentize(np.concatenate([part, ring]), SEGMENT_M)
    chain_owner = np.concatenate([line_owner, area_owner[ring_of]])
    xy, chain, start, stop = _runs(chains)
    edge = _linestrings(xy, start, stop)
    of_line = chain < len(part)
    tile, tile_owner = _tiles(area_part, area_owner)
    solid = np.concatenate([edge[of_line], tile])
    solid_owner = np.concatenate([chain_owner[chain[of_line]], tile_owner])
    # A barrier needs some width, else rounding opens it.
    half_m = max(min_opening_m / 2.0, 0.01)
    return Barriers(
        half_m=half_m,
        solid=solid,
        solid_owner=solid_owner,
        solids=shapely.STRtree(solid),
        reach=shapely.STRtree(_diagonals(shapely.bounds(solid), half_m * (1.0 + 1e-9) + 1e-6)),
        edge=edge,
        edge_owner=chain_owner[chain],
        chain=chain,
        start=start,
        stop=stop,
        xy=xy,
        edges=shapely.STRtree(edge),
    )


def _runs(chains: Geometries) -> tuple[Floats, Positions, Positions, Positions]:
    """All vertices, and for each run of segments its chain, first and last vertex."""
    xy = shapely.get_coordinates(chains)
    vertices = shapely.get_num_coordinates(chains).astype(np.intp)
    offset = np.concatenate([[0], np.cumsum(vertices)]).astype(np.intp)
    runs = -(-np.maximum(vertices - 1, 0) // PIECE_SEGMENTS)
    chain = np.repeat(np.arange(len(chains)), runs)
    turn = np.arange(len(chain)) - np.repeat(np.cumsum(runs) - runs, runs)
    start = offset[chain] + turn * PIECE_SEGMENTS
    stop = np.minimum(start + PIECE_SEGMENTS, offset[chain + 1] - 1)
    return xy, chain, start, stop


def _linestrings(xy: Floats, start: Positions, stop: Positions) -> Geometries:
    at, piece = _spans(start, stop + 1)
    return np.asarray(shapely.linestrings(xy[at], indices=piece) if len(at) else np.zeros(0, dtype=object))


def _spans(start: Positions, stop: Positions) -> tuple[Positions, Positions]:
    """The numbers from each start up to before its stop, one after another, and whose they are."""
    counts = stop - start
    whose = np.repeat(np.arange(len(start)), counts)
    return np.arange(len(whose)) + np.repeat(start - (np.cumsum(counts) - counts), counts), whose


def _tiles(shapes: Geometries, owner: Positions) -> tuple[Geometries, Positions]:
    """Polygons cut across their longer side until small and simple."""
    done: list[tuple[Geometries, Positions]] = [(shapes[:0], owner[:0])]
    while len(shapes):
        left, bottom, right, top = shapely.bounds(shapes).T
        side = np.maximum(right - left, top - bottom)
        small = (side <= TILE_M) & ((shapely.get_num_coordinates(shapes) <= TILE_VERTICES) | (side <= 1.0))
        done.append((shapes[small], owner[small]))
        shapes, owner, side = shapes[~small], owner[~small], side[~small]
        slices = np.maximum(np.ceil(side / TILE_M), 2.0).astype(np.intp)
        turn, of = _spans(np.zeros(len(slices), dtype=np.intp), slices)
        low, high = (np.stack(side_of, axis=1)[~small][of] for side_of in ((left, bottom), (right, top)))
        # The longer side is cut into equal slices, the other one kept.
        size = high - low
        axis = (size[:, 1] > size[:, 0]).astype(np.intp)
        rows = np.arange(len(of))
        start, step = low[rows, axis], size[rows, axis] / slices[of]
        low[rows, axis], high[rows, axis] = start + turn * step, start + (turn + 1) * step
        cut = shapely.intersection(shapes[of], shapely.box(*low.T, *high.T))
        shapes, part_of = shapely.get_parts(cut, return_index=True)
        owner = owner[of][part_of]
        area = shapely.get_dimensions(shapes) == 2
        shapes, owner = shapes[area], owner[area]
    return np.concatenate([shape for shape, _ in done]), np.concatenate([whose for _, whose in done])


def prepare_crossings(
    layer: gpd.GeoDataFrame, ids: pd.Index[Any], barriers: tuple[Barriers, ...], *, crossing_reach_m: float
) -> Crossings:
    """Crossings and the barriers each leads over: the one it names, else all it touches, else the nearest in reach.

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
    layer: gpd.GeoDataFrame, shapes: Geometries, ids: pd.Index[Any], barriers: tuple[Barriers, ...], reach_m: float
) -> list[frozenset[int]]:
    serves: list[set[int]] = [set() for _ in shapes]
    free = np.ones(len(shapes), dtype=bool)
    if "barrier_id" in layer:
        free = layer["barrier_id"].isna().to_numpy(dtype=bool)
        named = ids.get_indexer(pd.Index(layer["barrier_id"], dtype=object))
        for crossing in np.flatnonzero(~free & (named >= 0)).tolist():
            serves[crossing].add(int(named[crossing]))
    solid = np.concatenate([each.solid for each in barriers])
    owner = np.concatenate([each.solid_owner for each in barriers])
    rows = np.flatnonzero(free)
    at, piece = shapely.STRtree(solid).query(shapes[rows], predicate="dwithin", distance=max(reach_m, 1e-9))
    off_m = shapely.distance(shapes[rows[at]], solid[piece])
    nearest_m = np.full(len(rows), np.inf)
    np.minimum.at(nearest_m, at, off_m)
    chosen = off_m <= nearest_m[at]
    for crossing, barrier in zip(rows[at[chosen]].tolist(), owner[piece[chosen]].tolist(), strict=True):
        serves[crossing].add(barrier)
    return [frozenset(which) for which in serves]


# --- judging --------------------------------------------------------------------------------------


def judge_pairs(
    places: Places,
    pairs: Pairs,
    rows: Positions,
    barriers: Barriers,
    crossings: Crossings | None,
    *,
    max_gap_m: float,
    max_detour_m: float,
) -> Verdicts:
    """What the barriers do to the given rows of ``pairs``; rows without a verdict stay as they are.

    Dear tests run only on what the cheap ones leave open. O(rows) plus half a millisecond a corridor.
    """
    # A barrier in the corridor is within reach of both communities: the rest is free.
    reach_m = max_gap_m * 1.02 + 0.1 + 2.0 * barriers.half_m
    polygons = places.polygon
    piece, near = _within_reach(barriers, places, reach_m)
    rows = _both_near(pairs, rows, near, len(polygons))
    on_line = _unique_pairs(*_meeting_lines(barriers, pairs.line, rows))
    on_place = _meeting_places(barriers, polygons, near, piece)
    mains = _main_parts(barriers, polygons, on_place)
    through = _through_cuts(barriers, polygons, pairs, on_line)
    unsure = _in_doubt(polygons, pairs, rows, on_line, on_place, mains)
    unsure = unsure[~np.isin(unsure, list(through))]
    case = _corridors(barriers, mains, pairs, unsure, reach_m)
    left = _ways_left(case, np.arange(len(unsure)), case.hit, case.taker)
    met = _grouped(on_line)
    around = {int(unsure[at]): _way_around(case, at, part) for at, part in left.items() if int(unsure[at]) in met}
    shut = np.setdiff1d(np.arange(len(unsure)), np.fromiter(left, dtype=np.intp, count=len(left)))
    in_the_way = _in_the_way(
        np.append(np.fromiter(through, np.intp, len(through)), unsure[shut]), pairs, on_line, on_place, case
    )
    cut = {**through, **_cutters(case, shut, in_the_way)}
    found = Verdicts(around, {row: met[row] for row in around}, cut, {})
    if crossings is not None and cut:
        scene = _Scene(mains, pairs, barriers, crossings, case, reach_m, max_detour_m)
        found.over.update(_rejoined(scene, cut, in_the_way))
    return found


def _diagonals(bounds: Floats, reach_m: float) -> Geometries:
    """Lines with the boxes wanted, widened: cheaper to make than rectangles and as good for a tree."""
    return np.asarray(shapely.linestrings(np.stack([bounds[:, :2] - reach_m, bounds[:, 2:] + reach_m], axis=1)))


def _unique_pairs(one: Positions, other: Positions) -> Positions:
    """Distinct columns (one, other), sorted."""
    return np.asarray(np.unique(np.stack([one, other]), axis=1), dtype=np.intp)


def _grouped(table: Positions) -> dict[int, tuple[int, ...]]:
    """From the two first rows of a sorted table: each key with its distinct values."""
    key, value = table[0], table[1]
    fresh = np.ones(len(key), dtype=bool)
    fresh[1:] = (key[1:] != key[:-1]) | (value[1:] != value[:-1])
    key, value = key[fresh], value[fresh]
    begin = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.zeros(0, dtype=np.intp)
    values, ends = value.tolist(), np.append(begin[1:], len(key)).tolist()
    spans = zip(key[begin].tolist(), begin.tolist(), ends, strict=True) if len(key) else ()
    return {at: tuple(values[start:end]) for at, start, end in spans}


def barriers_met(
    barriers: Barriers, places: Places, pairs: Pairs, at: Geometries, rows: Positions
) -> dict[int, tuple[int, ...]]:
    """The barriers that the geometry ``at`` of each row meets, for rows where there are any. O(pieces near)."""
    _, near = _within_reach(barriers, places, barriers.half_m + float(pairs.gap_m[rows].max(initial=0.0)))
    rows = _both_near(pairs, rows, near, len(places.polygon))
    return _grouped(_unique_pairs(*_meeting_lines(barriers, at, rows)))


def _within_reach(barriers: Barriers, places: Places, reach_m: float) -> tuple[Positions, Positions]:
    """(Solid piece, community) whose boxes are within reach of one another."""
    piece, at = places.tree.query(_diagonals(shapely.bounds(barriers.solid), reach_m))
    return piece, places.row[at]


def _both_near(pairs: Pairs, rows: Positions, near: Positions, count: int) -> Positions:
    """The rows both of whose communities are near."""
    flag = np.zeros(count, dtype=bool)
    flag[near] = True
    return rows[flag[pairs.first[rows]] & flag[pairs.second[rows]]]


def _meeting_lines(barriers: Barriers, lines: Geometries, rows: Positions) -> tuple[Positions, Positions]:
    """(row, barrier) where the shortest line comes within half an opening of the barrier."""
    # Boxes first: asking the tree for distances prepares every line, though nearly all meet nothing.
    at, piece = barriers.reach.query(lines[rows])
    meets = shapely.dwithin(lines[rows[at]], barriers.solid[piece], barriers.half_m)
    return rows[at[meets]], barriers.solid_owner[piece[meets]]


def _meeting_places(barriers: Barriers, polygons: Geometries, place: Positions, piece: Positions) -> Positions:
    """Columns (community, barrier, solid piece), sorted, of the given ones at most half an opening apart."""
    box, piece_box = shapely.bounds(polygons)[place], shapely.bounds(barriers.solid)[piece]
    apart = np.maximum(box[:, :2] - piece_box[:, 2:], piece_box[:, :2] - box[:, 2:]).max(axis=1)
    place, piece = place[apart <= barriers.half_m], piece[apart <= barriers.half_m]
    meets = shapely.dwithin(polygons[place], barriers.solid[piece], barriers.half_m)
    place, piece = place[meets], piece[meets]
    owner = barriers.solid_owner[piece]
    return np.stack([place, owner, piece])[:, np.lexsort((piece, owner, place))]


def _main_parts(barriers: Barriers, polygons: Geometries, on_place: Positions) -> Geometries:
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


def _in_doubt(
    polygons: Geometries, pairs: Pairs, rows: Positions, on_line: Positions, on_place: Positions, mains: Geometries
) -> Positions:
    """Rows whose shortest line meets a barrier or ends on what a barrier cut off a community."""
    doubt = np.zeros(len(pairs.first), dtype=bool)
    doubt[on_line[0]] = True
    met = np.zeros(len(polygons), dtype=bool)
    met[on_place[0]] = True
    ask = rows[(met[pairs.first[rows]] | met[pairs.second[rows]]) & ~doubt[rows]]
    start, end = shapely.get_point(pairs.line[ask], 0), shapely.get_point(pairs.line[ask], -1)
    off = ~(
        (shapely.distance(start, mains[pairs.first[ask]]) <= 1e-6)
        & (shapely.distance(end, mains[pairs.second[ask]]) <= 1e-6)
    )
    doubt[ask[off]] = True
    return np.flatnonzero(doubt)


# --- a barrier that runs right through --------------------------------------------------------------


def _through_cuts(
    barriers: Barriers, polygons: Geometries, pairs: Pairs, on_line: Positions
) -> dict[int, tuple[int, ...]]:
    """Rows cut for certain, with the barriers that each alone cut them.

    Let Q be the box around both communities. A curve without an end in Q colours Q in two by the parity
    of crossings; a community in one piece that the curve does not meet has one colour. So if it crosses
    the shortest line an odd number of times, it parts the two in Q, and the corridor lies in Q.
    """
    whole = shapely.get_num_geometries(polygons) == 1
    rows = np.unique(on_line[0])
    rows = rows[(pairs.gap_m[rows] > 0) & whole[pairs.first[rows]] & whole[pairs.second[rows]]]
    if not len(rows):
        return {}
    box = shapely.bounds(polygons)
    one, other = box[pairs.first[rows]], box[pairs.second[rows]]
    around = np.concatenate([np.minimum(one[:, :2], other[:, :2]), np.maximum(one[:, 2:], other[:, 2:])], axis=1)
    at, piece = barriers.edges.query(_diagonals(around, 0.0))
    order = np.lexsort((piece, at))
    at, piece = at[order], piece[order]
    # Pieces that follow one another along a chain make one run through the box.
    begins = np.ones(len(at), dtype=bool)
    begins[1:] = (
        (at[1:] != at[:-1]) | (piece[1:] != piece[:-1] + 1) | (barriers.chain[piece[1:]] != barriers.chain[piece[:-1]])
    )
    run = np.cumsum(begins) - 1
    first, last = np.flatnonzero(begins), np.append(np.flatnonzero(begins)[1:], len(at)) - 1
    passes = _outside(barriers.xy[barriers.start[piece[first]]], around[at[first]])
    passes &= _outside(barriers.xy[barriers.stop[piece[last]]], around[at[first]])
    odd = np.bincount(run, _crossings_of(barriers, pairs.line[rows], at, piece), len(first)).astype(int) % 2 == 1
    clear = _clear_of(barriers, polygons, pairs, rows, at, piece, (passes & odd)[run])
    alone = passes & odd & (np.bincount(run, ~clear, len(first)) == 0)
    found = _unique_pairs(rows[at[first[alone]]], barriers.edge_owner[piece[first[alone]]])
    return _grouped(found)


def _outside(point: Floats, box: Floats) -> Flags:
    return np.asarray(((point < box[:, :2]) | (point > box[:, 2:])).any(axis=1))


def _crossings_of(barriers: Barriers, lines: Geometries, at: Positions, piece: Positions) -> Floats:
    """How often each piece crosses the shortest line of its row.

    A vertex exactly on the line counts with the side it is taken to be on, so parity along a run holds.
    """
    ends = shapely.get_coordinates(lines).reshape(-1, 2, 2)
    vertex, hit = _spans(barriers.start[piece], barriers.stop[piece])
    p, q = ends[at[hit], 0], ends[at[hit], 1]
    u, v = barriers.xy[vertex] - p, barriers.xy[vertex + 1] - p
    way = q - p
    along = v - u
    crossed = (_cross(way, u) > 0) != (_cross(way, v) > 0)
    within = (_cross(along, -u) > 0) != (_cross(along, way - u) > 0)
    return np.asarray(np.bincount(hit, crossed & within, len(piece)), dtype=np.float64)


def _cross(a: Floats, b: Floats) -> Floats:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


def _clear_of(
    barriers: Barriers,
    polygons: Geometries,
    pairs: Pairs,
    rows: Positions,
    at: Positions,
    piece: Positions,
    asked: Flags,
) -> Flags:
    """Whether the asked pieces meet neither community of their row; the others count as clear."""
    clear = np.ones(len(at), dtype=bool)
    box, piece_box = shapely.bounds(polygons), shapely.bounds(barriers.edge)
    for place in (pairs.first[rows][at], pairs.second[rows][at]):
        ask = np.flatnonzero(asked)
        a, b = box[place[ask]], piece_box[piece[ask]]
        ask = ask[((a[:, :2] <= b[:, 2:]) & (b[:, :2] <= a[:, 2:])).all(axis=1)]
        clear[ask] &= ~shapely.intersects(polygons[place[ask]], barriers.edge[piece[ask]])
    return clear


# --- corridors --------------------------------------------------------------------------------------


class _Corridors(NamedTuple):
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


def _corridors(barriers: Barriers, mains: Geometries, pairs: Pairs, rows: Positions, reach_m: float) -> _Corridors:
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
    return _Corridors(rows, ground, near_side, far_side, hit, barriers.solid_owner[piece], taker, barriers.half_m)


def _ways_left(case: _Corridors, trials: Positions, hit: Positions, taker: Geometries) -> dict[int, Any]:
    """For each trial that leads across without its takers, a connected piece of ground that does.

    ``trials`` are positions in ``case``, ``hit`` positions in ``trials``; so are the keys.
    """
    part, trial = shapely.get_parts(_subtract(case.ground[trials], hit, taker), return_index=True)
    area = shapely.get_dimensions(part) == 2
    part, trial = part[area], trial[area]
    leads = shapely.intersects(part, case.near_side[trials][trial])
    leads &= shapely.intersects(part, case.far_side[trials][trial])
    return dict(zip(trial[leads].tolist()[::-1], part[leads].tolist()[::-1], strict=True))


def _way_around(case: _Corridors, at: int, part: Any) -> tuple[float, Any]:
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


def _cutters(case: _Corridors, shut: Positions, in_the_way: dict[int, frozenset[int]]) -> dict[int, tuple[int, ...]]:
    """For each shut corridor the barriers that alone close it, else all that do so together."""
    hits = np.flatnonzero(np.isin(case.hit, shut))
    trial_of, trial = np.unique(np.stack([case.hit[hits], case.owner[hits]]), axis=1, return_inverse=True)
    is_open = np.zeros(trial_of.shape[1], dtype=bool)
    is_open[list(_ways_left(case, trial_of[0], trial, case.taker[hits]))] = True
    alone = _grouped(trial_of[:, ~is_open])
    rows = {at: int(case.row[at]) for at in shut.tolist()}
    return {row: alone.get(at) or tuple(sorted(in_the_way[row])) for at, row in rows.items()}


# --- crossings --------------------------------------------------------------------------------------


class _Scene(NamedTuple):
    """What the search for crossings needs throughout."""

    mains: Geometries
    pairs: Pairs
    barriers: Barriers
    crossings: Crossings
    case: _Corridors
    reach_m: float
    max_detour_m: float


class _Walk(NamedTuple):
    """A walk over crossings: its length in m, the crossings in ascending order, and its vertices."""

    length_m: float
    crossings: tuple[int, ...]
    xy: Floats


def _in_the_way(
    rows: Positions, pairs: Pairs, on_line: Positions, on_place: Positions, case: _Corridors
) -> dict[int, frozenset[int]]:
    """All barriers to be reckoned with between each pair: on the line, the communities, the corridor."""
    line, place = _grouped(on_line), _grouped(on_place[:2])
    ground = _grouped(np.stack([case.row[case.hit], case.owner]))
    none: tuple[int, ...] = ()
    return {
        row: frozenset(chained(line.get(row, none), place.get(a, none), place.get(b, none), ground.get(row, none)))
        for row, a, b in zip(rows.tolist(), pairs.first[rows].tolist(), pairs.second[rows].tolist(), strict=True)
    }


def _rejoined(
    scene: _Scene, cut: dict[int, tuple[int, ...]], in_the_way: dict[int, frozenset[int]]
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


def _walks_over_one(scene: _Scene, in_the_way: dict[int, frozenset[int]]) -> _WalksOverOne:
    """For each cut pair the walks over one crossing that leads over a barrier in its way.

    A crossing that one can reach from a community only across a barrier not in the pair's way is left out.
    """
    rows = np.array(sorted(in_the_way), dtype=np.intp)
    # From a community all under a lake nobody walks anywhere.
    rows = rows[~shapely.is_empty(scene.mains[scene.pairs.first[rows]])]
    near_side, far_side = scene.mains[scene.pairs.first[rows]], scene.mains[scene.pairs.second[rows]]
    at, crossing = scene.crossings.tree.query(_diagonals(shapely.bounds(near_side), scene.max_detour_m))
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
    scene: _Scene,
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
    scene: _Scene, row: int, singles: list[_Walk], cutters: frozenset[int], in_the_way: frozenset[int]
) -> list[_Walk]:
    """Walks over one crossing, or two or three that each lead over another barrier; the shortest first.

    If one barrier closes the pair alone, a walk that leaves it uncrossed is none.
    """
    useful = {walk.crossings[0]: scene.crossings.serves[walk.crossings[0]] & in_the_way for walk in singles}
    walks = singles
    if len(set(useful.values())) > 1:
        sides = (scene.mains[scene.pairs.first[row]], scene.mains[scene.pairs.second[row]])
        few = sorted(walk.crossings[0] for walk in sorted(singles, key=_by_length)[:CROSSINGS_TOGETHER])
        groups = [g for count in (2, 3) for g in combinations(few, count) if _each_needed([useful[c] for c in g])]
        together = [_walk(sides, scene.crossings, group) for group in groups]
        walks = [*singles, *(walk for walk in together if walk.length_m <= scene.max_detour_m)]
    needed = cutters if len(cutters) == 1 else frozenset[int]()
    crossed = [frozenset[int]().union(*(useful[c] for c in walk.crossings)) for walk in walks]
    return sorted((walk for walk, over in zip(walks, crossed, strict=True) if needed <= over), key=_by_length)


def _by_length(walk: _Walk) -> tuple[float, tuple[int, ...]]:
    return walk.length_m, walk.crossings


def _each_needed(sets: list[frozenset[int]]) -> bool:
    """Whether no set lies within another."""
    return not any(a <= b or b <= a for a, b in combinations(sets, 2))


def _walk(sides: tuple[Any, Any], crossings: Crossings, chosen: tuple[int, ...]) -> _Walk:
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


def _opens(scene: _Scene, row: int, crossed: frozenset[int]) -> bool:
    """Whether the corridor leads across once the crossed barriers are left out."""
    case, at = scene.case, int(np.searchsorted(scene.case.row, row))
    if at == len(case.row) or case.row[at] != row:
        case, at = _corridors(scene.barriers, scene.mains, scene.pairs, np.array([row]), scene.reach_m), 0
    here = slice(*np.searchsorted(case.hit, [at, at + 1]))
    stays = np.array([owner not in crossed for owner in case.owner[here].tolist()], dtype=bool)
    taker = case.taker[here][stays]
    return bool(_ways_left(case, np.array([at]), np.zeros(len(taker), dtype=np.intp), taker))
