"""Open data and about: what the files hold, and what the site says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gis_renovation.maps import Download, file_size
from gis_renovation.maps.encoding import layer_label
from gis_renovation.publish.disclosure import SAME_PLACE_M
from gis_renovation.publish.site.facts import ABOUT, DATA, HOME, Site, ask_lines
from gis_renovation.publish.site.frame import Page, page_html
from gis_renovation.publish.site.sources import LayerSource, source_cells
from gis_renovation.publish.site.tables import Cell, Link, Table, head_cell, table
from gis_renovation.publish.site.words import say
from gis_renovation.schemas import APPROXIMATE, Field, layer_schemas
from gis_renovation.unknowns import ABOUT_MEANS
from gis_renovation.words import Lang, Text, unit_text

_METHOD: tuple[Text, ...] = (
    Text(
        "开工率、完工率的分母是已下达的年度计划，不含储备；一个小区无论有几个项目只算一次。",
        "Rates are of the issued plan, without the reserve list; a community counts once, whatever its projects.",
    ),
    Text(
        "任一项目开工，小区即为已开工；所有项目都完工，小区才算完工。",
        "A community has started when any of its projects has, and is completed only when all of them are.",
    ),
    Text(
        "状态取截至数据日期最近一次填报；同日两条不一致时取进度较低者。",
        "The state is that of the latest record up to the date; of two records of one day the less advanced counts.",
    ),
    Text(
        "“未知”表示尚无资料，既不是零，也不是“否”。",
        "“Unknown” means no information: neither zero nor no.",
    ),
)
_LEFT_OUT: tuple[Text, ...] = (
    Text(
        "管线的位置、埋深、阀门，高程和地形：涉及公共安全和测绘成果保密。",
        "Pipes with their places, depths and valves, heights and terrain: public safety and the secrecy of surveys.",
    ),
    Text(
        "宗地、产权人、合同和资金明细：涉及商业秘密和工作秘密。",
        "Parcels, holders, contracts and money in detail: business secrets and work in progress.",
    ),
    Text(
        "联系人、门牌和户级数据：个人信息。",
        "Contacts, house numbers and anything of single households: personal data.",
    ),
)
_ACCESS = Text(
    "除交互地图外，各页不依赖脚本，可用键盘和读屏软件阅读；地图上的内容在小区、片区和开放数据页都有对应的表格。右上角“大字”可放大文字。",
    "All pages but the map work without a script, by keyboard and with a screen reader; what the map shows is also in "
    "tables on the pages of communities, zones and open data. “Large type” is at the top right.",
)


# --- open data ------------------------------------------------------------------------------------

_FORMATS: Mapping[str, Text] = {
    "csv": Text("CSV（UTF-8，Excel 可直接打开）", "CSV (UTF-8, opens in a spreadsheet)"),
    "geojson": Text("GeoJSON（经纬度，CGCS2000）", "GeoJSON (longitude and latitude, CGCS2000)"),
    "gpkg": Text("GeoPackage（带样式，QGIS 可直接打开）", "GeoPackage (with styles, opens in QGIS)"),
    "xlsx": Text("Excel 工作簿（附字段说明）", "Excel workbook (with a description of the columns)"),
}


class _Columns(NamedTuple):
    """The columns of one layer, and how many rows it has."""

    table: Table
    rows: int


def data_page(site: Site) -> str:
    """The files that hold what the site shows, their licence, and what every column means."""
    lang = site.facts.lang
    kinds = dict.fromkeys(file.path.rpartition(".")[2] for file in site.downloads)
    return page_html(
        site.facts,
        Page(DATA, say("data", lang), crumbs=[(HOME, say("home", lang))]),
        "site/data.html",
        files=_files(site),
        formats=[_FORMATS[kind].in_language(lang) for kind in sorted(kinds) if kind in _FORMATS],
        licence=site.licence,
        columns=[_layer_columns(site, layer) for layer in site.frames],
        ask=ask_lines(site),
    )


def _files(site: Site) -> Table | None:
    """The files by layer, those of all layers first; None where there are none."""
    lang, order = site.facts.lang, list(site.frames)
    layers = sorted({file.layer for file in site.downloads}, key=lambda one: order.index(one) if one else -1)
    rows = [
        [
            head_cell(layer_label(layer, lang) if layer else say("everything", lang)),
            Cell(f"{len(site.frames[layer]):,}" if layer in site.frames else "", "number"),
            Cell("", files=[_link(file) for file in site.downloads if file.layer == layer]),
        ]
        for layer in layers
    ]
    heads = [say(word, lang) for word in ("content", "row_count", "file")]
    return table(say("data", lang), heads, rows) if rows else None


def _link(file: Download) -> Link:
    return Link(file.path, file.path.rpartition("/")[2], file_size(file.size))


def _layer_columns(site: Site, layer: str) -> _Columns:
    """Every column of one layer: what it means, its unit, its codes."""
    lang, frame, schema = site.facts.lang, site.frames[layer], layer_schemas().get(layer)
    present = [str(c) for c in frame.columns if str(frame[c].dtype) != "geometry"]
    names = [schema.key, *present] if schema and schema.key and schema.key == frame.index.name else present
    rows = []
    for name in names:
        field = schema.fields.get(name) if schema else None
        meaning = field.label.in_language(lang) if field else name
        texts = (meaning, _unit(field, lang), _codes(field, lang))
        rows.append([Cell(name, head=True, code=True), *map(Cell, texts)])
    heads = [say(word, lang) for word in ("column", "meaning", "unit_of", "codes")]
    return _Columns(table(layer_label(layer, lang), heads, rows), len(frame))


def _unit(field: Field | None, lang: Lang) -> str:
    if field is None:
        return ""
    if field.name.endswith("_share") and not field.unit:
        return "0–1"
    return unit_text(field.unit, lang)


def _codes(field: Field | None, lang: Lang) -> str:
    if field is None:
        return ""
    codes = [f"{code} = {label.in_language(lang)}" for code, label in field.values.items()]
    return ("；" if lang == "zh" else "; ").join(text for text in (*codes, field.note.in_language(lang)) if text)


# --- about ----------------------------------------------------------------------------------------


def about_page(site: Site) -> str:
    """Sources, method, map review, what is withheld and why, accessibility."""
    lang = site.facts.lang
    return page_html(
        site.facts,
        Page(ABOUT, say("about", lang), crumbs=[(HOME, say("home", lang))]),
        "site/about.html",
        sources=_sources(site),
        method=[*(text.in_language(lang) for text in _METHOD), *_estimates(site), *_coarse(site), *site.notes],
        measured=_measured(site),
        left_out=[*(text.in_language(lang) for text in _LEFT_OUT), _small_counts(site)],
        access=_ACCESS,
        ask=ask_lines(site),
    )


def _sources(site: Site) -> Table:
    """A line a published layer: who provides it, under which licence, of which day; or what it was computed from."""
    lang = site.facts.lang
    rows = []
    for layer in site.frames:
        texts = source_cells(site.sources.get(layer, LayerSource()), lang)
        cells = [Cell(texts[0], span=3)] if len(texts) == 1 else _source_row(texts)
        rows.append([head_cell(layer_label(layer, lang)), *cells])
    heads = [say(word, lang) for word in ("content", "owner", "licence", "observed")]
    return table(say("sources", lang), heads, rows)


def _source_row(texts: Sequence[str]) -> list[Cell]:
    owner, licence, observed = texts
    return [Cell(owner), Cell(licence), Cell(observed, "keep")]


def _estimates(site: Site) -> list[str]:
    """What “约” means, on a site where it stands somewhere."""
    if not any(APPROXIMATE in frame.columns for frame in site.frames.values()):
        return []
    return [ABOUT_MEANS.in_language(site.facts.lang)]


def _coarse(site: Site) -> list[str]:
    """By what shapes were made coarse, and what the publisher says of it; never more than was measured."""
    if not site.measured:
        return []
    grid = Text(
        f"图形的角点取在 {site.grid_m:g} m 的格网上，相邻图形仍共用边界；与项目数据相差多少是逐层实测的，见下表。",
        f"Corners of shapes lie on a grid of {site.grid_m:g} m and neighbours still share their borders; how far they "
        "lie from the project's data was measured layer by layer, below.",
    )
    exact = Text(
        "图形未取格网；与项目数据相差多少是逐层实测的，见下表。",
        "Shapes are on no grid; how far they lie from the project's data was measured layer by layer, below.",
    )
    claim = Text(
        f"各图层的角点一般（中位数）距最近的数据角点不小于 {site.claimed_m:g} m。",
        f"In every layer corners usually (median) lie {site.claimed_m:g} m or more from the nearest of the data.",
    )
    use = Text(
        "图形仅供了解进度，不作为权属、规划或工程依据。",
        "Shapes show progress and prove no right, plan or works.",
    )
    said = [grid if site.grid_m else exact, *([claim] if site.claimed_m else []), use]
    return [text.in_language(site.facts.lang) for text in said]


def _measured(site: Site) -> Table | None:
    """How far the published corners of each layer lie from the data: median, 95 %, greatest, in metres."""
    if not site.measured:
        return None
    lang = site.facts.lang
    rows = [
        [
            head_cell(layer_label(layer, lang)),
            Cell(f"{one.corners:,}", "number"),
            *(Cell(f"{value:.2f}", "number") for value in (*one.to_corner, *one.to_line)),
            Cell(f"{one.same_place_share * 100:.1f}%", "number"),
        ]
        for layer, one in site.measured.items()
    ]
    spread = [say(word, lang) for word in ("median", "p95", "greatest")]
    heads = [
        say("content", lang),
        say("corners", lang),
        *(say("to_corner", lang, which=which) for which in spread),
        *(say("to_line", lang, which=which) for which in spread),
        say("same_place", lang, metres=f"{SAME_PLACE_M:g}"),
    ]
    return table(say("position", lang), heads, rows)


def _small_counts(site: Site) -> str:
    """The rule of small counts, and how many cells it took; never which value."""
    k, count = site.minimum_count, site.withheld_count
    return Text(
        f"小于 {k} 的户数、人数，以及可由合计反推出它们的数值，写作“不公开”：避免涉及个别住户。本期共 {count} 处。",
        f"Counts of households and people below {k}, and numbers from which totals would give them back, are "
        f"“withheld” so as not to speak of single households: {count} in this edition.",
    ).in_language(site.facts.lang)
