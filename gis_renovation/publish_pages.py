"""Pages beside the map that need no script: an overview with tables and downloads; the checklist for review.

The overview is the map's twin for readers without a pointer, a picture or JavaScript: the rates of
each county and every community in a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from gis_renovation import map_data
from gis_renovation.errors import Lang, Text
from gis_renovation.maps import asset_css
from gis_renovation.markup import safe
from gis_renovation.schemas import layer_schemas
from gis_renovation.tables import explained_missing

UNIT_COLUMNS = (
    "name", "community_count", "started_count", "completed_count", "started_share", "completed_share", "households",
)  # fmt: skip
COMMUNITY_COLUMNS = ("name", "unit_code", "subdistrict", "year_built", "households", "floor_area_m2", "plan_batch")
STATE_COLUMNS = ("state", "progress_share")

_WORDS: Mapping[str, Text] = {
    "overview": Text("进度总览", "Overview"),
    "to_map": Text("查看地图", "To the map"),
    "units": Text("各县区进度", "Progress by county"),
    "communities": Text("小区一览（{n} 个）", "Communities ({n})"),
    "downloads": Text("数据下载", "Downloads"),
    "about": Text("说明", "About"),
    "as_of": Text("数据截至 {date}。", "As of {date}."),
    "unknown": Text("“未知”表示尚无资料，不是零，也不是否。", "“Unknown” means no information: neither zero nor no."),
    "withheld": Text(
        "“不公开”表示数值过小，公开会涉及个别住户，依个人信息保护要求不公开。",
        "“Withheld” means a count so small that it would speak of single households.",
    ),
    "coarse": Text(
        "图形经概括和取整，仅供了解进度，不作为权属、规划或工程依据。",
        "Shapes are generalised and rounded; they show progress and prove no right, plan or works.",
    ),
    "synthetic": Text("合成示例数据，非真实。", "Synthetic sample data, not real."),
    "number": Text("审图号：{number}", "Map number: {number}"),
    "number_dates": Text("（{dated} 批准，有效期至 {expires}）", " (approved {dated}, valid until {expires})"),
    "no_number": Text("审图号：尚未取得，公开前须依法送审。", "Map number: to be obtained before publication."),
    "source": Text("来源：{source}", "Source: {source}"),
}


def _say(key: str, lang: Lang, **values: object) -> str:
    return _WORDS[key].in_language(lang).format(**values)


def overview_page(
    frames: Mapping[str, pd.DataFrame],
    *,
    title: str,
    as_of: date,
    lang: Lang,
    attribution: str,
    number: str,
    synthetic: bool,
    files: Sequence[str] = (),
) -> str:
    """The overview as one HTML page without scripts; ``number`` is the whole sentence about the map number.

    Sections without their layer are left out. ``files`` are paths beside the page to offer for
    download. Every text of the data is escaped.
    """
    language = "zh-CN" if lang == "zh" else "en"
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    notice = f'<p class="note">{safe(_say("synthetic", lang))}</p>' if synthetic else ""
    about = [
        _say("as_of", lang, date=as_of.isoformat()),
        *([_say("source", lang, source=attribution)] if attribution else []),
        *(_say(key, lang) for key in ("unknown", "withheld", "coarse")),
        number,
    ]
    listed = "".join(f'<li><a href="{safe(name)}" download>{safe(name.rpartition("/")[2])}</a></li>' for name in files)
    downloads = f"<h2>{safe(_say('downloads', lang))}</h2><ul>{listed}</ul>" if listed else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{safe(title)} · {safe(_say('overview', lang))}</title>\n<style>{asset_css('overview.css')}</style>\n"
        f'</head>\n<body>\n<header><h1>{safe(title)}</h1><p><a href="index.html">{safe(_say("to_map", lang))}</a></p>'
        f"</header>{notice}\n<main>\n{_units(frames, lang)}{_communities(frames, lang)}{downloads}"
        f"<h2>{safe(_say('about', lang))}</h2>"
        + "".join(f"<p>{safe(line)}</p>" for line in about)
        + "\n</main>\n</body>\n</html>\n"
    )


def number_sentence(number: str, dated: date | None, expires: date | None, *, lang: Lang) -> str:
    """What a page says about its map number (审图号)."""
    if not number:
        return _say("no_number", lang)
    dates = _say("number_dates", lang, dated=dated, expires=expires) if dated and expires else ""
    return _say("number", lang, number=number) + dates


def _units(frames: Mapping[str, pd.DataFrame], lang: Lang) -> str:
    frame = frames.get("unit_progress")
    if frame is None or len(frame) == 0:
        return ""
    return f"<h2>{safe(_say('units', lang))}</h2>{html_table('unit_progress', frame, UNIT_COLUMNS, lang)}"


def _communities(frames: Mapping[str, pd.DataFrame], lang: Lang) -> str:
    frame = frames.get("communities")
    if frame is None or len(frame) == 0:
        return ""
    head = f"<h2>{safe(_say('communities', lang, n=len(frame)))}</h2>"
    joined = pd.DataFrame(frame[[c for c in COMMUNITY_COLUMNS if c in frame.columns]])
    progress = frames.get("community_progress")
    if progress is not None:
        own = [column for column in STATE_COLUMNS if column in progress.columns]
        joined = joined.join(progress[own])
    labels = {"community_progress": STATE_COLUMNS} if progress is not None else {}
    return head + html_table("communities", joined, tuple(str(c) for c in joined.columns), lang, of=labels)


def html_table(
    layer: str,
    frame: pd.DataFrame,
    columns: Sequence[str],
    lang: Lang,
    *,
    of: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Some columns of a layer as an HTML table, in words; ``of`` names the layer of joined columns."""
    owner = {column: name for name, own in (of or {}).items() for column in own}
    encoded = []
    for column in columns:
        if column in frame.columns:
            schema = layer_schemas().get(owner.get(column, layer))
            field = schema.fields.get(column) if schema else None
            missing = explained_missing(frame, field, lang)
            encoded.append(map_data.encode_column(frame[column], field, lang=lang, missing=missing))
    schema = layer_schemas().get(layer)
    key = schema.fields[schema.key].label.in_language(lang) if schema and schema.key in schema.fields else ""
    head = "".join(f'<th scope="col">{safe(label)}</th>' for label in (key, *(column["label"] for column in encoded)))
    body = "".join(
        f'<tr><th scope="row">{safe(map_data.row_id(index))}</th>'
        + "".join(_cell(column, row, lang) for column in encoded)
        + "</tr>\n"
        for row, index in enumerate(frame.index)
    )
    label = safe(map_data.layer_label(layer, lang))
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{label}"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>\n{body}</tbody></table></div>\n"
    )


def _cell(column: Mapping[str, Any], row: int, lang: Lang) -> str:
    value = column["data"][row]
    if value is not None and "dict" in column:
        value = column["dict"][value]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    kind = ' class="number"' if number else ' class="unknown"' if value is None else ""
    return f"<td{kind}>{safe(words(column, value, lang))}</td>"


def words(column: Mapping[str, Any], value: Any, lang: Lang) -> str:
    """A value as a reader sees it; the map's script writes it in the same way."""
    if value is None:
        return "未知" if lang == "zh" else "unknown"
    if value == "":
        return "—"
    if isinstance(value, bool):
        return ("是" if value else "否") if lang == "zh" else ("yes" if value else "no")
    if "labels" in column:
        return str(column["labels"].get(value, value))
    if not isinstance(value, int | float):
        return str(value)
    unit = f" {column['unit']}" if column.get("unit") else ""
    if column.get("share"):
        return f"{_digits(value * 100, 1)}%"
    if column.get("money") and abs(value) >= 10_000:
        return f"{_digits(value / 10_000, 2)} {'万元' if lang == 'zh' else '×10,000 yuan'}"
    if column.get("plain"):
        return f"{value}{unit}"
    return f"{_digits(value, 0 if abs(value) >= 100 else 2)}{unit}"


def _digits(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# --- the checklist --------------------------------------------------------------------------------


def review_checklist(
    *,
    title: str,
    as_of: date,
    number: str,
    layers: Mapping[str, Sequence[str]],
    withheld: Mapping[str, Mapping[str, Sequence[str]]],
    coverage_m2: float,
    coverage_limit_m2: float,
    source: str,
) -> str:
    """What the makers go through before the map leaves, as Markdown in Chinese; it stays outside the public folder.

    It states what the program measured and leaves every legal judgement open: no exemption is claimed.
    """
    schemas = layer_schemas()
    count = sum(len(keys) for columns in withheld.values() for keys in columns.values())
    close = coverage_m2 >= 0.8 * coverage_limit_m2
    area = f"{coverage_m2 / 1e6:.2f} km²（限值 {coverage_limit_m2 / 1e6:.0f} km²）"
    listed = "\n".join(
        f"  - {schemas[name].label.zh if name in schemas else name}："
        + "、".join(_column_label(name, column) for column in columns if column != "geometry")
        for name, columns in layers.items()
    )
    gaps = "\n".join(
        f"  - {schemas[name].label.zh if name in schemas else name}·{_column_label(name, column)}：{len(keys)} 处"
        for name, columns in withheld.items()
        for column, keys in columns.items()
    )
    return f"""# 公开前核对表：{title}

数据截至 {as_of.isoformat()}。本表由程序写出，供制图和审核人员逐项核对；程序不代替审核，也不作任何免审判断。

## 程序已核

- [x] 只含允许清单内的图层和列；未定级的一律不出：
{listed}
- [x] 小于限值的户数、人数及可反推的数值已不公开，共 {count} 处。
{gaps or "  - 无"}
- [x] 已逐字节查找不得公开的内容，未发现。
- [x] 网页不引用任何外部主机。
- [{" " if close else "x"}] 连续成片的详细图形最大面积 {area}{"：接近或超过限值，须先作保密审查。" if close else "。"}

## 须由人核对

- [ ] {number}
- [ ] 地图审核：除法定情形外，向社会公开的地图须送审（《地图管理条例》第十五条）；
  主要表现地不超出本市的，由市级自然资源主管部门审核（第十八条）。
- [ ] 县级以上行政区域界线按国家公布的标准画法；改绘界线后不得再沿用标准地图的审图号。
- [ ] 审图号在有效期内（互联网地图两年），新增注记按规定备案；内容变化须重新送审。
- [ ] 数据来源与授权：{source or "未写明，请补充"}。
- [ ] 涉密与工作秘密审查、信息公开保密审查已办理（《政府信息公开条例》第十七条）。
- [ ] 个人信息：照片中的人脸、车牌、门牌已处理；公示名单已取得同意。
- [ ] 无障碍：表格总览与地图内容一致。
"""


def _column_label(layer: str, column: str) -> str:
    schema = layer_schemas().get(layer)
    field = schema.fields.get(column) if schema else None
    return field.label.zh if field else column


def write_text(path: Path, text: str) -> None:
    """UTF-8 with line feeds, on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")
