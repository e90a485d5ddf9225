"""What a page holds: the blocks of its layers in drawing order, their legends, months and counties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import geopandas as gpd
import pandas as pd

from gis_renovation.display import (
    StyleClass,
    classify,
    in_language,
    layer_style,
    plain_text,
    style_table,
    with_withheld,
)
from gis_renovation.errors import DataError, Finding
from gis_renovation.maps import counties as map_counties
from gis_renovation.maps import months as map_months
from gis_renovation.maps.encoding import (
    MONTHLY_TABLES,
    CountyBlock,
    LayerBlock,
    class_blocks,
    encode_layer,
    has_shape,
    related_ids,
    view_frame,
)
from gis_renovation.maps.page_facts import PageFacts
from gis_renovation.maps.tiles import TiledLayer, tile_layer, tile_reason
from gis_renovation.words import Lang, Text


@dataclass(frozen=True, kw_only=True)
class PageContents:
    """What a page holds.

    ``blocks`` are in drawing order, the counts of a layer of tiles behind it; ``legends`` are by block,
    ``tiled`` and the ``reasons`` for it by layer; ``shown`` are the layers drawn when the map opens.
    """

    drawn: Mapping[str, gpd.GeoDataFrame]
    blocks: Sequence[LayerBlock]
    legends: Mapping[str, Sequence[StyleClass]]
    tiled: Mapping[str, TiledLayer]
    reasons: dict[str, Text]
    months: list[str]
    counties: list[CountyBlock]
    shown: frozenset[str]


def page_contents(layers: Mapping[str, gpd.GeoDataFrame | pd.DataFrame | None], facts: PageFacts) -> PageContents:
    """Encode everything of ``layers`` that can be drawn. Raises DataError where nothing can. O(vertices + cells)."""
    lang = facts.lang
    present = {
        plain_text(name): with_withheld(frame, facts.withheld.get(name), lang)
        for name, frame in layers.items()
        if frame is not None
    }
    drawn = require_drawable(present)
    reasons = {name: reason for name, frame in drawn.items() if (reason := tile_reason(frame))}
    tiled = {name: tile_layer(name, drawn[name], present, lang=lang) for name in reasons}
    blocks: list[LayerBlock] = []
    for name, frame in drawn.items():
        made = tiled.get(name)
        blocks += [made.block, made.units] if made else [encode_layer(name, frame, present, lang=lang)]
    legends = {block["name"]: legend_of(block, drawn[block["name"]]) for block in blocks if "units_of" not in block}
    legends |= {made.units["name"]: made.unit_classes for made in tiled.values()}
    months = _add_months(blocks, legends, present, as_of=facts.as_of, lang=lang)
    for block in blocks:
        _letters(block, lang)
    counties = map_counties.counties_of(present)
    county_blocks = map_counties.county_blocks(present, counties)
    _add_counties(blocks, drawn, present, counties)
    return PageContents(
        drawn=drawn,
        blocks=blocks,
        legends={name: in_language(classes, lang) for name, classes in legends.items()},
        tiled=tiled,
        reasons=reasons,
        months=months,
        counties=county_blocks,
        shown=frozenset(name for name in drawn if layer_style(name).show)
        if facts.show is None
        else frozenset(facts.show),
    )


def require_drawable(layers: Mapping[str, pd.DataFrame]) -> dict[str, gpd.GeoDataFrame]:
    """:func:`drawable_layers`, or DataError where there is none."""
    drawn = drawable_layers(layers)
    if not drawn:
        raise DataError([_nothing_to_draw(layers)])
    return drawn


def drawable_layers(layers: Mapping[str, pd.DataFrame]) -> dict[str, gpd.GeoDataFrame]:
    """Layers and views that have shapes, in drawing order (below first)."""
    found: dict[str, gpd.GeoDataFrame] = {
        name: frame for name, frame in layers.items() if isinstance(frame, gpd.GeoDataFrame) and _has_shapes(frame)
    }
    for name, style in style_table().layers.items():
        if style.geometry_of:
            view = view_frame(name, layers)
            if view is not None and _has_shapes(view):
                found[name] = view
    return dict(sorted(found.items(), key=lambda item: (layer_style(item[0]).order, item[0])))


def _has_shapes(frame: gpd.GeoDataFrame) -> bool:
    return frame.active_geometry_name is not None and bool(has_shape(frame).any())


def _nothing_to_draw(layers: Mapping[str, pd.DataFrame]) -> Finding:
    names = ", ".join(sorted(layers)) or "—"
    return Finding(
        severity="error",
        code="nothing_to_draw",
        layer="",
        text=Text(
            f"没有可以上图的图层：至少需要一个含图形的图层（如小区 communities）；现有：{names}。",
            f"No layer can be drawn: at least one layer with shapes is needed (such as communities); found: {names}.",
        ),
    )


def legend_of(block: LayerBlock, frame: gpd.GeoDataFrame) -> tuple[StyleClass, ...]:
    """The classes of one layer with the numbers of features drawn in each."""
    return classify(block["name"], frame[has_shape(frame)], whole_scale="rates" in block)[0]


def _letters(block: LayerBlock, lang: Lang) -> None:
    """Put letters for the characters in a block's symbols where English is spoken."""
    letters = {} if lang == "zh" else style_table().glyphs_en
    for symbol in block["symbols"]:
        if symbol["glyph"] in letters:
            letter = letters[symbol["glyph"]]
            symbol["markup"] = symbol["markup"].replace(f">{symbol['glyph']}</text>", f">{letter}</text>")
            symbol["glyph"] = letter


def _add_months(
    blocks: Sequence[LayerBlock],
    legends: dict[str, tuple[StyleClass, ...]],
    layers: Mapping[str, pd.DataFrame],
    *,
    as_of: date | None,
    lang: Lang,
) -> list[str]:
    """Give the layer of community states and the cards their months, where the records are at hand; the months."""
    # A layer in tiles holds no rows on the page that months could be given to.
    own = [block for block in blocks if layer_style(block["name"]).monthly and "tiles" not in block]
    months = map_months.monthly_progress(layers, as_of) if own and as_of else None
    if months is None or len(months) < 2:
        return []
    states = pd.DataFrame({day: frame["state"] for day, frame in months.items()})
    for block in own:
        encoded, classes = map_months.encode_months(block["name"], states, block["ids"], lang=lang)
        block["months"] = encoded
        block["cls"] = encoded["cls"][-1]
        shown = class_blocks(classes, labelled=True, lang=lang)
        block["classes"] = shown["classes"]
        block["class_labels"] = shown["class_labels"]
        block["symbols"] = shown["symbols"]
        legends[block["name"]] = tuple(classes)
        map_months.add_monthly_columns(block["columns"], block["ids"], months)
    for block in blocks:
        for related in block["related"]:
            if related["name"] in MONTHLY_TABLES:
                map_months.add_monthly_columns(related["columns"], related_ids(block, related), months)
    return [day.isoformat() for day in months]


def _add_counties(
    blocks: Sequence[LayerBlock],
    drawn: Mapping[str, gpd.GeoDataFrame],
    layers: Mapping[str, pd.DataFrame],
    counties: map_counties.Counties | None,
) -> None:
    """Give every layer but those of the base map the county of each feature drawn."""
    for block in blocks:
        plain = "tiles" not in block and "units_of" not in block
        if plain and counties is not None and layer_style(block["name"]).theme != "base":
            frame = drawn[block["name"]]
            block["county"] = map_counties.county_rows(frame[has_shape(frame)], layers, counties)
