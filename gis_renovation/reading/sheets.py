"""Tables into raw frames: delimited text, sheets as offices fill them in, boundary points of land surveys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gis_renovation.errors import CRSError, FileError, by_row
from gis_renovation.reading import archives, dbf
from gis_renovation.reading.opening import Reading, bytes_at, say_doubt, text_encoding, unreadable
from gis_renovation.words import Text

# A workbook with a password is an OLE container with a stream of this name in it.
_OLE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


# So many bytes of a text file are enough to tell whether its encoding is right.
_JUDGED = 2**18
_BLANK_LINE = re.compile(rb"(?:^|\n)[ \t]*\r?\n|\x00")


def read_text_table(path: Path, reading: Reading) -> Any:
    """A delimited text file, or the points of a land survey."""
    encoding = text_encoding(path, reading.card.source.encoding, reading.layer)
    reading.facts["encoding"] = encoding
    say_doubt(dbf.better_encoding(bytes_at(path, 0, _JUDGED), encoding), encoding, path, reading)
    if path.suffix.lower() == ".txt":
        from gis_renovation.reading.surveys import is_survey

        text = path.read_text(encoding="utf-8-sig" if encoding == "UTF-8" else encoding)
        if is_survey(text):
            return _read_survey(text, path, reading)
    frame = read_csv(path, encoding, header_row=reading.card.source.header_row)
    if reading.card.source.header_row is None and _looks_like_ledger(frame):
        return _ledger(_csv_cells(path, encoding), [], path, reading)
    return _with_sheet_rows(frame, path, encoding, reading.card.source.header_row or 1)


def _with_sheet_rows(frame: Any, path: Path, encoding: str, header_row: int) -> Any:
    """The frame on the row numbers that a spreadsheet shows; as it is where they cannot be told."""
    import pandas as pd

    from gis_renovation.reading.ledgers import SHEET_ROW

    if not isinstance(frame.index, pd.RangeIndex):
        return frame
    rows: Any = range(header_row + 1, header_row + 1 + len(frame))
    if _BLANK_LINE.search(path.read_bytes().rstrip()):  # blank lines are passed over, yet a spreadsheet counts them
        cells = _csv_cells(path, encoding)
        filled = [number for number, row in enumerate(cells, start=1) if any(cell.strip() for cell in row) or row[1:]]
        rows = [number for number in filled if number >= header_row][1:]
    return frame.set_axis(pd.Index(rows, name=SHEET_ROW)) if len(rows) == len(frame) else frame


def read_csv(path: Path, encoding: str = "", *, header_row: int | None = None) -> Any:
    """A delimited file as text cells; UTF-8 (with or without BOM), else GB18030, unless ``encoding`` says."""
    import pandas as pd

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


def _looks_like_ledger(frame: Any) -> bool:
    """Unnamed columns mean that the first line was a title, not the header."""
    unnamed = sum(str(name).startswith("Unnamed:") for name in frame.columns)
    return bool(unnamed > len(frame.columns) / 2)


def _csv_cells(path: Path, encoding: str) -> list[list[Any]]:
    import csv

    with path.open(encoding="utf-8-sig" if encoding == "UTF-8" else encoding, newline="") as stream:
        return [list(row) for row in csv.reader(stream, delimiter=_delimiter(path, encoding))]


def read_sheet(path: Path, reading: Reading, sheet: str) -> Any:
    """The records of one sheet of a workbook, as offices fill it in."""
    cells, merged = _sheet_cells(path, sheet, reading.layer)
    return _ledger(cells, merged, path, reading)


def read_xlsx(path: Path, sheet: str = "", *, header_row: int | None = None) -> Any:
    """The records of one sheet; the only visible one unless ``sheet`` names it. Titles and totals are left out."""
    from gis_renovation.reading.ledgers import read_ledger

    cells, merged = _sheet_cells(path, sheet, path.stem)
    return read_ledger(cells, merged, header_row=header_row).frame.reset_index(drop=True)


def _sheet_cells(path: Path, sheet: str, layer: str) -> tuple[list[list[Any]], list[Any]]:
    """A sheet's cells from its first row and column on, and its merged ranges. Hidden sheets must be asked for."""
    import python_calamine as calamine

    if bytes_at(path, 0, 2) == b"PK":
        archives.check_archive(path, layer)
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


def _ledger(cells: Any, merged: Any, path: Path, reading: Reading) -> Any:
    """A sheet's records; what was set aside is said by kind and row number, never by content."""
    from gis_renovation.reading.ledgers import read_ledger

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
                by_row(rows),
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


def _read_survey(text: str, path: Path, reading: Reading) -> Any:
    import geopandas as gpd

    from gis_renovation.reading.surveys import read_survey, stated_crs, stated_datum

    survey = read_survey(text)
    reading.facts["survey"] = {k: survey.header[k] for k in ("坐标系", "几度分带", "带号") if k in survey.header}
    if survey.broken:
        zh = "界址点不足三个，围不成面。"
        reading.say("error", "unreadable_geometry", path, zh, "Fewer than three points make no area.", survey.broken)
    if survey.lines_left:
        zh, en = "看不懂的行，未采用。", "Lines not understood, not used."
        reading.say("warning", "lines_left", path, zh, en, by_row(survey.lines_left))
    datum = stated_datum(survey.header)
    if datum and datum != "CGCS2000" and not reading.card.source.crs:
        raise CRSError(
            f"图层 {reading.layer}：{path.name} 为 {datum} 坐标，没有公开的转换参数；"
            "请在来源卡写明 crs，并用 [control] 给出控制点。",
            f"Layer {reading.layer}: {path.name} is in {datum}, for which no public transformation exists; state crs "
            "in the card and give control points in [control].",
        )
    frame = gpd.GeoDataFrame(survey.parcels, geometry=survey.polygons)
    crs = stated_crs(survey.header)
    if crs and len(frame) and frame.total_bounds[2] < 1e6:
        crs = f"EPSG:{int(crs[5:]) + (21 if int(crs[5:]) >= 4513 else 11)}"  # the same zone without its number in front
    return frame.set_crs(crs) if crs else frame


def read_coordinates(column: Any) -> Any:
    """Numbers, also with full-width digits; degrees may be written 116°59′24″."""
    import numpy as np
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce").to_numpy("float64", na_value=np.nan).copy()
    for position in np.flatnonzero(np.isnan(numbers) & column.notna().to_numpy()):
        numbers[position] = _one_coordinate(str(column.iloc[position]))
    return numbers


def _one_coordinate(text: str) -> float:
    from gis_renovation.numerals import plain_text

    # Before plain_text, which would make two minute marks of the sign for seconds.
    shown = plain_text(text.replace("″", '"').replace("′", "'")).replace("’", "'").replace("”", '"').upper()
    parts = re.fullmatch(r"[EN东北]?(?:经|纬)?\s*(\d+)[°度]\s*(\d+)['分]\s*(\d+(?:\.\d+)?)?[\"秒]?\s*[EN]?", shown)
    if parts:
        degrees, minutes, seconds = (float(p or 0) for p in parts.groups())
        return degrees + minutes / 60 + seconds / 3600
    plain = re.fullmatch(r"[EN]?\s*(-?\d+(?:\.\d+)?)\s*[°度]?\s*[EN]?", shown)
    return float(plain.group(1)) if plain else float("nan")
