"""What barriers do to each pair of communities: nothing, a way round, a cut, a cut that a crossing opens again.

Building a corridor costs half a millisecond, so two cheaper tests that are never wrong come first:
a shortest line that meets no barrier is itself a way; and a barrier that runs through the whole box
around both communities, meets neither, and crosses their shortest line an odd number of times has one
of them on each side.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain as chained
from typing import Any, NamedTuple

import numpy as np
import shapely

from gis_renovation.arrays import Flags, Floats, Geometries, Positions
from gis_renovation.contiguity.barriers import (
    Barriers,
    both_near,
    diagonals,
    grouped,
    meeting_lines,
    meeting_places,
    one_barrier,
    spans,
    unique_pairs,
    within_reach,
)
from gis_renovation.contiguity.corridors import Corridors, corridors, main_parts, opens, way_around, ways_left
from gis_renovation.contiguity.crossings import Crossings, Scene, rejoined
from gis_renovation.contiguity.pairs import Pairs, Places


class Cut(NamedTuple):
    """The barriers that each alone close every way, a least choice to be crossed before one is open, and all of them.

    Where none closes the ways alone, ``every`` one does so together.
    """

    alone: tuple[int, ...]
    needed: tuple[int, ...]
    every: tuple[int, ...]


class Verdicts(NamedTuple):
    """What stands between the pairs that barriers touch; every key is a pair's row.

    ``around`` holds the way left past the barriers and its length, ``cut`` the barriers that close
    every way, ``over`` the walk over crossings: length, line, crossings.
    ``past`` names the barriers the shortest line meets though another way is open.
    """

    around: dict[int, tuple[float, Any]]
    past: dict[int, tuple[int, ...]]
    cut: dict[int, Cut]
    over: dict[int, tuple[float, Any, tuple[int, ...]]]


class Between(NamedTuple):
    """The communities, the pairs near enough, and what lies between them; no crossings where none are known."""

    places: Places
    pairs: Pairs
    barriers: Barriers
    crossings: Crossings | None


class _Meetings(NamedTuple):
    """Which barriers meet what: columns (row, barrier), and columns (community, barrier, solid piece), sorted."""

    on_line: Positions
    on_place: Positions


def judge_pairs(between: Between, rows: Positions, *, max_gap_m: float, max_detour_m: float) -> Verdicts:
    """What the barriers do to the given rows of the pairs; rows without a verdict stay as they are.

    Dear tests run only on what the cheap ones leave open. O(rows) plus half a millisecond a corridor.
    """
    places, pairs, barriers, crossings = between
    # A barrier in the corridor is within reach of both communities: the rest is free.
    reach_m = max_gap_m * 1.02 + 0.1 + 2.0 * barriers.half_m
    polygons = places.polygon
    piece, near = within_reach(barriers, places, reach_m)
    rows = both_near(pairs, rows, near, len(polygons))
    on_line = unique_pairs(*meeting_lines(barriers, pairs.line, rows))
    met = _Meetings(on_line, meeting_places(barriers, polygons, near, piece))
    mains = main_parts(barriers, polygons, met.on_place)
    through = _through_cuts(barriers, polygons, pairs, on_line)
    unsure = _in_doubt(pairs, rows, met, mains)
    # Cut for certain, and by nothing else: no corridor is needed.
    known = [row for row, which in _met_first(pairs, met, through).items() if which == frozenset(through[row])]
    unsure = unsure[~np.isin(unsure, known)]
    case = corridors(barriers, mains, pairs, unsure, reach_m)
    left = ways_left(case, np.arange(len(unsure)), case.hit, case.taker)
    left = {at: part for at, part in left.items() if int(unsure[at]) not in through}
    past = grouped(on_line)
    around = {int(unsure[at]): way_around(case, at, part) for at, part in left.items() if int(unsure[at]) in past}
    shut = np.setdiff1d(np.arange(len(unsure)), np.fromiter(left, dtype=np.intp, count=len(left)))
    closed = np.append(np.array(known, dtype=np.intp), unsure[shut])
    in_the_way = _in_the_way(closed, pairs, met, case)
    cut = {row: Cut(through[row], through[row], through[row]) for row in known}
    cut |= _cuts(between, case, shut, {row: in_the_way[row] for row in unsure[shut].tolist()}, max_gap_m=max_gap_m)
    cut |= {row: _with(cut[row], which) for row, which in through.items() if row in cut}
    found = Verdicts(around, {row: past[row] for row in around}, cut, {})
    if crossings is not None and cut:
        scene = Scene(mains, pairs, barriers, crossings, case, reach_m, max_detour_m)
        found.over.update(rejoined(scene, {row: each.alone for row, each in cut.items()}, in_the_way))
    return found


def _with(cut: Cut, certain: tuple[int, ...]) -> Cut:
    """A cut with the barriers that are known to close the pair alone, besides those found."""
    return Cut(*(tuple(sorted({*which, *certain})) for which in cut))


def _met_first(pairs: Pairs, met: _Meetings, rows: Iterable[int]) -> dict[int, frozenset[int]]:
    """The barriers that the shortest line of each row or either of its communities meets."""
    line, place = grouped(met.on_line), grouped(met.on_place[:2])
    none: tuple[int, ...] = ()
    return {
        row: frozenset(
            chained(
                line.get(row, none),
                place.get(int(pairs.first[row]), none),
                place.get(int(pairs.second[row]), none),
            )
        )
        for row in rows
    }


def _in_doubt(pairs: Pairs, rows: Positions, met: _Meetings, mains: Geometries) -> Positions:
    """Rows whose shortest line meets a barrier or ends on what a barrier cut off a community."""
    doubt = np.zeros(len(pairs.first), dtype=bool)
    doubt[met.on_line[0]] = True
    touched = np.zeros(len(mains), dtype=bool)
    touched[met.on_place[0]] = True
    ask = rows[(touched[pairs.first[rows]] | touched[pairs.second[rows]]) & ~doubt[rows]]
    start, end = shapely.get_point(pairs.line[ask], 0), shapely.get_point(pairs.line[ask], -1)
    off = ~(
        (shapely.distance(start, mains[pairs.first[ask]]) <= 1e-6)
        & (shapely.distance(end, mains[pairs.second[ask]]) <= 1e-6)
    )
    doubt[ask[off]] = True
    return np.flatnonzero(doubt)


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
    at, piece = barriers.edges.query(diagonals(around, 0.0))
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
    sides = (pairs.first[rows][at], pairs.second[rows][at])
    clear = _clear_of(barriers, polygons, sides, piece, (passes & odd)[run])
    alone = passes & odd & (np.bincount(run, ~clear, len(first)) == 0)
    found = unique_pairs(rows[at[first[alone]]], barriers.edge_owner[piece[first[alone]]])
    return grouped(found)


def _outside(point: Floats, box: Floats) -> Flags:
    return np.asarray(((point < box[:, :2]) | (point > box[:, 2:])).any(axis=1))


def _crossings_of(barriers: Barriers, lines: Geometries, at: Positions, piece: Positions) -> Floats:
    """How often each piece crosses the shortest line of its row.

    A vertex exactly on the line counts with the side it is taken to be on, so parity along a run holds.
    """
    ends = shapely.get_coordinates(lines).reshape(-1, 2, 2)
    vertex, hit = spans(barriers.start[piece], barriers.stop[piece])
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
    barriers: Barriers, polygons: Geometries, sides: tuple[Positions, Positions], piece: Positions, asked: Flags
) -> Flags:
    """Whether the asked pieces meet neither community beside them; the others count as clear."""
    clear = np.ones(len(piece), dtype=bool)
    box, piece_box = shapely.bounds(polygons), shapely.bounds(barriers.edge)
    for place in sides:
        ask = np.flatnonzero(asked)
        a, b = box[place[ask]], piece_box[piece[ask]]
        ask = ask[((a[:, :2] <= b[:, 2:]) & (b[:, :2] <= a[:, 2:])).all(axis=1)]
        clear[ask] &= ~shapely.intersects(polygons[place[ask]], barriers.edge[piece[ask]])
    return clear


def _cuts(
    between: Between, case: Corridors, shut: Positions, in_the_way: dict[int, frozenset[int]], *, max_gap_m: float
) -> dict[int, Cut]:
    """For each shut corridor the barriers that alone close it, and those to be crossed before it opens."""
    hits = np.flatnonzero(np.isin(case.hit, shut))
    trial_of, trial = np.unique(np.stack([case.hit[hits], case.owner[hits]]), axis=1, return_inverse=True)
    is_open = np.zeros(trial_of.shape[1], dtype=bool)
    is_open[list(ways_left(case, trial_of[0], np.ravel(trial), case.taker[hits]))] = True
    alone = grouped(trial_of[:, ~is_open])
    rows = {at: int(case.row[at]) for at in shut.tolist()}
    found = {row: alone.get(at, ()) for at, row in rows.items()}
    found |= _alone_by_themselves(between, case, rows, in_the_way, max_gap_m=max_gap_m)
    needed = {row: _needed(case, at, found[row], in_the_way[row]) for at, row in rows.items()}
    return {row: Cut(found[row], needed[row], tuple(sorted(in_the_way[row]))) for row in rows.values()}


def _alone_by_themselves(
    between: Between, case: Corridors, rows: dict[int, int], in_the_way: dict[int, frozenset[int]], *, max_gap_m: float
) -> dict[int, tuple[int, ...]]:
    """Of pairs of which a barrier lies over a community: which of several close them, each judged as the only one.

    With another one there, a part of the community may be cut off that is not once that is left out.
    """
    places, pairs = between.places, between.pairs
    over: dict[int, list[int]] = {}
    for at, row in rows.items():
        sides = (places.polygon[pairs.first[row]], places.polygon[pairs.second[row]])
        if len(in_the_way[row]) > 1 and (case.near_side[at] is not sides[0] or case.far_side[at] is not sides[1]):
            for barrier in in_the_way[row]:
                over.setdefault(barrier, []).append(row)
    found: dict[int, list[int]] = {row: [] for those in over.values() for row in those}
    for barrier, those in sorted(over.items()):
        single = Between(places, pairs, one_barrier(between.barriers, barrier), None)
        for row in judge_pairs(single, np.array(those, dtype=np.intp), max_gap_m=max_gap_m, max_detour_m=0.0).cut:
            found[row].append(barrier)
    return {row: tuple(which) for row, which in found.items()}


def _needed(case: Corridors, at: int, alone: tuple[int, ...], in_the_way: frozenset[int]) -> tuple[int, ...]:
    """Barriers none of which can be left uncrossed if a way is to open: those alone, and others only if need be."""
    if alone and opens(case, at, frozenset(alone)):
        return alone
    crossed = set(in_the_way)
    for barrier in sorted(in_the_way.difference(alone)):
        if opens(case, at, frozenset(crossed - {barrier})):
            crossed.discard(barrier)
    return tuple(sorted(crossed))


def _in_the_way(rows: Positions, pairs: Pairs, met: _Meetings, case: Corridors) -> dict[int, frozenset[int]]:
    """All barriers to be reckoned with between each pair: on the line, the communities, the corridor."""
    line, place = grouped(met.on_line), grouped(met.on_place[:2])
    ground = grouped(np.stack([case.row[case.hit], case.owner]))
    none: tuple[int, ...] = ()
    return {
        row: frozenset(chained(line.get(row, none), place.get(a, none), place.get(b, none), ground.get(row, none)))
        for row, a, b in zip(rows.tolist(), pairs.first[rows].tolist(), pairs.second[rows].tolist(), strict=True)
    }
