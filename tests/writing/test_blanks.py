"""Blank workbooks: what people fill in comes back as it is, examples never do, and a filled one loses nothing."""

from __future__ import annotations

import datetime

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
from shapely.geometry import Point

from gis_renovation.checking.draft import draft_card
from gis_renovation.checking.remedies import check_layer
from gis_renovation.cli.commands import main
from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.reading.files import read_files, read_raw
from gis_renovation.reading.values.domains import same_name
from gis_renovation.run.inputs import read_inputs
from gis_renovation.run.project import open_project
from gis_renovation.schemas import layer_schema, layer_schemas
from gis_renovation.writing.blanks import blank_card, blank_fields, blank_header, write_blank

FILLED = [s for s in layer_schemas().values() if not s.result and not s.raster]
PLAIN = [s for s in FILLED if not s.geometry or "point" in s.geometry]


def read_back(path, schema):
    card = read_card(blank_card(path.name, schema), stem=schema.name, where="x")
    raw = read_files(card, path.parent)
    return conform(raw.frame, card, file=path.name), raw


def fill(path, rows):
    """Rows put below the examples, as a person types them, by header."""
    book = openpyxl.load_workbook(path)
    sheet = book.active
    heads = [cell.value for cell in sheet[1]]
    for row, cells in enumerate(rows, start=4):
        for head, value in cells.items():
            sheet.cell(row, heads.index(head) + 1, value)
    book.save(path)


@pytest.mark.parametrize("schema", FILLED, ids=lambda s: s.name)
def test_every_header_is_known_as_its_field_without_a_card(schema):
    heads = [blank_header(field) for field in blank_fields(schema)]
    assert len(set(heads)) == len(heads)
    for field in blank_fields(schema):
        assert same_name(heads, field) == blank_header(field)


@pytest.mark.parametrize("schema", PLAIN, ids=lambda s: s.name)
def test_a_blank_workbook_holds_no_rows_for_the_reader_and_says_the_examples_it_passed_over(tmp_path, schema):
    write_blank(tmp_path / "a.xlsx", schema)
    done, raw = read_back(tmp_path / "a.xlsx", schema)
    assert len(done.frame) == 0
    (note,) = (f for f in raw.findings if f.code == "rows_set_aside")
    assert note.named("zh") == ("第2行", "第3行")
    assert "示例" in note.text.zh
    write_blank(tmp_path / "b.xlsx", schema)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_what_a_person_fills_in_is_read_with_zeros_per_cent_and_labels(tmp_path):
    schema = layer_schema("works_records")
    path = tmp_path / "月报.xlsx"
    write_blank(path, schema)
    fill(path, [
        {"项目编号": "0012", "填报日期": datetime.date(2026, 8, 31), "状态": "已开工", "形象进度（%）": 40},
        {"项目编号": "P2", "填报日期": "2026-08-31", "状态": "施工中", "形象进度（%）": "约60"},
        {"项目编号": "示例路项目", "填报日期": "2026-08-31", "状态": "完工", "备注": "示例"},
    ])  # fmt: skip
    done, _ = read_back(path, schema)
    frame = done.frame
    assert list(frame["project_id"]) == ["0012", "P2", "示例路项目"]
    assert list(frame["state"]) == ["started", "started", "completed"]
    assert frame["progress_share"].iloc[:2].tolist() == [0.4, 0.6]
    assert np.isnan(frame["progress_share"].iloc[2])
    assert set(frame["recorded_on"]) == {datetime.date(2026, 8, 31)}
    assert check_layer(frame, schema, done.origin) == []


def test_a_filled_workbook_saved_as_csv_passes_the_examples_over_too(tmp_path):
    (tmp_path / "a.csv").write_text("序号,项目编号,项目名称\n示例,A001,某某\n1,P1,甲\n", encoding="gbk")
    card = read_card('[source]\npath = "a.csv"\n', stem="projects", where="x")
    assert list(conform(read_files(card, tmp_path).frame, card).frame.index) == ["P1"]


def test_headers_show_what_is_required_and_drop_downs_hold_the_labels(tmp_path):
    schema = layer_schema("works_records")
    write_blank(tmp_path / "a.xlsx", schema)
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    heads = {cell.value: cell for cell in sheet[1]}
    assert heads["状态"].fill.fgColor.rgb == "FFF8CBAD"
    assert heads["备注"].fill.fgColor.rgb != "FFF8CBAD"
    assert "必填" in heads["状态"].comment.text
    lists = {str(rule.sqref).split(":")[0][0]: rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert (
        lists[heads["状态"].column_letter] == '"' + ",".join(t.zh for t in schema.fields["state"].values.values()) + '"'
    )


def random_rows(schema, seed, count=12):
    rng = np.random.default_rng(seed)
    data = {}
    for field in blank_fields(schema):
        if field.name == schema.key:
            continue
        if field.values:
            values = rng.choice(list(field.values), count)
        elif field.type == "string":
            values = [f"00{n}，甲 {n}" for n in rng.integers(1, 99, count)]
        elif field.type == "boolean":
            values = [bool(n) for n in rng.integers(0, 2, count)]
        elif field.type == "date":
            values = [datetime.date(2020, 1, 1) + datetime.timedelta(int(n)) for n in rng.integers(0, 2000, count)]
        else:
            low, high = field.minimum or 0, field.maximum if field.maximum is not None else 9999
            values = rng.uniform(low, high, count).round(3)
            values = np.ceil(values).clip(low, high) if field.type == "integer" else values
        values = list(values)
        if not field.required and field.type != "boolean":
            values[int(rng.integers(count))] = None
        data[field.name] = values
    return pd.DataFrame(data)


@pytest.mark.parametrize("schema", FILLED, ids=lambda s: s.name)
def test_a_layer_that_leaves_filled_comes_back_the_same(tmp_path, schema):
    columns = "".join(f"{name} = {name!r}\n" for name in schema.read_fields if name != schema.key)
    number = f'{schema.key} = {{ number = "N" }}\n' if schema.key else ""
    raw = random_rows(schema, seed=len(schema.name))
    table = read_card(
        f'[source]\npath = "a"\n[columns]\n{columns}{number}'.replace("'", '"'), stem=schema.name, where="x"
    )
    frame = conform(raw, table).frame
    if "point" in schema.geometry:
        frame = gpd.GeoDataFrame(frame, geometry=[Point(117 + n / 100, 32.5) for n in range(len(frame))], crs=4490)
    write_blank(tmp_path / "a.xlsx", schema, frame=frame)
    if schema.geometry and "point" not in schema.geometry:  # shapes come by a file of their own
        card = read_card(blank_card("a.xlsx", schema), stem=schema.name, where="x")
        back = conform(read_raw(tmp_path / "a.xlsx", card).frame, card).frame
    else:
        back = read_back(tmp_path / "a.xlsx", schema)[0].frame
    for name in schema.read_fields:
        if name != schema.key:
            ours, theirs = frame[name], back[name]
            assert ours.isna().tolist() == theirs.isna().tolist(), name
            known = [(a, b) for a, b in zip(ours, theirs, strict=True) if not pd.isna(a)]
            if schema.fields[name].type == "number":
                np.testing.assert_allclose(*zip(*known, strict=True), rtol=1e-12)
            else:
                assert all(a == b for a, b in known), name
    assert list(frame.index) == list(back.index)
    if "point" in schema.geometry:
        np.testing.assert_allclose(back.get_coordinates(), frame.get_coordinates(), atol=1e-9)


def test_an_approximate_number_leaves_as_one_and_comes_back_as_one(tmp_path):
    works = layer_schema("works_records")
    rows = pd.DataFrame(
        {"项目编号": ["P1", "P2"], "填报日期": "2026-08-31", "状态": "在建", "形象进度（%）": ["约40", "60"]}
    )
    card = read_card('[source]\npath = "a"\n', stem="works_records", where="x")
    frame = conform(rows, card).frame
    write_blank(tmp_path / "a.xlsx", works, frame=frame)
    back = read_back(tmp_path / "a.xlsx", works)[0].frame
    assert back["approximate"].tolist() == frame["approximate"].tolist()
    assert back["progress_share"].tolist() == [0.4, 0.6]


def test_the_command_writes_workbooks_and_cards_and_a_filled_one_is_read_without_a_touch(tmp_path, capsys):
    home = tmp_path / "my-city"
    (home / "layers").mkdir(parents=True)
    (home / "project.toml").write_text('[project]\nname = "x"\ncrs = "EPSG:4548"\nas_of = 2026-08-31\n', "utf-8")
    words = ["template", "communities", "works_records", "projects", "facilities", "--project", str(home)]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    assert "图形另给文件" in capsys.readouterr().out
    made = {path.name for path in (home / "layers" / "data").iterdir()}
    assert made == {"小区.xlsx", "工程进度记录.xlsx", "改造项目.xlsx", "服务设施.xlsx"}
    cards = {path.name: path.read_bytes() for path in (home / "layers").glob("*.toml")}
    assert set(cards) == {"works_records.toml", "projects.toml", "facilities.toml"}
    data = home / "layers" / "data"
    fill(data / "改造项目.xlsx", [{"项目编号": "001", "项目名称": "甲"}])
    fill(data / "工程进度记录.xlsx", [{"项目编号": "001", "填报日期": "2026-08-31", "状态": "完工"}])
    fill(data / "服务设施.xlsx", [{"设施编号": "F1", "类别": "幼儿园", "经度": 117.01, "纬度": 32.6}])
    inputs = read_inputs(open_project(home))
    assert [f.sentence("zh") for f in inputs.findings if f.severity == "error"] == []
    assert list(inputs.layers["projects"].index) == ["001"]
    assert inputs.layers["facilities"]["kind"].tolist() == ["kindergarten"]
    assert {path.name: path.read_bytes() for path in (home / "layers").glob("*.toml")} == cards
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "已经存在" in capsys.readouterr().err


def test_rasters_and_results_have_no_workbook(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["template", "terrain", "zones"])
    assert ended.value.code == 2
    assert "没有表格可填" in capsys.readouterr().err


def test_the_ledger_of_a_layer_with_shapes_is_drafted_as_it_stands(tmp_path):
    write_blank(tmp_path / "小区.xlsx", layer_schema("communities"))
    fill(tmp_path / "小区.xlsx", [{"小区编号": "C1", "小区名称": "甲", "建筑面积（m²）": 1234.5}])
    draft = draft_card(tmp_path / "小区.xlsx", layer="communities", beside=tmp_path)
    assert 'floor_area_m2 = "建筑面积（m²）"' in draft.text
