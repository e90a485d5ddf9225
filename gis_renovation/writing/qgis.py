"""The style table as QGIS reads it: QML texts and the ``layer_styles`` table of a GeoPackage.

A GeoPackage with this table opens in QGIS as a map: the same colours, dashes and labels as the web
page, Chinese column headers, and codes shown by their labels.
"""

from __future__ import annotations

import sqlite3
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import shapely

from gis_renovation.display import (
    LayerStyle,
    StyleClass,
    Symbol,
    classify,
    in_language,
    layer_style,
    plain_text,
)
from gis_renovation.errors import FileError
from gis_renovation.schemas import GeometryKind, layer_schemas
from gis_renovation.words import Lang

if TYPE_CHECKING:
    import geopandas as gpd

# QGIS writes the time of saving; a fixed one keeps two equal runs equal byte by byte.
UPDATE_TIME = "2000-01-01T00:00:00.000Z"

STYLE_COLUMNS: Mapping[str, str] = {
    "id": "INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL",
    "f_table_catalog": "TEXT(256)",
    "f_table_schema": "TEXT(256)",
    "f_table_name": "TEXT(256)",
    "f_geometry_column": "TEXT(256)",
    "styleName": "TEXT(30)",
    "styleQML": "TEXT",
    "styleSLD": "TEXT",
    "useAsDefault": "BOOLEAN",
    "description": "TEXT",
    "owner": "TEXT(30)",
    "ui": "TEXT(30)",
    "update_time": "DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now'))",
}

_SYMBOL_TYPES = {"polygon": "fill", "line": "line", "point": "marker"}


def qml_style(name: str, frame: gpd.GeoDataFrame, *, lang: Lang = "zh") -> str:
    """The style of one layer as QML text (QGIS 3.16 and later).

    Codes become a categorised renderer, numbers in classes and yes/no columns one of rules (so
    that unknown values are drawn and listed, which a graduated renderer would leave out), anything
    else a single symbol. The categories are those present in ``frame``. Column headers are the
    schema's labels. O(rows).
    """
    style = layer_style(name)
    classes, position = classify(name, frame)
    classes = in_language(classes, lang)
    kind = main_kind(frame)
    root = ET.Element("qgis", version="3.22.16", styleCategories="Symbology|Fields|Forms")
    if not classes or (len(classes) == 1 and classes[0].code == "") or not _column_of(style, frame):
        symbol = classes[0].symbol if classes else style.symbol
        renderer = ET.SubElement(root, "renderer-v2", type="singleSymbol", symbollevels="0", enableorderby="0")
        _symbols(renderer, [symbol], kind)
    elif style.breaks or _is_boolean(frame, style):
        renderer = ET.SubElement(root, "renderer-v2", type="RuleRenderer", symbollevels="0", enableorderby="0")
        rules = [(_expression(style, styled), styled.label.in_language(lang)) for styled in classes]
        _rules(renderer, rules)
        _symbols(renderer, [styled.symbol for styled in classes], kind)
    else:
        categories = _categories(style, frame, classes, position.tolist(), lang)
        attribute = _column_of(style, frame)
        renderer = ET.SubElement(
            root, "renderer-v2", type="categorizedSymbol", attr=attribute, symbollevels="0", enableorderby="0"
        )
        listed = ET.SubElement(renderer, "categories")
        for value, label, symbol_at in categories:
            ET.SubElement(listed, "category", value=value, label=label, symbol=str(symbol_at), render="true")
        _symbols(renderer, [styled.symbol for styled in classes], kind)
    _fields(root, name, frame, lang)
    ET.indent(root)
    head = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return head + ET.tostring(root, encoding="unicode")


def main_kind(frame: gpd.GeoDataFrame) -> GeometryKind:
    """Whether a layer is mostly points, lines or areas; areas when it is empty."""
    found = Counter(
        kind
        for shape in frame.geometry.to_numpy()
        if not shapely.is_missing(shape)
        for kind in ("point", "line", "polygon")
        if kind in shape.geom_type.lower() or (kind == "line" and "Line" in shape.geom_type)
    )
    ordered: tuple[GeometryKind, ...] = ("polygon", "line", "point")
    return max(ordered, key=lambda kind: found[kind])


def layer_style_rows(frames: Mapping[str, pd.DataFrame], *, lang: Lang = "zh") -> pd.DataFrame:
    """Rows for the ``layer_styles`` table of a GeoPackage, one per layer with shapes, by layer name.

    Columns: f_table_name, f_geometry_column, styleName, styleQML, useAsDefault, description,
    update_time. Tables without geometry have no row. No layer: an empty frame of these columns.
    """
    rows = [
        {
            "f_table_name": name,
            "f_geometry_column": str(frame.geometry.name),
            "styleName": name[:30],
            "styleQML": qml_style(name, frame, lang=lang),
            "useAsDefault": True,
            "description": plain_text(_title(name, lang)),
            "update_time": UPDATE_TIME,
        }
        for name, frame in sorted(frames.items())
        if getattr(frame, "active_geometry_name", None) is not None
    ]
    columns = [
        "f_table_name", "f_geometry_column", "styleName", "styleQML", "useAsDefault", "description", "update_time",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def write_layer_styles(path: Path, frames: Mapping[str, pd.DataFrame], *, lang: Lang = "zh") -> None:
    """Write the styles of ``frames`` into the GeoPackage at ``path``, replacing those it has.

    The names of the geometry columns are taken from the GeoPackage itself; layers it does not hold
    are passed over. Raises FileError if the file is no GeoPackage.
    """
    rows = layer_style_rows(frames, lang=lang)
    try:
        with closing(sqlite3.connect(path)) as database, database:
            held = dict(database.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
            _prepare_table(database)
            for row in rows.to_dict("records"):
                if row["f_table_name"] not in held:
                    continue
                values = {
                    **row,
                    "f_geometry_column": held[row["f_table_name"]],
                    "f_table_catalog": "",
                    "f_table_schema": "",
                }
                names = [name for name in STYLE_COLUMNS if name in values]
                marks = ", ".join("?" for _ in names)
                database.execute(
                    f"INSERT INTO layer_styles ({', '.join(names)}) VALUES ({marks})",  # noqa: S608 - our own column names
                    [values[name] for name in names],
                )
    except sqlite3.DatabaseError as error:
        raise FileError(
            f"{path} 不是可写的 GeoPackage（{error}），样式未写入。",
            f"{path} is no GeoPackage that can be written ({error}); no style was stored.",
        ) from None


def _prepare_table(database: sqlite3.Connection) -> None:
    columns = ", ".join(f'"{name}" {kind}' for name, kind in STYLE_COLUMNS.items())
    database.execute(f"CREATE TABLE IF NOT EXISTS layer_styles ({columns})")
    database.execute("DELETE FROM layer_styles")
    database.execute("DELETE FROM sqlite_sequence WHERE name = 'layer_styles'")
    database.execute(
        "INSERT OR REPLACE INTO gpkg_contents (table_name, data_type, identifier, description, last_change) "
        "VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?)",
        [UPDATE_TIME],
    )


def _title(name: str, lang: Lang) -> str:
    schema = layer_schemas().get(name)
    return schema.label.in_language(lang) if schema else name


def _column_of(style: LayerStyle, frame: gpd.GeoDataFrame) -> str:
    """The column the classes stand on; the key for areas coloured to differ from their neighbours."""
    if style.colour_neighbours:
        return str(frame.index.name or "")
    return style.column if style.column in frame.columns else ""


def _is_boolean(frame: gpd.GeoDataFrame, style: LayerStyle) -> bool:
    return set(style.values) == {"true", "false"} and style.column in frame.columns


def _categories(
    style: LayerStyle,
    frame: gpd.GeoDataFrame,
    classes: Sequence[StyleClass],
    position: Sequence[int],
    lang: Lang,
) -> list[tuple[str, str, int]]:
    """Value, label and symbol of each category; the empty value is QGIS's "all other values", null among them."""
    if style.colour_neighbours:
        names = frame["name"] if "name" in frame.columns else pd.Series(frame.index, index=frame.index)
        pairs = zip(frame.index, names, position, strict=True)
        return [(_xml_text(key), _xml_text(key if pd.isna(name) else name), at) for key, name, at in pairs]
    return [
        ("" if styled.code is None else _xml_text(styled.code), _xml_text(styled.label.in_language(lang)), at)
        for at, styled in enumerate(classes)
    ]


def _expression(style: LayerStyle, styled: StyleClass) -> str:
    column = '"' + style.column.replace('"', '""') + '"'
    if styled.code is None:
        return f"{column} IS NULL"
    if styled.code in {"true", "false"}:
        return f"{column} = {styled.code}"
    parts = []
    if styled.lower is not None:
        parts.append(f"{column} >= {styled.lower!r}")
    if styled.upper is not None:
        parts.append(f"{column} < {styled.upper!r}")
    return " AND ".join(parts)


def _rules(renderer: ET.Element, rules: Sequence[tuple[str, str]]) -> None:
    outer = ET.SubElement(renderer, "rules", key="{root}")
    for at, (expression, label) in enumerate(rules):
        ET.SubElement(outer, "rule", key=f"{{rule-{at}}}", filter=expression, label=_xml_text(label), symbol=str(at))


def _symbols(renderer: ET.Element, symbols: Sequence[Symbol], kind: GeometryKind) -> None:
    outer = ET.SubElement(renderer, "symbols")
    for at, symbol in enumerate(symbols):
        element = ET.SubElement(
            outer, "symbol", name=str(at), type=_SYMBOL_TYPES[kind], alpha="1", clip_to_extent="1", force_rhr="0"
        )
        for layer_class, properties in _symbol_layers(symbol, kind):
            layer = ET.SubElement(element, "layer", {"class": layer_class, "enabled": "1", "locked": "0", "pass": "0"})
            options = ET.SubElement(layer, "Option", type="Map")
            for key, value in sorted(properties.items()):
                ET.SubElement(options, "Option", name=key, type="QString", value=value)
            # QGIS before 3.20 reads these instead.
            for key, value in sorted(properties.items()):
                ET.SubElement(layer, "prop", k=key, v=value)


def _symbol_layers(symbol: Symbol, kind: GeometryKind) -> list[tuple[str, dict[str, str]]]:
    outline = {
        "line_color": _colour(symbol.stroke, symbol.stroke_opacity),
        "line_width": f"{symbol.width:g}",
        "line_width_unit": "Pixel",
        "joinstyle": "round",
        "capstyle": "flat" if symbol.dash else "round",
        "line_style": "solid",
        "use_custom_dash": "1" if symbol.dash else "0",
        "customdash": ";".join(f"{value:g}" for value in symbol.dash) or "5;2",
        "customdash_unit": "Pixel",
    }
    if kind == "line":
        return [("SimpleLine", outline)]
    fill = _colour(symbol.fill, symbol.fill_opacity)
    if kind == "polygon":
        return [("SimpleFill", {"color": fill, "style": "solid", "outline_style": "no"}), ("SimpleLine", outline)]
    marker = {
        "name": symbol.shape,
        "color": fill,
        "outline_color": _colour(symbol.stroke, symbol.stroke_opacity),
        "outline_style": "dash" if symbol.dash else "solid",
        "outline_width": f"{symbol.width:g}",
        "outline_width_unit": "Pixel",
        "size": f"{symbol.size:g}",
        "size_unit": "Pixel",
    }
    if not symbol.glyph:
        return [("SimpleMarker", marker)]
    letter = {
        "chr": symbol.glyph,
        "color": _colour(symbol.stroke, 1.0),
        "font": "Microsoft YaHei",
        "size": f"{symbol.size * 0.6:g}",
        "size_unit": "Pixel",
    }
    return [("SimpleMarker", marker), ("FontMarker", letter)]


def _colour(code: str, opacity: float) -> str:
    channels = [str(int(code[at : at + 2], 16)) for at in (1, 3, 5)]
    return ",".join([*channels, str(round(opacity * 255))])


def _fields(root: ET.Element, name: str, frame: gpd.GeoDataFrame, lang: Lang) -> None:
    """Headers of the attribute table from the schema, and labels in place of codes."""
    schema = layer_schemas().get(name)
    if schema is None:
        return
    present = [str(frame.index.name), *map(str, frame.columns)]
    known = [schema.fields[column] for column in present if column in schema.fields]
    configuration = ET.SubElement(root, "fieldConfiguration")
    for field in known:
        if not field.values:
            continue
        holder = ET.SubElement(configuration, "field", name=field.name)
        widget = ET.SubElement(holder, "editWidget", type="ValueMap")
        options = ET.SubElement(ET.SubElement(widget, "config"), "Option", type="Map")
        listed = ET.SubElement(options, "Option", name="map", type="List")
        for code, label in field.values.items():
            pair = ET.SubElement(listed, "Option", type="Map")
            ET.SubElement(pair, "Option", name=label.in_language(lang), type="QString", value=code)
    aliases = ET.SubElement(root, "aliases")
    for at, field in enumerate(known):
        unit = f"（{field.unit}）" if field.unit else ""
        ET.SubElement(aliases, "alias", field=field.name, index=str(at), name=field.label.in_language(lang) + unit)


def _xml_text(value: object) -> str:
    """Text an XML 1.0 attribute may hold."""
    return "".join("\ufffd" if c in "\ufffe\uffff" else c for c in plain_text(value))
