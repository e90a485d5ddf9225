"""Bytes that are no text in a database that says it holds UTF-8: the row is kept and named, wherever they stand."""

import re
import sqlite3
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pytest
from shapely.geometry import box
from zoo import ods_ledger

from gis_renovation.checking import draft_card
from gis_renovation.errors import FileError
from gis_renovation.reading import read_card, read_files
from gis_renovation.reading.values import text_made_whole


def boxes_frame() -> gpd.GeoDataFrame:
    """Three squares with an id and a name."""
    squares = [box(500_000 + 200 * k, 3_613_000, 500_100 + 200 * k, 3_613_080) for k in range(3)]
    return gpd.GeoDataFrame({"id": ["C1", "C2", "C3"], "label": ["甲", "乙", "丙"]}, geometry=squares, crs="EPSG:4548")


@pytest.mark.parametrize("suffix", ["gpkg", "sqlite"])
@pytest.mark.parametrize("raw", [b"\xb3\xaf\xd1\xf4", b"A\xff", b"\xe6\x9c"])
def test_bytes_that_are_no_text_are_shown_as_such_and_the_row_is_named(tmp_path: Path, suffix: str, raw: bytes) -> None:
    file = tmp_path / f"c.{suffix}"
    boxes_frame().to_file(file, layer="c", driver={"gpkg": "GPKG", "sqlite": "SQLite"}[suffix], engine="pyogrio")
    with sqlite3.connect(file) as con:
        for (trigger,) in con.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
            con.execute(f'DROP TRIGGER "{trigger}"')
        con.execute("UPDATE c SET label = CAST(? AS TEXT) WHERE id = 'C2'", (raw,))
    con.close()
    card = read_card(
        f'[source]\npath = "{file.name}"\n[columns]\ncommunity_id = "id"\nname = "label"\n',
        stem="communities",
        where="card",
    )
    got = read_files(card, tmp_path)
    assert list(got.frame["label"].isna()) == [False] * 3
    assert "\ufffd" in got.frame["label"][1]
    assert [got.frame["label"][0], got.frame["label"][2]] == ["甲", "丙"]
    (said,) = [f for f in got.findings if f.code == "text_undecodable"]
    assert [ref.rows for ref in said.features] == [(2,)]
    assert draft_card(file, layer="communities", beside=tmp_path).layer == "communities"


def test_a_batch_keeps_its_sound_columns_and_refuses_lengths_that_contradict_its_bytes() -> None:
    sound = pa.array(["甲", None, ""])
    broken = pa.StringArray.from_buffers(
        3, pa.py_buffer(np.array([0, 2, 2, 5], "int32").tobytes()), pa.py_buffer(b"\xb3\xaf" + "乙".encode())
    )
    batch, bad = text_made_whole(pa.RecordBatch.from_arrays([sound, broken], ["a", "b"]))
    assert batch.column("a").to_pylist() == ["甲", None, ""]
    assert batch.column("b").to_pylist()[1:] == ["", "乙"]
    assert bad.tolist() == [True, False, False]
    offsets = np.array([0, 9, 1, 2], "int32").tobytes()  # the second text ends before it begins
    lying = pa.StringArray.from_buffers(3, pa.py_buffer(offsets), pa.py_buffer(b"\xb3b"))
    with pytest.raises(pa.ArrowInvalid):
        text_made_whole(pa.RecordBatch.from_arrays([lying], ["b"]))


@pytest.mark.parametrize("name", ["", "."])
def test_an_archive_with_a_member_that_has_no_name_is_refused_in_words(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("c.geojson", '{"type": "FeatureCollection", "features": []}')
        archive.writestr(zipfile.ZipInfo(name), "x")
    card = read_card('[source]\npath = "a.zip"\n', stem="communities", where="card")
    with pytest.raises(FileError, match=r"a\.zip"):
        read_files(card, tmp_path)


def _repacked(file: Path, change: str) -> None:
    """The zip with its tables packed in a way nobody uses, locked, or out of place."""
    raw = bytearray(file.read_bytes())
    place = 0
    while (place := raw.find(b"PK\x01\x02", place)) >= 0:
        if change == "method":
            raw[place + 10 : place + 12] = b"\x61\x00"
        elif change == "locked":
            raw[place + 8] |= 1
        else:
            raw[place + 42 : place + 46] = b"\xf0\xff\xff\x7f"
        place += 4
    file.write_bytes(raw)


@pytest.mark.parametrize("suffix", ["xlsx", "ods"])
@pytest.mark.parametrize("change", ["method", "locked", "place"])
def test_workbooks_with_odd_members_are_refused_in_words(tmp_path: Path, suffix: str, change: str) -> None:
    file = tmp_path / f"a.{suffix}"
    if suffix == "ods":
        ods_ledger(file)
    else:
        boxes_frame().drop(columns="geometry").to_excel(file, index=False)
    _repacked(file, change)
    with pytest.raises(FileError, match=re.escape(file.name)):
        draft_card(file, layer="communities", beside=tmp_path)


@pytest.mark.parametrize("number", ["1e999", "9" * 400, "NaN"])
def test_numbers_beyond_all_measure_in_words_of_a_shape_end_in_words(tmp_path: Path, number: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f'小区编号,WKT\nC1,"POLYGON((0 0,1 0,1 1,0 0))"\nC2,"POLYGON((0 0,{number} 0,1 1,0 0))"\n')
    draft = draft_card(file, layer="communities", beside=tmp_path)
    assert 'wkt = "WKT"' in draft.text
