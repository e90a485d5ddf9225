"""Tables into raw frames: delimited text, and sheets as offices fill them in.

Of a sheet with titles, merged headers, units, totals and footers one plain table is made. Every row that is not a
record is counted and named by its number in the sheet; what a footer says (names, telephone numbers) is not
repeated anywhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from gis_renovation.errors import FeatureRef, FileError, by_row
from gis_renovation.numerals import reads_like_a_value
from gis_renovation.reading.formats.compound import MAGIC, SheetTraps, streams_of
from gis_renovation.reading.formats.dbf import bytes_at
from gis_renovation.reading.formats.disguised import html_cells, xml_sheets
from gis_renovation.reading.formats.opening import Reading, check_archive, is_text, text_encoding, unreadable
from gis_renovation.reading.formats.workbook_traps import ZIP_FAULTS, ods_too_far, sheet_traps, too_far
from gis_renovation.reading.values import SHEET_ROW, Span, better_encoding, join_continued, read_ledger
from gis_renovation.words import Text

# A workbook with a password is an OLE container with a stream of this name in it.
_OLE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


# So many bytes of a text file are enough to tell whether its encoding is right.
_JUDGED = 2**18
_LINES_JUDGED = 200
_LONGEST_SAID = 16
_SEPARATOR_LINE = re.compile(r"""\ufeff?"?sep=(?P<mark>[^"\r\n])"?\r?\n?""", re.IGNORECASE)
_BLANK_LINE = re.compile(rb"(?:^|\n)[ \t]*\r?\n|\x00")


def read_text_table(path: Path, reading: Reading) -> pd.DataFrame:
    """A delimited text file, or the points of a land survey."""
    source = reading.card.source
    encoding = text_encoding(path, source.encoding, reading.layer)
    reading.facts["encoding"] = encoding
    reading.say_doubt(better_encoding(bytes_at(path, 0, _JUDGED), encoding), encoding, path)
    if path.suffix.lower() == ".txt":
        from gis_renovation.reading.formats.surveys import is_survey, survey_frame

        text = path.read_text(encoding="utf-8-sig" if encoding == "UTF-8" else encoding)
        if is_survey(text):
            survey: pd.DataFrame = survey_frame(text, path, reading)
            return survey
    frame = read_csv(path, encoding, header_row=source.header_row, separator=source.separator)
    if source.header_row is None and _looks_like_ledger(frame):
        return _ledger(_csv_cells(path, encoding, source.separator), [], path, reading)
    header_row = 1 if source.header_row is None else source.header_row
    frame = _with_sheet_rows(frame, path, encoding, header_row, source.separator)
    _say_header(frame, header_row, path, reading)
    return _unguarded(frame, path, reading)


def _with_sheet_rows(frame: pd.DataFrame, path: Path, encoding: str, header_row: int, separator: str) -> pd.DataFrame:
    """The frame on the row numbers that a spreadsheet shows; as it is where they cannot be told."""
    rows: Any = range(header_row + 1, header_row + 1 + len(frame))
    if _BLANK_LINE.search(path.read_bytes().rstrip()):  # blank lines are passed over, yet a spreadsheet counts them
        cells = _csv_cells(path, encoding, separator)
        filled = [number for number, row in enumerate(cells, start=1) if any(cell.strip() for cell in row) or row[1:]]
        rows = [number for number in filled if number >= header_row][1 if header_row else 0 :]
    return frame.set_axis(pd.Index(rows, name=SHEET_ROW)) if len(rows) == len(frame) else frame


@contextmanager
def _open_text(path: Path, encoding: str) -> Iterator[tuple[TextIO, str]]:
    """A text file after a line “sep=;”, which tells spreadsheets the separator and is no row; and that separator."""
    with path.open(encoding="utf-8-sig" if encoding == "UTF-8" else encoding, newline="") as stream:
        said = _SEPARATOR_LINE.fullmatch(stream.readline(_LONGEST_SAID))
        if not said:
            stream.seek(0)
        yield stream, said["mark"] if said else ""


def read_csv(path: Path, encoding: str = "", *, header_row: int | None = None, separator: str = "") -> pd.DataFrame:
    """A delimited file as text cells; UTF-8 (with or without BOM), else GB18030, unless ``encoding`` says.

    ``separator`` is what stands between cells; if it is empty, what a line “sep=;” says, or else what divides
    most lines into equally many cells. ``header_row`` counts from 1; 0 is a file without one.
    """
    found = text_encoding(path, encoding, path.stem)
    try:
        with _open_text(path, found) as (stream, said):
            mark = separator or said or _separator(path, found)
            frame = pd.read_csv(
                stream,
                sep=r"\s+" if mark == " " else mark,
                dtype=str,
                keep_default_na=False,
                na_values=[""],
                header=None if header_row == 0 else 0,
                skiprows=max(0, (header_row or 1) - 1),
                skipinitialspace=True,
            )
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise _uneven(path, error) from None
    frame = _without_trailing(frame, path)
    names = {name: f"第{at}列" for at, name in enumerate(frame.columns, start=1) if _is_nameless(name)}
    return frame.rename(columns=names)


def _is_nameless(name: object) -> bool:
    return isinstance(name, int) or str(name).startswith("Unnamed: ")


def _without_trailing(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Rows that end with a separator have one cell more than the header: an empty one; any other is a fault."""
    if isinstance(frame.index, pd.RangeIndex):
        return frame
    names = list(frame.columns)
    wide = frame.reset_index()
    more = wide.iloc[:, len(names) :]
    if more.notna().any(axis=None):
        line = int(more.notna().any(axis=1).to_numpy().argmax()) + 2
        raise _uneven(path, ValueError(f"Expected {len(names)} fields in line {line}, saw {wide.shape[1]}"))
    return wide.iloc[:, : len(names)].set_axis(names, axis=1)


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
        "请在表格软件中打开核对后另存为 xlsx，或在来源卡写 header_row = 表头所在行；"
        '分隔符不是逗号的，写 separator = ";"。',
        f"{path}: line {line} has {cells} cells, the header {columns}; most likely a comma in a cell without quotes, "
        "or the header is further down. Save it as xlsx, or set header_row in the card; for another separator write "
        'separator = ";".',
    )


def _separator(path: Path, encoding: str) -> str:
    """The separator that divides the most lines into equally many cells, and into the most; a comma for one column."""
    with _open_text(path, encoding) as (stream, _):
        lines = [line for _, line in zip(range(_LINES_JUDGED), stream, strict=False)]
    best = (0.0, 0, ",")
    for mark in (",", "\t", ";", "|"):
        counts = Counter(len(row) for row in _rows_of_text(lines, mark) if row)
        columns, hits = max(counts.items(), key=lambda one: (one[1], one[0]), default=(0, 0))
        if columns > 1:
            best = max(best, (hits / counts.total(), columns, mark))
    return best[2]


def _rows_of_text(lines: Iterable[str], mark: str) -> Iterator[list[str]]:
    import csv

    csv.field_size_limit(2**31 - 1)  # a shape in words is longer than the module's limit for a cell
    return csv.reader(lines, delimiter=mark, skipinitialspace=True)


def _looks_like_ledger(frame: pd.DataFrame) -> bool:
    """Nameless columns mean that the first line was a title, not the header; rows marked 示例 are no records."""
    nameless = sum(re.fullmatch(r"第\d+列", str(name)) is not None for name in frame.columns)
    examples = "序号" in frame.columns and bool((frame["序号"] == "示例").any())
    return nameless > len(frame.columns) / 2 or examples


def _csv_cells(path: Path, encoding: str, separator: str) -> list[list[Any]]:
    with _open_text(path, encoding) as (stream, said):
        mark = separator or said or _separator(path, encoding)
        return [list(row) for row in _rows_of_text(stream, mark)]


# --- cells that are not what they look like -------------------------------------------------------


# What people write so that a spreadsheet keeps the zeros of a number: ="0012" and '0012.
_GUARD = re.compile(r"""="(?P<text>(?:[^"]|"")*)"|'(?P<plain>[0-9=+@-].*)""", re.DOTALL)


def _unguarded(frame: pd.DataFrame, path: Path, reading: Reading) -> pd.DataFrame:
    """The frame with the texts that ="…" and a leading ' guard from spreadsheets; said with their number."""
    count = 0
    for name, column in frame.items():
        if not (isinstance(column.dtype, pd.StringDtype) or column.dtype == object):
            continue
        texts = column.astype("str") if column.dtype == object else column
        likely = texts.str.startswith(('="', "'"), na=False).to_numpy(dtype=bool)
        if likely.any():
            bare = [_bare(value) for value in column[likely]]
            count += sum(new != old for new, old in zip(bare, column[likely], strict=True))
            frame = frame.assign(**{str(name): column.mask(likely, pd.Series(bare, index=column.index[likely]))})
    if count:
        reading.say(
            "note", "guarded", path,
            f'{count} 个单元格写作 ="…" 或以单引号开头（防止表格软件丢掉前导零），已按其中的文字读取。',
            f'{count} cells are written as ="…" or begin with a quote, which keeps zeros from spreadsheets; their text '
            "was read.",
        )  # fmt: skip
    return frame


def _bare(value: object) -> object:
    found = _GUARD.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    return found["plain"] if found["text"] is None else found["text"].replace('""', '"')


def _say_header(frame: pd.DataFrame, header_row: int | None, path: Path, reading: Reading) -> None:
    """Doubt a header that reads like a record: numbers other than years, days, shapes."""
    odd = [str(name) for name in frame.columns if reads_like_a_value(str(name))]
    if odd and header_row != 0:
        shown = "、".join(odd[:3])
        reading.say(
            "warning", "header_doubtful", path,
            f"表头中有像数据的列名（{shown}），这一行可能是第一条记录；"
            "没有表头的，请在来源卡 [source] 写 header_row = 0，再用“第1列”“第2列”指各列。",
            f"The header holds names like values ({shown}), so this row may be the first record. Without a header "
            "write header_row = 0 in the card's [source] and name the columns 第1列, 第2列.",
        )  # fmt: skip


def read_sheet(path: Path, reading: Reading, sheet: str) -> pd.DataFrame:
    """The records of one sheet of a workbook, as offices fill it in."""
    found = _sheet_cells(path, sheet, reading)
    if found is None:  # text by another name
        return read_text_table(path, reading)
    cells, merged, name, traps = found
    traps = sheet_traps(path, name) if traps is None else traps
    for row, column in () if traps is None else traps.uncomputed:
        if row < len(cells) and column < len(cells[row]):
            cells[row][column] = None  # a nought may stand where nothing was computed
    frame = join_continued(_ledger(cells, merged, path, reading))
    _say_traps(traps, frame, path, reading)
    return frame


def read_xlsx(path: Path, sheet: str = "", *, header_row: int | None = None) -> pd.DataFrame:
    """The records of one sheet; the only visible one unless ``sheet`` names it. Titles and totals are left out."""
    found = _sheet_cells(path, sheet, path.stem)
    if found is None:
        return read_csv(path, header_row=header_row)
    return read_ledger(*found[:2], header_row=header_row).frame.reset_index(drop=True)


# A sheet's cells, merged ranges and name, and what it holds beside, where that is known already.
_Sheet = tuple[list[list[Any]], list[Any], str, SheetTraps | None]


def _sheet_cells(path: Path, sheet: str, reading: Reading | str) -> _Sheet | None:
    """A sheet's cells from its first row and column on; None for plain text. Hidden sheets must be asked for."""
    layer = reading if isinstance(reading, str) else reading.layer
    head = bytes_at(path, 0, 4)
    if head[:2] == b"PK":
        check_archive(path, layer)
    elif head == _OLE and _ENCRYPTED in bytes_at(path, 0, 2**24):
        raise _locked(path, layer)
    elif head != _OLE and is_text(path):
        return _disguised_cells(path, sheet, reading)
    with _workbook(path, layer) as book:
        name = _pick_sheet(book, sheet, path, layer)
        _refuse_too_far(path, name, layer)
        found = book.get_sheet_by_name(name)
        cells = found.to_python(skip_empty_area=False)
        if path.suffix.lower() == ".ods":
            return cells, merged_in_ods(path, name, len(cells), max(map(len, cells), default=0)), name, None
        return cells, list(found.merged_cell_ranges or []), name, None


def _refuse_too_far(path: Path, sheet: str, layer: str) -> None:
    far = too_far(path, sheet)
    if far:
        raise FileError(
            f"图层 {layer}：{path.name} 的工作表“{sheet}”一直用到 {far}，超出合理范围，未读取；"
            "多半是远处误填了一格，请在表格软件中按 Ctrl+End 找到并删去多余的行、列后另存。",
            f"Layer {layer}: sheet {sheet!r} of {path.name} reaches to {far}, beyond all reason; not read. Mostly a "
            "stray cell far off: find it by Ctrl+End, delete the surplus rows and columns, and save.",
        )


def _refuse_repeats(path: Path, layer: str) -> None:
    """Raise FileError for an OpenDocument sheet whose repeat counts make of a few bytes more than a memory holds."""
    import zipfile
    from xml.etree import ElementTree

    try:
        cells = ods_too_far(path) if zipfile.is_zipfile(path) else ""
    except (*ZIP_FAULTS, ElementTree.ParseError) as error:
        raise unreadable(path, layer, error) from None
    if cells:
        raise FileError(
            f"图层 {layer}：{path.name} 的单元格按重复次数展开后有 {cells} 格，超出合理范围，未读取；"
            "多半是整行、整列填充了内容，请在表格软件中按 Ctrl+End 找到并删去多余的行、列后另存。",
            f"Layer {layer}: the repeated cells of {path.name} unfold to {cells}, beyond all reason; not read. Mostly "
            "whole rows or columns were filled: find them by Ctrl+End, delete the surplus ones, and save.",
        )


@contextmanager
def _workbook(path: Path, layer: str) -> Iterator[Any]:
    """The workbook at ``path`` as its reader opens it; whatever the reader cannot go on with is a FileError.

    On some broken workbooks the reader gives up with an error that no ``except Exception`` holds, and writes a trace
    of its own to the terminal, which nobody but its makers can read.
    """
    import python_calamine as calamine

    binary = bytes_at(path, 0, len(MAGIC)) == MAGIC
    if binary:  # all its sheets are laid out when it is opened
        if streams_of(path) is None:
            raise unreadable(path, layer, "truncated")
        _refuse_too_far(path, "", layer)
    else:
        _refuse_repeats(path, layer)
    try:
        with path.open("rb") as stream, _silent_stderr() if binary else nullcontext():
            yield calamine.CalamineWorkbook.from_filelike(stream)
    except calamine.PasswordError:
        raise _locked(path, layer) from None
    except calamine.CalamineError as error:
        raise unreadable(path, layer, error) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise unreadable(path, layer, "corrupt") from None


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Nothing is written to the terminal's second stream, by whatever library, while the block runs."""
    import os
    import sys

    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _text_of(path: Path, stated: str, layer: str) -> str:
    encoding = text_encoding(path, stated, layer)
    return path.read_text(encoding="utf-8-sig" if encoding == "UTF-8" else encoding)


def _disguised_cells(path: Path, sheet: str, reading: Reading | str) -> _Sheet | None:
    """The cells of a table that is called .xls and is an HTML page or the XML of Excel 2003; None for other text."""
    layer, stated = (reading, "") if isinstance(reading, str) else (reading.layer, reading.card.source.encoding)
    text = _text_of(path, stated, layer)
    if not text.lstrip().startswith("<"):
        return None
    sheets = xml_sheets(text)
    page = None if sheets else html_cells(text)
    if not sheets and page is None:
        raise unreadable(path, layer, Text("内容是网页或 XML，其中没有表格", "it is a page or XML without a table"))
    name = sheet if sheet in sheets else next(iter(sheets), "")
    if sheets and sheet not in sheets and (sheet or len(sheets) > 1):
        raise _choose_sheet(path, layer, sheet, list(sheets))
    if not isinstance(reading, str):
        kind = (
            Text("Excel 2003 的 XML 表格", "the XML of Excel 2003") if sheets else Text("网页（HTML）", "an HTML page")
        )
        reading.say(
            "note", "disguised", path,
            f"文件扩展名是 {path.suffix}，内容是{kind.zh}，已按其中的表格读取。",
            f"The file is called {path.suffix} but holds {kind.en}; its table was read.",
        )  # fmt: skip
    cells, merged, traps = sheets[name] if page is None else page
    return cells, merged, name, traps


def _say_traps(traps: SheetTraps | None, frame: pd.DataFrame, path: Path, reading: Reading) -> None:
    """What the sheet holds beside the values read, in the rows that are records, by cell."""
    if traps is None:
        reading.say(
            "note", "traps_unseen", path,
            "这种文件看不出哪些行被筛选隐藏、哪些公式没有算过或出错；出错和没有算过的格按未知读取。"
            "请在表格软件中另存为 xlsx 再核对。",
            "A file of this kind does not tell which rows a filter hides and which formulas were never computed or "
            "went wrong; such cells are read as unknown. Save it as xlsx to see them.",
        )  # fmt: skip
        return
    records = {int(row) - 1 for row in frame.index}
    _say_formulas(traps, records, path, reading)
    hidden = [row + 1 for row in sorted(set(traps.hidden_rows)) if row in records]
    if hidden:
        reading.say(
            "warning", "hidden_rows", path,
            f"{len(hidden)} 行在表中是隐藏的（多为筛选掉的），已与其他行一样读取；"
            "不要这些行的，请在来源卡用 [select] 选行，或在表中删去。",
            f"{len(hidden)} rows are hidden in the sheet, mostly by a filter, and were read as the others. If they are "
            "not wanted, choose rows by [select] in the card or delete them in the sheet.",
            features=by_row(hidden),
        )  # fmt: skip


def _say_formulas(traps: SheetTraps, records: set[int], path: Path, reading: Reading) -> None:
    """Formulas without a value, by cell."""
    blank = [FeatureRef(rows=(_cell_name(place),)) for place in sorted(traps.uncomputed) if place[0] in records]
    if blank:
        reading.say(
            "warning", "formulas_uncomputed", path,
            f"{len(blank)} 个公式单元格没有存下计算结果，按未知处理；请用表格软件打开，重新计算并保存后再用。",
            f"{len(blank)} cells of formulas hold no computed value and were read as unknown. Open the workbook in a "
            "spreadsheet, compute and save it.",
            features=blank,
        )  # fmt: skip
    wrong = [
        FeatureRef(rows=(_cell_name(place),), mark="=", value=text)
        for place, text in sorted(traps.errors.items())
        if place[0] in records
    ]
    if wrong:
        reading.say(
            "warning", "formula_errors", path,
            f"{len(wrong)} 个单元格是公式错误，没有值，按未知处理；请在表格软件中改正。",
            f"{len(wrong)} cells hold errors of formulas and no value; they were read as unknown. Correct them.",
            features=wrong,
        )  # fmt: skip
    empty = [FeatureRef(rows=(_cell_name(place),)) for place in sorted(traps.empty_results) if place[0] in records]
    if empty:
        reading.say(
            "note", "formulas_empty", path,
            f"{len(empty)} 个公式单元格存下的结果是空白，按未知处理；表中看得到数的，是没有算过，"
            "请用表格软件重新计算并保存。",
            f"{len(empty)} cells of formulas hold an empty result and were read as unknown. Where the sheet shows a "
            "number they were never computed: compute and save it in a spreadsheet.",
            features=empty,
        )  # fmt: skip


def _cell_name(place: tuple[int, int]) -> str:
    """A cell as spreadsheets call it, such as D2; row and column from 0."""
    row, column = place
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row + 1}"


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
    except (*ZIP_FAULTS, ElementTree.ParseError) as error:
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
    """The visible sheets of a workbook; none in text that is only called one. Raises FileError as reading it would."""
    import python_calamine as calamine

    head = bytes_at(path, 0, 4)
    if head == _OLE and _ENCRYPTED in bytes_at(path, 0, 2**24):
        raise _locked(path, path.stem)
    if head[:2] != b"PK" and head != _OLE and is_text(path):  # a page or plain text has no sheets
        return list(xml_sheets(_text_of(path, "", path.stem)))
    with _workbook(path, path.stem) as book:
        return [s.name for s in book.sheets_metadata if s.visible == calamine.SheetVisibleEnum.Visible]


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
    if sheet or len(visible) != 1:
        raise _choose_sheet(path, layer, sheet, visible, hidden)
    return str(visible[0])


def _choose_sheet(path: Path, layer: str, sheet: str, visible: list[str], hidden: Sequence[str] = ()) -> FileError:
    listed = Text(
        ", ".join([*visible, *(f"{name}（隐藏）" for name in hidden)]),
        ", ".join([*visible, *(f"{name} (hidden)" for name in hidden)]),
    )
    if sheet:
        return FileError(
            f"图层 {layer}：{path.name} 没有工作表 {sheet}；现有：{listed.zh}。",
            f"Layer {layer}: {path.name} has no sheet {sheet}; found: {listed.en}.",
        )
    return FileError(
        f"图层 {layer}：{path.name} 有多个工作表：{listed.zh}；请在来源卡用 layer_name 指明。",
        f"Layer {layer}: {path.name} has several sheets: {listed.en}; name one as layer_name in the card.",
    )


_SET_ASIDE = {
    "title": Text("标题", "title"),
    "total": Text("合计、小计", "total"),
    "footer": Text("表尾（填报人等）", "footer"),
    "header": Text("重复的表头", "repeated header"),
    "example": Text("示例", "example"),
}


def _ledger(cells: list[list[Any]], merged: list[Span], path: Path, reading: Reading) -> pd.DataFrame:
    """A sheet's records; what was set aside is said by kind and row number, never by content."""
    source = reading.card.source
    ledger = read_ledger(cells, merged, header_row=source.header_row, header_rows=source.header_rows)
    reading.facts |= {"sheet_rows": ledger.rows_seen, "set_aside": {k: len(v) for k, v in ledger.set_aside.items()}}
    header = ledger.set_aside["header"]
    for kind, label in _SET_ASIDE.items():
        rows = _after_gap(header) if kind == "header" else ledger.set_aside.get(kind, [])
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
    _say_header(ledger.frame, source.header_row, path, reading)
    return _unguarded(ledger.frame, path, reading)


def _after_gap(rows: list[int]) -> list[int]:
    """Header rows met again further down: those after the first unbroken run."""
    for number, row in enumerate(rows):
        if number and row != rows[number - 1] + 1:
            return rows[number:]
    return []
