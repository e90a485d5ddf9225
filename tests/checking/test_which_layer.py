"""Which layer is this: names of files, sheets and CAD layers, columns and shapes; guesses are said."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from openpyxl import Workbook
from shapely.geometry import GeometryCollection, LineString, Point, Polygon, box
from zoo import BOTTOM, LEFT

from gis_renovation.checking.draft import draft_card
from gis_renovation.checking.remedies import check_layer
from gis_renovation.checking.which_layer import Seen, clear, likely_layers, said_code
from gis_renovation.errors import ConfigError
from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.reading.files import read_files
from gis_renovation.run.steps import STEPS
from gis_renovation.schemas import layer_schema

AREA, LINE, POINT = (frozenset({kind}) for kind in ("polygon", "line", "point"))
TABLE = frozenset()


def first(file, columns=(), kinds=TABLE, *, own="", folder="", points=False):
    return likely_layers(Seen(own, file, folder, tuple(columns), {}, kinds, points))[0].schema.name


@pytest.mark.parametrize(
    ("file", "columns", "kinds", "layer"),
    [
        ("rivers", ["name"], LINE, "barriers"),
        ("河流.gpkg", ["名称"], LINE, "barriers"),
        ("小区围墙", ["小区编号"], LINE, "barriers"),
        ("公园", ["公园名称", "面积"], AREA, "parks"),
        ("路灯", ["编号"], POINT, "street_lights"),
        ("路网2024", ["路名", "等级"], LINE, "streets"),
        ("roads", ["osm_id", "fclass"], LINE, "streets"),
        ("违建", ["面积", "处置状态"], POINT, "illegal_structures"),
        ("DLTB", ["BSM", "DLBM", "TBMJ"], AREA, "land_survey"),
        ("ZD", ["ZDDM", "QLR", "ZDMJ"], AREA, "parcels"),
        ("a", ["ZDDM", "QLR", "ZDMJ"], AREA, "parcels"),
        ("楼栋面", ["楼号", "层数", "结构"], AREA, "buildings"),
        ("某市县区界", ["代码", "县区"], AREA, "reporting_units"),
        ("控规地块", ["地块编号", "用地性质"], AREA, "planned_use"),
        ("生态保护红线", ["BSM"], AREA, "control_lines"),
        ("道路红线", ["编号"], AREA, "control_lines"),
        ("人行天桥", ["名称"], POINT, "crossings"),
        ("燃气管线", ["材质", "管径"], LINE, "utility_lines"),
        ("幼儿园", ["名称"], POINT, "facilities"),
        ("老旧小区改造进度月报", ["小区名称", "形象进度（%）"], TABLE, "works_records"),
        ("资金到位情况", ["项目编号", "资金来源", "金额"], TABLE, "funds"),
    ],
)
def test_a_layer_is_told_by_its_file_name_columns_and_shapes(file, columns, kinds, layer):
    assert first(file, columns, kinds) == layer


def test_shapes_that_a_layer_cannot_have_rule_it_out_whatever_the_name():
    assert first("公园", ["公园名称"], LINE) != "parks"
    assert first("河流", ["名称"], POINT) != "barriers"


@pytest.mark.parametrize(
    ("own", "layer", "points"), [("点表", "utility_nodes", True), ("线表", "utility_lines", False)]
)
def test_a_sheet_is_told_by_its_own_name_before_the_file_name(own, layer, points):
    columns = ["物探点号", "管线类型"] if points else ["起点点号", "终点点号", "管线类型", "材质", "管径"]
    assert first("管线普查成果表", columns, own=own, points=points) == layer


def test_a_file_that_says_nothing_is_not_called_clear():
    assert not clear(likely_layers(Seen("", "新建文件夹1", "", ("FID", "Shape_Area"), {}, AREA)))
    assert clear(likely_layers(Seen("", "宗地", "", ("ZDDM", "QLR"), {}, AREA)))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("rivers", "river"), ("TL_铁路", "railway"), ("SX_河流中心线", "river"), ("水系铁路", ""), ("围墙2024", "wall"),
        ("driver", ""), ("城市快速路", "expressway"), ("data", ""),
    ],
)  # fmt: skip
def test_a_name_says_a_kind_only_if_it_holds_words_of_one(text, code):
    kind = layer_schema("barriers").fields["kind"]
    assert said_code({**kind.guesses, **kind.said_codes}, text) == code


# --- drafts ---------------------------------------------------------------------------------------


def river(folder, name):
    line = LineString([(LEFT, BOTTOM), (LEFT + 1000, BOTTOM + 500)])
    gpd.GeoDataFrame({"名称": ["舜耕河"]}, geometry=[line], crs=4548).to_file(folder / name)
    return folder / name


def read_by(draft, beside):
    card = read_card(draft.text, stem=draft.layer, where="draft")
    raw = read_files(card, beside)
    done = conform(raw.frame, card)
    return done, check_layer(done.frame, card.schema_, done.origin)


@pytest.mark.parametrize("name", ["河流.gpkg", "rivers.shp"])
def test_a_file_of_one_kind_gets_its_kind_as_a_constant_and_reads_without_a_touch(tmp_path, name):
    draft = draft_card(river(tmp_path, name), beside=tmp_path)
    assert draft.layer == "barriers"
    assert 'kind = { value = "river" }' in draft.text
    assert any("猜" in doubt.zh and "river" in doubt.zh for doubt in draft.doubts)
    done, faults = read_by(draft, tmp_path)
    assert faults == []
    assert list(done.frame["kind"]) == ["river"]


def test_a_file_whose_name_says_no_kind_is_offered_the_constant_and_not_given_one(tmp_path):
    draft = draft_card(river(tmp_path, "a.gpkg"), layer="barriers", beside=tmp_path)
    assert '# kind = { value = "?" }' in draft.text
    assert any("kind = { value = " in doubt.zh for doubt in draft.doubts)


@pytest.mark.parametrize(
    ("codes", "system"), [(["0701", "08H2"], "survey"), (["1401", "0702"], "sea_land_2023"), (["0701", "0702"], None)]
)
def test_the_land_code_system_is_proposed_only_if_one_alone_holds_all_codes(tmp_path, codes, system):
    shapes = [box(n * 20, 0, n * 20 + 9, 9) for n in range(2)]
    gpd.GeoDataFrame({"BSM": ["a", "b"], "DLBM": codes}, geometry=shapes, crs=4548).to_file(tmp_path / "DLTB.gpkg")
    text = draft_card(tmp_path / "DLTB.gpkg", layer="land_survey", beside=tmp_path).text
    assert (f'\ncode_system = {{ value = "{system}" }}' in text) is bool(system)
    assert ('\n# code_system = { value = "survey" }' in text) is not bool(system)


def test_initials_one_letter_apart_and_english_words_are_not_taken_for_each_other(tmp_path):
    line = LineString([(LEFT, BOTTOM), (LEFT + 100, BOTTOM)])
    gpd.GeoDataFrame({"id": ["a"], "FacilityType": ["x"]}, geometry=[line], crs=4548).to_file(tmp_path / "a.gpkg")
    assert '"FacilityType"  #' not in draft_card(tmp_path / "a.gpkg", layer="slow_paths", beside=tmp_path).text
    gpd.GeoDataFrame({"ZDDM": ["a"], "QLLX": ["3"]}, geometry=[box(0, 0, 9, 9)], crs=4548).to_file(tmp_path / "b.gpkg")
    assert '"QLLX"  #' not in draft_card(tmp_path / "b.gpkg", layer="parcels", beside=tmp_path).text


def test_a_column_named_alike_is_not_proposed_if_its_content_does_not_fit(tmp_path):
    frame = gpd.GeoDataFrame({"id": ["a", "b"], "路灯照明": ["LED", "钠灯"]}, geometry=[Point(0, 0)] * 2, crs=4548)
    frame = frame.set_geometry([LineString([(0, 0), (9, 9)])] * 2, crs=4548)
    frame.rename(columns={"路灯照明": "有照明灯"}).to_file(tmp_path / "a.gpkg")
    assert '有照明灯"  #' not in draft_card(tmp_path / "a.gpkg", layer="slow_paths", beside=tmp_path).text
    frame.assign(路灯照明=["是", "否"]).rename(columns={"路灯照明": "有照明灯"}).to_file(tmp_path / "b.gpkg")
    assert 'lit = "有照明灯"' in draft_card(tmp_path / "b.gpkg", layer="slow_paths", beside=tmp_path).text


def test_empty_sheets_are_no_candidates_but_are_said(tmp_path):
    book = Workbook()
    book.active.title = "台账"
    for row in (["项目编号", "项目名称"], ["P1", "甲"]):
        book.active.append(row)
    book.create_sheet("Sheet2")
    book.create_sheet("Sheet3")
    book.save(tmp_path / "项目库.xlsx")
    draft = draft_card(tmp_path / "项目库.xlsx", beside=tmp_path)
    assert draft.layer == "projects"
    assert 'layer_name = "台账"' in draft.text
    assert any("Sheet2（空" in doubt.zh for doubt in draft.doubts)


# --- mixed shapes and drawings --------------------------------------------------------------------


def test_a_file_of_mixed_shapes_is_read_by_shape_and_the_rest_is_counted(tmp_path):
    shapes = [LineString([(0, 0), (9, 9)]), Point(1, 1), box(0, 0, 5, 5), None]
    frame = gpd.GeoDataFrame({"路段编号": list("abcd")}, geometry=shapes, crs=4548)
    card = read_card('[source]\npath = "a"\nshape = "line"\n', stem="streets", where="x")
    done = conform(frame, card)
    assert list(done.frame.index) == ["a", "d"]  # a row without a shape is a fault to be told, not one to pass over
    assert done.record["rows_not_selected"] == 2
    assert done.record["rows_read"] == done.record["rows_used"] + 2
    with pytest.raises(ConfigError, match="shape"):
        read_card('[source]\npath = "a"\nshape = "lines"\n', stem="streets", where="x")


def test_a_draft_takes_the_shapes_of_its_layer_and_says_what_it_leaves(tmp_path):
    shapes = [LineString([(LEFT, BOTTOM), (LEFT + 9, BOTTOM)]), Point(LEFT, BOTTOM), Point(LEFT + 5, BOTTOM)]
    gpd.GeoDataFrame({"路段编号": list("abc")}, geometry=shapes, crs=4548).to_file(tmp_path / "道路.geojson")
    draft = draft_card(tmp_path / "道路.geojson", beside=tmp_path)
    assert draft.layer == "streets"
    assert 'shape = "line"  # 只取线 1；另有点 2不取' in draft.text
    done, faults = read_by(draft, tmp_path)
    assert list(done.frame.index) == ["a"]
    assert faults == []


def drawing(folder, rows, name="图.dxf"):
    """A DXF as Chinese CAD programs write it: code page ANSI_936, open polylines, texts with an insertion point."""
    out = ["0", "SECTION", "2", "HEADER", "9", "$ACADVER", "1", "AC1015", "9", "$DWGCODEPAGE", "3", "ANSI_936"]
    out += ["0", "ENDSEC", "0", "SECTION", "2", "TABLES", "0", "TABLE", "2", "LAYER"]
    for layer in sorted({row[0] for row in rows}):
        out += ["0", "LAYER", "2", layer, "70", "0", "62", "7", "6", "CONTINUOUS"]
    out += ["0", "ENDTAB", "0", "ENDSEC", "0", "SECTION", "2", "ENTITIES"]
    for layer, shape, text in rows:
        places = [part for x, y in shape.coords for part in ("10", f"{x:.4f}", "20", f"{y:.4f}")]
        if text:
            out += ["0", "TEXT", "8", layer, *places, "30", "0.0", "40", "5.0", "1", text]
        else:
            out += ["0", "LWPOLYLINE", "8", layer, "90", str(len(shape.coords)), "70", "0", *places]
    path = folder / name
    path.write_bytes(("\r\n".join([*out, "0", "ENDSEC", "0", "EOF"]) + "\r\n").encode("gbk"))
    return path


def road(y, x0=0, x1=400):
    return LineString([(LEFT + x0, BOTTOM + y), (LEFT + x1, BOTTOM + y)])


ROWS = [
    ("SX_河流中心线", road(0), ""),
    ("TL_铁路", road(100), ""),
    ("TL_铁路", road(300), ""),
    ("ZJ_注记", Point(LEFT + 50, BOTTOM + 8), "清水河"),
    ("ZJ_注记", Point(LEFT + 90, BOTTOM + 95), "淮南线"),
    ("ZJ_注记", Point(LEFT + 200, BOTTOM + 106), "淮南线"),
    ("ZJ_注记", Point(LEFT + 50, BOTTOM + 500), "远处"),
]


def test_a_drawing_gives_kinds_by_its_layers_and_names_by_the_texts_beside(tmp_path):
    draft = draft_card(drawing(tmp_path, ROWS), beside=tmp_path, project_crs="EPSG:4548")
    assert draft.layer == "barriers"
    done, faults = read_by(draft, tmp_path)
    assert faults == []
    rows = {
        (r.kind, None if pd.isna(r.name_) else r.name_)
        for r in done.frame.rename(columns={"name": "name_"}).itertuples()
    }
    assert rows == {("river", "清水河"), ("railway", "淮南线"), ("railway", None)}
    assert done.record["rows_not_selected"] == 4
    (note,) = (f for f in done.findings if f.code == "texts_beside")
    assert "1 处文字旁边没有要素：远处" in note.text.zh


def test_texts_that_differ_beside_one_line_make_its_name_unknown_and_are_said(tmp_path):
    rows = [*ROWS[:1], ("ZJ", Point(LEFT + 50, BOTTOM + 8), "甲"), ("ZJ", Point(LEFT + 90, BOTTOM + 8), "乙")]
    path = drawing(tmp_path, rows)
    card = read_card(
        f'[source]\npath = "{path.name}"\nshape = "line"\ncrs = "EPSG:4548"\n'
        '[columns]\nbarrier_id = { number = "B" }\nkind = { value = "river" }\nname = { text_within_m = 20 }\n',
        stem="barriers", where="x",
    )  # fmt: skip
    done = conform(read_files(card, tmp_path).frame, card)
    assert done.frame["name"].isna().all()
    (said,) = (f for f in done.findings if f.code == "texts_differ")
    assert "乙、甲" in said.sentence("zh") or "甲、乙" in said.sentence("zh")
    assert said.severity == "warning"


def test_names_by_texts_are_refused_in_degrees_and_without_texts():
    line = LineString([(117, 32), (117.1, 32)])
    card = read_card('[source]\npath = "a"\n[columns]\nname = { text_within_m = 20 }\n', stem="streets", where="x")
    with pytest.raises(ConfigError, match="Text"):
        conform(gpd.GeoDataFrame({"路段编号": ["a"]}, geometry=[line], crs=4490), card)
    with pytest.raises(ConfigError, match="经纬度"):
        conform(gpd.GeoDataFrame({"路段编号": ["a"], "Text": ["x"]}, geometry=[line], crs=4490), card)


def test_a_collection_is_no_shape_of_any_kind():
    mixed = GeometryCollection([Point(0, 0), Polygon([(0, 0), (1, 0), (1, 1)])])
    frame = gpd.GeoDataFrame({"路段编号": ["a"]}, geometry=[mixed], crs=4548)
    card = read_card('[source]\npath = "a"\nshape = "line"\n', stem="streets", where="x")
    assert conform(frame, card).record["rows_not_selected"] == 1


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readme_names_every_layer_that_results_ask_for(name):
    text = (Path(__file__).parents[2] / name).read_text(encoding="utf-8")
    asked = {layer for step in STEPS for layer in (*step.needs, *step.uses) if not layer_schema(layer).result}
    assert sorted(layer for layer in asked if f"`{layer}`" not in text) == []
