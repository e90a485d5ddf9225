"""Layers of ten thousand to a million shapes: cut into vector tiles, none left out.

A page holds such a layer as one archive of tiles of one zoom. From the street zoom on every feature
is drawn from the tiles of the view; further out counts by county or by square of the grid stand for
them, which add up to all. A feature lies in exactly one tile as itself (layer ``CLASS`` of the tile,
CLASS being its place in the legend) and in every other tile it reaches as a copy (``CLASSe``), so that
what is drawn can be counted against what there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis_renovation.display import StyleClass, classify, layer_style, plain_text
from gis_renovation.maps.encoding import (
    DETAIL_LIMIT,
    SIMPLIFY_M,
    LayerBlock,
    NamesBlock,
    RelatedBlock,
    class_blocks,
    encode_layer,
    has_shape,
    name_column,
    related_tables,
    row_id,
    shape_kind,
)
from gis_renovation.maps.tiles.areas import units_block
from gis_renovation.maps.tiles.attributes import Column, attributes
from gis_renovation.maps.tiles.cutting import Pieces, cut, on_grid, tile_zoom
from gis_renovation.maps.tiles.files import FOLDER, PART_BYTES, file_stem
from gis_renovation.maps.tiles.mvt import layer_names
from gis_renovation.maps.tiles.pmtiles import write_archive
from gis_renovation.words import Lang, Text

# Up to so many features and corners a page holds a layer itself: shapes, table and search at once.
PAGE_FEATURES = 10_000
PAGE_VERTICES = 250_000

# More names than this would make the page itself slow; the page says when they are not searched.
NAMES_LIMIT = 100_000


@dataclass(frozen=True, kw_only=True)
class TiledLayer:
    """A layer as tiles: the page's blocks of the layer and of its counts, their legends, names and the archive."""

    block: LayerBlock
    units: LayerBlock
    unit_classes: tuple[StyleClass, ...]
    names: NamesBlock | None
    archive: bytes


def tile_reason(frame: gpd.GeoDataFrame) -> Text | None:
    """Why ``frame`` is cut into tiles, in words with the measured sizes; None if the page holds it.

    Corners are counted as the page would draw them: simplified where there are thousands. O(corners).
    """
    shapes = frame.geometry.to_numpy()
    features, vertices = len(frame), int(shapely.get_num_coordinates(shapes).sum())
    if DETAIL_LIMIT < features <= PAGE_FEATURES and vertices > PAGE_VERTICES:
        vertices = int(shapely.get_num_coordinates(shapely.simplify(shapes, SIMPLIFY_M)).sum())
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
    drawn = frame[has_shape(frame)]
    classes, position = classify(name, drawn)
    pieces, bounds = on_grid(drawn, where=name)
    zoom = tile_zoom(pieces.home, layer_style(name).min_zoom)
    table = attributes(name, drawn, lang=lang)
    tiles, counts = cut(pieces, position, table, zoom)
    block = _block(name, frame, drawn, layers, table=table, classes=classes, lang=lang)
    archive = write_archive(
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
    units, unit_classes = units_block(name, drawn, layers, zoom + 1, lang=lang)
    return TiledLayer(block=block, units=units, unit_classes=unit_classes, names=names, archive=archive)


def _block(
    name: str,
    frame: gpd.GeoDataFrame,
    drawn: gpd.GeoDataFrame,
    layers: Mapping[str, pd.DataFrame],
    *,
    table: Sequence[Column],
    classes: Sequence[StyleClass],
    lang: Lang,
) -> LayerBlock:
    """What the page knows before a tile is read: as a layer of the page, without a row."""
    style = layer_style(name)
    empty = encode_layer(name, drawn.iloc[:0], layers, lang=lang)
    columns = [column.described for column in table[1:]]
    kinds = {shape_kind(kind) for kind in set(drawn.geometry.geom_type)}
    if len(kinds) == 1:
        empty.pop("kinds", None)
    return {
        **empty,
        "count": len(frame),
        "without_shape": len(frame) - len(drawn),
        "kind": next(iter(kinds)) if len(kinds) == 1 else "mixed",
        "key": table[0].described["name"],
        "columns": columns,
        **class_blocks(classes, labelled=style.column in frame.columns, lang=lang),
        "title": name_column(columns),
        "label_column": None,
        "related": [_by_id(one, drawn) for one in related_tables(style, drawn, layers, lang=lang)],
    }


def _by_id(related: RelatedBlock, frame: gpd.GeoDataFrame) -> RelatedBlock:
    """A table of a card whose rows are found by the feature's id, as the page holds no row of the layer."""
    ids = [row_id(key) for key in frame.index]
    own = {key: rows for key, rows in zip(ids, related["rows_of"], strict=True) if rows}
    return {**related, "rows_of": [], "rows_by_id": own}


def _names(frame: gpd.GeoDataFrame, pieces: Pieces) -> NamesBlock | None:
    """Names, ids and places of the named features; None when there is no name or there are too many."""
    if "name" not in frame.columns:
        return None
    named = np.flatnonzero(frame["name"].notna().to_numpy())
    if not 0 < len(named) <= NAMES_LIMIT:
        return None
    texts = [plain_text(text) for text in frame["name"].iloc[named].tolist()]
    ids = [row_id(key) for key in frame.index[named]]
    spots = pieces.home[named]
    return {"ids": ids, "texts": texts, "spots": np.diff(spots, axis=0, prepend=spots[:1] * 0).ravel().tolist()}


def _vector_layers(
    tiles: Mapping[tuple[int, int], bytes], table: Sequence[Column], zoom: int
) -> list[dict[str, object]]:
    """The description of the tiles' layers that other programs read."""
    names = sorted({name for tile in tiles.values() for name in layer_names(tile)})
    fields = {column.described["name"]: column.kind for column in table}
    return [{"id": name, "minzoom": zoom, "maxzoom": zoom, "fields": fields} for name in names]
