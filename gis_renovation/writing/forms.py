"""The first sheet of a workbook: the table a bureau files, on A4, with title, unit line, total and lines to sign.

The data sheets behind it have every column; this one has what a reader without a computer needs, at most twelve
columns, one page wide. A total with unknown parts says so: it is the least there is, never the whole.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as one_of
from typing import TYPE_CHECKING, Final, Protocol

from gis_renovation.display import (
    Column,
    cell_values,
    display_width,
    missing_texts,
    number_format,
    scaled,
    shown_text,
    shown_unit,
)
from gis_renovation.errors import ConfigError
from gis_renovation.schemas import Field, layer_schema
from gis_renovation.words import Lang, Text, unit_text

if TYPE_CHECKING:
    import pandas as pd
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

COLUMNS_MAX: Final = 12
_A4: Final = 9
_WIDTHS: Final = (8, 34)
_LINE_HEIGHT: Final = 17
_HEAD_ROW: Final = 2
_TOTAL = Text("合计", "Total")
_NUMBER = Text("序号", "No.")
# A total of which parts are unknown; what is known is the least it can be.
_AT_LEAST = Text("至少 {sum}（{count} 项未知）", "at least {sum} ({count} unknown)")


@dataclass(frozen=True, kw_only=True)
class Form:
    """A table to be filed: of which layer, with which columns, of which a total makes sense.

    The first column names the row and is repeated where the table goes over several pages. ``columns`` are pairs of
    a layer whose schema has the column and its name, found in ``frame``; ``totals`` are names among them, ``heads``
    say otherwise than the schema what stands in one, such as a name in place of a code.
    """

    title: Text
    frame: pd.DataFrame
    columns: tuple[tuple[str, str], ...]
    totals: frozenset[str] = frozenset()
    signs: tuple[Text, ...] = ()
    heads: Mapping[str, Text] = one_of(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.columns) + 1 > COLUMNS_MAX:
            raise ConfigError(
                f"{self.title.zh}：{len(self.columns) + 1} 列，超过 {COLUMNS_MAX} 列，一页 A4 放不下。",
                f"{self.title.en}: {len(self.columns) + 1} columns, more than the {COLUMNS_MAX} of one A4 page.",
            )


@dataclass(frozen=True)
class Head:
    """What stands around the table: who files it, of which day, and under which run's number."""

    prepared_by: str
    as_of: datetime.date | None
    run: str


class Book(Protocol):
    """The workbook under way: file, language and its formats."""

    file: Workbook
    lang: Lang

    def get(self, **properties: object) -> Format:
        """A cell format, made once."""
        ...


@dataclass(frozen=True)
class _Filled:
    """One column as it will stand: its header, the cells, their number format, and its total."""

    header: str
    cells: tuple[str | float | datetime.date, ...]
    pattern: str
    total: str | float | None

    @property
    def is_text(self) -> bool:
        return not self.pattern

    def width(self) -> float:
        shown = [*self.cells, *([self.total] if self.total is not None else [])]
        widest = max((display_width(_as_shown(cell, self.pattern)) for cell in shown), default=0)
        return min(max(_WIDTHS[0], math.ceil(display_width(self.header) / 2) + 3, widest + 2), _WIDTHS[1])


def write_form(book: Book, name: str, form: Form, head: Head) -> None:
    """One sheet called ``name`` with the form. O(cells)."""
    filled = [_fill(form, layer, column, book.lang) for layer, column in form.columns]
    page = book.file.add_worksheet(name)
    last = len(filled)
    _set_page(page, book, form, head)
    widths = [6.0, *(column.width() for column in filled)]
    for number, width in enumerate(widths):
        page.set_column(number, number, width)
    _write_top(book, page, form, head, filled)
    heads = [_NUMBER.in_language(book.lang), *(column.header for column in filled)]
    look = book.get(bold=True, text_wrap=True, valign="vcenter", align="center", border=1)
    for number, header in enumerate(heads):
        page.write_string(_HEAD_ROW, number, header, look)
    lines = max(math.ceil(display_width(header) / (width - 1)) for header, width in zip(heads, widths, strict=True))
    page.set_row(_HEAD_ROW, _LINE_HEIGHT * max(lines, 1) + 3)
    for row in range(len(form.frame)):
        _write_row(book, page, row, filled, widths)
    foot = _HEAD_ROW + 1 + len(form.frame)
    if form.totals:
        _write_total(book, page, foot, filled)
    signed = "　　　　　　　　".join(f"{sign.in_language(book.lang)}：" for sign in form.signs)
    page.write_string(foot + 2, 0, signed, book.get())
    page.print_area(0, 0, foot + 2, last)


def _set_page(page: Worksheet, book: Book, form: Form, head: Head) -> None:
    page.set_landscape()
    page.set_paper(_A4)
    page.fit_to_pages(1, 0)
    page.center_horizontally()
    page.repeat_rows(0, _HEAD_ROW)
    # Number and name stay in sight, on the screen and on every page.
    page.repeat_columns(0, 1)
    page.freeze_panes(_HEAD_ROW + 1, 2)
    run = Text("运行编号 {run}", "run {run}").fill(run=head.run).in_language(book.lang) if head.run else ""
    title = form.title.in_language(book.lang).replace("&", "&&")
    page.set_footer(f"&L{run}&C{title}&R&P / &N")


def _write_top(book: Book, page: Worksheet, form: Form, head: Head, filled: Sequence[_Filled]) -> None:
    lang, last = book.lang, len(filled)
    page.merge_range(
        0, 0, 0, last, form.title.in_language(lang), book.get(bold=True, font_size=16, align="center", valign="vcenter")
    )
    page.set_row(0, 30)
    blank = Text("＿＿＿＿＿＿", "__________").in_language(lang)
    unit = Text("填报单位：{by}", "Reported by: {by}").fill(by=head.prepared_by or blank).in_language(lang)
    dated = Text("数据截至：{day}", "As of: {day}").fill(day=head.as_of or blank).in_language(lang)
    page.write_string(1, 0, unit, book.get())
    units = _unit_line(form, lang)
    half = max(2, last // 2)
    page.write_string(1, half, dated, book.get(align="center"))
    page.write_string(1, last, units, book.get(align="right"))


def _unit_line(form: Form, lang: Lang) -> str:
    """The units of the table's numbers, each once, in the order of its columns."""
    fields = [layer_schema(layer).fields[name] for layer, name in form.columns]
    units = dict.fromkeys(unit_text(shown_unit(f), lang) for f in fields if f.type in ("number", "integer") and f.unit)
    listed = ("、" if lang == "zh" else ", ").join(units)
    return Text("计量单位：{units}", "Units: {units}").fill(units=listed).in_language(lang) if units else ""


def _fill(form: Form, layer: str, name: str, lang: Lang) -> _Filled:
    field = layer_schema(layer).fields[name]
    column = Column(name, field)
    values = cell_values(form.frame, column)
    missing = missing_texts(form.frame, field, lang)
    is_number = field.type in ("number", "integer") and not field.values
    pattern = number_format(field, values) if is_number else ""
    cells = tuple(
        other if value is None else _cell(value, field, lang) for value, other in zip(values, missing, strict=True)
    )
    header = form.heads[name].in_language(lang) if name in form.heads else column.header(lang)
    return _Filled(header, cells, pattern, _total(form, name, field, values, lang))


def _cell(value: object, field: Field, lang: Lang) -> str | float | datetime.date:
    if isinstance(value, int | float) and not isinstance(value, bool) and not field.values:
        return scaled(value, field)
    return shown_text(value, field, lang)


def _total(form: Form, name: str, field: Field, values: Sequence[object], lang: Lang) -> str | float | None:
    """The sum of a column; the least it can be, in words, where some are unknown."""
    if name not in form.totals:
        return None
    known = [value for value in values if isinstance(value, int | float)]
    unknown = len(values) - len(known)
    total = scaled(math.fsum(known), field)
    if not unknown:
        return total
    said = _as_shown(total, number_format(field, known))
    return _AT_LEAST.fill(sum=said, count=unknown).in_language(lang)


def _as_shown(cell: str | float | datetime.date, pattern: str) -> str:
    """A cell's text, to know how wide it is."""
    if isinstance(cell, str | datetime.date):
        return str(cell)
    if pattern.endswith("%"):
        return f"{cell:.1%}"
    decimals = len(pattern.partition(".")[2])
    return f"{cell:,.{decimals}f}" if "," in pattern else f"{cell:.{decimals}f}"


def _write_row(book: Book, page: Worksheet, row: int, filled: Sequence[_Filled], widths: Sequence[float]) -> None:
    at = _HEAD_ROW + 1 + row
    page.write_number(at, 0, row + 1, book.get(border=1, align="center", valign="vcenter"))
    lines = 1
    for number, column in enumerate(filled, start=1):
        cell = column.cells[row]
        _write_cell(book, page, (at, number), cell, column, bold=False)
        lines = max(lines, math.ceil(display_width(_as_shown(cell, column.pattern)) / (widths[number] - 1)))
    page.set_row(at, _LINE_HEIGHT * lines)


def _write_total(book: Book, page: Worksheet, row: int, filled: Sequence[_Filled]) -> None:
    look = book.get(bold=True, border=1, align="center", valign="vcenter")
    page.write_blank(row, 0, None, look)
    for number, column in enumerate(filled, start=1):
        if column.total is None:
            page.write_string(row, number, _TOTAL.in_language(book.lang) if number == 1 else "", look)
        else:
            _write_cell(book, page, (row, number), column.total, column, bold=True)
    page.set_row(row, _LINE_HEIGHT * (2 if any(isinstance(column.total, str) for column in filled) else 1))


def _write_cell(
    book: Book, page: Worksheet, at: tuple[int, int], cell: str | float | datetime.date, column: _Filled, *, bold: bool
) -> None:
    common = {"border": 1, "valign": "vcenter", **({"bold": True} if bold else {})}
    if isinstance(cell, int | float):
        page.write_number(*at, cell, book.get(num_format=column.pattern or "General", **common))
    else:
        page.write_string(
            *at, str(cell), book.get(text_wrap=True, align="left" if column.is_text else "right", **common)
        )
