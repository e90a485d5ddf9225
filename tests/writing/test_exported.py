"""Layers that leave for Excel or QGIS come back with every value, unknown, code, day, order and shape; edits too."""

from __future__ import annotations

import datetime
import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely

from gis_renovation.checking import read_exported
from gis_renovation.cli.commands import main
from gis_renovation.display import layer_style
from gis_renovation.errors import DataError
from gis_renovation.reading import conform, read_card, read_files
from gis_renovation.reading.values import join_continued
from gis_renovation.schemas import layer_schema, layer_schemas
from gis_renovation.writing import export_layers
from gis_renovation.writing.blanks import blank_card, blank_fields, filled_header, is_share

TABLES = [schema for schema in layer_schemas().values() if not schema.raster]
CRS = "EPSG:4548"
# Texts that spreadsheets and readers are known to change. (A name 合计 is a total in every sheet, and is set aside.)
TEXTS = (
    "0012", "340403196001010013", "1e5", "2024.1", "=1+1", "+86", "-", "TRUE", "示例", "_x0041_", "a\tb",
    "“引号”\"'", "<b>&amp;</b>", "…", "…（续）", "2024-05-01", "1/2", "５号楼", "𠮷野家", "ｆｕｌｌ", "长" * 500,
)  # fmt: skip


def texts(random, count):
    """Texts as a layer may hold them: what reading itself makes of any."""
    raw = pd.DataFrame({"项目名称": [TEXTS[n] for n in random.integers(0, len(TEXTS), count)]})
    card = read_card('[source]\npath = "a"\n[columns]\nproject_id = { number = "N" }\n', stem="projects", where="x")
    return [None if pd.isna(text) else text for text in conform(raw, card).frame["name"]]


def numbers(field, random, count):
    low = field.minimum if field.minimum is not None else -1e6
    high = field.maximum if field.maximum is not None else max(low + 1.0, 1e9)
    if field.type == "integer":
        return [int(n) for n in random.integers(int(np.ceil(low)), int(min(high, 2**52)), count, endpoint=True)]
    values = [float(v) for v in random.uniform(low, min(high, 1e9), count)]
    values[0], values[1] = float(low) or 0.0, float(np.nextafter(min(high, 1e9), low))
    return values


def values_of(field, random, count):
    if field.values:
        return [str(code) for code in random.choice(list(field.values), count)]
    if field.type == "string":
        return texts(random, count)
    if field.type == "boolean":
        return [bool(n) for n in random.integers(0, 2, count)]
    if field.type == "date":
        days = [datetime.date(1850, 1, 1) + datetime.timedelta(int(n)) for n in random.integers(0, 90_000, count)]
        return [datetime.date(1900, 2, 28), datetime.date(2024, 2, 29), *days[2:]]
    return numbers(field, random, count)


DTYPES = {"string": "str", "integer": "Int64", "number": "float64", "boolean": "boolean", "date": object}


def shapes_of(schema, random, count):
    """Shapes of every kind that the layer may hold, with many digits and parts."""
    found = []
    for number in range(count):
        kind = schema.geometry[number % len(schema.geometry)]
        xy = random.uniform([470_000, 3_590_000], [480_000, 3_600_000], (3, 2))
        star = [shapely.Point(p).buffer(float(random.uniform(1, 50)), quad_segs=4) for p in xy]
        parts = {
            "point": shapely.Point(xy[0]),
            "line": shapely.LineString(xy),
            "polygon": star[0].difference(star[0].buffer(-0.3)),
        }
        several = {
            "point": shapely.MultiPoint(xy),
            "line": shapely.MultiLineString([xy, xy + 7.1]),
            "polygon": shapely.union_all(star),
        }
        found.append((several if number % 3 == 0 else parts)[kind])
    return found


def made_layer(schema, seed, count=6):
    random = np.random.default_rng(seed)
    data = {}
    for field in blank_fields(schema):
        cells = [f"{n:04d}号" for n in range(count)] if field.name == schema.key else values_of(field, random, count)
        must = field.required or field.name == schema.key
        if must:
            cells = ["某" if cell is None else cell for cell in cells]
        else:
            cells[int(random.integers(count))] = None
        data[field.name] = pd.Series(cells, dtype=DTYPES[field.type])
    frame = pd.DataFrame(data)
    if schema.geometry:
        frame = gpd.GeoDataFrame(frame, geometry=shapes_of(schema, random, count), crs=CRS)
    return frame.set_index(schema.key) if schema.key else frame


LONG = ("𠮷" * 40_000, "，".join(str(n) for n in range(12_000)), "空 格" * 20_000, "…（续）", None, "短")


def test_texts_and_shapes_longer_than_a_cell_come_back_whole(tmp_path):
    schema = layer_schema("zones")
    frame = made_layer(schema, seed=9)
    frame["why_zh"] = pd.Series(LONG, dtype="str", index=frame.index)
    round_one = shapely.Point(475_000, 3_595_000).buffer(33.3, quad_segs=600)
    frame = frame.set_geometry([round_one, *frame.geometry.iloc[1:]], crs=CRS)
    path = export_layers({"zones": frame}, tmp_path)["zones"]
    heads = [cell.value for cell in openpyxl.load_workbook(path).active[1]]
    assert [head for head in heads if "成片理由（续" in head] == [f"成片理由（续{n}）" for n in (2, 3, 4)]
    assert "WKT（EPSG:4548）（续2）" in heads
    assert_same(frame, read_exported(path, "zones"), schema)


def assert_same(ours, theirs, schema, *, percent=False, digits=17):
    """Every value; shares that people fill in as per cent come back to twelve digits, as all their shares do."""
    assert list(ours.index) == list(theirs.index)
    for field in blank_fields(schema):
        if field.name == schema.key:
            continue
        a, b = ours[field.name], theirs[field.name]
        assert a.isna().tolist() == b.isna().tolist(), field.name
        known = list(zip(a.dropna(), b.dropna(), strict=True))
        if percent and is_share(field):
            np.testing.assert_allclose(*zip(*known, strict=True), rtol=1e-11)
        elif field.type == "number" and digits < 17 and known:
            np.testing.assert_allclose(*zip(*known, strict=True), rtol=10.0 ** (1 - digits))
        else:
            assert [x for x, y in known if x != y] == [], field.name
    if schema.geometry:
        theirs = theirs.to_crs(CRS)
        assert theirs.crs == ours.crs
        gaps = [shapely.hausdorff_distance(a, b) for a, b in zip(ours.geometry, theirs.geometry, strict=True)]
        assert max(gaps) == 0 or (not schema.result and max(gaps) < 1e-6)
        assert [part_count(a) for a in ours.geometry] == [part_count(b) for b in theirs.geometry]
        assert {family(kind) for kind in ours.geom_type} == {family(kind) for kind in theirs.geom_type}


def part_count(shape):
    return shapely.get_num_geometries(shape)


def family(kind):
    return kind.removeprefix("Multi")


@pytest.mark.parametrize("schema", TABLES, ids=lambda s: s.name)
def test_every_layer_leaves_for_excel_and_comes_back_the_same(tmp_path, schema):
    frame = made_layer(schema, seed=len(schema.fields))
    path = export_layers({schema.name: frame}, tmp_path)[schema.name]
    assert_same(frame, read_exported(path, schema.name), schema, percent=not schema.result)


@pytest.mark.parametrize("name", ["communities", "works_records", "facilities", "zones"])
def test_the_card_that_goes_with_an_exported_workbook_reads_the_same(tmp_path, name):
    schema = layer_schema(name)
    frame = made_layer(schema, seed=6)
    path = export_layers({name: frame}, tmp_path)[name]
    card = read_card(blank_card(path.name, schema, frame=frame), stem=schema.name, where="x")
    assert_same(frame, conform(read_files(card, tmp_path).frame, card).frame, schema, percent=not schema.result)


@pytest.mark.parametrize("schema", TABLES, ids=lambda s: s.name)
def test_every_layer_leaves_for_qgis_and_comes_back_the_same(tmp_path, schema):
    frame = made_layer(schema, seed=7 + len(schema.fields))
    path = export_layers({schema.name: frame}, tmp_path, form="gpkg")[schema.name]
    assert_same(frame, read_exported(path, schema.name), schema)


def test_several_layers_leave_in_one_geopackage_with_the_same_bytes_each_time(tmp_path):
    frames = {name: made_layer(layer_schema(name), seed=7) for name in ("zones", "parcels", "works_records")}
    path = export_layers(frames, tmp_path, form="gpkg")["zones"]
    assert path.read_bytes() == export_layers(frames, tmp_path / "again", form="gpkg")["zones"].read_bytes()
    for name, frame in frames.items():
        assert_same(frame, read_exported(path, name), layer_schema(name))


def test_a_geopackage_names_columns_in_chinese_with_units_and_codes_by_their_labels(tmp_path):
    frames = {name: made_layer(layer_schema(name), seed=1) for name in ("zones", "zone_members")}
    path = export_layers(frames, tmp_path, form="gpkg")["zones"]
    with closing(sqlite3.connect(path)) as base:
        titles = dict(base.execute("SELECT column_name, title FROM gpkg_data_columns WHERE table_name = 'zones'"))
        domain = "SELECT constraint_name FROM gpkg_data_columns WHERE table_name='zone_members' AND column_name='proof'"
        ((name,),) = base.execute(domain)
        codes = dict(
            base.execute("SELECT value, description FROM gpkg_data_column_constraints WHERE constraint_name=?", [name])
        )
        styled = {row[0] for row in base.execute("SELECT f_table_name FROM layer_styles")}
        used = {row[0] for row in base.execute("SELECT table_name FROM gpkg_extensions")}
    assert titles["land_area_m2"] == "用地面积（m²）"
    assert titles["households"] == "户数（户）"
    assert codes["proven"] == "已证明最优"
    assert styled == {"zones"}
    assert {"gpkg_data_columns", "gpkg_data_column_constraints"} <= used
    assert layer_style("zones") is not None
    kinds = dict(zip(*(pyogrio.read_info(path, layer="zones")[key] for key in ("fields", "dtypes")), strict=True))
    assert kinds["community_count"].startswith("int")


def test_days_are_days_in_the_database_not_times(tmp_path):
    path = export_layers({"works_records": made_layer(layer_schema("works_records"), 3)}, tmp_path, form="gpkg")
    with closing(sqlite3.connect(path["works_records"])) as base:
        kinds = {row[1]: row[2] for row in base.execute('PRAGMA table_info("works_records")')}
    assert kinds["recorded_on"] == "DATE"


@pytest.mark.parametrize("name", ["zone_members", "zones", "project_states"])
def test_an_edit_in_excel_changes_what_was_edited_and_nothing_else(tmp_path, name):
    schema = layer_schema(name)
    frame = made_layer(schema, seed=11).replace("_x0041_", "x")  # openpyxl itself loses that one
    path = export_layers({name: frame}, tmp_path)[name]
    field = next(f for f in blank_fields(schema) if f.values or (f.type == "number" and not f.required))
    emptied = next(f for f in blank_fields(schema) if f.type == "integer" and not f.required)
    book = openpyxl.load_workbook(path)
    heads = [cell.value for cell in book.active[1]]
    wanted = list(field.values)[-1] if field.values else 0.5
    shown = field.values[wanted].zh if field.values else wanted
    book.active.cell(2, heads.index(filled_header(field, schema)) + 1, shown)
    book.active.cell(3, heads.index(filled_header(emptied, schema)) + 1).value = None
    book.active.insert_cols(2)
    book.active.cell(1, 2, "备忘")
    book.active.cell(2, 2, "改过")
    book.save(path)
    expected = frame.copy()
    expected.iloc[0, expected.columns.get_loc(field.name)] = wanted
    expected.iloc[1, expected.columns.get_loc(emptied.name)] = pd.NA
    assert_same(expected, read_exported(path, name), schema, digits=16)  # as openpyxl writes them, Excel has 17


def shape_in(blob):
    """The shape of a cell of a GeoPackage: a header with an envelope, then WKB (OGC 12-128r19, 2.1.3)."""
    return shapely.from_wkb(blob[8 + (0, 32, 48, 48, 64)[blob[3] >> 1 & 7] :])


SPATIAL = {
    "ST_IsEmpty": lambda blob: shape_in(blob).is_empty,
    **{
        f"ST_{name}": lambda blob, at=at: shape_in(blob).bounds[at]
        for at, name in enumerate(("MinX", "MinY", "MaxX", "MaxY"))
    },
}


def test_an_edit_in_qgis_changes_what_was_edited_and_nothing_else(tmp_path):
    schema = layer_schema("zones")
    frame = made_layer(schema, seed=5)
    path = export_layers({"zones": frame}, tmp_path, form="gpkg")["zones"]
    expected = frame.copy()
    with closing(sqlite3.connect(path)) as base, base:  # in place, as QGIS saves attributes
        for name, one in SPATIAL.items():
            base.create_function(name, 1, one)
        base.execute("UPDATE zones SET name = '新名', households = NULL WHERE zone_id = '0002号'")
    expected.loc["0002号", "name"], expected.loc["0002号", "households"] = "新名", np.nan
    assert_same(expected, read_exported(path, "zones"), schema)
    # Written anew by another program, which leaves the titles and domains behind.
    table = pyogrio.read_dataframe(path, layer="zones")
    table.loc[3, "geometry"] = shapely.box(470_000, 3_590_000, 470_010.125, 3_590_020)
    other = tmp_path / "另存.gpkg"
    pyogrio.write_dataframe(table.iloc[::-1], other, layer="zones", promote_to_multi=True)
    expected.iloc[3, expected.columns.get_loc("geometry")] = table.loc[3, "geometry"]
    assert_same(expected, read_exported(other, "zones"), schema)


def test_faults_that_an_edit_brings_are_told_with_rows(tmp_path):
    path = export_layers({"zone_members": made_layer(layer_schema("zone_members"), 2)}, tmp_path)["zone_members"]
    book = openpyxl.load_workbook(path)
    heads = [cell.value for cell in book.active[1]]
    book.active.cell(4, heads.index("优化结论") + 1, "大概最优")
    book.active.cell(5, heads.index("小区编号") + 1, "0000号")
    book.save(path)
    with pytest.raises(DataError) as told:
        read_exported(path, "zone_members")
    assert "大概最优" in str(told.value)
    assert "0000号" in str(told.value)


def test_zones_that_a_planner_moved_in_excel_are_the_plan_to_follow(tmp_path):
    """The members of a run, edited, are read as approved_zones by their headers alone."""
    frame = made_layer(layer_schema("zone_members"), seed=4)
    frame["zone_id"] = [f"Z{n % 3}" for n in range(len(frame))]
    export_layers({"zone_members": frame}, tmp_path)
    card = read_card('[source]\npath = "片区成员.xlsx"\n', stem="approved_zones", where="x")
    back = conform(read_files(card, tmp_path).frame, card).frame
    assert back["zone_id"].to_dict() == frame["zone_id"].to_dict()


def test_columns_of_a_city_that_are_only_named_like_parts_stay(tmp_path):
    frame = pd.DataFrame({"备注": ["甲…（续）", "乙"], "备注（续2）": ["…丙", "丁"], "名（续3）": ["…", "…"]})
    assert join_continued(frame) is frame
    both = pd.DataFrame({"备注": ["甲…（续）", "乙"], "备注（续2）": ["…丙", None]})
    assert join_continued(both)["备注"].tolist() == ["甲丙", "乙"]


def test_the_command_exports_results_and_refuses_to_overwrite(sample_run, sample_folder, tmp_path, capsys):
    words = ["template", "works_records", "--filled", "--project", str(sample_folder)]
    trials = (
        (["zones", "--to", str(tmp_path / "a")], {"连片改造片区.xlsx", "工程进度记录.xlsx"}),
        (["--to", str(tmp_path / "b"), "--format", "gpkg"], {"图层.gpkg"}),
    )
    for more, files in trials:
        with pytest.raises(SystemExit) as ended:
            main([*words, *more])
        assert ended.value.code == 0
        assert {path.name for path in Path(more[more.index("--to") + 1]).iterdir()} == files
    back = read_exported(tmp_path / "a" / "连片改造片区.xlsx", "zones")
    assert_same(sample_run.layers["zones"], back, layer_schema("zones"))
    for wrong in (trials[1][0], ["--format", "dbf"]):
        with pytest.raises(SystemExit) as ended:
            main([*words, *wrong])
        assert ended.value.code == 2
    with pytest.raises(SystemExit) as ended:
        main(["template", "zones", "--project", str(sample_folder)])
    assert ended.value.code == 2
    assert "--filled" in capsys.readouterr().err
