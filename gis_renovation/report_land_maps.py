"""The map of a land-status sheet: surveyed and planned use side by side at a round scale, ready to print.

Both halves show the same ground: patches in the colours of the mapping standard, parcels with the
numbers of the sheet, control lines, illegal structures, the site's outline. Drawn by matplotlib, to
the same bytes for the same layers, libraries and fonts. No font is shipped: Chinese words are set in
the first Chinese font installed, and where there is none the words of the map are the English ones.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from matplotlib import font_manager, patheffects
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Polygon, Rectangle
from matplotlib.path import Path as Outline
from numpy.typing import NDArray
from PIL import Image

from gis_renovation.errors import Lang, Text
from gis_renovation.land_codes import class_colour, class_label, require_one_system
from gis_renovation.report_parts import Layers, Manifest
from gis_renovation.schemas import layer_schema
from gis_renovation.tables import SYNTHETIC_NOTICE, display_width
from gis_renovation.unknowns import name_or_id

Geometries = NDArray[np.object_]

# Size on paper, so that the stated scale is true where the picture stands at this width.
MAP_WIDTH_CM: Final = 24.7
_HEIGHT_CM, _PANEL_CM, _GAP_CM, _LEGEND_CM, _HEAD_CM = 14.3, 9.4, 0.3, 3.4, 1.1
_DPI: Final = 150
_CM: Final = 1 / 2.54
_MARGIN: Final = 1.12
# Half-width characters on one line of the remarks.
_LINE_WIDTH: Final = 190
_SCALES: Final = tuple(base * 10**power for power in range(1, 6) for base in (10, 15, 20, 25, 30, 40, 50))
_BAR_LENGTHS_M: Final = tuple(base * 10**power for power in range(5) for base in (1, 2, 5))
# What offices here have on their machines, the common ones first.
_CHINESE_FONTS: Final = (
    "SimHei", "Microsoft YaHei", "SimSun", "FangSong", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC",
    "Source Han Sans CN", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "PingFang SC", "Heiti SC", "Noto Serif CJK SC",
)  # fmt: skip
_LATIN_FONT: Final = "DejaVu Sans"


@dataclass(frozen=True, kw_only=True)
class _Look:
    """How features of one kind are drawn, and their line in the legend."""

    label: Text
    face: str = "none"
    edge: str = "#555555"
    width: float = 0.3
    hatch: str = ""
    dash: str = "-"


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

    def within(self, frame: Any) -> dict[_Look, Geometries]:
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
        lang = lang if lang == "en" or chinese_font() else "en"
        project = manifest["project"]
        dated = Text(f"数据截至 {project['as_of']}", f"As of {project['as_of']}").in_language(lang)
        remarks = (f"{dated}{_space(lang)}{project['crs']}", *_sources(manifest, lang))
        return cls(
            uses={name: _drawn_uses(layers.get(name), name, column) for name, column, _ in _HALVES},
            parcels=_drawn(layers.get("parcels"), _PARCEL),
            controls=_drawn_controls(layers.get("control_lines")),
            structures=_drawn(layers.get("illegal_structures"), _ILLEGAL),
            remarks=remarks,
            synthetic=bool(project["synthetic"]),
            lang=lang,
        )

    def draw(self, site: pd.Series, outline: Any, parcels: Mapping[int, Any]) -> bytes:
        """The PNG of one site's map.

        ``site`` is its row of ``land_sites``, ``outline`` its polygon and ``parcels`` the shape of each
        numbered parcel, all in the project's CRS. O(features in the frame).
        """
        figure = Figure(figsize=(MAP_WIDTH_CM * _CM, _HEIGHT_CM * _CM), dpi=_DPI, facecolor="white")
        FigureCanvasAgg(figure)
        scale, frame = _frame(outline)
        keys: list[tuple[Text, list[_Look]]] = []
        lines: list[_Look] = []
        for number, (name, _, title) in enumerate(_HALVES):
            axes = _panel(figure, number, frame)
            uses, lines = self._fill(axes, name, frame, outline)
            keys.append((title, uses))
            _number_parcels(axes, outline, parcels)
            self._head(axes, title, missing=self.uses[name] is None)
            if number == 0:
                _scale_bar(axes, scale)
            _north(axes, self._say(Text("北", "N")))
        self._words(figure, site, scale)
        self._legend(figure, [(Text("界线与设施", "Lines and structures"), [_SITE, *lines]), *keys])
        return _png(figure)

    def _say(self, text: Text) -> str:
        return text.in_language(self.lang)

    def _fill(self, axes: Any, name: str, frame: Any, outline: Any) -> tuple[list[_Look], list[_Look]]:
        """Everything in the frame from the bottom up, the site in full colour; the looks of uses and of lines."""
        clip = _patch(np.array([outline], dtype=object), _SITE, axes)
        layer = self.uses[name]
        uses = layer.within(frame) if layer else {}
        for look, shapes in uses.items():
            axes.add_artist(_patch(shapes, look, axes, alpha=0.28))
            axes.add_artist(_patch(shapes, look, axes)).set_clip_path(clip)
        lines = []
        for other in (self.parcels, self.controls, self.structures):
            for look, shapes in other.within(frame).items() if other else ():
                axes.add_artist(_patch(shapes, look, axes))
                lines.append(look)
        axes.add_artist(clip)
        clip.set_path_effects([patheffects.withStroke(linewidth=4.0, foreground="white")])
        return list(uses), lines

    def _head(self, axes: Any, title: Text, *, missing: bool) -> None:
        words = _font(8.5)
        axes.set_title(self._say(title), fontproperties=words, pad=3, loc="left")
        if missing:
            said = self._say(Text("未核查：没有取得该图层", "not checked: the layer is not at hand"))
            white = {"facecolor": "white", "edgecolor": "#888888"}
            axes.text(0.5, 0.04, said, transform=axes.transAxes, ha="center", va="bottom", bbox=white,
                      fontproperties=_font(9))  # fmt: skip

    def _words(self, figure: Any, site: pd.Series, scale: int) -> None:
        key = str(site.name)
        called = name_or_id(site["name"], key)
        both = key if called == key else f"{called}（{key}）"
        title = self._say(Text(f"{both}用地情况核查图", f"{key}: land-status map"))
        figure.text(0.5, 1.0 - 0.1 / _HEIGHT_CM, title, ha="center", va="top", fontproperties=_font(13))
        stated = self._say(Text(f"比例尺 1:{scale}　坐标北向上", f"Scale 1:{scale}  grid north is up"))
        lines = [f"{stated}{_space(self.lang)}{self.remarks[0]}", *self.remarks[1:]]
        for number, line in enumerate(lines):
            y = (0.08 + 0.36 * (len(lines) - 1 - number)) / _HEIGHT_CM
            figure.text(0.004, y, line, ha="left", va="bottom", fontproperties=_font(7), color="#333333")
        if self.synthetic:
            notice = SYNTHETIC_NOTICE.in_language(self.lang)
            place = {"ha": "right", "va": "bottom", "fontproperties": _font(7), "color": "#c00000"}
            figure.text(0.996, 0.08 / _HEIGHT_CM, notice, **place)

    def _legend(self, figure: Any, keys: Sequence[tuple[Text, Sequence[_Look]]]) -> None:
        """Three keys side by side: lines, surveyed classes, planned classes."""
        for number, (title, looks) in enumerate(keys):
            handles = [
                Rectangle((0, 0), 1, 1, facecolor="white" if look.face == "none" else look.face, edgecolor=look.edge,
                          linewidth=max(look.width, 0.6), linestyle=look.dash, hatch=look.hatch,
                          label=self._say(look.label))
                for look in looks
            ]  # fmt: skip
            size = 7.0 if len(handles) <= 10 else 5.6 if len(handles) <= 16 else 4.6
            figure.legend(
                handles=handles, loc="upper left", bbox_to_anchor=(number / 3, (_LEGEND_CM + 0.1) / _HEIGHT_CM),
                ncol=2, frameon=False, prop=_font(size), handlelength=2.2, handleheight=1.1, columnspacing=1.2,
                borderaxespad=0.0, labelspacing=0.4, title=self._say(title), title_fontproperties=_font(7.5),
                alignment="left",
            )  # fmt: skip


# --- layers made ready ------------------------------------------------------------------------------


def _drawn(layer: Any, look: _Look) -> _Drawn | None:
    if layer is None:
        return None
    shapes = _shapes(layer)
    return _Drawn(shapes, shapely.STRtree(shapes), (look,), np.zeros(len(shapes), np.intp))


def _by_look(shapes: Geometries, named: Sequence[Any], look_of: Mapping[Any, _Look]) -> _Drawn:
    order = {name: number for number, name in enumerate(look_of)}
    numbers = np.array([order[name] for name in named], np.intp)
    return _Drawn(shapes, shapely.STRtree(shapes), tuple(look_of.values()), numbers)


def _drawn_uses(layer: Any, name: str, column: str) -> _Drawn | None:
    """Patches by class in the colours of the mapping standard; classes it gives no colour are dotted grey."""
    if layer is None or column not in layer.columns:
        return None
    system = require_one_system(layer, name, code=column) or ""
    codes = [None if pd.isna(code) else str(code) for code in layer[column]]
    looks = {code: _use_look(system, code) for code in sorted({code for code in codes if code is not None})}
    if None in codes:
        looks[None] = _Look(label=Text("地类未登记", "class not recorded"), face="#ffffff", hatch="..")  # type: ignore[index]
    return _by_look(_shapes(layer), codes, looks)


def _use_look(system: str, code: str) -> _Look:
    rgb, label = class_colour(system, code), class_label(system, code)
    if rgb is None:
        bare = Text(f"{label.zh}＊", f"{label.en} *")
        return _Look(label=bare, face="#ededed", edge="#9a9a9a", hatch="...")
    return _Look(label=label, face="#{:02x}{:02x}{:02x}".format(*rgb))


def _drawn_controls(layer: Any) -> _Drawn | None:
    if layer is None:
        return None
    labels = layer_schema("control_lines").fields["kind"].values
    looks = {
        kind: _Look(label=labels[kind], edge=edge, width=1.1, hatch=hatch, dash=dash)
        for kind, (edge, hatch, dash) in _CONTROL_LOOKS.items()
    }
    return _by_look(_shapes(layer), list(layer["kind"]), looks)


def _shapes(layer: Any) -> Geometries:
    return np.asarray(layer.geometry.to_numpy(), dtype=object)


def _sources(manifest: Manifest, lang: Lang) -> tuple[str, ...]:
    """One line: owner and date of every layer the maps show."""
    stated = []
    for name in ("parcels", "land_survey", "planned_use", "control_lines", "illegal_structures"):
        source = manifest["sources"].get(name)
        if source is not None:
            label = layer_schema(name).label.in_language(lang)
            facts = [str(source[key]) for key in ("owner", "observed") if source.get(key)]
            facts = [fact for fact in facts if lang == "zh" or fact.isascii()]
            stated.append(f"{label}（{'，'.join(facts)}）" if lang == "zh" else f"{label} ({', '.join(facts)})")
    none = Text(
        "＊ 制图规范没有给出颜色，或对应多个颜色的地类。", "* the mapping standard gives no colour, or several."
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


@cache
def chinese_font() -> str | None:
    """The first of the usual Chinese fonts that is installed; None where none is."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in _CHINESE_FONTS if name in installed), None)


def _font(size: float) -> font_manager.FontProperties:
    chinese = chinese_font()
    return font_manager.FontProperties(family=[chinese, _LATIN_FONT] if chinese else [_LATIN_FONT], size=size)


def _space(lang: Lang) -> str:
    return "\u3000" if lang == "zh" else "  "


def _frame(outline: Any) -> tuple[int, Any]:
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


def _panel(figure: Any, number: int, frame: Any) -> Any:
    left = (0.1 + number * (_half_cm() + _GAP_CM)) / MAP_WIDTH_CM
    place = (left, (_HEIGHT_CM - _HEAD_CM - _PANEL_CM) / _HEIGHT_CM, _half_cm() / MAP_WIDTH_CM, _PANEL_CM / _HEIGHT_CM)
    axes = figure.add_axes(place)
    x0, y0, x1, y1 = shapely.bounds(frame)
    axes.set_xlim(x0, x1)
    axes.set_ylim(y0, y1)
    axes.set_xticks([])
    axes.set_yticks([])
    return axes


def _png(figure: Any) -> bytes:
    """The figure in 256 colours: a third of the bytes, and the eye sees no difference."""
    figure.canvas.draw()
    image = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[:, :, :3])
    target = io.BytesIO()
    image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
        target, "PNG", dpi=(_DPI, _DPI)
    )
    return target.getvalue()


def _patch(shapes: Geometries, look: _Look, axes: Any, *, alpha: float = 1.0) -> Any:
    """All polygons as one patch, holes left open; points become small squares of 4 m."""
    points = shapely.get_dimensions(shapes) < 2
    shapes = np.where(points, shapely.buffer(shapes, 2.0, cap_style="square"), shapes)
    rings = shapely.get_rings(shapely.get_parts(shapely.orient_polygons(shapes)))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    codes = np.full(len(xy), Outline.LINETO, np.uint8)
    codes[np.flatnonzero(np.diff(ring, prepend=-1))] = Outline.MOVETO
    codes[np.flatnonzero(np.diff(ring, append=-1))] = Outline.CLOSEPOLY
    made = PathPatch(
        Outline(xy, codes), facecolor=look.face, edgecolor=look.edge, linewidth=look.width, linestyle=look.dash,
        alpha=alpha, transform=axes.transData,
    )  # fmt: skip
    if look.hatch:
        made.set_hatch(look.hatch)
        made.set_hatch_linewidth(0.45)
    return made


def _number_parcels(axes: Any, outline: Any, parcels: Mapping[int, Any]) -> None:
    """Each number inside the part of its parcel that the site takes."""
    halo = [patheffects.withStroke(linewidth=2.0, foreground="white")]
    for number, shape in parcels.items():
        at = shapely.point_on_surface(shapely.intersection(shape, outline))
        if not shapely.is_empty(at):
            axes.text(shapely.get_x(at), shapely.get_y(at), str(number), ha="center", va="center",
                      fontproperties=_font(7.5), path_effects=halo)  # fmt: skip


def _scale_bar(axes: Any, scale: int) -> None:
    """Two black and two white fields of a round length, at the lower left."""
    step = next((length for length in _BAR_LENGTHS_M[::-1] if 4 * length <= 0.045 * scale), _BAR_LENGTHS_M[0])
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    x, y, height = x0 + 0.03 * (x1 - x0), y0 + 0.035 * (y1 - y0), 0.012 * (y1 - y0)
    back = Rectangle((x - 0.012 * (x1 - x0), y - 1.2 * height), 4.9 * step, 5.2 * height, facecolor="white", zorder=8)
    back.set_alpha(0.8)
    axes.add_artist(back)
    for number in range(4):
        face = "black" if number % 2 == 0 else "white"
        axes.add_artist(Rectangle((x + number * step, y), step, height, facecolor=face, edgecolor="black",
                                 linewidth=0.6, zorder=9))  # fmt: skip
    for number in (0, 2, 4):
        unit = " m" if number == 4 else ""
        axes.text(x + number * step, y + 1.5 * height, f"{number * step:g}{unit}", ha="center", va="bottom",
                  fontproperties=_font(6.5), zorder=9)  # fmt: skip


def _north(axes: Any, word: str) -> None:
    """An arrow and the word at the upper right; grid north is up."""
    shape = np.array([[0.0, 1.0], [0.35, 0.0], [0.0, 0.22], [-0.35, 0.0]]) * (0.028, 0.075) + (0.955, 0.855)
    axes.add_artist(Polygon(shape, closed=True, facecolor="black", edgecolor="white", linewidth=0.8, zorder=9,
                           transform=axes.transAxes))  # fmt: skip
    axes.text(0.955, 0.94, word, transform=axes.transAxes, ha="center", va="bottom", fontproperties=_font(8), zorder=9,
              path_effects=[patheffects.withStroke(linewidth=2.0, foreground="white")])  # fmt: skip
