"""Land codes: the same digits in two systems, conversions with their ambiguities, colours."""

import pandas as pd
import pytest

from gis_renovation.errors import DataError
from gis_renovation.land.codes import (
    broad_uses,
    class_colour,
    class_label,
    code_tables,
    convert_code,
    land_class,
    registered_uses,
    require_one_system,
)
from gis_renovation.schemas import layer_schema


@pytest.mark.parametrize(
    ("code", "survey", "sea_land"),
    [("0702", "农村宅基地", "城镇社区服务设施用地"), ("1001", "铁路用地", "工业用地"), ("1201", "空闲地", "铁路用地")],
)
def test_the_same_code_means_different_things_in_two_systems(code, survey, sea_land):
    assert land_class("survey", code).label.zh == survey
    assert land_class("sea_land_2023", code).label.zh == sea_land
    assert not broad_uses("survey", code) & broad_uses("sea_land_2023", code)


def test_a_finer_code_belongs_to_its_listed_parent_and_says_so():
    assert land_class("sea_land_2023", "070299").code == "0702"
    assert class_label("sea_land_2023", "070299").zh == "070299（属 0702 城镇社区服务设施用地）"
    assert class_label("sea_land_2023", "070102").zh == "070102 二类城镇住宅用地"


def test_a_code_the_tables_do_not_hold_is_unknown_not_an_error():
    assert land_class("survey", "9999") is None
    assert broad_uses("survey", "9999") == frozenset()
    assert "未收录" in class_label("survey", "9999").zh
    assert convert_code("survey", "9999", "sea_land_2023") == ()


def test_conversion_shows_every_class_a_code_may_become():
    assert convert_code("survey", "0702", "sea_land_2023") == ("0703",)
    assert convert_code("survey", "0810", "sea_land_2023") == ("1401", "1402", "1403")
    assert convert_code("survey", "0701", "survey") == ("0701",)


def test_every_conversion_leads_from_a_listed_class_to_listed_classes_of_its_use():
    tables = code_tables()
    for (source, target, code), codes in tables.conversions.items():
        assert (source, code) in tables.classes
        for other in codes:
            assert (target, other) in tables.classes
            assert broad_uses(source, code) == broad_uses(target, other), (source, code, other)


def test_every_system_and_use_is_one_the_schemas_know():
    tables = code_tables()
    assert set(tables.systems) <= set(layer_schema("parcels").fields["code_system"].values)
    assert {found.use for found in tables.classes.values()} <= set(tables.uses)
    assert {use for _, use in tables.words} <= set(tables.uses)


def test_colours_are_those_of_the_mapping_standard_also_through_a_conversion():
    assert class_colour("sea_land_2023", "070102") == (255, 255, 45)
    assert class_colour("survey", "0701") == (255, 255, 45)
    assert class_colour("survey", "0810") is None  # park, protective green and square differ in colour
    assert class_colour("survey", "9999") is None


@pytest.mark.parametrize(
    ("words", "uses"),
    [
        ("城镇住宅用地", {"residential"}),
        ("农村宅基地", {"rural_residential"}),
        ("城镇住宅用地/商业服务业用地", {"residential", "commercial"}),
        ("机关团体用地、停车场", {"public_service", "transport"}),
        ("其他", set()),
    ],
)
def test_registered_words_are_read_part_by_part(words, uses):
    assert registered_uses(words) == uses


def frame(systems, codes=("0701", "0702")):
    index = pd.Index(["T1", "T2"], name="patch_id")
    return pd.DataFrame({"code_system": systems, "land_use_code": codes}, index=index)


def test_one_system_is_accepted_and_no_code_needs_none():
    assert require_one_system(frame(["survey", "survey"]), "land_survey", code="land_use_code") == "survey"
    assert require_one_system(frame([None, None], (None, None)), "land_survey", code="land_use_code") is None


def test_all_faults_of_the_systems_are_reported_at_once():
    three = pd.concat([frame(["survey", "sea_land_2023"]), frame(["servey", None]).rename(lambda i: f"{i}b")])
    with pytest.raises(DataError) as caught:
        require_one_system(three, "land_survey", code="land_use_code")
    assert [fault.code for fault in caught.value.findings] == [
        "code_without_system", "unknown_code_system", "mixed_code_systems",
    ]  # fmt: skip
    assert "是否指 survey" in caught.value.text.zh
    assert "T2b" in caught.value.text.zh
