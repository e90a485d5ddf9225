"""Barriers between communities, cut into short pieces so that a railway across the city is searched locally."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from gis_renovation.arrays import Floats, Geometries, Positions
from gis_renovation.contiguity.pairs import Pairs, Places

# Lines are searched in runs of so many segments of at most this length, polygons in tiles no larger.
PIECE_SEGMENTS = 8
SEGMENT_M = 250.0
TILE_M = 1000.0
TILE_VERTICES = 64


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
        reach=shapely.STRtree(diagonals(shapely.bounds(solid), half_m * (1.0 + 1e-9) + 1e-6)),
        edge=edge,
        edge_owner=chain_owner[chain],
        chain=chain,
        start=start,
        stop=stop,
        xy=xy,
        edges=shapely.STRtree(edge),
    )


def one_barrier(barriers: Barriers, owner: int) -> Barriers:
    """The pieces of one barrier, to be judged as if there were no other. O(pieces)."""
    solid, edge = barriers.solid_owner == owner, barriers.edge_owner == owner
    own = barriers.solid[solid]
    return barriers._replace(
        solid=own,
        solid_owner=barriers.solid_owner[solid],
        solids=shapely.STRtree(own),
        reach=shapely.STRtree(diagonals(shapely.bounds(own), barriers.half_m * (1.0 + 1e-9) + 1e-6)),
        edge=barriers.edge[edge],
        edge_owner=barriers.edge_owner[edge],
        chain=barriers.chain[edge],
        start=barriers.start[edge],
        stop=barriers.stop[edge],
        edges=shapely.STRtree(barriers.edge[edge]),
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
    at, piece = spans(start, stop + 1)
    return np.asarray(shapely.linestrings(xy[at], indices=piece) if len(at) else np.zeros(0, dtype=object))


def spans(start: Positions, stop: Positions) -> tuple[Positions, Positions]:
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
        turn, of = spans(np.zeros(len(slices), dtype=np.intp), slices)
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


def diagonals(bounds: Floats, reach_m: float) -> Geometries:
    """Lines with the boxes wanted, widened: cheaper to make than rectangles and as good for a tree."""
    return np.asarray(shapely.linestrings(np.stack([bounds[:, :2] - reach_m, bounds[:, 2:] + reach_m], axis=1)))


def unique_pairs(one: Positions, other: Positions) -> Positions:
    """Distinct columns (one, other), sorted."""
    return np.asarray(np.unique(np.stack([one, other]), axis=1), dtype=np.intp)


def grouped(table: Positions) -> dict[int, tuple[int, ...]]:
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
    _, near = within_reach(barriers, places, barriers.half_m + float(pairs.gap_m[rows].max(initial=0.0)))
    rows = both_near(pairs, rows, near, len(places.polygon))
    return grouped(unique_pairs(*meeting_lines(barriers, at, rows)))


def within_reach(barriers: Barriers, places: Places, reach_m: float) -> tuple[Positions, Positions]:
    """(Solid piece, community) whose boxes are within reach of one another."""
    piece, at = places.tree.query(diagonals(shapely.bounds(barriers.solid), reach_m))
    return piece, places.row[at]


def both_near(pairs: Pairs, rows: Positions, near: Positions, count: int) -> Positions:
    """The rows both of whose communities are near."""
    flag = np.zeros(count, dtype=bool)
    flag[near] = True
    return rows[flag[pairs.first[rows]] & flag[pairs.second[rows]]]


def meeting_lines(barriers: Barriers, lines: Geometries, rows: Positions) -> tuple[Positions, Positions]:
    """(row, barrier) where the shortest line comes within half an opening of the barrier."""
    # Boxes first: asking the tree for distances prepares every line, though nearly all meet nothing.
    at, piece = barriers.reach.query(lines[rows])
    meets = shapely.dwithin(lines[rows[at]], barriers.solid[piece], barriers.half_m)
    return rows[at[meets]], barriers.solid_owner[piece[meets]]


def meeting_places(barriers: Barriers, polygons: Geometries, place: Positions, piece: Positions) -> Positions:
    """Columns (community, barrier, solid piece), sorted, of the given ones at most half an opening apart."""
    box, piece_box = shapely.bounds(polygons)[place], shapely.bounds(barriers.solid)[piece]
    apart = np.maximum(box[:, :2] - piece_box[:, 2:], piece_box[:, :2] - box[:, 2:]).max(axis=1)
    place, piece = place[apart <= barriers.half_m], piece[apart <= barriers.half_m]
    meets = shapely.dwithin(polygons[place], barriers.solid[piece], barriers.half_m)
    place, piece = place[meets], piece[meets]
    owner = barriers.solid_owner[piece]
    return np.stack([place, owner, piece])[:, np.lexsort((piece, owner, place))]
