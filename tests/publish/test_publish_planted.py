"""Leaks planted into a finished folder, its list of files mended too: ``publish --check`` finds each by reading."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import struct
from contextlib import closing
from datetime import date

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from drawn_city import CRS, X0, Y0, layers, publish_city
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from gis_renovation.maps.tiles import pmtiles
from gis_renovation.publish import contents, verify
from gis_renovation.publish.disclosure.generalise import generalise_shapes
from gis_renovation.publish.leaks import search, sqlite_pages
from gis_renovation.publish.marker import sealed
from gis_renovation.publish.profile import read_profile
from gis_renovation.publish.site import MAP

AS_OF = date(2024, 9, 30)
# Where a gas pipe really lies: a corner of a layer that never leaves.
PIPE = (X0 + 123.4567, Y0 + 234.5678)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    profile = read_profile(folder, "public")
    target = folder / "maps" / "public"
    publish_city(layers(), profile, target)
    return target


@pytest.fixture
def copy(plain, tmp_path):
    return shutil.copytree(plain, tmp_path / "public")


def found(folder):
    """What the check says once the list of files was mended by the hand that planted the leak."""
    path = folder / verify.MARKER
    marker = json.loads(path.read_text(encoding="utf-8"))
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p != path)
    marker["files"] = {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
    path.write_text(json.dumps(sealed(marker)), encoding="utf-8")
    return {(finding.code, finding.file) for finding in verify.check_published(folder)}


def test_a_sound_folder_is_sound(copy):
    assert found(copy) == set()


# --- workbook -------------------------------------------------------------------------------------


def with_heading(book):
    sheet = book["小区"]
    sheet.cell(1, sheet.max_column + 1, "产权单位")


def without_heading(book):
    book["小区"].cell(2, 40, "张三")


def with_hidden_sheet(book):
    book.create_sheet("产权人").append(["姓名"])
    book["产权人"].sheet_state = "veryHidden"


def with_a_row(book):
    book["小区"].append(["C99", "某小区"])


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (with_heading, {"unlisted_column", "forbidden_column"}),
        (without_heading, {"unlisted_column", "forbidden_column"}),
        (with_hidden_sheet, {"unlisted_column", "forbidden_column"}),
        (with_a_row, {"row_count"}),
        (lambda _: None, set()),
    ],
)
def test_a_workbook_with_more_than_the_list_is_found(copy, change, codes):
    path = copy / "data" / "data.xlsx"
    book = openpyxl.load_workbook(path)
    change(book)
    book.save(path)
    assert found(copy) == {(code, "data/data.xlsx") for code in codes}


# --- database -------------------------------------------------------------------------------------


def added(folder, name, frame):
    frame.to_file(folder / "data" / "data.gpkg", layer=name, driver="GPKG", mode="a", engine="pyogrio")
    sqlite_pages.wipe_freed(folder / "data" / "data.gpkg")


def test_an_exact_place_in_a_listed_layer_of_the_database_is_found(copy):
    park = gpd.GeoDataFrame(
        {"park_id": ["K9"], "name": ["x"], "kind": ["y"]}, geometry=[box(*PIPE, X0 + 200, Y0 + 300)]
    )
    added(copy, "parks", park.set_crs(CRS))
    codes = {code for code, file in found(copy) if file == "data/data.gpkg"}
    assert codes == {"exact_place", "row_count"}


def test_a_layer_that_should_have_stayed_is_found_in_the_database(copy):
    pipes = gpd.GeoDataFrame({"network": ["gas"]}, geometry=[LineString([PIPE, (X0, Y0)])], crs=CRS)
    added(copy, "utility_lines", pipes)
    codes = {code for code, _ in found(copy)}
    assert {"unlisted_column", "forbidden_column", "exact_place"} <= codes


def test_a_table_the_catalogue_of_the_database_does_not_list_is_found(copy):
    path = copy / "data" / "data.gpkg"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE notes (phone TEXT)")
    sqlite_pages.wipe_freed(path)
    assert found(copy) == {("unlisted_column", "data/data.gpkg"), ("forbidden_column", "data/data.gpkg")}


def test_rows_deleted_from_the_database_are_found_until_it_is_written_anew(copy):
    path = copy / "data" / "data.gpkg"
    secret = "机密内容" * 3000
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE notes (text TEXT)")
        database.execute("INSERT INTO notes VALUES (?)", [secret])
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA secure_delete = OFF")
        database.execute("DROP TABLE notes")
    assert secret[:50].encode() in path.read_bytes(), "the test is about bytes that are still there"
    assert found(copy) == {("freed_pages", "data/data.gpkg")}
    sqlite_pages.wipe_freed(path)
    assert secret[:50].encode() not in path.read_bytes()
    assert found(copy) == set()


def test_a_row_deleted_inside_a_page_is_found(copy):
    path = copy / "data" / "data.gpkg"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA secure_delete = OFF")
        database.execute("INSERT INTO gpkg_extensions VALUES ('机密内容甲乙丙', NULL, 'e', 'd', 'read-write')")
        database.execute("DELETE FROM gpkg_extensions WHERE extension_name = 'e'")
    assert "机密内容甲乙丙".encode() in path.read_bytes()
    assert found(copy) == {("freed_pages", "data/data.gpkg")}


def test_writing_a_database_anew_keeps_every_row_and_gives_the_same_bytes(plain, tmp_path):
    path = shutil.copy(plain / "data" / "data.gpkg", tmp_path / "a.gpkg")
    before = gpd.read_file(path, layer="communities")
    once = (tmp_path / "a.gpkg").read_bytes()
    sqlite_pages.wipe_freed(tmp_path / "a.gpkg")
    sqlite_pages.wipe_freed(tmp_path / "a.gpkg")
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    pd.testing.assert_frame_equal(pd.DataFrame(before), pd.DataFrame(gpd.read_file(path, layer="communities")))
    # Counters of changes in the head differ, nothing else.
    changed = {at for at, (a, b) in enumerate(zip(once, (tmp_path / "a.gpkg").read_bytes(), strict=True)) if a != b}
    assert changed <= {*range(24, 28), *range(40, 44), *range(92, 96)}


# --- shapes in text and in the page ---------------------------------------------------------------


def test_an_exact_place_in_geojson_is_found(copy):
    path = copy / "data" / "parks.geojson"
    whole = json.loads(path.read_text(encoding="utf-8"))
    whole["features"][0]["geometry"]["coordinates"][0][0][0] += 0.00001
    path.write_text(json.dumps(whole), encoding="utf-8")
    assert found(copy) == {("foreign_shape", "data/parks.geojson")}


@pytest.mark.parametrize("place", ["whole", "feature"])
def test_a_member_of_geojson_that_no_program_shows_is_found(copy, place):
    path = copy / "data" / "parks.geojson"
    whole = json.loads(path.read_text(encoding="utf-8"))
    (whole if place == "whole" else whole["features"][0])["note"] = "张三"
    path.write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8")
    assert ("unlisted_column", "data/parks.geojson") in found(copy)


def test_a_shape_of_another_place_in_the_page_is_found(copy):
    path = copy / MAP
    page = path.read_text(encoding="utf-8")
    start = page.index('id="layer-parks">') + len('id="layer-parks">')
    end = page.index("</script>", start)
    block = json.loads(page[start:end])
    ring = block["geometry"][0]
    while isinstance(ring[0], list):
        ring = ring[0]
    ring[0] += 25
    path.write_text(page[:start] + json.dumps(block, ensure_ascii=False) + page[end:], encoding="utf-8")
    assert found(copy) == {("foreign_shape", MAP)}


@given(st.floats(73.5, 134.0), st.floats(18.5, 53.0), st.integers(-3, 3), st.integers(-3, 3))
@settings(max_examples=200, deadline=None)
def test_corners_are_told_apart_from_two_microdegrees_on(x, y, right, up):
    """A rounded or cut corner is the same place, one two or more microdegrees off is another."""
    reference = pd.DataFrame({"x": [x], "y": [y]}).to_numpy()
    written = reference.round(6) + np.array([right, up]) * 1e-6
    count = contents.strangers(written, reference)
    assert count == 0 if (right, up) == (0, 0) else count == 1 or max(abs(right), abs(up)) < 2


# --- corners of withheld layers, byte by byte -----------------------------------------------------


def pipes():
    return {"utility_lines": gpd.GeoDataFrame({"network": ["gas"]}, geometry=[LineString([PIPE, (X0, Y0)])], crs=CRS)}


@pytest.mark.parametrize("offset", range(9))
def test_a_corner_of_a_withheld_layer_is_found_as_bytes_wherever_it_stands(tmp_path, offset):
    (tmp_path / "a.bin").write_bytes(b"\1" * offset + struct.pack("<dd", *PIPE))
    places = search.withheld_places(pipes(), {})
    leaks = search.find_leaks(tmp_path, {}, "", places=places)
    assert [(f.code, f.file) for f in leaks] == [("withheld_value", "a.bin")]
    assert "utility_lines.geometry" in leaks[0].text.zh


def test_x_of_one_corner_and_y_of_another_are_no_place(tmp_path):
    (tmp_path / "a.bin").write_bytes(struct.pack("<dd", PIPE[0], Y0) + struct.pack("<dd", PIPE[1], PIPE[0]) + b"\0" * 9)
    assert search.find_leaks(tmp_path, {}, "", places=search.withheld_places(pipes(), {})) == []


def test_the_exact_shape_of_a_layer_that_leaves_generalised_is_withheld(tmp_path):
    made = {"parks": gpd.GeoDataFrame({"n": [1]}, geometry=[box(*PIPE, X0 + 500, Y0 + 500)], crs=CRS)}
    coarse = made["parks"].set_geometry(generalise_shapes(made["parks"].geometry.to_numpy(), 5.0, grid_m=1.0), crs=CRS)
    places = search.withheld_places(made, {"parks": coarse})
    assert len(places["parks.geometry"]) == 3, "the corner at (500, 500) lies on the grid and left"
    coarse.to_file(tmp_path / "a.gpkg", driver="GPKG")
    assert search.find_leaks(tmp_path, {}, "", places=places) == []
    made["parks"].to_file(tmp_path / "b.gpkg", driver="GPKG")
    assert [f.file for f in search.find_leaks(tmp_path, {}, "", places=places)] == ["b.gpkg"]


def test_a_shape_smaller_than_the_grid_leaves_as_a_step_or_cell_of_it():
    tiny = [LineString([(0.31, 0.31), (0.42, 0.33)]), box(7.2, 7.2, 7.4, 7.4), Point(3.3, 3.3)]
    made = generalise_shapes(pd.array(tiny, dtype=object).to_numpy(), 5.0, grid_m=1.0)
    assert [shape.geom_type for shape in made] == ["LineString", "Polygon", "Point"]
    corners = shapely.get_coordinates(made)
    assert (corners == corners.round()).all()
    assert made[1].area == 1.0


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0, 30)), min_size=4, max_size=9))
@settings(max_examples=150, deadline=None)
def test_every_generalised_corner_lies_on_the_grid_however_crooked_the_shape(xy):
    ring = shapely.make_valid(shapely.Polygon(xy), method="structure", keep_collapsed=False)
    if shapely.is_empty(ring):
        return
    made = generalise_shapes(pd.array([ring], dtype=object).to_numpy(), 3.0, grid_m=1.0)
    assert contents.off_grid(shapely.get_coordinates(made), 1.0) == 0
    assert shapely.is_valid(made).all()
    assert not shapely.is_empty(made).any()


@given(st.integers(0, 12), st.data())
@settings(max_examples=100, deadline=None)
def test_a_tiles_number_tells_its_place(zoom, data):
    x, y = (data.draw(st.integers(0, (1 << zoom) - 1)) for _ in range(2))
    assert pmtiles.tile_place(pmtiles.tile_number(zoom, x, y)) == (zoom, x, y)


# --- damage and slips -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["about.html", "data/communities.csv", "data/communities.geojson", "data/data.gpkg", "data/data.xlsx"]
)
@pytest.mark.parametrize("damage", ["a byte", "half", "empty"])
def test_a_damaged_file_of_any_kind_is_a_finding_and_no_crash(copy, name, damage):
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 3] ^= 0x80
    (copy / name).write_bytes({"a byte": bytes(data), "half": data[: len(data) // 2], "empty": b""}[damage])
    findings = verify.check_published(copy)
    assert ("changed_file", name) in {(one.code, one.file) for one in findings}
    assert all(one.text.zh and one.text.en for one in findings)


def test_a_changed_title_number_or_class_in_the_list_itself_is_found(copy):
    path = copy / verify.MARKER
    for key, value in {
        "title": "x",
        "map_number": "皖S(2024)9号",
        "as_of": "2030-01-01",
        "class": "restricted",
    }.items():
        before = path.read_bytes()
        path.write_text(json.dumps(json.loads(before) | {key: value}), encoding="utf-8")
        assert {one.code for one in verify.check_published(copy)} == {"changed_marker"}, key
        path.write_bytes(before)
    assert verify.check_published(copy) == []


def test_a_list_sealed_anew_still_differs_from_the_log_beside_the_folder(plain, tmp_path):
    folder = shutil.copytree(plain.parent, tmp_path / "maps") / plain.name
    path = folder / verify.MARKER
    assert verify.check_published(folder) == []
    marker = json.loads(path.read_text(encoding="utf-8")) | {"map_number": "皖S(2024)9号"}
    path.write_text(json.dumps(sealed(marker)), encoding="utf-8")
    assert {one.code for one in verify.check_published(folder)} == {"changed_marker"}


def test_links_out_of_the_folder_and_empty_folders_are_none_of_ours(copy, tmp_path):
    (copy / "more").symlink_to(tmp_path, target_is_directory=True)
    (copy / "about2.html").symlink_to(copy / "about.html")
    (copy / "empty").mkdir()
    found_now = {(one.code, one.file) for one in verify.check_published(copy)}
    assert found_now == {("foreign_file", name) for name in ("more", "about2.html", "empty")}
