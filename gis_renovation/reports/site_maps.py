"""The map of a land-status sheet: surveyed and planned use side by side at a round scale, ready to print.

Both halves show the same ground: patches in the colours of the mapping standard, parcels with the
numbers of the sheet, control lines, illegal structures, the site's outline. The same layers, libraries
and fonts give the same bytes. Where no Chinese font is installed the words of the map are the English
ones (:mod:`gis_renovation.reports.canvas`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import shapely
from matplotlib.path import Path
from shapely.geometry.base import BaseGeometry

from gis_renovation.arrays import Geometries
from gis_renovation.display import SYNTHETIC_NOTICE, display_width
from gis_renovation.land import class_colour, class_label, require_one_system
from gis_renovation.reports.canvas import Canvas, Pen, Window, width_cm
from gis_renovation.reports.canvas import outline as make_outline
from gis_renovation.reports.fonts import require_chinese_face
from gis_renovation.reports.map_parts import (
    Drawn,
    Look,
    draw_key,
    drawn,
    drawn_by,
    fitting_frame,
    north,
    scale_bar,
    shapes_of,
    space,
    with_ink,
)
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
_KEY_CM: Final = 1.6
# Half-width characters on one line of the remarks.
_LINE_WIDTH: Final = 190


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
_SITE = Look(label=Text("核查范围", "site"), edge="#d7000f", width=2.2)
_PARCEL = Look(label=Text("宗地（编号见宗地表）", "parcel (numbered as in the table)"), edge="#222222", width=0.7)
_ILLEGAL = Look(label=Text("违法建设", "illegal structure"), face="#000000", edge="#ffffff", width=0.4)
_HALVES: Final = (
    ("land_survey", "land_use_code", Text("现状地类（国土调查）", "Surveyed class")),
    ("planned_use", "planned_use_code", Text("规划用途（详细规划）", "Planned use")),
)


@dataclass(frozen=True, eq=False)
class LandMaps:
    """The layers of all maps of a run, read once; :meth:`draw` makes the map of one site."""

    uses: Mapping[str, Drawn | None]
    parcels: Drawn | None
    controls: Drawn | None
    structures: Drawn | None
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
        remarks = (f"{dated}{space(lang)}{project.crs}", *_sources(manifest, lang))
        return cls(
            uses={name: _drawn_uses(layers.get(name), name, column) for name, column, _ in _HALVES},
            parcels=drawn(layers.get("parcels"), _PARCEL),
            controls=_drawn_controls(layers.get("control_lines")),
            structures=drawn(layers.get("illegal_structures"), _ILLEGAL),
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
            for look, shapes in with_ink(layer.within(frame), frame).items()
        ]
        keys: list[tuple[Text, Sequence[Look]]] = [
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
                scale_bar(paper, scale, *_place(0)[:2])
            north(paper, *_place(number)[2:], self._say(Text("北", "N")))
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
        lines = [f"{stated}{space(self.lang)}{self.remarks[0]}", *self.remarks[1:]]
        for number, line in enumerate(lines):
            paper.say(0.1, 0.14 + 0.36 * (len(lines) - 1 - number), line, 7, colour="#333333")
        if self.synthetic:
            notice = SYNTHETIC_NOTICE.in_language(self.lang)
            paper.say(MAP_WIDTH_CM - 0.1, 0.14, notice, 7, anchor="rs", colour="#c00000")

    def _legend(self, paper: Canvas, keys: Sequence[tuple[Text, Sequence[Look]]]) -> None:
        """Three keys side by side: lines, surveyed classes, planned classes."""
        third = MAP_WIDTH_CM / 3
        for number, (title, looks) in enumerate(keys):
            place = (0.1 + number * third, _LEGEND_CM, third, _KEY_CM)
            draw_key(paper, place, self._say(title), {self._say(look.label): look for look in looks})


def _fill(
    paper: Canvas,
    window: Window,
    uses: Mapping[Look, Geometries],
    site: Path,
    lines: Sequence[tuple[Look, Path]],
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


# --- layers made ready ------------------------------------------------------------------------------


def _drawn_uses(layer: gpd.GeoDataFrame | None, name: str, column: str) -> Drawn | None:
    """Patches by class in the colours of the mapping standard; classes it gives no colour are dotted grey."""
    if layer is None or column not in layer.columns:
        return None
    system = require_one_system(layer, name, code=column) or ""
    codes = [None if pd.isna(code) else str(code) for code in layer[column]]
    known = sorted({code for code in codes if code is not None})
    looks: dict[str | None, Look] = {code: _use_look(system, code) for code in known}
    if None in codes:
        looks[None] = Look(label=Text("地类未登记", "class not recorded"), face="#ffffff", hatch="..")
    return drawn_by(shapes_of(layer), codes, looks)


def _use_look(system: str, code: str) -> Look:
    rgb, label = class_colour(system, code), class_label(system, code)
    if rgb is None:
        return Look(label=label + Text("＊", " *"), face="#ededed", edge="#9a9a9a", hatch="...")
    return Look(label=label, face="#{:02x}{:02x}{:02x}".format(*rgb))


def _drawn_controls(layer: gpd.GeoDataFrame | None) -> Drawn | None:
    if layer is None:
        return None
    labels = layer_schema("control_lines").fields["kind"].values
    looks: dict[str | None, Look] = {
        kind: Look(label=labels[kind], edge=edge, width=1.1, hatch=hatch, dash=dash)
        for kind, (edge, hatch, dash) in _CONTROL_LOOKS.items()
    }
    return drawn_by(shapes_of(layer), list(layer["kind"]), looks)


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


def _frame(outline: BaseGeometry) -> tuple[int, BaseGeometry]:
    """The largest round scale at which the site fits its half, and the ground shown there."""
    return fitting_frame(outline, _half_cm(), _PANEL_CM)


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
