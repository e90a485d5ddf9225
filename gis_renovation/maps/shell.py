"""What stands around the map on its page: head, layers and legend, tools, sliders, table, dialogs.

Everything is plain HTML controls, which a keyboard and a screen reader know; the page's script
(``assets/page``) gives them life. The HTML is in ``templates``; here is what they are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

from markupsafe import Markup

from gis_renovation.display import StyleClass, layer_style, plain_text, render, style_table, swatch_svg
from gis_renovation.maps.contents import PageContents
from gis_renovation.maps.encoding import SIMPLIFY_M, CountyBlock, Kind, LayerBlock, layer_label
from gis_renovation.maps.page_facts import Download, PageFacts, as_of_line, number_line
from gis_renovation.maps.texts import ui
from gis_renovation.maps.tiles import NAMES_LIMIT
from gis_renovation.words import Lang, Text


@dataclass(frozen=True)
class LegendLine:
    """One class of a legend: its sign, its name, and the number of features in it."""

    swatch: Markup
    label: str
    count: str


@dataclass(frozen=True, kw_only=True)
class LayerEntry:
    """One layer of the list: its switch, signs, names and numbers; the page's script keeps the numbers true.

    ``listed`` says whether its classes stand below each other; ``far`` are those of its counts by area.
    """

    name: str
    label: str
    count: str
    shown: bool
    listed: bool
    classes: Sequence[LegendLine]
    rates: Sequence[tuple[str, str]]
    schemes: Sequence[tuple[str, bool]]
    far: Sequence[LegendLine]
    far_remark: str
    remark: str


class Theme(NamedTuple):
    """Layers of one theme, the uppermost on the map first."""

    label: str
    is_open: bool
    entries: Sequence[LayerEntry]


class FileLink(NamedTuple):
    """A file to download: its address, its format and its size in words."""

    path: str
    kind: str
    size: str


def shell(contents: PageContents, facts: PageFacts) -> str:
    """Head, notice, side panel, sliders and table; the map itself is folium's."""
    lang = facts.lang
    return render(
        "map/shell.html",
        lang=lang,
        word=lambda key, **values: ui(key, lang, **values),
        facts=facts,
        as_of=as_of_line(facts),
        number=number_line(facts),
        months=contents.months,
        counties=_counties(contents, lang),
        themes=_themes(contents, lang),
        downloads=_downloads(facts.downloads or (), lang),
    )


def _counties(contents: PageContents, lang: Lang) -> list[CountyBlock]:
    """The counties to choose, all of them first with the number of all communities; empty without a choice."""
    if not contents.counties:
        return []
    whole = next((block["count"] for block in contents.blocks if block["name"] == "communities"), None)
    return [{"code": "", "name": ui("all_counties", lang), "bounds": [], "count": whole}, *contents.counties]


def _themes(contents: PageContents, lang: Lang) -> list[Theme]:
    found = []
    for theme, labels in style_table().themes.items():
        # Listed as they lie on the map: the uppermost layer first.
        own = [
            block
            for block in reversed(contents.blocks)
            if "units_of" not in block and layer_style(block["name"]).theme == theme
        ]
        if own:
            entries = [_entry(block, contents, lang=lang) for block in own]
            found.append(Theme(Text(*labels).in_language(lang), _is_open(theme, own, contents.shown), entries))
    return found


def _is_open(theme: str, blocks: Sequence[LayerBlock], shown: frozenset[str]) -> bool:
    # Water, railways and roads say why communities are cut apart: their signs are there to see at once.
    explains = any(block["name"] == "barriers" or ("tiles" in block and block["name"] in shown) for block in blocks)
    return any(block["name"] in shown for block in blocks) and (theme != "base" or explains)


def _entry(block: LayerBlock, contents: PageContents, *, lang: Lang) -> LayerEntry:
    name = block["name"]
    classes = contents.legends[name]
    kind: Kind = block["kind"] if block["kind"] != "mixed" else "polygon"
    label = {column["name"]: column["label"] for column in block["columns"]}
    counts = next((one["name"] for one in contents.blocks if one.get("units_of") == name), None)
    return LayerEntry(
        name=name,
        label=block["label"],
        count=f"{block['count']:,}",
        shown=name in contents.shown,
        listed=len(classes) > 1 and not layer_style(name).colour_neighbours,
        classes=_legend(classes, kind, lang),
        rates=[(column, label[column]) for column in block["rates"]["columns"]] if "rates" in block else [],
        schemes=_scheme_choice(block),
        far=_legend(contents.legends[counts], "polygon", lang) if counts else [],
        far_remark=_far_remark(block, lang) if counts else "",
        remark=_remark(block, lang),
    )


def _scheme_choice(block: LayerBlock) -> list[tuple[str, bool]]:
    """The titles of the schemes a reader may choose one of, and whether each is the one shown first."""
    if "schemes" not in block:
        return []
    return [(title, place == block["schemes"]["at"]) for place, title in enumerate(block["schemes"]["titles"])]


def _legend(classes: Sequence[StyleClass], kind: Kind, lang: Lang) -> list[LegendLine]:
    # A swatch is made of the style table's own numbers and colours.
    return [
        LegendLine(Markup(swatch_svg(c.symbol, kind)), plain_text(c.label.in_language(lang)), f"{c.count:,}")  # noqa: S704
        for c in classes
    ]


def _far_remark(block: LayerBlock, lang: Lang) -> str:
    said = [ui("tiles_street", lang, z=block["tiles"]["street_zoom"])]
    if block["title"] is not None and not block["tiles"]["searched"]:
        said.append(ui("tiles_unnamed", lang, n=f"{NAMES_LIMIT:,}"))
    return _joined(said, lang)


def _remark(block: LayerBlock, lang: Lang) -> str:
    """How much of a layer is drawn, where that is not all of it as it is."""
    remarks = []
    if block["without_shape"] or block["simplified"]:
        drawn = f"{block['count'] - block['without_shape']:,}"
        remarks.append(ui("shown", lang, drawn=drawn, all=f"{block['count']:,}"))
    if block["without_shape"]:
        remarks.append(ui("no_shape", lang, n=f"{block['without_shape']:,}"))
    if block["simplified"]:
        remarks.append(ui("simplified", lang, m=SIMPLIFY_M))
    return _joined(remarks, lang)


def _joined(remarks: Sequence[str], lang: Lang) -> str:
    return ("；" if lang == "zh" else "; ").join(remarks)


_FILE_KINDS = {"csv": "CSV", "geojson": "GeoJSON", "gpkg": "GeoPackage", "xlsx": "XLSX"}


def _downloads(files: Sequence[Download], lang: Lang) -> list[tuple[str, list[FileLink]]]:
    """Every file of data beside the page with its format and size, by layer; that of all layers first."""
    layers = dict.fromkeys(one.layer for one in sorted(files, key=lambda one: (one.layer != "", one.layer)))
    return [
        (
            layer_label(layer, lang) if layer else ui("all_layers", lang),
            [
                FileLink(quote(one.path), _FILE_KINDS[one.path.rpartition(".")[2]], file_size(one.size))
                for one in files
                if one.layer == layer
            ],
        )
        for layer in layers
    ]


def file_size(size: int) -> str:
    """The size of a file as people say it: ``12 kB``, ``3.4 MB``."""
    return f"{size / 1e6:,.1f} MB" if size >= 1_000_000 else f"{max(1, round(size / 1000)):,} kB"
