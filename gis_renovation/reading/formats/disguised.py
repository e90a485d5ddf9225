"""Tables that a web system calls .xls though they are none: an HTML page, or the XML of Excel 2003.

Excel opens both after a warning, so offices pass them on. Cells come out as a sheet's do.
"""

from __future__ import annotations

import datetime
import re
from html.parser import HTMLParser
from typing import Any, NamedTuple
from xml.etree import ElementTree

from gis_renovation.reading.formats.compound import SheetTraps

Merged = tuple[tuple[int, int], tuple[int, int]]


class Cells(NamedTuple):
    """A table's cells, its merged ranges, and what it holds beside the values."""

    cells: list[list[Any]]
    merged: list[Merged]
    traps: SheetTraps


_SS = "{urn:schemas-microsoft-com:office:spreadsheet}"

# How a page hides a row: a filter of Excel is saved so.
_UNSEEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)

# A cell may span so many rows or columns at most; what claims more is no table.
_MOST_SPANNED = 1000


class _Tables(HTMLParser):
    """The tables of a page: rows of (text, rows spanned, columns spanned); tables within a cell are their own."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.done: list[tuple[list[list[tuple[str, int, int]]], list[int]]] = []
        self.hidden: list[list[int]] = []
        self.open: list[list[list[tuple[str, int, int]]]] = []
        self.cells: list[list[Any] | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.open.append([])
            self.hidden.append([])
            self.cells.append(None)
        elif self.open and tag == "tr":
            self._close_cell()
            if _UNSEEN.search(dict(attrs).get("style") or "") or "hidden" in dict(attrs):
                self.hidden[-1].append(len(self.open[-1]))
            self.open[-1].append([])
        elif self.open and tag in ("td", "th"):
            self._close_cell()
            spans = dict(attrs)
            self.cells[-1] = ["", *(_span(spans.get(name)) for name in ("rowspan", "colspan"))]
        elif tag == "br" and self.cells and self.cells[-1] is not None:
            self.cells[-1][0] += "\n"

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr"):
            self._close_cell()
        elif tag == "table" and self.open:
            self._close_cell()
            self.done.append((self.open.pop(), self.hidden.pop()))
            self.cells.pop()

    def handle_data(self, data: str) -> None:
        if self.cells and self.cells[-1] is not None:
            self.cells[-1][0] += data

    def close(self) -> None:
        super().close()
        while self.open:
            self.handle_endtag("table")

    def _close_cell(self) -> None:
        if self.cells and self.cells[-1] is not None and self.open:
            text, rows, columns = self.cells[-1]
            if not self.open[-1]:
                self.open[-1].append([])
            self.open[-1][-1].append((text.strip(), rows, columns))
            self.cells[-1] = None


def _span(text: str | None) -> int:
    return min(int(text), _MOST_SPANNED) if text and text.isdecimal() and int(text) > 0 else 1


def html_cells(text: str) -> Cells | None:
    """The cells of the largest table of an HTML page; None if it has none."""
    parser = _Tables()
    parser.feed(text)
    parser.close()
    largest, hidden = max(parser.done, key=lambda table: sum(map(len, table[0])), default=([], []))
    return Cells(*_placed(largest), SheetTraps(hidden_rows=hidden)) if any(largest) else None


def _placed(rows: list[list[tuple[str, int, int]]]) -> tuple[list[list[Any]], list[Merged]]:
    """Cells at their places, those below and beside a spanning one left free."""
    taken: dict[tuple[int, int], str] = {}
    merged: list[Merged] = []
    for row, line in enumerate(rows):
        column = 0
        for text, high, wide in line:
            while (row, column) in taken:
                column += 1
            last = min(row + high, len(rows)) - 1
            for place in ((r, c) for r in range(row, last + 1) for c in range(column, column + wide)):
                taken[place] = ""
            taken[row, column] = text
            if last > row or wide > 1:
                merged.append(((row, column), (last, column + wide - 1)))
            column += wide
    width = max((column for _, column in taken), default=-1) + 1
    return [[taken.get((row, column), "") for column in range(width)] for row in range(len(rows))], merged


def xml_sheets(text: str) -> dict[str, Cells]:
    """The sheets of a workbook in the XML of Excel 2003, by name; empty for any other XML."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return {}
    try:
        root = ElementTree.fromstring(text.encode("utf-8") if "encoding=" not in text[:200] else _undeclared(text))  # noqa: S314
        return {sheet.get(f"{_SS}Name", ""): _xml_cells(sheet) for sheet in root.iter(f"{_SS}Worksheet")}
    except (ElementTree.ParseError, ValueError):  # also numbers that are none in places and spans
        return {}


def _undeclared(text: str) -> bytes:
    """The XML without its declaration, which names an encoding the text no longer has."""
    return text[text.index("?>") + 2 :].encode("utf-8") if text.lstrip("\ufeff").startswith("<?xml") else text.encode()


def _xml_cells(sheet: ElementTree.Element) -> Cells:
    rows: list[list[Any]] = []
    merged: list[Merged] = []
    traps = SheetTraps()
    for line in sheet.iter(f"{_SS}Row"):
        at = min(int(line.get(f"{_SS}Index", len(rows) + 1)) - 1, len(rows) + _MOST_SPANNED)
        rows += [[] for _ in range(len(rows), at)]
        rows.append([])
        if line.get(f"{_SS}Hidden") == "1":
            traps.hidden_rows.append(len(rows) - 1)
        for cell in line.iter(f"{_SS}Cell"):
            column = min(int(cell.get(f"{_SS}Index", len(rows[-1]) + 1)) - 1, len(rows[-1]) + _MOST_SPANNED)
            wide, high = (int(cell.get(f"{_SS}Merge{way}", 0)) for way in ("Across", "Down"))
            rows[-1] += [""] * (column - len(rows[-1])) + [_xml_value(cell.find(f"{_SS}Data"))] + [""] * wide
            _note_trap(cell, (len(rows) - 1, column), traps)
            if wide or high:
                merged.append(((len(rows) - 1, column), (len(rows) - 1 + high, column + wide)))
    return Cells(rows, merged, traps)


def _note_trap(cell: ElementTree.Element, place: tuple[int, int], traps: SheetTraps) -> None:
    data = cell.find(f"{_SS}Data")
    if data is not None and data.get(f"{_SS}Type") == "Error":
        traps.errors[place] = "".join(data.itertext()).strip() or "#"
    elif data is None and cell.get(f"{_SS}Formula"):
        traps.uncomputed.append(place)


def _xml_value(data: ElementTree.Element | None) -> Any:
    text = "" if data is None else "".join(data.itertext())
    kind = "" if data is None else data.get(f"{_SS}Type", "")
    if kind == "Error":
        return ""
    try:
        if kind == "Number":
            return float(text)
        if kind == "DateTime":
            return datetime.datetime.fromisoformat(text)
    except ValueError:
        return text
    return text == "1" if kind == "Boolean" else text
