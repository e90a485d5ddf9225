"""A sheet of paper to draw a map on: shapes by Agg, words by Pillow, in centimetres, to the same bytes.

matplotlib's renderer is used without its figures, axes and legends: their upkeep took three quarters
of the time of a map, and a land-status run draws hundreds.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import shapely
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgba
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Bbox, TransformedPath
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from shapely.geometry.base import BaseGeometry

from gis_renovation.arrays import Geometries
from gis_renovation.reports.fonts import letters

DPI: Final = 150
_CM_PX: Final = DPI / 2.54
_POINT_PX: Final = DPI / 72
_HALO_PX: Final = 2
# Lengths of dash and gap as multiples of the line's width.
_DASHES: Final = {"--": (3.7, 1.6), "-.": (6.4, 1.6, 1.0, 1.6), ":": (1.0, 1.65)}


@dataclass(frozen=True, kw_only=True)
class Pen:
    """How an outline and its inside are drawn; width in points, ``hatch`` and ``dash`` as matplotlib has them."""

    face: str = "none"
    edge: str = "#555555"
    width: float = 0.3
    hatch: str = ""
    dash: str = "-"


@dataclass(frozen=True, eq=False)
class Window:
    """A part of the sheet that shows ground: where it stands, and how ground becomes dots (y upwards)."""

    left: float
    bottom: float
    right: float
    top: float
    to_dots: Affine2D

    def dot(self, x: float, y: float) -> tuple[float, float]:
        """Dots of a place on the ground."""
        across, up = self.to_dots.transform((x, y))
        return float(across), float(up)

    def clip(self, path: Path) -> TransformedPath:
        """Ground to cut at; the renderer prepares it once for all shapes drawn with this very object."""
        return TransformedPath(path, self.to_dots)


@dataclass(frozen=True)
class _Word:
    x: float
    y: float
    text: str
    points: float
    colour: str
    anchor: str
    halo: int


@dataclass(eq=False)
class Canvas:
    """A white sheet of ``width_cm`` by ``height_cm``; places in cm from the lower left, words put on last."""

    width_cm: float
    height_cm: float
    _words: list[_Word] = field(default_factory=list)

    def __post_init__(self) -> None:
        size = round(self.width_cm * _CM_PX), round(self.height_cm * _CM_PX)
        self._renderer = RendererAgg(*size, DPI)  # type: ignore[no-untyped-call]
        self.box(0.0, 0.0, self.width_cm, self.height_cm, Pen(face="#ffffff", width=0.0))

    def window(self, left_cm: float, bottom_cm: float, right_cm: float, top_cm: float, ground: BaseGeometry) -> Window:
        """The part of the sheet between these places, showing ``ground`` (a rectangle of its proportions)."""
        left, bottom, right, top = (value * _CM_PX for value in (left_cm, bottom_cm, right_cm, top_cm))
        x0, y0, x1, y1 = shapely.bounds(ground)
        scale = (right - left) / (x1 - x0), (top - bottom) / (y1 - y0)
        return Window(left, bottom, right, top, Affine2D().translate(-x0, -y0).scale(*scale).translate(left, bottom))

    def shape(
        self, window: Window, path: Path, pen: Pen, *, alpha: float | None = None, clip: TransformedPath | None = None
    ) -> None:
        """Draw ground in a window, cut at its edge, and at ``clip`` (:meth:`Window.clip`) where given."""
        self._draw(path, window.to_dots, pen, alpha=alpha, window=window, clip=clip)

    def box(self, left_cm: float, bottom_cm: float, right_cm: float, top_cm: float, pen: Pen, **look: Any) -> None:
        """Draw a rectangle on the sheet."""
        corners = np.array([(left_cm, bottom_cm), (right_cm, bottom_cm), (right_cm, top_cm), (left_cm, top_cm)])
        self.polygon(corners, pen, **look)

    def polygon(self, corners_cm: NDArray[np.float64], pen: Pen, **look: Any) -> None:
        """Draw a polygon on the sheet."""
        path = Path(np.vstack([corners_cm, corners_cm[:1]]), closed=True)
        self._draw(path, Affine2D().scale(_CM_PX), pen, **look)

    def _draw(
        self,
        path: Path,
        transform: Affine2D,
        pen: Pen,
        *,
        alpha: float | None = None,
        window: Window | None = None,
        clip: TransformedPath | None = None,
    ) -> None:
        context = self._renderer.new_gc()
        if window is not None:
            context.set_clip_rectangle(Bbox.from_extents(window.left, window.bottom, window.right, window.top))
        if clip is not None:
            context.set_clip_path(clip)
        context.set_foreground(to_rgba(pen.edge), isRGBA=True)
        context.set_linewidth(pen.width)
        dashes = _DASHES.get(pen.dash)
        context.set_dashes(0.0, [length * pen.width for length in dashes] if dashes else None)
        context.set_alpha(alpha)  # type: ignore[arg-type]
        if pen.hatch:
            context.set_hatch(pen.hatch)
            context.set_hatch_color(to_rgba(pen.edge))
            context.set_hatch_linewidth(0.45)
        face = None if pen.face == "none" else to_rgba(pen.face)
        self._renderer.draw_path(context, path, transform, face)  # type: ignore[no-untyped-call]
        context.restore()

    def say(
        self,
        x_cm: float,
        y_cm: float,
        text: str,
        points: float,
        *,
        anchor: str = "ls",
        colour: str = "#000000",
        halo: bool = False,
    ) -> None:
        """Words at a place; ``anchor`` as Pillow has it: l, m, r and a (top), m, s (baseline), d (bottom)."""
        halo_px = _HALO_PX if halo else 0
        self._words.append(_Word(x_cm * _CM_PX, y_cm * _CM_PX, text, points, colour, anchor, halo_px))

    def mark(self, window: Window, x: float, y: float, text: str, points: float) -> None:
        """Words in the middle of a place on the ground, with a white halo."""
        self._words.append(_Word(*window.dot(x, y), text, points, "#000000", "mm", _HALO_PX))

    def png(self) -> bytes:
        """The sheet in 256 colours: a third of the bytes, and the eye sees no difference."""
        size = round(self._renderer.width), round(self._renderer.height)
        image = Image.frombuffer("RGBA", size, self._renderer.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")  # type: ignore[no-untyped-call]
        pencil = ImageDraw.Draw(image)
        for word in self._words:
            pencil.text(
                (round(word.x), round(image.height - word.y)), word.text, fill=word.colour, font=_letters(word.points),
                anchor=word.anchor, stroke_width=word.halo, stroke_fill="#ffffff",
            )  # fmt: skip
        target = io.BytesIO()
        quantized = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        quantized.save(target, "PNG", dpi=(DPI, DPI))
        return target.getvalue()


def outline(shapes: Geometries) -> Path:
    """All shapes as one path: polygons with holes left open, lines as they run, points as small squares of 4 m."""
    shapes = shapely.get_parts(np.asarray(shapes, dtype=object))
    dimensions = shapely.get_dimensions(shapes)
    areas = np.concatenate([shapes[dimensions == 2], shapely.buffer(shapes[dimensions == 0], 2.0, cap_style="square")])
    rings = shapely.get_rings(shapely.orient_polygons(areas))
    closed, running = _run(rings, True), _run(shapes[dimensions == 1], False)
    return Path(np.concatenate([closed[0], running[0]]), np.concatenate([closed[1], running[1]]))


def _run(parts: Geometries, is_ring: bool) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """The places of rings or lines one after the other, and what the pen does at each."""
    xy, part = shapely.get_coordinates(parts, return_index=True)
    codes = np.full(len(xy), Path.LINETO, np.uint8)
    codes[np.flatnonzero(np.diff(part, prepend=-1))] = Path.MOVETO
    if is_ring:
        codes[np.flatnonzero(np.diff(part, append=-1))] = Path.CLOSEPOLY
    return xy, codes


# --- words ------------------------------------------------------------------------------------------


def width_cm(texts: Sequence[str], points: float) -> float:
    """How wide the widest of some texts is."""
    return max((_letters(points).getlength(text) for text in texts), default=0.0) / _CM_PX


def _letters(points: float) -> ImageFont.FreeTypeFont:
    return letters(round(points * _POINT_PX))
