"""Nothing is lost between a file's driver and the frame: digits of ids, days of times, cells beside empty ones."""

from __future__ import annotations

import datetime
import json
import tempfile
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point
from zoo import mapinfo

from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.reading.files import read_files

DRIVERS = {
    "gpkg": "GPKG",
    "fgb": "FlatGeobuf",
    "geojson": "GeoJSON",
    "geojsonl": "GeoJSONSeq",
    "shp": "ESRI Shapefile",
    "gml": "GML",
    "sqlite": "SQLite",
    "parquet": "",
    "csv": "",
    "xlsx": "",
    "gdb": "OpenFileGDB",
    "kml": "LIBKML",
    "mif": "MapInfo File",
    "tab": "MapInfo File",
}
COLUMNS = '[columns]\nproject_id = "bh"\nbasis = "wz"\namount_yuan = "mj"\nrecorded_on = "rq"\n'


def conformed(folder, path, *, layer="projects", columns=COLUMNS, extra=""):
    text = f'[source]\npath = "{path}"\n{extra}\n{columns}'
    card = read_card(text, stem=layer, where="card")
    raw = read_files(card, folder)
    done = conform(raw.frame, card, file=path, columns=raw.columns)
    return done.frame, [*raw.findings, *done.findings], {**raw.record, **done.record}


def write(folder: Path, suffix: str, frame: pd.DataFrame) -> str:
    """The frame's columns in a format, with a point for each row where the format needs one."""
    name = f"xm.{suffix}"
    if suffix == "csv":
        frame.to_csv(folder / name, index=False)
    elif suffix == "xlsx":
        frame.to_excel(folder / name, index=False)
    elif suffix == "parquet":  # as other programs write it, without what pandas would add for itself
        pq.write_table(pa.Table.from_pandas(frame).replace_schema_metadata(None), folder / name)
    else:
        points = gpd.GeoDataFrame(frame, geometry=[Point(117, 32)] * len(frame), crs=4490)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a Shapefile keeps times as text, and says so
            pyogrio.write_dataframe(points, folder / name, driver=DRIVERS[suffix], layer="xm")
    return name


LONG = st.integers(min_value=10**15, max_value=2**63 - 1)
ROWS = st.lists(
    st.tuples(LONG, st.none() | LONG | st.integers(0, 9), st.none() | st.integers(-4000, 4000), st.none() | st.dates(
        datetime.date(1950, 1, 1), datetime.date(2100, 1, 1)
    )),
    min_size=1,
    max_size=5,
    unique_by=lambda row: row[0],
)  # fmt: skip


@pytest.mark.parametrize("suffix", sorted(DRIVERS))
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_every_cell_comes_out_as_it_went_in_whatever_lies_beside_it(suffix, rows):
    ids, texts, numbers, days = zip(*rows, strict=True)
    frame = pd.DataFrame(
        {
            "bh": pd.array(ids, dtype="Int64"),
            "wz": pd.array(texts, dtype="Int64"),
            "mj": pd.array(numbers, dtype="Int64"),
            "rq": pd.array([None if day is None else day.isoformat() for day in days], dtype="str"),
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        name = write(Path(folder), suffix, frame)
        found, findings, record = conformed(Path(folder), name, layer="funds")
    assert record["rows_read"] == record["rows_used"] == len(rows)
    out = found.astype(object).where(found.notna(), None)
    # A DBF field of 19 digits and more is a decimal number to its driver, as are all long numbers to a workbook and to
    # the writer of geodatabases: such cells are told. MapInfo has no missing numbers, 0 is written for them.
    ids, texts, numbers = (
        [0 if one is None and suffix in ("mif", "tab") else one for one in c] for c in (ids, texts, numbers)
    )
    told = {
        (f.text.zh.split("”")[0][2:], ref.rows[0]) for f in findings if f.code == "digits_lost" for ref in f.features
    }
    assert not told or suffix in ("shp", "geojsonl", "geojson", "xlsx", "gdb")
    for name, went, came in (("bh", ids, out["project_id"]), ("wz", texts, out["basis"])):
        for row, (one, other) in enumerate(zip(went, came, strict=True), start=2 if suffix == "xlsx" else 1):
            assert other == (None if one is None else str(one)) or (name, row) in told
    assert out["amount_yuan"].tolist() == numbers
    assert out["recorded_on"].tolist() == list(days)


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "geojson", "parquet"])
def test_a_row_left_out_by_select_changes_no_id_of_the_others(tmp_path, suffix):
    ids = [340403196001010013, 340403196001010075, None]
    frame = pd.DataFrame({"bh": pd.array(ids, dtype="Int64"), "lx": ["小区", "小区", "道路"]})
    name = write(tmp_path, suffix, frame)
    columns = '[columns]\nproject_id = "bh"\n[select]\nlx = ["小区"]\n'
    found, _, record = conformed(tmp_path, name, columns=columns)
    assert list(found.index) == ["340403196001010013", "340403196001010075"]
    assert record["rows_read"] == 3 == record["rows_used"] + record["rows_not_selected"]


def test_a_file_without_a_column_changes_no_id_of_another_file(tmp_path):
    """Two files of one layer: one lacks the column, one has it as text, one as a decimal number."""
    first, second, third = (tmp_path / name for name in ("a", "b", "c"))
    for folder in (first, second, third):
        folder.mkdir()
    write(first, "gpkg", pd.DataFrame({"bh": ["A", "B"], "wz": [340403196001010013, 340403196001010015]}))
    write(second, "gpkg", pd.DataFrame({"bh": ["C"]}))
    write(third, "gpkg", pd.DataFrame({"bh": ["D", "E"], "wz": [1.5, np.nan]}))
    text = '[source]\npath = ["a/xm.gpkg", "b/xm.gpkg", "c/xm.gpkg"]\n[columns]\nproject_id = "bh"\ncontact = "wz"\n'
    card = read_card(text, stem="projects", where="card")
    found = conform(read_files(card, tmp_path).frame, card).frame
    assert found["contact"].fillna("").to_dict() == {
        "A": "340403196001010013", "B": "340403196001010015", "C": "", "D": "1.5", "E": "",
    }  # fmt: skip


def test_a_ledger_that_lacks_some_rows_keeps_the_ids_of_the_others(tmp_path):
    shapes = gpd.GeoDataFrame({"bh": ["1", "2", "3"]}, geometry=[Point(117, 32).buffer(0.001)] * 3, crs=4490)
    pyogrio.write_dataframe(shapes, tmp_path / "a.gpkg")
    ledger = pd.DataFrame({"bh": ["1", "2"], "wz": [340403196001010013, 340403196001010015]})
    pq.write_table(pa.Table.from_pandas(ledger), tmp_path / "b.parquet")
    columns = '[columns]\ncommunity_id = "bh"\nowner_unit = "wz"\n[join]\npath = "b.parquet"\non = "bh"\n'
    found, _, _ = conformed(tmp_path, "a.gpkg", layer="communities", columns=columns)
    assert list(found["owner_unit"].fillna("")) == ["340403196001010013", "340403196001010015", ""]


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        (pa.decimal128(20, 0), [12345678901234567890, None], ["12345678901234567890", ""]),
        (pa.decimal128(38, 0), [340403196001010013, 7], ["340403196001010013", "7"]),
        (pa.decimal128(30, 10), ["12345678901234567890.5", None], ["12345678901234567890.5000000000", ""]),
        (pa.uint64(), [2**63 + 5, None], ["9223372036854775813", ""]),
        (pa.uint64(), [340403196001010013, None], ["340403196001010013", ""]),
        (pa.int32(), [7, None], ["7", ""]),
    ],
)
def test_whole_numbers_of_every_width_keep_their_digits(tmp_path, kind, values, told):
    from decimal import Decimal

    cells = [None if v is None else Decimal(v) for v in values] if pa.types.is_decimal(kind) else values
    table = pa.table({"bh": ["a", "b"], "wz": pa.array(cells, type=kind)})
    pq.write_table(table, tmp_path / "a.parquet")
    found, _, _ = conformed(tmp_path, "a.parquet", columns='[columns]\nproject_id = "bh"\ncontact = "wz"\n')
    assert list(found["contact"].fillna("")) == told


def test_whole_numbers_read_row_by_row_keep_their_digits(tmp_path):
    """MapInfo text of an unnamed charset cannot pass through Arrow; its numbers take the other way too."""
    mapinfo(tmp_path / "a.mif", charset="Neutral")
    from gis_renovation.reading.values.exact import rows_of

    frame = pd.DataFrame({"bh": pd.array([340403196001010013, None, 340403196001010015], dtype="Int64")})
    name = write(tmp_path, "gpkg", frame)
    assert list(rows_of(tmp_path / name, "xm")["bh"].dropna()) == [340403196001010013, 340403196001010015]


STAMPS = {
    "2024-05-01T00:00:00+08:00": datetime.date(2024, 5, 1),
    "2024-05-01": datetime.date(2024, 5, 1),
    "2024-04-30T16:00:00Z": datetime.date(2024, 4, 30),
    "2024-05-01T23:30:00-05:00": datetime.date(2024, 5, 1),
    "2024-05-01T00:00:00.250+08:00": datetime.date(2024, 5, 1),
}


@pytest.mark.parametrize("suffix", ["geojson", "geojsonl", "csv"])
def test_the_day_of_a_time_is_the_day_as_written_whatever_stands_beside_it(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    rows = list(STAMPS)
    if suffix == "csv":
        path.write_text("bh,rq\n" + "".join(f"{n},{stamp}\n" for n, stamp in enumerate(rows)), encoding="utf-8")
    else:
        features = [
            {"type": "Feature", "properties": {"bh": str(n), "rq": stamp}, "geometry": None}
            for n, stamp in enumerate(rows)
        ]
        text = "\n".join(map(json.dumps, features))
        whole = json.dumps({"type": "FeatureCollection", "features": features})
        path.write_text(whole if suffix == "geojson" else text, encoding="utf-8")
    found, findings, _ = conformed(
        tmp_path, path.name, layer="works_records", columns='[columns]\nproject_id = "bh"\nrecorded_on = "rq"\n'
    )
    assert list(found["recorded_on"]) == list(STAMPS.values())
    told = next(f for f in findings if f.code == "utc_day")
    assert told.severity == "warning"
    assert [f.rows for f in told.features] == [(4,) if suffix == "csv" else (3,)]
    ahead, findings, _ = conformed(
        tmp_path,
        path.name,
        layer="works_records",
        columns='[columns]\nproject_id = "bh"\nrecorded_on = { from = "rq", utc_offset_h = 8 }\n',
    )
    assert set(ahead["recorded_on"]) == {datetime.date(2024, 5, 1)}
    assert not [f for f in findings if f.code.startswith("utc")]


@pytest.mark.parametrize("suffix", ["gpkg", "fgb", "shp", "gml", "sqlite", "parquet"])
@pytest.mark.parametrize("zone", ["+08:00", "UTC"])
def test_times_of_databases_keep_the_day_of_their_zone_and_utc_is_told(tmp_path, suffix, zone):
    stamps = pd.to_datetime(["2024-05-01T00:00:00+08:00", "2024-05-01T18:00:00+08:00", None])
    frame = pd.DataFrame({"bh": ["a", "b", "c"], "rq": stamps.tz_convert(zone)})
    name = write(tmp_path, suffix, frame)
    found, findings, _ = conformed(
        tmp_path, name, layer="funds", columns='[columns]\nproject_id = "bh"\nrecorded_on = "rq"\n'
    )
    first = datetime.date(2024, 5, 1) if zone == "+08:00" else datetime.date(2024, 4, 30)
    assert list(found["recorded_on"])[:2] == [first, datetime.date(2024, 5, 1)]
    assert pd.isna(found["recorded_on"].iloc[2])
    told = {f.code: [r.rows for r in f.features] for f in findings if f.code.startswith("utc")}
    assert told == ({} if zone == "+08:00" else {"utc_day": [(1,)], "utc": [(2,)]})


def test_a_year_column_of_times_gives_years_not_nanoseconds(tmp_path):
    frame = pd.DataFrame({"bh": ["a", "b"], "nf": pd.to_datetime(["1998-05-01", None])})
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "a.parquet")
    text = '[source]\npath = "a.parquet"\n[columns]\ncommunity_id = "bh"\nyear_built = "nf"\nhouseholds = "nf"\n'
    card = read_card(text, stem="communities", where="card")
    raw = pd.read_parquet(tmp_path / "a.parquet")
    done = conform(gpd.GeoDataFrame(raw, geometry=[Point(0, 0).buffer(1)] * 2, crs=4548), card)
    assert done.frame["year_built"].tolist()[0] == 1998
    assert not isinstance(done.frame["households"].iloc[0], int | float)  # no number: the check names it


def test_numbers_beyond_what_a_spreadsheet_keeps_are_told_with_their_cells(tmp_path):
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["bh", "wz"])
    sheet.write_row(1, 0, [340403196001010000, "a"])
    sheet.write_row(2, 0, [340403196001020000, "b"])
    book.close()
    columns = '[columns]\nproject_id = "bh"\n'
    found, findings, _ = conformed(tmp_path, "a.xlsx", columns=columns)
    assert list(found.index) == ["340403196001010000", "340403196001020000"]  # as the cells show them
    told = next(f for f in findings if f.code == "digits_lost")
    assert told.named("zh") == ("第2行=340403196001010000", "第3行=340403196001020000")
    (tmp_path / "b.csv").write_text("bh,wz\n3.40403E+17,a\n3.40403e+18,b\n12,c\n", encoding="utf-8")
    _, findings, _ = conformed(tmp_path, "b.csv", columns=columns)
    told = next(f for f in findings if f.code == "digits_lost")
    assert told.named("zh") == ("第2行=3.40403E+17", "第3行=3.40403e+18")


@pytest.mark.parametrize("values", [[1e15, 12.5], [999_999_999_999_999, 1], [123.456, 2.0**40]])
def test_numbers_a_driver_keeps_exactly_are_not_told(tmp_path, values):
    name = write(tmp_path, "gpkg", pd.DataFrame({"bh": ["a", "b"], "mj": values}))
    _, findings, _ = conformed(tmp_path, name, columns='[columns]\nproject_id = "bh"\n')
    assert "digits_lost" not in {f.code for f in findings}
