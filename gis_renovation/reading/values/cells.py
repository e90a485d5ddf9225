"""Columns as files hold them, into the types the schemas promise; whole columns at a time.

What cannot become the field's type stays as it is, for the schema check to name. What was read with
a loss (an estimate, a period, a month without a day) is remarked, row by row.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gis_renovation.arrays import Flags
from gis_renovation.config import toml_inline
from gis_renovation.errors import Severity
from gis_renovation.numerals import (
    CONTROLS,
    Day,
    Years,
    is_blank,
    month_end,
    plain_text,
    read_day,
    read_month,
    read_quantity,
    read_years,
    unit_factor,
    without_controls,
)
from gis_renovation.schemas import Field
from gis_renovation.words import Text

Periods = Literal["", "earliest", "middle", "latest"]
MonthAs = Literal["", "first_day", "last_day"]

_YES = {"是", "有", "对", "true", "yes", "y", "t", "1", "1.0", "√", "✓"}
_NO = {"否", "无", "没有", "false", "no", "n", "f", "0", "0.0", "×", "✗"}

# What databases write for a day that nobody gave.
_NO_DAY = re.compile(r"0{4}([-/.]?)0{1,2}\1?0{1,2}(?:[T ]0{1,2}:00(?::00(?:\.0+)?)?)?")

# A month that a spreadsheet may have cut: 2024.10 is the number 2024.1.
_TENTH = re.compile(r"\d{4}\.1")

# China's hours ahead of UTC.
_CHINA_H = 8

# Spreadsheets count days from here (the 1900 system with its false leap day); 20000 to 80000 are 1954 to 2119.
_DAY_ZERO = datetime.date(1899, 12, 30)
_DAY_NUMBERS = (20_000, 80_000)
_DAY_NUMBER = re.compile(r"\d{5}(?:\.\d+)?")

# What counts as a year's month when a spreadsheet made 1998.10 the number 1998.1.
_MONTH_FRACTION = 0.125

# The code of a remark on numbers written as approximate.
ESTIMATE = "estimate"


class Remark(NamedTuple):
    """Something said about some rows of a column; ``values`` are the cells as the file holds them."""

    severity: Severity
    code: str
    text: Text
    rows: Flags
    values: Any


@dataclass
class Column:
    """One converted column and what there is to say about it."""

    values: pd.Series
    remarks: list[Remark] = field(default_factory=list)

    def remark(self, severity: Severity, code: str, rows: Flags, cells: pd.Series, text: Text) -> None:
        """Say something about ``rows``, if there are any."""
        mask = np.asarray(rows, dtype=bool)
        if mask.any():
            self.remarks.append(Remark(severity, code, text, mask, cells.to_numpy(dtype=object)[mask]))


def to_field(
    cells: pd.Series,
    target: Field,
    *,
    unit: str = "",
    periods: Periods = "",
    month_as: MonthAs = "",
    utc_offset_h: int = 0,
) -> Column:
    """``cells`` in the type and unit of ``target``.

    ``unit`` is what bare numbers are in; a unit written in a cell wins over it. ``periods`` says which
    year stands for “80年代” (none: it stays unknown); ``month_as`` which day for “2024.4”; ``utc_offset_h``
    in which zone the day of a time in UTC is taken (none: as written). Errors of formulas (#REF!) are unknown, and
    remarked. O(rows).
    """
    wrong = _formula_errors(cells)
    known = cells.mask(wrong) if wrong.any() else cells
    if target.type == "string":
        column = _to_text(known, target)
    elif target.type == "boolean":
        column = Column(_each_value(known, _one_boolean))
    elif target.type == "date":
        column = _to_date(known, target, month_as, utc_offset_h)
    elif target.unit == "年" and target.type == "integer":
        column = _to_year(known, target, periods)
    else:
        column = _to_number(known, target, unit)
    if wrong.any():
        said = Text(
            "是表格软件的公式错误，没有值，按未知处理；请在原表中改正。",
            " is an error of a spreadsheet's formula and no value; taken as unknown. Correct it in the table.",
        )
        column.remark("warning", "formula_errors", wrong, cells, target.label + said)
    return column


# What spreadsheets show for a formula that went wrong; exported as text it is still no value.
_FORMULA_ERRORS = ("#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#N/A", "#SPILL!", "#CALC!")


def _formula_errors(cells: pd.Series) -> Flags:
    """Which cells hold nothing but the error of a formula; a look at single cells only where one begins with #."""
    if isinstance(cells.dtype, pd.StringDtype):
        texts = pa.array(cells.array, from_pandas=True)
        if not pc.any(pc.starts_with(texts, "#")).as_py():
            return np.zeros(len(cells), dtype=bool)
    elif cells.dtype != object:
        return np.zeros(len(cells), dtype=bool)
    hit: Flags = np.array([isinstance(cell, str) and cell.strip() in _FORMULA_ERRORS for cell in cells], dtype=bool)
    return hit


# --- text -----------------------------------------------------------------------------------------


def to_text(cells: pd.Series) -> pd.Series:
    """Trimmed text without control characters; blank is unknown; whole numbers lose their “.0”. dtype ``str``."""
    return _text(cells)[0]


def _text(cells: pd.Series) -> tuple[pd.Series, Flags]:
    """As :func:`to_text`, and which cells held control characters (the flags may be empty for none)."""
    none = np.zeros(0, dtype=bool)
    if isinstance(cells.dtype, pd.StringDtype):
        texts = pa.array(cells.array, from_pandas=True)
        trimmed = pc.utf8_trim_whitespace(texts)
        if holds_controls(trimmed):
            return _without_controls(trimmed, cells)
        lengths = pc.binary_length(trimmed)
        if pc.min(lengths).as_py() == 0:
            blank = pc.equal(lengths, 0)
            return _from_arrow(pc.if_else(blank, pa.scalar(None, trimmed.type), trimmed), cells), none
        same = pc.sum(lengths).as_py() == pc.sum(pc.binary_length(texts)).as_py()
        return cells if same else _from_arrow(trimmed, cells), none
    if pd.api.types.is_integer_dtype(cells):
        return _from_arrow(pa.array(cells.array, from_pandas=True).cast(pa.large_string()), cells), none
    texts = _each_value(cells, _shown).to_numpy()
    written = pa.array(texts, type=pa.large_string(), from_pandas=True)
    return _without_controls(written, cells)


def _to_text(cells: pd.Series, target: Field) -> Column:
    texts, held = _text(cells)
    column = Column(texts)
    if held.any():
        said = Text(
            "含换行、制表符等控制字符，已去掉（字母、数字之间的换行改为空格）。",
            " holds line breaks or other control characters; they were taken out (a break between words is a blank).",
        )
        column.remark("note", "control_characters", held, texts, target.label + said)
    return column


def _without_controls(texts: Any, like: pd.Series) -> tuple[pd.Series, Flags]:
    """The texts trimmed and without control characters, and which of them held any; each different text once."""
    encoded = texts.dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    found = encoded.dictionary.to_pylist()
    clean = [without_controls(text).strip() for text in found]
    held = np.array([bool(CONTROLS.search(text.strip())) for text in found] + [False], dtype=bool)
    values = pa.array([text or None for text in clean], type=pa.large_string()).take(encoded.indices)
    return _from_arrow(values, like), held[encoded.indices.fill_null(len(found)).to_numpy(zero_copy_only=False)]


def holds_controls(texts: Any) -> bool:
    """Whether an Arrow array of text may hold control characters: by its bytes, so that clean columns cost little."""
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    return any(_bytes_hold_controls(chunk.buffers()[2]) for chunk in chunks if len(chunk))


def _bytes_hold_controls(buffer: Any) -> bool:
    letters = np.frombuffer(buffer, dtype="u1") if buffer is not None else np.zeros(0, dtype="u1")
    if not len(letters):
        return False
    if letters.min() < ord(" ") or (letters == 0x7F).any():
        return True
    # Most texts hold none of the bytes that begin the others; quotation marks and full-width signs share them.
    rare = any((letters == first).any() for first in (0xC2, 0xE2, 0xEF))
    return rare and CONTROLS.search(bytes(letters).decode("utf-8", errors="replace")) is not None


def _from_arrow(values: Any, like: pd.Series) -> pd.Series:
    return pd.Series(pd.array(values, dtype="str"), index=like.index, name=like.name)


def one_text(value: object) -> str | None:
    """One cell as text."""
    shown = _shown(value)
    return None if shown is None else without_controls(shown).strip() or None


def _shown(value: object) -> str | None:
    """A cell's text as it stands, whole numbers with the digits they were stored with."""
    if is_unknown(value):
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return f"{Decimal(repr(float(value))):.0f}"
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return str(value)


def is_unknown(value: object) -> bool:
    """Whether a cell holds nothing: None, NA, NaT or NaN."""
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def join_text(columns: pd.DataFrame) -> pd.Series:
    """Several columns as one text, parts joined by “/”; unknown where a part is."""
    parts = [to_text(columns.iloc[:, number]) for number in range(columns.shape[1])]
    arrays = [pa.array(part.array, from_pandas=True) for part in parts]
    return _from_arrow(pc.binary_join_element_wise(*arrays, pa.scalar("/", arrays[0].type)), parts[0])


def map_values(cells: pd.Series, values: Mapping[str, Any]) -> pd.Series:
    """Their codes to ours; ``*`` is for all others, without it they stay as they are. O(rows), codes once each."""
    text = to_text(cells)
    encoded = pa.array(text.array, from_pandas=True).dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    found = encoded.dictionary.to_pylist()
    rest = values.get("*")
    stays = np.array([rest is None and code not in values for code in found], dtype=bool)
    mapped = [code if stay else values.get(code, rest) for code, stay in zip(found, stays, strict=True)]
    kept_as_text = isinstance(cells.dtype, pd.StringDtype) or not stays.any()
    if kept_as_text and all(isinstance(value, str) for value in mapped):
        return _from_arrow(pa.array(mapped, type=pa.large_string()).take(encoded.indices), cells)
    positions = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    out = np.array([*mapped, None], dtype=object)[positions]
    if not kept_as_text:
        raw = np.append(stays, False)[positions]
        out[raw] = cells.to_numpy(dtype=object)[raw]
    return pd.Series(out, index=cells.index, dtype=object)


def distinct_texts(cells: pd.Series) -> list[str]:
    """The different texts of a column, trimmed, unknown left out, in no particular order."""
    return [str(value) for value in pc.unique(pa.array(to_text(cells).array, from_pandas=True)).to_pylist() if value]


def _each_value(cells: pd.Series, one: Callable[[Any], Any]) -> pd.Series:
    """``one`` applied to each distinct cell; ledgers repeat themselves, so most cells are only looked up."""
    places, distinct = _distinct(cells)
    return _spread([one(value) for value in distinct], places, cells)


def _distinct(cells: pd.Series) -> tuple[Any, list[Any]]:
    """The different known cells and for each row the place of its own among them, -1 for an unknown one."""
    if cells.dtype != object:
        places, found = pd.factorize(cells)
        return places, list(found)
    seen: dict[Any, int] = {}
    distinct: list[Any] = []
    places = np.full(len(cells), -1, dtype=np.int64)
    for position, value in enumerate(cells.to_numpy()):
        if is_unknown(value):
            continue
        try:
            places[position] = seen.setdefault((type(value), value), len(distinct))
        except TypeError:  # lists and tables, as JSON columns hold them, have no hash
            places[position] = len(distinct)
        if places[position] == len(distinct):
            distinct.append(value)
    return places, distinct


def _spread(values: Sequence[Any], places: Any, like: pd.Series) -> pd.Series:
    """Each row's value from those of the distinct cells, None where the cell is unknown."""
    found = np.empty(len(values) + 1, dtype=object)
    found[:] = [*values, None]
    return pd.Series(found[places], index=like.index, dtype=object)


# --- numbers --------------------------------------------------------------------------------------


def _to_number(cells: pd.Series, target: Field, unit: str) -> Column:
    factor = unit_factor(unit, target.unit) if unit else 1.0
    numbers, rest = _plain_numbers(cells)
    column = Column(_scaled(numbers, 1.0 if factor is None else factor))
    if rest.any():
        _written_numbers(column, cells, rest, target, 1.0 if factor is None else factor)
    if column.values.dtype != object and target.type == "integer":
        column.values = _whole(column.values)
    return column


def _plain_numbers(cells: pd.Series) -> tuple[pd.Series, Flags]:
    """Cells that are plain numbers, and which of the others hold something."""
    if pd.api.types.is_bool_dtype(cells) or pd.api.types.is_datetime64_any_dtype(cells):
        return pd.Series(np.nan, index=cells.index), np.asarray(cells.notna())
    if pd.api.types.is_numeric_dtype(cells):
        return cells.astype("float64"), np.zeros(len(cells), dtype=bool)
    if cells.dtype == object:
        kinds = {type(value) for value in cells}
        if bool in kinds or np.bool_ in kinds:
            return pd.Series(np.nan, index=cells.index), np.asarray(cells.notna())
    numbers = pd.to_numeric(cells, errors="coerce").astype("float64")
    numbers = numbers.where(np.isfinite(numbers))
    return numbers, np.asarray(cells.notna() & numbers.isna())


# A pipe's size by its sign, always in millimetres: DN200, De 110, Φ300.
_DIAMETER = re.compile(r"^(?:DN|DE|D|[ΦφØø∅])\s*(\d+(?:\.\d+)?)(?:\s*mm)?$", re.IGNORECASE)


def _written_numbers(column: Column, cells: pd.Series, rest: Flags, target: Field, factor: float) -> None:
    """Numbers people wrote: with a unit, 万, 约, full-width digits; what is none stays and makes the column mixed."""
    out = column.values.to_numpy(dtype=object, copy=True)
    raw = cells.to_numpy(dtype=object)
    estimate, blank, odd = (np.zeros(len(cells), dtype=bool) for _ in range(3))
    for position in np.flatnonzero(rest):
        value = _DIAMETER.sub(r"\1mm", plain_text(raw[position])) if target.unit == "mm" else raw[position]
        found = None if isinstance(value, bool | np.bool_) else read_quantity(value)
        scale = factor if found is None or not found.unit else unit_factor(found.unit, target.unit)
        if found is not None and scale is not None:
            out[position] = float(f"{found.value * scale:.12g}")
            estimate[position] = found.estimate
        elif not isinstance(value, bool | np.bool_) and is_blank(value):
            out[position], blank[position] = np.nan, bool(plain_text(value))
        else:
            out[position], odd[position] = value, True
    column.values = pd.Series(out, index=cells.index, dtype=object if odd.any() else "float64")
    _remark_blanks(column, blank, cells, target)
    column.remark(
        "note", ESTIMATE, estimate, cells,
        target.label + Text("是约数，按所写的数采用。", " is an estimate; the number written is used."),
    )  # fmt: skip


def _remark_blanks(column: Column, blank: Flags, cells: pd.Series, target: Field) -> None:
    said = Text("填的是占位符号，按未知处理。", " holds a placeholder; taken as unknown.")
    column.remark("note", "placeholder", blank, cells, target.label + said)


def _scaled(numbers: pd.Series, factor: float) -> pd.Series:
    """Times ``factor``; products carry binary dust, twelve significant digits are what was meant."""
    if factor == 1.0:
        return numbers
    product = numbers.to_numpy("float64") * factor
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        places = np.clip(11 - np.floor(np.log10(np.abs(product))), -300, 300)
        power = 10.0 ** np.abs(places)
        tidy = np.where(places >= 0, np.round(product * power) / power, np.round(product / power) * power)
    return pd.Series(np.where(np.isfinite(tidy), tidy, product), index=numbers.index)


def _whole(numbers: pd.Series) -> pd.Series:
    values = numbers.to_numpy("float64")
    known = values[~np.isnan(values)]
    # Beyond 2**53 a float no longer holds every whole number; such a cell is a fault for the check to name.
    if np.isfinite(known).all() and (known % 1 == 0).all() and (np.abs(known) < 2**53).all():
        return numbers.astype("Int64")
    return numbers


# --- years and dates ------------------------------------------------------------------------------


def _to_year(cells: pd.Series, target: Field, periods: Periods) -> Column:
    numbers, rest = _plain_numbers(cells)
    month = np.asarray((numbers % 1 > 0) & (numbers % 1 < _MONTH_FRACTION) & numbers.between(1850, 2100))
    whole = numbers.where(numbers % 1 == 0, 0)
    day = whole.between(1850_01_01, 2100_12_31) & (whole // 100 % 100).between(1, 12) & (whole % 100).between(1, 31)
    years = numbers.where(~month, np.floor(numbers)).where(~day, whole // 10000)
    column = Column(years)
    out = column.values.to_numpy(dtype=object, copy=True)
    raw = cells.to_numpy(dtype=object)
    estimate, blank, odd, period = (np.zeros(len(cells), dtype=bool) for _ in range(4))
    for position in np.flatnonzero(rest):
        value = raw[position]
        found = _years_of(value)
        if found is not None:
            year = _one_year(found, periods)
            out[position] = np.nan if year is None else float(year)
            estimate[position], period[position] = found.estimate, found.first != found.last
        elif not isinstance(value, bool | np.bool_) and (is_blank(value) or _NO_DAY.fullmatch(plain_text(value))):
            out[position], blank[position] = np.nan, bool(plain_text(value))
        else:
            out[position], odd[position] = value, True
    column.values = _whole(pd.Series(out, dtype="float64", index=cells.index)) if not odd.any() else pd.Series(
        out, index=cells.index, dtype=object
    )  # fmt: skip
    _remark_blanks(column, blank, cells, target)
    said = target.label + Text("是约数，按所写的年份采用。", " is an estimate; the year is used.")
    column.remark("note", ESTIMATE, estimate & ~period, cells, said)
    _remark_periods(column, period, cells, target, periods)
    return column


def _years_of(value: object) -> Years | None:
    if isinstance(value, bool | np.bool_):
        return None
    day = value if isinstance(value, datetime.date) else getattr(read_day(value), "day", None)
    return read_years(value) if day is None else Years(day.year, day.year)


def _one_year(found: Years, periods: Periods) -> int | None:
    if found.first == found.last:
        return found.first
    if periods == "earliest":
        return found.first
    if periods == "latest":
        return found.last
    if periods == "middle" and found.first is not None and found.last is not None:
        return (found.first + found.last) // 2
    return None


def _remark_periods(column: Column, period: Flags, cells: pd.Series, target: Field, periods: Periods) -> None:
    if periods:
        zh = f"{target.label.zh}写的是时段，按来源卡 periods = {periods} 取年份。"
        en = f"{target.label.en} is a period; its year is taken as the card says, periods = {periods}."
    else:
        zh = (
            f"{target.label.zh}写的是时段，不是年份，按未知处理；"
            '要取其中一年，请在来源卡写 periods = "latest"（或 earliest、middle）。'
        )
        en = f'{target.label.en} is a period, so it stays unknown; write periods = "latest" in the card to take a year.'
    column.remark("note" if periods else "warning", "period", period, cells, Text(zh, en))


class _Read(NamedTuple):
    """One cell read as a date: the date, None or the cell itself, and what there is to say of it."""

    value: Any
    said: Literal[
        "", "placeholder", "month", "tenth_number", "tenth_text", "day_number", "utc", "utc_other_day", "epoch",
        "epoch_other_day",
    ] = ""  # fmt: skip


def _to_date(cells: pd.Series, target: Field, month_as: MonthAs, utc_offset_h: int) -> Column:
    places, distinct = _distinct(cells)
    tens = any(isinstance(value, str) and re.search(r"[.\-/]10$", value.strip()) for value in distinct)
    read = [_one_date(value, month_as, utc_offset_h, tens=tens) for value in distinct]
    column = Column(_spread([one.value for one in read], places, cells))

    def rows(*kinds: str) -> Flags:
        hit: Flags = np.array([*(one.said in kinds for one in read), False], dtype=bool)[places]
        return hit

    _remark_blanks(column, rows("placeholder"), cells, target)
    label = target.label
    if month_as:
        said = Text(f"只写到月，按来源卡 month_as = {month_as} 取日。", f" names a month; month_as = {month_as}.")
        column.remark("note", "month", rows("month", "tenth_number", "tenth_text"), cells, label + said)
        _remark_tenths(column, rows("tenth_number"), rows("tenth_text"), cells, target)
    said = Text("是表格软件的日期序号，已换算为日期。", " is a spreadsheet's day number; converted.")
    column.remark("note", "day_number", rows("day_number"), cells, label + said)
    _remark_utc(column, rows("utc"), rows("utc_other_day"), cells, target)
    _remark_epoch(column, (rows("epoch"), rows("epoch_other_day")), cells, target, utc_offset_h or _CHINA_H)
    return column


def _remark_tenths(column: Column, numbers: Flags, texts: Flags, cells: pd.Series, target: Field) -> None:
    """Months of which .1 and .10 would be one number; as text the writing counts, yet a spreadsheet may have cut it."""
    found: tuple[tuple[Severity, Flags], ...] = (("error", numbers), ("warning", texts))
    for severity, rows in found:
        first = next((one_text(value) or "" for value in cells[rows]), "")
        line = toml_inline({first: f"{first[:4]}-10"})
        said = Text(
            "写作“年.1”，而数字中 .1 与 .10 相同，分不清是 1 月还是 10 月，现按 1 月读取；"
            f"请在源表把该列改为文本（2024-01、2024-10），或在来源卡该列写 values = {line}（1 月写 -01）。",
            " is written as year.1, yet .1 and .10 are one number: January or October? It was read as January. Make "
            f"the column text (2024-01, 2024-10), or write values = {line} in the card (-01 for January).",
        )
        column.remark(severity, "month_ambiguous", rows, cells, target.label + said)


def _remark_utc(column: Column, same: Flags, other: Flags, cells: pd.Series, target: Field) -> None:
    """Times in UTC, whose day is the next one in China from 16:00 on."""
    zh = (
        "写的是世界时（UTC），已按所写的日期采用；换成北京时间是下一天。"
        "要按北京时间取日期，请在来源卡该列写 utc_offset_h = 8。"
    )
    en = (
        " is a time in UTC; the day as written is used, though it is the next day in China. Write utc_offset_h = 8 "
        "for the column in the card to take the day in China."
    )
    column.remark("warning", "utc_day", other, cells, target.label + Text(zh, en))
    said = Text("写的是世界时（UTC），日期与北京时间相同。", " is a time in UTC; its day is the same in China.")
    column.remark("note", "utc", same, cells, target.label + said)


def _remark_epoch(column: Column, rows: tuple[Flags, Flags], cells: pd.Series, target: Field, offset_h: int) -> None:
    """Counts of milliseconds or seconds, which name no day by themselves: the zone whose day was taken is said."""
    zone = f"UTC{offset_h:+d}"
    said = Text(
        f"是时间戳（自 1970 年起的毫秒数或秒数），按 {zone} 取日期。",
        f" counts milliseconds or seconds since 1970; the day in {zone} was taken.",
    )
    column.remark("note", "epoch", rows[0], cells, target.label + said)
    more = Text(
        "按世界时是前一天；请核对原系统按哪个时区记，不是的请在来源卡该列写 utc_offset_h。",
        " In UTC it is the day before: check which zone the system counts in, and write utc_offset_h if another.",
    )
    column.remark("warning", "epoch_day", rows[1], cells, target.label + said + more)


# Milliseconds or seconds since 1970 as systems write them: twelve or thirteen digits, or ten, of 1990 to 2100.
_EPOCH = re.compile(r"\d{12,13}|\d{10}")
_EPOCH_S = (631_152_000, 4_102_444_800)


def _epoch_seconds(text: str) -> int | None:
    if not _EPOCH.fullmatch(text):
        return None
    seconds = int(text) // (1000 if len(text) > 10 else 1)
    return seconds if _EPOCH_S[0] <= seconds < _EPOCH_S[1] else None


def _at_epoch(seconds: int, offset_h: int) -> _Read:
    """The day of a count of seconds in a zone so many hours ahead of UTC."""
    at = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    there = (at + datetime.timedelta(hours=offset_h)).date()
    return _Read(there, "epoch" if there == at.date() else "epoch_other_day")


def _one_date(value: Any, month_as: MonthAs, utc_offset_h: int, *, tens: bool) -> _Read:
    """A date, None, or the cell itself where it is none. ``tens``: the column writes .10 where it means October."""
    if isinstance(value, datetime.datetime):
        at_utc = value.tzinfo is not None and not value.utcoffset()
        return _dated(Day(value.date(), value.hour if at_utc else None), utc_offset_h)
    if isinstance(value, datetime.date):
        return _Read(value)
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    text = one_text(value) or ""
    if _DAY_NUMBER.fullmatch(text) and _DAY_NUMBERS[0] <= float(text) < _DAY_NUMBERS[1]:
        return _Read(_DAY_ZERO + datetime.timedelta(days=int(float(text))), "day_number")
    seconds = _epoch_seconds(text)
    if seconds is not None:
        return _at_epoch(seconds, utc_offset_h or _CHINA_H)
    day = read_day(text)
    if day is not None:
        return _dated(day, utc_offset_h)
    if is_blank(text) or _NO_DAY.fullmatch(plain_text(text)):
        return _Read(None, "placeholder" if plain_text(text) else "")
    month = read_month(text)
    if month is None or not month_as:
        return _Read(text)
    date = month if month_as == "first_day" else month_end(month)
    if not _TENTH.fullmatch(plain_text(text)) or (tens and not number):
        return _Read(date, "month")
    return _Read(date, "tenth_number" if number else "tenth_text")


def _dated(day: Day, utc_offset_h: int) -> _Read:
    if day.utc_hour is None or utc_offset_h:
        return _Read(day.ahead(utc_offset_h))
    return _Read(day.day, "utc" if day.ahead(_CHINA_H) == day.day else "utc_other_day")


def _one_boolean(value: Any) -> Any:
    """True, False, None, or the cell itself where it is neither."""
    if is_unknown(value):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    text = plain_text(value).lower()
    return True if text in _YES else False if text in _NO else None if is_blank(value) else value
