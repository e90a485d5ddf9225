"""What the maps of documents share: looks, layers that are looked up by place, scale, bar, north and keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis_renovation.arrays import Geometries
from gis_renovation.reports.canvas import Canvas, Pen, width_cm
from gis_renovation.words import Lang, Text

if TYPE_CHECKING:
    import geopandas as gpd

_MARGIN: Final = 1.12
_SCALES: Final = tuple(base * 10**power for power in range(1, 6) for base in (10, 15, 20, 25, 30, 40, 50))
_BAR_LENGTHS_M: Final = tuple(base * 10**power for power in range(5) for base in (1, 2, 5))
# The keys: the room below their title, and rows and signs by the size of type (points), in cm.
_KEY_HEAD_CM, _ROW_CM_A_POINT, _HANDLE_CM_A_POINT = 0.38, 0.052, 0.11
_KEY_SIZES: Final = ((7.0, 2), (6.2, 2), (6.2, 3), (5.6, 2), (5.6, 3), (5.0, 2), (5.0, 3), (4.4, 3), (4.0, 4))


@dataclass(frozen=True, kw_only=True)
class Look(Pen):
    """How features of one kind are drawn, and their line in the legend: a box, of lines a stroke."""

    label: Text
    is_line: bool = False


@dataclass(frozen=True, eq=False)
class Drawn:
    """One layer ready to be looked up by place: its shapes and the number of each one's look."""

    shapes: Geometries
    tree: shapely.STRtree
    looks: tuple[Look, ...]
    look_of: NDArray[np.intp]

    def within(self, frame: BaseGeometry) -> dict[Look, Geometries]:
        """The shapes that meet the frame by look, in the order of the looks."""
        at = np.sort(self.tree.query(frame, predicate="intersects"))
        found = {look: self.shapes[at[self.look_of[at] == number]] for number, look in enumerate(self.looks)}
        return {look: shapes for look, shapes in found.items() if len(shapes)}


def shapes_of(layer: gpd.GeoDataFrame) -> Geometries:
    """The layer's geometry as an array."""
    return np.asarray(layer.geometry.to_numpy(), dtype=object)


def drawn(layer: gpd.GeoDataFrame | None, look: Look) -> Drawn | None:
    """A layer of one look; None where it is not at hand."""
    if layer is None:
        return None
    shapes = shapes_of(layer)
    return Drawn(shapes, shapely.STRtree(shapes), (look,), np.zeros(len(shapes), np.intp))


def drawn_by(shapes: Geometries, named: Sequence[str | None], look_of: Mapping[str | None, Look]) -> Drawn:
    """Shapes by the name of their look, in the order of ``look_of``."""
    order = {name: number for number, name in enumerate(look_of)}
    numbers = np.array([order[name] for name in named], np.intp)
    return Drawn(shapes, shapely.STRtree(shapes), tuple(look_of.values()), numbers)


def with_ink(found: Mapping[Look, Geometries], frame: BaseGeometry) -> dict[Look, Geometries]:
    """Without the shapes that would leave no mark: one drawn as a bare outline may hold the whole frame."""
    kept = {}
    for look, shapes in found.items():
        bare = look.face == "none" and not look.hatch
        areal = shapely.get_dimensions(shapes) == 2
        edges = np.where(areal, shapely.boundary(shapes), shapes) if bare else shapes
        seen = shapes[shapely.intersects(edges, frame)]
        if len(seen):
            kept[look] = seen
    return kept


def space(lang: Lang) -> str:
    """What stands between two facts on one line."""
    return "\u3000" if lang == "zh" else "  "


# --- scale, bar, north ------------------------------------------------------------------------------


def fitting_frame(outline: BaseGeometry, width_cm: float, height_cm: float) -> tuple[int, BaseGeometry]:
    """The largest round scale at which ``outline`` fits this room on paper, and the ground shown there."""
    left, bottom, right, top = shapely.bounds(outline)
    width_m, height_m = width_cm / 100, height_cm / 100
    needed = _MARGIN * max((right - left) / width_m, (top - bottom) / height_m, 1.0)
    scale = next((scale for scale in _SCALES if scale >= needed), _SCALES[-1])
    middle = np.array([left + right, bottom + top]) / 2
    half = np.array([width_m, height_m]) * scale / 2
    return scale, shapely.box(*(middle - half), *(middle + half))


def scale_bar(paper: Canvas, scale: int, left: float, bottom: float) -> None:
    """Two black and two white fields of a round length, inside the lower left corner given in cm."""
    step_m = next((length for length in _BAR_LENGTHS_M[::-1] if 4 * length <= 0.045 * scale), _BAR_LENGTHS_M[0])
    step, x, y, height = step_m / scale * 100, left + 0.4, bottom + 0.3, 0.11
    paper.box(x - 0.15, y - 0.12, x + 4.9 * step, y + 0.48, Pen(face="#ffffff", width=0.0), alpha=0.8)
    for number in range(4):
        face = "#000000" if number % 2 == 0 else "#ffffff"
        paper.box(x + number * step, y, x + (number + 1) * step, y + height, Pen(face=face, edge="#000000", width=0.6))
    for number in (0, 2, 4):
        unit = " m" if number == 4 else ""
        paper.say(x + number * step, y + 0.17, f"{number * step_m:g}{unit}", 6.5, anchor="ms")


def north(paper: Canvas, right: float, top: float, word: str) -> None:
    """An arrow and the word inside the upper right corner given in cm; grid north is up."""
    arrow = np.array([[0.0, 1.0], [0.35, 0.0], [0.0, 0.22], [-0.35, 0.0]]) * (0.33, 0.7) + (right - 0.54, top - 1.36)
    paper.polygon(arrow, Pen(face="#000000", edge="#ffffff", width=0.8))
    paper.say(right - 0.54, top - 0.56, word, 8, anchor="ms", halo=True)


# --- keys -------------------------------------------------------------------------------------------


def draw_key(paper: Canvas, place: tuple[float, float, float, float], title: str, looks: Mapping[str, Look]) -> None:
    """A key in a place (left, top, width, height in cm below the title): a title, and a sign with words a look."""
    left, top, width, height = place
    labels = list(looks)
    points, columns = _fitting(labels, width, height)
    paper.say(left, top, title, 7.5, anchor="la")
    step, handle = points * _ROW_CM_A_POINT, points * _HANDLE_CM_A_POINT
    rows = -(-len(looks) // columns)
    for at, (label, look) in enumerate(looks.items()):
        if at and at % rows == 0:
            left += handle + width_cm(labels[at - rows : at], points) + 0.5
        middle = top - _KEY_HEAD_CM - (at % rows + 0.5) * step
        if look.is_line:
            paper.polygon(np.array([(left, middle), (left + 0.8 * handle, middle)]), look)
        else:
            white = replace(look, face="#ffffff" if look.face == "none" else look.face, width=max(look.width, 0.6))
            paper.box(left, middle - 0.3 * step, left + 0.8 * handle, middle + 0.3 * step, white)
        paper.say(left + handle, middle, label, points, anchor="lm")


def _fitting(labels: Sequence[str], width: float, height: float) -> tuple[float, int]:
    """The largest type, and how many columns, at which a key fits its room."""
    for points, columns in _KEY_SIZES:
        rows = -(-len(labels) // columns)
        parts = [labels[at : at + rows] for at in range(0, len(labels), rows)] if labels else []
        needed = sum(width_cm(part, points) + points * _HANDLE_CM_A_POINT + 0.5 for part in parts)
        if rows * points * _ROW_CM_A_POINT <= height and needed <= width + 0.3:
            return points, columns
    return _KEY_SIZES[-1]
