"""Files that are broken or meant ill, at random: read, or refused in words; never a bug, never a trace."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import warnings
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zoo import communities, ods_ledger, shapefile, survey_txt, zipped_shapefile

from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import GisRenovationError
from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.reading.files import file_sha256, read_files

SOURCES = (
    "a.gpkg",
    "小区.shp",
    "a.geojson",
    "a.fgb",
    "a.parquet",
    "a.kml",
    "a.gml",
    "a.dxf",
    "a.csv",
    "a.xlsx",
    "小区.zip",
    "a.txt",
    "a.ods",
)
CARD = '[source]\npath = "{}"\ncrs = "EPSG:4548"\n{}[columns]\ncommunity_id = {{ number = "C" }}\nname = {{ value = "x" }}\n'


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    frame = communities()
    frame.to_file(folder / "a.gpkg")
    frame.to_file(folder / "a.geojson", driver="GeoJSON")
    frame.to_file(folder / "a.fgb")
    frame.to_parquet(folder / "a.parquet")
    frame.to_crs(4326).to_file(folder / "a.kml", driver="LIBKML")
    frame.to_file(folder / "a.gml", driver="GML")
    frame[["geometry"]].to_file(folder / "a.dxf", driver="DXF")
    frame.to_wkt().to_csv(folder / "a.csv", index=False)
    shapefile(folder)
    zipped_shapefile(folder, folder / "小区.shp")
    survey_txt(folder / "a.txt")
    ods_ledger(folder / "a.ods")
    book = xlsxwriter.Workbook(str(folder / "a.xlsx"))
    sheet = book.add_worksheet()
    for row, values in enumerate([["编号", "geometry"], ["a", "POINT (1 2)"], ["b", "POINT (x"]]):
        sheet.write_row(row, 0, values)
    book.close()
    return folder


def read_all(folder, name):
    """Read, conform and check, as the program does."""
    table = '[geometry]\nwkt = "geometry"\n' if name.endswith((".csv", ".xlsx")) else ""
    card = read_card(CARD.format(name, table), stem="communities", where="card")
    raw = read_files(card, folder)
    done = conform(raw.frame, card)
    record = done.record
    assert record["rows_read"] == record["rows_used"] + record["rows_not_selected"] + record["rows_dropped"]
    check_layer(done.frame, card.schema_)


@pytest.mark.parametrize("name", SOURCES)
@given(
    edits=st.lists(st.tuples(st.floats(0, 0.9999), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6),
    keep=st.floats(0.2, 1),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_read_or_refused_in_words(originals, name, edits, keep):
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for path in originals.glob(f"{Path(name).stem}.*"):
            shutil.copyfile(path, folder / path.name)
        data = bytearray((folder / name).read_bytes())
        for place, patch in edits:
            start = int(place * len(data))
            data[start : start + len(patch)] = patch
        (folder / name).write_bytes(bytes(data[: max(1, int(keep * len(data)))]))
        before = {p.name: file_sha256(p) for p in folder.iterdir()}
        with warnings.catch_warnings(), contextlib.suppress(GisRenovationError):
            warnings.simplefilter("error")
            read_all(folder, name)
        assert {p.name: file_sha256(p) for p in folder.iterdir()} == before


@pytest.mark.parametrize(
    "suffix",
    [
        "gpkg",
        "shp",
        "geojson",
        "csv",
        "txt",
        "xlsx",
        "xls",
        "ods",
        "zip",
        "kmz",
        "kml",
        "gml",
        "dxf",
        "tab",
        "mif",
        "fgb",
        "parquet",
        "dbf",
    ],
)
@given(content=st.binary(min_size=1, max_size=300))
@settings(max_examples=15, deadline=None)
def test_any_bytes_under_any_suffix_are_refused_in_words(suffix, content):
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / f"a.{suffix}").write_bytes(content)
        with contextlib.suppress(GisRenovationError):
            read_all(Path(scratch), f"a.{suffix}")


@given(text=st.text(alphabet=st.sampled_from("J12,.@=[]坐标系地块 \n\t界-99"), max_size=300))
@settings(max_examples=100, deadline=None)
def test_any_survey_text_is_read_without_an_exception(text):
    from gis_renovation.reading.formats.surveys import is_survey, read_survey

    is_survey(text)
    survey = read_survey(text)
    assert len(survey.parcels) == len(survey.polygons)
