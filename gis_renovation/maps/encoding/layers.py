"""Layers as the compact blocks a map page carries.

A page must open on an old office PC, so a block holds columns instead of one object a feature,
coordinates as differences of whole microdegrees (0.1 m), and each text once. Everything here is
deterministic: the same frames give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
import shapely

from gis_renovation.arrays import Flags, Geometries
from gis_renovation.display import LayerStyle, StyleClass, Symbol, classify, layer_style, marker_svg, plain_text
from gis_renovation.maps.encoding.block import (
    ChoiceBlock,
    ClassBlock,
    ColumnBlock,
    ColumnHead,
    Kind,
    LabelBlock,
    LayerBlock,
    LayerHead,
    RelatedBlock,
    SchemesBlock,
    SymbolBlock,
)
from gis_renovation.maps.encoding.columns import encode_columns, name_references, row_id
from gis_renovation.maps.encoding.joins import joined_table, view_table
from gis_renovation.maps.encoding.shapes import display_shapes, encode_geometry, label_steps, origin, shape_kind
from gis_renovation.schemas import LayerSchema, layer_schemas
from gis_renovation.words import Lang, Text

if TYPE_CHECKING:
    import geopandas as gpd


def encode_layer(name: str, frame: gpd.GeoDataFrame, layers: Mapping[str, pd.DataFrame], *, lang: Lang) -> LayerBlock:
    """One layer as the block the page reads: shapes, columns, classes, label places, related tables.

    ``frame`` is in the project CRS. Features without geometry are left out of the shapes and
    counted in ``without_shape``. Rows keep their order.
    """
    style = layer_style(name)
    schema = layer_schemas().get(style.geometry_of or name)
    drawn = frame[has_shape(frame)]
    geometry, simplified = display_shapes(drawn, where=name)
    # Where the reader may choose another rate, every class stands in the legend, whatever its number.
    classes, position = classify(name, drawn, whole_scale=bool(style.rates))
    kinds = [shape_kind(shape.geom_type) for shape in geometry]
    start = origin(geometry)
    columns = encode_columns(drawn, schema, lang=lang, skip=style.hidden)
    name_references(columns, schema, layers, lang=lang)
    head: LayerHead = {
        "name": plain_text(name),
        "source": style.geometry_of or plain_text(name),
        "view": [view_table(style, layers), style.column] if style.geometry_of else None,
        "label": layer_label(name, lang),
        "key_label": _key_label(schema, lang),
        "count": len(frame),
        "without_shape": len(frame) - len(drawn),
        "simplified": simplified,
        "ids": [row_id(key) for key in drawn.index],
        "origin": list(start),
        "kind": kinds[0] if len(set(kinds)) == 1 else "mixed",
        "geometry": encode_geometry(geometry, start),
        "cls": position.tolist(),
        **class_blocks(classes, labelled=style.column in frame.columns, lang=lang),
        "columns": columns,
        "title": name_column(columns),
        "related": related_tables(style, drawn, layers, lang=lang),
    }
    parts = {**head, **_choices(style, drawn, kinds, lang), **_label_block(style, columns, geometry)}
    return cast("LayerBlock", parts)


def has_shape(frame: gpd.GeoDataFrame) -> Flags:
    """Which features have a shape to draw."""
    shapes = frame.geometry.to_numpy()
    return np.asarray(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)), dtype=np.bool_)


def class_blocks(classes: Sequence[StyleClass], *, labelled: bool, lang: Lang) -> ClassBlock:
    """The classes of a layer as the page reads them; ``labelled`` says whether they have names of their own."""
    return {
        "classes": [None if c.code is None else plain_text(c.code) for c in classes],
        "class_labels": [plain_text(c.label.in_language(lang)) for c in classes] if labelled else [],
        "symbols": [symbol_block(c.symbol) for c in classes],
    }


def name_column(columns: Sequence[ColumnHead]) -> int | None:
    """The place of the column that holds the features' names."""
    return next((at for at, column in enumerate(columns) if column["name"] == "name"), None)


def _key_label(schema: LayerSchema | None, lang: Lang) -> str:
    field = schema.fields.get(schema.key) if schema else None
    return field.label.in_language(lang) if field else ""


def _choices(style: LayerStyle, frame: pd.DataFrame, kinds: list[Kind], lang: Lang) -> ChoiceBlock:
    block: ChoiceBlock = {}
    if len(set(kinds)) != 1:
        block["kinds"] = kinds
    rates = [column for column in style.rates if column in frame.columns]
    if rates:
        block["rates"] = {"columns": rates, "breaks": list(style.breaks)}
    if style.schemes and len(frame) and {"scheme_order", f"scheme_title_{lang}", "is_chosen"} <= set(frame.columns):
        block["schemes"] = _schemes(frame, lang)
    return block


def _schemes(frame: pd.DataFrame, lang: Lang) -> SchemesBlock:
    """The schemes in their order, that of every feature, and the chosen one as that shown first."""
    first = frame.drop_duplicates("scheme_order").sort_values("scheme_order")
    place = {order: at for at, order in enumerate(first["scheme_order"])}
    shown = first["is_chosen"].fillna(value=False).to_numpy(dtype=bool)
    return {
        "titles": [plain_text(title) for title in first[f"scheme_title_{lang}"]],
        "rows": [place[order] for order in frame["scheme_order"]],
        "at": int(shown.argmax()),
    }


def _label_block(style: LayerStyle, columns: Sequence[ColumnBlock], geometry: Geometries) -> LabelBlock:
    column = next((at for at, column in enumerate(columns) if column["name"] == style.label), None)
    size, rank = LABEL_CLASSES.get(style.label_class, (12, 0))
    return {
        "label_column": column,
        "label_steps": [] if column is None else label_steps(geometry),
        "label_zoom": style.label_zoom,
        "label_end_zoom": style.label_end_zoom,
        "label_class": style.label_class,
        "label_size": size,
        "label_rank": rank,
    }


# Text size in pixels and precedence where names would overlap; page.css has the same sizes.
LABEL_CLASSES: Mapping[str, tuple[int, int]] = {
    "unit": (20, 9), "zone": (13, 8), "community": (12, 7), "minor": (11, 4), "water": (12, 6), "park": (11, 5),
    "street": (11, 3), "rate": (14, 6),
}  # fmt: skip


def symbol_block(symbol: Symbol) -> SymbolBlock:
    """One symbol for the page, a point's picture included."""
    return {
        "fill": symbol.fill,
        "fill_opacity": symbol.fill_opacity,
        "stroke": symbol.stroke,
        "stroke_opacity": symbol.stroke_opacity,
        "width": symbol.width,
        "dash": list(symbol.dash),
        "shape": symbol.shape,
        "size": symbol.size,
        "glyph": symbol.glyph,
        "markup": marker_svg(symbol),
    }


def layer_label(name: str, lang: Lang) -> str:
    """The layer's name for people; a view is named for its column's field."""
    style = layer_style(name)
    schemas = layer_schemas()
    if style.geometry_of:
        shapes, table = schemas.get(style.geometry_of), schemas.get(style.table)
        field = table.fields.get(style.column) if table else None
        what = field.label if field else (table.label if table else Text(name, name))
        whose = shapes.label if shapes else Text(style.geometry_of, style.geometry_of)
        return f"{whose.zh}：{what.zh}" if lang == "zh" else f"{whose.en}: {what.en.lower()}"
    schema = schemas.get(name)
    return schema.label.in_language(lang) if schema else plain_text(name)


def related_tables(
    style: LayerStyle,
    frame: pd.DataFrame,
    layers: Mapping[str, pd.DataFrame],
    *,
    lang: Lang,
) -> list[RelatedBlock]:
    """Tables joined to ``frame`` by its key: per feature the rows that are its own, in table order."""
    key = str(frame.index.name)
    found: list[RelatedBlock] = []
    for name in style.related:
        if name not in layers or len(layers[name]) == 0:
            continue
        table = joined_table(layers[name], key, layers)
        if table is None:
            continue
        table = table[table[key].isin(frame.index)].reset_index(drop=True)
        rows_of: list[list[int]] = [[] for _ in range(len(frame))]
        for row, feature in enumerate(frame.index.get_indexer(pd.Index(table[key])).tolist()):
            rows_of[feature].append(row)
        schema = layer_schemas().get(name)
        wanted = style.related_columns.get(name)
        skip = {key, schema.key if schema else ""} | ({*table.columns} - {*wanted} if wanted else set())
        columns = encode_columns(table, schema, lang=lang, skip=skip)
        name_references(columns, schema, layers, lang=lang)
        found.append(
            {
                "name": name,
                "label": layer_label(name, lang),
                "single": max((len(rows) for rows in rows_of), default=0) <= 1,
                "columns": columns,
                "rows_of": rows_of,
            }
        )
    return found


# Tables of which a card says what stood in them at the end of a chosen month.
MONTHLY_TABLES = ("community_progress",)


def related_ids(block: LayerBlock, related: RelatedBlock) -> list[str]:
    """The id of the feature that each row of a table on the cards of ``block`` belongs to."""
    owners = [*zip(block["ids"], related["rows_of"], strict=False), *related.get("rows_by_id", {}).items()]
    by_row = {row: key for key, rows in owners for row in rows}
    return [by_row[row] for row in sorted(by_row)]
