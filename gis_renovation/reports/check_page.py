"""The check report: every fault of every layer, for the screen, the browser, the spreadsheet and the map.

``report.html`` is for reading and handing on, ``check.xlsx`` for working through row by row, and
``errors.gpkg`` shows in QGIS where each fault lies. The same findings give the same texts.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gis_renovation.display import render
from gis_renovation.errors import Finding
from gis_renovation.reports.error_places import error_places
from gis_renovation.reports.parts import SEVERITIES, Layers
from gis_renovation.run import Project, SourceRecord
from gis_renovation.schemas import layer_schemas
from gis_renovation.words import COMMAS, IDS_SHOWN, Lang, Text
from gis_renovation.writing import filed_folder, write_geopackage

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

REPORT_FOLDER = "check"


class LayerCount(NamedTuple):
    """A layer as it was read: its files, the rows read and used (a dash where it could not be), its faults."""

    name: str
    label: Text
    files: str
    read: str
    used: str
    faults: tuple[int, ...]


class Fault(NamedTuple):
    """A finding as the page shows it, in one language."""

    where: str
    text: str
    ids: list[str]


@dataclass(frozen=True, kw_only=True)
class _Check:
    """All that the report tells."""

    project: Project
    findings: Sequence[Finding]
    layers: Sequence[LayerCount]
    lang: Lang


def write_check_report(
    project: Project, findings: Sequence[Finding], layers: Layers, sources: Mapping[str, SourceRecord], *, lang: Lang
) -> tuple[Path, list[Text]]:
    """Write the report into ``reports/check`` of the project; its folder, and which files of people's were kept."""
    folder = project.folder / "reports" / REPORT_FOLDER
    check = _Check(project=project, findings=findings, layers=layer_counts(findings, layers, sources), lang=lang)
    with filed_folder(folder) as filing:
        work = filing.work
        (work / "report.html").write_text(_page(check), encoding="utf-8")
        _write_book(work / "check.xlsx", check)
        places = error_places(findings, layers, lang=lang)
        if places is not None:
            write_geopackage(work / "errors.gpkg", places)
    return folder, filing.remarks()


def layer_counts(findings: Sequence[Finding], layers: Layers, sources: Mapping[str, SourceRecord]) -> list[LayerCount]:
    """Every layer that was read or should have been, by name."""
    schemas = layer_schemas()
    counts = []
    for name in sorted({*layers, *sources, *(f.layer for f in findings if f.layer in schemas)}):
        source = sources.get(name)
        files = ", ".join(file.path for file in source.files) if source else ""
        rows = (source.rows_read, source.rows_used) if source else (None, None)
        read, used = ("—" if count is None else str(count) for count in rows)
        faults = tuple(sum(f.layer == name and f.severity == severity for f in findings) for severity in SEVERITIES)
        counts.append(LayerCount(name, schemas[name].label, files, read, used, faults))
    return counts


# --- browser --------------------------------------------------------------------------------------

_LAYER_HEADS = (
    Text("图层", "layer"),
    Text("文件", "files"),
    Text("读入行数", "rows read"),
    Text("采用行数", "rows used"),
)
_FAULT_HEADS = (Text("错误", "errors"), Text("警告", "warnings"), Text("说明", "notes"))


def _page(check: _Check) -> str:
    found = {severity: [f for f in check.findings if f.severity == severity] for severity in SEVERITIES}
    summary = COMMAS.join(
        Text("{label} {count}", "{count} {label}s").fill(label=SEVERITIES[severity], count=len(faults))
        for severity, faults in found.items()
    )
    return render(
        "check.html",
        lang=check.lang,
        title=Text("{name}：数据检查", "{name}: data check").fill(name=check.project.name).in_language(check.lang),
        synthetic=check.project.settings.project.synthetic,
        summary=summary.in_language(check.lang),
        heads=(*_LAYER_HEADS, *_FAULT_HEADS),
        layers=check.layers,
        severities=SEVERITIES,
        parts=[(severity, [_fault(f, check.lang) for f in faults]) for severity, faults in found.items() if faults],
        ids_shown=IDS_SHOWN,
    )


def _fault(finding: Finding, lang: Lang) -> Fault:
    where = " / ".join(part for part in (finding.file, *_named(finding, lang)) if part)
    return Fault(where, finding.text.in_language(lang), list(finding.named(lang)))


def _label(layer: str, lang: Lang) -> str:
    schema = layer_schemas().get(layer)
    return schema.label.in_language(lang) if schema else layer


def _named(finding: Finding, lang: Lang) -> tuple[str, str]:
    """The layer and the field as people call them, the field with its name in the card."""
    schema = layer_schemas().get(finding.layer)
    field = schema.fields.get(finding.field) if schema else None
    label = f"{field.label.in_language(lang)} {finding.field}" if field else finding.field
    return _label(finding.layer, lang), label


# --- spreadsheet ----------------------------------------------------------------------------------

_COLUMNS = (
    (Text("级别", "severity"), 8),
    (Text("图层", "layer"), 18),
    (Text("文件", "file"), 20),
    (Text("字段", "field"), 18),
    (Text("问题", "fault"), 60),
    (Text("要素或行", "feature or row"), 40),
    (Text("代码", "code"), 20),
)
_LAST_ROW = 1_048_575
_FULL = Text("表格已满，其余见 report.html", "The sheet is full; see report.html")


def _write_book(path: Path, check: _Check) -> None:
    """One row a fault and feature; all texts as text, so that no cell is ever a formula."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": datetime.datetime(2000, 1, 1)})  # noqa: DTZ001 - the same bytes on any day
    bold = book.add_format({"bold": True, "bg_color": "#EEEEEE"})
    _fault_sheet(book, bold, check)
    _layer_sheet(book, bold, check)
    book.close()


def _fault_sheet(book: Workbook, bold: Format, check: _Check) -> None:
    wrap = book.add_format({"text_wrap": True})
    sheet = book.add_worksheet(Text("问题", "faults").in_language(check.lang))
    for column, (head, width) in enumerate(_COLUMNS):
        sheet.write_string(0, column, head.in_language(check.lang), bold)
        sheet.set_column(column, column, width, wrap)
    rows = _write_faults(sheet, check)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(1, rows), len(_COLUMNS) - 1)


def _write_faults(sheet: Worksheet, check: _Check) -> int:
    """The faults below the header; the last row written."""
    row = 0
    for finding in check.findings:
        text = finding.text.in_language(check.lang)
        words = SEVERITIES[finding.severity].in_language(check.lang), _label(finding.layer, check.lang)
        for feature in finding.named(check.lang) or ("",):
            row += 1
            if row >= _LAST_ROW:
                sheet.write_string(_LAST_ROW, 0, _FULL.in_language(check.lang))
                return _LAST_ROW
            cells = (*words, finding.file, finding.field, text, feature, finding.code)
            for column, value in enumerate(cells):
                sheet.write_string(row, column, str(value)[:32_767])
    return row


def _layer_sheet(book: Workbook, bold: Format, check: _Check) -> None:
    sheet = book.add_worksheet(Text("图层", "layers").in_language(check.lang))
    for column, head in enumerate(_LAYER_HEADS):
        sheet.write_string(0, column, head.in_language(check.lang), bold)
    for number, layer in enumerate(check.layers, start=1):
        for column, value in enumerate((layer.label.in_language(check.lang), layer.files, layer.read, layer.used)):
            sheet.write_string(number, column, value)
    sheet.set_column(0, 1, 30)
