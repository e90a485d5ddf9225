"""Renewal of pipes: a table of cases read off the plan, and that a missing word never closes a case."""

import datetime
import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import ConfigError
from gis_renovation.rule_packs import load_rules
from gis_renovation.sample.city import make_city
from gis_renovation.schemas import layer_schema
from gis_renovation.utilities.renewal import judge_renewal

RULES = load_rules(["utility_renewal"])
AS_OF = datetime.date(2024, 9, 30)


def judged(network, material=None, year=None, unsafe=None, lined=None, *, rules=RULES, status="in_use"):
    told = {
        "network": [network],
        "material": pd.Series([material], dtype="object"),
        "year_built": pd.array([year], dtype="Int64"),
        "assessed_unsafe": pd.Series([unsafe], dtype="object"),
        "lined": pd.Series([lined], dtype="object"),
        "status": pd.Series([status], dtype="object"),
    }
    line = gpd.GeoDataFrame(told, geometry=[shapely.LineString([(0, 0), (30, 40)])], crs="EPSG:4548")
    return judge_renewal(line, rules=rules, as_of=AS_OF)


@pytest.mark.parametrize(
    ("pipe", "verdict"),
    [
        (("gas", "grey_cast_iron", 2020, False), "yes"),
        (("gas", "steel", 2004, True), "yes"),
        (("gas", "steel", 2005, True), "no"),
        (("gas", "steel", 1980, False), "no"),
        (("gas", "steel", 1980, None), "unknown"),
        (("gas", "pe", None, True), "unknown"),
        (("gas", "pe", None, False), "no"),
        (("gas", None, 1980, True), "unknown"),
        (("gas", None, 2020, False), "unknown"),
        (("gas", "other", 2020, False), "unknown"),
        (("gas", "ductile_iron", 2020, True), "yes"),
        (("gas", "steel", 2030, True), "unknown"),
        (("water", "asbestos_cement", None, None), "yes"),
        (("water", "grey_cast_iron", 2010, False, False), "yes"),
        (("water", "grey_cast_iron", 2010, False, True), "no"),
        (("water", "grey_cast_iron", 2010, False, None), "unknown"),
        (("water", "pe", 1994, True), "yes"),
        (("water", "pe", 1995, True), "no"),
        (("water", "reinforced_concrete", 2010, False), "unknown"),
        (("storm", "concrete", None, None), "yes"),
        (("sewer", "hdpe", 1980, True), "no"),
        (("heat", "steel", 2004, True), "yes"),
        (("heat", "steel", 2004, None), "unknown"),
    ],
)
def test_cases_of_the_plan(pipe, verdict):
    assert judged(*pipe)["verdict"].tolist() == [verdict]


def test_every_verdict_says_why_and_where_from_and_that_it_is_a_parameter():
    (row,) = judged("gas", "steel", 1990, True).itertuples()
    assert row.why_zh == "燃气管为钢管或聚乙烯管；燃气管运行年限 ≥ 20 年；经评估存在安全隐患"
    assert "参数，未经标准确认" in row.source_zh
    assert "2022—2025年" in row.source_zh
    assert judged("water", None, None, False)["why_zh"].item() == "待核实：材质"
    assert row.length_m == 50


def test_what_is_found_out_never_turns_a_sure_verdict_round():
    names = {
        "material": ["grey_cast_iron", "steel", "ductile_iron", "pe"],
        "year": [1980, 2020],
        "unsafe": [True, False],
    }
    for network in ("gas", "water", "heat"):
        for values in itertools.product(*([None, *some] for some in names.values())):
            told = dict(zip(names, values, strict=True))
            before = judged(network, **told)["verdict"].item()
            for name in (name for name, value in told.items() if value is None):
                after = {judged(network, **{**told, name: value})["verdict"].item() for value in names[name]}
                assert before == "unknown" or after == {before}


def test_lines_that_are_not_in_use_and_networks_without_a_case_are_not_judged():
    for status in ("abandoned", "empty", "planned"):
        assert len(judged("gas", "grey_cast_iron", status=status)) == 0
    assert len(judged("power", "copper_cable", 1980, True)) == 0
    assert judged("gas", "grey_cast_iron", status=None)["verdict"].tolist() == ["yes"]


def test_a_city_changes_a_number_and_a_missing_rule_is_named():
    own = '[pack]\nname = "city"\nversion = "1"\ntitle = ["市", "city"]\n[override.gas_aged_years]\nvalue = 15\n'
    changed = load_rules(["utility_renewal"], own=[("own.toml", own)])
    assert judged("gas", "steel", 2009, True, rules=changed)["verdict"].item() == "yes"
    with pytest.raises(ConfigError, match="heat_aged_years"):
        judged("gas", rules=tuple(rule for rule in RULES if rule.id != "heat_aged_years"))


def test_the_sample_has_every_verdict_and_keeps_the_schema():
    lines = make_city()["utility_lines"]
    found = judge_renewal(lines, rules=RULES, as_of=AS_OF)
    assert check_layer(found, layer_schema("utility_renewal")) == []
    assert set(found["verdict"]) == {"yes", "no", "unknown"}
    iron = lines[(lines["network"] == "gas") & (lines["material"] == "grey_cast_iron") & (lines["status"] == "in_use")]
    assert len(iron)
    assert set(found.loc[iron.index, "verdict"]) == {"yes"}
    assert np.isclose(found["length_m"].sum(), lines.loc[found.index].length.sum())
    assert {field.disclosure for field in layer_schema("utility_renewal").fields.values()} == {"restricted"}
