"""The map of a land-status sheet: surveyed and planned use side by side at a round scale, ready to print.

Both halves show the same ground: patches in the colours of the mapping standard, parcels with the
numbers of the sheet, control lines, illegal structures, the site's outline. The same layers, libraries
and fonts give the same bytes. Where no Chinese font is installed the words of the map are the English
ones (:mod:`gis_renovation.reports.canvas`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import shapely
from matplotlib.path import Path
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gis_renovation.arrays import Geometries
from gis_renovation.display import SYNTHETIC_NOTICE, display_width
from gis_renovation.land import class_colour, class_label, require_one_system
from gis_renovation.reports.canvas import Canvas, Pen, Window, width_cm
from gis_renovation.reports.canvas import outline as make_outline
from gis_renovation.reports.fonts import require_chinese_face
from gis_renovation.reports.parts import Layers
from gis_renovation.run import Manifest
from gis_renovation.schemas import layer_schema
from gis_renovation.unknowns import name_or_id
from gis_renovation.words import Lang, Text

if TYPE_CHECKING:
    import geopandas as gpd

# Size on paper, so that the stated scale is true where the picture stands at this width.
MAP_WIDTH_CM: Final = 24.7
_HEIGHT_CM, _PANEL_CM, _GAP_CM, _LEGEND_CM, _HEAD_CM = 14.3, 9.4, 0.3, 3.55, 1.1
_MARGIN: Final = 1.12
# The keys: their title, the room below it, and rows and signs by the size of type (points), in cm.
_KEY_HEAD_CM, _KEY_CM, _ROW_CM_A_POINT, _HANDLE_CM_A_POINT = 0.38, 1.6, 0.052, 0.11
_KEY_SIZES: Final = ((7.0, 2), (6.2, 2), (6.2, 3), (5.6, 2), (5.6, 3), (5.0, 2), (5.0, 3), (4.4, 3), (4.0, 4))
# Half-width characters on one line of the remarks.
_LINE_WIDTH: Final = 190
_SCALES: Final = tuple(base * 10**power for power in range(1, 6) for base in (10, 15, 20, 25, 30, 40, 50))
_BAR_LENGTHS_M: Final = tuple(base * 10**power for power in range(5) for base in (1, 2, 5))


@dataclass(frozen=True, kw_only=True)
class _Look(Pen):
    """How features of one kind are drawn, and their line in the legend."""

    label: Text


# The standard fixes the colours of land uses, not those of lines; blue, green, purple and yellow lines say their own.
_CONTROL_LOOKS: Final[Mapping[str, tuple[str, str, str]]] = {
    "prime_farmland": ("#8a7500", "//", "-"),
    "ecological_redline": ("#b3261e", "x", "-"),
    "urban_boundary": ("#444444", "", "-."),
    "road_redline": ("#c0392b", "", "--"),
    "blue": ("#1f5fa8", "-", "-"),
    "green": ("#1e7d32", "\\\\", "-"),
    "purple": ("#6b3fa0", "|", "-"),
    "yellow": ("#b88a00", "+", "-"),
    "rail_protection": ("#222222", "/", ":"),
    "fire_access": ("#e4002b", "xx", ":"),
    "subsidence": ("#7a4a21", "..", "--"),
    "geohazard": ("#8c3d00", "o", "--"),
}
_HALO = Pen(edge="#ffffff", width=4.0)
_SITE = _Look(label=Text("核查范围", "site"), edge="#d7000f", width=2.2)
_PARCEL = _Look(label=Text("宗地（编号见宗地表）", "parcel (numbered as in the table)"), edge="#222222", width=0.7)
_ILLEGAL = _Look(label=Text("违法建设", "illegal structure"), face="#000000", edge="#ffffff", width=0.4)
_HALVES: Final = (
    ("land_survey", "land_use_code", Text("现状地类（国土调查）", "Surveyed class")),
    ("planned_use", "planned_use_code", Text("规划用途（详细规划）", "Planned use")),
)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """One layer ready to be looked up by place: its shapes and the number of each one's look."""

    shapes: Geometries
    tree: shapely.STRtree
    looks: tuple[_Look, ...]
    look_of: NDArray[np.intp]

    def within(self, frame: BaseGeometry) -> dict[_Look, Geometries]:
        """The shapes that meet the frame by look, in the order of the looks."""
        at = np.sort(self.tree.query(frame, predicate="intersects"))
        found = {look: self.shapes[at[self.look_of[at] == number]] for number, look in enumerate(self.looks)}
        return {look: shapes for look, shapes in found.items() if len(shapes)}


@dataclass(frozen=True, eq=False)
class LandMaps:
    """The layers of all maps of a run, read once; :meth:`draw` makes the map of one site."""

    uses: Mapping[str, _Drawn | None]
    parcels: _Drawn | None
    controls: _Drawn | None
    structures: _Drawn | None
    remarks: tuple[str, ...]
    synthetic: bool
    lang: Lang

    @classmethod
    def of(cls, layers: Layers, manifest: Manifest, *, lang: Lang) -> LandMaps:
        """Maps over a run's layers; what is not at hand is said to be not checked. O(features)."""
        if lang == "zh":
            require_chinese_face()
        project = manifest.project
        dated = Text(f"数据截至 {project.as_of}", f"As of {project.as_of}").in_language(lang)
        remarks = (f"{dated}{_space(lang)}{project.crs}", *_sources(manifest, lang))
        return cls(
            uses={name: _drawn_uses(layers.get(name), name, column) for name, column, _ in _HALVES},
            parcels=_drawn(layers.get("parcels"), _PARCEL),
            controls=_drawn_controls(layers.get("control_lines")),
            structures=_drawn(layers.get("illegal_structures"), _ILLEGAL),
            remarks=remarks,
            synthetic=project.synthetic,
            lang=lang,
        )

    def draw(self, site: pd.Series, outline: BaseGeometry, parcels: Mapping[int, BaseGeometry]) -> bytes:
        """The PNG of one site's map.

        ``site`` is its row of ``land_sites``, ``outline`` its polygon and ``parcels`` the shape of each
        numbered parcel, all in the project's CRS. O(features in the frame).
        """
        paper = Canvas(MAP_WIDTH_CM, _HEIGHT_CM)
        scale, frame = _frame(outline)
        site_path = make_outline(np.array([outline], dtype=object))
        lines = [
            (look, make_outline(shapes))
            for layer in (self.parcels, self.controls, self.structures)
            if layer is not None
            for look, shapes in _with_ink(layer.within(frame), frame).items()
        ]
        keys: list[tuple[Text, Sequence[_Look]]] = [
            (Text("界线与设施", "Lines and structures"), [_SITE, *(look for look, _ in lines)])
        ]
        for number, (name, _, title) in enumerate(_HALVES):
            window = _panel(paper, number, frame)
            layer = self.uses[name]
            uses = layer.within(frame) if layer else {}
            _fill(paper, window, uses, site_path, lines)
            keys.append((title, list(uses)))
            _number_parcels(paper, window, outline, parcels)
            self._head(paper, number, title, missing=self.uses[name] is None)
            paper.box(*_place(number), Pen(edge="#000000", width=0.8))
            if number == 0:
                _scale_bar(paper, scale)
            _north(paper, number, self._say(Text("北", "N")))
        self._words(paper, site, scale)
        self._legend(paper, keys)
        return paper.png()

    def _say(self, text: Text) -> str:
        return text.in_language(self.lang)

    def _head(self, paper: Canvas, number: int, title: Text, *, missing: bool) -> None:
        left, bottom, right, top = _place(number)
        paper.say(left, top + 0.12, self._say(title), 8.5)
        if missing:
            said = self._say(Text("未核查：没有取得该图层", "not checked: the layer is not at hand"))
            middle, half = (left + right) / 2, width_cm([said], 9) / 2 + 0.15
            paper.box(middle - half, bottom + 0.3, middle + half, bottom + 0.85, Pen(face="#ffffff", edge="#888888"))
            paper.say(middle, bottom + 0.575, said, 9, anchor="mm")

    def _words(self, paper: Canvas, site: pd.Series, scale: int) -> None:
        key = str(site.name)
        called = name_or_id(site["name"], key)
        both = key if called == key else f"{called}（{key}）"
        title = self._say(Text(f"{both}用地情况核查图", f"{key}: land-status map"))
        paper.say(MAP_WIDTH_CM / 2, _HEIGHT_CM - 0.05, title, 13, anchor="ma")
        stated = self._say(Text(f"比例尺 1:{scale}　坐标北向上", f"Scale 1:{scale}  grid north is up"))
        lines = [f"{stated}{_space(self.lang)}{self.remarks[0]}", *self.remarks[1:]]
        for number, line in enumerate(lines):
            paper.say(0.1, 0.14 + 0.36 * (len(lines) - 1 - number), line, 7, colour="#333333")
        if self.synthetic:
            notice = SYNTHETIC_NOTICE.in_language(self.lang)
            paper.say(MAP_WIDTH_CM - 0.1, 0.14, notice, 7, anchor="rs", colour="#c00000")

    def _legend(self, paper: Canvas, keys: Sequence[tuple[Text, Sequence[_Look]]]) -> None:
        """Three keys side by side: lines, surveyed classes, planned classes."""
        for number, (title, looks) in enumerate(keys):
            left, top = 0.1 + number * MAP_WIDTH_CM / 3, _LEGEND_CM
            labels = [self._say(look.label) for look in looks]
            points, columns = _fitting(labels)
            paper.say(left, top, self._say(title), 7.5, anchor="la")
            step, handle = points * _ROW_CM_A_POINT, points * _HANDLE_CM_A_POINT
            rows = -(-len(looks) // columns)
            for at, (look, label) in enumerate(zip(looks, labels, strict=True)):
                if at and at % rows == 0:
                    left += handle + width_cm(labels[at - rows : at], points) + 0.5
                middle = top - _KEY_HEAD_CM - (at % rows + 0.5) * step
                white = replace(look, face="#ffffff" if look.face == "none" else look.face, width=max(look.width, 0.6))
                paper.box(left, middle - 0.3 * step, left + 0.8 * handle, middle + 0.3 * step, white)
                paper.say(left + handle, middle, label, points, anchor="lm")


def _fill(
    paper: Canvas,
    window: Window,
    uses: Mapping[_Look, Geometries],
    site: Path,
    lines: Sequence[tuple[_Look, Path]],
) -> None:
    """Everything in the window from the bottom up, the site in full colour."""
    clip = window.clip(site)
    for look, shapes in uses.items():
        path = make_outline(shapes)
        paper.shape(window, path, look, alpha=0.28)
        paper.shape(window, path, look, clip=clip)
    for look, path in lines:
        paper.shape(window, path, look)
    paper.shape(window, site, _HALO)
    paper.shape(window, site, _SITE)


def _fitting(labels: Sequence[str]) -> tuple[float, int]:
    """The largest type, and how many columns, at which a key fits its third of the sheet."""
    for points, columns in _KEY_SIZES:
        rows = -(-len(labels) // columns)
        parts = [labels[at : at + rows] for at in range(0, len(labels), rows)] if labels else []
        width = sum(width_cm(part, points) + points * _HANDLE_CM_A_POINT + 0.5 for part in parts)
        if rows * points * _ROW_CM_A_POINT <= _KEY_CM and width <= MAP_WIDTH_CM / 3 + 0.3:
            return points, columns
    return _KEY_SIZES[-1]


# --- layers made ready ------------------------------------------------------------------------------


def _with_ink(found: Mapping[_Look, Geometries], frame: BaseGeometry) -> dict[_Look, Geometries]:
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


def _drawn(layer: gpd.GeoDataFrame | None, look: _Look) -> _Drawn | None:
    if layer is None:
        return None
    shapes = _shapes(layer)
    return _Drawn(shapes, shapely.STRtree(shapes), (look,), np.zeros(len(shapes), np.intp))


def _by_look(shapes: Geometries, named: Sequence[str | None], look_of: Mapping[str | None, _Look]) -> _Drawn:
    order = {name: number for number, name in enumerate(look_of)}
    numbers = np.array([order[name] for name in named], np.intp)
    return _Drawn(shapes, shapely.STRtree(shapes), tuple(look_of.values()), numbers)


def _drawn_uses(layer: gpd.GeoDataFrame | None, name: str, column: str) -> _Drawn | None:
    """Patches by class in the colours of the mapping standard; classes it gives no colour are dotted grey."""
    if layer is None or column not in layer.columns:
        return None
    system = require_one_system(layer, name, code=column) or ""
    codes = [None if pd.isna(code) else str(code) for code in layer[column]]
    known = sorted({code for code in codes if code is not None})
    looks: dict[str | None, _Look] = {code: _use_look(system, code) for code in known}
    if None in codes:
        looks[None] = _Look(label=Text("地类未登记", "class not recorded"), face="#ffffff", hatch="..")
    return _by_look(_shapes(layer), codes, looks)


def _use_look(system: str, code: str) -> _Look:
    rgb, label = class_colour(system, code), class_label(system, code)
    if rgb is None:
        return _Look(label=label + Text("＊", " *"), face="#ededed", edge="#9a9a9a", hatch="...")
    return _Look(label=label, face="#{:02x}{:02x}{:02x}".format(*rgb))


def _drawn_controls(layer: gpd.GeoDataFrame | None) -> _Drawn | None:
    if layer is None:
        return None
    labels = layer_schema("control_lines").fields["kind"].values
    looks: dict[str | None, _Look] = {
        kind: _Look(label=labels[kind], edge=edge, width=1.1, hatch=hatch, dash=dash)
        for kind, (edge, hatch, dash) in _CONTROL_LOOKS.items()
    }
    return _by_look(_shapes(layer), list(layer["kind"]), looks)


def _shapes(layer: gpd.GeoDataFrame) -> Geometries:
    return np.asarray(layer.geometry.to_numpy(), dtype=object)


def _sources(manifest: Manifest, lang: Lang) -> tuple[str, ...]:
    """One line: owner and date of every layer the maps show."""
    stated = []
    for name in ("parcels", "land_survey", "planned_use", "control_lines", "illegal_structures"):
        source = manifest.sources.get(name)
        if source is not None:
            label = layer_schema(name).label.in_language(lang)
            facts = [str(fact) for fact in (source.owner, source.observed) if fact]
            facts = [fact for fact in facts if lang == "zh" or fact.isascii()]
            stated.append(f"{label}（{'，'.join(facts)}）" if lang == "zh" else f"{label} ({', '.join(facts)})")
    none = Text(
        "核查范围内为制图规范的颜色，范围外减淡。＊ 制图规范没有给出颜色，或对应多个颜色的地类。",
        "Colours of the mapping standard inside the site, faded outside. * the standard gives no colour, or several.",
    ).in_language(lang)
    head, mark = Text("数据来源：", "Sources: ").in_language(lang), "；" if lang == "zh" else "; "
    lines = [head]
    for number, one in enumerate(stated):
        piece = one + (mark if number < len(stated) - 1 else "")
        if lines[-1] != head and display_width(lines[-1] + piece) > _LINE_WIDTH:
            lines.append("")
        lines[-1] += piece
    return (*lines, none)


# --- drawing ----------------------------------------------------------------------------------------


def _space(lang: Lang) -> str:
    return "\u3000" if lang == "zh" else "  "


def _frame(outline: BaseGeometry) -> tuple[int, BaseGeometry]:
    """The largest round scale at which the site fits its half, and the ground shown there."""
    left, bottom, right, top = shapely.bounds(outline)
    width_m, height_m = _half_cm() / 100, _PANEL_CM / 100
    needed = _MARGIN * max((right - left) / width_m, (top - bottom) / height_m, 1.0)
    scale = next((scale for scale in _SCALES if scale >= needed), _SCALES[-1])
    middle = np.array([left + right, bottom + top]) / 2
    half = np.array([width_m, height_m]) * scale / 2
    return scale, shapely.box(*(middle - half), *(middle + half))


def _half_cm() -> float:
    return (MAP_WIDTH_CM - _GAP_CM - 0.2) / 2


def _place(number: int) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a half on the sheet, in cm."""
    left, top = 0.1 + number * (_half_cm() + _GAP_CM), _HEIGHT_CM - _HEAD_CM
    return left, top - _PANEL_CM, left + _half_cm(), top


def _panel(paper: Canvas, number: int, frame: BaseGeometry) -> Window:
    return paper.window(*_place(number), frame)


def _number_parcels(paper: Canvas, window: Window, site: BaseGeometry, parcels: Mapping[int, BaseGeometry]) -> None:
    """Each number inside the part of its parcel that the site takes."""
    numbers, shapes = list(parcels), np.array([*parcels.values(), None], dtype=object)[:-1]
    spots = shapely.point_on_surface(shapely.intersection(shapes, site))
    for number, spot in zip(numbers, spots, strict=True):
        if not shapely.is_empty(spot):
            paper.mark(window, shapely.get_x(spot), shapely.get_y(spot), str(number), 7.5)


def _scale_bar(paper: Canvas, scale: int) -> None:
    """Two black and two white fields of a round length, at the lower left."""
    step_m = next((length for length in _BAR_LENGTHS_M[::-1] if 4 * length <= 0.045 * scale), _BAR_LENGTHS_M[0])
    left, bottom, _, _ = _place(0)
    step, x, y, height = step_m / scale * 100, left + 0.4, bottom + 0.3, 0.11
    paper.box(x - 0.15, y - 0.12, x + 4.9 * step, y + 0.48, Pen(face="#ffffff", width=0.0), alpha=0.8)
    for number in range(4):
        face = "#000000" if number % 2 == 0 else "#ffffff"
        paper.box(x + number * step, y, x + (number + 1) * step, y + height, Pen(face=face, edge="#000000", width=0.6))
    for number in (0, 2, 4):
        unit = " m" if number == 4 else ""
        paper.say(x + number * step, y + 0.17, f"{number * step_m:g}{unit}", 6.5, anchor="ms")


def _north(paper: Canvas, number: int, word: str) -> None:
    """An arrow and the word at the upper right; grid north is up."""
    _, _, right, top = _place(number)
    arrow = np.array([[0.0, 1.0], [0.35, 0.0], [0.0, 0.22], [-0.35, 0.0]]) * (0.33, 0.7) + (right - 0.54, top - 1.36)
    paper.polygon(arrow, Pen(face="#000000", edge="#ffffff", width=0.8))
    paper.say(right - 0.54, top - 0.56, word, 8, anchor="ms", halo=True)
