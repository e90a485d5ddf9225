"""Layers to an interactive map: one HTML page that opens anywhere and asks no other host for anything.

folium builds the page (map, layers, their order); what it would fetch from elsewhere is replaced by
the vendored files of ``assets``. Reprojection here is for display only. The layer list is at once
the legend, so that a reader finds sign, name and number in one place; it is made of plain HTML
controls, which a keyboard and a screen reader know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import geopandas as gpd
import pandas as pd

from gis_renovation.maps.contents import PageContents, page_contents
from gis_renovation.maps.document import (
    MapArea,
    PlanFigure,
    PlanLayer,
    PlanMap,
    PlanStart,
    Verbatim,
    archive_block,
    data_block,
    page_head,
)
from gis_renovation.maps.page_facts import PageFacts
from gis_renovation.maps.settings import search_index, settings_block
from gis_renovation.maps.shell import shell
from gis_renovation.maps.texts import ui
from gis_renovation.maps.tiles import require_small, tile_files
from gis_renovation.words import Text

Layers = Mapping[str, gpd.GeoDataFrame | pd.DataFrame | None]


class MapFiles(NamedTuple):
    """A map: its page, the files beside it (path -> bytes), and for each large layer why it is cut into tiles."""

    page: str
    files: dict[str, bytes]
    reasons: dict[str, Text]


def map_page(layers: Layers, facts: PageFacts) -> str:
    """An interactive map of one run as the text of one HTML page that needs no other file.

    The arguments are those of :func:`map_files`, and so is what is raised; a page of more than
    20 MB is refused with DataError.
    """
    return map_files(layers, facts, single=True).page


def map_files(layers: Layers, facts: PageFacts, *, single: bool = False) -> MapFiles:
    """An interactive map of one run: an HTML page and, for layers of many thousand shapes, their tiles beside it.

    Every layer with shapes becomes a switchable layer, grouped by theme, with its legend, its
    number of features and a card per feature; tables (zone members, ledgers, park access, ...)
    appear on the cards of the features they speak of. Nothing is thinned out: the page states how
    many features it draws of how many there are.

    Parameters
    ----------
    layers
        Input and result layers by name, in one projected CRS; any may be absent, None or empty.
    facts
        What the page is told beside them.
    single
        Whether the tiles stand in the page itself, so that it is one file to hand on.

    Returns
    -------
    MapFiles
        The same arguments give the same bytes. Without basemaps the page names no outside host. Files lie in
        ``tiles/``.

    Raises
    ------
    DataError
        If no layer has a shape to draw, or a single page would be larger than 20 MB.
    CRSError
        If a layer has no CRS or cannot be brought to longitude and latitude.

    Notes
    -----
    O(vertices + attribute cells).
    """
    contents = page_contents(layers, facts)
    pictures = ("'self'",) if facts.photos and not single else ()
    figure = PlanFigure(
        lang=facts.lang, beside=bool(contents.tiled) and not single, hosts=[*pictures, *facts.basemaps.hosts]
    )
    fill_page(figure, contents, facts, single=single)
    page = figure.render()
    if single:
        require_small(page, {name: made.archive for name, made in contents.tiled.items()}, photos_bytes=_photos(facts))
        return MapFiles(page, {}, contents.reasons)
    files = {path: data for name, made in contents.tiled.items() for path, data in tile_files(name, made.archive)}
    return MapFiles(page, files, contents.reasons)


def fill_page(figure: PlanFigure, contents: PageContents, facts: PageFacts, *, single: bool) -> PlanMap:
    """Put the map and everything that stands around it into a page; the map."""
    plan = PlanMap()
    plan.add_to(figure)
    figure.header.add_child(page_head(facts, tiled=bool(contents.tiled), guests=figure.guests))
    for block_id, value in (("pages", facts.pages), ("photos", facts.photos)):
        if value:
            figure.html.add_child(data_block(block_id, value))
    for place, block in enumerate(contents.blocks):
        plan.add_child(PlanLayer(place, show=block["name"] in contents.shown))
        figure.html.add_child(data_block(f"layer-{block['name']}", block))
    plan.add_child(PlanStart())
    figure.html.add_child(data_block("settings", settings_block(contents, facts)))
    for name, made in contents.tiled.items():
        if made.names:
            figure.html.add_child(data_block(f"names-{name}", made.names))
        if single:
            figure.html.add_child(archive_block(name, made.archive))
    figure.html.add_child(data_block("search-index", search_index(contents.blocks)))
    figure.html.add_child(Verbatim(shell(contents, facts)))
    figure.html.add_child(MapArea(plan, ui("map", facts.lang), facts.lang))
    return plan


def _photos(facts: PageFacts) -> int:
    """Bytes of the pictures that stand in the page."""
    every = (photo for own in facts.photos.values() for several in own.values() for photo in several)
    return sum(len(str(photo["src"])) for photo in every)
