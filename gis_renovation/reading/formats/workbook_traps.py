"""What a workbook holds beside the values its reader gives: formulas never computed, errors, hidden rows.

The reader gives an empty cell for a formula whose value was never stored and for an error (#REF!), and hidden rows as
all others. The files' own XML tells them apart (ECMA-376 part 1, 18.3.1; OpenDocument 1.3 part 3, 9.1), as do the
records of binary workbooks (:mod:`compound`) and what Excel writes into pages and the XML of 2003 (:mod:`disguised`).
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from gis_renovation.reading.formats.compound import MAGIC, Place, SheetTraps, binary_traps, within_format
from gis_renovation.reading.formats.dbf import bytes_at

# What reading a damaged or odd member of a zip ends in: cut short, packed in a way nobody uses, locked, out of place.
ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, KeyError, ValueError)


_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

# What a workbook says whose formulas are to be computed by whoever opens it.
_CALCULATED_LATER = re.compile(rb"<(?:\w+:)?calcPr\b[^>]*\bfullCalcOnLoad=[\"'](?:1|true)[\"']")

# So many empty rows or columns that a sheet may repeat are one place each; beyond this nothing is counted.
_MOST_REPEATED = 1000


def sheet_traps(path: Path, sheet: str) -> SheetTraps | None:
    """The traps of one sheet of a workbook; None where the file's kind does not tell them.

    XML that declares entities or cannot be parsed tells nothing: reading the sheet itself says what is wrong with it.
    O(bytes of the sheet); a sheet without formulas, errors and hidden rows is only searched for these words.
    """
    if bytes_at(path, 0, len(MAGIC)) == MAGIC:
        return binary_traps(path, sheet)
    try:
        with zipfile.ZipFile(path) as archive:
            if "content.xml" in archive.namelist():
                return _opendocument(archive.read("content.xml"), sheet)
            later = _CALCULATED_LATER.search(archive.read("xl/workbook.xml")) is not None
            return _office_open(archive.read(_sheet_part(archive, sheet)), noughts_count=not later)
    except (*ZIP_FAULTS, StopIteration, ElementTree.ParseError):
        return None


# Readers lay out every cell up to the last; a table with more than this holds a stray cell far off, or is a trap.
_MOST_CELLS = 100_000_000
_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*?\br=[\"'](\d+)")
_CELL_COLUMN = re.compile(rb"\br=[\"']([A-Z]{2,3})\d+[\"']")


def too_far(path: Path, sheet: str) -> str:
    """The place of the last cell of an .xlsx or binary sheet that is beyond all reason; empty for others. O(bytes)."""
    if bytes_at(path, 0, len(MAGIC)) == MAGIC:
        return "" if within_format(path) else "IW1"
    try:
        with zipfile.ZipFile(path) as archive:
            text = b"" if "content.xml" in archive.namelist() else archive.read(_sheet_part(archive, sheet))
    except (*ZIP_FAULTS, StopIteration, ElementTree.ParseError):
        return ""
    last = max((int(number) for number in _ROW.findall(text[text.rfind(b"<row") :] or text)), default=0)
    if last * 702 <= _MOST_CELLS and not _WIDE.search(text):
        return ""
    letters = max(set(_CELL_COLUMN.findall(text)), key=lambda one: _column(one.decode()), default=b"A").decode()
    return f"{letters}{last}" if last * (_column(letters) + 1) > _MOST_CELLS else ""


# Repeated cells that hold something, each with its text, come out of a few bytes.
_MOST_REPEATED = 5_000_000
_TEXT_OF_ONE = 50  # characters that weigh as much as a cell


def ods_too_far(path: Path) -> str:
    """What an OpenDocument file would lay out by its repeat counts, if beyond all reason; empty for others.

    Its reader lays out every sheet when it opens the file. Raises ValueError, ParseError or BadZipFile for content
    that is damaged or declares entities. O(bytes), a row at a time.
    """
    with zipfile.ZipFile(path) as archive:
        if "content.xml" not in archive.namelist():
            return ""
        text = archive.read("content.xml")
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ValueError("<!DOCTYPE")
    laid, repeated, row, last, wide = 0, 0, 0, 0, 0
    for _, element in ElementTree.iterparse(io.BytesIO(text), events=("end",)):  # noqa: S314 - refused above
        tag = _tag(element)
        if tag == "table-row":
            times = _repeats(element, "rows")
            width, weight = _filled(element)
            row += times
            if width:
                last, wide = row, max(wide, width)
                repeated += max(0, weight * times - len(element))
            element.clear()
        elif tag == "table":
            laid += last * wide
            row, last, wide = 0, 0, 0
    if repeated > _MOST_REPEATED or laid > _MOST_CELLS:
        return f"{max(laid, repeated):,}"
    return ""


def _repeats(element: ElementTree.Element, way: str) -> int:
    found = next((n for key, n in element.items() if key.endswith(f"}}number-{way}-repeated")), "1")
    return max(1, int(found))


def _filled(row: ElementTree.Element) -> tuple[int, int]:
    """The number of a row's last column that holds something, and how much all that hold something weigh."""
    column, last, weight = 0, 0, 0
    for cell in row:
        times = _repeats(cell, "columns")
        column += times
        if len(cell) or any(key.endswith(("}value-type", "}formula")) for key in cell.keys()):  # noqa: SIM118
            last = column
            weight += times * (1 + sum(map(len, cell.itertext())) // _TEXT_OF_ONE)
    return last, weight


_WIDE = re.compile(rb"\br=[\"'][A-Z]{3}\d+[\"']")


def _sheet_part(archive: zipfile.ZipFile, sheet: str) -> str:
    """The name of a sheet's part in the archive."""
    book = _tree(archive.read("xl/workbook.xml"))
    links = _tree(archive.read("xl/_rels/workbook.xml.rels"))
    wanted = next(one.get(_REL) for one in book.iter() if _tag(one) == "sheet" and one.get("name") == sheet)
    target = next(str(one.get("Target")) for one in links if one.get("Id") == wanted)
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")


def _tree(text: bytes) -> ElementTree.Element:
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ValueError
    return ElementTree.fromstring(text)  # noqa: S314 - declarations were refused above


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _office_open(text: bytes, *, noughts_count: bool) -> SheetTraps:
    found = SheetTraps()
    if b"<!DOCTYPE" in text or not any(word in text for word in (b"<f", b":f", b"hidden=", b't="e"')):
        return found
    row = -1
    for _, element in ElementTree.iterparse(io.BytesIO(text), events=("end",)):  # noqa: S314 - refused above
        if _tag(element) != "row":
            continue
        row = int(element.get("r", row + 2)) - 1
        if element.get("hidden") in ("1", "true"):
            found.hidden_rows.append(row)
        for column, cell in _cells(element):
            _note_cell(cell, (row, column), found, noughts_count=noughts_count)
        element.clear()
    return found


def _cells(row: ElementTree.Element) -> Iterator[tuple[int, ElementTree.Element]]:
    column = -1
    for cell in row:
        column = _column(cell.get("r", "")) if cell.get("r") else column + 1
        yield column, cell


def _column(reference: str) -> int:
    """The column of a cell such as AB12, from 0."""
    number = 0
    for letter in reference:
        if not letter.isalpha():
            break
        number = number * 26 + ord(letter.upper()) - ord("A") + 1
    return number - 1


def _note_cell(cell: ElementTree.Element, place: Place, found: SheetTraps, *, noughts_count: bool) -> None:
    """``noughts_count`` is false in workbooks of programs that compute nothing and store 0 for every formula."""
    kind, formula, value = cell.get("t", "n"), False, ""
    for part in cell:
        formula = formula or _tag(part) == "f"
        value = (part.text or "") if _tag(part) == "v" else value
    if kind == "e":
        found.errors[place] = value.strip() or "#"
    elif formula and kind != "str" and (not value.strip() or (value.strip() == "0" and not noughts_count)):
        found.uncomputed.append(place)


def _opendocument(text: bytes, sheet: str) -> SheetTraps:
    found = SheetTraps()
    table = next((t for t in _tree(text).iter(f"{_TABLE}table") if t.get(f"{_TABLE}name") == sheet), None)
    row = 0
    for line in () if table is None else table.iter(f"{_TABLE}table-row"):
        repeated = int(line.get(f"{_TABLE}number-rows-repeated", 1))
        if line.get(f"{_TABLE}visibility", "visible") != "visible":
            found.hidden_rows += range(row, row + min(repeated, _MOST_REPEATED))
        column = 0
        for cell in line:
            _note_opendocument(cell, (row, column), found)
            column += int(cell.get(f"{_TABLE}number-columns-repeated", 1))
        row += repeated
    return found


def _note_opendocument(cell: Any, place: Place, found: SheetTraps) -> None:
    if not cell.get(f"{_TABLE}formula"):
        return
    shown = "".join(cell.itertext()).strip()
    if shown.startswith(("#", "Err:")):
        found.errors[place] = shown
    elif not cell.get(f"{_OFFICE}value-type"):
        found.uncomputed.append(place)
