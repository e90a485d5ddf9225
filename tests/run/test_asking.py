"""``check`` asks what ``run`` would refuse: rules, wishes, land codes, households that a limit needs."""

from __future__ import annotations

import datetime

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from gis_renovation.errors import DataError, GisRenovationError
from gis_renovation.rule_packs import rules_in_force
from gis_renovation.run import check_project, open_project, run_project
from gis_renovation.run.asking import ask_steps, call_without_rows, empty_layer
from gis_renovation.run.steps import STEPS, parameter_tables
from gis_renovation.schemas import layer_schema

HEAD = '[project]\nname = "城"\ncrs = "EPSG:4548"\nas_of = 2025-01-01\n'


def project(tmp_path, settings="", communities=None, parcels=None):
    data = tmp_path / "layers" / "data"
    data.mkdir(parents=True)
    head, _, tables = settings.partition("\n[")
    (tmp_path / "project.toml").write_text(HEAD + head + ("\n[" + tables if tables else "") + "\n", encoding="utf-8")
    shapes = [box(500_000 + 120 * k, 3_613_000, 500_100 + 120 * k, 3_613_080) for k in range(3)]
    layers = {"communities": {"community_id": list("ABC"), **(communities or {})}}
    if parcels:
        layers["parcels"] = {"parcel_id": list("PQR"), **parcels}
    for name, columns in layers.items():
        gpd.GeoDataFrame(columns, geometry=shapes, crs=4548).to_parquet(data / f"{name}.parquet")
        (tmp_path / "layers" / f"{name}.toml").write_text(f'[source]\npath = "data/{name}.parquet"\n')
    return open_project(tmp_path)


def errors(found):
    return [finding for finding in found.findings if finding.severity == "error"]


REFUSED = {
    "a pack of rules that is not there": ({"settings": 'rules = ["our.toml"]'}, "our.toml"),
    "limits the wrong way round": ({"settings": "\n[zones]\ncommunity_count = { min = 5, max = 2 }"}, "community_count"),
    "a wish for a community that is not there": ({"settings": '\n[zones]\nmust_join = [["A", "Z"]]'}, "Z"),
    "a limit on households without a column": ({"settings": "\n[zones]\nhouseholds = { min = 50 }"}, "户数"),
    "a limit on households of which one is unknown": (
        {
            "settings": "\n[zones]\nhouseholds = { min = 50 }",
            "communities": {"households": pd.array([100, None, 90], dtype="Int64")},
        },
        "B",
    ),
    "a criterion nobody knows": (
        {"settings": "\n[land_ranking]\ncriterion_weights = { beauty = 1 }", "parcels": {"ownership": ["state"] * 3}},
        "beauty",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_run_refuses_check_has_told_before(tmp_path, case):
    made, named = REFUSED[case]
    work = project(tmp_path, **made)
    told = errors(check_project(work))
    assert told
    assert any(named in finding.sentence("zh") + finding.field for finding in told)
    with pytest.raises(GisRenovationError):
        run_project(work)


# On layers without a row: whether they are wished for rightly does not depend on any.
WRONG_WISHES = {
    "a share above one": ("[progress]\njump_share = 3", ("projects", "project_communities", "works_records"), "jump_share"),
    "metres below none": ("[utilities]\nreach_m = -5", ("communities", "utility_lines"), "reach_m"),
    "a weight for no evidence": ("[land_evidence]\nevidence_weights = { smell = 1 }", ("parcels",), "smell"),
    "a detour below one": ("[greenway_gaps]\nmin_detour_ratio = 0.5", ("slow_paths",), "min_detour_ratio"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_WISHES)
def test_a_wrong_wish_is_told_where_its_step_would_run_and_only_there(tmp_path, case):
    settings, names, said = WRONG_WISHES[case]
    (tmp_path / "project.toml").write_text(HEAD + settings + "\n", encoding="utf-8")
    table = settings.partition("]")[0].strip("[")
    assert table in parameter_tables()
    work = open_project(tmp_path)
    (told,) = ask_steps(work, {name: empty_layer(layer_schema(name)) for name in names})
    assert said in told.text.zh
    assert ask_steps(work, {"parks": empty_layer(layer_schema("parks"))}) == []


@pytest.mark.parametrize(
    ("layer", "columns", "code"),
    [
        ("parcels", {"land_use_code": ["0701", None]}, "code_without_system"),
        ("parcels", {"planned_use_code": ["0701", None], "code_system": [None, "survey"]}, "code_without_system"),
        ("land_survey", {"land_use_code": ["0701", "0702"], "code_system": ["survey", "sea_land_2023"]}, "mixed_code_systems"),
        ("planned_use", {"planned_use_code": ["0701", "0702"], "code_system": ["survey", "cad"]}, "unknown_code_system"),
    ],
)  # fmt: skip
def test_land_codes_that_no_step_can_read_are_told_once(tmp_path, layer, columns, code):
    (tmp_path / "project.toml").write_text(HEAD, encoding="utf-8")
    told = ask_steps(open_project(tmp_path), {layer: pd.DataFrame(columns, index=["P", "Q"])})
    assert code in [finding.code for finding in told]
    assert len({finding.code for finding in told}) == len(told)
    assert all(
        'code_system = { value = "' in finding.text.zh for finding in told if finding.code == "code_without_system"
    )


@pytest.mark.parametrize(
    ("codes", "line"),
    [
        (["05H1", "08H2"], '{ value = "survey" }（只有'),
        (["080401"], '{ value = "sea_land_2023" }（只有'),
        (["zzz"], "以提供单位"),
    ],
)
def test_the_line_that_states_the_system_is_of_the_one_that_holds_the_codes(tmp_path, codes, line):
    """05H1 and 08H2 are classes of the third land survey alone, 080401 one of the guide of 2023 alone."""
    (tmp_path / "project.toml").write_text(HEAD, encoding="utf-8")
    frame = pd.DataFrame({"land_use_code": codes}, index=[f"P{n}" for n in range(len(codes))])
    (told,) = ask_steps(open_project(tmp_path), {"parcels": frame})
    assert "请在 layers/parcels.toml 的 [columns] 写 code_system" in told.text.zh
    assert line in told.text.zh


ACCEPTED = {
    "communities alone": {},
    "wishes for communities that are there": {"settings": '\n[zones]\nmust_join = [["A", "B"]]\nmust_not_join = [["A", "C"]]'},
    "a zone with its year": {"settings": "\n[zones]\nbudgets_yuan = { 2025 = 1000 }\nfixed_years = { Z-A = 2025 }"},
    "unknown households left out": {
        "settings": "\n[zones]\nhouseholds = { min = 50 }\nleave_out_unknown = true",
        "communities": {"households": pd.array([100, None, 90], dtype="Int64")},
    },
    "codes with their system": {"parcels": {"land_use_code": ["0701"] * 3, "code_system": ["survey"] * 3}},
}  # fmt: skip


@pytest.mark.parametrize("case", ACCEPTED)
def test_check_refuses_nothing_that_runs(tmp_path, case):
    work = project(tmp_path, **ACCEPTED[case])
    assert not errors(check_project(work))
    assert run_project(work).manifest.made


# Steps that compare schemes take no layer of their own to be without rows.
@pytest.mark.parametrize("step", [step for step in STEPS if not step.schemes], ids=lambda step: step.layer)
def test_a_step_takes_layers_without_a_row_or_says_that_there_are_no_communities(step):
    told = {"as_of": datetime.date(2024, 9, 30), "rules": rules_in_force([])}
    if step.layer in ("zone_changes", "zone_members", "zone_stability"):
        with pytest.raises(DataError) as caught:
            call_without_rows(step, {}, **told)
        assert [finding.code for finding in caught.value.findings] == ["no_communities"]
    else:
        assert set(call_without_rows(step, {}, **told).columns) <= set(layer_schema(step.layer).fields) | {"geometry"}
