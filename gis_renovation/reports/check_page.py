"""The check report: every fault of every layer, for the screen, the browser, the spreadsheet and the map.

``report.html`` is for reading and handing on, ``check.xlsx`` for working through row by row, and
``errors.gpkg`` shows in QGIS where each fault lies. The same findings give the same texts.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from gis_renovation.errors import Finding
from gis_renovation.run import Project
from gis_renovation.schemas import layer_schemas
from gis_renovation.words import IDS_SHOWN, Lang, Text, id_in
from gis_renovation.writing import new_folder, write_geopackage

SEVERITIES: Mapping[str, Text] = {
    "error": Text("错误", "error"),
    "warning": Text("警告", "warning"),
    "note": Text("说明", "note"),
}
REPORT_FOLDER = "check"

_COLUMNS = (
    Text("级别", "severity"), Text("图层", "layer"), Text("文件", "file"), Text("字段", "field"),
    Text("问题", "fault"), Text("要素或行", "feature or row"), Text("代码", "code"),
)  # fmt: skip

# How ids are decorated in findings: “C1=-5”, “C1→X”, “C1: why”, “C1 ∩ C2: 3 m²”.
_MARKS = ("→", "=", ": ", " ∩ ", "（")


def write_check_report(
    project: Project, findings: Sequence[Finding], layers: Mapping[str, Any], sources: Mapping[str, Any], *, lang: Lang
) -> Path:
    """Write the report into ``reports/check`` of the project, whole or not at all; its folder."""
    folder = project.folder / "reports" / REPORT_FOLDER
    with new_folder(folder) as work:
        (work / "report.html").write_text(_page(project, findings, layers, sources, lang), encoding="utf-8")
        _write_sheet(work / "check.xlsx", findings, layers, sources, lang)
        places = error_places(findings, layers, lang=lang)
        if places is not None:
            write_geopackage(work / "errors.gpkg", places)
    return folder


def error_places(findings: Sequence[Finding], layers: Mapping[str, Any], *, lang: Lang) -> dict[str, Any] | None:
    """Where the faults are: one layer each for points, lines and areas; None if no fault has a place.

    A feature with several faults appears once for each. The geometry is the feature's own, in the project
    CRS; an invalid feature also gets a point where it breaks.
    """
    rows: list[tuple[str, str, str, str, str, Any]] = []
    crs = None
    for finding in findings:
        layer = layers.get(finding.layer)
        if layer is None or "geometry" not in getattr(layer, "columns", ()):
            continue
        crs = crs or layer.crs
        lookup = {str(key): shape for key, shape in zip(layer.index, layer.geometry, strict=True)}
        label = layer_schemas()[finding.layer].label.in_language(lang)
        for text in finding.ids:
            shape = _shape_of(text, lookup)
            if shape is None or shape.is_empty or not np.isfinite(shape.bounds).all():
                continue
            words = SEVERITIES[finding.severity].in_language(lang), label, text
            rows.append((*words, finding.text.in_language(lang), finding.code, shape))
            if finding.code == "invalid_geometry":
                rows.append((*words, finding.text.in_language(lang), finding.code, _break_point(text, shape)))
    if not rows:
        return None
    names = ("severity", "layer", "feature", "fault", "code", "geometry")
    table = gpd.GeoDataFrame([dict(zip(names, row, strict=True)) for row in rows], geometry="geometry", crs=crs)
    kinds = {"points": ("Point", "MultiPoint"), "lines": ("LineString", "MultiLineString", "LinearRing")}
    kind = table.geom_type.map({t: n for n, types in kinds.items() for t in types}).fillna("areas")
    flat = table.set_geometry(table.geometry.force_2d())
    return {f"errors_{name}": flat[kind == name].reset_index(drop=True) for name in sorted(kind.unique())}


def _shape_of(text: str, lookup: Mapping[str, Any]) -> Any:
    """The geometry of the feature an id text speaks of; the longest key that the text begins with."""
    candidates = [text, *(text.split(mark, 1)[0] for mark in _MARKS if mark in text)]
    return next((lookup[key] for key in sorted(candidates, key=len, reverse=True) if key in lookup), None)


def _break_point(text: str, shape: Any) -> Any:
    """The point in a reason such as “Self-intersection[3 4]”, else a point of the shape."""
    import re

    found = re.search(r"\[(-?[\d.eE+]+) (-?[\d.eE+]+)\]", text)
    return shapely.Point(float(found.group(1)), float(found.group(2))) if found else shapely.Point(shape.bounds[:2])


# --- browser --------------------------------------------------------------------------------------


_STYLE = """
body{font:16px/1.6 "Noto Sans CJK SC","Microsoft YaHei","PingFang SC",sans-serif;margin:2em auto;max-width:70em;
padding:0 1em;color:#1a1a1a;background:#fff}
table{border-collapse:collapse;width:100%;margin:1em 0}th,td{border:1px solid #999;padding:.3em .6em;text-align:left;
vertical-align:top}th{background:#eee}td.n{text-align:right;font-variant-numeric:tabular-nums}
.error{color:#a40000;font-weight:bold}.warning{color:#7a4b00;font-weight:bold}.note{color:#333}
details>summary{cursor:pointer}.ids code{margin-right:.4em}code{background:#f2f2f2}
@media print{details{display:block}}
"""


def _page(
    project: Project, findings: Sequence[Finding], layers: Mapping[str, Any], sources: Mapping[str, Any], lang: Lang
) -> str:
    zh = lang == "zh"
    title = f"{project.name}：数据检查" if zh else f"{project.name}: data check"
    counts = {s: sum(f.severity == s for f in findings) for s in SEVERITIES}
    summary = "，".join(f"{SEVERITIES[s].zh} {n}" for s, n in counts.items())
    if not zh:
        summary = ", ".join(f"{n} {SEVERITIES[s].en}s" for s, n in counts.items())
    notice = ""
    if project.settings.project.synthetic:
        notice = f"<p><strong>{'合成示意数据，不反映真实情况。' if zh else 'Synthetic data.'}</strong></p>"
    parts = [
        f'<!doctype html><html lang="{"zh-CN" if zh else "en"}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{html.escape(title)}</h1>{notice}<p>{html.escape(summary)}</p>",
        _layer_table(findings, layers, sources, lang),
        *(_severity_part(severity, findings, lang) for severity in SEVERITIES if counts[severity]),
        "</main></body></html>\n",
    ]
    return "\n".join(parts)


def _layer_table(findings: Sequence[Finding], layers: Mapping[str, Any], sources: Mapping[str, Any], lang: Lang) -> str:
    heads = ("图层", "文件", "读入行数", "采用行数", "错误", "警告", "说明") if lang == "zh" else (
        "layer", "files", "rows read", "rows used", "errors", "warnings", "notes",
    )  # fmt: skip
    rows = []
    for name, files, read, used in layer_counts(findings, layers, sources):
        label = f"{layer_schemas()[name].label.in_language(lang)} {name}"
        counts = [str(sum(f.layer == name and f.severity == s for f in findings)) for s in SEVERITIES]
        cells = "".join(f'<td class="n">{html.escape(c)}</td>' for c in (read, used, *counts))
        rows.append(f"<tr><td>{html.escape(label)}</td><td>{html.escape(files)}</td>{cells}</tr>")
    head = "".join(f"<th scope=col>{h}</th>" for h in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def layer_counts(
    findings: Sequence[Finding], layers: Mapping[str, Any], sources: Mapping[str, Any]
) -> list[tuple[str, str, str, str]]:
    """Layer, its files, rows read and rows used; a layer that could not be read has a dash."""
    counts = []
    for name in sorted({*layers, *sources, *(f.layer for f in findings if f.layer in layer_schemas())}):
        source = sources.get(name, {})
        files = ", ".join(str(f["path"]) for f in source.get("files", ()))
        counts.append((name, files, str(source.get("rows_read", "—")), str(source.get("rows_used", "—"))))
    return counts


def _severity_part(severity: str, findings: Sequence[Finding], lang: Lang) -> str:
    lines = [f"<h2>{html.escape(SEVERITIES[severity].in_language(lang))}</h2><ul>"]
    for finding in findings:
        if finding.severity != severity:
            continue
        where = " / ".join(part for part in (finding.file, *_named(finding, lang)) if part)
        text = f'<li><span class="{severity}">{html.escape(where)}</span> {html.escape(finding.text.in_language(lang))}'
        if finding.ids:
            shown = "".join(f" <code>{html.escape(id_in(i, lang))}</code>" for i in finding.ids[:IDS_SHOWN])
            text += f"<div class=ids>{shown}</div>"
        if len(finding.ids) > IDS_SHOWN:
            count = f"全部 {len(finding.ids):,} 处" if lang == "zh" else f"all {len(finding.ids):,} places"
            listed = "".join(f"<li><code>{html.escape(id_in(i, lang))}</code></li>" for i in finding.ids)
            text += f"<details><summary>{count}</summary><ul>{listed}</ul></details>"
        lines.append(text + "</li>")
    return "".join([*lines, "</ul>"])


# --- spreadsheet ----------------------------------------------------------------------------------


def _write_sheet(
    path: Path, findings: Sequence[Finding], layers: Mapping[str, Any], sources: Mapping[str, Any], lang: Lang
) -> None:
    """One row a fault and feature; all texts as text, so that no cell is ever a formula."""
    import datetime

    import xlsxwriter

    zh = lang == "zh"
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": datetime.datetime(2000, 1, 1)})  # noqa: DTZ001 - the same bytes on any day
    bold, wrap = book.add_format({"bold": True, "bg_color": "#EEEEEE"}), book.add_format({"text_wrap": True})
    sheet = book.add_worksheet("问题" if zh else "faults")
    for column, (head, width) in enumerate(zip(_COLUMNS, (8, 18, 20, 18, 60, 40, 20), strict=True)):
        sheet.write_string(0, column, head.in_language(lang), bold)
        sheet.set_column(column, column, width, wrap)
    row = 0
    for finding in findings:
        label = _label(finding.layer, lang)
        words = SEVERITIES[finding.severity].in_language(lang), label, finding.file, finding.field
        for text in finding.ids or ("",):
            row += 1
            if row >= _LAST_ROW:
                break
            for column, value in enumerate((*words, finding.text.in_language(lang), id_in(text, lang), finding.code)):
                sheet.write_string(row, column, str(value)[:32_767])
    if row >= _LAST_ROW:
        sheet.write_string(_LAST_ROW, 0, "表格已满，其余见 report.html" if zh else "The sheet is full; see report.html")
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(1, min(row, _LAST_ROW)), len(_COLUMNS) - 1)
    _layer_sheet(book, bold, findings, layers, sources, lang)
    book.close()


_LAST_ROW = 1_048_575


def _label(layer: str, lang: Lang) -> str:
    schema = layer_schemas().get(layer)
    return schema.label.in_language(lang) if schema else layer


def _named(finding: Finding, lang: Lang) -> tuple[str, str]:
    """The layer and the field as people call them, the field with its name in the card."""
    schema = layer_schemas().get(finding.layer)
    field = schema.fields.get(finding.field) if schema else None
    label = f"{field.label.in_language(lang)} {finding.field}" if field else finding.field
    return _label(finding.layer, lang), label


def _layer_sheet(
    book: Any, bold: Any, findings: Sequence[Finding], layers: Mapping[str, Any], sources: Mapping[str, Any], lang: Lang
) -> None:
    zh = lang == "zh"
    sheet = book.add_worksheet("图层" if zh else "layers")
    heads = ("图层", "文件", "读入行数", "采用行数") if zh else ("layer", "files", "rows read", "rows used")
    for column, head in enumerate(heads):
        sheet.write_string(0, column, head, bold)
    for number, (name, files, read, used) in enumerate(layer_counts(findings, layers, sources), start=1):
        for column, value in enumerate((layer_schemas()[name].label.in_language(lang), files, read, used)):
            sheet.write_string(number, column, value)
    sheet.set_column(0, 1, 30)
