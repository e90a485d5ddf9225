"""Small drawings for pages without a script: where a place lies, and the rates of the counties.

Drawn from the shapes of the edition itself, so they show no more than the files beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_renovation.display import safe
from gis_renovation.words import Lang

# The drawing in its own units, ten to a pixel of a 640 x 400 picture.
WIDTH, HEIGHT = 6400, 4000
_LEAST_HALF_WIDTH_M = 320.0
_WATER = frozenset({"river", "lake", "canal", "water", "ditch"})
_SCALES_M = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)


class _Window:
    """A rectangle of the project CRS and its place in the drawing: north is up, metres become drawing units."""

    def __init__(self, bounds: NDArray[np.float64], *, margin: float, least_half_m: float) -> None:
        left, bottom, right, top = (float(v) for v in bounds)
        half = max((right - left) / 2 * margin, (top - bottom) / 2 * margin * WIDTH / HEIGHT, least_half_m)
        x, y = (left + right) / 2, (bottom + top) / 2
        tall = half * HEIGHT / WIDTH
        self.per_m = WIDTH / (2 * half)
        self.box = (x - half, y - tall, x + half, y + tall)

    def to_drawing(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack([(xy[:, 0] - self.box[0]) * self.per_m, (self.box[3] - xy[:, 1]) * self.per_m])

    def shapes_in(self, frame: gpd.GeoDataFrame) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Row numbers and shapes, clipped and without details finer than a pixel, of what is in the window."""
        shapes = frame.geometry.to_numpy()
        rows = np.sort(shapely.STRtree(shapes).query(shapely.box(*self.box)))
        cut = shapely.simplify(shapely.clip_by_rect(shapes[rows], *self.box), 7 / self.per_m)
        there = ~(shapely.is_missing(cut) | shapely.is_empty(cut))
        return rows[there], cut[there]

    def path(self, shape: Any, css: str) -> str:
        """One shape as an SVG path; points as small circles."""
        pieces = []
        for part in shapely.get_parts(shape):
            if part.geom_type == "Point":
                (x, y) = np.rint(self.to_drawing(shapely.get_coordinates(part)))[0].astype(int)
                pieces.append(f"M{x - 40} {y}a40 40 0 1 0 80 0a40 40 0 1 0 -80 0")
                continue
            rings = (
                [part.exterior, *part.interiors]
                if part.geom_type == "Polygon"
                else [part]
                if part.geom_type in {"LineString", "LinearRing"}
                else []
            )
            for ring in rings:
                xy = np.rint(self.to_drawing(shapely.get_coordinates(ring))).astype(int)
                closed = part.geom_type == "Polygon"
                text = "L".join(f"{a} {b}" for a, b in (xy[:-1] if closed else xy).tolist())
                pieces.append(f"M{text}{'Z' if closed else ''}")
        return f'<path class="{css}" d="{"".join(pieces)}"/>' if pieces else ""


def place_figure(
    frames: Mapping[str, pd.DataFrame], layer: str, keys: Iterable[object], *, name: str, caption: str, lang: Lang
) -> str:
    """Where the shapes ``keys`` of ``layer`` lie, among water, parks, streets and the other communities.

    An HTML figure with an SVG inside; an empty text if none of them has a shape.
    """
    frame = frames.get(layer)
    if not isinstance(frame, gpd.GeoDataFrame):
        return ""
    own = frame.loc[[key for key in keys if key in frame.index]].geometry.to_numpy()
    own = own[~(shapely.is_missing(own) | shapely.is_empty(own))]
    if len(own) == 0:
        return ""
    window = _Window(shapely.total_bounds(own), margin=1.7, least_half_m=_LEAST_HALF_WIDTH_M)
    parts = [*_ground(window, frames)]
    parts += [window.path(shape, "g-own") for shape in _clipped(own, window)]
    middle = window.to_drawing(shapely.get_coordinates(shapely.centroid(shapely.GeometryCollection(list(own)))))[0]
    parts.append(_text(middle[0], middle[1], name, "g-text g-own-text"))
    title = f"{name}的位置" if lang == "zh" else f"Where {name} lies"
    return _figure(parts, window, title, caption, lang)


def drawn_units(frames: Mapping[str, pd.DataFrame], column: str) -> gpd.GeoSeries:
    """Shapes of the reporting units on :func:`county_figure`, in the order of their numbers there."""
    frame = frames.get("unit_progress")
    if not isinstance(frame, gpd.GeoDataFrame) or column not in frame.columns:
        return gpd.GeoSeries([])
    if "level" in frame.columns:
        frame = frame[frame["level"].ne("subdistrict").fillna(value=True)]
    shapes = frame.geometry.to_numpy()
    found: gpd.GeoSeries = frame.geometry[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    return found


def county_figure(frames: Mapping[str, pd.DataFrame], *, column: str, title: str, caption: str, lang: Lang) -> str:
    """The reporting units with one share each, in five shades, numbered; empty without shapes."""
    drawn = drawn_units(frames, column)
    if len(drawn) == 0:
        return ""
    frame = frames["unit_progress"].loc[drawn.index]
    window = _Window(drawn.total_bounds, margin=1.08, least_half_m=_LEAST_HALF_WIDTH_M)
    shares = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    areas, numbers = [], []
    for row, (shape, share) in enumerate(zip(_clipped(drawn.to_numpy(), window), shares, strict=True)):
        step = 0 if np.isnan(share) else 1 + min(4, int(share * 5))
        areas.append(window.path(shape, f"g-unit g-{step}"))
        x, y = window.to_drawing(shapely.get_coordinates(shapely.maximum_inscribed_circle(shape).centroid))[0]
        numbers.append(_text(x, y, str(row + 1), "g-text g-number"))
    return _figure([*areas, *numbers], window, title, caption + _shades(), lang)


def _shades() -> str:
    """What the five shades mean."""
    words = ["—", *(f"{20 * at}–{20 * at + 20}%" for at in range(5))]
    items = "".join(
        f'<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="g-{at}" width="10" height="10"/></svg>'
        f"{word}</li>"
        for at, word in enumerate(words)
    )
    return f'<ul class="stages">{items}</ul>'


def _clipped(shapes: NDArray[Any], window: _Window) -> list[Any]:
    return list(shapely.simplify(shapely.clip_by_rect(shapes, *window.box), 7 / window.per_m))


def _ground(window: _Window, frames: Mapping[str, pd.DataFrame]) -> Iterable[str]:
    """What lies around, below first."""
    for layer in ("parks", "barriers", "streets", "communities"):
        frame = frames.get(layer)
        if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None or len(frame) == 0:
            continue
        kinds = frame["kind"].astype(str) if "kind" in frame.columns else pd.Series("", index=frame.index)
        rows, shapes = window.shapes_in(frame)
        for row, shape in zip(rows.tolist(), shapes, strict=True):
            yield window.path(shape, _css(layer, kinds.iloc[row], shapely.get_dimensions(shape) == 2))


def _css(layer: str, kind: str, area: bool) -> str:
    if layer == "parks":
        return "g-park"
    if layer == "streets":
        return "g-road"
    if layer == "communities":
        return "g-place"
    if kind == "railway":
        return "g-rail"
    if kind in _WATER:
        return "g-water" if area else "g-river"
    return "g-road"


def _text(x: float, y: float, words: str, css: str) -> str:
    return f'<text class="{css}" x="{x:.0f}" y="{y + 50:.0f}">{safe(words)}</text>'


def _figure(parts: Iterable[str], window: _Window, title: str, caption: str, lang: Lang) -> str:
    bar_m = max((m for m in _SCALES_M if m * window.per_m <= WIDTH / 4), default=_SCALES_M[0])
    bar = bar_m * window.per_m
    said = f"{bar_m:,} m" if bar_m < 1000 else f"{bar_m // 1000} km"
    north = "北" if lang == "zh" else "N"
    y = HEIGHT - 130
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{safe(title)}">{"".join(parts)}'
        f'<path class="g-scale" d="M150 {y - 60}V{y}H{150 + bar:.0f}V{y - 60}"/>'
        f'<text class="g-text" x="{150 + bar / 2:.0f}" y="{y - 90}">{said}</text>'
        f'<path class="g-scale" d="M{WIDTH - 220} 520V200M{WIDTH - 280} 300L{WIDTH - 220} 190L{WIDTH - 160} 300"/>'
        f'<text class="g-text" x="{WIDTH - 220}" y="690">{north}</text>'
        f"</svg><figcaption>{caption}</figcaption></figure>"
    )
