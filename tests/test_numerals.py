"""Numbers, years and units as people write them."""

from __future__ import annotations

import datetime
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis_renovation.numerals import (
    header_unit,
    is_blank,
    month_end,
    read_month,
    read_quantity,
    read_years,
    unit_factor,
)


@pytest.mark.parametrize(
    ("text", "value", "unit", "estimate"),
    [
        ("约120", 120, "", True), ("1.2万", 12_000, "", False), ("１２０", 120, "", False), ("1,234.5", 1234.5, "", False),
        ("1，234", 1234, "", False), ("120户", 120, "户", False), ("1.2万平方米", 1.2, "万平方米", False),
        ("约1.2万㎡", 1.2, "万m2", True), ("300余户", 300, "户", True), ("-3", -3, "", False), ("85%", 85, "%", False),
        ("12 亩", 12, "亩", False), ("1.23亿元", 1.23, "亿元", False), ("2000㎡左右", 2000, "m2", True),
    ],
)  # fmt: skip
def test_numbers_are_read_with_their_unit(text, value, unit, estimate):
    assert read_quantity(text) == (value, unit, estimate)


@pytest.mark.parametrize(
    "text", ["", "abc", "5-6", "无", "inf", "nan", "1e999", "十几", "A12", "12号楼", "1,2", "1.2.3", "=1+1"]
)
def test_what_is_no_number_is_none(text):
    assert read_quantity(text) is None


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("1998", 1998, 1998), ("1998年10月", 1998, 1998), ("98年", 1998, 1998), ("2000年前", None, 1999),
        ("80-90年代", 1980, 1999), ("90年代", 1990, 1999), ("上世纪八十年代", 1980, 1989), ("1985-1990", 1985, 1990),
        ("1985-90", 1985, 1990), ("2005年以后", 2005, None), ("一九八五年", 1985, 1985), ("1985-06-01", 1985, 1985),
        ("2000年代", 2000, 2009), ("20世纪70年代末", 1970, 1979),
    ],
)  # fmt: skip
def test_years_and_periods(text, first, last):
    assert read_years(text)[:2] == (first, last)


@pytest.mark.parametrize("text", ["", "abc", "198", "3020", "1990-1980", "12345", "1998年13月", "老房子"])
def test_what_names_no_year_is_none(text):
    assert read_years(text) is None


def test_about_the_year_is_an_estimate():
    assert read_years("2000年左右").estimate
    assert not read_years("2000年").estimate


@pytest.mark.parametrize(
    ("name", "bare", "unit"),
    [
        ("建筑面积（万平方米）", "建筑面积", "万平方米"), ("户数(户)", "户数", "户"), ("户数/户", "户数", "户"),
        ("投资\n（单位：万元）", "投资", "万元"), ("建筑面积_平方米", "建筑面积", "平方米"), ("面积（㎡）", "面积", "m2"),
        ("改造内容/基础类", "改造内容/基础类", ""), ("名称（曾用名）", "名称(曾用名)", ""), ("户数", "户数", ""),
    ],
)  # fmt: skip
def test_headers_state_their_unit(name, bare, unit):
    assert header_unit(name) == (bare, unit)


def test_units_become_the_schemas_unit_or_nothing():
    # docs/methods.md, 1: 1 ha = 15 mu = 10,000 m².
    assert unit_factor("亩", "m²") * 15 == pytest.approx(10_000)
    assert unit_factor("万㎡", "m²") == 1e4
    assert unit_factor("KM", "m") == 1000
    assert unit_factor("公里", "m²") is None
    assert unit_factor("％", "") == 0.01


def test_months_and_their_last_day():
    assert read_month("2024.4") == datetime.date(2024, 4, 1)
    assert read_month("2024年13月") is None
    assert read_month("2024.4.1") is None
    assert month_end(datetime.date(2024, 2, 1)) == datetime.date(2024, 2, 29)
    assert month_end(datetime.date(2024, 12, 1)) == datetime.date(2024, 12, 31)


def test_none_at_all_is_not_the_same_as_not_filled_in():
    assert is_blank("—")
    assert is_blank("N/A")
    assert not is_blank("无")
    assert not is_blank("0")


@given(st.integers(-(10**9), 10**9), st.sampled_from(["", "户", "㎡", "万元", "亩"]), st.booleans(), st.booleans())
def test_any_whole_number_survives_being_written_by_people(number, unit, wide, grouped):
    text = f"{number:,}" if grouped else str(number)
    if wide:
        text = "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in text)
    found = read_quantity(f"约{text}{unit}")
    assert found.estimate
    assert found.value == number
    assert unicodedata.normalize("NFKC", unit.replace("㎡", "m2")) == found.unit


@given(st.floats(-1e12, 1e12, allow_nan=False))
def test_any_decimal_number_reads_back(value):
    assert read_quantity(repr(value)).value == value


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_without_an_exception(text):
    for reader in (read_quantity, read_years, read_month, header_unit, is_blank):
        reader(text)
