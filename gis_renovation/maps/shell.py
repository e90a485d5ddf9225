"""What stands around the map on its page, as HTML: head, layers and legend, tools, sliders, table, dialogs.

Everything is plain HTML controls, which a keyboard and a screen reader know; the page's script
(``assets/page``) gives them life. Texts of the data pass :func:`markup.safe`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple, cast
from urllib.parse import quote

from gis_renovation.display import GeometryKind, StyleClass, layer_style, plain_text, safe, style_table, swatch_svg
from gis_renovation.maps import encoding, tiles
from gis_renovation.unknowns import ABOUT
from gis_renovation.words import Lang, Text

Audience = Literal["planner", "bureau", "public"]


class Download(NamedTuple):
    """A file beside the pages: its path, its size in bytes, and its layer ("" for all of them)."""

    path: str
    size: int
    layer: str


class PageFacts(NamedTuple):
    """What is printed on a page beside its layers; texts, never markup."""

    title: str
    as_of: date
    lang: Lang
    synthetic: bool
    attribution: str
    number: str
    audience: Audience
    links: Mapping[str, str]
    counties: Sequence[Mapping[str, Any]]
    months: bool
    basemaps: bool = False
    downloads: Sequence[Download] | None = None


WORDS: Mapping[str, Text] = {
    "unknown": Text("未知", "unknown"),
    "about": ABOUT,
    "yes": Text("是", "yes"),
    "no": Text("否", "no"),
    "myriad_yuan": Text("万元", "×10,000 yuan"),
    "zoom_in": Text("放大", "Zoom in"),
    "zoom_out": Text("缩小", "Zoom out"),
    "found": Text("共找到 {n} 处", "{n} found"),
    "not_found": Text("没有找到", "nothing found"),
    "bubble": Text("{n} 个{layer}，放大查看", "{n} {layer}, zoom in"),
    "zoom_to_see": Text("放大后显示", "shown when zoomed in"),
    "in_view": Text("当前视野：{layer} {n} / {all}", "In view: {layer} {n} / {all}"),
    "in_view_none": Text("未打开任何图层", "No layer is switched on"),
    "search": Text("按名称查找", "Search by name"),
    "example": Text("名称、编号或首字母，如 lhxc", "name or number"),
    "layers": Text("图层与图例", "Layers and legend"),
    "layers_short": Text("图层", "Layers"),
    "county": Text("只看一个县区", "Only one county"),
    "county_chosen": Text("县区：{name}", "County: {name}"),
    "all_counties": Text("全部", "all"),
    "community_count": Text("{n} 个小区", "{n} communities"),
    "base": Text("底图", "Basemap"),
    "no_base": Text("无（本项目图层）", "None (own layers)"),
    "base_labels": Text("底图注记", "Labels of the basemap"),
    "check_base": Text("核对偏移", "Check offset"),
    "base_refused": Text(
        "底图“{name}”没有内容：密钥被拒绝或未授权本网站，或网络不通。已改回本项目图层。",
        "The basemap {name} gives nothing: its key is refused or not for this site, or there is no network. "
        "The map is back on the project's own layers.",
    ),
    "labels_refused": Text(
        "底图“{name}”的注记没有内容，已关闭注记。",
        "The labels of the basemap {name} give nothing and are switched off.",
    ),
    "check_first": Text(
        "核对底图位置：先点击本项目图层中的一处（如路口、墙角）；键盘：十字对准后按 Enter。",
        "First point at one thing in the project's layers (a crossing, a corner).",
    ),
    "check_second": Text("再点击同一处在底图上的位置。", "Now point at the same thing in the basemap."),
    "offset": Text("底图偏移 {m} m（东 {east} m，北 {north} m）。", "Offset {m} m ({east} m east, {north} m north). "),
    "offset_none": Text("与本项目图层一致。", "It lies with the project's layers."),
    "offset_gcj": Text(
        '与 GCJ-02 的偏移一致：请在发布配置中把此底图写为 datum = "gcj02"。',
        'This is the shift of GCJ-02: write datum = "gcj02" for this basemap in the profile.',
    ),
    "offset_not_gcj": Text(
        '此底图不是 GCJ-02：请在发布配置中改为 datum = "cgcs2000"。',
        'This basemap is not in GCJ-02: write datum = "cgcs2000" in the profile.',
    ),
    "offset_other": Text(
        "不是已知的坐标偏移：请换一处再核对，或向底图提供方了解其坐标系。",
        "This is no known shift: check at another place, or ask the maker of the basemap.",
    ),
    "rate": Text("显示的比率", "Rate shown"),
    "pair": Text("两月对比", "Compare months"),
    "pair_from": Text("左", "Left"),
    "pair_to": Text("右", "Right"),
    "pair_line": Text("分界线：左侧为较早月份，右侧为较晚月份", "Dividing line: earlier month left, later month right"),
    "pair_share": Text("左侧占 {share}%", "{share}% left"),
    "pair_changed": Text("{from} 到 {to}：{n} 个小区有变化", "{from} to {to}: {n} communities changed"),
    "pair_end": Text("结束对比", "End"),
    "home": Text("全图", "Whole map"),
    "print": Text("打印出图", "Print"),
    "share": Text("分享", "Share"),
    "paper": Text("纸张", "Paper"),
    "way": Text("方向", "Direction"),
    "lying": Text("横向", "landscape"),
    "standing": Text("纵向", "portrait"),
    "png": Text("存为图片（PNG）", "Save as PNG"),
    "to_printer": Text("打印", "Print"),
    "preview": Text("预览：", "Preview: "),
    "legend": Text("图例", "Legend"),
    "on_sheet": Text("数字为本图范围内的数量", "numbers: within this sheet"),
    "crowd": Text("{layer}个数", "{layer}, number of them"),
    "png_saved": Text("图片已生成，请在下载文件夹查看。", "The picture is in your downloads."),
    "png_refused": Text(
        "浏览器不允许把底图画进图片。请先把底图改为“无”，再出图。",
        "The browser does not let the basemap be drawn into a picture. Set the basemap to none and try again.",
    ),
    "share_link": Text("当前视图的链接", "Link to this view"),
    "share_code": Text("嵌入其他网页的代码", "Code to embed in another page"),
    "share_file": Text(
        "本页从文件打开，链接只在本机有效；发布到网站后再分享。",
        "This page was opened from a file: the link works on this machine only. Publish it, then share.",
    ),
    "copy": Text("复制链接", "Copy link"),
    "copy_code": Text("复制代码", "Copy code"),
    "copied": Text("已复制。", "Copied."),
    "copy_by_hand": Text("已选中，请按 Ctrl+C 复制。", "Selected; press Ctrl+C to copy."),
    "embed_open": Text("打开完整地图", "Open the whole map"),
    "tools": Text("地图工具", "Map tools"),
    "measure": Text("量测距离和面积", "Measure"),
    "full": Text("全屏", "Full screen"),
    "full_refused": Text("浏览器不允许本页全屏显示；可按 F11。", "The browser refuses full screen; try F11."),
    "locate": Text("我的位置", "My position"),
    "locate_waiting": Text("正在取得位置……", "Finding your position …"),
    "locate_found": Text(
        "位置误差约 {m} m；位置只显示在本页，不会发送。", "Within about {m} m; it stays on this page."
    ),
    "locate_refused": Text(
        "没有定位权限。如需定位，请在浏览器地址栏旁允许本页使用位置。",
        "Positioning was refused. To use it, allow this page to know your position beside the address bar.",
    ),
    "locate_failed": Text("未能取得位置，请到开阔处再试。", "Your position could not be found; try again outdoors."),
    "locate_file": Text(
        "从文件打开的网页不能定位；请在发布后的网站（https）上使用。",
        "A page opened from a file cannot know your position; use the published site (https).",
    ),
    "locate_insecure": Text(
        "此网站不是 https，浏览器不提供定位。", "This site is not https, so the browser gives no position."
    ),
    "distance": Text("距离", "Distance"),
    "area": Text("面积", "Area"),
    "around": Text("周长", "perimeter"),
    "mu": Text("亩", "mu"),
    "measure_start": Text(
        "在地图上依次点击；键盘：按 Enter 在十字中心加点。", "Click on the map; by keyboard: Enter at the cross."
    ),
    "measure_more": Text("面积至少需要三个点。", "An area needs three points."),
    "measure_middle": Text("在中心加点", "Add at the cross"),
    "undo": Text("撤销", "Undo"),
    "clear": Text("清除", "Clear"),
    "table": Text("表格", "Table"),
    "table_rows": Text("表格内容", "Rows of the table"),
    "overview": Text("进度总览与数据下载", "Overview and downloads"),
    "own_page": Text("查看详情页", "Its own page"),
    "no_script": Text(
        "交互地图需要浏览器启用 JavaScript；不启用时请查看同一文件夹的表格与总览。",
        "The interactive map needs JavaScript; without it, see the tables and the overview beside this page.",
    ),
    "notice": Text("数据说明", "About the data"),
    "table_layer": Text("图层", "Layer"),
    "month": Text("月份", "Month"),
    "play": Text("播放", "Play"),
    "pause": Text("暂停", "Pause"),
    "filter": Text("筛选", "Filter"),
    "only_view": Text("只列当前视野", "Only what is in view"),
    "rows": Text("第 {from}–{to} 行，共 {n} 行（全部 {all}）", "Rows {from}–{to} of {n} (all: {all})"),
    "rows_none": Text("没有符合条件的行（全部 {all}）", "No row fits (all: {all})"),
    "save_rows": Text("存为 CSV", "Save as CSV"),
    "rows_saved": Text("已存下 {n} 行。", "{n} rows saved."),
    "downloads": Text("数据下载（{n} 个文件）", "Downloads ({n} files)"),
    "all_layers": Text("全部图层", "All layers"),
    "no_downloads": Text(
        "数据下载：本页是单个文件，不附数据文件；需要数据时，请向制图单位索取。",
        "Downloads: this page is a single file and brings no data files; ask its makers for them.",
    ),
    "before": Text("上一页", "Previous"),
    "after": Text("下一页", "Next"),
    "large": Text("大字", "Large type"),
    "as_of": Text("数据截至 {date}", "As of {date}"),
    "synthetic": Text("合成示例数据，非真实", "Synthetic sample data, not real"),
    "synthetic_note": Text("仅供演示与测试，不得用于任何决策", "for demonstration and tests only"),
    "skip": Text("跳到地图", "Skip to the map"),
    "map": Text("地图", "Map"),
    "names": Text("显示名称注记", "Show names on the map"),
    "shown": Text("显示 {drawn} / {all}", "showing {drawn} / {all}"),
    "no_shape": Text("{n} 个没有图形，仅列于表中", "{n} have no shape"),
    "simplified": Text("屏幕图形简化 {m} m，数量不减", "shapes simplified by {m} m on screen, none left out"),
    "number": Text("审图号：", "Map number: "),
    "no_number": Text(
        "内部工作底图，未经地图审核，不得公开", "Internal working map, not reviewed, not for publication"
    ),
    "number_wanted": Text("审图号：尚未取得，公开前须依法送审", "Map number: to be obtained before publication"),
    "north": Text("北", "N"),
    "close": Text("关闭", "Close"),
    "source": Text("来源：", "Source: "),
    **tiles.UI,
}


def ui(key: str, lang: Lang) -> str:
    """A text of the page itself."""
    return WORDS[key].in_language(lang)


def shell(
    legends: Mapping[str, Sequence[StyleClass]],
    blocks: Sequence[Mapping[str, Any]],
    shown: set[str],
    facts: PageFacts,
) -> str:
    """Head, notice, side panel, sliders and table; the map itself is folium's."""
    lang = facts.lang
    notice = (
        f'<section class="note" aria-label="{word("notice", lang)}">{word("synthetic", lang)} '
        f"<small>{word('synthetic_note', lang)}</small></section>"
        if facts.synthetic
        else ""
    )
    return (
        f'<noscript><p class="note">{word("no_script", lang)}</p></noscript>'
        f'<a class="skip" href="#map-area">{word("skip", lang)}</a>'
        f'<header class="head"><h1>{safe(facts.title)}</h1>'
        f'<p class="asof">{safe(ui("as_of", lang).format(date=facts.as_of.isoformat()))}</p>'
        f'<div class="tools">{_tools(lang)}</div></header>{notice}'
        f'<aside class="side" id="side" aria-label="{word("layers", lang)}">'
        f"{_finder(facts)}{_counties(facts, blocks)}{_panel(legends, blocks, shown, lang=lang)}{_footer(facts)}</aside>"
        f"{_map_tools(lang)}{_measure(lang)}"
        f'<p class="in-view" id="in-view" role="status"></p>{_sheet(lang)}{_slider(lang) if facts.months else ""}'
        '<div id="message" class="message" role="alert" hidden><p></p>'
        f"{button('message-close', word('close', lang))}</div>"
        f"{_print_dialog(lang)}{_share_dialog(lang)}"
        f'<nav class="embed-open" aria-label="{word("embed_open", lang)}">'
        f'<a id="embed-open" href="#" target="_blank" rel="noopener">{word("embed_open", lang)}</a></nav>'
        '<div id="paper-sheet"></div>'
        '<div class="visually-hidden" id="live" role="status" aria-live="polite"></div>'
    )


def word(key: str, lang: Lang) -> str:
    """A text of the page itself, ready to stand in HTML."""
    return safe(ui(key, lang))


def button(key: str, text: str, extra: str = "") -> str:
    """A button of the page; ``text`` is escaped already."""
    return f'<button type="button" class="tool" id="{key}"{extra}>{text}</button>'


def _tools(lang: Lang) -> str:
    return "".join(
        button(f"{key}-button", word(text, lang), extra)
        for key, text, extra in (
            ("panel", "layers_short", ' aria-expanded="false" aria-controls="side"'),
            ("table", "table", ' aria-expanded="false" aria-pressed="false" aria-controls="sheet"'),
            ("home", "home", ""),
            ("large", "large", ' aria-pressed="false"'),
            ("print", "print", ' aria-haspopup="dialog"'),
            ("share", "share", ' aria-haspopup="dialog"'),
        )
    )


# Drawings of 20 x 20 for the tools of the map; what each does stands in its label.
_ICONS = {
    "measure": "M2 14 14 2l4 4L6 18zM5 11l2 2M8 8l2 2M11 5l2 2",
    "full": "M3 8V3h5M12 3h5v5M17 12v5h-5M8 17H3v-5",
    "locate": "M10 2v4M10 14v4M2 10h4M14 10h4M10 6a4 4 0 1 0 0 8a4 4 0 1 0 0-8",
}


def _map_tools(lang: Lang) -> str:
    """Measure, full screen, where am I: buttons that stand on the map."""
    tools = "".join(
        f'<button type="button" id="{key}-button" title="{word(key, lang)}" aria-label="{word(key, lang)}"{state}>'
        f'<svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true"><path d="{_ICONS[key]}" fill="none" '
        'stroke="currentColor" stroke-width="1.6"/></svg></button>'
        for key, state in (("measure", ' aria-pressed="false"'), ("full", ' aria-pressed="false"'), ("locate", ""))
    )
    return f'<section class="map-tools" aria-label="{word("tools", lang)}">{tools}</section>'


def _measure(lang: Lang) -> str:
    choices = "".join(
        f'<label><input type="radio" name="measured" value="{key}"{state}>{word(key, lang)}</label>'
        for key, state in (("distance", " checked"), ("area", ""))
    )
    buttons = "".join(
        button(f"measure-{key}", word(text, lang))
        for key, text in (("middle", "measure_middle"), ("undo", "undo"), ("clear", "clear"), ("end", "close"))
    )
    return (
        f'<section id="measure" class="measure" aria-label="{word("measure", lang)}" hidden>{choices}'
        f'<output id="measure-said" role="status"></output><span>{buttons}</span></section>'
        '<div class="cross" aria-hidden="true"></div>'
    )


def _print_dialog(lang: Lang) -> str:
    return (
        f'<dialog id="print" aria-labelledby="print-title"><h2 id="print-title">{word("print", lang)}</h2>'
        '<div id="print-preview"></div><div class="row">'
        f'<label>{word("paper", lang)}<select id="paper"><option>A4</option><option>A3</option></select></label>'
        f'<label>{word("way", lang)}<select id="upright"><option value="0">{word("lying", lang)}</option>'
        f'<option value="1">{word("standing", lang)}</option></select></label></div>'
        '<p id="print-said" role="status"></p><div class="row">'
        f"{button('print-png', word('png', lang))}{button('print-paper', word('to_printer', lang))}"
        f"{button('print-end', word('close', lang))}</div></dialog>"
    )


def _share_dialog(lang: Lang) -> str:
    return (
        f'<dialog id="share" aria-labelledby="share-title"><h2 id="share-title">{word("share", lang)}</h2>'
        f'<label for="share-link">{word("share_link", lang)}</label><div class="row">'
        f'<input id="share-link" readonly>{button("share-copy-link", word("copy", lang))}</div>'
        f'<label for="share-code">{word("share_code", lang)}</label>'
        f'<textarea id="share-code" readonly rows="4"></textarea><p id="share-said" role="status"></p>'
        f'<div class="row">{button("share-copy-code", word("copy_code", lang))}'
        f"{button('share-end', word('close', lang))}</div></dialog>"
    )


def sheet_facts(facts: PageFacts) -> dict[str, str]:
    """What a printed sheet says beside the map; a file name is made of the date alone."""
    lang = facts.lang
    synthetic = f"{ui('synthetic', lang)}" if facts.synthetic else ""
    return {
        "title": plain_text(facts.title),
        "as_of": ui("as_of", lang).format(date=facts.as_of.isoformat()),
        "number": plain_text(number_line(facts)),
        "source": ui("source", lang) + plain_text(facts.attribution) if facts.attribution else "",
        "synthetic": synthetic,
        "file": f"map-{facts.as_of.isoformat()}",
    }


def _finder(facts: PageFacts) -> str:
    """Search by name, and the choice of a basemap."""
    lang = facts.lang
    return (
        f'<div class="finder"><label for="find">{word("search", lang)}</label>'
        '<input id="find" type="search" role="combobox" autocomplete="off" aria-autocomplete="list" '
        f'aria-expanded="false" aria-controls="found" maxlength="60" placeholder="{word("example", lang)}">'
        f'<ul id="found" role="listbox" aria-label="{word("search", lang)}" hidden></ul></div>'
        f"{_base(lang) if facts.basemaps else ''}"
    )


def _counties(facts: PageFacts, blocks: Sequence[Mapping[str, Any]]) -> str:
    """The branch of the counties: one of them at a time, each with its number of communities."""
    if not facts.counties:
        return ""
    lang = facts.lang
    whole = next((block["count"] for block in blocks if block["name"] == "communities"), None)
    everything = {"code": "", "name": ui("all_counties", lang), "count": whole}
    items = "".join(_county(county, lang) for county in (everything, *facts.counties))
    said = safe(ui("county_chosen", lang).format(name=everything["name"]))
    return (
        f'<details class="theme" id="counties"><summary><span id="county-said">{said}</span></summary>'
        f'<fieldset><legend class="visually-hidden">{word("county", lang)}</legend><ul>{items}</ul></fieldset>'
        "</details>"
    )


def _county(county: Mapping[str, Any], lang: Lang) -> str:
    """One county as a choice."""
    number = "" if county["count"] is None else ui("community_count", lang).format(n=f"{county['count']:,}")
    count = f'<span class="count">{safe(number)}</span>' if number else ""
    return (
        f'<li class="entry"><label><input type="radio" name="county" value="{safe(county["code"])}"'
        f'{"" if county["code"] else " checked"}><span class="what">{safe(county["name"])}</span>{count}</label></li>'
    )


def _base(lang: Lang) -> str:
    """The choice of a basemap; its labels and the check of its place show while there is one."""
    return (
        f'<div class="base"><label for="base">{word("base", lang)}</label>'
        f'<select id="base"><option value="">{word("no_base", lang)}</option></select></div>'
        '<div class="base-more" id="base-more" hidden>'
        f'<label><input type="checkbox" id="base-labels" checked>{word("base_labels", lang)}</label>'
        f"{button('base-check', word('check_base', lang))}</div>"
    )


def _footer(facts: PageFacts) -> str:
    lang = facts.lang
    source = f"<p>{word('source', lang)}{safe(facts.attribution)}</p>" if facts.attribution else ""
    beside = "".join(f'<p><a href="{safe(path)}">{word(key, lang)}</a></p>' for path, key in facts.links.items())
    return (
        f'<footer><label><input type="checkbox" id="show-names" checked>{word("names", lang)}</label>'
        f"{source}<p>{safe(number_line(facts))}</p>{beside}{_downloads(facts)}</footer>"
    )


_FILE_KINDS: Mapping[str, str] = {"csv": "CSV", "geojson": "GeoJSON", "gpkg": "GeoPackage", "xlsx": "XLSX"}


def _downloads(facts: PageFacts) -> str:
    """Every file of data beside the page with its format and size, by layer; that of all layers first."""
    lang = facts.lang
    if facts.downloads is None:
        return ""
    if not facts.downloads:
        return f"<p>{word('no_downloads', lang)}</p>"
    layers = dict.fromkeys(one.layer for one in sorted(facts.downloads, key=lambda one: (one.layer != "", one.layer)))
    items = "".join(
        f"<li>{safe(encoding.layer_label(layer, lang) if layer else ui('all_layers', lang))}"
        f"<span>{_file_links([one for one in facts.downloads if one.layer == layer])}</span></li>"
        for layer in layers
    )
    said = safe(ui("downloads", lang).format(n=len(facts.downloads)))
    return f'<details class="downloads"><summary>{said}</summary><ul>{items}</ul></details>'


def _file_links(files: Sequence[Download]) -> str:
    return " ".join(
        f'<span class="file"><a href="{safe(quote(one.path))}" download>{_FILE_KINDS[one.path.rpartition(".")[2]]}</a> '
        f"<small>{file_size(one.size)}</small></span>"
        for one in files
    )


def file_size(size: int) -> str:
    """The size of a file as people say it: ``12 kB``, ``3.4 MB``."""
    return f"{size / 1e6:,.1f} MB" if size >= 1_000_000 else f"{max(1, round(size / 1000)):,} kB"


def number_line(facts: PageFacts) -> str:
    """The map number (审图号), or what its absence means for the audience."""
    missing = "number_wanted" if facts.audience == "public" else "no_number"
    return ui("number", facts.lang) + facts.number if facts.number else ui(missing, facts.lang)


def _slider(lang: Lang) -> str:
    """The months of the progress layer, and two of them side by side; shown while that layer is."""
    pick = "".join(
        f'<label>{word(key, lang)}<select id="swipe-{end}"></select></label>'
        for key, end in (("pair_from", "from"), ("pair_to", "to"))
    )
    return (
        f'<section id="months" class="months" aria-label="{word("month", lang)}" hidden><div id="months-bar">'
        f"{button('months-play', word('play', lang))}"
        f'<label for="months-range" class="visually-hidden">{word("month", lang)}</label>'
        '<input type="range" id="months-range" min="0" step="1">'
        '<output id="months-said" for="months-range"></output>'
        f'{button("months-pair", word("pair", lang))}</div><div id="swipe-bar" hidden>{pick}'
        f'<output id="swipe-said" for="swipe-from swipe-to"></output>{button("swipe-end", word("pair_end", lang))}'
        f'</div></section><section id="swipe" class="swipe" aria-label="{word("pair", lang)}" hidden>'
        '<div id="swipe-line"></div>'
        '<span id="swipe-left" aria-hidden="true"></span><span id="swipe-right" aria-hidden="true"></span>'
        f'<input type="range" id="swipe-range" min="0" max="100" step="1" aria-label="{word("pair_line", lang)}">'
        "</section>"
    )


def _sheet(lang: Lang) -> str:
    """The map's twin as a table; its rows come from the same data blocks."""
    return (
        f'<section id="sheet" class="sheet" aria-label="{word("table", lang)}" hidden><div class="bar">'
        f'<label>{word("table_layer", lang)}<select id="sheet-layer"></select></label>'
        f'<label>{word("filter", lang)}<input type="search" id="sheet-filter" maxlength="60"></label>'
        f'<label><input type="checkbox" id="sheet-view">{word("only_view", lang)}</label>'
        '<span class="pages"><span id="sheet-count"></span>'
        f"{button('sheet-save', word('save_rows', lang))}"
        f"{button('sheet-before', word('before', lang))}{button('sheet-after', word('after', lang))}"
        f"{button('sheet-close', word('close', lang))}</span></div>"
        f'<div class="grid" tabindex="0" role="region" aria-label="{word("table_rows", lang)}">'
        "<table><thead></thead><tbody></tbody></table></div></section>"
    )


def _panel(
    legends: Mapping[str, Sequence[StyleClass]],
    blocks: Sequence[Mapping[str, Any]],
    shown: set[str],
    *,
    lang: Lang,
) -> str:
    parts = []
    for theme, labels in style_table().themes.items():
        # Listed as they lie on the map: the uppermost layer first.
        own = [b for b in reversed(blocks) if "units_of" not in b and layer_style(b["name"]).theme == theme]
        if not own:
            continue
        counts = {block["units_of"]: legends[block["name"]] for block in blocks if "units_of" in block}
        entries = "".join(
            _entry(block, legends[block["name"]], block["name"] in shown, far=counts.get(block["name"]), lang=lang)
            for block in own
        )
        # Water, railways and roads say why communities are cut apart: their signs are there to see at once.
        explains = any(block["name"] == "barriers" or ("tiles" in block and block["name"] in shown) for block in own)
        is_open = " open" if any(block["name"] in shown for block in own) and (theme != "base" or explains) else ""
        parts.append(
            f'<details class="theme"{is_open}><summary>{safe(Text(*labels).in_language(lang))}</summary>'
            f"<ul>{entries}</ul></details>"
        )
    return "".join(parts)


def _entry(
    block: Mapping[str, Any],
    classes: Sequence[StyleClass],
    shown: bool,
    *,
    lang: Lang,
    far: Sequence[StyleClass] | None = None,
) -> str:
    """One layer: its switch, sign, name and number, and a line a class; the page's script keeps the numbers true."""
    name = str(block["name"])
    kind = block["kind"] if block["kind"] != "mixed" else "polygon"
    swatches = [swatch_svg(c.symbol, cast("GeometryKind", kind)) for c in classes]
    listed = len(classes) > 1 and not layer_style(name).colour_neighbours
    box = f'<input type="checkbox" data-layer="{safe(name)}"{" checked" if shown else ""}>'
    legend = ""
    if listed:
        lines = "".join(
            f'<li>{swatch}<span class="what">{safe(c.label.in_language(lang))}</span>'
            f'<span class="count" data-class="{at}">{c.count:,}</span></li>'
            for at, (c, swatch) in enumerate(zip(classes, swatches, strict=True))
        )
        legend = f'{_rates(block, lang=lang)}<ul class="legend">{lines}</ul>'
    elif plain_text(classes[0].label.in_language(lang)) != block["label"]:
        legend = f'<p class="remark of-class">{safe(classes[0].label.in_language(lang))}</p>'
    count = f'<span class="count" data-all>{block["count"]:,}</span>'
    return (
        f'<li class="entry{"" if shown else " off"}"><label>{box}{"" if listed else swatches[0]}'
        f'<span class="what">{safe(block["label"])}</span>{count}</label>'
        f"{legend}{tiles.far_legend(block, far, lang=lang) if far else ''}{_remark(block, lang=lang)}</li>"
    )


def _rates(block: Mapping[str, Any], *, lang: Lang) -> str:
    """The choice of the rate that a layer of units shows."""
    if not block.get("rates"):
        return ""
    label = {column["name"]: column["label"] for column in block["columns"]}
    options = "".join(f'<option value="{safe(c)}">{safe(label[c])}</option>' for c in block["rates"]["columns"])
    return (
        f'<label class="rate"><span class="visually-hidden">{word("rate", lang)}</span>'
        f'<select data-rate="{safe(block["name"])}">{options}</select></label>'
    )


def _remark(block: Mapping[str, Any], *, lang: Lang) -> str:
    remarks = []
    if block["without_shape"] or block["simplified"]:
        drawn = f"{block['count'] - block['without_shape']:,}"
        remarks.append(ui("shown", lang).format(drawn=drawn, all=f"{block['count']:,}"))
    if block["without_shape"]:
        remarks.append(ui("no_shape", lang).format(n=f"{block['without_shape']:,}"))
    if block["simplified"]:
        remarks.append(ui("simplified", lang).format(m=encoding.SIMPLIFY_M))
    joint = "；" if lang == "zh" else "; "
    return f'<p class="remark">{safe(joint.join(remarks))}</p>' if remarks else ""
