"""The check report on a project with one of each fault: terminal, page, workbook and error layer agree."""

from __future__ import annotations

import subprocess
import sys

import geopandas as gpd
import openpyxl
import pyogrio
import pytest
from shapely.geometry import Point, Polygon, box
from zoo import BOTTOM, LEFT, communities, shapefile

from gis_renovation.errors import FeatureRef, Finding
from gis_renovation.reading.files import file_sha256
from gis_renovation.reports.check_page import write_check_report
from gis_renovation.reports.error_places import error_places
from gis_renovation.run.inputs import read_inputs
from gis_renovation.run.project import open_project
from gis_renovation.words import Text

PROJECT = (
    '[project]\nname = "测试<b>城</b>"\ncrs = "EPSG:4548"\nas_of = 2024-09-30\narea = [116.35, 31.90, 117.21, 33.01]\n'
)
CARD = '[source]\npath = "{}"\n{}\n[columns]\ncommunity_id = "编号"\nname = "名称"\nhouseholds = "户数"\nfloor_area_m2 = "总面积"\n'


def project(folder, cards):
    (folder / "layers").mkdir(exist_ok=True)
    (folder / "project.toml").write_text(PROJECT, encoding="utf-8")
    for name, text in cards.items():
        (folder / "layers" / f"{name}.toml").write_text(text, encoding="utf-8")
    return open_project(folder)


def faulty(folder):
    frame = communities(5)
    frame["编号"] = ["C1", "C2", "C2", "=1+1", "C5"]
    frame["户数"] = [100, -5, 120, 130, 140]
    shapes = list(frame.geometry)
    shapes[0] = Polygon([(LEFT, BOTTOM), (LEFT + 100, BOTTOM + 80), (LEFT + 100, BOTTOM), (LEFT, BOTTOM + 80)])
    shapes[4] = None
    frame.geometry = shapes
    frame.loc[3, "名称"] = "<script>alert(1)</script>"
    (folder / "layers").mkdir()
    frame.to_file(folder / "layers" / "a.gpkg")
    return project(folder, {"communities": CARD.format("a.gpkg", ""), "parks": '[source]\npath = "none.gpkg"\n'})


def report(folder, lang="zh"):
    made = faulty(folder)
    inputs = read_inputs(made)
    return inputs, write_check_report(made, inputs.findings, inputs.layers, inputs.sources, lang=lang)[0]


def test_every_fault_of_every_layer_comes_at_once(tmp_path):
    inputs, _ = report(tmp_path)
    codes = {(f.layer, f.code) for f in inputs.findings if f.severity == "error"}
    assert codes == {
        ("communities", "duplicate_key"),
        ("communities", "below_minimum"),
        ("communities", "invalid_geometry"),
        ("communities", "empty_geometry"),
        ("parks", "unreadable"),
    }


def test_the_workbook_has_a_row_for_each_fault_and_feature_and_no_formula(tmp_path):
    inputs, folder = report(tmp_path)
    book = openpyxl.load_workbook(folder / "check.xlsx")
    rows = list(book["问题"].iter_rows(min_row=2, values_only=True))
    assert len(rows) == sum(max(1, len(f.named("zh"))) for f in inputs.findings)
    assert all(cell.data_type != "f" for row in book["问题"].iter_rows() for cell in row)
    assert any("C2=-5" in str(row[5]) for row in rows)
    counts = {row[0]: row[2:] for row in book["图层"].iter_rows(min_row=2, values_only=True)}
    assert counts["小区"] == ("5", "5")
    assert counts["公园绿地"] == ("—", "—")


def test_the_page_shows_names_as_text(tmp_path):
    _, folder = report(tmp_path)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "<b>城</b>" not in page
    assert "http" not in page
    assert "C2=-5" in page


def test_the_error_layer_shows_where(tmp_path):
    _, folder = report(tmp_path)
    layers = {row[0] for row in pyogrio.list_layers(folder / "errors.gpkg")}
    assert layers == {"errors_areas", "errors_points"}
    areas = gpd.read_file(folder / "errors.gpkg", layer="errors_areas")
    assert areas.crs.to_epsg() == 4548
    points = gpd.read_file(folder / "errors.gpkg", layer="errors_points")
    # The two diagonals of the bow tie cross in its middle.
    assert points.geometry.iloc[0].equals(Point(LEFT + 50, BOTTOM + 40))
    assert set(areas["code"]) >= {"invalid_geometry", "duplicate_key", "below_minimum"}


def test_the_same_findings_give_the_same_bytes(tmp_path):
    made = faulty(tmp_path)
    inputs = read_inputs(made)
    prints = []
    for _ in range(2):
        folder, _ = write_check_report(made, inputs.findings, inputs.layers, inputs.sources, lang="zh")
        prints.append([file_sha256(p) for p in sorted(folder.iterdir())])
    assert prints[0] == prints[1]


def test_a_project_without_fault_has_no_error_layer(tmp_path):
    (tmp_path / "layers").mkdir()
    communities().to_file(tmp_path / "layers" / "a.gpkg")
    made = project(tmp_path, {"communities": CARD.format("a.gpkg", "")})
    inputs = read_inputs(made)
    assert [f for f in inputs.findings if f.severity == "error"] == []
    folder, _ = write_check_report(made, inputs.findings, inputs.layers, inputs.sources, lang="en")
    shown = sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))
    assert shown == ["check.xlsx", "report.html"]


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        (FeatureRef("a:b=c"), "a:b=c"),
        (FeatureRef("a", mark="=", value="-1"), "a"),
        (FeatureRef("a", mark=": ", value="3 m²", other="b"), "a"),
        (FeatureRef("zz"), None),
        (FeatureRef(rows=(1,)), None),
    ],
)
def test_findings_lead_back_to_their_feature(feature, expected):
    layer = gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1), box(5, 5, 6, 6)], index=["a", "a:b=c"], crs=4548)
    finding = Finding(severity="error", code="x", layer="communities", text=Text("x", "x"), features=(feature,))
    places = error_places([finding], {"communities": layer}, lang="zh")
    assert (places is None) == (expected is None)
    if expected:
        assert places["errors_areas"].geometry.iloc[0].equals(layer.geometry[expected])


def test_a_layer_that_lies_about_its_crs_stops_with_the_right_one(tmp_path):
    (tmp_path / "layers").mkdir()
    shapefile(tmp_path / "layers", communities().to_crs(4490).set_crs(4548, allow_override=True))
    made = project(tmp_path, {"communities": CARD.format("小区.shp", "")})
    inputs = read_inputs(made)
    errors = [f for f in inputs.findings if f.severity == "error"]
    assert [f.code for f in errors] == ["degrees_as_metres"]
    assert "EPSG:4490" in errors[0].text.zh
    assert len(errors[0].named("zh")) == 3
    assert "communities" not in inputs.layers


def test_gcj02_points_are_undone_only_when_the_card_says_so(tmp_path):
    import numpy as np

    from gis_renovation.crs import wgs84_to_gcj02

    (tmp_path / "layers").mkdir()
    frame = communities().to_crs(4490)
    moved = frame.set_geometry(frame.geometry.transform(lambda xy: np.column_stack(wgs84_to_gcj02(xy[:, 0], xy[:, 1]))))
    moved.to_file(tmp_path / "layers" / "a.gpkg")
    left = read_inputs(project(tmp_path, {"communities": CARD.format("a.gpkg", "")})).layers["communities"]
    assert 500 < left.geometry.iloc[0].centroid.distance(communities().geometry[0].centroid) < 600
    undone = read_inputs(project(tmp_path, {"communities": CARD.format("a.gpkg", 'datum = "gcj02"')})).layers[
        "communities"
    ]
    assert undone.geometry.iloc[0].hausdorff_distance(communities().geometry[0]) < 0.001


def test_slivers_are_snapped_in_metres_when_the_card_asks_and_the_manifest_counts_it(tmp_path):
    (tmp_path / "layers").mkdir()
    frame = communities(2)
    frame.geometry = [box(LEFT, BOTTOM, LEFT + 100, BOTTOM + 80), box(LEFT + 100.1, BOTTOM, LEFT + 200, BOTTOM + 80)]
    frame.to_crs(4490).to_file(tmp_path / "layers" / "a.gpkg")
    made = project(tmp_path, {"communities": CARD.format("a.gpkg", "") + "[repair]\nsnap_slivers_m = 0.3\n"})
    inputs = read_inputs(made)
    shapes = inputs.layers["communities"].geometry
    assert shapes.iloc[0].distance(shapes.iloc[1]) == 0
    assert inputs.sources["communities"].repairs == {"snap_slivers_m": 1}


def test_the_command_writes_the_report_and_ends_with_1(tmp_path):
    faulty(tmp_path)
    command = [sys.executable, "-m", "gis_renovation", "check", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=90, check=False)
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "reports" / "check" / "report.html").is_file()
    assert "reports/check" in done.stdout.replace("\n", "")
