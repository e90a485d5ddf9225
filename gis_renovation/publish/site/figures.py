"""Small drawings for pages without a script: where a place lies, and the rates of the counties.

Drawn from the shapes of the edition itself, so they show no more than the files beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from gis_renovation.arrays import Floats, Geometries, Ints
from gis_renovation.words import Lang

# The drawing in its own units, ten to a pixel of a 640 x 400 picture.
WIDTH, HEIGHT = 6400, 4000
_LEAST_HALF_WIDTH_M = 320.0
_WATER = frozenset({"river", "lake", "canal", "water", "ditch"})
_SCALES_M = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)


class Path(NamedTuple):
    """One shape of a drawing: its class of the style sheet, and the commands of an SVG path."""

    css: str
    d: str


class Label(NamedTuple):
    """Words in a drawing and where they stand."""

    css: str
    x: str
    y: str
    text: str


_NORTH = Path("g-scale", f"M{WIDTH - 220} 520V200M{WIDTH - 280} 300L{WIDTH - 220} 190L{WIDTH - 160} 300")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A drawing with its title, its caption, and what its shades mean, if it has any."""

    title: str
    caption: str
    paths: Sequence[Path]
    labels: Sequence[Label]
    scale: Path
    scale_label: Label
    north_label: Label
    north: Path = _NORTH
    shades: Sequence[str] = ()
    width: int = WIDTH
    height: int = HEIGHT


class _Window:
    """A rectangle of the project CRS and its place in the drawing: north is up, metres become drawing units."""

    def __init__(self, bounds: Floats, *, margin: float, least_half_m: float) -> None:
        left, bottom, right, top = (float(v) for v in bounds)
        half = max((right - left) / 2 * margin, (top - bottom) / 2 * margin * WIDTH / HEIGHT, least_half_m)
        x, y = (left + right) / 2, (bottom + top) / 2
        tall = half * HEIGHT / WIDTH
        self.per_m = WIDTH / (2 * half)
        self.box = (x - half, y - tall, x + half, y + tall)

    def to_drawing(self, xy: Floats) -> Floats:
        return np.column_stack([(xy[:, 0] - self.box[0]) * self.per_m, (self.box[3] - xy[:, 1]) * self.per_m])

    def shapes_in(self, tree: shapely.STRtree) -> tuple[Ints, Geometries]:
        """Row numbers and shapes, clipped and without details finer than a pixel, of what is in the window."""
        rows = np.sort(tree.query(shapely.box(*self.box)))
        cut = shapely.simplify(shapely.clip_by_rect(tree.geometries[rows], *self.box), 7 / self.per_m)
        there = ~(shapely.is_missing(cut) | shapely.is_empty(cut))
        return rows[there], cut[there]

    def path(self, shape: BaseGeometry, css: str) -> Path | None:
        """One shape as an SVG path, points as small circles; None where nothing is left of it."""
        pieces = [piece for part in shapely.get_parts(shape) for piece in self._pieces(part)]
        return Path(css, "".join(pieces)) if pieces else None

    def _pieces(self, part: BaseGeometry) -> Iterator[str]:
        if part.geom_type == "Point":
            (x, y) = np.rint(self.to_drawing(shapely.get_coordinates(part)))[0].astype(int)
            yield f"M{x - 40} {y}a40 40 0 1 0 80 0a40 40 0 1 0 -80 0"
            return
        closed = part.geom_type == "Polygon"
        for ring in shapely.get_rings(part) if closed else [part] if part.geom_type in _LINES else []:
            xy = np.rint(self.to_drawing(shapely.get_coordinates(ring))).astype(int)
            text = "L".join(f"{a} {b}" for a, b in (xy[:-1] if closed else xy).tolist())
            yield f"M{text}{'Z' if closed else ''}"


_LINES = frozenset({"LineString", "LinearRing"})


class Ground(NamedTuple):
    """What lies around places: shapes of each layer and how they are drawn, below first; the communities' own."""

    layers: Sequence[tuple[shapely.STRtree, Sequence[str]]] = ()
    places: gpd.GeoSeries | None = None


def prepared_ground(frames: Mapping[str, pd.DataFrame]) -> Ground:
    """Water, parks, streets and communities, ready for many drawings. O(n log n), each drawing then only its part."""
    layers = []
    for layer in ("parks", "barriers", "streets", "communities"):
        frame = frames.get(layer)
        if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None or len(frame) == 0:
            continue
        shapes = frame.geometry.to_numpy()
        kinds = frame["kind"].astype(str).tolist() if "kind" in frame.columns else [""] * len(frame)
        areas = (shapely.get_dimensions(shapes) == 2).tolist()
        css = [_css(layer, kind, area) for kind, area in zip(kinds, areas, strict=True)]
        layers.append((shapely.STRtree(shapes), css))
    places = frames.get("communities")
    return Ground(layers, places.geometry if isinstance(places, gpd.GeoDataFrame) else None)


def place_figure(ground: Ground, keys: Iterable[object], *, name: str, caption: str, lang: Lang) -> Figure | None:
    """Where the communities ``keys`` lie, among water, parks, streets and the other communities.

    None if none of them has a shape.
    """
    if ground.places is None:
        return None
    own = ground.places.loc[[key for key in keys if key in ground.places.index]].to_numpy()
    own = own[~(shapely.is_missing(own) | shapely.is_empty(own))]
    if len(own) == 0:
        return None
    window = _Window(shapely.total_bounds(own), margin=1.7, least_half_m=_LEAST_HALF_WIDTH_M)
    paths = [*_ground(window, ground), *(window.path(shape, "g-own") for shape in _clipped(own, window))]
    middle = window.to_drawing(shapely.get_coordinates(shapely.centroid(shapely.GeometryCollection(list(own)))))[0]
    title = f"{name}的位置" if lang == "zh" else f"Where {name} lies"
    return _figure(
        window,
        paths,
        [_label(middle[0], middle[1], name, "g-text g-own-text")],
        title=title,
        caption=caption,
        lang=lang,
    )


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


def county_figure(
    frames: Mapping[str, pd.DataFrame], *, column: str, title: str, caption: str, lang: Lang
) -> Figure | None:
    """The reporting units with one share each, in five shades, numbered; None without shapes."""
    drawn = drawn_units(frames, column)
    if len(drawn) == 0:
        return None
    frame = frames["unit_progress"].loc[drawn.index]
    window = _Window(drawn.total_bounds, margin=1.08, least_half_m=_LEAST_HALF_WIDTH_M)
    shares = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    areas, numbers = [], []
    for row, (shape, share) in enumerate(zip(_clipped(drawn.to_numpy(), window), shares, strict=True)):
        step = 0 if np.isnan(share) else 1 + min(4, int(share * 5))
        areas.append(window.path(shape, f"g-unit g-{step}"))
        x, y = window.to_drawing(shapely.get_coordinates(shapely.maximum_inscribed_circle([shape])[0].centroid))[0]
        numbers.append(_label(x, y, str(row + 1), "g-text g-number"))
    figure = _figure(window, areas, numbers, title=title, caption=caption, lang=lang)
    return replace(figure, shades=["—", *(f"{20 * at}–{20 * at + 20}%" for at in range(5))])


def _clipped(shapes: Geometries, window: _Window) -> list[BaseGeometry]:
    return list(shapely.simplify(shapely.clip_by_rect(shapes, *window.box), 7 / window.per_m))


def _ground(window: _Window, ground: Ground) -> Iterator[Path | None]:
    """What lies around, below first."""
    for tree, css in ground.layers:
        rows, shapes = window.shapes_in(tree)
        for row, shape in zip(rows.tolist(), shapes, strict=True):
            yield window.path(shape, css[row])


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


def _label(x: float, y: float, text: str, css: str) -> Label:
    return Label(css, f"{x:.0f}", f"{y + 50:.0f}", text)


def _figure(
    window: _Window, paths: Iterable[Path | None], labels: Sequence[Label], *, title: str, caption: str, lang: Lang
) -> Figure:
    """A drawing with its scale at the bottom left and an arrow to the north at the top right."""
    bar_m = max((m for m in _SCALES_M if m * window.per_m <= WIDTH / 4), default=_SCALES_M[0])
    bar, y = bar_m * window.per_m, HEIGHT - 130
    said = f"{bar_m:,} m" if bar_m < 1000 else f"{bar_m // 1000} km"
    return Figure(
        title=title,
        caption=caption,
        paths=[path for path in paths if path],
        labels=labels,
        scale=Path("g-scale", f"M150 {y - 60}V{y}H{150 + bar:.0f}V{y - 60}"),
        scale_label=Label("g-text", f"{150 + bar / 2:.0f}", f"{y - 90}", said),
        north_label=Label("g-text", f"{WIDTH - 220}", "690", "北" if lang == "zh" else "N"),
    )
