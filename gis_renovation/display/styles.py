"""How each layer is drawn: one table for the web map, its legend and QGIS.

The table is ``styles.toml``: layer, column, value -> fill, stroke, width, dash, shape. Labels come
from the schemas, so that a map, its legend and the GeoPackage never call one thing by two names.
No meaning stands on colour alone: classes also differ in dash, width, shape or a sign.
"""

from __future__ import annotations

import html
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from gis_renovation.display.values import UNKNOWN, missing_text
from gis_renovation.schemas import Field, GeometryKind, LayerSchema, layer_schemas
from gis_renovation.shipped import shipped
from gis_renovation.words import Lang, Text

if TYPE_CHECKING:
    import geopandas as gpd

Shape = Literal["circle", "square", "diamond", "triangle"]

# Neighbouring areas count as neighbours for colouring up to this gap: wider than any street
# (urban arterials are at most 80 m), so that areas facing each other across one differ too.
NEIGHBOUR_GAP_M = 120.0


class Symbol(BaseModel):
    """How one class is drawn; widths and sizes in screen pixels (96 to the inch)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fill: str = "#d0d4d8"
    fill_opacity: float = 1.0
    stroke: str = "#5b6770"
    stroke_opacity: float = 1.0
    width: float = 1.2
    dash: tuple[float, ...] = ()
    shape: Shape = "circle"
    size: float = 10.0
    glyph: str = ""


class LayerStyle(BaseModel):
    """One entry of ``styles.toml``; the file's head explains the keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    theme: str
    order: int
    symbol: Symbol
    show: bool = False
    column: str = ""
    values: dict[str, dict[str, Any]] = {}
    rest: dict[str, Any] | None = None
    unknown: dict[str, Any] | None = None
    breaks: tuple[float, ...] = ()
    ramp: tuple[str, ...] = ()
    rates: tuple[str, ...] = ()
    schemes: bool = False
    colour_neighbours: bool = False
    min_zoom: float = 0
    bubbles: bool = False
    monthly: bool = False
    label: str = ""
    label_zoom: float = 15
    label_end_zoom: float = 30
    label_class: str = ""
    hidden: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    related_columns: dict[str, tuple[str, ...]] = {}
    geometry_of: str = ""
    table: str = ""
    table_instead: str = ""


class StyleTable(BaseModel):
    """The whole of ``styles.toml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    themes: dict[str, tuple[str, str]]
    glyphs_en: dict[str, str]
    palette: dict[str, tuple[str, ...]]
    layers: dict[str, LayerStyle]
    fallback: LayerStyle


@dataclass(frozen=True, kw_only=True)
class StyleClass:
    """One line of a legend: the code in the data (None: no value), its label, its look, how many."""

    code: str | None
    label: Text
    symbol: Symbol
    count: int
    lower: float | None = None
    upper: float | None = None


def in_language(classes: Iterable[StyleClass], lang: Lang) -> tuple[StyleClass, ...]:
    """Classes whose symbols bear a letter a reader of ``lang`` can read; Chinese ones as they are."""
    if lang == "zh":
        return tuple(classes)
    letters = style_table().glyphs_en
    return tuple(
        replace(one, symbol=one.symbol.model_copy(update={"glyph": letters.get(one.symbol.glyph, one.symbol.glyph)}))
        for one in classes
    )


@lru_cache(maxsize=1)
def style_table() -> StyleTable:
    """The style table, read once."""
    text = shipped("display/styles.toml").read_text(encoding="utf-8")
    return StyleTable.model_validate(tomllib.loads(text))


def layer_style(name: str) -> LayerStyle:
    """The style of one layer; a layer the table does not know gets the neutral one."""
    table = style_table()
    return table.layers.get(name, table.fallback)


def classify(
    name: str, frame: gpd.GeoDataFrame | pd.DataFrame, *, whole_scale: bool = False
) -> tuple[tuple[StyleClass, ...], NDArray[np.int64]]:
    """The classes present in ``frame`` and, per row, the position of its class.

    Every row has a class: a code without a symbol of its own falls under ``rest``, a missing value
    under ``unknown`` (label 未知), and a column that is absent makes the layer one class. Classes
    stand in the order of the schema's codes, then rest, then unknown; only those with rows are
    returned, unless ``whole_scale`` asks for every class of a number. An empty frame gives no class. O(rows).
    """
    style = layer_style(name)
    if len(frame) == 0:
        return (), np.zeros(0, dtype=np.int64)
    if style.colour_neighbours:
        return _neighbour_classes(name, frame, style)
    if not style.column or style.column not in frame.columns:
        only = StyleClass(code="", label=_layer_label(name), symbol=style.symbol, count=len(frame))
        return (only,), np.zeros(len(frame), dtype=np.int64)
    if style.breaks:
        return _number_classes(name, frame[style.column], style, whole_scale=whole_scale)
    if style.ramp:
        style = _ranked(frame[style.column], style)
    return _code_classes(name, frame[style.column], style)


def neighbour_colours(
    frame: gpd.GeoDataFrame, colour_count: int, *, gap_m: float = NEIGHBOUR_GAP_M
) -> NDArray[np.int64]:
    """A colour number per area such that areas within ``gap_m`` metres differ wherever possible.

    Greedy by falling number of neighbours, then by index (Welsh and Powell 1967); among the free
    colours the least used so far is taken. Where more than ``colour_count`` areas all touch one
    another, the colour least used among the neighbours is repeated. O(pairs within the gap).
    """
    geometry = np.asarray(frame.geometry.to_numpy(), dtype=object)
    tree = shapely.STRtree(geometry)
    left, right = tree.query(geometry, predicate="dwithin", distance=gap_m)
    neighbours: list[list[int]] = [[] for _ in geometry]
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        if a != b:
            neighbours[a].append(b)
    names = [str(key) for key in frame.index]
    order = sorted(range(len(names)), key=lambda i: (-len(neighbours[i]), names[i]))
    colours = np.full(len(names), -1, dtype=np.int64)
    used = np.zeros(colour_count, dtype=np.int64)
    for area in order:
        near = np.bincount(
            [colours[other] for other in neighbours[area] if colours[other] >= 0], minlength=colour_count
        )
        colours[area] = min(range(colour_count), key=lambda c: (near[c], used[c], c))
        used[colours[area]] += 1
    return colours


def _neighbour_classes(
    name: str, frame: gpd.GeoDataFrame | pd.DataFrame, style: LayerStyle
) -> tuple[tuple[StyleClass, ...], NDArray[np.int64]]:
    palette = style_table().palette["neighbours"]
    colours = neighbour_colours(frame, len(palette)) if "geometry" in frame else np.zeros(len(frame), dtype=np.int64)
    present, position = np.unique(colours, return_inverse=True)
    classes = tuple(
        StyleClass(
            code="",
            label=_layer_label(name),
            symbol=style.symbol.model_copy(update={"fill": palette[colour]}),
            count=int((colours == colour).sum()),
        )
        for colour in present
    )
    return classes, position.astype(np.int64)


def _code_classes(
    name: str, column: pd.Series[Any], style: LayerStyle
) -> tuple[tuple[StyleClass, ...], NDArray[np.int64]]:
    missing = column.isna().to_numpy(dtype=bool)
    codes = np.array(
        [None if gone else _code(value) for value, gone in zip(column, missing, strict=True)], dtype=object
    )
    labels = _code_labels(name, style)
    found = {code for code in codes if code is not None}
    known = [code for code in [*labels, *style.values] if code in found]
    # A code the style does not list still gets its own line, in the look of `rest`: nothing hides.
    ordered: list[str | None] = [*dict.fromkeys(known), *sorted(found - set(known))]
    if None in codes:
        ordered.append(None)
    place = {code: position for position, code in enumerate(ordered)}
    position = np.array([place[code] for code in codes], dtype=np.int64)
    counts = np.bincount(position, minlength=len(ordered))
    classes = tuple(
        StyleClass(
            code=code,
            label=_missing_label(name, style) if code is None else labels.get(code, Text.same(code)),
            symbol=_symbol(style, code),
            count=int(counts[at]),
        )
        for at, code in enumerate(ordered)
    )
    return classes, position


def _ranked(column: pd.Series[Any], style: LayerStyle) -> LayerStyle:
    """The style with a fill of the ramp for each value, in order of the values; the last fill serves the rest."""
    found = sorted({_code(value) for value in column.dropna().tolist()})
    fills = {code: {"fill": style.ramp[min(at, len(style.ramp) - 1)]} for at, code in enumerate(found)}
    return style.model_copy(update={"values": {**fills, **style.values}})


def _number_classes(
    name: str, column: pd.Series[Any], style: LayerStyle, *, whole_scale: bool
) -> tuple[tuple[StyleClass, ...], NDArray[np.int64]]:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    bins = np.digitize(numbers, style.breaks)
    bins[np.isnan(numbers)] = len(style.breaks) + 1
    field = _field(name, style)
    edges = [None, *style.breaks, None]
    present = np.arange(len(style.breaks) + 2) if whole_scale else np.unique(bins)
    classes = []
    for at in present:
        count = int((bins == at).sum())
        if at > len(style.breaks):
            classes.append(StyleClass(code=None, label=UNKNOWN, symbol=_symbol(style, None), count=count))
            continue
        lower, upper = edges[at], edges[at + 1]
        symbol = style.symbol.model_copy(update={"fill": style.ramp[at]})
        label = _range_label(lower, upper, field)
        classes.append(StyleClass(code="", label=label, symbol=symbol, count=count, lower=lower, upper=upper))
    return tuple(classes), np.searchsorted(present, bins).astype(np.int64)


def _missing_label(name: str, style: LayerStyle) -> Text:
    """What a missing value means where the schema says so (空值表示…), else unknown."""
    zh, en = (missing_text(_field(name, style), lang) for lang in ("zh", "en"))
    return UNKNOWN if zh in ("", "—", UNKNOWN.zh) else Text(zh, "none" if en == "—" else en)


def _code(value: object) -> str:
    return str(bool(value)).lower() if isinstance(value, bool | np.bool_) else str(value)


def _symbol(style: LayerStyle, code: str | None) -> Symbol:
    change = style.unknown if code is None else style.values.get(code, style.rest)
    return Symbol.model_validate({**style.symbol.model_dump(), **(change or {})})


def _range_label(lower: float | None, upper: float | None, field: Field | None) -> Text:
    share = field is None or field.unit == ""
    unit = "" if share else f" {field.unit if field else ''}"
    # A share ends at one, so its last class may be "all of it" and nothing above.
    whole = share and lower is not None and lower > 0.99

    def number(value: float) -> str:
        return f"{value * 100:.0f}%" if share else f"{value:g}{unit}"

    if lower is None:
        return Text(f"不足 {number(upper or 0.0)}", f"under {number(upper or 0.0)}")
    if upper is None:
        return Text.same(number(lower)) + ("" if whole else Text(" 及以上", " and more"))
    return Text(f"{number(lower)} 至不足 {number(upper)}", f"{number(lower)} to under {number(upper)}")


def _layer_label(name: str) -> Text:
    schema = layer_schemas().get(name)
    return schema.label if schema else Text.same(name)


def _field(name: str, style: LayerStyle) -> Field | None:
    schema: LayerSchema | None = layer_schemas().get(style.table or name)
    return schema.fields.get(style.column) if schema else None


def _code_labels(name: str, style: LayerStyle) -> Mapping[str, Text]:
    field = _field(name, style)
    if field is None:
        return {}
    if field.type == "boolean":
        return {"true": field.label + Text("：是", ": yes"), "false": field.label + Text("：否", ": no")}
    return field.values


# --- swatches of a legend -------------------------------------------------------------------------


def swatch_svg(symbol: Symbol, kind: GeometryKind) -> str:
    """A 26 x 16 pixel picture of ``symbol`` for a legend, as inline SVG without scripts or styles."""
    stroke = _stroke(symbol, f' stroke-opacity="{symbol.stroke_opacity:g}"')
    if kind == "line":
        body = f'<path d="M1 8H25" fill="none" {stroke}/>'
    elif kind == "polygon":
        body = f'<rect x="2" y="2" width="22" height="12" rx="1" {_fill(symbol)} {stroke}/>'
    else:
        body = _marker_body(symbol, (13.0, 8.0), min(symbol.size, 15.0), stroke)
    return f'<svg class="swatch" width="26" height="16" viewBox="0 0 26 16" aria-hidden="true">{body}</svg>'


def marker_svg(symbol: Symbol) -> str:
    """A point symbol as a whole SVG picture, two pixels wider than the symbol on each side."""
    side = symbol.size + 4
    body = _marker_body(symbol, (side / 2, side / 2), symbol.size, _stroke(symbol))
    return f'<svg width="{side:g}" height="{side:g}" viewBox="0 0 {side:g} {side:g}" aria-hidden="true">{body}</svg>'


def _stroke(symbol: Symbol, opacity: str = "") -> str:
    dash = f' stroke-dasharray="{" ".join(f"{d:g}" for d in symbol.dash)}"' if symbol.dash else ""
    return f'stroke="{symbol.stroke}"{opacity} stroke-width="{symbol.width:g}"{dash}'


def _fill(symbol: Symbol) -> str:
    return f'fill="{symbol.fill}" fill-opacity="{symbol.fill_opacity:g}"'


_CORNERS: Mapping[str, tuple[tuple[float, float], ...]] = {
    "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "diamond": ((0, -1.1), (1.1, 0), (0, 1.1), (-1.1, 0)),
    "triangle": ((0, -1), (1, 0.9), (-1, 0.9)),
}


def _marker_body(symbol: Symbol, centre: tuple[float, float], size: float, stroke: str) -> str:
    """The SVG of a point symbol, ``size`` pixels across."""
    (x, y), half = centre, size / 2.0 - symbol.width / 2.0
    if symbol.shape == "circle":
        outline = f'<circle cx="{x:g}" cy="{y:g}" r="{half:g}" {_fill(symbol)} {stroke}/>'
    else:
        corners = " ".join(f"{x + dx * half:g},{y + dy * half:g}" for dx, dy in _CORNERS[symbol.shape])
        outline = f'<polygon points="{corners}" {_fill(symbol)} {stroke}/>'
    if not symbol.glyph:
        return outline
    glyph = html.escape(symbol.glyph)
    return (
        f'{outline}<text x="{x:g}" y="{y:g}" dy="0.36em" text-anchor="middle" font-size="{size * 0.58:.1f}" '
        f'fill="{symbol.stroke}">{glyph}</text>'
    )
