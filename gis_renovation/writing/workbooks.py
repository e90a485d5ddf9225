"""Result layers as one Excel workbook that a planner can filter, print and hand in.

One sheet a layer, named and headed in the reader's language from the layer schemas, with units in
the headers and codes spelled out; a first sheet says what the numbers are, a last one explains every
column. The same layers give the same bytes.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from gis_renovation.display import (
    SYNTHETIC_NOTICE,
    Column,
    cell_values,
    display_width,
    missing_texts,
    number_format,
    scaled,
    shown_columns,
    shown_text,
    with_withheld,
    yes_no,
)
from gis_renovation.errors import ConfigError
from gis_renovation.schemas import APPROXIMATE, Disclosure, Field, LayerSchema, layer_schema
from gis_renovation.unknowns import ABOUT, ABOUT_MEANS, estimated_rows
from gis_renovation.words import Lang, Text
from gis_renovation.writing.forms import Form, Head, write_form

if TYPE_CHECKING:
    import pandas as pd
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

    from gis_renovation.arrays import Flags

ROWS_MAX = 50_000
CELL_TEXT_MAX = 32_767
SHEET_NAME_MAX = 31
_EXCEL_ROWS = 1_048_576
_EXCEL_FIRST_YEAR = 1901
_WIDTH_SAMPLE = 500
_LINE_HEIGHT = 15
# Excel's numbers of the paper sizes, and how wide a sheet may be to stay readable on one A4 page.
_A4, _A3, _PAGE_CHARACTERS = 9, 8, 190
_LINES_MAX = 20
_WIDTH_MAX = 52
_LONG_TEXT_WIDTH = 30

DISCLOSURE_LABELS: Mapping[Disclosure, Text] = {
    "public": Text("可公开", "public"),
    "internal": Text("内部", "internal"),
    "restricted": Text("受限", "restricted"),
}
_TYPE_LABELS: Mapping[str, Text] = {
    "string": Text("文字", "text"),
    "integer": Text("整数", "whole number"),
    "number": Text("数字", "number"),
    "boolean": Text("是/否", "yes/no"),
    "date": Text("日期", "date"),
}
_NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\]")
# The file's own date must not depend on the day it is written.
_UNDATED = datetime.date(2000, 1, 1)


def write_tables(  # noqa: PLR0913 - what the first sheet says, each by its name
    path: Path,
    layers: Mapping[str, pd.DataFrame],
    *,
    synthetic: bool,
    lang: Lang = "zh",
    project: str = "",
    as_of: datetime.date | None = None,
    attribution: str = "",
    rows_max: int = ROWS_MAX,
    withheld: Mapping[str, Mapping[str, Flags]] | None = None,
    forms: Sequence[Form] = (),
    prepared_by: str = "",
    run: str = "",
) -> None:
    """Write ``layers`` to one XLSX file, a sheet each, in the order given; before them the ``forms`` to be filed.

    What a reader sees: the first sheet says project, date, conventions and which sheets there are;
    the last explains every column. Text from the data is never taken for a formula, link or number.
    A missing number, code or yes/no is written 未知, never left to look like 0; a missing text, id
    or date stays blank unless the schema's note says what a missing value means. Shares are shown
    as per cent, the cell holds 0-1. Geometry is left out.

    A layer with more than ``rows_max`` rows is not written, and the first sheet says so: nobody reads
    such a sheet, and the GeoPackage has all rows. Text longer than a cell can hold goes to a sheet of
    its own, in parts. Cells that ``withheld`` masks (layer, column, rows) say that they were withheld.
    Frames without rows give a sheet with a header only. Raises ConfigError for a
    name without schema or ``rows_max`` beyond Excel's limit. O(cells); about 100,000 cells a second.
    """
    import xlsxwriter

    if not 0 < rows_max < _EXCEL_ROWS:
        raise ConfigError(
            f"rows_max = {rows_max}：应为 1 至 {_EXCEL_ROWS - 1:,}（Excel 每张表的行数上限减去表头）。",
            f"rows_max = {rows_max}: must be 1 to {_EXCEL_ROWS - 1:,}, Excel's rows less the header.",
        )
    said = {name: with_withheld(frame, (withheld or {}).get(name), lang) for name, frame in layers.items()}
    taken = {name.in_language(lang).casefold() for name in (_ABOUT, _DICTIONARY, _LONG)}
    filed: dict[str, Form] = {}
    for form in forms:
        filed[unique_sheet_name(form.title.in_language(lang), taken)] = form
        taken |= {name.casefold() for name in filed}
    sheets = _plan_sheets(said, lang, rows_max, taken)
    about = _About(project, as_of, attribution, synthetic)
    with xlsxwriter.Workbook(
        path,
        # In memory: else each sheet goes through a file of its own first, which many small books feel.
        dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False) | {"in_memory": True},
    ) as file:
        file.set_properties(
            {
                "title": project,
                "comments": SYNTHETIC_NOTICE.in_language(lang) if synthetic else "",
                "created": datetime.datetime.combine(as_of or _UNDATED, datetime.time()),
            }
        )
        book = _Book(file, lang)
        for name, form in filed.items():
            write_form(book, name, form, Head(prepared_by, as_of, run))
        _write_about(book, sheets, about)
        for sheet in sheets:
            if sheet.written:
                _write_layer(book, sheet)
        _write_dictionary(book, sheets)
        _write_overflow(book)


# --- what will be written ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _About:
    project: str
    as_of: datetime.date | None
    attribution: str
    synthetic: bool


@dataclass(frozen=True)
class _Sheet:
    name: str
    schema: LayerSchema
    frame: pd.DataFrame
    columns: tuple[Column, ...]
    written: bool


def _plan_sheets(layers: Mapping[str, pd.DataFrame], lang: Lang, rows_max: int, taken: Iterable[str]) -> list[_Sheet]:
    taken, sheets = set(taken), []
    for name, frame in layers.items():
        schema = layer_schema(name)
        sheet_name = unique_sheet_name(schema.label.in_language(lang), taken)
        taken.add(sheet_name.casefold())
        columns = shown_columns(frame, schema, lang)
        sheets.append(_Sheet(sheet_name, schema, frame, columns, len(frame) <= rows_max))
    return sheets


def unique_sheet_name(label: str, taken: Iterable[str]) -> str:
    r"""``label`` as Excel allows it: no ``[]:*?/\\``, 31 characters at most, none of ``taken`` (casefolded).

    The full label always stands on the first sheet.
    """
    taken = set(taken)
    clean = _NOT_IN_SHEET_NAMES.sub(" ", label).strip(" '") or "Sheet"
    name, number = clean[:SHEET_NAME_MAX].strip(" '"), 1
    while name.casefold() in taken:
        number += 1
        tail = f"({number})"
        name = clean[: SHEET_NAME_MAX - len(tail)] + tail
    return name


# --- writing ----------------------------------------------------------------------------------------

_ABOUT = Text("说明", "About")
_DICTIONARY = Text("字段说明", "Columns")
_LONG = Text("超长文字", "Long text")


def sheet_names() -> frozenset[str]:
    """Names of the sheets that are no layer's, in both languages."""
    return frozenset(text for name in (_ABOUT, _DICTIONARY, _LONG) for text in name)


# Sheet, key, header and the whole text.
_LongText = tuple[str, str, str, str]


class _Book:
    """One workbook under way: its language, its cell formats, each made once, and the texts too long for a cell."""

    def __init__(self, file: Workbook, lang: Lang) -> None:
        self.file, self.lang = file, lang
        self.overflow: list[_LongText] = []
        self._made: dict[tuple[tuple[str, object], ...], Format] = {}

    def get(self, **properties: object) -> Format:
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self.file.add_format(
                {"font_name": "宋体", "font_size": 10.5, "valign": "top", **properties}
            )
        return self._made[key]

    def say(self, text: Text) -> str:
        """The text in the workbook's language."""
        return text.in_language(self.lang)

    @cached_property
    def header(self) -> Format:
        return self.get(bold=True, text_wrap=True, valign="vcenter", align="center", bg_color="#DCE6F1", border=1)

    @cached_property
    def unknown(self) -> Format:
        return self.get(italic=True, font_color="#7F7F7F", align="right")

    @cached_property
    def wrapped(self) -> Format:
        return self.get(text_wrap=True)


def _write_layer(book: _Book, sheet: _Sheet) -> None:
    page = book.file.add_worksheet(sheet.name)
    page.freeze_panes(1, 1 if sheet.columns else 0)
    page.set_landscape()
    page.repeat_rows(0)
    page.set_footer(f"&L{book.say(sheet.schema.label).replace('&', '&&')}&R&P / &N")
    page.set_row(0, 32)
    lines = [1] * len(sheet.frame)
    total_width = 0.0
    for number, column in enumerate(sheet.columns):
        wide = _prepare_column(book, sheet, column)
        total_width += wide.width
        _write_head(book, page, number, wide)
        _write_column(book, page, number, wide)
        if wide.wraps:
            lines = [max(pair) for pair in zip(lines, wide.lines(), strict=True)]
    _set_paper(page, total_width)
    for row, count in enumerate(lines, start=1):
        if count > 1:
            page.set_row(row, _LINE_HEIGHT * min(count, _LINES_MAX))
    if sheet.columns:
        page.autofilter(0, 0, len(sheet.frame), len(sheet.columns) - 1)


def _set_paper(page: Worksheet, total_width: float) -> None:
    """A narrow sheet on A4, one page wide; a wide one on A3 in several, the key repeated on each."""
    if total_width <= _PAGE_CHARACTERS:
        page.set_paper(_A4)
        page.fit_to_pages(1, 0)
    else:
        page.set_paper(_A3)
        page.repeat_columns(0)


@dataclass(frozen=True, kw_only=True)
class _Filled:
    """A column with its values, and how wide it is and whether its text wraps."""

    sheet: _Sheet
    column: Column
    values: Sequence[object]
    width: float
    wraps: bool

    def lines(self) -> list[int]:
        """How many lines each cell takes; a text too long for a cell leaves a short pointer there."""
        texts = ["" if value is None else str(value) for value in self.values]
        widths = [0 if len(text) > CELL_TEXT_MAX else display_width(text) for text in texts]
        return [max(1, math.ceil(width / (self.width - 1))) for width in widths]


def _prepare_column(book: _Book, sheet: _Sheet, column: Column) -> _Filled:
    values = cell_values(sheet.frame, column)
    width, wraps = _width(column, values, book.lang)
    return _Filled(sheet=sheet, column=column, values=values, width=width, wraps=wraps)


def _write_head(book: _Book, page: Worksheet, number: int, filled: _Filled) -> None:
    column = filled.column
    page.set_column(number, number, filled.width)
    page.write_string(0, number, column.header(book.lang), book.header)
    page.write_comment(0, number, _comment(column, book.lang), {"x_scale": 1.6, "author": ""})


def _write_column(book: _Book, page: Worksheet, number: int, filled: _Filled) -> None:
    """Write the cells of one column; texts too long for a cell join those of the workbook."""
    sheet, column = filled.sheet, filled.column
    about = estimated_rows(sheet.frame, column.name).tolist()
    looks = {so: _value_format(book, filled, about=book.lang if so else None) for so in {*about}}
    missing = missing_texts(sheet.frame, column.field, book.lang)
    for row, value in enumerate(filled.values, start=1):
        if value is None:
            if missing[row - 1]:
                page.write_string(row, number, missing[row - 1], book.unknown)
            continue
        cell = _cell(value, column.field, book.lang)
        look = looks[about[row - 1]]
        if isinstance(cell, str) and len(cell) > CELL_TEXT_MAX:
            page.write_string(row, number, _pointer(len(cell), book.lang), look)
            book.overflow.append((sheet.name, str(sheet.frame.index[row - 1]), column.header(book.lang), str(value)))
        elif isinstance(cell, str):
            page.write_string(row, number, cell, look)
        elif isinstance(cell, datetime.datetime):
            page.write_datetime(row, number, cell, look)
        else:
            page.write_number(row, number, cell, look)


def _cell(value: object, field: Field | None, lang: Lang) -> str | float | datetime.datetime:
    """What a cell holds of a known value: a number or a date where Excel knows it as one, else text."""
    if isinstance(value, bool):
        return yes_no(value, lang)
    if isinstance(value, int | float):
        return scaled(value, field)
    if isinstance(value, datetime.date):
        if value.year < _EXCEL_FIRST_YEAR:
            return str(value)
        return datetime.datetime.combine(value, datetime.time())
    return field.words(value, lang) if isinstance(value, str) and field is not None else str(value)


_POINTER = Text(
    "（全文 {length:,} 字，超出单元格上限，见“{sheet}”表）",
    "({length:,} characters, too long for a cell: see sheet “{sheet}”)",
)


def _pointer(length: int, lang: Lang) -> str:
    return _POINTER.fill(length=length, sheet=_LONG).in_language(lang)


def _comment(column: Column, lang: Lang) -> str:
    note = column.field.note.in_language(lang) if column.field is not None else ""
    label = Text("列名", "column").in_language(lang)
    return f"{label} {column.name}" + (f"\n{note}" if note else "")


def _value_format(book: _Book, filled: _Filled, *, about: Lang | None) -> Format:
    """``about``: the language in which an approximate number says so; the cell stays a number."""
    field = filled.column.field
    if field is not None and field.type in ("number", "integer"):
        number = number_format(field, filled.values)
        quoted = f'"{ABOUT.in_language(about).format(n="")}"' if about else ""
        return book.get(num_format=f"{quoted}{number}")
    if field is not None and field.type == "date":
        return book.get(num_format="yyyy-mm-dd", align="left")
    return book.wrapped if filled.wraps else book.get()


def _width(column: Column, values: Sequence[object], lang: Lang) -> tuple[float, bool]:
    """Column width in characters of Latin text, and whether the text wraps."""
    sample = {shown_text(value, column.field, lang) for value in dict.fromkeys(values[:_WIDTH_SAMPLE])}
    longest = max((display_width(text) for text in sample), default=0)
    # A header may take two lines; the filter button needs room beside it.
    header = math.ceil(display_width(column.header(lang)) / 2) + 4
    return min(max(header, longest + 2, 8), _WIDTH_MAX), longest > _LONG_TEXT_WIDTH


def _write_about(book: _Book, sheets: list[_Sheet], about: _About) -> None:
    page = book.file.add_worksheet(book.say(_ABOUT))
    page.set_column(0, 0, 30)
    page.set_column(1, 1, 40)
    page.set_column(2, 3, 12)
    page.set_column(4, 4, 60)
    page.set_landscape()
    page.set_paper(_A4)
    page.fit_to_pages(1, 0)
    title = about.project or book.say(Text("成果表", "Result tables"))
    page.set_row(0, 26)
    page.write_string(0, 0, title, book.get(bold=True, font_size=16))
    row = 1
    if about.synthetic:
        page.write_string(row, 0, book.say(SYNTHETIC_NOTICE), book.get(bold=True, font_color="#C00000"))
        row += 1
    estimates = any(APPROXIMATE in sheet.frame.columns for sheet in sheets if sheet.written)
    for line in [*_about_lines(about), *([ABOUT_MEANS] if estimates else [])]:
        page.write_string(row, 0, book.say(line), book.get())
        row += 1
    row += 1
    headers = (
        Text("工作表", "Sheet"),
        Text("图层", "Layer"),
        Text("行数", "Rows"),
        Text("公开范围", "Disclosure"),
        Text("说明", "Note"),
    )
    for number, header in enumerate(headers):
        page.write_string(row, number, book.say(header), book.header)
    for sheet in sheets:
        row += 1
        _write_contents_line(book, page, row, sheet)


def _about_lines(about: _About) -> list[Text]:
    lines = [Text(f"数据截至：{about.as_of}", f"As of: {about.as_of}")] if about.as_of else []
    if about.attribution:
        lines.append(Text(f"数据来源：{about.attribution}", f"Source: {about.attribution}"))
    lines += [
        Text(
            "“未知”表示没有数据，既不是 0，也不是“无”；写 0 的是核算后确为零。",
            "“unknown” means there is no data: neither 0 nor none. A 0 was computed to be zero.",
        ),
        Text(
            "文字、编号、日期栏空白，表示没有此项或未填写。",
            "A blank text, id or date means there is none, or none was given.",
        ),
        Text(
            "长度单位 m，面积单位 m²（1 公顷 = 10,000 m² = 15 亩），金额单位万元；比例显示为百分数。"
            "面积按项目坐标系量算。",
            "Lengths in m, areas in m² (1 ha = 10,000 m² = 15 mu), money in 10,000 yuan; shares shown as per cent. "
            "Areas are measured in the project's coordinate system.",
        ),
        Text(
            "各栏含义见“{sheet}”表；空间图形见本次运行的 layers.gpkg（可用 QGIS 打开）。",
            "Sheet “{sheet}” explains every column; the geometry is in the run's layers.gpkg (QGIS).",
        ).fill(sheet=_DICTIONARY),
    ]
    return lines


def _write_contents_line(book: _Book, page: Worksheet, row: int, sheet: _Sheet) -> None:
    schema = sheet.schema
    name = Text("{label}（{name}）", "{label} ({name})").fill(label=schema.label, name=schema.name)
    if sheet.written:
        quoted = sheet.name.replace("'", "''")
        target = f"internal:'{quoted}'!A1"
        page.write_url(row, 0, target, book.get(font_color="#0563C1", underline=1), sheet.name)
        note = book.say(schema.note)
    else:
        page.write_string(row, 0, "—", book.get())
        note = Text(
            f"行数过多，未写入本文件；请用 QGIS 打开 layers.gpkg 中的 {schema.name}。",
            f"Too many rows, not written here; open {schema.name} in layers.gpkg with QGIS.",
        ).in_language(book.lang)
    page.write_string(row, 1, book.say(name), book.get())
    page.write_number(row, 2, len(sheet.frame), book.get(num_format="#,##0"))
    page.write_string(row, 3, book.say(DISCLOSURE_LABELS[schema.disclosure]), book.get())
    page.write_string(row, 4, note, book.wrapped)


def _write_dictionary(book: _Book, sheets: list[_Sheet]) -> None:
    page = book.file.add_worksheet(book.say(_DICTIONARY))
    page.set_landscape()
    page.set_paper(_A4)
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    headers = (
        (Text("工作表", "Sheet"), 22),
        (Text("栏名", "Header"), 26),
        (Text("列名", "Column"), 28),
        (Text("类型", "Type"), 10),
        (Text("公开范围", "Disclosure"), 10),
        (Text("取值", "Values"), 44),
        (Text("备注", "Note"), 44),
    )
    for number, (header, width) in enumerate(headers):
        page.set_column(number, number, width)
        page.write_string(0, number, book.say(header), book.header)
    page.freeze_panes(1, 0)
    row = 0
    for sheet in sheets:
        for column in sheet.columns:
            row += 1
            for number, text in enumerate(_dictionary_line(sheet, column, book.lang)):
                page.write_string(row, number, text, book.wrapped)
    page.autofilter(0, 0, row, len(headers) - 1)


def _dictionary_line(sheet: _Sheet, column: Column, lang: Lang) -> tuple[str, ...]:
    field = column.field
    if field is None:
        return (sheet.name, column.name, column.name, "", DISCLOSURE_LABELS["restricted"].in_language(lang), "", "")
    separator = "；" if lang == "zh" else "; "
    values = separator.join(f"{code} = {label.in_language(lang)}" for code, label in field.values.items())
    return (
        sheet.name,
        column.header(lang),
        field.name,
        _TYPE_LABELS[field.type].in_language(lang),
        DISCLOSURE_LABELS[field.disclosure].in_language(lang),
        values,
        field.note.in_language(lang),
    )


def _write_overflow(book: _Book) -> None:
    if not book.overflow:
        return
    page = book.file.add_worksheet(book.say(_LONG))
    headers = (
        Text("工作表", "Sheet"),
        Text("编号", "Id"),
        Text("栏名", "Header"),
        Text("段", "Part"),
        Text("文字", "Text"),
    )
    for number, label in enumerate(headers):
        page.write_string(0, number, book.say(label), book.header)
    page.set_column(4, 4, 100)
    row = 0
    for sheet_name, key, header, text in book.overflow:
        for part, start in enumerate(range(0, len(text), CELL_TEXT_MAX), start=1):
            row += 1
            for number, value in enumerate((sheet_name, key, header)):
                page.write_string(row, number, value, book.get())
            page.write_number(row, 3, part, book.get())
            page.write_string(row, 4, text[start : start + CELL_TEXT_MAX], book.wrapped)
