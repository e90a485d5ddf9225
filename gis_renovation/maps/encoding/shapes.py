"""Shapes as the page holds them: whole microdegrees, each vertex a step from the one before, and where names stand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import shapely
from pyproj import CRS

from gis_renovation.arrays import Geometries, Ints
from gis_renovation.crs import reproject
from gis_renovation.maps.encoding.block import Kind, Outline, Steps

if TYPE_CHECKING:
    import geopandas as gpd

T = TypeVar("T")

DISPLAY_CRS = CRS("EPSG:4490")

MICRODEGREE = 1e-6

# Above this many features shapes are simplified for the screen and drawn on a canvas.
DETAIL_LIMIT = 2000

SIMPLIFY_M = 0.5

_MULTI_KINDS: Mapping[str, Kind] = {"MultiPoint": "point", "MultiLineString": "line", "MultiPolygon": "polygon"}

_KINDS: Mapping[str, Kind] = {"Point": "point", "LineString": "line", "Polygon": "polygon", **_MULTI_KINDS}


def shape_kind(geom_type: str) -> Kind:
    """``point``, ``line`` or ``polygon`` of a geometry type's name."""
    return _KINDS.get(geom_type, "polygon")


def encode_geometry(geometry: Geometries, origin: tuple[int, int]) -> list[Outline]:
    """Shapes in degrees as nested lists of whole microdegrees, each vertex a step from the one before.

    A polygon feature is a list of polygons, each a list of rings without their repeated last vertex
    (the map closes them itself), or where there is but one ring its flat list; a line feature a list of
    parts; a point feature one flat list. The first vertex of every flat list is a step from ``origin``.
    Vertices that fall together after rounding are dropped, but a ring keeps at least three and a line
    two. O(vertices), in arrays.
    """
    kinds = np.array([_KINDS[shape.geom_type] for shape in geometry], dtype=object)
    encoded: list[Outline] = [[]] * len(geometry)
    encoders: Mapping[Kind, Callable[[Geometries, tuple[int, int]], Sequence[Outline]]] = {
        "point": _encode_points, "line": _encode_lines, "polygon": _encode_polygons,
    }  # fmt: skip
    for kind, encode in encoders.items():
        rows = np.flatnonzero(kinds == kind)
        if len(rows):
            for row, value in zip(rows.tolist(), encode(geometry[rows], origin), strict=True):
                encoded[row] = value
    return encoded


def _encode_points(geometry: Geometries, origin: tuple[int, int]) -> Sequence[Outline]:
    return _flat_steps(geometry, origin, least=1, closed=False)


def _encode_lines(geometry: Geometries, origin: tuple[int, int]) -> Sequence[Outline]:
    parts, owner = shapely.get_parts(geometry, return_index=True)
    return _gathered(_flat_steps(parts, origin, least=2, closed=False), owner, len(geometry))


def _encode_polygons(geometry: Geometries, origin: tuple[int, int]) -> list[Outline]:
    parts, owner = shapely.get_parts(geometry, return_index=True)
    rings, part_of = shapely.get_rings(parts, return_index=True)
    flat = _flat_steps(rings, origin, least=3, closed=True)
    features = _gathered(_gathered(flat, part_of, len(parts)), owner, len(geometry))
    return [feature[0][0] if len(feature) == 1 == len(feature[0]) else feature for feature in features]


def _gathered(items: list[T], owner: Ints, count: int) -> list[list[T]]:
    """``items`` in lists by owner; owners ascend."""
    ends = np.searchsorted(owner, np.arange(count), side="right").tolist()
    return [items[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _flat_steps(pieces: Geometries, origin: tuple[int, int], *, least: int, closed: bool) -> list[Steps]:
    """One flat list of steps a piece; ``closed`` leaves the last vertex of each out."""
    coordinates, piece = shapely.get_coordinates(pieces, return_index=True)
    whole = np.rint(coordinates / MICRODEGREE).astype(np.int64)
    starts = np.diff(piece, prepend=-1) != 0
    keep = starts | (np.diff(whole, axis=0, prepend=whole[:1] - 1) != 0).any(axis=1)
    if closed:
        last = np.diff(piece, append=-1) != 0
        keep &= ~last
        enough = np.bincount(piece[keep], minlength=len(pieces)) >= least
        keep |= ~enough[piece] & ~last
    else:
        keep |= ~(np.bincount(piece[keep], minlength=len(pieces)) >= least)[piece]
    whole, piece = whole[keep], piece[keep]
    before = np.vstack([np.array([origin]), whole[:-1]])[: len(whole)]
    before[np.diff(piece, prepend=-1) != 0] = origin
    flat = (whole - before).ravel().tolist()
    ends = (2 * np.cumsum(np.bincount(piece, minlength=len(pieces)))).tolist()
    return [flat[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def display_shapes(frame: gpd.GeoDataFrame, *, where: str) -> tuple[Geometries, bool]:
    """Geometry in longitude and latitude, and whether it was simplified for the screen."""
    frame = frame[["geometry"]] if frame.geometry.name == "geometry" else frame[[frame.geometry.name]]
    simplify = len(frame) > DETAIL_LIMIT and frame.crs is not None and frame.crs.is_projected
    if simplify:
        frame = frame.set_geometry(frame.geometry.simplify(SIMPLIFY_M, preserve_topology=True))
    return np.asarray(reproject(frame, DISPLAY_CRS, where=where).geometry.to_numpy(), dtype=object), simplify


# An area whose largest part is at least this share of it is named in that part.
_ONE_PART = 0.8


def label_points(geometry: Geometries) -> Ints:
    """Where a name stands: inside an area, amid an area of several parts, on a line halfway along, on a point.

    Shapes in degrees; one row of longitude and latitude a shape, in whole microdegrees. O(vertices).
    """
    spots = np.array(geometry, dtype=object)
    dimensions = shapely.get_dimensions(spots)
    areas, lines = np.flatnonzero(dimensions == 2), np.flatnonzero(dimensions == 1)
    # On one of several like parts it would read as the name of that part.
    parts, owner = shapely.get_parts(spots[areas], return_index=True)
    largest = np.zeros(len(areas))
    np.maximum.at(largest, owner, shapely.area(parts))
    several = largest < _ONE_PART * shapely.area(spots[areas])
    inside, amid = shapely.point_on_surface(spots[areas]), shapely.centroid(shapely.envelope(spots[areas]))
    spots[areas] = np.where(several, amid, inside)
    parts, owner = shapely.get_parts(spots[lines], return_index=True)
    # The longest part of each line, the first of equals.
    order = np.lexsort((np.arange(len(parts)), -shapely.length(parts), owner))
    longest = parts[order][np.diff(owner[order], prepend=-1) != 0]
    spots[lines] = shapely.line_interpolate_point(longest, 0.5, normalized=True)
    corners, owner = shapely.get_coordinates(spots, return_index=True)
    first = corners[np.diff(owner, prepend=-1) != 0]
    return np.asarray(np.rint(first / MICRODEGREE), dtype=np.int64)


def label_steps(geometry: Geometries) -> list[int]:
    """Label places as steps from each shape's first vertex: short numbers, two a shape."""
    corners, owner = shapely.get_coordinates(geometry, return_index=True)
    first = np.rint(corners[np.diff(owner, prepend=-1) != 0] / MICRODEGREE).astype(np.int64)
    steps: list[int] = (label_points(geometry) - first).ravel().tolist()
    return steps


def origin(geometry: Geometries) -> tuple[int, int]:
    """The south-western corner of all shapes, from which their first vertices are steps."""
    if len(geometry) == 0:
        return (0, 0)
    left, bottom, _, _ = shapely.total_bounds(geometry)
    return (math.floor(left / MICRODEGREE), math.floor(bottom / MICRODEGREE))
