"""Layers as the compact blocks a map page carries.

A page must open on an old office PC, so a block holds columns instead of one object a feature,
coordinates as differences of whole microdegrees (0.1 m), and each text once. Everything here is
deterministic: the same frames give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis_renovation.crs import reproject
from gis_renovation.display import LayerStyle, Symbol, classify, explained_missing, layer_style, marker_svg, plain_text
from gis_renovation.schemas import APPROXIMATE, Field, LayerSchema, layer_schemas
from gis_renovation.unknowns import estimated_rows
from gis_renovation.words import UNITS_EN, Lang, Text

if TYPE_CHECKING:
    import geopandas as gpd

DISPLAY_CRS = CRS("EPSG:4490")
MICRODEGREE = 1e-6

# Above this many features shapes are simplified for the screen and drawn on a canvas.
DETAIL_LIMIT = 2000
SIMPLIFY_M = 0.5

# On a card the label says of itself that a number is a year.
_UNITS_EN: Mapping[str, str] = {**UNITS_EN, "年": "", "层": "floors"}
_MULTI_KINDS = {"MultiPoint": "point", "MultiLineString": "line", "MultiPolygon": "polygon"}
_KINDS = {"Point": "point", "LineString": "line", "Polygon": "polygon", **_MULTI_KINDS}


def shape_kind(geom_type: str) -> str:
    """``point``, ``line`` or ``polygon`` of a geometry type's name."""
    return _KINDS.get(geom_type, "polygon")


# --- geometry -------------------------------------------------------------------------------------


def encode_geometry(geometry: NDArray[Any], origin: tuple[int, int]) -> list[Any]:
    """Shapes in degrees as nested lists of whole microdegrees, each vertex a step from the one before.

    A polygon feature is a list of polygons, each a list of rings without their repeated last vertex
    (the map closes them itself), or where there is but one ring its flat list; a line feature a list of
    parts; a point feature one flat list. The first vertex of every flat list is a step from ``origin``.
    Vertices that fall together after rounding are dropped, but a ring keeps at least three and a line
    two. O(vertices), in arrays.
    """
    kinds = np.array([_KINDS[shape.geom_type] for shape in geometry], dtype=object)
    encoded: list[Any] = [None] * len(geometry)
    for kind, encode in (("point", _encode_points), ("line", _encode_lines), ("polygon", _encode_polygons)):
        rows = np.flatnonzero(kinds == kind)
        if len(rows):
            for row, value in zip(rows.tolist(), encode(geometry[rows], origin), strict=True):
                encoded[row] = value
    return encoded


def _encode_points(geometry: NDArray[Any], origin: tuple[int, int]) -> list[Any]:
    return _flat_steps(geometry, origin, least=1, closed=False)


def _encode_lines(geometry: NDArray[Any], origin: tuple[int, int]) -> list[Any]:
    parts, owner = shapely.get_parts(geometry, return_index=True)
    return _gathered(_flat_steps(parts, origin, least=2, closed=False), owner, len(geometry))


def _encode_polygons(geometry: NDArray[Any], origin: tuple[int, int]) -> list[Any]:
    parts, owner = shapely.get_parts(geometry, return_index=True)
    rings, part_of = shapely.get_rings(parts, return_index=True)
    flat = _flat_steps(rings, origin, least=3, closed=True)
    features = _gathered(_gathered(flat, part_of, len(parts)), owner, len(geometry))
    return [feature[0][0] if len(feature) == 1 == len(feature[0]) else feature for feature in features]


def _gathered(items: list[Any], owner: NDArray[np.int64], count: int) -> list[Any]:
    """``items`` in lists by owner; owners ascend."""
    ends = np.searchsorted(owner, np.arange(count), side="right").tolist()
    return [items[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _flat_steps(pieces: NDArray[Any], origin: tuple[int, int], *, least: int, closed: bool) -> list[list[int]]:
    """One flat list of steps a piece; ``closed`` leaves the last vertex of each out."""
    coordinates, piece = shapely.get_coordinates(pieces, return_index=True)
    whole = np.rint(coordinates / MICRODEGREE).astype(np.int64)
    starts = np.diff(piece, prepend=-1) != 0
    keep = starts | (np.diff(whole, axis=0, prepend=whole[:1] - 1) != 0).any(axis=1)
    if closed:
        last = np.diff(piece, append=-1) != 0
        keep &= ~last
        enough = np.bincount(piece[keep], minlength=len(pieces)) >= least
        keep |= ~enough[piece] & ~last
    else:
        keep |= ~(np.bincount(piece[keep], minlength=len(pieces)) >= least)[piece]
    whole, piece = whole[keep], piece[keep]
    before = np.vstack([np.array([origin]), whole[:-1]])[: len(whole)]
    before[np.diff(piece, prepend=-1) != 0] = origin
    flat = (whole - before).ravel().tolist()
    ends = (2 * np.cumsum(np.bincount(piece, minlength=len(pieces)))).tolist()
    return [flat[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def display_shapes(frame: gpd.GeoDataFrame, *, where: str) -> tuple[NDArray[Any], bool]:
    """Geometry in longitude and latitude, and whether it was simplified for the screen."""
    frame = frame[["geometry"]] if frame.geometry.name == "geometry" else frame[[frame.geometry.name]]
    simplify = len(frame) > DETAIL_LIMIT and frame.crs is not None and frame.crs.is_projected
    if simplify:
        frame = frame.set_geometry(frame.geometry.simplify(SIMPLIFY_M, preserve_topology=True))
    return np.asarray(reproject(frame, DISPLAY_CRS, where=where).geometry.to_numpy(), dtype=object), simplify


# An area whose largest part is at least this share of it is named in that part.
_ONE_PART = 0.8


def label_points(geometry: NDArray[Any]) -> NDArray[np.int64]:
    """Where a name stands: inside an area, amid an area of several parts, on a line halfway along, on a point.

    Shapes in degrees; one row of longitude and latitude a shape, in whole microdegrees. O(vertices).
    """
    spots = np.array(geometry, dtype=object)
    dimensions = shapely.get_dimensions(spots)
    areas, lines = np.flatnonzero(dimensions == 2), np.flatnonzero(dimensions == 1)
    # On one of several like parts it would read as the name of that part.
    parts, owner = shapely.get_parts(spots[areas], return_index=True)
    largest = np.zeros(len(areas))
    np.maximum.at(largest, owner, shapely.area(parts))
    several = largest < _ONE_PART * shapely.area(spots[areas])
    inside, amid = shapely.point_on_surface(spots[areas]), shapely.centroid(shapely.envelope(spots[areas]))
    spots[areas] = np.where(several, amid, inside)
    parts, owner = shapely.get_parts(spots[lines], return_index=True)
    # The longest part of each line, the first of equals.
    order = np.lexsort((np.arange(len(parts)), -shapely.length(parts), owner))
    longest = parts[order][np.diff(owner[order], prepend=-1) != 0]
    spots[lines] = shapely.line_interpolate_point(longest, 0.5, normalized=True)
    corners, owner = shapely.get_coordinates(spots, return_index=True)
    first = corners[np.diff(owner, prepend=-1) != 0]
    return np.asarray(np.rint(first / MICRODEGREE), dtype=np.int64)


def _label_steps(geometry: NDArray[Any]) -> list[int]:
    """Label places as steps from each shape's first vertex: short numbers, two a shape."""
    corners, owner = shapely.get_coordinates(geometry, return_index=True)
    first = np.rint(corners[np.diff(owner, prepend=-1) != 0] / MICRODEGREE).astype(np.int64)
    steps: list[int] = (label_points(geometry) - first).ravel().tolist()
    return steps


# --- attributes -----------------------------------------------------------------------------------


def encode_column(
    values: pd.Series[Any], field: Field | None, *, lang: Lang, missing: Sequence[str | None] = ()
) -> dict[str, Any]:
    """One column for the page: its label, unit, code labels and values; null is unknown.

    ``missing`` says for each row what a missing value means, if that is known; “—” becomes an empty text.
    """
    name = str(values.name)
    data = _plain_values(values)
    if name.endswith("_unknown_count"):
        # That nothing is unknown needs no line of its own.
        data = ["" if value == 0 else value for value in data]
    if missing:
        meant = ["" if text == "—" else text for text in missing]
        data = [other if value is None else value for value, other in zip(data, meant, strict=True)]
    label = field.label.in_language(lang) if field else plain_text(name)
    unit = field.unit if field else ""
    column: dict[str, Any] = {"name": plain_text(name), "label": label}
    if unit == "元":
        column["money"] = True
    if unit == "年" and field is not None and field.type == "integer":
        column["plain"] = True
    if name.endswith("_share") and not unit:
        column["share"] = True
    if unit:
        column["unit"] = unit if lang == "zh" else _UNITS_EN.get(unit, unit)
    if field is not None and field.values:
        column["labels"] = {code: text.in_language(lang) for code, text in field.values.items()}
    elif field is not None and field.columns:
        column["labels"] = {text: field.words(text, lang) for text in sorted({*data} - {None, ""})}
    texts = [value for value in data if isinstance(value, str)]
    distinct = list(dict.fromkeys(texts))
    if len(texts) == len([v for v in data if v is not None]) and len(distinct) * 2 < len(texts):
        place = {text: at for at, text in enumerate(distinct)}
        column |= {"dict": distinct, "data": [None if v is None else place[v] for v in data]}
    else:
        column["data"] = data
    return column


def _plain_values(values: pd.Series[Any]) -> list[Any]:
    if not pd.api.types.is_string_dtype(values.dtype):
        return [plain_value(value) for value in values.tolist()]
    codes, distinct = pd.factorize(values)
    texts = [*(plain_value(value) for value in distinct.tolist()), None]
    return [texts[code] for code in codes.tolist()]


def plain_value(value: Any) -> Any:
    """One cell as the page holds it: text, number, truth value, or None when it is missing."""
    if isinstance(value, list | tuple | set | dict | np.ndarray):
        return plain_text("、".join(str(item) for item in value))
    if value is None or pd.isna(value):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        if not math.isfinite(number):
            return "∞" if number > 0 else "-∞"
        return int(number) if number.is_integer() and abs(number) < 1e15 else float(f"{number:.6g}")
    if isinstance(value, date):
        return value.isoformat()[:10]
    return plain_text(value)


def shown_columns(
    frame: pd.DataFrame, schema: LayerSchema | None, *, lang: Lang, skip: Iterable[str] = ()
) -> list[str]:
    """Column names for a card, in the schema's order, the sentences in one language only."""
    other = "_en" if lang == "zh" else "_zh"
    own = "_zh" if lang == "zh" else "_en"
    geometry = {column for column in frame.columns if str(frame[column].dtype) == "geometry"}
    left_out = {*skip, *geometry}
    names = [str(column) for column in frame.columns if column not in left_out]
    names = [name for name in names if not (name.endswith(other) and name[: -len(other)] + own in frame.columns)]
    order = list(schema.fields) if schema else []
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def encode_columns(
    frame: pd.DataFrame, schema: LayerSchema | None, *, lang: Lang, skip: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """Every column a card shows; a missing value that the schema's note explains is not left unknown.

    What does not apply is an empty text, which a card leaves out and a table shows as a dash.
    """
    fields = schema.fields if schema else {}
    encoded = []
    for name in shown_columns(frame, schema, lang=lang, skip=skip):
        field = fields.get(name)
        column = encode_column(frame[name], field, lang=lang, missing=explained_missing(frame, field, lang))
        encoded.append(column | about_rows(frame, name) | ({"marks": True} if name == APPROXIMATE else {}))
    return encoded


def about_rows(frame: pd.DataFrame, name: str) -> dict[str, dict[str, int]]:
    """Which rows of a column say “约” before their number, as the page looks them up; empty without any."""
    rows = np.flatnonzero(estimated_rows(frame, name)).tolist()
    return {"about": dict.fromkeys(map(str, rows), 1)} if rows else {}


def name_references(
    columns: Sequence[dict[str, Any]], schema: LayerSchema | None, layers: Mapping[str, pd.DataFrame], *, lang: Lang
) -> None:
    """Give columns of encoded ids of another layer labels with its names, “龙湖片区（Z-3）”, where it has any.

    Only ``layers`` are asked, so an edition names what it shows elsewhere and nothing more. A column beside
    which the name stands already (``park_id``, ``park_name``) keeps its ids. O(rows).
    """
    present = {column["name"] for column in columns}
    form = "{name}（{key}）" if lang == "zh" else "{name} ({key})"
    for column in columns:
        field = schema.fields.get(column["name"]) if schema else None
        other = layers.get(field.references) if field else None
        if other is None or "name" not in other.columns or f"{column['name'].removesuffix('_id')}_name" in present:
            continue
        named = zip(map(row_id, other.index), _plain_values(other["name"]), strict=True)
        names = {key: name for key, name in named if name not in (None, "", key)}
        found = {value for value in column.get("dict", column["data"]) if value in names}
        if found:
            column["labels"] = {key: form.format(name=names[key], key=key) for key in sorted(found)}


# --- whole layers ---------------------------------------------------------------------------------


def encode_layer(
    name: str, frame: gpd.GeoDataFrame, layers: Mapping[str, pd.DataFrame], *, lang: Lang
) -> dict[str, Any]:
    """One layer as the block the page reads: shapes, columns, classes, label places, related tables.

    ``frame`` is in the project CRS. Features without geometry are left out of the shapes and
    counted in ``without_shape``. Rows keep their order.
    """
    style = layer_style(name)
    schema = layer_schemas().get(style.geometry_of or name)
    shaped = ~(shapely.is_missing(frame.geometry.to_numpy()) | shapely.is_empty(frame.geometry.to_numpy()))
    drawn = frame[shaped]
    geometry, simplified = display_shapes(drawn, where=name)
    # Where the reader may choose another rate, every class stands in the legend, whatever its number.
    classes, position = classify(name, drawn, whole_scale=bool(style.rates))
    kinds = [_KINDS.get(shape.geom_type, "polygon") for shape in geometry]
    origin = _origin(geometry)
    columns = encode_columns(drawn, schema, lang=lang, skip=style.hidden)
    name_references(columns, schema, layers, lang=lang)
    block: dict[str, Any] = {
        "name": plain_text(name),
        "source": style.geometry_of or plain_text(name),
        "view": [_view_table(style, layers), style.column] if style.geometry_of else None,
        "label": layer_label(name, lang),
        "key_label": schema.fields[schema.key].label.in_language(lang)
        if schema and schema.key in schema.fields
        else "",
        "count": len(frame),
        "without_shape": int((~shaped).sum()),
        "simplified": simplified,
        "ids": [row_id(key) for key in drawn.index],
        "origin": list(origin),
        "kind": kinds[0] if len(set(kinds)) == 1 else "mixed",
        "geometry": encode_geometry(geometry, origin),
        "cls": position.tolist(),
        "classes": [None if c.code is None else plain_text(c.code) for c in classes],
        "class_labels": [plain_text(c.label.in_language(lang)) for c in classes]
        if style.column in frame.columns
        else [],
        "symbols": [symbol_block(c.symbol) for c in classes],
        "columns": columns,
        "title": next((at for at, column in enumerate(columns) if column["name"] == "name"), None),
        "related": related_tables(style, drawn, layers, lang=lang),
    }
    if block["kind"] == "mixed":
        block["kinds"] = kinds
    rates = [column for column in style.rates if column in frame.columns]
    if rates:
        block["rates"] = {"columns": rates, "breaks": list(style.breaks)}
    return block | _label_block(style, columns, geometry)


def _key_label(schema: LayerSchema | None, lang: Lang) -> str:
    field = schema.fields.get(schema.key) if schema else None
    return field.label.in_language(lang) if field else ""


def _label_block(style: LayerStyle, columns: Sequence[Mapping[str, Any]], geometry: NDArray[Any]) -> dict[str, Any]:
    column = next((at for at, column in enumerate(columns) if column["name"] == style.label), None)
    size, rank = LABEL_CLASSES.get(style.label_class, (12, 0))
    return {
        "label_column": column,
        "label_steps": [] if column is None else _label_steps(geometry),
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


def symbol_block(symbol: Symbol) -> dict[str, Any]:
    """One symbol for the page, a point's picture included."""
    block = symbol.model_dump()
    block["dash"] = list(symbol.dash)
    block["markup"] = marker_svg(symbol)
    return block


def _origin(geometry: NDArray[Any]) -> tuple[int, int]:
    if len(geometry) == 0:
        return (0, 0)
    left, bottom, _, _ = shapely.total_bounds(geometry)
    return (math.floor(left / MICRODEGREE), math.floor(bottom / MICRODEGREE))


def row_id(key: object) -> str:
    """An index value as text; the parts of a compound one joined by a middle dot."""
    return plain_text("·".join(str(part) for part in key) if isinstance(key, tuple) else key)


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


# Tables of which a card says what stood in them at the end of a chosen month; rows keep their feature's id.
MONTHLY_TABLES = ("community_progress",)

# --- tables on a card, and views ------------------------------------------------------------------


def related_tables(
    style: LayerStyle,
    frame: pd.DataFrame,
    layers: Mapping[str, pd.DataFrame],
    *,
    lang: Lang,
) -> list[dict[str, Any]]:
    """Tables joined to ``frame`` by its key: per feature the rows that are its own, in table order."""
    key = str(frame.index.name)
    found = []
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
            | ({"keys": [row_id(value) for value in table[key]]} if name in MONTHLY_TABLES else {})
        )
    return found


def joined_table(table: pd.DataFrame, key: str, layers: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    """``table`` with ``key`` as a column, through the project-community pairs where needed; None if it has none."""
    flat = table.drop(columns=[c for c in table.columns if str(table[c].dtype) == "geometry"])
    named = [str(level) for level in flat.index.names if level is not None]
    flat = pd.DataFrame(flat.reset_index(drop=not named))
    flat = flat.loc[:, ~flat.columns.duplicated()]
    if key in flat.columns:
        return flat
    pairs = layers.get("project_communities")
    if pairs is None or "project_id" not in flat.columns or key not in pairs.columns:
        return None
    return flat.merge(pairs[["project_id", key]].drop_duplicates(), on="project_id", how="inner")


def _view_table(style: LayerStyle, layers: Mapping[str, pd.DataFrame]) -> str:
    return style.table if style.table in layers else style.table_instead


def view_frame(name: str, layers: Mapping[str, pd.DataFrame]) -> gpd.GeoDataFrame | None:
    """The shapes of one layer with the column of a table; None when either is missing.

    Where a feature has several rows, the first code in the schema's order is taken: among states
    the least advanced, so that a map never promises more than was done.
    """
    style = layer_style(name)
    shapes, table = layers.get(style.geometry_of), layers.get(_view_table(style, layers))
    if shapes is None or table is None or len(shapes) == 0 or getattr(shapes, "active_geometry_name", None) is None:
        return None
    key = str(shapes.index.name)
    flat = joined_table(table, key, layers)
    if flat is None or style.column not in flat.columns:
        return None
    schema = layer_schemas().get(_view_table(style, layers))
    field = schema.fields.get(style.column) if schema else None
    if field is not None and field.values:
        rank = {code: at for at, code in enumerate(field.values)}
        flat = flat.assign(_rank=flat[style.column].map(rank)).sort_values([key, "_rank"], kind="stable")
    first = flat.drop_duplicates(key).set_index(key)[style.column]
    keep = [column for column in ("name", shapes.geometry.name) if column in shapes.columns]
    return shapes[keep].assign(**{style.column: first.reindex(shapes.index)})
