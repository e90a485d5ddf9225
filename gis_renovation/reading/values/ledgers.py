"""The table inside a sheet as offices fill it in: titles, merged headers, units, totals and footers set aside.

Pure cells in, records out. Every row that is not a record is counted and named by its number in the sheet; what a
footer says (names, telephone numbers) is not repeated anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from gis_renovation.numerals import plain_text, read_quantity, without_controls

Row = Sequence[Any]


Span = tuple[tuple[int, int], tuple[int, int]]


# The index name of the frame made here: its labels are the sheet's own row numbers, from 1.
SHEET_ROW = "sheet_row"


_TOTAL = re.compile(r"^(?:合计|小计|总计|共计|累计|总合计|.{1,8}(?:合计|小计|总计))[::]?$")


# What a footer begins with. The longer ones are no beginning of a name; the shorter are (注塑厂宿舍, 电话局家属院).
_FOOTER_LONG = (
    "填报人|填表人|制表人|审核人|审批人|复核人|负责人|经办人|联系人|联系电话|填报单位|填表单位|填报日期|填表日期|"
    "制表日期|单位负责人|单位盖章"
)
_FOOTER_WORDS = f"(?:{_FOOTER_LONG}|审核|审批|制表|复核|电话|备注|注|说明)"

# A colon after the word makes a footer anywhere; at the end also the word by itself, or a person's name after it.
_FOOTER = re.compile(rf"{_FOOTER_WORDS}\s*\d{{0,2}}\s*(?:[(（][^)）]{{0,6}}[)）])?\s*[::]")
_LAST_WORD = re.compile(rf"{_FOOTER_WORDS}(?:$|[\s\d(（])")
_LAST_PERSON = re.compile(rf"(?:{_FOOTER_LONG})[\u4e00-\u9fff]{{2,3}}(?:$|\s)")


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
    from 0, last included. ``header_row`` (from 1; 0: none) and ``header_rows`` override the search for the header.
    Column names join the header's levels with “/”; equal names get “_2”, “_3”. Merged cells of the body
    are filled into every row they cover. Indexed by the sheet's row number. O(cells).
    """
    rows = [list(row) for row in cells]
    width = max((len(row) for row in rows), default=0)
    for row in rows:
        row.extend([None] * (width - len(row)))
    top = _find_header(rows, merged) if header_row is None else max(0, header_row - 1)
    depth = 0 if header_row == 0 else header_rows or _header_depth(rows, merged, top)
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
    """The first row that reads like a header: several texts, no number but a year, most columns filled."""
    counts = [sum(not _empty(cell) for cell in row) for row in rows[:_SEARCHED_ROWS]]
    most = max(counts, default=0)
    spans = {(r, c): (r2 - r + 1, c2 - c + 1) for (r, c), (r2, c2) in merged}
    for number, row in enumerate(rows[:_SEARCHED_ROWS]):
        texts = [cell for cell in row if not _empty(cell)]
        covered = sum(spans.get((number, c), (1, 1))[1] for c, cell in enumerate(row) if not _empty(cell))
        words = [text for text in texts if _is_word(text) or _is_year(text)]
        if (
            len(words) == len(texts)
            and any(map(_is_word, texts))
            and len(texts) >= min(2, most)
            and covered >= max(1, most * 0.5)
        ):
            return number
    return next((number for number, count in enumerate(counts) if count), 0)


def _is_word(cell: object) -> bool:
    return isinstance(cell, str) and read_quantity(cell) is None and not _UNIT_LINE.match(plain_text(cell))


def _is_year(cell: object) -> bool:
    """Whether a cell names a year, as the headers of yearly plans do."""
    return not isinstance(cell, bool) and re.fullmatch(r"(?:19|20)\d{2}(?:年|年度)?", _shown(cell)) is not None


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
            text = _label(row[column])
            if text and (not levels or levels[-1] != text):
                levels.append(text)
        name = "/".join(levels)
        # A line of units under the names belongs to the name: 建筑面积 + （万平方米）.
        name = re.sub(r"/(?=[(（\[])", "", name)
        names.append(_unlike(name, names))
    return names


def _label(cell: object) -> str:
    """A cell of the header as part of a column's name."""
    if _empty(cell):
        return ""
    return re.sub(r"\s+", "", without_controls(cell)) if isinstance(cell, str) else _shown(cell)


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
    marked = next((column for row in head for column, name in enumerate(row) if name == "序号"), None)
    end = _end_of_records(rows, top + depth)
    keep = []
    for number in range(top + depth, len(rows)):
        row = rows[number]
        shown = [_shown(cell) for cell in row if not _empty(cell)]
        if not shown:
            kind = "blank"
        elif marked is not None and _shown(row[marked]) == "示例":
            kind = "example"
        elif _is_total(row):
            kind = "total"
        elif _is_footer(row, last=number >= end):
            kind = "footer"
        elif [_shown(cell) for cell in row] in head or _is_column_numbers(shown, number - top - depth):
            kind = "header"
        else:
            keep.append(number)
            continue
        ledger.set_aside.setdefault(kind, []).append(number + 1)
    return keep


def _end_of_records(rows: Sequence[Row], first: int) -> int:
    """Where the rows begin that follow the last record: blank ones, totals, and what reads like a footer."""
    end = len(rows)
    while end > first and (
        all(map(_empty, rows[end - 1])) or _is_total(rows[end - 1]) or _is_footer(rows[end - 1], last=True)
    ):
        end -= 1
    return end


def _is_total(row: Row) -> bool:
    return any(_TOTAL.match(text) for text in [_shown(cell) for cell in row if not _empty(cell)][:3])


def _is_footer(row: Row, *, last: bool) -> bool:
    """Whether a row is a line of a footer; one without a colon only after the last record."""
    filled = [cell for cell in row if not _empty(cell)]
    if len(filled) > max(2, len(row) // 2):
        return False
    text = plain_text(filled[0])
    if _FOOTER.match(text) or not last:
        return _FOOTER.match(text) is not None
    return bool(_LAST_WORD.match(text) or (len(filled) == 1 and _LAST_PERSON.match(text)))


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
