"""Reading: every format round trip, every encoding, and what cannot be read is said, not lost."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from zoo import (
    BOTTOM,
    LEFT,
    NAMES,
    communities,
    drawing,
    mapinfo,
    put_bytes,
    shapefile,
    survey_txt,
    two_point_ring,
    write_card,
    zip_of,
    zipped_shapefile,
)

from gis_renovation.errors import CRSError, FileError, GisRenovationError
from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.reading.files import file_sha256, read_files
from gis_renovation.reading.raster_files import read_raster
from gis_renovation.writing.geopackage import write_geopackage
from gis_renovation.writing.places import new_file, new_folder


def read(folder, path, *, layer="communities", extra="", source=""):
    card = write_card(folder, path, layer=layer, extra=extra, source=source)
    return read_files(read_card(card.read_text(encoding="utf-8"), stem=layer, where=card.name), folder)


def conformed(folder, path, **options):
    card = write_card(folder, path, **options)
    card = read_card(card.read_text(encoding="utf-8"), stem=card.stem, where=card.name)
    raw = read_files(card, folder)
    done = conform(raw.frame, card, file=path)
    return done.frame, [*raw.findings, *done.findings], {**raw.record, **done.record}


def outcome(folder, path):
    """What reading comes to: the words of its refusal, or its findings."""
    try:
        return "", read(folder, path).findings
    except FileError as error:
        return error.text.zh, []


def codes(findings):
    return {finding.code for finding in findings}


def write_as(suffix: str, folder: Path) -> tuple[str, str]:
    """The three communities in a format; its file name and what the card must say of its CRS."""
    frame = communities()
    name = f"小区.{suffix}"
    if suffix == "parquet":
        frame.to_parquet(folder / name)
    elif suffix == "gml":
        pyogrio.write_dataframe(frame, folder / name, driver="GML")
        (folder / "小区.xsd").unlink(missing_ok=True)
    elif suffix == "kml":
        pyogrio.write_dataframe(frame.to_crs(4326), folder / name, driver="LIBKML")
    elif suffix == "geojson":
        frame.to_crs(4490).to_file(folder / name, driver="GeoJSON")
        return name, 'crs = "EPSG:4490"'
    elif suffix == "mif":
        mapinfo(folder / name)
    elif suffix == "gdb":
        pyogrio.write_dataframe(frame, folder / name, driver="OpenFileGDB", layer="communities")
    else:
        frame.to_file(folder / name)
    return name, ""


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "geojson", "fgb", "parquet", "gdb", "gml", "kml", "mif"])
def test_every_format_gives_back_what_was_written(tmp_path, suffix):
    name, source = write_as(suffix, tmp_path)
    frame, findings, record = conformed(tmp_path, name, source=source)
    assert list(frame.index) == ["C1", "C2", "C3"]
    assert tuple(frame["name"]) == NAMES
    assert list(frame["households"]) == [100, 110, 120]
    assert list(frame["floor_area_m2"]) == [8000.5, 8001.5, 8002.5]
    back = frame.to_crs(4548)
    assert np.allclose(back.area, 8000.0, rtol=1e-6)
    assert np.allclose(back.bounds.minx, [LEFT, LEFT + 120, LEFT + 240], atol=0.01)
    assert not [f for f in findings if f.severity == "error"]
    assert record["rows_read"] == record["rows_used"] == 3
    before = {p.name for p in tmp_path.iterdir()}
    assert before == {p.name for p in tmp_path.iterdir()}


def test_a_mapinfo_file_that_does_not_name_its_charset_is_read_as_gbk(tmp_path):
    mapinfo(tmp_path / "a.mif", charset="Neutral")
    frame, _, _ = conformed(tmp_path, "a.mif")
    assert tuple(frame["name"]) == NAMES


def test_a_mapinfo_table_keeps_its_projection(tmp_path):
    frame = communities().rename(columns={"编号": "id"})[["id", "geometry"]]
    pyogrio.write_dataframe(frame, tmp_path / "a.tab", driver="MapInfo File")
    card = read_card(
        '[source]\npath = "a.tab"\ncrs = "EPSG:4548"\n[columns]\ncommunity_id = "id"\n', stem="communities", where="c"
    )
    # A TAB keeps coordinates as whole steps of about a centimetre.
    assert np.allclose(read_files(card, tmp_path).frame.area, 8000, rtol=1e-3)


@pytest.mark.parametrize("suffix", ["tab", "mif"])
@pytest.mark.parametrize("charset", ["WindowsSimpChinese", "Neutral"])
def test_mapinfo_keeps_chinese_field_names_and_text(tmp_path, suffix, charset):
    layout = {"STRICT_FIELDS_NAME_LAUNDERING": "NO"}
    layout |= {"ENCODING": "CP936"} if charset == "WindowsSimpChinese" else {}
    options = {"layer_options": layout, "encoding": "CP936" if charset == "Neutral" else None}
    pyogrio.write_dataframe(communities(), tmp_path / f"小区.{suffix}", driver="MapInfo File", **options)
    assert charset.encode() in (tmp_path / f"小区.{suffix}").read_bytes()
    frame, findings, _ = conformed(tmp_path, f"小区.{suffix}", source='crs = "EPSG:4548"')
    assert tuple(frame["name"]) == NAMES
    assert list(frame["households"]) == [100, 110, 120]
    assert not [f for f in findings if f.severity == "error"]


PLACEMARK = """<Placemark><name>{name}</name><description><![CDATA[<b>x</b>]]></description><ExtendedData>
<Data name="户数"><value>{count}</value></Data><SchemaData schemaUrl="#s"><SimpleData name="FLOOR">{floor}</SimpleData>
</SchemaData></ExtendedData><Point><coordinates>117.0{n},32.6,0</coordinates></Point></Placemark>"""
KML = """<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>全部</name>
<Schema name="s" id="s"><SimpleField type="int" name="FLOOR"><displayName>建筑面积</displayName></SimpleField></Schema>
{}</Document></kml>"""


def test_both_ways_of_writing_attributes_in_a_kml_are_read_and_display_names_count(tmp_path):
    marks = [PLACEMARK.format(name=NAMES[n], count=100 + n, floor=8000 + n, n=n) for n in range(3)]
    folders = f"<Folder><name>甲</name>{marks[0]}{marks[1]}</Folder><Folder><name>乙</name>{marks[2]}</Folder>"
    (tmp_path / "a.kml").write_text(KML.format(folders), encoding="utf-8")
    text = (
        '[source]\npath = "a.kml"\nlayer_name = "甲"\n[columns]\npremises_id = "Name"\n'
        'name = "户数"\nfloor_area_m2 = "FLOOR"\n'
    )
    card = read_card(text, stem="premises", where="card")
    raw = read_files(card, tmp_path)
    assert raw.columns.aliases == {"FLOOR": "建筑面积"}
    done = conform(raw.frame, card, columns=raw.columns).frame
    assert dict(zip(done.index, done["name"], strict=True)) == {NAMES[0]: "100", NAMES[1]: "101"}
    assert dict(zip(done.index, done["floor_area_m2"], strict=True)) == {NAMES[0]: 8000, NAMES[1]: 8001}


@pytest.mark.parametrize("encoding", ["GBK", "GB18030", "UTF-8"])
@pytest.mark.parametrize("cpg", [True, False])
def test_shapefile_text_is_read_with_and_without_its_code_page_file(tmp_path, encoding, cpg):
    shapefile(tmp_path, encoding=encoding, cpg=cpg)
    frame, _, _ = conformed(tmp_path, "小区.shp")
    assert tuple(frame["name"]) == NAMES


def test_a_code_page_file_that_lies_is_refuted_by_the_text(tmp_path):
    path = shapefile(tmp_path, encoding="GBK")
    path.with_suffix(".cpg").write_text("UTF-8")
    frame, findings, _ = conformed(tmp_path, "小区.shp")
    assert tuple(frame["name"]) == NAMES
    assert "encoding_refuted" in codes(findings)


def test_a_character_cut_at_the_end_of_its_field_loses_only_itself(tmp_path):
    path = shapefile(tmp_path)
    width = path.with_suffix(".dbf").read_bytes()[32 + 32 + 16]
    text = "淮" * (width // 2)
    put_bytes(path.with_suffix(".dbf"), 2, 1, ("x" + text).encode("gbk")[:width])
    raw = read(tmp_path, "小区.shp")
    assert raw.frame["名称"].iloc[1] == "x" + "淮" * ((width - 1) // 2)
    assert tuple(raw.frame["名称"].iloc[[0, 2]]) == (NAMES[0], NAMES[2])
    assert next(f for f in raw.findings if f.code == "text_cut").named("zh") == ("第2行",)


def test_bytes_that_are_no_text_are_named_by_row(tmp_path):
    path = shapefile(tmp_path)
    put_bytes(path.with_suffix(".dbf"), 3, 1, b"ab\xff\xffcd")
    raw = read(tmp_path, "小区.shp")
    assert "�" in raw.frame["名称"].iloc[2]
    assert raw.frame["名称"].iloc[0] == NAMES[0]
    assert next(f for f in raw.findings if f.code == "text_undecodable").named("zh") == ("第3行",)


def test_rows_marked_as_deleted_are_counted_not_read(tmp_path):
    table = shapefile(tmp_path).with_suffix(".dbf")
    data = bytearray(table.read_bytes())
    header, width = struct.unpack("<HH", data[8:12])
    data[header + width] = ord("*")
    table.write_bytes(bytes(data))
    frame, findings, _ = conformed(tmp_path, "小区.shp")
    assert list(frame.index) == ["C1", "C3"]
    assert next(f for f in findings if f.code == "rows_deleted").named("zh") == ("第2行",)
    assert not [f for f in findings if f.severity == "error"]


def test_a_missing_index_file_is_rebuilt_on_a_copy(tmp_path):
    path = shapefile(tmp_path)
    path.with_suffix(".shx").unlink()
    before = {p.name: file_sha256(p) for p in tmp_path.iterdir()}
    frame, findings, _ = conformed(tmp_path, "小区.shp")
    assert len(frame) == 3
    assert "shx_rebuilt" in codes(findings)
    after = {p.name: file_sha256(p) for p in tmp_path.iterdir() if p.suffix != ".toml"}
    assert after == before


def test_a_missing_projection_file_stops_with_what_to_write(tmp_path):
    path = shapefile(tmp_path)
    path.with_suffix(".prj").unlink()
    with pytest.raises(CRSError, match="EPSG:4548"):
        read(tmp_path, "小区.shp")
    assert len(read(tmp_path, "小区.shp", source='crs = "EPSG:4548"').frame) == 3


def test_a_bare_shp_gives_its_shapes_and_says_that_attributes_are_missing(tmp_path):
    path = shapefile(tmp_path)
    for suffix in (".dbf", ".shx", ".prj"):
        path.with_suffix(suffix).unlink()
    raw = read(tmp_path, "小区.shp", source='crs = "EPSG:4548"')
    assert len(raw.frame) == 3
    assert "dbf_missing" in codes(raw.findings)


def test_a_zipped_shapefile_is_read_like_the_open_one(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    zipped_shapefile(tmp_path, shapefile(inner))
    frame, _, _ = conformed(tmp_path, "小区.zip")
    assert tuple(frame["name"]) == NAMES


def test_a_zip_with_names_in_gbk_and_several_layers_is_told_apart_by_name(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    communities().to_file(inner / "a.gpkg")
    communities(2).to_file(inner / "b.gpkg")
    zip_of(tmp_path / "both.zip", {"县区/a.gpkg": inner / "a.gpkg", "县区/b.gpkg": inner / "b.gpkg"})
    with pytest.raises(FileError, match=r"a\.gpkg.*b\.gpkg"):
        read(tmp_path, "both.zip")
    assert len(read(tmp_path, "both.zip", source='layer_name = "b"').frame) == 2


def test_a_kmz_is_read_as_the_kml_in_it(tmp_path):
    pyogrio.write_dataframe(communities().to_crs(4326), tmp_path / "doc.kml", driver="LIBKML")
    zip_of(tmp_path / "小区.kmz", {"doc.kml": tmp_path / "doc.kml"})
    frame, _, _ = conformed(tmp_path, "小区.kmz")
    assert tuple(frame["name"]) == NAMES


def test_a_geojson_in_gbk_is_read_as_text(tmp_path):
    communities().to_crs(4326).to_file(tmp_path / "utf8.geojson", driver="GeoJSON")
    (tmp_path / "gbk.geojson").write_bytes((tmp_path / "utf8.geojson").read_text(encoding="utf-8").encode("gbk"))
    frame, findings, _ = conformed(tmp_path, "gbk.geojson")
    assert tuple(frame["name"]) == NAMES
    assert "recoded" in codes(findings)


def test_a_geojson_that_names_no_crs_follows_the_card(tmp_path):
    frame = communities()
    (tmp_path / "plain.geojson").write_text(frame.set_crs(None, allow_override=True).to_json(), encoding="utf-8")
    raw = read(tmp_path, "plain.geojson", source='crs = "EPSG:4548"')
    assert raw.frame.crs.to_epsg() == 4548
    assert raw.frame.total_bounds[0] == LEFT


def test_a_crs_that_contradicts_the_file_is_refused(tmp_path):
    communities().to_file(tmp_path / "a.gpkg")
    with pytest.raises(CRSError, match="4527"):
        read(tmp_path, "a.gpkg", source='crs = "EPSG:4527"')


def test_cgcs2000_and_wgs84_degrees_do_not_contradict_each_other(tmp_path):
    communities().to_crs(4326).to_file(tmp_path / "a.gpkg")
    assert read(tmp_path, "a.gpkg", source='crs = "EPSG:4490"').frame.crs.to_epsg() == 4490


def test_the_layer_name_of_a_drawing_carries_the_meaning(tmp_path):
    drawing(tmp_path)
    card = read_card(
        '[source]\npath = "map.dxf"\ncrs = "EPSG:4548"\n[select]\nLayer = "JMD"\n[repair]\nclose_rings_m = 0.1\n'
        '[columns]\ncommunity_id = { number = "C-" }\nname = "Layer"\n',
        stem="communities",
        where="card",
    )
    raw = read_files(card, tmp_path)
    done = conform(raw.frame, card)
    assert list(done.frame.index) == ["C-0001", "C-0002"]
    assert list(done.frame.geom_type) == ["Polygon", "Polygon"]
    # The second outline closes 3 cm off its corner; the sliver cut off there is a triangle of 100 m by 3 cm at most.
    assert np.allclose(done.frame.area, 8000, atol=1.6)
    assert done.record["rows_read"] == 3
    assert done.record["rows_not_selected"] == 1
    assert done.record["repairs"] == {"close_rings_m": 2}


def test_survey_points_make_parcels_with_holes_in_the_right_place(tmp_path):
    survey_txt(tmp_path / "界址点.txt")
    card = read_card(
        '[source]\npath = "界址点.txt"\n[columns]\nparcel_id = "地块编号"\nregistered_use = "地块用途"\n',
        stem="parcels",
        where="card",
    )
    raw = read_files(card, tmp_path)
    assert raw.frame.crs.to_epsg() == 4527
    # 100 x 80 less half of 10 x 10
    assert raw.frame.geometry[0].area == pytest.approx(8000 - 50)
    assert raw.frame.total_bounds[0] == pytest.approx(LEFT + 39_000_000)
    assert raw.frame.total_bounds[1] == pytest.approx(BOTTOM)
    broken = next(f for f in raw.findings if f.code == "unreadable_geometry")
    assert broken.named("zh") == ("2 第1圈（2 个点）",)
    assert raw.frame.geometry[1] is None


def test_survey_points_without_zone_number_are_told_from_those_with(tmp_path):
    survey_txt(tmp_path / "界址点.txt", zone=False)
    card = read_card('[source]\npath = "界址点.txt"\n[columns]\nparcel_id = "地块编号"\n', stem="parcels", where="card")
    assert read_files(card, tmp_path).frame.crs.to_epsg() == 4548


def test_old_datum_survey_points_are_refused_without_control_points(tmp_path):
    path = survey_txt(tmp_path / "a.txt")
    path.write_bytes(
        path.read_bytes().replace("2000国家大地坐标系".encode("gb18030"), "80国家大地坐标系".encode("gb18030"))
    )
    card = read_card('[source]\npath = "a.txt"\n[columns]\nparcel_id = "地块编号"\n', stem="parcels", where="card")
    with pytest.raises(CRSError, match=r"Xian80.*控制点"):
        read_files(card, tmp_path)


def test_control_points_move_an_old_grid_and_record_their_residuals(tmp_path):
    old = communities().set_crs("EPSG:2384", allow_override=True)
    # The true relation of this made-up city: 40 m east, 12 m north, a turn of 5 seconds, 3 mm per km.
    turn, scale = np.radians(5 / 3600), 1.000003
    a, b = scale * np.cos(turn), scale * np.sin(turn)

    def true(x, y):
        dx, dy = x - LEFT, y - BOTTOM
        return LEFT + 40 + a * dx - b * dy, BOTTOM + 12 + b * dx + a * dy

    old.to_file(tmp_path / "old.gpkg")
    x = np.array([LEFT - 500, LEFT + 900, LEFT + 50, LEFT + 400])
    y = np.array([BOTTOM - 300, BOTTOM - 200, BOTTOM + 700, BOTTOM + 90])
    u, v = true(x, y)
    pd.DataFrame({"x": x, "y": y, "u": u, "v": v}).to_csv(tmp_path / "cp.csv", index=False)
    control = '[control]\npath = "cp.csv"\ncrs = "EPSG:4548"\nfrom_x = "x"\nfrom_y = "y"\nto_x = "u"\nto_y = "v"\n'
    raw = read(tmp_path, "old.gpkg", extra=control)
    assert raw.frame.crs.to_epsg() == 4548
    expected = [true(px, py) for px, py in shapely.get_coordinates(communities().geometry)]
    assert np.allclose(shapely.get_coordinates(raw.frame.geometry), expected, atol=1e-4)
    assert raw.record["control_points"]["rmse_m"] < 1e-4
    assert raw.record["control_points"]["rotation_seconds"] == pytest.approx(5, abs=1e-3)
    assert "fitted" in codes(raw.findings)


def test_a_ring_of_two_points_keeps_its_row_and_the_others(tmp_path):
    two_point_ring(tmp_path)
    card = read_card(
        '[source]\npath = "broken.gpkg"\n[columns]\ncommunity_id = "编号"\nname = "名称"\n',
        stem="communities",
        where="c",
    )
    raw = read_files(card, tmp_path)
    assert len(raw.frame) == 3
    assert list(raw.frame.geometry.isna()) == [False, True, False]
    assert next(f for f in raw.findings if f.code == "unreadable_geometry").named("zh") == ("第2行",)


def test_tables_become_points_from_survey_x_and_y_or_degrees_or_wkt(tmp_path):
    table = pd.DataFrame(
        {
            "id": ["a", "b"],
            "X": ["３６１３０００", "3613080"],
            "Y": ["500000", "abc"],
            "经度": ["117°00′36″", "117.02"],
            "纬度": ["32.65", "32.66"],
            "w": ["POINT (500000 3613000)", "POINT (1"],
        }
    )
    table.to_csv(tmp_path / "t.csv", index=False, encoding="gb18030")

    def points(geometry, crs):
        card = read_card(
            f'[source]\npath = "t.csv"\ncrs = "{crs}"\n[geometry]\n{geometry}\n[columns]\nfacility_id = "id"\nkind = {{ value = "other" }}\n',
            stem="facilities",
            where="c",
        )
        return read_files(card, tmp_path)

    survey = points('x = "Y"\ny = "X"', "EPSG:4548")
    assert (survey.frame.geometry.iloc[0].x, survey.frame.geometry.iloc[0].y) == (500000, 3613000)
    assert survey.frame.geometry.iloc[1] is None
    assert next(f for f in survey.findings if f.code == "unreadable_geometry").named("zh") == ("第3行",)
    assert points('x = "经度"\ny = "纬度"', "EPSG:4490").frame.geometry.iloc[0].x == pytest.approx(117.01)
    shapes = points('wkt = "w"', "EPSG:4548")
    assert shapes.frame.geometry.iloc[0].wkt == "POINT (500000 3613000)"
    assert next(f for f in shapes.findings if f.code == "unreadable_geometry").named("zh") == ("第3行",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a;b\n1;2\n", ["a", "b"]),
        ("甲\t乙\n1\t2\n".encode("utf-16"), ["甲", "乙"]),
        ("\ufeff甲,乙\n1,2\n".encode(), ["甲", "乙"]),
        ("甲,乙\n1,2\n".encode("gbk"), ["甲", "乙"]),
    ],
)
def test_delimiters_and_encodings_of_text_tables_are_found(tmp_path, content, words):
    (tmp_path / "t.csv").write_bytes(content)
    card = read_card(
        '[source]\npath = "t.csv"\n[columns]\nproject_id = { value = "p" }\nname = { value = "n" }\n',
        stem="projects",
        where="c",
    )
    assert list(read_files(card, tmp_path).frame.columns) == words


def test_several_files_are_stacked_and_must_share_a_crs(tmp_path):
    communities().to_file(tmp_path / "a.gpkg")
    more = communities(5).iloc[3:]
    more.to_file(tmp_path / "b.gpkg")
    card = '[source]\npath = ["a.gpkg", "b.gpkg"]\n[columns]\ncommunity_id = "编号"\nname = "名称"\n'
    card = read_card(card, stem="communities", where="c")
    assert list(read_files(card, tmp_path).frame["编号"]) == ["C1", "C2", "C3", "C4", "C5"]
    more.to_crs(4490).to_file(tmp_path / "b.gpkg")
    with pytest.raises(CRSError, match="坐标系不同"):
        read_files(card, tmp_path)


def test_columns_of_one_name_are_told_apart(tmp_path):
    frame = communities().rename(columns={"户数": "建筑面积平方米合计", "总面积": "建筑面积平方米"})
    with pytest.warns(RuntimeWarning):
        frame.to_file(tmp_path / "a.shp", encoding="GBK")
    raw = read(tmp_path, "a.shp")
    assert len(set(raw.frame.columns)) == len(raw.frame.columns) == 5


# --- bad files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "suffix",
    ["gpkg", "shp", "geojson", "fgb", "parquet", "kml", "gml", "dxf", "tab", "mif", "zip", "kmz", "xlsx", "xls", "ods"],
)
@pytest.mark.parametrize(
    "content", [b"\x00\xff\x13garbage" * 50, b"%PDF-1.4 not this", b"<html><body>404</body></html>"]
)
def test_a_file_of_another_kind_is_named_and_refused(tmp_path, suffix, content):
    (tmp_path / f"a.{suffix}").write_bytes(content)
    with pytest.raises(FileError, match=f"a.{suffix}"):
        read(tmp_path, f"a.{suffix}", source='crs = "EPSG:4548"')


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "fgb", "parquet", "kml"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_file_is_refused_or_its_missing_rows_are_counted(tmp_path, suffix, share):
    frame = pd.concat([communities()] * 300, ignore_index=True)
    frame["编号"] = [f"C{n}" for n in range(len(frame))]
    path = tmp_path / f"a.{suffix}"
    if suffix == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_crs(4326).to_file(path, **({"driver": "LIBKML"} if suffix == "kml" else {}))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    refused, found = outcome(tmp_path, path.name)
    assert path.name in refused or [f for f in found if f.severity == "error"]


@pytest.mark.parametrize("part", [".shp", ".dbf"])
def test_a_truncated_shapefile_says_which_part_is_short(tmp_path, part):
    frame = pd.concat([communities()] * 100, ignore_index=True)
    path = shapefile(tmp_path, frame).with_suffix(part)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused, found = outcome(tmp_path, "小区.shp")
    assert "小区.shp" in refused or codes(found) & {"file_cut", "row_counts_differ", "rows_missing"}


def test_an_empty_file_and_a_missing_one_say_what_to_do(tmp_path):
    (tmp_path / "a.gpkg").write_bytes(b"")
    with pytest.raises(FileError, match="0 字节"):
        read(tmp_path, "a.gpkg")
    with pytest.raises(FileError, match=r"b\.gpkg.*a\.gpkg"):
        read(tmp_path, "b.gpkg")


@pytest.mark.parametrize("name", ["../../evil.shp", "/etc/evil.shp", "..\\evil.shp", "C:\\evil.shp"])
def test_a_zip_that_points_outside_writes_nothing(tmp_path, name):
    inside = tmp_path / "in"
    inside.mkdir()
    zip_of(inside / "a.zip", {"good.gpkg": b"x", name: b"evil"})
    with pytest.raises(FileError, match="压缩包之外"):
        read(inside, "a.zip")
    assert sorted(p.name for p in tmp_path.rglob("*evil*")) == []


def test_a_zip_bomb_is_refused_by_its_directory(tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.gpkg", "w") as member,
    ):
        for _ in range(300):
            member.write(b"\0" * 2**20)
    with pytest.raises(FileError, match="超出合理范围"):
        read(tmp_path, "a.zip")


def test_a_locked_zip_says_that_it_is_locked(tmp_path):
    zip_of(tmp_path / "a.zip", {"a.gpkg": b"0123456789"})
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(bytes(data))
    with pytest.raises(FileError, match="密码"):
        read(tmp_path, "a.zip")


@pytest.mark.parametrize("suffix", ["kml", "gml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_that_declares_entities_is_not_opened(tmp_path, suffix, encoding):
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    text = f'<?xml version="1.0"?>\n<!DOCTYPE kml [<!ENTITY x SYSTEM "file://{secret}">]>\n<kml><name>&x;</name></kml>'
    (tmp_path / f"a.{suffix}").write_bytes(text.encode(encoding))
    with pytest.raises(FileError) as caught:
        read(tmp_path, f"a.{suffix}")
    assert "SECRET" not in caught.value.text.zh


def test_a_geojson_that_is_really_a_virtual_format_is_not_opened(tmp_path):
    communities().to_file(tmp_path / "real.gpkg")
    text = f'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{tmp_path / "real.gpkg"}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
    (tmp_path / "a.geojson").write_text(text)
    with pytest.raises(FileError, match=r"a\.geojson"):
        read(tmp_path, "a.geojson")


def test_reading_leaves_no_file_behind(tmp_path):
    for suffix in ("gml", "kml", "shp", "gpkg"):
        write_as(suffix, tmp_path)
    before = sorted(p.name for p in tmp_path.iterdir())
    for suffix in ("gml", "kml", "shp", "gpkg"):
        read(tmp_path, f"小区.{suffix}")
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".toml") == before


# --- rasters --------------------------------------------------------------------------------------


def raster(path, *, crs="EPSG:4548", nodata=-9999.0):
    values = np.array([[1.0, 2.0], [-9999.0, 4.0]], dtype="float32")
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=2,
        height=2,
        count=1,
        dtype="float32",
        crs=crs,
        nodata=nodata,
        transform=Affine(10, 0, LEFT, 0, -10, BOTTOM + 20),
    ) as sink:
        sink.write(values, 1)


def test_a_raster_gives_its_values_with_unknown_where_it_has_none(tmp_path):
    raster(tmp_path / "t.tif")
    card = read_card('[source]\npath = "t.tif"\n', stem="terrain", where="c")
    found, record = read_raster(card, tmp_path)
    assert np.array_equal(found.values, [[1, 2], [np.nan, 4]], equal_nan=True)
    assert found.crs.to_epsg() == 4548
    assert record["shape"] == [2, 2]


def test_a_raster_without_crs_needs_the_card_and_a_wrong_card_is_refused(tmp_path):
    raster(tmp_path / "t.tif", crs=None)
    with pytest.raises(CRSError):
        read_raster(read_card('[source]\npath = "t.tif"\n', stem="terrain", where="c"), tmp_path)
    stated = read_card('[source]\npath = "t.tif"\ncrs = "EPSG:4548"\n', stem="terrain", where="c")
    assert read_raster(stated, tmp_path)[0].crs.to_epsg() == 4548
    raster(tmp_path / "t.tif")
    with pytest.raises(CRSError, match="4527"):
        read_raster(read_card('[source]\npath = "t.tif"\ncrs = "EPSG:4527"\n', stem="terrain", where="c"), tmp_path)


# --- writing --------------------------------------------------------------------------------------


def test_a_new_folder_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "out"
    with new_folder(target) as work:
        (work / "a").write_text("1")
    with pytest.raises(RuntimeError), new_folder(target) as work:  # noqa: PT012
        (work / "a").write_text("2")
        raise RuntimeError
    assert (target / "a").read_text() == "1"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_new_file_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), new_file(target) as work:  # noqa: PT012
        work.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_kill_in_the_middle_leaves_the_old_folder_and_the_next_run_clears_up(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "a").write_text("old")
    code = (
        "import sys, time, pathlib\nfrom gis_renovation.writing import new_folder\n"
        "with new_folder(pathlib.Path(sys.argv[1])) as work:\n    (work / 'a').write_text('half')\n"
        "    print('ready', flush=True)\n    time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert (target / "a").read_text() == "old"
    with new_folder(target) as work:
        (work / "a").write_text("new")
    assert (target / "a").read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path):
    # A limit on the size of files stands for the full disk: writing beyond it fails in the same place.
    code = (
        "import pathlib, resource, sys\nfrom zoo import communities\n"
        "from gis_renovation.errors import FileError\nfrom gis_renovation.writing import new_folder, write_geopackage\n"
        "frame = communities(20000)\nresource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))\n"
        "try:\n    with new_folder(pathlib.Path(sys.argv[1])) as work:\n"
        "        write_geopackage(work / 'layers.gpkg', {'communities': frame})\n"
        "except (FileError, OSError) as error:\n    print('refused', type(error).__name__)\n"
    )
    target = tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(target)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert done.stdout.startswith("refused"), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_written_geopackage_reads_back_equal_and_twice_the_same_bytes(tmp_path):
    frame = communities().set_index("编号").rename_axis("community_id")
    frame["open"] = pd.Series([True, None, False], index=frame.index, dtype=object)
    table = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="id"))
    for name in ("one.gpkg", "two.gpkg"):
        write_geopackage(tmp_path / name, {"communities": frame, "table": table})
    back = gpd.read_file(tmp_path / "one.gpkg", layer="communities").set_index("community_id")
    assert back.geometry.geom_equals(frame.geometry).all()
    assert list(back["open"].isna()) == [False, True, False]
    assert file_sha256(tmp_path / "one.gpkg") == file_sha256(tmp_path / "two.gpkg")


def test_every_error_of_reading_speaks_both_languages_and_names_the_file(tmp_path):
    (tmp_path / "a.gpkg").write_bytes(b"no")
    (tmp_path / "b.dwg").write_bytes(b"AC1027")
    for name in ("a.gpkg", "b.dwg", "c.gpkg"):
        with pytest.raises(GisRenovationError) as caught:
            read(tmp_path, name)
        assert name in caught.value.text.zh
        assert name in caught.value.text.en
        assert not any("\u4e00" <= c <= "\u9fff" for c in caught.value.text.en.replace(str(tmp_path), ""))


def test_a_geodatabase_folder_is_fingerprinted_by_its_content(tmp_path):
    write_as("gdb", tmp_path)
    before = file_sha256(tmp_path / "小区.gdb")
    time.sleep(0.01)
    assert file_sha256(tmp_path / "小区.gdb") == before
    communities(2).to_file(tmp_path / "小区.gdb", driver="OpenFileGDB", layer="more")
    assert file_sha256(tmp_path / "小区.gdb") != before
