"""Tables into raw frames: delimited text, and sheets as offices fill them in.

Of a sheet with titles, merged headers, units, totals and footers one plain table is made. Every row that is not a
record is counted and named by its number in the sheet; what a footer says (names, telephone numbers) is not
repeated anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from gis_renovation.errors import FileError, by_row
from gis_renovation.numerals import plain_text, read_quantity
from gis_renovation.reading import dbf
from gis_renovation.reading.dbf import bytes_at
from gis_renovation.reading.opening import Reading, check_archive, text_encoding, unreadable
from gis_renovation.words import Text

# A workbook with a password is an OLE container with a stream of this name in it.
_OLE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


# So many bytes of a text file are enough to tell whether its encoding is right.
_JUDGED = 2**18
_BLANK_LINE = re.compile(rb"(?:^|\n)[ \t]*\r?\n|\x00")


def read_text_table(path: Path, reading: Reading) -> pd.DataFrame:
    """A delimited text file, or the points of a land survey."""
    encoding = text_encoding(path, reading.card.source.encoding, reading.layer)
    reading.facts["encoding"] = encoding
    reading.say_doubt(dbf.better_encoding(bytes_at(path, 0, _JUDGED), encoding), encoding, path)
    if path.suffix.lower() == ".txt":
        from gis_renovation.reading.surveys import is_survey, survey_frame

        text = path.read_text(encoding="utf-8-sig" if encoding == "UTF-8" else encoding)
        if is_survey(text):
            frame: pd.DataFrame = survey_frame(text, path, reading)
            return frame
    frame = read_csv(path, encoding, header_row=reading.card.source.header_row)
    if reading.card.source.header_row is None and _looks_like_ledger(frame):
        return _ledger(_csv_cells(path, encoding), [], path, reading)
    return _with_sheet_rows(frame, path, encoding, reading.card.source.header_row or 1)


def _with_sheet_rows(frame: pd.DataFrame, path: Path, encoding: str, header_row: int) -> pd.DataFrame:
    """The frame on the row numbers that a spreadsheet shows; as it is where they cannot be told."""
    if not isinstance(frame.index, pd.RangeIndex):
        return frame
    rows: Any = range(header_row + 1, header_row + 1 + len(frame))
    if _BLANK_LINE.search(path.read_bytes().rstrip()):  # blank lines are passed over, yet a spreadsheet counts them
        cells = _csv_cells(path, encoding)
        filled = [number for number, row in enumerate(cells, start=1) if any(cell.strip() for cell in row) or row[1:]]
        rows = [number for number in filled if number >= header_row][1:]
    return frame.set_axis(pd.Index(rows, name=SHEET_ROW)) if len(rows) == len(frame) else frame


def read_csv(path: Path, encoding: str = "", *, header_row: int | None = None) -> pd.DataFrame:
    """A delimited file as text cells; UTF-8 (with or without BOM), else GB18030, unless ``encoding`` says."""
    found = text_encoding(path, encoding, path.stem)
    try:
        return pd.read_csv(
            path,
            encoding="utf-8-sig" if found == "UTF-8" else found,
            sep=_delimiter(path, found),
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            skiprows=(header_row or 1) - 1,
            skipinitialspace=True,
        )
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise _uneven(path, error) from None


def _uneven(path: Path, error: Exception) -> FileError:
    """A line with more cells than the header has: mostly a comma or a quote inside a cell."""
    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
    if "EOF inside string" in str(error):
        return FileError(
            f"{path} 中有单元格的英文双引号不成对，读不下去；请在表格软件中核对后另存为 xlsx。",
            f"{path}: a quote in a cell is never closed. Correct it and save the table as xlsx.",
        )
    if not found:
        return unreadable(path, path.stem, error)
    columns, line, cells = found.groups()
    return FileError(
        f"{path} 第 {line} 行有 {cells} 格，表头只有 {columns} 列；多半是单元格里有没加引号的逗号，或表头不在第一行。"
        "请在表格软件中打开核对后另存为 xlsx，或在来源卡写 header_row = 表头所在行。",
        f"{path}: line {line} has {cells} cells, the header {columns}; most likely a comma in a cell without quotes, "
        "or the header is further down. Save it as xlsx, or set header_row in the card.",
    )


def _delimiter(path: Path, encoding: str) -> str:
    with path.open(encoding=encoding, errors="replace") as stream:
        lines = [line for _, line in zip(range(5), stream, strict=False)]
    counts = {mark: sum(line.count(mark) for line in lines) for mark in (",", "\t", ";", "|")}
    return max(counts, key=lambda mark: counts[mark]) if any(counts.values()) else ","


def _looks_like_ledger(frame: pd.DataFrame) -> bool:
    """Unnamed columns mean that the first line was a title, not the header."""
    unnamed = sum(str(name).startswith("Unnamed:") for name in frame.columns)
    return bool(unnamed > len(frame.columns) / 2)


def _csv_cells(path: Path, encoding: str) -> list[list[Any]]:
    import csv

    with path.open(encoding="utf-8-sig" if encoding == "UTF-8" else encoding, newline="") as stream:
        return [list(row) for row in csv.reader(stream, delimiter=_delimiter(path, encoding))]


def read_sheet(path: Path, reading: Reading, sheet: str) -> pd.DataFrame:
    """The records of one sheet of a workbook, as offices fill it in."""
    cells, merged = _sheet_cells(path, sheet, reading.layer)
    return _ledger(cells, merged, path, reading)


def read_xlsx(path: Path, sheet: str = "", *, header_row: int | None = None) -> pd.DataFrame:
    """The records of one sheet; the only visible one unless ``sheet`` names it. Titles and totals are left out."""
    cells, merged = _sheet_cells(path, sheet, path.stem)
    return read_ledger(cells, merged, header_row=header_row).frame.reset_index(drop=True)


def _sheet_cells(path: Path, sheet: str, layer: str) -> tuple[list[list[Any]], list[Any]]:
    """A sheet's cells from its first row and column on, and its merged ranges. Hidden sheets must be asked for."""
    import python_calamine as calamine

    if bytes_at(path, 0, 2) == b"PK":
        check_archive(path, layer)
    elif bytes_at(path, 0, 4) == _OLE and _ENCRYPTED in bytes_at(path, 0, 2**24):
        raise _locked(path, layer)
    try:
        with path.open("rb") as stream:
            book = calamine.CalamineWorkbook.from_filelike(stream)
            name = _pick_sheet(book, sheet, path, layer)
            found = book.get_sheet_by_name(name)
            cells = found.to_python(skip_empty_area=False)
            if path.suffix.lower() == ".ods":
                return cells, merged_in_ods(path, name, len(cells), max(map(len, cells), default=0))
            return cells, list(found.merged_cell_ranges or [])
    except calamine.PasswordError:
        raise _locked(path, layer) from None
    except calamine.CalamineError as error:
        raise unreadable(path, layer, error) from None


_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
Merged = tuple[tuple[int, int], tuple[int, int]]


def merged_in_ods(path: Path, sheet: str, rows: int, columns: int) -> list[Merged]:
    """Merged ranges of an OpenDocument sheet as first and last (row, column) from 0, which its reader does not give.

    ``rows`` and ``columns`` are the sheet's size, beyond which no range reaches.
    """
    import zipfile
    from xml.etree import ElementTree

    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read("content.xml")
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise unreadable(path, path.stem, "<!DOCTYPE")
        tables = ElementTree.fromstring(text).iter(f"{_TABLE}table")  # noqa: S314 - declarations were refused above
        table = next((t for t in tables if t.get(f"{_TABLE}name") == sheet), None)
        found = [] if table is None else list(_spans(table))
    except (zipfile.BadZipFile, KeyError, ValueError, ElementTree.ParseError) as error:
        raise unreadable(path, path.stem, error) from None
    return [
        (first, (min(last[0], rows - 1), min(last[1], columns - 1)))
        for first, last in found
        if first[0] < rows and first[1] < columns
    ]


def _spans(table: Any) -> Iterator[Merged]:
    row = 0
    for line in table.iter(f"{_TABLE}table-row"):
        column = 0
        for cell in line:
            high, wide = (int(cell.get(f"{_TABLE}number-{way}-spanned", 1)) for way in ("rows", "columns"))
            if high > 1 or wide > 1:
                yield (row, column), (row + high - 1, column + wide - 1)
            column += int(cell.get(f"{_TABLE}number-columns-repeated", 1))
        row += int(line.get(f"{_TABLE}number-rows-repeated", 1))


def sheet_names(path: Path) -> list[str]:
    """The visible sheets of a workbook. Raises FileError as reading it would."""
    import python_calamine as calamine

    if bytes_at(path, 0, 4) == _OLE and _ENCRYPTED in bytes_at(path, 0, 2**24):
        raise _locked(path, path.stem)
    try:
        with path.open("rb") as stream:
            book = calamine.CalamineWorkbook.from_filelike(stream)
            return [s.name for s in book.sheets_metadata if s.visible == calamine.SheetVisibleEnum.Visible]
    except calamine.PasswordError:
        raise _locked(path, path.stem) from None
    except calamine.CalamineError as error:
        raise unreadable(path, path.stem, error) from None


def _locked(path: Path, layer: str) -> FileError:
    return FileError(
        f"图层 {layer}：{path.name} 加了打开密码；请在表格软件中去掉密码另存一份。",
        f"Layer {layer}: {path.name} is locked with a password; save a copy without it.",
    )


def _pick_sheet(book: Any, sheet: str, path: Path, layer: str) -> str:
    from python_calamine import SheetVisibleEnum

    visible = [s.name for s in book.sheets_metadata if s.visible == SheetVisibleEnum.Visible]
    hidden = [s.name for s in book.sheets_metadata if s.name not in visible]
    if sheet in (*visible, *hidden):
        return sheet
    listed = ", ".join([*visible, *(f"{name}（隐藏）" for name in hidden)])
    if sheet:
        raise FileError(
            f"图层 {layer}：{path.name} 没有工作表 {sheet}；现有：{listed}。",
            f"Layer {layer}: {path.name} has no sheet {sheet}; found: {listed}.",
        )
    if len(visible) != 1:
        raise FileError(
            f"图层 {layer}：{path.name} 有多个工作表：{listed}；请在来源卡用 layer_name 指明。",
            f"Layer {layer}: {path.name} has several sheets: {listed}; name one as layer_name in the card.",
        )
    return str(visible[0])


_SET_ASIDE = {
    "title": Text("标题", "title"),
    "total": Text("合计、小计", "total"),
    "footer": Text("表尾（填报人等）", "footer"),
    "header": Text("重复的表头", "repeated header"),
}


def _ledger(cells: list[list[Any]], merged: list[Span], path: Path, reading: Reading) -> pd.DataFrame:
    """A sheet's records; what was set aside is said by kind and row number, never by content."""
    source = reading.card.source
    ledger = read_ledger(cells, merged, header_row=source.header_row, header_rows=source.header_rows)
    reading.facts |= {"sheet_rows": ledger.rows_seen, "set_aside": {k: len(v) for k, v in ledger.set_aside.items()}}
    header = ledger.set_aside["header"]
    for kind, label in _SET_ASIDE.items():
        rows = _after_gap(header) if kind == "header" else ledger.set_aside[kind]
        if rows:
            reading.say(
                "note", "rows_set_aside", path,
                f"{label.zh}行不作为记录：{len(rows)} 行。",
                f"{label.en.capitalize()} rows are no records: {len(rows)}.",
                features=by_row(rows),
            )  # fmt: skip
    if ledger.filled:
        reading.say(
            "note", "merged_filled", path,
            f"合并单元格已展开到所含各行：{ledger.filled} 格。",
            f"Merged cells filled into their rows: {ledger.filled}.",
        )  # fmt: skip
    for row, name, stated, summed in ledger.totals:
        reading.say(
            "warning", "total_differs", path,
            f"第{row}行合计的“{name}”为 {stated:,.10g}，各行相加为 {summed:,.10g}，请核对。",
            f"Row {row} gives {stated:,.10g} as the total of {name!r}; the rows add up to {summed:,.10g}.",
        )  # fmt: skip
    return ledger.frame


def _after_gap(rows: list[int]) -> list[int]:
    """Header rows met again further down: those after the first unbroken run."""
    for number, row in enumerate(rows):
        if number and row != rows[number - 1] + 1:
            return rows[number:]
    return []


Row = Sequence[Any]


Span = tuple[tuple[int, int], tuple[int, int]]


# The index name of the frame made here: its labels are the sheet's own row numbers, from 1.
SHEET_ROW = "sheet_row"


_TOTAL = re.compile(r"^(?:合计|小计|总计|共计|累计|总合计|.{1,8}(?:合计|小计|总计))[::]?$")


_FOOTER = re.compile(
    r"^(?:填报人|填表人|审核人?|负责人|制表|复核|联系人|联系电话|电话|填报单位|填报日期|备注[::]|注[::]?|说明[::]?|单位(?:盖章|负责人))"
)


_UNIT_LINE = re.compile(r"^单位[::]")


_ORDINALS = {"甲", "乙", "丙", "丁"}


_SEARCHED_ROWS = 30


@dataclass
class Ledger:
    """A table and what was set aside: kind (``title``, ``blank``, ``total``, ``footer``, ``header``) to sheet rows."""

    frame: pd.DataFrame
    set_aside: dict[str, list[int]] = field(default_factory=dict)
    filled: int = 0
    totals: list[tuple[int, str, float, float]] = field(default_factory=list)

    @property
    def rows_seen(self) -> int:
        """Rows of the sheet: records and those set aside."""
        return len(self.frame) + sum(map(len, self.set_aside.values()))


def read_ledger(
    cells: Sequence[Row], merged: Sequence[Span] = (), *, header_row: int | None = None, header_rows: int | None = None
) -> Ledger:
    """The records of a sheet.

    ``cells`` are its rows, empty cells None or blank; ``merged`` ranges as ((row, column), (row, column)),
    from 0, last included. ``header_row`` (from 1) and ``header_rows`` override the search for the header.
    Column names join the header's levels with “/”; equal names get “_2”, “_3”. Merged cells of the body
    are filled into every row they cover. Indexed by the sheet's row number. O(cells).
    """
    rows = [list(row) for row in cells]
    width = max((len(row) for row in rows), default=0)
    for row in rows:
        row.extend([None] * (width - len(row)))
    top = _find_header(rows, merged) if header_row is None else header_row - 1
    depth = header_rows or _header_depth(rows, merged, top)
    names = _column_names(rows, merged, top, depth, width)
    filled = _fill_merged(rows, merged, top + depth)
    ledger = Ledger(pd.DataFrame(), filled=filled)
    ledger.set_aside = {kind: [] for kind in ("title", "header", "blank", "total", "footer")}
    ledger.set_aside["title"] = list(range(1, top + 1))
    ledger.set_aside["header"] = list(range(top + 1, min(top + depth, len(rows)) + 1))
    keep = _records(rows, top, depth, ledger)
    used = [column for column in range(width) if names[column] or any(not _empty(rows[r][column]) for r in keep)]
    data = {names[c] or f"第{c + 1}列": _column([rows[r][c] for r in keep]) for c in used}
    ledger.frame = pd.DataFrame(data, index=pd.Index([r + 1 for r in keep], name=SHEET_ROW))
    _compare_totals(rows, used, names, ledger)
    return ledger


def _find_header(rows: Sequence[Row], merged: Sequence[Span]) -> int:
    """The first row that reads like a header: several short texts, none of them a number, most columns filled."""
    counts = [sum(not _empty(cell) for cell in row) for row in rows[:_SEARCHED_ROWS]]
    most = max(counts, default=0)
    spans = {(r, c): (r2 - r + 1, c2 - c + 1) for (r, c), (r2, c2) in merged}
    for number, row in enumerate(rows[:_SEARCHED_ROWS]):
        texts = [cell for cell in row if not _empty(cell)]
        covered = sum(spans.get((number, c), (1, 1))[1] for c, cell in enumerate(row) if not _empty(cell))
        words = [
            t for t in texts if isinstance(t, str) and read_quantity(t) is None and not _UNIT_LINE.match(plain_text(t))
        ]
        if len(words) == len(texts) and len(texts) >= min(2, most) and covered >= max(1, most * 0.5):
            return number
    return next((number for number, count in enumerate(counts) if count), 0)


def _header_depth(rows: Sequence[Row], merged: Sequence[Span], top: int) -> int:
    """Rows the header takes: as deep as its deepest merged cell, one more below a group over several columns."""
    depth = 1
    for (first, _), (last, _) in merged:
        if first == top and last > top:
            depth = max(depth, last - top + 1)
    grouped = {top}
    for (first, left), (last, right) in sorted(merged):
        if first in grouped and right > left and first < top + 6:
            depth = max(depth, last - top + 2)
            grouped.add(last + 1)
    if depth == 1 and top + 1 < len(rows):
        below = [plain_text(cell) for cell in rows[top + 1] if not _empty(cell)]
        if below and all(re.fullmatch(r"[(\[][^)\]]+[)\]]", text) for text in below):
            depth = 2
    return depth


def _column_names(rows: Sequence[Row], merged: Sequence[Span], top: int, depth: int, width: int) -> list[str]:
    head = [list(row) for row in rows[top : top + depth]]
    for (r1, c1), (r2, c2) in merged:
        if top <= r1 < top + depth:
            for r in range(r1, min(r2, top + depth - 1) + 1):
                for c in range(c1, min(c2, width - 1) + 1):
                    head[r - top][c] = head[r1 - top][c1]
    names: list[str] = []
    for column in range(width):
        levels: list[str] = []
        for row in head:
            text = "" if _empty(row[column]) else re.sub(r"\s+", "", str(row[column]))
            if text and (not levels or levels[-1] != text):
                levels.append(text)
        name = "/".join(levels)
        # A line of units under the names belongs to the name: 建筑面积 + （万平方米）.
        name = re.sub(r"/(?=[(（\[])", "", name)
        names.append(_unlike(name, names))
    return names


def _unlike(name: str, taken: list[str]) -> str:
    if not name or name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _fill_merged(rows: list[list[Any]], merged: Sequence[Span], body: int) -> int:
    """Cells of the body below a merged one get its value, as a reader of the sheet sees it."""
    filled = 0
    for (r1, c1), (r2, c2) in merged:
        if r1 < body or c2 > c1 or r1 >= len(rows) or _empty(rows[r1][c1]):
            continue
        for r in range(r1 + 1, min(r2, len(rows) - 1) + 1):
            rows[r][c1] = rows[r1][c1]
            filled += 1
    return filled


def _records(rows: Sequence[Row], top: int, depth: int, ledger: Ledger) -> list[int]:
    """Positions of the rows that are records; the others are put into ``set_aside``."""
    head = [[_shown(cell) for cell in row] for row in rows[top : top + depth]]
    keep = []
    for number in range(top + depth, len(rows)):
        row = rows[number]
        shown = [_shown(cell) for cell in row if not _empty(cell)]
        if not shown:
            kind = "blank"
        elif any(_TOTAL.match(text) for text in shown[:3]):
            kind = "total"
        elif _FOOTER.match(shown[0]) and len(shown) <= max(2, len(row) // 2):
            kind = "footer"
        elif [_shown(cell) for cell in row] in head or _is_column_numbers(shown, number - top - depth):
            kind = "header"
        else:
            keep.append(number)
            continue
        ledger.set_aside[kind].append(number + 1)
    return keep


def _is_column_numbers(shown: list[str], position: int) -> bool:
    """A line “甲 乙 1 2 3” right under the header numbers the columns."""
    if position or len(shown) < 3:
        return False
    words = [text for text in shown if text in _ORDINALS]
    numbers = [text for text in shown if text not in _ORDINALS]
    return numbers == [str(n) for n in range(1, len(numbers) + 1)] and (bool(words) or len(numbers) >= 4)


def _compare_totals(rows: Sequence[Row], used: list[int], names: list[str], ledger: Ledger) -> None:
    """The last total line against the sum of the records: (sheet row, column, stated, summed) where they differ.

    Only for the one total of the whole sheet; subtotals stand for groups that are not known here.
    """
    totals = ledger.set_aside["total"]
    if not totals:
        return
    line = rows[totals[-1] - 1] if len(totals) == 1 else None
    if line is None:
        return
    for column in used:
        stated = _number(line[column])
        if stated is None or not names[column]:
            continue
        values = [_number(cell) for cell in ledger.frame[names[column]]]
        known = [value for value in values if value is not None]
        if known and abs(sum(known) - stated) > max(0.01, abs(stated) * 1e-6):
            ledger.totals.append((totals[-1], names[column], stated, float(f"{sum(known):.12g}")))


def _number(cell: object) -> float | None:
    if isinstance(cell, bool) or _empty(cell):
        return None
    if isinstance(cell, int | float):
        return float(cell)
    found = read_quantity(cell) if isinstance(cell, str) else None
    return found.value if found else None


def _column(cells: Sequence[object]) -> Any:
    """Numbers as numbers where all are, else the cells as they are."""
    values = [None if _empty(value) else value for value in cells]
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        return pd.Series(values, dtype="float64").to_numpy()
    if known and all(isinstance(value, str) for value in known):
        return pd.Series(values, dtype="str").array
    return pd.Series(values, dtype=object).to_numpy()


def _shown(cell: object) -> str:
    if _empty(cell):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return re.sub(r"\s+", "", plain_text(cell))


def _empty(cell: object) -> bool:
    return cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())  # noqa: PLR0124 - NaN
