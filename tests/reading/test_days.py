"""Each way of writing a day, as texts and as numbers of the files of the trade; what cannot be known is said."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.reading.files import read_files
from gis_renovation.reading.values import to_field
from gis_renovation.schemas import layer_schema

DAY = layer_schema("works_records").fields["recorded_on"]
YEAR = layer_schema("communities").fields["year_built"]
MAY_DAY = datetime.date(2024, 5, 1)
EARLIEST, LATEST = (pd.Timestamp(day).to_pydatetime() for day in ("1990-01-02", "2099-12-30"))


def read(cell, target=DAY, **asked):
    """What a cell became, and the codes of what was said of it with their severity."""
    column = to_field(pd.Series([cell], dtype=object), target, **asked)
    (value,) = column.values.tolist()
    return value, {remark.code: remark.severity for remark in column.remarks}


@pytest.mark.parametrize(
    "cell",
    [
        "2024/5/1 0:00",
        "2024/5/1 0:00:00",
        "2024-05-01 00:00:00.000",
        "2024年5月1日 上午9:00",
        "2024年05月01日下午3点",
        "2024-5-1 15时30分",
        "2024.5.1",
        "20240501",
        20240501,
        20240501.0,
        np.int64(20240501),
        "２０２４－０５－０１",
        "2024年5月1日 星期三",
        pd.Timestamp("2024-05-01 23:59").to_pydatetime(),
    ],
)
def test_a_day_with_or_without_its_hour_is_that_day(cell):
    assert read(cell) == (MAY_DAY, {})


@pytest.mark.parametrize("cell", [45413, 45413.0, 45413.999, "45413", "45413.375", np.float64(45413)])
def test_a_spreadsheets_day_number_is_converted_and_said(cell):
    """45413 is the first of May 2024: 45292 is New Year of 2024, 31 + 29 + 31 + 30 days earlier."""
    assert read(cell) == (MAY_DAY, {"day_number": "note"})


@pytest.mark.parametrize("cell", [1714492800000, "1714492800000", 1714492800000.0, 1714492800, "1714492800"])
def test_a_count_of_milliseconds_gives_the_day_in_china_and_the_zone_is_named(cell):
    column = to_field(pd.Series([cell], dtype=object), DAY)
    assert column.values.tolist() == [MAY_DAY]  # 2024-04-30T16:00:00Z
    (said,) = column.remarks
    assert (said.code, said.severity) == ("epoch_day", "warning")
    assert "UTC+8" in said.text.zh
    assert "utc_offset_h" in said.text.zh
    assert read(cell, utc_offset_h=7)[0] == datetime.date(2024, 4, 30)


@settings(deadline=None)
@given(st.datetimes(EARLIEST, LATEST), st.booleans())
def test_any_count_of_milliseconds_is_the_day_the_clock_in_china_showed(moment, as_text):
    there = moment.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=8)))
    count = int(there.timestamp() * 1000)
    value, said = read(str(count) if as_text else count)
    assert value == moment.date()
    assert said == ({"epoch_day": "warning"} if moment.hour < 8 else {"epoch": "note"})


def test_milliseconds_of_a_service_are_days_in_a_file(tmp_path):
    stamps = [1714492800000, 1714521600000, None]  # 00:00 and 08:00 in China
    features = [{"type": "Feature", "properties": {"bh": "P1", "rq": stamp}, "geometry": None} for stamp in stamps]
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    card = read_card(
        '[source]\npath = "a.geojson"\n[columns]\nproject_id = "bh"\nrecorded_on = "rq"\n', stem="works_records",
        where="card",
    )  # fmt: skip
    done = conform(read_files(card, tmp_path).frame, card)
    assert done.frame["recorded_on"].tolist()[:2] == [MAY_DAY, MAY_DAY]
    assert done.frame["recorded_on"].isna().tolist() == [False, False, True]
    assert {f.code for f in done.findings} >= {"epoch", "epoch_day"}


@pytest.mark.parametrize(
    "cell", [99999999999999, "1714492800000.5", "17144928", 12345678901, "2024-13-01", "1", 0, "0"]
)
def test_a_number_that_is_no_day_stays_as_it_is(cell):
    value, said = read(cell)
    assert not isinstance(value, datetime.date)
    assert value is not None
    assert said == {}


@pytest.mark.parametrize("cell", ["0000-00-00", "0000/00/00 00:00:00", "0000-00-00T00:00:00.000"])
def test_the_day_nought_of_databases_is_unknown_as_day_and_as_year(cell):
    assert read(cell) == (None, {"placeholder": "note"})
    value, said = read(cell, YEAR)
    assert pd.isna(value)
    assert said == {"placeholder": "note"}


def test_october_as_text_is_october_and_as_a_number_is_an_error(tmp_path):
    assert read("2024.10", month_as="first_day") == (datetime.date(2024, 10, 1), {"month": "note"})
    assert read("2024.1", month_as="first_day")[1] == {"month": "note", "month_ambiguous": "warning"}
    assert read(2024.1, month_as="first_day")[1] == {"month": "note", "month_ambiguous": "error"}
    column = to_field(pd.Series(["2024.1", "2024.10"], dtype=object), DAY, month_as="first_day")
    assert [remark.code for remark in column.remarks] == ["month"]  # one that writes .10 writes .1 for January
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["编号", "月份"])
    sheet.write_row(1, 0, ["P1", 2024.10], book.add_format({"num_format": "0.00"}))  # shown as 2024.10
    book.close()
    card = read_card(
        '[source]\npath = "a.xlsx"\n[columns]\nproject_id = "编号"\n'
        'recorded_on = { from = "月份", month_as = "last_day" }\n', stem="works_records", where="card",
    )  # fmt: skip
    found = {f.code: f for f in conform(read_files(card, tmp_path).frame, card).findings}
    assert found["month_ambiguous"].severity == "error"
    assert 'values = { "2024.1" = "2024-10" }' in found["month_ambiguous"].text.zh.replace("'", '"')


@pytest.mark.parametrize("cell", ["1998.10", 1998.1, "1998年10月", "98年", 1998, "1998-10-05", 19981005, "19981005"])
def test_a_year_is_taken_from_what_says_more(cell):
    assert read(cell, YEAR)[0] == 1998
