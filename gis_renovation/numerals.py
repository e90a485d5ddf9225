"""Numbers, years and dates as people write them in ledgers: “约1.2万”, “１２０户”, “2000年前”, “80-90年代”.

Pure text in, value out. What is only a period, an estimate or a month says so; the caller decides and
reports it. Nothing is guessed: text that is no number gives None.
"""

from __future__ import annotations

import datetime
import math
import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

# What one mu is; 1 ha = 15 mu.
M2_A_MU = 10_000 / 15

# What one unit is in the schema's unit (1 ha = 15 mu, 1 mu = 666.67 m²).
UNITS: Mapping[str, Mapping[str, float]] = {
    "m²": {
        "平方米": 1, "平米": 1, "㎡": 1, "m2": 1, "m²": 1, "万平方米": 1e4, "万平米": 1e4, "万㎡": 1e4, "万m²": 1e4,
        "万m2": 1e4, "亩": 2000 / 3, "公顷": 1e4, "ha": 1e4, "平方公里": 1e6, "平方千米": 1e6, "km²": 1e6, "km2": 1e6,
        "平方英尺": 0.09290304, "ft2": 0.09290304, "acre": 4046.8564224,
    },
    "m": {
        "米": 1, "m": 1, "公里": 1e3, "千米": 1e3, "km": 1e3, "厘米": 0.01, "cm": 0.01, "毫米": 1e-3, "mm": 1e-3,
        "英尺": 0.3048, "ft": 0.3048,
    },
    "mm": {"毫米": 1, "mm": 1, "厘米": 10, "cm": 10, "米": 1e3, "m": 1e3, "英寸": 25.4, "inch": 25.4},
    "元": {"元": 1, "yuan": 1, "千元": 1e3, "万元": 1e4, "百万元": 1e6, "亿元": 1e8},
    "户": {"户": 1, "万户": 1e4},
    "栋": {"栋": 1, "幢": 1},
    "层": {"层": 1},
    "项": {"项": 1},
    "年": {"年": 1},
    "月": {"月": 1, "个月": 1},
    "": {"%": 0.01, "百分比": 0.01, "share": 1},
}  # fmt: skip

# Cells that say "no value here"; “无” and “暂无” are not among them, for they may mean none at all.
BLANKS = frozenset(
    {
        "-",
        "--",
        "—",
        "——",
        "–",
        "/",
        "\\",
        "…",
        "...",
        "不详",
        "未知",
        "n/a",
        "na",
        "null",
        "none",
        "nan",
        "#n/a",
        "<null>",
    }
)

_ABOUT = re.compile(r"^(?:约|大约|大概|近|共计?|合计|≈|~)+|(?:左右|上下|余|多|以?内)$")
_NUMBER = re.compile(r"^([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)(十|百|千|万|亿)?(余|多)?(.*)$", re.IGNORECASE)
_TENS = {"十": 1e1, "百": 1e2, "千": 1e3, "万": 1e4, "亿": 1e8}
_DIGITS = str.maketrans("〇零一二三四五六七八九", "00123456789")
_THOUSANDS = re.compile(r"(?<=\d)[,'](?=\d{3}(?!\d))")


class Quantity(NamedTuple):
    """A number read from a cell. ``unit`` is as written (“万平方米”) or empty; ``estimate``: “约”, “左右”, “余”."""

    value: float
    unit: str = ""
    estimate: bool = False


class Day(NamedTuple):
    """A day as written. ``utc_hour`` is the hour of a time stated in UTC, where another zone may have another day."""

    day: datetime.date
    utc_hour: int | None = None

    def ahead(self, hours: int) -> datetime.date:
        """The day in a zone so many hours ahead of UTC, if the time is in UTC; else the day as written."""
        if self.utc_hour is None:
            return self.day
        return self.day + datetime.timedelta(days=(self.utc_hour + hours) // 24)


class Years(NamedTuple):
    """A year, or the first and last year of a period; an open end is None. ``first == last``: a year."""

    first: int | None
    last: int | None
    estimate: bool = False


def plain_text(text: object) -> str:
    """Full-width digits, letters and signs as ASCII, without spaces around; superscript ² stays a unit's."""
    return unicodedata.normalize("NFKC", str(text).replace("²", "2").replace("㎡", "m2")).strip()


# What nobody sees or means in a name: controls, line ends, marks of direction and of no width, halves of pairs.
_HIDDEN = "\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
CONTROLS = re.compile(f"[{_HIDDEN}]")
_BREAK = re.compile(r"[ \u3000]*[\t\n\x0b\x0c\r\x85\u2028\u2029][\s\u2028\u2029]*")


def without_controls(text: str) -> str:
    """Text without control characters; a line break or tab between letters or digits of the West becomes a blank."""
    if not CONTROLS.search(text):
        return text

    def joined(found: re.Match[str]) -> str:
        around = text[max(0, found.start() - 1) : found.start()] + text[found.end() : found.end() + 1]
        return "" if any(sign >= "\u2e80" for sign in around) else " "

    return CONTROLS.sub("", _BREAK.sub(joined, text))


def is_blank(text: object) -> bool:
    """Whether a cell's text only marks that nothing was filled in."""
    shown = plain_text(text)
    return not shown or shown.lower() in BLANKS


def read_quantity(text: object) -> Quantity | None:
    """The number in a cell with its unit and whether it is an estimate; None for anything else.

    “约1.2万㎡” is 1.2 of unit 万m2; “1,234” is 1234; “１２０户” is 120 of unit 户. Ranges (“5-6”) are no number.
    """
    shown = re.sub(r"\s+", "", plain_text(text))
    bare = _ABOUT.sub("", shown)
    estimate = bare != shown
    bare = re.sub(r"(?<=\d),(?=\d{4}(?!\d))", "", _THOUSANDS.sub("", bare))
    found = _NUMBER.match(bare)
    if not found:
        return None
    digits, scale, more, unit = found.groups()
    value = float(digits)
    unit = _ABOUT.sub("", unit).strip("()")
    if not math.isfinite(value) or (unit and not _is_unit((scale or "") + unit) and not _is_unit(unit)):
        return None
    estimate = estimate or bool(more) or found.group(4).strip("()") != unit
    if scale and _is_unit(scale + unit):
        return Quantity(value, scale + unit, estimate)
    return Quantity(float(f"{value * _TENS[scale]:.15g}") if scale else value, unit, estimate)


def unit_factor(unit: str, target: str) -> float | None:
    """What to multiply by to get the schema's unit ``target``; None if ``unit`` cannot become it."""
    known = UNITS.get(target, {})
    if unit in known:
        return known[unit]
    shown = plain_text(unit)
    return next((factor for name, factor in known.items() if plain_text(name).lower() == shown.lower()), None)


def reads_like_a_value(name: str) -> bool:
    """Whether a column's name reads like a cell: a bare number that is no year, a day, or a shape in words."""
    number = read_quantity(name)
    if number is not None and not number.unit:
        return not (number.value.is_integer() and _is_year(int(number.value)))
    shape = re.match(r"(?:SRID=\d+;)?(?:MULTI)?(?:POINT|LINESTRING|POLYGON)\s*Z?\s*\(", name.strip(), re.IGNORECASE)
    return shape is not None or read_day(name) is not None


def header_unit(name: str) -> tuple[str, str]:
    """A column's name and its unit: “建筑面积（万平方米）” gives (建筑面积, 万平方米); no unit gives an empty one."""
    shown = re.sub(r"\s+", "", plain_text(name))
    for pattern in (
        r"^(.+?)\(?单位[::]?([^()]+)\)?$",
        r"^(.+?)[(\[【]([^()\[\]【】]+)[)\]】]$",
        r"^(.+?)[/_:]([^/_:]+)$",
    ):
        found = re.match(pattern, shown)
        if found and _is_unit(found.group(2)):
            return found.group(1).rstrip("(_/:"), found.group(2)
    return shown, ""


def read_years(text: object) -> Years | None:
    """The year or period in a cell; None if there is none.

    “1998”, “1998年10月”, “98年” are years; “80年代”, “80-90年代”, “2000年前”, “1985-1990” are periods;
    “2000年左右” is an estimate. Two-digit years and decades are of the 20th century.
    """
    shown = re.sub(r"\s+", "", plain_text(text)).translate(_DIGITS)
    shown = re.sub(r"[~～至到—–]", "-", shown)
    shown = re.sub(r"(?<![\d])(\d)十年代", r"\g<1>0年代", shown)
    shown = re.sub(r"^(?:上?世纪|20世纪|建于|约)", "", shown)
    estimate = bool(re.search(r"左右|前后", shown)) or plain_text(text).startswith("约")
    shown = re.sub(r"左右|前后|(?:建成|竣工|建造|建)$", "", shown)
    if found := re.fullmatch(r"(\d{2,4})(?:年代)?-(\d{2,4})年代(初|末|中期?|初期|末期|后期)?", shown):
        return _decades(found.group(1), found.group(2), estimate)
    if found := re.fullmatch(r"(\d{2,4})年代(初|末|中期?|初期|末期|后期)?", shown):
        return _decades(found.group(1), found.group(1), estimate)
    if found := re.fullmatch(r"(\d{4})年?(?:底|末)?(以?前|之前|以?后|之后)", shown):
        year = int(found.group(1))
        return Years(None, year - 1, estimate) if "前" in found.group(2) else Years(year, None, estimate)
    if found := re.fullmatch(r"(\d{4})年?-(\d{2,4})年?", shown):
        first, last = int(found.group(1)), int(found.group(2))
        last = last if last > 99 else first // 100 * 100 + last
        return Years(first, last, estimate) if _is_year(first) and first <= last and _is_year(last) else None
    if found := re.fullmatch(r"(\d{4})(?:年|[.\-/])?(?:(\d{1,2})(?:月|[.\-/])?(?:(\d{1,2})日?)?)?(?:00:00:00)?", shown):
        year, month = int(found.group(1)), int(found.group(2) or 1)
        return Years(year, year, estimate) if _is_year(year) and 1 <= month <= 12 else None
    if found := re.fullmatch(r"(\d{2})年", shown):
        return Years(1900 + int(found.group(1)), 1900 + int(found.group(1)), estimate)
    return None


_DAY = re.compile(
    r"(?P<y>\d{4})(?:(?P<sep>[-/.])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})\.?|年(?P<m2>\d{1,2})月(?P<d2>\d{1,2})日?"
    r"|(?P<m3>\d{2})(?P<d3>\d{2}))(?:\s*(?:星期|周)[一二三四五六日天])?(?P<rest>.*)",
    re.DOTALL,
)
_CLOCK = re.compile(
    r"[T\s]*(?:(?P<half>上午|下午|凌晨|中午|晚上|AM|PM)\s*)?(?P<h>\d{1,2})(?:[:时点]?(?P<min>\d{2})(?:[:分]?(?P<s>\d{2})"
    r"(?:[.,]\d+)?)?[分秒]?|[:时点](?P<min1>\d)分?|[时点]整?)\s*(?P<after>AM|PM)?\s*"
    r"(?P<zone>Z|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|UTC|GMT)?",
    re.IGNORECASE,
)
_AT_UTC = re.compile(r"(?:Z|UTC|GMT|(?:UTC|GMT)?[+-]0{1,2}(?::?00)?)", re.IGNORECASE)


def read_day(text: object) -> Day | None:
    """The day in a cell, with or without a time of day and an offset; None for anything else.

    “2024-5-1”, “2024/5/1 0:00”, “2024年5月1日”, “20240501”, “2024-05-01T00:00:00+08:00” are the first of May as
    written, whatever the offset; a time in UTC (“Z”) says its hour.
    """
    found = _DAY.fullmatch(plain_text(text))
    if not found:
        return None
    month, day = (next(filter(None, (found[name + end] for end in ("", "2", "3")))) for name in "md")
    try:
        date = datetime.date(int(found["y"]), int(month), int(day))
    except ValueError:
        return None
    if not found["rest"].strip():
        return Day(date)
    clock = _CLOCK.fullmatch(found["rest"].rstrip())
    if not clock or int(clock["h"]) > 23 or int(clock["min"] or 0) > 59 or int(clock["s"] or 0) > 59:
        return None
    if not clock["zone"] or not _AT_UTC.fullmatch(clock["zone"]):
        return Day(date)
    afternoon = (clock["half"] or clock["after"] or "").upper() in ("PM", "下午", "晚上") and int(clock["h"]) < 12
    return Day(date, int(clock["h"]) + 12 * afternoon)


def read_month(text: object) -> datetime.date | None:
    """The first day of the month a cell names without a day (“2024.4”, “2024年4月”); None for anything else."""
    shown = re.sub(r"\s+", "", plain_text(text))
    found = re.fullmatch(r"(\d{4})(?:年|[.\-/])(\d{1,2})月?", shown)
    if not found or not _is_year(int(found.group(1))) or not 1 <= int(found.group(2)) <= 12:
        return None
    return datetime.date(int(found.group(1)), int(found.group(2)), 1)


def month_end(first: datetime.date) -> datetime.date:
    """The last day of the month that ``first`` begins."""
    return (first.replace(day=28) + datetime.timedelta(days=4)).replace(day=1) - datetime.timedelta(days=1)


def _decades(first: str, last: str, estimate: bool) -> Years:
    begin, end = (int(d) if len(d) == 4 else 1900 + int(d) if int(d) >= 30 else 2000 + int(d) for d in (first, last))
    return Years(begin, end + 9, estimate)


def _is_year(year: int) -> bool:
    return 1850 <= year <= 2100


def _is_unit(text: str) -> bool:
    return any(unit_factor(text, target) is not None for target in UNITS)
