"""Files that are broken or meant ill, at random: read, or refused in words; never a bug, never a trace."""

from __future__ import annotations

import contextlib
import shutil
import struct
import subprocess
import sys
import tempfile
import warnings
import zipfile
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


@pytest.mark.parametrize("number", ["39500100.00.00", "1" * 400, "9" * 5000, ".", "1..2"])
@pytest.mark.parametrize("place", range(3))
def test_a_point_whose_numbers_are_none_is_left_and_numbered(number, place):
    from gis_renovation.reading.formats.surveys import read_survey

    values = ["1", "3613000.5", "500000.25"]
    values[place] = number
    ring = ["J1,1,3613000,500000", "J2,1,3613000,500010", "J3,1,3613010,500010"]
    survey = read_survey("\n".join(["[地块坐标]", *ring[:2], "J9," + ",".join(values), ring[2]]))
    assert survey.lines_left == [4]
    assert survey.polygons[0].area == 50


def test_a_zone_of_thousands_of_digits_is_no_zone():
    from gis_renovation.reading.formats.surveys import stated_crs

    header = {"坐标系": "2000国家大地坐标系", "几度分带": "3"}
    assert stated_crs({**header, "带号": "9" * 5000}) == ""
    assert stated_crs({**header, "带号": "39"}) == "EPSG:4527"


@pytest.mark.parametrize("row_bytes", [2, 3, 5, 9])
def test_a_field_wider_than_its_row_is_read_as_far_as_the_row_goes(tmp_path, row_bytes):
    from gis_renovation.reading.formats.dbf import foreign_texts

    field = b"NAME".ljust(11, b"\0") + b"C" + bytes(4) + bytes([16, 0]) + bytes(14)
    text = "小区甲乙".encode("gbk")[: row_bytes - 1]
    head = struct.pack("<B3xIHH20x", 3, 3, 65, row_bytes) + field + b"\r"
    (tmp_path / "a.dbf").write_bytes(head + (b" " + text) * 3)
    assert foreign_texts(tmp_path / "a.dbf", range(9)) == [text]


ODS = (
    '<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
    '<office:body><office:spreadsheet><table:table table:name="台账">{}</table:table></office:spreadsheet></office:body></office:document-content>'
)


def _cell(text, columns=1):
    return f'<table:table-cell table:number-columns-repeated="{columns}" office:value-type="string"><text:p>{text}</text:p></table:table-cell>'


def _row(*cells, rows=1):
    return f'<table:table-row table:number-rows-repeated="{rows}">{"".join(cells)}</table:table-row>'


_HEAD = _row(_cell("编号"), _cell("名称")) + _row(_cell("P1"), _cell("甲"))
_GAP, _MANY = '<table:table-cell table:number-columns-repeated="16384"/>', 1_048_576
_REPEATS = {
    "empty to the end": (_HEAD + _row(_GAP, rows=_MANY), True),
    "empty cells after the last": (
        _row(_cell("编号"), _cell("名称"), _GAP) + _row(_cell("P1"), _cell("甲"), _GAP),
        True,
    ),
    "filled down": (_HEAD + _row(_cell("P2", 16384), rows=_MANY), False),
    "filled across": (_HEAD + _row(_cell("P2", 2**40)), False),
    "long text": (_HEAD + _row(_cell("长" * 100_000, 16384), rows=60), False),
    "a corner far off": (_HEAD + _row(_GAP, rows=_MANY) + _row(_GAP, _cell("x")), False),
    "no number": (_HEAD + _row(_cell("P2"), rows="9" * 5000), False),
}


@pytest.mark.parametrize("case", _REPEATS)
def test_repeat_counts_of_an_open_document_fill_no_memory(tmp_path, case):
    body, whole = _REPEATS[case]
    with zipfile.ZipFile(tmp_path / "a.ods", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", '<?xml version="1.0"?><manifest/>')
        archive.writestr("content.xml", ODS.format(body))
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from gis_renovation.errors import FileError\n"
        "from gis_renovation.reading.formats.sheets import read_xlsx, sheet_names\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "try:\n    sheet_names(Path(sys.argv[1])); print(read_xlsx(Path(sys.argv[1])).values.tolist())\n"
        "except FileError as error:\n    print('refused', error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.ods")], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-800:]
    assert done.stdout.startswith("[['P1', '甲']]" if whole else "refused"), done.stdout
    assert whole or case == "no number" or "超出合理范围" in done.stdout
