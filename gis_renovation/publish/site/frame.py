"""The frame and the tables of the pages beside the map, which need no script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from gis_renovation.display import explained_missing, safe
from gis_renovation.maps import asset_css, asset_js
from gis_renovation.maps.encoding import ColumnBlock, about_rows, encode_column
from gis_renovation.schemas import layer_schemas
from gis_renovation.unknowns import ABOUT
from gis_renovation.words import Lang, Text

# Pages every visitor finds in the navigation: path -> name.
NAVIGATION: Mapping[str, Text] = {
    "index.html": Text("总览", "Overview"),
    "map.html": Text("地图", "Map"),
    "communities/index.html": Text("小区", "Communities"),
    "zones/index.html": Text("片区", "Zones"),
    "data.html": Text("开放数据", "Open data"),
    "about.html": Text("关于", "About"),
}

_WORDS: Mapping[str, Text] = {
    "skip": Text("跳到正文", "Skip to the content"),
    "navigation": Text("网站导航", "Site"),
    "here": Text("当前位置", "You are here"),
    "large": Text("大字", "Large type"),
    "as_of": Text("数据截至 {date}。", "As of {date}."),
    "synthetic": Text("合成示例数据，非真实。", "Synthetic sample data, not real."),
    "number": Text("审图号：{number}", "Map number: {number}"),
    "number_dates": Text("（{dated} 批准，有效期至 {expires}）", " (approved {dated}, valid until {expires})"),
    "number_expires": Text("（有效期至 {expires}）", " (valid until {expires})"),
    "number_dated": Text("（{dated} 批准）", " (approved {dated})"),
    "no_number": Text("审图号：尚未取得，公开前须依法送审。", "Map number: to be obtained before publication."),
    "source": Text("来源：{source}", "Source: {source}"),
}


class SiteFacts(NamedTuple):
    """What stands on every page: title, date, language, source, the sentence on the map number, whether made up."""

    title: str
    as_of: date
    lang: Lang
    attribution: str
    number: str
    synthetic: bool
    navigation: tuple[str, ...] = tuple(NAVIGATION)


def say(key: str, lang: Lang, **values: object) -> str:
    """A text of the frame."""
    return _WORDS[key].in_language(lang).format(**values)


def page_html(
    facts: SiteFacts,
    *,
    path: str,
    title: str,
    body: str,
    heading: str = "",
    description: str = "",
    crumbs: Iterable[tuple[str, str]] = (),
) -> str:
    """One page of the site: head, navigation, way back, ``body`` (HTML), and the foot with date, source and number.

    ``path`` is the page's place in the folder, ``crumbs`` are the pages above it as (path, name).
    Nothing outside the page is asked for: style and the one small script stand in it, by their hashes.
    """
    lang, up = facts.lang, "../" * path.count("/")
    policy = (
        f"default-src 'none'; style-src '{_hash(_style())}'; script-src '{_hash(_script())}'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'"
    )
    full = title if title == facts.title else f"{title} · {facts.title}"
    meta = f'<meta name="description" content="{safe(description)}">\n' if description else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{"zh-CN" if lang == "zh" else "en"}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{safe(full)}</title>\n{meta}'
        f"<style>{_style()}</style>\n</head>\n<body>\n"
        '<div class="all">\n'
        f'<a class="skip" href="#content">{safe(say("skip", lang))}</a>\n'
        f"{_top(facts, path, up)}{_crumbs(crumbs, title, lang, up)}"
        f'<main class="inner" id="content" tabindex="-1">\n<h1>{safe(heading or title)}</h1>\n{body}\n</main>\n'
        f"{_end(facts)}</div>\n"
        f"<script>{_script()}</script>\n</body>\n</html>\n"
    )


@lru_cache(maxsize=1)
def _style() -> str:
    return asset_css("site.css")


@lru_cache(maxsize=1)
def _script() -> str:
    return asset_js("site.js")


@lru_cache(maxsize=4)
def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _top(facts: SiteFacts, path: str, up: str) -> str:
    lang = facts.lang
    links = "".join(
        f'<li><a href="{up}{target}"{_current(target, path)}>{safe(NAVIGATION[target].in_language(lang))}</a></li>'
        for target in facts.navigation
    )
    notice = (
        f'<div class="note"><div class="inner">{safe(say("synthetic", lang))}</div></div>\n' if facts.synthetic else ""
    )
    return (
        f'<header class="top"><div class="inner"><a class="brand" href="{up}index.html">{safe(facts.title)}</a>'
        f'<input type="checkbox" id="large"><label class="large-label" for="large">{safe(say("large", lang))}</label>'
        f'<nav class="main" aria-label="{safe(say("navigation", lang))}"><ul>{links}</ul></nav></div></header>\n'
        f"{notice}"
    )


def _current(target: str, path: str) -> str:
    if target == path:
        return ' aria-current="page"'
    folder = target.rpartition("/")[0]
    return ' aria-current="true"' if folder and path.startswith(f"{folder}/") else ""


def _crumbs(crumbs: Iterable[tuple[str, str]], title: str, lang: Lang, up: str) -> str:
    above = "".join(f'<li><a href="{up}{target}">{safe(name)}</a></li>' for target, name in crumbs)
    if not above:
        return ""
    return (
        f'<nav class="crumbs inner" aria-label="{safe(say("here", lang))}"><ol>{above}'
        f'<li aria-current="page">{safe(title)}</li></ol></nav>\n'
    )


def _end(facts: SiteFacts) -> str:
    lines = [say("as_of", facts.lang, date=facts.as_of.isoformat())]
    if facts.attribution:
        lines.append(say("source", facts.lang, source=facts.attribution))
    lines.append(facts.number)
    said = "".join(f"<p>{safe(line)}</p>" for line in lines)
    return f'<footer class="end"><div class="inner">{said}</div></footer>\n'


def number_sentence(number: str, dated: date | None, expires: date | None, *, lang: Lang) -> str:
    """What a page says about its map number (审图号)."""
    if not number:
        return say("no_number", lang)
    key = {(True, True): "number_dates", (False, True): "number_expires", (True, False): "number_dated"}.get(
        (dated is not None, expires is not None)
    )
    return say("number", lang, number=number) + (say(key, lang, dated=dated, expires=expires) if key else "")


# --- tables ---------------------------------------------------------------------------------------


def encoded_columns(layer: str, frame: pd.DataFrame, columns: Sequence[str], lang: Lang) -> dict[str, ColumnBlock]:
    """Some columns of a layer, those that are there, as the pages write them: label, unit, values in row order."""
    schema = layer_schemas().get(layer)
    found = {}
    for column in columns:
        if column in frame.columns:
            field = schema.fields.get(column) if schema else None
            missing = explained_missing(frame, field, lang)
            found[column] = encode_column(frame[column], field, lang=lang, missing=missing)
            if about := about_rows(frame, column):
                found[column]["about"] = about
    return found


def cell_words(column: Mapping[str, Any], row: int, lang: Lang) -> str:
    """The value of one row in words, not yet escaped."""
    said = words(column, _value(column, row), lang)
    return ABOUT.in_language(lang).format(n=said) if str(row) in column.get("about", {}) else said


def _value(column: Mapping[str, Any], row: int) -> Any:
    value = column["data"][row]
    return column["dict"][value] if value is not None and "dict" in column else value


def table_html(heads: Sequence[str], rows: Iterable[Sequence[str]], *, label: str) -> str:
    """A table in a box that scrolls sideways by itself. ``rows`` hold ready cells: HTML with their ``td`` or ``th``.

    A row may be shorter than the heads where its last cell spans the columns left.
    """
    made = [list(row) for row in rows]
    right = [
        any(c.startswith('<td class="number"') for row in made for c in row[at : at + 1]) for at in range(len(heads))
    ]
    head = "".join(
        f'<th scope="col" class="{"number" if number else "text"}">{safe(text)}</th>'
        for text, number in zip(heads, right, strict=True)
    )
    body = "".join(f"<tr>{''.join(row)}</tr>\n" for row in made)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{safe(label)}"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>\n{body}</tbody></table></div>\n"
    )


def head_cell(text: str, href: str = "") -> str:
    """The first cell of a row; with ``href`` it links on."""
    inner = f'<a href="{safe(href)}">{safe(text)}</a>' if href else safe(text)
    return f'<th scope="row">{inner}</th>'


def cell(column: Mapping[str, Any], row: int, lang: Lang) -> str:
    """One value as a table cell."""
    value = _value(column, row)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    kind = ' class="number"' if number else ' class="unknown"' if value is None else ""
    return f"<td{kind}>{safe(cell_words(column, row, lang))}</td>"


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


def write_text(path: Path, text: str) -> None:
    """UTF-8 with line feeds, on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")
