"""What stands around the map on its page, as HTML: head, layers and legend, tools, sliders, table, dialogs.

Everything is plain HTML controls, which a keyboard and a screen reader know; the page's script
(``assets/page``) gives them life. Texts of the data pass :func:`markup.safe`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple, cast

from gis_renovation import map_data, map_tiles, styles
from gis_renovation.errors import Lang, Text
from gis_renovation.markup import plain_text, safe

Audience = Literal["planner", "bureau", "public"]


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
    counties: bool
    months: bool


WORDS: Mapping[str, Text] = {
    "unknown": Text("未知", "unknown"),
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
    "search": Text("按名称查找", "Search by name"),
    "example": Text("名称、编号或首字母，如 lhxc", "name or number"),
    "layers": Text("图层与图例", "Layers and legend"),
    "layers_short": Text("图层", "Layers"),
    "county": Text("只看一个县区", "Only one county"),
    "all_counties": Text("全部县区", "All counties"),
    "rate": Text("显示的比率", "Rate shown"),
    "pair": Text("两月对比", "Compare months"),
    "pair_from": Text("左", "Left"),
    "pair_to": Text("右", "Right"),
    "pair_line": Text("分界线：左侧为较早月份，右侧为较晚月份", "Dividing line: earlier month left, later month right"),
    "pair_share": Text("左侧占 {share}%", "{share}% left"),
    "pair_changed": Text("{from} 到 {to}：{n} 个小区有变化", "{from} to {to}: {n} communities changed"),
    "pair_end": Text("结束对比", "End"),
    "home": Text("全图", "Whole map"),
    "print": Text("打印", "Print"),
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
    **map_tiles.UI,
}


def ui(key: str, lang: Lang) -> str:
    """A text of the page itself."""
    return WORDS[key].in_language(lang)


def shell(
    legends: Mapping[str, Sequence[styles.StyleClass]],
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
        f"{_finder(facts)}{_panel(legends, blocks, shown, lang=lang)}{_footer(facts)}</aside>"
        f'<p class="in-view" id="in-view" role="status"></p>{_sheet(lang)}{_slider(lang) if facts.months else ""}'
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
            ("print", "print", ""),
        )
    )


def _finder(facts: PageFacts) -> str:
    """Search by name, and the choice of one county."""
    lang = facts.lang
    county = (
        f'<div class="county"><label for="county">{word("county", lang)}</label>'
        f'<select id="county"><option value="">{word("all_counties", lang)}</option></select></div>'
        if facts.counties
        else ""
    )
    return (
        f'<div class="finder"><label for="find">{word("search", lang)}</label>'
        '<input id="find" type="search" role="combobox" autocomplete="off" aria-autocomplete="list" '
        f'aria-expanded="false" aria-controls="found" maxlength="60" placeholder="{word("example", lang)}">'
        f'<ul id="found" role="listbox" aria-label="{word("search", lang)}" hidden></ul></div>{county}'
    )


def _footer(facts: PageFacts) -> str:
    lang = facts.lang
    source = f"<p>{word('source', lang)}{safe(facts.attribution)}</p>" if facts.attribution else ""
    beside = "".join(f'<p><a href="{safe(path)}">{word(key, lang)}</a></p>' for path, key in facts.links.items())
    return (
        f'<footer><label><input type="checkbox" id="show-names" checked>{word("names", lang)}</label>'
        f"{source}<p>{safe(number_line(facts))}</p>{beside}</footer>"
    )


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
        f'</div></section><div id="swipe" class="swipe" hidden><div id="swipe-line"></div>'
        '<span id="swipe-left" aria-hidden="true"></span><span id="swipe-right" aria-hidden="true"></span>'
        f'<input type="range" id="swipe-range" min="0" max="100" step="1" aria-label="{word("pair_line", lang)}"></div>'
    )


def _sheet(lang: Lang) -> str:
    """The map's twin as a table; its rows come from the same data blocks."""
    return (
        f'<section id="sheet" class="sheet" aria-label="{word("table", lang)}" hidden><div class="bar">'
        f'<label>{word("table_layer", lang)}<select id="sheet-layer"></select></label>'
        f'<label>{word("filter", lang)}<input type="search" id="sheet-filter" maxlength="60"></label>'
        f'<label><input type="checkbox" id="sheet-view">{word("only_view", lang)}</label>'
        '<span class="pages"><span id="sheet-count"></span>'
        f"{button('sheet-before', word('before', lang))}{button('sheet-after', word('after', lang))}"
        f"{button('sheet-close', word('close', lang))}</span></div>"
        f'<div class="grid" tabindex="0" role="region" aria-label="{word("table_rows", lang)}">'
        "<table><thead></thead><tbody></tbody></table></div></section>"
    )


def _panel(
    legends: Mapping[str, Sequence[styles.StyleClass]],
    blocks: Sequence[Mapping[str, Any]],
    shown: set[str],
    *,
    lang: Lang,
) -> str:
    parts = []
    for theme, labels in styles.style_table().themes.items():
        # Listed as they lie on the map: the uppermost layer first.
        own = [b for b in reversed(blocks) if "units_of" not in b and styles.layer_style(b["name"]).theme == theme]
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
    classes: Sequence[styles.StyleClass],
    shown: bool,
    *,
    lang: Lang,
    far: Sequence[styles.StyleClass] | None = None,
) -> str:
    """One layer: its switch, sign, name and number, and a line a class; the page's script keeps the numbers true."""
    name = str(block["name"])
    kind = block["kind"] if block["kind"] != "mixed" else "polygon"
    swatches = [styles.swatch_svg(c.symbol, cast("styles.GeometryKind", kind)) for c in classes]
    listed = len(classes) > 1 and not styles.layer_style(name).colour_neighbours
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
        f"{legend}{map_tiles.far_legend(block, far, lang=lang) if far else ''}{_remark(block, lang=lang)}</li>"
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
        remarks.append(ui("simplified", lang).format(m=map_data.SIMPLIFY_M))
    joint = "；" if lang == "zh" else "; "
    return f'<p class="remark">{safe(joint.join(remarks))}</p>' if remarks else ""
