"""Columns as files hold them, into the types the schemas promise; whole columns at a time.

What cannot become the field's type stays as it is, for the schema check to name. What was read with
a loss (an estimate, a period, a month without a day) is remarked, row by row.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gis_renovation.arrays import Flags
from gis_renovation.errors import Severity
from gis_renovation.numerals import (
    Years,
    is_blank,
    month_end,
    plain_text,
    read_month,
    read_quantity,
    read_years,
    unit_factor,
)
from gis_renovation.schemas import Field
from gis_renovation.words import Text

Periods = Literal["", "earliest", "middle", "latest"]
MonthAs = Literal["", "first_day", "last_day"]

_YES = {"是", "有", "对", "true", "yes", "y", "t", "1", "1.0", "√", "✓"}
_NO = {"否", "无", "没有", "false", "no", "n", "f", "0", "0.0", "×", "✗"}
_DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")

# Spreadsheets count days from here (the 1900 system with its false leap day); 20000 to 80000 are 1954 to 2119.
_DAY_ZERO = datetime.date(1899, 12, 30)
_DAY_NUMBERS = (20_000, 80_000)

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
    cells: pd.Series, target: Field, *, unit: str = "", periods: Periods = "", month_as: MonthAs = ""
) -> Column:
    """``cells`` in the type and unit of ``target``.

    ``unit`` is what bare numbers are in; a unit written in a cell wins over it. ``periods`` says which
    year stands for “80年代” (none: it stays unknown); ``month_as`` which day for “2024.4”. O(rows).
    """
    if target.type == "string":
        return Column(to_text(cells))
    if target.type == "boolean":
        return Column(_each_value(cells, _one_boolean))
    if target.type == "date":
        return _to_date(cells, target, month_as)
    if target.unit == "年" and target.type == "integer":
        return _to_year(cells, target, periods)
    return _to_number(cells, target, unit)


# --- text -----------------------------------------------------------------------------------------


def to_text(cells: pd.Series) -> pd.Series:
    """Trimmed text; blank is unknown; whole numbers lose their “.0”. dtype ``str``."""
    if isinstance(cells.dtype, pd.StringDtype):
        texts = pa.array(cells.array, from_pandas=True)
        trimmed = pc.utf8_trim_whitespace(texts)
        lengths = pc.binary_length(trimmed)
        if pc.min(lengths).as_py() == 0:
            return _from_arrow(pc.if_else(pc.equal(lengths, 0), pa.scalar(None, trimmed.type), trimmed), cells)
        same = pc.sum(lengths).as_py() == pc.sum(pc.binary_length(texts)).as_py()
        return cells if same else _from_arrow(trimmed, cells)
    if pd.api.types.is_integer_dtype(cells) and not cells.hasnans:
        return cells.astype("str")
    texts = _each_value(cells, one_text).to_numpy()
    return _from_arrow(pa.array(texts, type=pa.large_string(), from_pandas=True), cells)


def _from_arrow(values: Any, like: pd.Series) -> pd.Series:
    return pd.Series(pd.array(values, dtype="str"), index=like.index, name=like.name)


def one_text(value: object) -> str | None:
    """One cell as text."""
    if is_unknown(value):
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    text = str(value).strip().strip("\ufeff\u200b").strip()
    return text or None


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
    values: Any = cells.to_numpy(dtype=object)
    out = np.empty(len(values), dtype=object)
    seen: dict[Any, Any] = {}
    for position, value in enumerate(values):
        try:
            key = (type(value), value)
            if key not in seen:
                seen[key] = one(value)
            out[position] = seen[key]
        except TypeError:  # lists and tables, as JSON columns hold them, have no hash
            out[position] = one(value)
    return pd.Series(out, index=cells.index, dtype=object)


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
    if pd.api.types.is_bool_dtype(cells):
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


def _written_numbers(column: Column, cells: pd.Series, rest: Flags, target: Field, factor: float) -> None:
    """Numbers people wrote: with a unit, 万, 约, full-width digits; what is none stays and makes the column mixed."""
    out = column.values.to_numpy(dtype=object, copy=True)
    raw = cells.to_numpy(dtype=object)
    estimate, blank, odd = (np.zeros(len(cells), dtype=bool) for _ in range(3))
    for position in np.flatnonzero(rest):
        value = raw[position]
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
    column = Column(numbers.where(~month, np.floor(numbers)))
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
        elif not isinstance(value, bool | np.bool_) and is_blank(value):
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
    if isinstance(value, datetime.date | pd.Timestamp):
        return Years(value.year, value.year)
    return None if isinstance(value, bool | np.bool_) else read_years(value)


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


def _to_date(cells: pd.Series, target: Field, month_as: MonthAs) -> Column:
    if pd.api.types.is_datetime64_any_dtype(cells):
        return Column(_each_value(cells, _one_date))
    column = Column(_each_value(cells, _one_date))
    values = column.values.to_numpy(copy=True)
    months = [read_month(v) if isinstance(v, str) else None for v in values]
    month = np.array([m is not None for m in months], dtype=bool)
    blank = np.array([isinstance(v, str) and is_blank(v) for v in values], dtype=bool)
    numbered = np.array(
        [isinstance(c, int | float) and isinstance(v, datetime.date) for c, v in zip(cells, values, strict=True)],
        dtype=bool,
    )
    values[blank] = None
    if month_as:
        for position in np.flatnonzero(month):
            first = months[position] or _DAY_ZERO
            values[position] = first if month_as == "first_day" else month_end(first)
    column.values = pd.Series(values, index=cells.index, dtype=object)
    _remark_blanks(column, blank, cells, target)
    label = target.label
    if month_as:
        said = Text(f"只写到月，按来源卡 month_as = {month_as} 取日。", f" names a month; month_as = {month_as}.")
        column.remark("note", "month", month, cells, label + said)
    said = Text("是表格软件的日期序号，已换算为日期。", " is a spreadsheet's day number; converted.")
    column.remark("note", "day_number", numbered, cells, label + said)
    return column


def _one_date(value: Any) -> Any:
    """A date, None, or the cell itself where it is none."""
    if is_unknown(value):
        return None
    if isinstance(value, datetime.datetime | pd.Timestamp):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        whole = float(value).is_integer()
        if whole and _DAY_NUMBERS[0] <= value <= _DAY_NUMBERS[1]:
            return _DAY_ZERO + datetime.timedelta(days=int(value))
        if not whole or not 18500101 <= value <= 21001231:
            return str(value)
        value = int(value)
    text = plain_text(value)
    for pattern in _DATE_FORMATS:
        try:
            return datetime.datetime.strptime(text.split("+")[0].removesuffix("Z"), pattern).date()  # noqa: DTZ007
        except ValueError:
            continue
    return text or None


def _one_boolean(value: Any) -> Any:
    """True, False, None, or the cell itself where it is neither."""
    if is_unknown(value):
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    text = plain_text(value).lower()
    return True if text in _YES else False if text in _NO else None if is_blank(value) else value
