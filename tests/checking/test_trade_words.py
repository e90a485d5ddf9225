"""Codes and words of the trade: what means a code is taken and said, what may mean one is offered, never taken."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import LineString, box
from zoo import BOTTOM, LEFT

from gis_renovation.checking.draft import draft_card
from gis_renovation.checking.remedies import check_layer
from gis_renovation.reading.cards import read_card
from gis_renovation.reading.conforming import conform
from gis_renovation.reading.files import read_files
from gis_renovation.run.inputs import check_project, read_inputs, read_layer
from gis_renovation.run.project import open_project
from gis_renovation.schemas import layer_schema, layer_schemas

CODED = [
    (schema.name, field)
    for schema in layer_schemas().values()
    for field in schema.fields.values()
    if field.words_for or field.guesses
]


def works(states):
    rows = len(states)
    ids = [f"P{n}" for n in range(rows)]
    return pd.DataFrame({"项目编号": ids, "填报日期": ["2026-08-15"] * rows, "状态": states})


def conformed(frame, layer, columns=""):
    return conform(frame, read_card(f'[source]\npath = "a"\n{columns}', stem=layer, where="x"))


@pytest.mark.parametrize(("layer", "field"), CODED, ids=lambda x: getattr(x, "name", x))
def test_every_word_means_one_code_of_its_field_and_a_guess_is_no_word(layer, field):
    assert set(field.words_for.values()) | set(field.guesses.values()) <= set(field.values), layer
    labels = {label.lower() for text in field.values.values() for label in text}
    assert not set(field.words_for) & (labels | set(field.values))
    assert not set(field.guesses) & set(field.said_codes)


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("施工中", "started"), ("在建", "started"), ("已完工", "completed"), ("完成", "completed"), ("未动工", "not_started"),
        ("已验收", "accepted"), ("已立项", "approved"), ("招标中", "tendered"), ("已移交", "handed_over"), ("开 工", None),
        ("ＳＴＡＲＴＥＤ", "started"), ("未完工", None), ("竣工", None), ("√", None), ("停工", None),
    ],
)  # fmt: skip
def test_everyday_words_for_a_state_are_taken_only_where_they_mean_one(word, code):
    result = conformed(works(["已开工"] * 9 + [word]), "works_records")
    assert result.frame["state"].iloc[9] == (code or word)
    faults = [f.code for f in check_layer(result.frame, layer_schema("works_records"), result.origin)]
    assert faults == ([] if code else ["value_not_allowed"])


def test_words_taken_as_a_code_are_said_with_their_rows():
    result = conformed(works(["施工中", "施工中", "未开工", "已完工"]), "works_records")
    (note,) = (f for f in result.findings if f.code == "values_by_word")
    assert note.text.zh == "状态：“已完工”1 行作完工、“施工中”2 行作已开工。"
    assert note.severity == "note"


def test_a_file_that_says_itself_what_its_codes_mean_is_not_called_a_word_of_the_trade():
    result = conformed(works(["未开工", "已开工"]), "works_records")
    assert not [f for f in result.findings if f.code == "values_by_word"]


@pytest.mark.parametrize(
    ("layer", "field", "code", "meant"),
    [
        ("utility_lines", "network", "JS", "water"),
        ("utility_lines", "network", "ZS", "water"),
        ("utility_lines", "material", "ZS", "other"),
        ("utility_lines", "network", "GG", "power"),
        ("utility_lines", "material", "QM", "ductile_iron"),
        ("parcels", "right_type", "101", "allocated"),
        ("parcels", "right_type", "102", "granted"),
    ],
)
def test_codes_of_standards_hold_for_their_own_column(layer, field, code, meant):
    assert layer_schema(layer).fields[field].said_codes[code.lower()] == meant


@pytest.mark.parametrize(
    ("layer", "field", "code"),
    [
        ("utility_lines", "network", "PS"),
        ("utility_lines", "material", "ZT"),
        ("parcels", "right_type", "100"),
        ("parcels", "ownership", "20"),
        ("utility_lines", "status", "1"),
    ],
)
def test_codes_that_do_not_say_which_of_ours_are_never_taken_unasked(layer, field, code):
    assert code.lower() not in layer_schema(layer).fields[field].said_codes


@pytest.mark.parametrize(("field", "word"), [("material", "ZT"), ("material", "铸铁"), ("network", "排水")])
def test_what_could_be_either_of_two_that_decide_is_left_to_choose(field, word):
    assert layer_schema("utility_lines").fields[field].likely_code(word) == ""


def test_what_denies_is_never_guessed_to_mean_what_it_denies():
    state = layer_schema("works_records").fields["state"]
    assert state.likely_code("主体完工了") == "main_done"
    assert [state.likely_code(text) for text in ("未完工", "不完工", "没竣工验收", "待竣工验收")] == [""] * 4


def lines_file(folder, name="管线.gpkg", **columns):
    count = len(next(iter(columns.values())))
    shapes = [LineString([(LEFT, BOTTOM + 10 * n), (LEFT + 50, BOTTOM + 10 * n)]) for n in range(count)]
    path = folder / name
    gpd.GeoDataFrame(columns, geometry=shapes, crs=4548).to_file(path)
    return path


def test_a_draft_takes_codes_of_a_pipe_survey_guesses_others_and_leaves_the_rest_open(tmp_path):
    path = lines_file(
        tmp_path, 管线编号=list("abcd"), 管线种类=["JS", "WS", "RQ", "JS"], 材质=["QM", "SM", "石棉", "PE"],
        使用状态=["在用", "0", "火星", "在用"],
    )  # fmt: skip
    draft = draft_card(path, layer="utility_lines", beside=tmp_path)
    assert 'network = "管线种类"' in draft.text
    assert 'material = { from = "材质", values = { SM = "asbestos_cement", "石棉" = "asbestos_cement" } }' in draft.text
    assert any("SM" in doubt.zh and "猜" in doubt.zh for doubt in draft.doubts)
    assert '# status = { from = "使用状态", values = { "0" = "in_use", "火星" = "?" } }' in draft.text
    card = read_card(draft.text, stem="utility_lines", where="x")
    frame = conform(read_files(card, tmp_path).frame, card).frame
    assert list(frame["network"]) == ["water", "sewer", "gas", "water"]


def test_the_line_a_message_gives_holds_the_near_code_and_works_as_written():
    result = conformed(works(["已开工"] * 9 + ["竣工"]), "works_records")
    (fault,) = check_layer(result.frame, layer_schema("works_records"), result.origin)
    line = 'state = { from = "状态", values = { "竣工" = "completed" } }'
    assert line in fault.text.zh
    assert "核对" in fault.text.zh
    again = conformed(works(["已开工"] * 9 + ["竣工"]), "works_records", f"[columns]\n{line}\n")
    assert again.frame["state"].iloc[9] == "completed"


@pytest.mark.parametrize(("number", "offered"), [(0, True), (9999, True), (1985, False), (950, False)])
def test_numbers_written_for_unknown_are_offered_as_unknown_and_others_are_not(tmp_path, number, offered):
    frame = gpd.GeoDataFrame(
        {"编号": ["a", "b"], "建成年代": [number, 1990]}, geometry=[box(0, 0, 9, 9), box(20, 0, 29, 9)], crs=4548
    )
    frame.to_file(tmp_path / "a.gpkg")
    draft = draft_card(tmp_path / "a.gpkg", layer="communities", beside=tmp_path)
    assert (f"unknown = [{number}]" in draft.text) is offered
    result = conformed(frame, "communities", '[columns]\nyear_built = "建成年代"\n')
    faults = check_layer(result.frame, layer_schema("communities"), result.origin)
    line = f'year_built = {{ from = "建成年代", unknown = [{number}] }}'
    assert any(line in f.text.zh for f in faults) is offered
    if offered:
        again = conformed(frame, "communities", f"[columns]\n{line}\n")
        assert again.frame["year_built"].isna().tolist() == [True, False]


# --- names where ids are wanted -------------------------------------------------------------------


def city(tmp_path, units, counties):
    (tmp_path / "layers").mkdir()
    (tmp_path / "project.toml").write_text('[project]\nname = "x"\ncrs = "EPSG:4548"\nas_of = 2026-08-31\n', "utf-8")
    count = len(counties)
    shapes = [box(LEFT + 200 * n, BOTTOM, LEFT + 200 * n + 99, BOTTOM + 99) for n in range(count)]
    gpd.GeoDataFrame(
        {"小区编号": [f"C{n}" for n in range(count)], "县区": counties}, geometry=shapes, crs=4548
    ).to_file(tmp_path / "layers" / "小区.gpkg")
    areas = [box(LEFT - 50, BOTTOM - 50, LEFT + 5000, BOTTOM + 5000)] * len(units)
    gpd.GeoDataFrame(units, geometry=areas, crs=4548).to_file(tmp_path / "layers" / "县区.gpkg")
    for layer, file in (("communities", "小区"), ("reporting_units", "县区")):
        (tmp_path / "layers" / f"{layer}.toml").write_text(f'[source]\npath = "{file}.gpkg"\n', encoding="utf-8")
    return open_project(tmp_path)


def test_county_names_where_codes_are_wanted_are_met_by_name_and_said(tmp_path):
    units = {"县区代码": ["340402", "340403"], "县区名称": ["大通区", "田家庵区"]}
    project = city(tmp_path, units, ["大通区", " 田家庵区", "340402", None, "大通"])
    found = check_project(project)
    assert found.layers["communities"]["unit_code"].fillna("").tolist() == ["340402", "340403", "340402", "", "大通"]
    (note,) = (f for f in found.findings if f.code == "met_by_name")
    assert "2 行" in note.text.zh
    assert "“大通区”为 340402" in note.text.zh
    (lost,) = (f for f in found.findings if f.code == "dangling_reference")
    assert [f.value for f in lost.features] == ["大通"]
    # The same, whoever asks: a run of one step reads fewer layers, a notebook one alone.
    alone = read_inputs(project, only=["communities"])
    assert list(alone.layers) == ["communities"]
    assert alone.sources["communities"].fingerprint == found.sources["communities"].fingerprint
    assert read_layer(project, "communities")["unit_code"].iloc[0] == "340402"


def test_a_name_that_two_counties_bear_is_not_met_but_said(tmp_path):
    units = {"县区代码": ["340405", "340422"], "县区名称": ["八公山", "八公山"]}
    found = check_project(city(tmp_path, units, ["八公山"]))
    assert found.layers["communities"]["unit_code"].tolist() == ["八公山"]
    (doubt,) = (f for f in found.findings if f.code == "name_of_several")
    assert doubt.severity == "warning"
    assert "八公山：340405、340422" in doubt.sentence("zh")


def test_ids_are_never_taken_for_names(tmp_path):
    units = {"县区代码": ["大通区", "340403"], "县区名称": ["田家庵区", "大通区"]}
    found = check_project(city(tmp_path, units, ["大通区"]))
    assert found.layers["communities"]["unit_code"].tolist() == ["大通区"]
    assert not [f for f in found.findings if f.code in ("met_by_name", "dangling_reference")]
