"""Layers to an interactive map: one HTML page that opens anywhere and asks no other host for anything.

folium builds the page (map, layers, their order); what it would fetch from elsewhere is replaced by
the vendored files of ``assets``. Reprojection here is for display only. The layer list is at once
the legend, so that a reader finds sign, name and number in one place; it is made of plain HTML
controls, which a keyboard and a screen reader know.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from branca.element import Element, Figure, MacroElement
from jinja2 import Template

from gis_renovation.display import (
    StyleClass,
    classify,
    in_language,
    layer_style,
    plain_text,
    safe,
    script_json,
    style_table,
)
from gis_renovation.errors import DataError, Finding
from gis_renovation.maps import counties as map_counties
from gis_renovation.maps import encoding, tiles
from gis_renovation.maps import months as map_months
from gis_renovation.maps.basemaps import NO_BASEMAPS, PageBasemaps
from gis_renovation.maps.shell import WORDS, Audience, Download, PageFacts, number_line, sheet_facts, shell, ui
from gis_renovation.shipped import shipped
from gis_renovation.words import Lang, Text

# Layers whose names can be searched, the most asked for first.
SEARCHED = (
    "communities",
    "zones",
    "parks",
    "facilities",
    "streets",
    "reporting_units",
    "idle_premises",
    "idle_parcels",
)


class MapFiles(NamedTuple):
    """A map: its page, the files beside it (path -> bytes), and for each large layer why it is cut into tiles."""

    page: str
    files: dict[str, bytes]
    reasons: dict[str, Text]


def map_page(layers: Mapping[str, gpd.GeoDataFrame | pd.DataFrame | None], **options: Any) -> str:
    """An interactive map of one run as the text of one HTML page that needs no other file.

    The arguments are those of :func:`map_files`, and so is what is raised; a page of more than
    20 MB is refused with DataError.
    """
    return map_files(layers, single=True, **options).page


def map_files(
    layers: Mapping[str, gpd.GeoDataFrame | pd.DataFrame | None],
    *,
    title: str,
    as_of: date,
    lang: Lang = "zh",
    synthetic: bool = False,
    attribution: str = "",
    map_number: str = "",
    show: Sequence[str] | None = None,
    audience: Audience = "planner",
    links: Mapping[str, str] | None = None,
    downloads: Sequence[Download] | None = None,
    pages: Mapping[str, Mapping[str, str]] | None = None,
    photos: Mapping[str, Mapping[str, Sequence[Mapping[str, str | int]]]] | None = None,
    single: bool = False,
    basemaps: PageBasemaps = NO_BASEMAPS,
) -> MapFiles:
    """An interactive map of one run: an HTML page and, for layers of many thousand shapes, their tiles beside it.

    Every layer with shapes becomes a switchable layer, grouped by theme, with its legend, its
    number of features and a card per feature; tables (zone members, ledgers, park access, ...)
    appear on the cards of the features they speak of. Nothing is thinned out: the page states how
    many features it draws of how many there are.

    Parameters
    ----------
    layers
        Input and result layers by name, in one projected CRS; any may be absent, None or empty.
    title, as_of, attribution, map_number
        Printed on the page; text, never markup. Without ``map_number`` (审图号) the page says that
        it is an internal map, or for the public that the number is still to be obtained.
    lang
        Language of labels and cards.
    synthetic
        Whether to say on the page that the data is made up.
    show
        Names of the layers drawn when the map opens; None takes the style table's choice.
    audience
        Whom the page is for. It decides notices only: what may be seen is decided before
        (:mod:`gis_renovation.publish.publish`); everything in ``layers`` is put on the page.
    links
        Files beside the page to link to: path -> which of the page's own texts names it.
    downloads
        Files of data beside the page, listed with format and size; with none in the list the page says so,
        with None it says nothing about them.
    pages
        Features with a page of their own, linked from their cards: layer -> id -> path.
    photos
        Pictures on cards: layer -> id -> ``src`` (a path beside the page, or a data URI), ``width``, ``height``,
        ``alt`` and ``caption`` of each.
    single
        Whether the tiles stand in the page itself, so that it is one file to hand on.

    basemaps
        Pictures of other makers to choose from (:func:`map_base.page_basemaps`); none is shown before a
        reader asks for it, and the page may fetch pictures of their hosts and nothing else.

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
    present = {plain_text(name): frame for name, frame in layers.items() if frame is not None}
    drawn = require_drawable(present)
    reasons = {name: reason for name, frame in drawn.items() if (reason := tiles.tile_reason(frame))}
    tiled = {name: tiles.tile_layer(name, drawn[name], present, lang=lang) for name in reasons}
    blocks: list[dict[str, Any]] = []
    for name, frame in drawn.items():
        made = tiled.get(name)
        blocks += [made.block, made.units] if made else [encoding.encode_layer(name, frame, present, lang=lang)]
    legends = {block["name"]: legend_of(block, drawn[block["name"]]) for block in blocks if "units_of" not in block}
    legends |= {made.units["name"]: made.unit_classes for made in tiled.values()}
    months = _add_months(blocks, legends, present, as_of=as_of, lang=lang)
    legends = {name: in_language(classes, lang) for name, classes in legends.items()}
    for block in blocks:
        _letters(block, lang)
    counties = map_counties.counties_of(present)
    county_blocks = map_counties.county_blocks(present, counties)
    _add_counties(blocks, drawn, present, counties)
    shown = set(show) if show is not None else {name for name in drawn if layer_style(name).show}
    figure = Figure(title=None)
    plan = _PlanMap(ui("map", lang))
    plan.add_to(figure)
    _head(figure, title, tiled=bool(tiled))
    if pages:
        figure.html.add_child(_data_block("pages", pages))
    if photos:
        figure.html.add_child(_data_block("photos", photos))
    for place, block in enumerate(blocks):
        plan.add_child(_PlanLayer(place, show=block["name"] in shown))
        figure.html.add_child(_data_block(f"layer-{block['name']}", block))
    plan.add_child(_PlanStart())
    facts = PageFacts(
        title=title,
        as_of=as_of,
        lang=lang,
        synthetic=synthetic,
        attribution=attribution,
        number=map_number,
        audience=audience,
        links=links or {},
        counties=county_blocks,
        months=bool(months),
        basemaps=bool(basemaps.sources),
        downloads=downloads,
    )
    settings = _settings(drawn, blocks, attribution=attribution, lang=lang) | {
        "as_of": as_of.isoformat(),
        "sheet": sheet_facts(facts),
        "number": safe(number_line(facts)),
        "basemaps": basemaps.sources,
        "months": months,
        "counties": county_blocks,
    }
    figure.html.add_child(_data_block("settings", settings))
    for name, made in tiled.items():
        if made.names:
            figure.html.add_child(_data_block(f"names-{name}", made.names))
        if single:
            figure.html.add_child(_Verbatim(tiles.inline_archive(name, made.archive)))
    figure.html.add_child(_data_block("search-index", search_index(blocks)))
    figure.html.add_child(_Verbatim(shell(legends, blocks, shown, facts)))
    pictures = ("'self'",) if photos and not single else ()
    page = finish_page(figure, lang=lang, beside=bool(tiled) and not single, hosts=[*pictures, *basemaps.hosts])
    if single:
        sources = [
            str(photo["src"]) for own in (photos or {}).values() for several in own.values() for photo in several
        ]
        tiles.require_small(page, tiled, photos_bytes=sum(map(len, sources)))
    files = {} if single else {k: v for name, made in tiled.items() for k, v in tiles.tile_files(name, made.archive)}
    return MapFiles(page, files, reasons)


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
            view = encoding.view_frame(name, layers)
            if view is not None and _has_shapes(view):
                found[name] = view
    return dict(sorted(found.items(), key=lambda item: (layer_style(item[0]).order, item[0])))


def _has_shapes(frame: gpd.GeoDataFrame) -> bool:
    if frame.active_geometry_name is None:
        return False
    geometry = frame.geometry.to_numpy()
    return bool((~(shapely.is_missing(geometry) | shapely.is_empty(geometry))).any())


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


# Where the initials of pinyin change in the first level of GB 2312, whose 3,755 characters stand in
# the order of their pinyin (GB/T 2312-1980, rows 16 to 55), and rarer characters (ordered by radical
# there) that are common in names of places and estates. The page's script reads both.
PINYIN_STARTS: tuple[tuple[int, str], ...] = (
    (0xB0A1, "a"), (0xB0C5, "b"), (0xB2C1, "c"), (0xB4EE, "d"), (0xB6EA, "e"), (0xB7A2, "f"), (0xB8C1, "g"),
    (0xB9FE, "h"), (0xBBF7, "j"), (0xBFA6, "k"), (0xC0AC, "l"), (0xC2E8, "m"), (0xC4C3, "n"), (0xC5B6, "o"),
    (0xC5BE, "p"), (0xC6DA, "q"), (0xC8BB, "r"), (0xC8F6, "s"), (0xCBFA, "t"), (0xCDDA, "w"), (0xCEF4, "x"),
    (0xD1B9, "y"), (0xD4D1, "z"), (0xD7FA, ""),
)  # fmt: skip
PINYIN_RARE = (
    (
        "庵馨邸泗濠淝颍濉亳圩瑾翡榭茗楠桦梓槿曦珑玺昊晟鑫淼泮畲垸昱晖煜烨琦瑜璐珂珀璞琪恺岚嵘崂岷岱泓洹淇湄溧"
        "潋瀛灏鹭麒麟骐馥芷荟菀蓓蕙榕桢桉棣禧祺祯邺邳郢隽霁雯颢飒熠昕昶晗暄曜钰铖懿翎翊羿胤婺绮绫缤炜焱璋琨琬"
        "琰璨瑗瑛珩玮珉阆闵阙邕邗邛鄄鄞郦沅沣沭洮洵浔涞湟湫溱滹漯澧濮嵊嵩峄岐崆萃葳茉苒莘芮苡茜菁萱楹榉橄橼鹂"
    ),
    (
        "axdshfysbwjfxmnhzjxlxhsxmpsyyhyyqylkppqklrlmdhhqmllyhlqlqfzhwbhrzadxqzypyjjwhsyxchxyycylyyywqlbwyzkw"
        "ycyyhwmlmqyhqjylyfstxxlhqqhllpssyqkcwmrxryqjxyjgyl"
    ),
)


def search_index(blocks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Which layers can be searched, the most asked for first, and how names become initials (lhxc)."""
    present = {block["name"] for block in blocks}
    return {
        "layers": [name for name in SEARCHED if name in present],
        "starts": [list(start) for start in PINYIN_STARTS],
        "rare": list(PINYIN_RARE),
    }


# --- the parts of the page ------------------------------------------------------------------------


class _Verbatim(Element):
    """Text put into the page as it is: folium renders other elements' text as a template once more."""

    _template = Template("{{ this.text }}")

    def __init__(self, text: str) -> None:
        super().__init__()
        self._name = "Verbatim"
        self.text = text


class _PlanMap(folium.Map):
    """A folium map without tiles, without links to other hosts, that may be zoomed by its readers."""

    _template = Template(
        """
        {% macro html(this, kwargs) %}
        <main id="map-area" tabindex="-1" aria-label="{{ this.map_label }}">
          <div class="folium-map" id="{{ this.get_name() }}"></div>
        </main>
        {% endmacro %}
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.map("{{ this.get_name() }}", {
          zoomControl: false, attributionControl: true, preferCanvas: false, fadeAnimation: false,
          minZoom: 5, maxZoom: 20, zoomSnap: 0.5, wheelPxPerZoomLevel: 90
        });
        var {{ this.get_name() }}_plan = openPlan({{ this.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, map_label: str) -> None:
        super().__init__(tiles=None)
        # On the instance: the class's lists are shared by every folium map of the process.
        self.default_js = []
        self.default_css = []
        self.map_label = map_label


class _PlanLayer(folium.map.Layer):
    """One layer whose shapes are read from its data block when it is first shown."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = {{ this._parent.get_name() }}_plan.layer({{ this.place }});
        {% endmacro %}
        """
    )

    def __init__(self, place: int, *, show: bool) -> None:
        # folium renders its scripts twice as templates, so no name from the data may stand in one:
        # the script says the layer's place in the list of the settings block.
        super().__init__(name=f"layer-{place}", overlay=True, control=True, show=show)
        self._name = "PlanLayer"
        self.place = int(place)


class _PlanStart(MacroElement):
    """Starts the page once every layer stands."""

    _template = Template("{% macro script(this, kwargs) %}{{ this._parent.get_name() }}_plan.start();{% endmacro %}")

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "PlanStart"


def _head(figure: Figure, title: str, *, tiled: bool) -> None:
    figure.header.add_child(_Verbatim(f"<title>{safe(title)}</title>"), name="title")
    figure.header.add_child(
        _Verbatim('<meta name="viewport" content="width=device-width, initial-scale=1">'), name="viewport"
    )
    figure.header.add_child(_Verbatim(f"<style>{asset_css('leaflet/leaflet.css')}</style>"), name="leaflet_css")
    figure.header.add_child(_Verbatim(f"<style>{asset_css('page.css')}</style>"), name="page_css")
    scripts = {"leaflet": asset_js("leaflet/leaflet.js")}
    if tiled:
        scripts |= {name: asset_js(f"{name}/{name}.js") for name in ("pmtiles", "protomaps-leaflet")}
    for name, code in {**scripts, "page": page_script(tiled=tiled)}.items():
        figure.header.add_child(_Verbatim(f"<script>{code}</script>"), name=name)


def _data_block(block_id: str, value: object) -> _Verbatim:
    return _Verbatim(f'<script type="application/json" id="{safe(block_id)}">{script_json(value)}</script>')


def _settings(
    drawn: Mapping[str, gpd.GeoDataFrame], blocks: Sequence[Mapping[str, Any]], *, attribution: str, lang: Lang
) -> dict[str, Any]:
    return {
        "ui": {key: text.in_language(lang) for key, text in WORDS.items()},
        "order": [block["name"] for block in blocks],
        "dense": dense_layers(blocks),
        "labels": {block["name"]: block["label"] for block in blocks},
        "min_zoom": {block["name"]: layer_style(block["name"]).min_zoom for block in blocks}
        | {block["name"]: block["tiles"]["street_zoom"] for block in blocks if "tiles" in block},
        "end_zoom": {block["name"]: block["end_zoom"] for block in blocks if "end_zoom" in block},
        "units": {block["units_of"]: block["name"] for block in blocks if "units_of" in block},
        "bubble_layer": next((b["name"] for b in blocks if layer_style(b["name"]).bubbles), None),
        "bounds": opening_bounds(drawn),
        "attribution": safe(attribution),
    }


def dense_layers(blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Layers painted on tiles: those of more than 2,000 shapes, and every area or line that lies below one.

    Painted layers lie under all separate shapes, so one that belongs below a painted layer must be
    painted itself. ``blocks`` are in drawing order.
    """
    large = [at for at, b in enumerate(blocks) if "tiles" in b or len(b["ids"]) > encoding.DETAIL_LIMIT]
    return [
        block["name"]
        for at, block in enumerate(blocks)
        if "tiles" not in block and (at in large or (large and at < large[-1] and block["kind"] in {"polygon", "line"}))
    ]


def opening_bounds(drawn: Mapping[str, gpd.GeoDataFrame]) -> list[list[float]]:
    """What the map shows first: the communities, else everything; south-west and north-east in degrees."""
    name = next((n for n in ("communities", "zones", "idle_parcels") if n in drawn), None)
    frames = [drawn[name]] if name else list(drawn.values())
    boxes = [frame.geometry.to_crs(encoding.DISPLAY_CRS).total_bounds for frame in frames]
    left, bottom = np.nanmin([box[:2] for box in boxes], axis=0)
    right, top = np.nanmax([box[2:] for box in boxes], axis=0)
    # A single point has no extent; about 300 m around it shows where it is.
    margin = max(0.0, 0.003 - max(right - left, top - bottom)) / 2
    return [
        [round(float(v), 6) for v in corner]
        for corner in ((bottom - margin, left - margin), (top + margin, right + margin))
    ]


def legend_of(block: Mapping[str, Any], frame: gpd.GeoDataFrame) -> tuple[StyleClass, ...]:
    """The classes of one layer with the numbers of features drawn in each."""
    has_shape = ~(shapely.is_missing(frame.geometry.to_numpy()) | shapely.is_empty(frame.geometry.to_numpy()))
    return classify(str(block["name"]), frame[has_shape], whole_scale="rates" in block)[0]


def _letters(block: dict[str, Any], lang: Lang) -> None:
    """Put letters for the characters in a block's symbols where English is spoken."""
    letters = {} if lang == "zh" else style_table().glyphs_en
    for symbol in block.get("symbols", ()):
        if symbol["glyph"] in letters:
            letter = letters[symbol["glyph"]]
            symbol["markup"] = symbol["markup"].replace(f">{symbol['glyph']}</text>", f">{letter}</text>")
            symbol["glyph"] = letter


def _add_months(
    blocks: Sequence[dict[str, Any]],
    legends: dict[str, tuple[StyleClass, ...]],
    layers: Mapping[str, pd.DataFrame],
    *,
    as_of: date,
    lang: Lang,
) -> list[str]:
    """Give the layer of community states and the cards their months, where the records are at hand; the months."""
    # A layer in tiles holds no rows on the page that months could be given to.
    own = [block for block in blocks if layer_style(block["name"]).monthly and "tiles" not in block]
    tables = [(one, one.pop("keys")) for block in blocks for one in block["related"] if "keys" in one]
    months = map_months.monthly_progress(layers, as_of) if own else None
    if months is None or len(months) < 2:
        return []
    states = pd.DataFrame({day: frame["state"] for day, frame in months.items()})
    for block in own:
        encoded, classes = map_months.encode_months(block["name"], states, block["ids"], lang=lang)
        block["months"] = encoded
        block["cls"] = encoded["cls"][-1]
        block["classes"] = [None if c.code is None else plain_text(c.code) for c in classes]
        block["class_labels"] = encoded["class_labels"]
        block["symbols"] = [encoding.symbol_block(c.symbol) for c in classes]
        legends[block["name"]] = tuple(classes)
        map_months.add_monthly_columns(block["columns"], block["ids"], months)
    for related, keys in tables:
        map_months.add_monthly_columns(related["columns"], keys, months)
    return [day.isoformat() for day in months]


def _add_counties(
    blocks: Sequence[dict[str, Any]],
    drawn: Mapping[str, gpd.GeoDataFrame],
    layers: Mapping[str, pd.DataFrame],
    counties: map_counties.Counties | None,
) -> None:
    """Give every layer but those of the base map the county of each feature drawn."""
    for block in blocks:
        plain = "tiles" not in block and "units_of" not in block
        if plain and counties is not None and layer_style(block["name"]).theme != "base":
            frame = drawn[block["name"]]
            shaped = ~(shapely.is_missing(frame.geometry.to_numpy()) | shapely.is_empty(frame.geometry.to_numpy()))
            block["county"] = map_counties.county_rows(frame[shaped], layers, counties)


# --- assets ---------------------------------------------------------------------------------------


@lru_cache(maxsize=32)
def asset_js(name: str) -> str:
    """A vendored or own script, ready to stand in a page: it ends no element and names no host."""
    text = _asset(name).decode("utf-8")
    text = re.sub(r"//# sourceMappingURL=\S*", "", text)
    # Leaflet's prefix links to its home page and carries a flag, the tile library names its makers' pages:
    # ours are set to plain names, and no address of another host stands in the page. Namespaces are names only.
    text = re.sub(r"https?://(?!www\.w3\.org/)[^\s\"'`)]*", "#", text)
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


# The page's own script, by theme, in the order in which its parts stand in the page and read the address.
PAGE_SCRIPTS = (
    "words", "shapes", "painted", "plan", "state", "search", "table", "county", "rates", "months", "swipe", "names",
    "geodesy", "base", "tools", "print", "share", "cards",
)  # fmt: skip


@lru_cache(maxsize=2)
def page_script(*, tiled: bool = False) -> str:
    """The page's own script: the files of ``assets/page`` in one closed scope; tiles only where a layer has them.

    Indents and comments that begin a line stay behind: every page would carry them.
    """
    names = (*PAGE_SCRIPTS, "tiles") if tiled else PAGE_SCRIPTS
    parts = "\n".join(asset_js(f"page/{name}.js") for name in names)
    parts = re.sub(r"^\s*/\*.*?\*/$|^[ \t]+", "", parts, flags=re.MULTILINE | re.DOTALL)
    parts = re.sub(r"\n+", "\n", parts)
    return f'(function () {{\n"use strict";\n{parts}}}());\n'


@lru_cache(maxsize=32)
def asset_css(name: str) -> str:
    """A vendored or own style sheet with its pictures inside."""
    folder = name.rpartition("/")[0]

    def inline(match: re.Match[str]) -> str:
        path = match.group(1).strip("'\"")
        if path.startswith(("data:", "#")):
            return match.group(0)
        data = base64.b64encode(_asset(f"{folder}/{path}" if folder else path)).decode("ascii")
        return f"url(data:image/png;base64,{data})"

    # Comments go: some name the addresses of bug reports, and a page names no other host.
    text = re.sub(r"/\*.*?\*/", "", _asset(name).decode("utf-8"), flags=re.DOTALL)
    return re.sub(r"url\(([^)]+)\)", inline, text)


def _asset(name: str) -> bytes:
    place = shipped("assets")
    for part in name.split("/"):
        place = place / part
    return place.read_bytes()


# --- the finished page ----------------------------------------------------------------------------


_PAGE_TEXT = """<!DOCTYPE html>
<html lang="LANGUAGE">
<head>
{{ this.header.render(**kwargs) }}
</head>
<body>
{{ this.html.render(**kwargs) }}
<script>
{{ this.script.render(**kwargs) }}
</script>
</body>
</html>
"""
_PAGE: Mapping[Lang, Template] = {
    "zh": Template(_PAGE_TEXT.replace("LANGUAGE", "zh-CN")),
    "en": Template(_PAGE_TEXT.replace("LANGUAGE", "en")),
}


def finish_page(figure: Figure, *, lang: Lang, beside: bool = False, hosts: Sequence[str] = ()) -> str:
    """Render a figure with steady ids, its language, and a policy that lets nothing else run or load.

    ``beside``: files beside the page may be read as data and, opened from a disk, as scripts.
    ``hosts``: origins whose pictures may be shown.
    """
    _number_elements(figure)
    # branca offers no other way to set the language of a page.
    figure._template = _PAGE[lang]  # noqa: SLF001
    page = figure.render()
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode('utf-8')).digest()).decode('ascii')}'"
        for script in re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    )
    own, reads = (" 'self'", "connect-src 'self'; ") if beside else ("", "")
    policy = (
        f"default-src 'none'; script-src {hashes}{own}; {reads}style-src 'unsafe-inline'; "
        f"img-src {' '.join(['data: blob:', *hosts])}; "
        "font-src data:; base-uri 'none'; form-action 'none'"
    )
    charset = '<meta charset="utf-8">'
    return page.replace(
        "<head>", f'<head>\n{charset}\n<meta http-equiv="Content-Security-Policy" content="{policy}">', 1
    )


def _number_elements(figure: Figure) -> None:
    """Replace branca's random ids by the element's place in the tree."""
    waiting: list[Element] = [figure]
    number = 0
    while waiting:
        element = waiting.pop()
        element._id = f"{number:04d}"  # noqa: SLF001 - the only place branca keeps it
        number += 1
        parts = [getattr(element, part) for part in ("header", "html", "script") if isinstance(element, Figure)]
        waiting += [*reversed([*element._children.values(), *parts])]  # noqa: SLF001
