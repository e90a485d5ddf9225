"""Cutting: shapes on a grid of whole numbers, dealt out to the tiles they reach."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis_renovation.arrays import Flags, Geometries, Ints
from gis_renovation.crs import reproject
from gis_renovation.maps.encoding import DISPLAY_CRS
from gis_renovation.maps.tiles.attributes import Column, tags_of
from gis_renovation.maps.tiles.mvt import encode_tile_layer, varints, zigzag

# Corners are rounded to 2^-28 of the world's width in the map's projection, 0.15 m at the equator;
# with tiles of zoom z that is an extent of 2^(28 - z).
GRID_BITS = 28

COARSEST, FINEST = 12, 15


# The fullest tile decides the zoom: a browser without a graphics card decodes about 50,000 features a second.
TILE_FEATURES = 6_000

# A symbol or stroke may stand out of its shape: copies reach half a screen tile over the edge.
EDGE_SHARE = 1 / 32


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """Features on the grid: shapes with whole-number corners (y down), bounding boxes and home corners."""

    shapes: Geometries
    boxes: Ints
    home: Ints


def on_grid(frame: gpd.GeoDataFrame, *, where: str) -> tuple[Pieces, tuple[float, float, float, float]]:
    """The shapes on the grid, and their extent in degrees."""
    shapes = np.array(
        reproject(frame[[frame.geometry.name]], DISPLAY_CRS, where=where).geometry.to_numpy(), dtype=object
    )
    if shapely.has_z(shapes).any():
        shapes = shapely.force_2d(shapes)
    left, bottom, right, top = shapely.total_bounds(shapes).tolist()
    corners, owner = shapely.get_coordinates(shapes, return_index=True)
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    lat = np.radians(np.clip(corners[:, 1], -85.05112878, 85.05112878))
    world = float(1 << GRID_BITS)
    corners[:, 0] = np.rint((corners[:, 0] + 180.0) / 360.0 * world)
    corners[:, 1] = np.rint((0.5 - np.arcsinh(np.tan(lat)) / (2 * np.pi)) * world)
    boxes = np.hstack([np.minimum.reduceat(corners, first), np.maximum.reduceat(corners, first)]).astype(np.int64)
    home = corners[first].astype(np.int64)
    return Pieces(shapes=shapely.set_coordinates(shapes, corners), boxes=boxes, home=home), (left, bottom, right, top)


def tile_zoom(home: Ints, min_zoom: float) -> int:
    """The coarsest zoom whose fullest tile a browser decodes in a moment, not coarser than the layer is shown at."""
    zoom = max(COARSEST, min(FINEST, int(np.ceil(min_zoom)) - 1))
    while zoom < FINEST:
        tile = home >> (GRID_BITS - zoom)
        if np.unique(tile[:, 0] << 32 | tile[:, 1], return_counts=True)[1].max() <= TILE_FEATURES:
            break
        zoom += 1
    return zoom


def cut(
    pieces: Pieces, classes: Ints, table: Sequence[Column], zoom: int
) -> tuple[dict[tuple[int, int], bytes], dict[tuple[int, int], int]]:
    """Tiles by column and row, and how many features are at home in each."""
    shift = GRID_BITS - zoom
    dealt = _dealt(pieces, classes, shift)
    groups = np.stack([dealt.x, dealt.y, dealt.kind, classes[dealt.row], ~dealt.at_home], axis=1)
    starts = np.flatnonzero((np.diff(groups, axis=0, prepend=-1) != 0).any(axis=1))
    several = len(set(dealt.kind.tolist())) > 1
    tiles: dict[tuple[int, int], list[bytes]] = {}
    counts: dict[tuple[int, int], int] = {}
    for first, last in _batches(starts, len(dealt.row)):
        corner = np.stack([dealt.x[first:last] << shift, dealt.y[first:last] << shift], axis=1)
        geometry, ends = _geometry_bytes(dealt.shapes[first:last], corner)
        own_starts = starts[(starts >= first) & (starts < last)].tolist()
        for start, end in itertools.pairwise([*own_starts, last]):
            place = (int(dealt.x[start]), int(dealt.y[start]))
            shape_bytes = [geometry[a:b] for a, b in itertools.pairwise(ends[start - first : end - first + 1].tolist())]
            keys, values, tags = tags_of(table, dealt.row[start:end])
            own, kind = bool(dealt.at_home[start]), int(dealt.kind[start])
            letter = {1: "p", 2: "l", 3: ""}[kind] if several else ""
            label = f"{int(classes[dealt.row[start]])}{letter}{'' if own else 'e'}"
            layer = encode_tile_layer(label, shape_bytes, tags, extent=1 << shift, kind=kind, keys=keys, values=values)
            tiles.setdefault(place, []).append(layer)
            if own:
                counts[place] = counts.get(place, 0) + end - start
    return {place: b"".join(parts) for place, parts in tiles.items()}, counts


@dataclass(frozen=True, kw_only=True)
class _Dealt:
    """Every feature in every tile it reaches, in the order in which tiles hold them.

    ``row`` is the feature, ``x`` and ``y`` the tile, ``kind`` 1 for points, 2 for lines, 3 for areas.
    """

    row: Ints
    x: Ints
    y: Ints
    shapes: Geometries
    at_home: Flags
    kind: Ints


def _dealt(pieces: Pieces, classes: Ints, shift: int) -> _Dealt:
    extent = 1 << shift
    edge = int(extent * EDGE_SHARE)
    row, x, y = _reached(pieces.boxes, shift, edge)
    shapes = pieces.shapes[row]
    size = pieces.boxes[row, 2:] - pieces.boxes[row, :2]
    home = pieces.home[row] >> shift
    at_home = (home[:, 0] == x) & (home[:, 1] == y)
    # Shapes longer than a tile are cut at its edge, all others stay whole in every tile they reach.
    for at in np.flatnonzero((size > extent).any(axis=1)).tolist():
        left, top = int(x[at]) << shift, int(y[at]) << shift
        square = (left - edge, top - edge, left + extent + edge, top + extent + edge)
        shapes[at] = _clipped(pieces.shapes[row[at]], square)
    keep = np.flatnonzero(~shapely.is_empty(shapes) | at_home)
    kind = shapely.get_dimensions(shapes) + 1
    order = keep[np.lexsort((row[keep], ~at_home[keep], classes[row[keep]], kind[keep], y[keep], x[keep]))]
    return _Dealt(
        row=row[order],
        x=x[order],
        y=y[order],
        shapes=shapes[order],
        at_home=at_home[order],
        kind=kind[order].astype(np.int64),
    )


def _batches(starts: Ints, count: int) -> list[tuple[int, int]]:
    """Rows in runs of whole groups, of about 50,000 rows: more at once would only take memory."""
    cuts = [0]
    for start in [*starts.tolist(), count]:
        if start - cuts[-1] >= 50_000:
            cuts.append(start)
    return [*itertools.pairwise([*cuts, count] if cuts[-1] != count else cuts)]


def _reached(boxes: Ints, shift: int, edge: int) -> tuple[Ints, Ints, Ints]:
    """Every pair of a feature and a tile whose widened square its bounding box meets: row, tile column, tile row."""
    low, high = (boxes[:, :2] - edge) >> shift, (boxes[:, 2:] + edge) >> shift
    low, high = np.maximum(low, 0), np.minimum(high, (1 << (GRID_BITS - shift)) - 1)
    wide, tall = (high - low + 1).T
    row = np.repeat(np.arange(len(boxes)), wide * tall)
    step = np.arange(len(row)) - np.repeat(np.cumsum(wide * tall) - wide * tall, wide * tall)
    return row, low[row, 0] + step % wide[row], low[row, 1] + step // wide[row]


def _clipped(shape: BaseGeometry, square: tuple[float, float, float, float]) -> BaseGeometry:
    """The part of a shape within a square, of the shape's own dimension."""
    dimension = int(shapely.get_dimensions(shape))
    part = shapely.clip_by_rect(shape, *square)
    parts = [one for one in shapely.get_parts([part]).tolist() if shapely.get_dimensions(one) == dimension]
    wholes: dict[int, Any] = {
        0: shapely.MultiPoint,
        1: shapely.MultiLineString,
        2: shapely.MultiPolygon,
    }
    whole: BaseGeometry = wholes[dimension](parts)
    return whole


def _geometry_bytes(shapes: Geometries, corner: Ints) -> tuple[bytes, Ints]:
    """Every shape as tile commands from its tile's corner, in one run of bytes, and where each begins and ends."""
    shapes = shapely.orient_polygons(shapes, exterior_cw=False)
    parts, of_shape = shapely.get_parts(shapes, return_index=True)
    area = shapely.get_dimensions(parts) == 2
    lines = np.empty(len(parts), dtype=object)
    lines[~area] = parts[~area]
    rings, ring_of = shapely.get_rings(parts[area], return_index=True)
    pieces = np.concatenate([rings, lines[~area]])
    owner = np.concatenate([of_shape[area][ring_of], of_shape[~area]])
    closed = np.concatenate([np.ones(len(rings), dtype=bool), np.zeros(len(pieces) - len(rings), dtype=bool)])
    order = np.argsort(owner, kind="stable")
    pieces, owner, closed = pieces[order], owner[order], closed[order]
    xy, piece = _distinct_corners(pieces, closed)
    stream, ends = _commands(xy - corner[owner[piece]], piece, owner, closed, len(shapes))
    data, byte_ends = varints(stream)
    return data, byte_ends[ends]


def _distinct_corners(pieces: Geometries, closed: Flags) -> tuple[Ints, Ints]:
    """Corners without repeats (and without a ring's last); what falls to a point keeps a grid step each way."""
    corners, piece = shapely.get_coordinates(pieces, return_index=True)
    whole = np.rint(corners).astype(np.int64)
    starts = np.diff(piece, prepend=-1) != 0
    keep = starts | (np.diff(whole, axis=0, prepend=whole[:1] - 1) != 0).any(axis=1)
    keep &= ~((np.diff(piece, append=-1) != 0) & closed[piece])
    least = np.where(closed, 3, np.where(shapely.get_dimensions(pieces) == 0, 1, 2))
    count = np.bincount(piece[keep], minlength=len(pieces))
    first = np.flatnonzero(starts)
    whole, piece = whole[keep], piece[keep]
    poor = np.flatnonzero(count < least)
    if len(poor):
        corners, _ = shapely.get_coordinates(pieces, return_index=True)
        stays = ~np.isin(piece, poor)
        spot = np.rint(corners[first[poor]]).astype(np.int64)
        steps = np.array([(0, 0), (1, 0), (1, 1)])
        new = (spot[:, None] + steps).reshape(-1, 2)
        new_piece = np.repeat(poor, 3)
        use = np.tile([True, True, True], len(poor)) & (np.tile([0, 1, 2], len(poor)) < np.repeat(least[poor], 3))
        whole, piece = np.vstack([whole[stays], new[use]]), np.concatenate([piece[stays], new_piece[use]])
        order = np.argsort(piece, kind="stable")
        whole, piece = whole[order], piece[order]
    return whole, piece


def _commands(
    xy: Ints,
    piece: Ints,
    owner: Ints,
    closed: Flags,
    count: int,
) -> tuple[NDArray[np.uint64], Ints]:
    """The whole numbers of all features' commands (MVT 2.1, 4.3), and where each feature's begin and end."""
    first_of_feature = np.diff(owner[piece], prepend=-1) != 0
    step = np.diff(xy, axis=0, prepend=0)
    step[first_of_feature] = xy[first_of_feature]
    size = np.bincount(piece, minlength=len(owner))
    # Single points take one command; a multipoint is written as several moves.
    length = np.where(closed, 2 * size + 3, np.where(size == 1, 3, 2 * size + 2))
    begin = np.concatenate([[0], np.cumsum(length)])
    stream = np.zeros(int(begin[-1]), dtype=np.uint64)
    place = np.arange(len(piece)) - np.repeat(np.cumsum(size) - size, size)
    at = begin[piece] + 1 + 2 * place + (place > 0)
    signed = zigzag(step)
    stream[at], stream[at + 1] = signed[:, 0], signed[:, 1]
    stream[begin[:-1]] = 9
    longer = np.flatnonzero(size > 1)
    stream[begin[longer] + 3] = ((size[longer] - 1) << 3 | 2).astype(np.uint64)
    stream[begin[1:][closed] - 1] = 15
    ends = np.searchsorted(owner, np.arange(count + 1), side="left")
    return stream, begin[ends]
