"""Layers of ten thousand to a million shapes: cut into vector tiles, none left out.

A page holds such a layer as one archive of tiles of one zoom. From the street zoom on every feature
is drawn from the tiles of the view; further out counts by county or by square of the grid stand for
them, which add up to all. A feature lies in exactly one tile as itself (layer ``CLASS`` of the tile,
CLASS being its place in the legend) and in every other tile it reaches as a copy (``CLASSe``), so that
what is drawn can be counted against what there is.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis_renovation.crs import reproject
from gis_renovation.display import StyleClass, classify, explained_missing, layer_style, plain_text, safe, swatch_svg
from gis_renovation.errors import DataError, Finding
from gis_renovation.maps import encoding, pmtiles
from gis_renovation.schemas import Field, layer_schemas
from gis_renovation.words import Lang, Text

# Up to so many features and corners a page holds a layer itself: shapes, table and search at once.
PAGE_FEATURES = 10_000
PAGE_VERTICES = 250_000

# Corners are rounded to 2^-28 of the world's width in the map's projection, 0.15 m at the equator;
# with tiles of zoom z that is an extent of 2^(28 - z).
GRID_BITS = 28
COARSEST, FINEST = 12, 15
# The fullest tile decides the zoom: a browser without a graphics card decodes about 50,000 features a second.
TILE_FEATURES = 6_000
# A symbol or stroke may stand out of its shape: copies reach half a screen tile over the edge.
EDGE_SHARE = 1 / 32

# More names than this would make the page itself slow; the page says when they are not searched.
NAMES_LIMIT = 100_000

# A page writes at most 180 names on the map, and a square without its number would say nothing.
UNITS_LIMIT = 180
SQUARE_SIDES_M = (100, 200, 250, 500, 1_000, 2_000, 2_500, 5_000, 10_000, 20_000, 50_000)
RAMP = ("#eef3ea", "#cfe0cf", "#a3c6b4", "#6fa399", "#3f7780")
UNITS = "tile_units"

# A single page of more than this is refused by mail and chat programs; the tiles are then files beside it.
SINGLE_LIMIT_BYTES = 20_000_000
# Pages opened from a disk cannot read a file, only run one: the archive again, as scripts of this size.
PART_BYTES = 3_000_000
FOLDER = "tiles"

UI: Mapping[str, Text] = {
    "tiles_street": Text("放大到 {z} 级逐个显示", "each shown from zoom {z} on"),
    "tiles_far": Text("显示 {n} / {all}（按 {units} 个区域汇总）", "showing {n} / {all} (as counts of {units} areas)"),
    "tiles_near": Text(
        "显示 {n} / {all}（视野所在图幅），全图共 {total}", "showing {n} / {all} (map sheets in view) of {total}"
    ),
    "tiles_loading": Text("正在读取：{n} / {all}", "reading: {n} / {all}"),
    "tiles_failed": Text(
        "“{layer}”的数据文件没有读到。请确认 {folder} 文件夹与本网页放在一起、已完整复制；"
        "网站须允许访问其中的 .pmtiles 与 .pm.js 文件。",
        "The data files of “{layer}” could not be read. Keep the folder {folder} beside this page, copied whole; "
        "a web server must deliver its .pmtiles and .pm.js files.",
    ),
    "tiles_table": Text(
        "只列视野内的，移动地图列出别处的；共 {all} 个", "lists what is in view: move the map for others; {all} in all"
    ),
    "tiles_zoom_in": Text(
        "放大到 {z} 级后逐个列出；此前见“{units}”", "zoom in to {z} to list each; before that see “{units}”"
    ),
    "tiles_unnamed": Text("名称超过 {n} 个，不参与名称检索", "more than {n} names: not searched by name"),
}


@dataclass(frozen=True, kw_only=True)
class TiledLayer:
    """A layer as tiles: the page's blocks of the layer and of its counts, their legends, names and the archive."""

    block: dict[str, Any]
    units: dict[str, Any]
    unit_classes: tuple[StyleClass, ...]
    names: dict[str, Any] | None
    archive: bytes


def tile_reason(frame: gpd.GeoDataFrame) -> Text | None:
    """Why ``frame`` is cut into tiles, in words with the measured sizes; None if the page holds it.

    Corners are counted as the page would draw them: simplified where there are thousands. O(corners).
    """
    shapes = frame.geometry.to_numpy()
    features, vertices = len(frame), int(shapely.get_num_coordinates(shapes).sum())
    if encoding.DETAIL_LIMIT < features <= PAGE_FEATURES and vertices > PAGE_VERTICES:
        vertices = int(shapely.get_num_coordinates(shapely.simplify(shapes, encoding.SIMPLIFY_M)).sum())
    if features <= PAGE_FEATURES and vertices <= PAGE_VERTICES:
        return None
    many = features > PAGE_FEATURES
    limit = PAGE_FEATURES if many else PAGE_VERTICES
    found = features if many else vertices
    return Text(
        f"{found:,} 个{'要素' if many else '顶点'}，超过页内上限 {limit:,}：切成矢量瓦片",
        f"{found:,} {'features' if many else 'corners'}, above the page's {limit:,}: cut into vector tiles",
    )


def tile_layer(name: str, frame: gpd.GeoDataFrame, layers: Mapping[str, pd.DataFrame], *, lang: Lang) -> TiledLayer:
    """Cut one layer into tiles.

    Parameters
    ----------
    name
        Name of the layer in the style table.
    frame
        The layer in the project CRS, any kind of geometry; features without a shape are counted, not drawn.
    layers
        All layers: tables that speak of its features, and the reporting units its counts are given by.
    lang
        Language of labels and of what a missing value means.

    Returns
    -------
    TiledLayer
        The same arguments give the same bytes.

    Raises
    ------
    CRSError
        If the layer has no CRS or cannot be brought to longitude and latitude.

    Notes
    -----
    O(vertices + attribute cells); about 20 microseconds a feature and 1 kB of memory.
    """
    shaped = ~(shapely.is_missing(frame.geometry.to_numpy()) | shapely.is_empty(frame.geometry.to_numpy()))
    drawn = frame[shaped]
    classes, position = classify(name, drawn)
    pieces, bounds = _on_grid(drawn, where=name)
    zoom = _tile_zoom(pieces.home, layer_style(name).min_zoom)
    table = _attributes(name, drawn, lang=lang)
    tiles, counts = _cut(pieces, position, table, zoom)
    block = _block(name, frame, drawn, layers, table, classes, lang=lang)
    archive = pmtiles.write_archive(
        tiles,
        zoom=zoom,
        bounds=bounds,
        metadata={
            "layer": block["source"],
            "view": block["view"],
            "vector_layers": _vector_layers(tiles, table, zoom),
            "features": len(drawn),
        },
    )
    names = _names(drawn, pieces)
    block["tiles"] = {
        "zoom": zoom,
        "street_zoom": zoom + 1,
        "features": len(drawn),
        "counts": {f"{x}/{y}": n for (x, y), n in sorted(counts.items())},
        "bytes": len(archive),
        "folder": FOLDER,
        "file": file_stem(name),
        "part_bytes": PART_BYTES,
        "searched": names is not None,
    }
    units, unit_classes = _units_block(name, drawn, layers, zoom + 1, lang=lang)
    return TiledLayer(block=block, units=units, unit_classes=unit_classes, names=_names(drawn, pieces), archive=archive)


# --- the page's block -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Column:
    """One attribute of all features: the page's description of it, and codes into its distinct values (-1: none)."""

    described: dict[str, Any]
    codes: NDArray[np.int64]
    encoded: list[bytes]
    kind: str


def _attributes(name: str, frame: gpd.GeoDataFrame, *, lang: Lang) -> list[_Column]:
    style = layer_style(name)
    schema = layer_schemas().get(style.geometry_of or name)
    key = plain_text(frame.index.name or "id")
    columns = [_column(pd.Series([encoding.row_id(i) for i in frame.index], name=key), None, lang=lang)]
    for column in encoding.shown_columns(frame, schema, lang=lang):
        field = schema.fields.get(column) if schema else None
        columns.append(_column(frame[column], field, lang=lang, missing=explained_missing(frame, field, lang)))
    return columns


def _column(values: pd.Series[Any], field: Field | None, *, lang: Lang, missing: Sequence[str | None] = ()) -> _Column:
    described = encoding.encode_column(values.iloc[:0], field, lang=lang)
    try:
        codes, distinct = pd.factorize(values)
    except TypeError:  # lists and other cells that cannot be compared: as the text the page would show
        codes, distinct = pd.factorize(values.map(encoding.plain_value))
    plain = [encoding.plain_value(value) for value in distinct.tolist()]
    codes = codes.astype(np.int64)
    unknown = {at for at, value in enumerate(plain) if value is None}
    if unknown:
        codes[np.isin(codes, list(unknown))] = -1
    told = [None if text is None else "" if text == "—" else text for text in missing]
    meant = list(dict.fromkeys(text for row, text in enumerate(told) if text is not None and codes[row] < 0))
    if meant:
        place = {text: len(plain) + at for at, text in enumerate(meant)}
        plain += meant
        gaps = [row for row in np.flatnonzero(codes < 0).tolist() if told[row] is not None]
        codes[gaps] = [place[str(told[row])] for row in gaps]
    if field is not None and field.columns:
        described["labels"] = {text: field.words(text, lang) for text in plain if text}
    encoded = [b"" if value is None else pmtiles.encode_value(value) for value in plain]
    types = {type(value) for value in plain if value is not None}
    kind = "Boolean" if types == {bool} else "Number" if types and types <= {int, float} else "String"
    return _Column(described=described, codes=codes, encoded=encoded, kind=kind)


def _block(
    name: str,
    frame: gpd.GeoDataFrame,
    drawn: gpd.GeoDataFrame,
    layers: Mapping[str, pd.DataFrame],
    table: Sequence[_Column],
    classes: Sequence[StyleClass],
    *,
    lang: Lang,
) -> dict[str, Any]:
    """What the page knows before a tile is read: as a layer of the page, without a row."""
    empty = encoding.encode_layer(name, drawn.iloc[:0], layers, lang=lang)
    columns = [column.described for column in table[1:]]
    kinds = {encoding.shape_kind(kind) for kind in set(drawn.geometry.geom_type)}
    related = encoding.related_tables(layer_style(name), drawn, layers, lang=lang)
    ids = [encoding.row_id(key) for key in drawn.index] if related else []
    for one in related:
        one["rows_by_id"] = {key: rows for key, rows in zip(ids, one["rows_of"], strict=True) if rows}
        one["rows_of"] = []
    style = layer_style(name)
    labels = [plain_text(c.label.in_language(lang)) for c in classes]
    if len(kinds) == 1:
        empty.pop("kinds", None)
    return empty | {
        "count": len(frame),
        "without_shape": len(frame) - len(drawn),
        "kind": next(iter(kinds)) if len(kinds) == 1 else "mixed",
        "key": table[0].described["name"],
        "columns": columns,
        "classes": [None if c.code is None else plain_text(c.code) for c in classes],
        "class_labels": labels if style.column in frame.columns else [],
        "symbols": [encoding.symbol_block(c.symbol) for c in classes],
        "title": next((at for at, column in enumerate(columns) if column["name"] == "name"), None),
        "label_column": None,
        "related": related,
    }


def _names(frame: gpd.GeoDataFrame, pieces: _Pieces) -> dict[str, Any] | None:
    """Names, ids and places of the named features; None when there is no name or there are too many."""
    if "name" not in frame.columns:
        return None
    named = np.flatnonzero(frame["name"].notna().to_numpy())
    if not 0 < len(named) <= NAMES_LIMIT:
        return None
    texts = [plain_text(text) for text in frame["name"].iloc[named].tolist()]
    ids = [encoding.row_id(key) for key in frame.index[named]]
    spots = pieces.home[named]
    return {"ids": ids, "texts": texts, "spots": np.diff(spots, axis=0, prepend=spots[:1] * 0).ravel().tolist()}


# --- cutting --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Pieces:
    """Features on the grid: shapes with whole-number corners (y down), bounding boxes and home corners."""

    shapes: NDArray[Any]
    boxes: NDArray[np.int64]
    home: NDArray[np.int64]


def _on_grid(frame: gpd.GeoDataFrame, *, where: str) -> tuple[_Pieces, tuple[float, float, float, float]]:
    """The shapes on the grid, and their extent in degrees."""
    shapes = np.array(
        reproject(frame[[frame.geometry.name]], encoding.DISPLAY_CRS, where=where).geometry.to_numpy(), dtype=object
    )
    if shapely.has_z(shapes).any():
        shapes = shapely.force_2d(shapes)
    left, bottom, right, top = shapely.total_bounds(shapes).tolist()
    corners, owner = shapely.get_coordinates(shapes, return_index=True)
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    lat = np.radians(np.clip(corners[:, 1], -85.05112878, 85.05112878))
    world = float(1 << GRID_BITS)
    corners[:, 0] = np.rint((corners[:, 0] + 180.0) / 360.0 * world)
    corners[:, 1] = np.rint((0.5 - np.arcsinh(np.tan(lat)) / (2 * np.pi)) * world)
    boxes = np.hstack([np.minimum.reduceat(corners, first), np.maximum.reduceat(corners, first)]).astype(np.int64)
    home = corners[first].astype(np.int64)
    return _Pieces(shapes=shapely.set_coordinates(shapes, corners), boxes=boxes, home=home), (left, bottom, right, top)


def _tile_zoom(home: NDArray[np.int64], min_zoom: float) -> int:
    """The coarsest zoom whose fullest tile a browser decodes in a moment, not coarser than the layer is shown at."""
    zoom = max(COARSEST, min(FINEST, int(np.ceil(min_zoom)) - 1))
    while zoom < FINEST:
        tile = home >> (GRID_BITS - zoom)
        if np.unique(tile[:, 0] << 32 | tile[:, 1], return_counts=True)[1].max() <= TILE_FEATURES:
            break
        zoom += 1
    return zoom


def _cut(
    pieces: _Pieces, classes: NDArray[np.int64], table: Sequence[_Column], zoom: int
) -> tuple[dict[tuple[int, int], bytes], dict[tuple[int, int], int]]:
    """Tiles by column and row, and how many features are at home in each."""
    shift = GRID_BITS - zoom
    extent = 1 << shift
    edge = int(extent * EDGE_SHARE)
    row, x, y = _reached(pieces.boxes, shift, edge)
    shapes = pieces.shapes[row]
    size = pieces.boxes[row, 2:] - pieces.boxes[row, :2]
    home = pieces.home[row] >> shift
    at_home = (home[:, 0] == x) & (home[:, 1] == y)
    # Shapes longer than a tile are cut at its edge, all others stay whole in every tile they reach.
    for at in np.flatnonzero((size > extent).any(axis=1)).tolist():
        left, top = int(x[at]) << shift, int(y[at]) << shift
        shapes[at] = _clipped(
            pieces.shapes[row[at]], (left - edge, top - edge, left + extent + edge, top + extent + edge)
        )
    keep = ~shapely.is_empty(shapes) | at_home
    row, x, y, shapes, at_home = row[keep], x[keep], y[keep], shapes[keep], at_home[keep]
    kind = shapely.get_dimensions(shapes) + 1
    order = np.lexsort((row, ~at_home, classes[row], kind, y, x))
    row, x, y, shapes, at_home, kind = (a[order] for a in (row, x, y, shapes, at_home, kind))
    groups = np.stack([x, y, kind, classes[row], ~at_home], axis=1)
    starts = np.flatnonzero((np.diff(groups, axis=0, prepend=-1) != 0).any(axis=1))
    several = len(set(kind.tolist())) > 1
    tiles: dict[tuple[int, int], list[bytes]] = {}
    counts: dict[tuple[int, int], int] = {}
    for first, last in _batches(starts, len(row)):
        corner = np.stack([x[first:last] << shift, y[first:last] << shift], axis=1)
        geometry, ends = _geometry_bytes(shapes[first:last], corner)
        own_starts = starts[(starts >= first) & (starts < last)].tolist()
        for start, end in itertools.pairwise([*own_starts, last]):
            place = (int(x[start]), int(y[start]))
            shape_bytes = [geometry[a:b] for a, b in itertools.pairwise(ends[start - first : end - first + 1].tolist())]
            keys, values, tags = _tags(table, row[start:end])
            own = bool(at_home[start])
            letter = {1: "p", 2: "l", 3: ""}[int(kind[start])] if several else ""
            label = f"{int(classes[row[start]])}{letter}{'' if own else 'e'}"
            layer = pmtiles.encode_tile_layer(label, extent, int(kind[start]), shape_bytes, tags, keys, values)
            tiles.setdefault(place, []).append(layer)
            if own:
                counts[place] = counts.get(place, 0) + end - start
    return {place: b"".join(parts) for place, parts in tiles.items()}, counts


def _batches(starts: NDArray[np.int64], count: int) -> list[tuple[int, int]]:
    """Rows in runs of whole groups, of about 50,000 rows: more at once would only take memory."""
    cuts = [0]
    for start in [*starts.tolist(), count]:
        if start - cuts[-1] >= 50_000:
            cuts.append(start)
    return [*itertools.pairwise([*cuts, count] if cuts[-1] != count else cuts)]


def _reached(
    boxes: NDArray[np.int64], shift: int, edge: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Every pair of a feature and a tile whose widened square its bounding box meets: row, tile column, tile row."""
    low, high = (boxes[:, :2] - edge) >> shift, (boxes[:, 2:] + edge) >> shift
    low, high = np.maximum(low, 0), np.minimum(high, (1 << (GRID_BITS - shift)) - 1)
    wide, tall = (high - low + 1).T
    row = np.repeat(np.arange(len(boxes)), wide * tall)
    step = np.arange(len(row)) - np.repeat(np.cumsum(wide * tall) - wide * tall, wide * tall)
    return row, low[row, 0] + step % wide[row], low[row, 1] + step // wide[row]


def _clipped(shape: Any, square: tuple[float, float, float, float]) -> Any:
    """The part of a shape within a square, of the shape's own dimension."""
    dimension = int(shapely.get_dimensions(shape))
    part = shapely.clip_by_rect(shape, *square)
    parts = [one for one in shapely.get_parts([part]).tolist() if shapely.get_dimensions(one) == dimension]
    wholes: dict[int, Any] = {0: shapely.MultiPoint, 1: shapely.MultiLineString, 2: shapely.MultiPolygon}
    return wholes[dimension](parts)


def _geometry_bytes(shapes: NDArray[Any], corner: NDArray[np.int64]) -> tuple[bytes, NDArray[np.int64]]:
    """Every shape as tile commands from its tile's corner, in one run of bytes, and where each begins and ends."""
    shapes = shapely.orient_polygons(shapes, exterior_cw=False)
    parts, of_shape = shapely.get_parts(shapes, return_index=True)
    area = shapely.get_dimensions(parts) == 2
    lines = np.empty(len(parts), dtype=object)
    lines[~area] = parts[~area]
    rings, ring_of = shapely.get_rings(parts[area], return_index=True)
    pieces = np.concatenate([rings, lines[~area]])
    owner = np.concatenate([of_shape[area][ring_of], of_shape[~area]])
    closed = np.concatenate([np.ones(len(rings), dtype=bool), np.zeros(len(pieces) - len(rings), dtype=bool)])
    order = np.argsort(owner, kind="stable")
    pieces, owner, closed = pieces[order], owner[order], closed[order]
    xy, piece = _distinct_corners(pieces, closed)
    stream, ends = _commands(xy - corner[owner[piece]], piece, owner, closed, len(shapes))
    data, byte_ends = pmtiles.varints(stream)
    return data, byte_ends[ends]


def _distinct_corners(pieces: NDArray[Any], closed: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Corners without repeats (and without a ring's last); what falls to a point keeps a grid step each way."""
    corners, piece = shapely.get_coordinates(pieces, return_index=True)
    whole = np.rint(corners).astype(np.int64)
    starts = np.diff(piece, prepend=-1) != 0
    keep = starts | (np.diff(whole, axis=0, prepend=whole[:1] - 1) != 0).any(axis=1)
    keep &= ~((np.diff(piece, append=-1) != 0) & closed[piece])
    least = np.where(closed, 3, np.where(shapely.get_dimensions(pieces) == 0, 1, 2))
    count = np.bincount(piece[keep], minlength=len(pieces))
    first = np.flatnonzero(starts)
    whole, piece = whole[keep], piece[keep]
    poor = np.flatnonzero(count < least)
    if len(poor):
        corners, _ = shapely.get_coordinates(pieces, return_index=True)
        stays = ~np.isin(piece, poor)
        spot = np.rint(corners[first[poor]]).astype(np.int64)
        steps = np.array([(0, 0), (1, 0), (1, 1)])
        new = (spot[:, None] + steps).reshape(-1, 2)
        new_piece = np.repeat(poor, 3)
        use = np.tile([True, True, True], len(poor)) & (np.tile([0, 1, 2], len(poor)) < np.repeat(least[poor], 3))
        whole, piece = np.vstack([whole[stays], new[use]]), np.concatenate([piece[stays], new_piece[use]])
        order = np.argsort(piece, kind="stable")
        whole, piece = whole[order], piece[order]
    return whole, piece


def _commands(
    xy: NDArray[np.int64],
    piece: NDArray[np.int64],
    owner: NDArray[np.int64],
    closed: NDArray[np.bool_],
    count: int,
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The whole numbers of all features' commands (MVT 2.1, 4.3), and where each feature's begin and end."""
    first_of_feature = np.diff(owner[piece], prepend=-1) != 0
    step = np.diff(xy, axis=0, prepend=0)
    step[first_of_feature] = xy[first_of_feature]
    size = np.bincount(piece, minlength=len(owner))
    # Single points take one command; a multipoint is written as several moves.
    length = np.where(closed, 2 * size + 3, np.where(size == 1, 3, 2 * size + 2))
    begin = np.concatenate([[0], np.cumsum(length)])
    stream = np.zeros(int(begin[-1]), dtype=np.uint64)
    place = np.arange(len(piece)) - np.repeat(np.cumsum(size) - size, size)
    at = begin[piece] + 1 + 2 * place + (place > 0)
    signed = pmtiles.zigzag(step)
    stream[at], stream[at + 1] = signed[:, 0], signed[:, 1]
    stream[begin[:-1]] = 9
    longer = np.flatnonzero(size > 1)
    stream[begin[longer] + 3] = ((size[longer] - 1) << 3 | 2).astype(np.uint64)
    stream[begin[1:][closed] - 1] = 15
    ends = np.searchsorted(owner, np.arange(count + 1), side="left")
    return stream, begin[ends]


def _tags(table: Sequence[_Column], rows: NDArray[np.int64]) -> tuple[list[str], list[bytes], list[bytes]]:
    """Keys, values and each feature's pairs of both, of the features of one tile layer."""
    pairs = np.full((len(rows), 2 * len(table)), -1, dtype=np.int64)
    values: list[bytes] = []
    for at, column in enumerate(table):
        codes = column.codes[rows]
        known = codes >= 0
        distinct, place = np.unique(codes[known], return_inverse=True)
        pairs[known, 2 * at] = at
        pairs[known, 2 * at + 1] = place + len(values)
        values += [column.encoded[code] for code in distinct.tolist()]
    filled = pairs >= 0
    data, ends = pmtiles.varints(pairs[filled].astype(np.uint64))
    cuts = ends[np.concatenate([[0], np.cumsum(filled.sum(axis=1))])].tolist()
    keys = [str(column.described["name"]) for column in table]
    return keys, values, [data[a:b] for a, b in itertools.pairwise(cuts)]


def _vector_layers(tiles: Mapping[tuple[int, int], bytes], table: Sequence[_Column], zoom: int) -> list[dict[str, Any]]:
    """The description of the tiles' layers that other programs read."""
    names = sorted({name for tile in tiles.values() for name in pmtiles.layer_names(tile)})
    fields = {str(column.described["name"]): column.kind for column in table}
    return [{"id": name, "minzoom": zoom, "maxzoom": zoom, "fields": fields} for name in names]


# --- counts for the far view ----------------------------------------------------------------------


def _units_block(
    name: str, frame: gpd.GeoDataFrame, layers: Mapping[str, pd.DataFrame], street_zoom: int, *, lang: Lang
) -> tuple[dict[str, Any], tuple[StyleClass, ...]]:
    """How many features there are by unit, as a layer of the page for zooms before the street zoom."""
    counted = count_by_unit(frame, layers.get("reporting_units"))
    classes, position = _density_classes(counted["per_km2"].to_numpy())
    block = encoding.encode_layer(UNITS, counted, {}, lang=lang)
    label = encoding.layer_label(name, lang)
    what = Text(f"{label}：按区域汇总", f"{label}: counts by area").in_language(lang)
    block |= {
        "name": f"{plain_text(name)}.units",
        "label": what,
        "cls": position.tolist(),
        "classes": ["" for _ in classes],
        "class_labels": [plain_text(c.label.in_language(lang)) for c in classes],
        "symbols": [encoding.symbol_block(c.symbol) for c in classes],
        "units_of": plain_text(name),
        "end_zoom": street_zoom,
    }
    return block, classes


def count_by_unit(frame: gpd.GeoDataFrame, units: pd.DataFrame | None) -> gpd.GeoDataFrame:
    """How many features lie in each unit: the finest reporting units given, squares where there are none.

    Every feature is counted once, by its first corner, in the first unit (by id) that holds it; those
    in no unit are counted by squares of a grid. With fewer than three units all are counted by squares.

    Returns
    -------
    GeoDataFrame
        Index ``unit_id``; ``name``, ``feature_count``, ``per_km2`` (features a square kilometre of
        the unit). Units without a feature are there with 0. The counts add up to ``len(frame)``.
    """
    corners, owner = shapely.get_coordinates(frame.geometry.to_numpy(), return_index=True)
    spots = corners[np.flatnonzero(np.diff(owner, prepend=-1))]
    unit_of = np.full(len(spots), -1, dtype=np.int64)
    given = _finest_units(units, frame)
    if given is not None:
        shapes = given.geometry.to_numpy()
        places: Any = shapely.points(spots)
        unit, point = shapely.STRtree(places).query(shapes, predicate="intersects")
        order = np.lexsort((unit, point))
        point, unit = point[order], unit[order]
        first = np.diff(point, prepend=-1) != 0
        unit_of[point[first]] = unit[first]
    parts = []
    if given is not None:
        names = given["name"] if "name" in given.columns else pd.Series(given.index, index=given.index)
        held = np.bincount(unit_of[unit_of >= 0], minlength=len(given))
        parts.append(_unit_rows([str(key) for key in given.index], names.tolist(), held, given.geometry.to_numpy()))
    outside = spots[unit_of < 0]
    if len(outside):
        parts.append(_squares(outside))
    made = gpd.GeoDataFrame(pd.concat(parts), geometry="geometry", crs=frame.crs)
    return made.set_index(pd.Index(made.index, name="unit_id"))


def _finest_units(units: pd.DataFrame | None, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame | None:
    """Street areas, else counties, with shapes in the layer's CRS and by id; None if fewer than three."""
    if not isinstance(units, gpd.GeoDataFrame) or units.active_geometry_name is None or units.crs != frame.crs:
        return None
    found = units[~(units.geometry.isna() | units.geometry.is_empty)]
    if "level" in found.columns and (found["level"] == "subdistrict").any():
        found = found[found["level"] == "subdistrict"]
    return found.sort_index() if len(found) >= 3 else None


def _squares(spots: NDArray[np.float64]) -> gpd.GeoDataFrame:
    """Squares of the finest grid that needs no more than the limit to hold every spot."""
    for side in SQUARE_SIDES_M:
        cell = np.floor(spots / side).astype(np.int64)
        # Column and row in one number: sorting rows of two is twenty times slower.
        low = cell.min(axis=0)
        tall = int(cell[:, 1].max() - low[1]) + 1
        number, count = np.unique((cell[:, 0] - low[0]) * tall + cell[:, 1] - low[1], return_counts=True)
        if len(number) <= UNITS_LIMIT:
            break
    found = np.stack([number // tall, number % tall], axis=1) + low
    left, bottom = (found * side).T
    ids = [f"E{x * side}N{y * side}" for x, y in found.tolist()]
    label = f"{side / 1000:g} km" if side >= 1000 else f"{side} m"
    names = [f"{label} × {label}" for _ in ids]
    return _unit_rows(ids, names, count, shapely.box(left, bottom, left + side, bottom + side))


def _unit_rows(
    ids: Sequence[str], names: Sequence[Any], count: NDArray[np.int64], shapes: NDArray[Any]
) -> gpd.GeoDataFrame:
    area_km2 = shapely.area(shapes) / 1e6
    return gpd.GeoDataFrame(
        {"name": list(names), "feature_count": count, "per_km2": np.round(count / area_km2, 1)},
        index=pd.Index(ids),
        geometry=shapes,
    )


def _density_classes(density: NDArray[np.float64]) -> tuple[tuple[StyleClass, ...], NDArray[np.int64]]:
    """Up to five classes of about equal numbers of units, with bounds rounded to two digits."""
    some = density[density > 0]
    edges = [float(f"{value:.2g}") for value in np.quantile(some, [0.2, 0.4, 0.6, 0.8])] if len(some) else []
    breaks = sorted({edge for edge in edges if edge > some.min()}) if len(some) else []
    position = np.digitize(density, breaks)
    symbol = layer_style(UNITS).symbol
    ramp = [RAMP[round(at * (len(RAMP) - 1) / max(len(breaks), 1))] for at in range(len(breaks) + 1)]
    bounds = [None, *breaks, None]
    classes = tuple(
        StyleClass(
            code="",
            label=_density_label(bounds[at], bounds[at + 1]),
            symbol=symbol.model_copy(update={"fill": fill}),
            count=int((position == at).sum()),
        )
        for at, fill in enumerate(ramp)
    )
    return classes, position.astype(np.int64)


def _density_label(lower: float | None, upper: float | None) -> Text:
    if lower is None and upper is None:
        return Text("每平方公里个数", "number per km²")
    if lower is None:
        return Text(f"每平方公里不足 {upper:,g} 个", f"under {upper:,g} per km²")
    if upper is None:
        return Text(f"每平方公里 {lower:,g} 个及以上", f"{lower:,g} per km² and more")
    return Text(f"每平方公里 {lower:,g} 至不足 {upper:,g} 个", f"{lower:,g} to under {upper:,g} per km²")


# --- files ----------------------------------------------------------------------------------------


def inline_archive(name: str, archive: bytes) -> str:
    """The archive as a data block of the page; base64 holds no character that HTML knows."""
    text = base64.b64encode(archive).decode("ascii")
    return f'<script type="application/base64" id="tiles-{safe(name)}">{text}</script>'


def file_stem(name: str) -> str:
    """The layer's name where it is a plain word, as all of ours are; else one made from its bytes."""
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return name
    return f"layer-{hashlib.sha256(name.encode('utf-8')).hexdigest()[:12]}"


def tile_files(name: str, archive: bytes) -> list[tuple[str, bytes]]:
    """The archive for hosts that serve byte ranges, and again in scripts for disks and hosts that do not."""
    stem = file_stem(name)
    files = [(f"{FOLDER}/{stem}.pmtiles", archive)]
    for part, start in enumerate(range(0, len(archive), PART_BYTES)):
        text = base64.b64encode(archive[start : start + PART_BYTES]).decode("ascii")
        code = f'tilePart("{stem}",{part},"{text}");\n'
        files.append((f"{FOLDER}/{stem}.{part:03d}.pm.js", code.encode("ascii")))
    return files


def require_small(page: str, tiled: Mapping[str, TiledLayer], *, photos_bytes: int = 0) -> None:
    """Raise DataError if a single page is larger than 20 MB, saying what takes the room."""
    size = len(page.encode("utf-8"))
    if size <= SINGLE_LIMIT_BYTES:
        return
    parts = sorted(((len(made.archive) * 4 / 3, name) for name, made in tiled.items()), reverse=True)
    listed = "、".join(f"{name} {share / 1e6:.1f} MB" for share, name in parts) or "—"
    listed_en = f"{listed.replace('、', ', ')}; photos {photos_bytes / 1e6:.1f} MB"
    listed += f"；照片 {photos_bytes / 1e6:.1f} MB"
    limit = SINGLE_LIMIT_BYTES // 1_000_000
    raise DataError(
        [
            Finding(
                severity="error",
                code="page_too_large",
                layer="",
                text=Text(
                    f"单个网页文件将有 {size / 1e6:.1f} MB，超过 {limit} MB（其中瓦片：{listed}）。"
                    "请不加 --single 发布为文件夹，或在发布配置中减少图层、照片。",
                    f"A single page would have {size / 1e6:.1f} MB, above {limit} MB (of it tiles: {listed_en}). "
                    "Publish a folder (without --single), or fewer layers or photos.",
                ),
            )
        ]
    )


def far_legend(block: Mapping[str, Any], classes: Sequence[StyleClass], *, lang: Lang) -> str:
    """The classes of the counts in the layer list, and the line where the page says what it shows."""
    lines = "".join(
        f'<li>{swatch_svg(c.symbol, "polygon")}<span class="what">{safe(c.label.in_language(lang))}</span>'
        f'<span class="count">{c.count:,}</span></li>'
        for c in classes
    )
    said = [UI["tiles_street"].in_language(lang).format(z=block["tiles"]["street_zoom"])]
    if block["title"] is not None and not block["tiles"]["searched"]:
        said.append(UI["tiles_unnamed"].in_language(lang).format(n=f"{NAMES_LIMIT:,}"))
    joint = "；" if lang == "zh" else "; "
    return (
        f'<ul class="legend far" data-far="{safe(block["name"])}">{lines}</ul>'
        f'<p class="remark">{safe(joint.join(said))}</p>'
        f'<p class="remark" data-shown="{safe(block["name"])}"></p>'
    )
