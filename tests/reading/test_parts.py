"""Several files for one layer, each with its own columns: all rows come, and every message says file and row."""

from __future__ import annotations

import datetime

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, box
from zoo import BOTTOM, LEFT

from gis_renovation.errors import ConfigError
from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.reading.files import read_files
from gis_renovation.run.inputs import check_project, read_inputs
from gis_renovation.run.project import open_project

EAST = "项目编号,填报日期,形象进度（%）,状态\nE1,2026-08-31,40,施工中\nE2,2026-08-31,100,完工\n"
WEST = "编码,阶段,完成比例\nW1,未开工,0\nW2,已开工,0.5\nW2,坏的,0.7\n"
EAST_CARD = '[source]\npath = "东区.csv"\n[columns]\nstate = "状态"\n'
WEST_TABLES = '[columns]\nproject_id = "编码"\nstate = "阶段"\nprogress_share = "完成比例"\nrecorded_on = { value = "2026-08-28" }\n'


def project_of(folder, cards, **files):
    (folder / "layers").mkdir(parents=True)
    (folder / "project.toml").write_text('[project]\nname = "x"\ncrs = "EPSG:4548"\nas_of = 2026-08-31\n', "utf-8")
    for name, text in files.items():
        (folder / "layers" / f"{name}.csv").write_text(text, encoding="utf-8")
    for name, text in cards.items():
        (folder / "layers" / f"{name}.toml").write_text(text, encoding="utf-8")
    return open_project(folder)


ONE_CARD = {
    "works_records": '[[source]]\npath = "东区.csv"\nowner = "东区住建局"\n[[source]]\npath = "西区.csv"\nowner = "西区住建局"\n'
    + "".join(f"[source.{line[1:]}" if line.startswith("[") else line for line in WEST_TABLES.splitlines(keepends=True))
}
TWO_CARDS = {
    "works_records": EAST_CARD.replace("[columns]", 'owner = "东区住建局"\n[columns]'),
    "works_records-西区": '[source]\npath = "西区.csv"\nlayer = "works_records"\nowner = "西区住建局"\n' + WEST_TABLES,
}


@pytest.mark.parametrize("cards", [ONE_CARD, TWO_CARDS], ids=["sources", "cards"])
def test_files_with_their_own_columns_become_one_layer_and_a_fault_names_file_and_row(tmp_path, cards):
    found = read_inputs(project_of(tmp_path, cards, 东区=EAST, 西区=WEST))
    frame = found.layers["works_records"]
    assert list(frame["project_id"]) == ["E1", "E2", "W1", "W2", "W2"]
    assert list(frame["state"]) == ["started", "completed", "not_started", "started", "坏的"]
    assert frame["progress_share"].tolist() == [0.4, 1, 0, 0.5, 0.7]
    assert frame["recorded_on"].tolist() == [datetime.date(2026, 8, 31)] * 2 + [datetime.date(2026, 8, 28)] * 3
    (fault,) = (f for f in found.findings if f.severity == "error")
    assert fault.named("zh") == ("西区.csv 第4行=坏的",)
    assert fault.named("en") == ("西区.csv row 4=坏的",)
    record = found.sources["works_records"]
    assert [file.path for file in record.files] == ["东区.csv", "西区.csv"]
    assert (record.rows_read, record.rows_used) == (5, 5)
    assert record.owner == "东区住建局；西区住建局"


def test_what_stands_above_several_sources_holds_for_all_and_the_strictest_class_counts(tmp_path):
    card = (
        '[[source]]\npath = "a.csv"\nclassification = "public"\n[[source]]\npath = "b.csv"\nclassification = "work_secret"\n'
        '[source.columns]\nname = "乙名"\n[columns]\nproject_id = "号"\nname = "甲名"\n'
    )
    found = read_inputs(project_of(tmp_path, {"projects": card}, a="号,甲名\n1,甲\n", b="号,乙名\n2,乙\n"))
    assert found.layers["projects"]["name"].to_dict() == {"1": "甲", "2": "乙"}
    assert found.sources["projects"].classification == "work_secret"


def test_an_id_that_stands_in_two_files_is_repeated_and_both_places_are_named(tmp_path):
    cards = {"projects": '[[source]]\npath = "a.csv"\n[[source]]\npath = "b.csv"\n'}
    files = {"a": "项目编号,项目名称\nP3,丙\nP1,甲\n", "b": "项目编号,项目名称\nP2,乙\nP1,甲\n"}
    found = read_inputs(project_of(tmp_path, cards, **files))
    (fault,) = (f for f in found.findings if f.code == "duplicate_key")
    assert fault.named("zh") == ("P1（a.csv 第3行、b.csv 第3行）",)


def test_a_list_of_paths_keeps_file_and_row_too(tmp_path):
    cards = {"works_records": '[source]\npath = ["a.csv", "b.csv"]\n[columns]\nstate = "状态"\n'}
    good = "项目编号,填报日期,状态\nP1,2026-08-31,在建\n"
    found = read_inputs(project_of(tmp_path, cards, a=good, b=good + "P2,2026-08-31,没听过\n"))
    (fault,) = (f for f in found.findings if f.severity == "error")
    assert fault.named("zh") == ("b.csv 第3行=没听过",)


def test_ids_given_by_position_run_on_from_file_to_file(tmp_path):
    parts = '[[source]]\npath = "{}.csv"\n[source.columns]\nproject_id = {{ number = "PR-" }}\n'
    files = {"a": "项目名称\n甲\n乙\n", "b": "项目名称\n丙\n"}
    found = check_project(project_of(tmp_path, {"projects": parts.format("a") + parts.format("b")}, **files))
    assert found.layers["projects"]["name"].to_dict() == {"PR-0001": "乙", "PR-0002": "甲", "PR-0003": "丙"}
    assert not [f for f in found.findings if f.severity == "error"]


def test_pipes_by_network_in_files_of_different_crs_become_one_layer(tmp_path):
    line = LineString([(LEFT, BOTTOM), (LEFT + 100, BOTTOM)])
    project = project_of(tmp_path, {})
    gpd.GeoDataFrame({"管线编号": ["g1"]}, geometry=[line], crs=4548).to_file(tmp_path / "layers" / "燃气.gpkg")
    water = gpd.GeoDataFrame({"编码": ["w1"]}, geometry=[line], crs=4548).to_crs(4490)
    water.to_file(tmp_path / "layers" / "给水.geojson")
    card = (
        '[[source]]\npath = "燃气.gpkg"\n[source.columns]\nnetwork = { value = "gas" }\n'
        '[[source]]\npath = "给水.geojson"\ncrs = "EPSG:4490"\n[source.columns]\nline_id = "编码"\nnetwork = { value = "water" }\n'
    )
    (tmp_path / "layers" / "utility_lines.toml").write_text(card, encoding="utf-8")
    found = read_inputs(project)
    lines = found.layers["utility_lines"]
    assert lines["network"].to_dict() == {"g1": "gas", "w1": "water"}
    assert lines.crs.to_epsg() == 4548
    assert (lines.length - 100).abs().max() < 0.01
    assert [f for f in found.findings if f.severity == "error"] == []


def test_a_misplaced_file_among_several_stops_the_layer_and_is_named(tmp_path):
    project = project_of(tmp_path, {})
    for name, x in (("a", LEFT), ("b", 39_000_000 + LEFT)):
        shape = gpd.GeoDataFrame({"小区编号": [name]}, geometry=[box(x, BOTTOM, x + 90, BOTTOM + 90)], crs=4548)
        shape.to_file(tmp_path / "layers" / f"{name}.gpkg")
    card = '[[source]]\npath = "a.gpkg"\n[[source]]\npath = "b.gpkg"\n'
    (tmp_path / "layers" / "communities.toml").write_text(card, encoding="utf-8")
    errors = [f for f in read_inputs(project).findings if f.severity == "error"]
    assert {f.file for f in errors} == {"b.gpkg"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[source]]\npath = "a"\n[[source]]\npath = "b"\nlayer = "funds"\n', "同一个图层"),
        ('[[source]]\npath = "a"\n[[source]]\npath = "b"\n[source.columns]\nnmae = "x"\n', "[[source]] 2"),
        ('parts = []\n[source]\npath = "a"\n', "parts"),
    ],
)
def test_faults_of_a_card_with_several_sources_say_which(text, words):
    with pytest.raises(ConfigError) as caught:
        read_card(text, stem="projects", where="layers/projects.toml")
    assert words in caught.value.text.zh


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), max_size=5), min_size=2, max_size=4))
def test_rows_of_all_files_come_and_each_repeated_key_names_all_its_rows(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("files")
    names = [f"{number}.csv" for number in range(len(files))]
    for name, keys in zip(names, files, strict=True):
        rows = pd.DataFrame({"项目编号": [f"P{key}" for key in keys], "项目名称": "x"})
        rows.to_csv(folder / name, index=False)
    cards = "".join(f'[[source]]\npath = "{name}"\n' for name in names)
    card = read_card(cards, stem="projects", where="x")
    from gis_renovation.reading import stack

    parts = []
    for part, name in zip(card.sources, names, strict=True):
        raw = read_files(part, folder)
        parts.append(conform(raw.frame, part, file=name, columns=raw.columns, numbered={}))
    done = stack(parts, card.schema_)
    places: dict[str, list[str]] = {}
    for name, keys in zip(names, files, strict=True):
        for row, key in enumerate(keys, start=2):
            places.setdefault(f"P{key}", []).append(f"{name} 第{row}行")
    assert len(done.frame) == sum(map(len, files))
    said = {key: ref.spoken("zh") for key, ref in done.repeated.items()}
    assert said == {key: f"{key}（{'、'.join(rows)}）" for key, rows in places.items() if len(rows) > 1}
