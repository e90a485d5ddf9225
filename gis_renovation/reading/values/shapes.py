"""Shapes as files hold them, one by one kept or named: well-known binary and text, with arcs and surfaces.

The geometry library builds what consists of points and straight lines. Arcs are drawn here as lines of at most
4 degrees each, and surfaces in space (TIN, polyhedral surface, ESRI's MultiPatch) as the ground they cover. What
cannot be built is None and marked; it never costs another row. Kinds and codes: OGC 06-103r4, ISO 13249-3.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from gis_renovation.arrays import Flags, Floats, Geometries


@dataclass(frozen=True)
class Built:
    """Shapes in the order of what was given, None where nothing was given or could be built.

    ``broken`` marks what was given and cannot be built; ``curved`` what holds arcs, drawn as lines; ``surfaces``
    what lies in space, of which the ground it covers was taken.
    """

    shapes: Geometries
    broken: Flags
    curved: Flags
    surfaces: Flags


def shapes_from_wkb(binary: Geometries) -> Built:
    """Shapes of well-known binary: bytes, or None. O(bytes); arcs and surfaces one by one."""
    given = np.array([one is not None for one in binary], dtype=bool)
    with np.errstate(invalid="ignore"):  # coordinates that are no numbers are found by the schema check
        try:
            shapes: Any = shapely.from_wkb(binary, on_invalid="ignore")
        except NotImplementedError:  # one arc anywhere refuses them all
            plain = [one if one is not None and _plain_kind(one) else None for one in binary]
            shapes = shapely.from_wkb(_objects(plain), on_invalid="ignore")
    return _complete(binary, np.asarray(shapes, dtype=object), given, _read_binary)


def shapes_from_text(texts: Geometries) -> Built:
    """Shapes of well-known text, or of well-known binary in hexadecimal as PostGIS exports it; None for no text."""
    cells = [_SRID.sub("", one) if isinstance(one, str) else None for one in texts]
    words = [None if one is None or _HEXADECIMAL.fullmatch(one) else one for one in cells]
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            shapes = shapely.from_wkt(_objects(words), on_invalid="ignore")
        except NotImplementedError:
            plain = [one if one is not None and not _ODD_WORD.search(one) else None for one in words]
            shapes = shapely.from_wkt(_objects(plain), on_invalid="ignore")
    given = np.array([one is not None for one in cells], dtype=bool)
    return _complete(_objects(cells), np.asarray(shapes, dtype=object), given, _read_text)


def _objects(values: Sequence[object]) -> Geometries:
    return np.array([None, *values], dtype=object)[1:]


def joined_shapes(parts: Sequence[Built]) -> Built:
    """Shapes that were read in pieces, as one."""
    none, never = np.empty(0, dtype=object), np.empty(0, dtype=bool)
    return Built(
        np.concatenate([none, *(one.shapes for one in parts)]),
        np.concatenate([never, *(one.broken for one in parts)]),
        np.concatenate([never, *(one.curved for one in parts)]),
        np.concatenate([never, *(one.surfaces for one in parts)]),
    )


@dataclass(frozen=True)
class _Node:
    """A shape as it was written: its kind, and its points (n, 2), or the shapes it is made of."""

    kind: str
    xy: Floats | None = None
    parts: tuple[_Node, ...] = ()

    def kinds(self) -> Iterator[str]:
        yield self.kind
        for part in self.parts:
            yield from part.kinds()


def _complete(given: Geometries, shapes: Geometries, known: Flags, read: Callable[[Any], _Node]) -> Built:
    """What the library could not build, tried as curves and surfaces."""
    shapes, curved, surfaces = shapes.copy(), np.zeros(len(given), dtype=bool), np.zeros(len(given), dtype=bool)
    for row in np.flatnonzero(known & shapely.is_missing(shapes)):
        try:
            node = read(given[row])
            shapes[row] = _shape(node)
        except (shapely.errors.GEOSException, ValueError, struct.error, IndexError, TypeError):
            shapes[row] = None
            continue
        kinds = set(node.kinds())
        curved[row], surfaces[row] = bool(kinds & _ARCS), bool(kinds & _SURFACES)
    return Built(shapes, known & shapely.is_missing(shapes), curved, surfaces)


# --- reading --------------------------------------------------------------------------------------

_KINDS = (
    "", "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION",
    "CIRCULARSTRING", "COMPOUNDCURVE", "CURVEPOLYGON", "MULTICURVE", "MULTISURFACE", "", "", "POLYHEDRALSURFACE",
    "TIN", "TRIANGLE",
)  # fmt: skip
_ARCS = frozenset({"CIRCULARSTRING"})
_SURFACES = frozenset({"POLYHEDRALSURFACE", "TIN"})
_OF_POINTS = frozenset({"POINT", "LINESTRING", "CIRCULARSTRING"})
_OF_RINGS = frozenset({"POLYGON", "TRIANGLE"})
# What an unnamed part of a kind is, in text.
_UNNAMED = {
    "POLYGON": "LINESTRING", "TRIANGLE": "LINESTRING", "MULTIPOINT": "POINT", "MULTILINESTRING": "LINESTRING",
    "MULTIPOLYGON": "POLYGON", "COMPOUNDCURVE": "LINESTRING", "CURVEPOLYGON": "LINESTRING",
    "MULTICURVE": "LINESTRING", "MULTISURFACE": "POLYGON", "POLYHEDRALSURFACE": "POLYGON", "TIN": "TRIANGLE",
}  # fmt: skip
# What PostGIS puts before a shape in words.
_SRID = re.compile(r"^\s*SRID=\d+;", re.IGNORECASE)
_HEXADECIMAL = re.compile(r"\s*0[01](?:[0-9A-Fa-f]{2}){8,}\s*")
_ODD_WORD = re.compile(r"CIRCULAR|CURVE|SURFACE|TIN|TRIANGLE", re.IGNORECASE)
_DEEPEST = 12


def _plain_kind(binary: bytes) -> bool:
    """Whether the outermost kind consists of points and straight lines alone."""
    if len(binary) < 5:
        return True
    code = struct.unpack("<I" if binary[0] == 1 else ">I", binary[1:5])[0] & 0x1FFFFFFF
    return bool(1 <= code % 1000 <= 6)


class _Bytes:
    """Well-known binary being read, in ISO's and PostGIS's ways of marking heights."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self, order: str) -> int:
        (found,) = struct.unpack_from(order + "I", self.data, self.at)
        self.at += 4
        return int(found)

    def node(self, depth: int = 0) -> _Node:
        if depth > _DEEPEST:
            raise ValueError(depth)
        order = "<" if self.data[self.at] == 1 else ">"
        self.at += 1
        code = self.number(order)
        self.at += 4 if code & 0x20000000 else 0  # the SRID, which the file states as a whole
        flags, code = code >> 30, code & 0x1FFFFFFF
        wide = 2 + max(flags.bit_count(), (0, 1, 1, 2)[code // 1000])
        kind = _KINDS[code % 1000]
        if kind in _OF_POINTS:
            return _Node(kind, self.points(order, wide, 1 if kind == "POINT" else self.number(order)))
        count = self.number(order)
        if not kind or count > len(self.data):
            raise ValueError(code)
        if kind in _OF_RINGS:
            rings = (self.points(order, wide, self.number(order)) for _ in range(count))
            return _Node(kind, parts=tuple(_Node("LINESTRING", ring) for ring in rings))
        return _Node(kind, parts=tuple(self.node(depth + 1) for _ in range(count)))

    def points(self, order: str, wide: int, count: int) -> Floats:
        xy = np.frombuffer(self.data, f"{order}f8", count * wide, self.at).reshape(count, wide)[:, :2]
        self.at += 8 * wide * count
        return xy.astype(np.float64)


def _read_binary(binary: bytes) -> _Node:
    return _Bytes(bytes(binary)).node()


class _Words:
    """Well-known text being read."""

    _TOKEN = re.compile(r"[A-Za-z_]+|[(),]|[^\s(),]+")

    def __init__(self, text: str) -> None:
        self.tokens, self.at = self._TOKEN.findall(text.upper()), 0

    def next(self) -> str:
        self.at += 1
        return str(self.tokens[self.at - 1])

    def node(self, unnamed: str = "", depth: int = 0) -> _Node:
        if depth > _DEEPEST:
            raise ValueError(depth)
        kind = unnamed
        if self.tokens[self.at] not in ("(", "EMPTY"):
            name = self.next()
            kind = name if name in _KINDS else re.sub(r"(?:ZM|Z|M)$", "", name)
            self.at += self.tokens[self.at] in ("Z", "M", "ZM")
        if kind not in _KINDS or not kind:
            raise ValueError(kind)
        if self.tokens[self.at] == "EMPTY":
            self.at += 1
            return _Node(kind, np.empty((0, 2)) if kind in _OF_POINTS else None)
        if self.next() != "(":
            raise ValueError(kind)
        return self.points(kind) if kind in _OF_POINTS else self.parts(kind, depth)

    def parts(self, kind: str, depth: int) -> _Node:
        found = [self.node(_UNNAMED.get(kind, ""), depth + 1)]
        while (mark := self.next()) == ",":
            found.append(self.node(_UNNAMED.get(kind, ""), depth + 1))
        if mark != ")":
            raise ValueError(mark)
        return _Node(kind, parts=tuple(found))

    def points(self, kind: str) -> _Node:
        rows: list[list[float]] = [[]]
        while (mark := self.next()) != ")":
            if mark == ",":
                rows.append([])
            else:
                rows[-1].append(float(mark))
        return _Node(kind, np.array([row[:2] for row in rows], dtype=np.float64).reshape(-1, 2))


def _read_text(text: str) -> _Node:
    if _HEXADECIMAL.fullmatch(text):
        return _read_binary(bytes.fromhex(text.strip()))
    words = _Words(text)
    node = words.node()
    if words.at != len(words.tokens):
        raise ValueError(text[:40])
    return node


# --- building -------------------------------------------------------------------------------------


def _shape(node: _Node) -> Any:
    """The shape of straight lines; heights are left out."""
    if node.kind == "POINT":
        xy = _points(node)
        return shapely.Point(xy[0]) if len(xy) else shapely.Point()
    if node.kind in ("LINESTRING", "CIRCULARSTRING", "COMPOUNDCURVE"):
        return shapely.LineString(_line(node))
    if node.kind in ("POLYGON", "TRIANGLE", "CURVEPOLYGON"):
        rings = [_ring(part) for part in node.parts]
        return shapely.Polygon(rings[0], rings[1:]) if rings else shapely.Polygon()
    parts = [_shape(part) for part in node.parts]
    if set(node.kinds()) & _SURFACES and all(p.geom_type in ("Polygon", "MultiPolygon") for p in parts):
        return _covered(parts)
    return _GATHERED[node.kind](parts)


_GATHERED: dict[str, Callable[[Sequence[Any]], Any]] = {
    "MULTIPOINT": shapely.MultiPoint,
    "MULTILINESTRING": shapely.MultiLineString,
    "MULTICURVE": shapely.MultiLineString,
    "MULTIPOLYGON": shapely.MultiPolygon,
    "MULTISURFACE": shapely.MultiPolygon,
    "GEOMETRYCOLLECTION": shapely.GeometryCollection,
}


def _covered(faces: Sequence[Any]) -> Any:
    """The ground that faces in space cover together; walls cover none. Raises ValueError where nothing is covered."""
    flat = [shapely.make_valid(face, method="structure", keep_collapsed=False) for face in faces]
    whole = shapely.union_all([face for face in flat if face.area > 0])
    if whole.is_empty:
        raise ValueError("walls only")
    return whole


def _points(node: _Node) -> Floats:
    if node.xy is None:
        raise ValueError(node.kind)
    return node.xy


def _ring(node: _Node) -> Floats:
    xy = _line(node)
    if not np.array_equal(xy[0], xy[-1]):  # the library would close it in silence
        raise ValueError("open ring")
    return xy


def _line(node: _Node) -> Floats:
    """The points of a line or ring, arcs among them drawn out."""
    if node.kind == "COMPOUNDCURVE":
        pieces = [_line(part) for part in node.parts]
        return np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])
    xy = _points(node)
    if node.kind != "CIRCULARSTRING":
        return xy
    if len(xy) < 3 or len(xy) % 2 == 0:
        raise ValueError(len(xy))
    arcs = [_arc(xy[n], xy[n + 1], xy[n + 2]) for n in range(0, len(xy) - 2, 2)]
    return np.concatenate([arcs[0], *(arc[1:] for arc in arcs[1:])])


# As the drivers draw them.
_STEP = np.radians(4.0)


def _arc(start: Floats, middle: Floats, end: Floats) -> Floats:
    """An arc through three points, all of them kept; a circle where it ends at its start.

    Drawn from its lesser end, so that a neighbour who wrote it the other way round has the same points.
    """
    if tuple(end) < tuple(start):
        return _arc(end, middle, start)[::-1]
    centre = (start + middle) / 2 if np.array_equal(start, end) else _centre(start, middle, end)
    if centre is None:
        return np.array([start, middle, end])
    turn = 1.0 if np.array_equal(start, end) else np.sign(_cross(middle - start, end - start))
    halves = [_swept(centre, a, b, turn) for a, b in ((start, middle), (middle, end))]
    return np.concatenate([halves[0], halves[1][1:]])


def _cross(a: Floats, b: Floats) -> float:
    return float(a[0] * b[1] - a[1] * b[0])


def _centre(start: Floats, middle: Floats, end: Floats) -> Floats | None:
    """Where the perpendicular bisectors meet; None for three points in line."""
    a, b = middle - start, end - start
    twice = 2.0 * _cross(a, b)
    if not abs(twice) > 1e-12 * (a @ a + b @ b):
        return None
    u = np.array([b[1] * (a @ a) - a[1] * (b @ b), a[0] * (b @ b) - b[0] * (a @ a)]) / twice
    return np.asarray(start + u)


def _swept(centre: Floats, a: Floats, b: Floats, turn: float) -> Floats:
    """From ``a`` to ``b`` about the centre, both exact, in equal steps; ``turn`` is 1 for anticlockwise."""
    first, last = (np.arctan2(*(p - centre)[::-1]) for p in (a, b))
    angle = (last - first) * turn % (2 * np.pi)
    steps = max(1, int(np.ceil(angle / _STEP - 1e-9)))
    at = first + turn * angle * np.arange(1, steps) / steps
    radius = np.hypot(*(a - centre))
    return np.vstack([a, np.column_stack([centre[0] + radius * np.cos(at), centre[1] + radius * np.sin(at)]), b])
