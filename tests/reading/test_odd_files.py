"""Odd files as they really come, through the draft, the check and its report: one clear message, no trace, no change."""

from __future__ import annotations

import json
import os
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from affine import Affine
from shapely.geometry import GeometryCollection, LineString, Point, Polygon, box, mapping
from zoo import BOTTOM, LEFT, communities

from gis_renovation.checking.draft import draft_card
from gis_renovation.errors import GisRenovationError
from gis_renovation.reports.check_page import write_check_report
from gis_renovation.run.inputs import read_inputs
from gis_renovation.run.project import open_project

PROJECT = """[project]
name = "x"
crs = "EPSG:4548"
as_of = 2025-01-01
area = [116.35, 31.9, 117.21, 33.01]
"""
FEET = "+proj=tmerc +lat_0=0 +lon_0=117 +x_0=500000 +ellps=GRS80 +units=us-ft"
LOCAL = 'LOCAL_CS["淮南城建坐标",UNIT["metre",1]]'
PLACE = box(LEFT, BOTTOM, LEFT + 100, BOTTOM + 100)
FAR, NAN = box(0, 0, 1, 1), float("nan")


def written(frame):
    def write(folder):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame.to_file(folder / "a.gpkg", layer="a")
        return "a.gpkg"

    return write


def claimed(crs, *, really=4548):
    return written(communities().to_crs(really).set_crs(crs, allow_override=True))


def shapes(*given):
    ids = [f"C{number}" for number in range(len(given))]
    return written(gpd.GeoDataFrame({"编号": ids, "名称": ids}, geometry=list(given), crs=4548))


def holding(**columns):
    return written(communities().assign(**columns))


def renamed(**names):
    return written(communities().rename(columns=names))


def content(name, data):
    def write(folder):
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        return name

    return write


def projection(text):
    def write(folder):
        communities().rename(columns={"编号": "id", "名称": "name"}).to_file(folder / "a.shp")
        (folder / "a.prj").write_text(text, encoding="gbk")
        return "a.shp"

    return write


def raster(**options):
    def write(folder):
        kind = {"driver": "GTiff", "width": 4, "height": 4, "count": 1, "dtype": "float32"}
        kind |= {"transform": Affine(10, 0, LEFT, 0, -10, BOTTOM + 80), "nodata": -1.0} | options
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with rasterio.open(folder / "a.tif", "w", **kind) as target:
                target.write(np.ones((kind["count"], 4, 4), dtype=kind["dtype"]))
        return "a.tif"

    return write


def swapped():
    frame = communities()
    return written(frame.set_geometry(shapely.transform(frame.geometry.to_numpy(), lambda xy: xy[:, ::-1])))


def feature(properties, outer=lambda one: {"type": "FeatureCollection", "features": [one]}):
    shape = mapping(communities().to_crs(4490).geometry[0])
    one = {"type": "Feature", "properties": properties, "geometry": shape}
    return content("a.geojson", json.dumps(outer(one)))


def a_folder(name):
    def write(folder):
        (folder / name).mkdir()
        return name

    return write


def pipe(folder):
    os.mkfifo(folder / "a.gpkg")
    return "a.gpkg"


# What is wrong, and the code of the finding, or words of the refusal; nothing where the file is fine after all.
CASES = {
    "no crs": (claimed(None), ""),
    "degrees labelled metres": (claimed(4548, really=4490), "degrees_as_metres"),
    "metres labelled degrees": (claimed(4490), "no_zone_prefix"),
    "web mercator": (written(communities().to_crs(3857)), ""),
    "utm": (written(communities().to_crs(32650)), ""),
    "feet, stated": (written(communities().to_crs(FEET)), ""),
    "feet labelled metres": (claimed(4548, really=FEET), "feet"),
    "geocentric": (claimed(4978), "no_zone_prefix"),
    "with height datum": (claimed("EPSG:4548+5737"), ""),
    "old datum": (claimed(2384), "控制点"),
    "local grid": (claimed(LOCAL), "地方独立坐标系"),
    "axes swapped": (swapped(), "swapped_axes"),
    "empty prj": (projection(""), ""),
    "prj is no prj": (projection("你好"), ""),
    "mixed kinds": (shapes(PLACE, LineString([(LEFT, BOTTOM), (LEFT + 1, BOTTOM)])), "wrong_geometry_type"),
    "collection": (shapes(GeometryCollection([PLACE, Point(LEFT, BOTTOM)]), PLACE), "wrong_geometry_type"),
    "empty and none": (shapes(Polygon(), None, PLACE), "empty_geometry"),
    "heights": (shapes(shapely.force_3d(PLACE, 12.0)), "heights_left_aside"),
    "huge numbers": (shapes(box(1e300, 1e300, 1.1e300, 1.1e300), PLACE), "outside_area"),
    "one far away": (shapes(PLACE, FAR), "outside_area"),
    "bow tie": (
        shapes(Polygon([(LEFT, BOTTOM), (LEFT + 9, BOTTOM + 9), (LEFT + 9, BOTTOM), (LEFT, BOTTOM + 9)])),
        "invalid_geometry",
    ),
    "infinite": (
        shapes(Polygon([(LEFT, BOTTOM), (float("inf"), BOTTOM), (LEFT, BOTTOM + 5)]), PLACE),
        "non_finite_geometry",
    ),
    "no rows": (written(communities().iloc[:0]), "empty_layer"),
    "hostile column names": (renamed(总面积='select "from"\nwhere', 户数="index"), ""),
    "a name of 200 letters": (renamed(总面积="面" * 200), ""),
    "ids are fractions": (holding(编号=[1.0, 2.0, 3.5]), ""),
    "ids are yes and no": (holding(编号=[True, False, True]), ""),
    "ids are dates": (holding(编号=pd.to_datetime(["2020-01-01"] * 3)), ""),
    "ids equal but for spaces": (holding(编号=["C1 ", " C1", "C2"]), ""),
    "control characters": (holding(名称=["a\x07b", "𠮷\u202e", "\u200b"]), ""),
    "markup and formulas": (holding(名称=["<script>alert(1)</script>", "=1+1", "[bold]x[/]"]), ""),
    "lists in cells": (feature({"编号": "C1", "名称": {"a": [1]}, "户数": [1]}), "wrong_type"),
    "a single feature": (feature({"编号": "C1", "名称": "x"}, lambda one: one), ""),
    "json of another kind": (content("a.json", "[1, 2, 3]"), "没有要素"),
    "a header only": (content("a.csv", "编号,名称\n"), "没有几何"),
    "a zero byte in a cell": (content("a.csv", b"id,name\nC1,x\0y\n"), "没有几何"),
    "a quote left open": (content("a.csv", '编号,名称\n"C1,x\n'), "双引号不成对"),
    "uneven lines": (content("a.csv", "编号,名称\n1,甲\n2,乙,丙\n"), "第 3 行有 3 格"),
    "utf-16": (content("a.csv", "编号\t名称\nC1\tx\n".encode("utf-16")), "没有几何"),
    "a column called geometry": (content("a.csv", "编号,geometry\nC1,东边\n"), "没有几何"),
    "a folder called shp": (a_folder("a.shp"), "不是文件"),
    "an empty geodatabase": (a_folder("a.gdb"), "内容不是这种格式"),
    "a pipe": (pipe, "不是文件"),
    "raster without crs": (raster(), "raster_left_out"),
    "raster without nodata": (raster(crs="EPSG:4548", nodata=None), "nodata_unstated"),
    "raster of three bands": (raster(crs="EPSG:4548", count=3), "first_band"),
    "raster without place": (raster(crs="EPSG:4548", transform=Affine.identity()), "raster_left_out"),
    "raster of complex numbers": (raster(crs="EPSG:4548", dtype="complex64"), "读不出"),
}


@pytest.mark.parametrize("name", CASES)
def test_an_odd_file_comes_to_one_clear_message_and_stays_as_it_was(tmp_path, name):
    write, expected = CASES[name]
    (tmp_path / "layers").mkdir()
    (tmp_path / "project.toml").write_text(PROJECT, encoding="utf-8")
    file = write(tmp_path / "layers")
    layer = "terrain" if file.endswith(".tif") else "communities"
    size = (tmp_path / "layers" / file).stat().st_size
    try:
        draft = draft_card(
            tmp_path / "layers" / file, layer=layer, beside=tmp_path / "layers", project_crs="EPSG:4548"
        ).text
    except GisRenovationError:
        draft = f'[source]\npath = "{file}"\n'
    (tmp_path / "layers" / f"{layer}.toml").write_text(draft, encoding="utf-8")
    project = open_project(tmp_path)
    inputs = read_inputs(project)
    report, _ = write_check_report(project, inputs.findings, inputs.layers, inputs.sources, lang="zh")
    assert "<script>alert" not in (report / "report.html").read_text("utf-8")
    assert (tmp_path / "layers" / file).stat().st_size == size
    faults = [f for f in inputs.findings if f.severity == "error"]
    if not expected:
        assert not faults
    elif expected.isascii():
        assert expected in {f.code for f in inputs.findings}
    else:
        assert len(faults) == 1
        assert expected in faults[0].text.zh
    assert all("Error" not in f.text.zh and "Traceback" not in f.text.zh for f in inputs.findings)


def test_a_file_that_lies_about_its_crs_is_read_by_the_card_when_the_card_says_so(tmp_path):
    (tmp_path / "layers").mkdir()
    (tmp_path / "project.toml").write_text(PROJECT, encoding="utf-8")
    claimed(4548, really=4490)(tmp_path / "layers")
    card = '[source]\npath = "a.gpkg"\ncrs = "EPSG:4490"\n{}[columns]\ncommunity_id = "编号"\nname = "名称"\n'
    for switch in ("", "replace_crs = true\n"):
        (tmp_path / "layers" / "communities.toml").write_text(card.format(switch), encoding="utf-8")
        inputs = read_inputs(open_project(tmp_path))
        found = {f.code: f.text.zh for f in inputs.findings if f.severity != "note"}
        if not switch:
            assert "replace_crs = true" in found["unreadable"]
    assert "crs_replaced" in found
    assert np.allclose(inputs.layers["communities"].area, 8000, rtol=1e-6)
    (tmp_path / "layers" / "communities.toml").write_text('[source]\npath = "a.gpkg"\nreplace_crs = true\n')
    with pytest.raises(GisRenovationError, match="正确的 crs"):
        read_inputs(open_project(tmp_path))
