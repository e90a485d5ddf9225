"""Every parameter of project.toml has a name people read, in both languages, and its value reads as words."""

import datetime

import pytest

from gis_renovation.run.binding import tunable_parameters
from gis_renovation.run.parameters import parameter, parameters, value_text
from gis_renovation.run.steps import parameter_tables


def test_every_parameter_of_every_step_is_described_and_nothing_else_is():
    there = {
        (module, name)
        for module, functions in parameter_tables().items()
        for function in functions
        for name in tunable_parameters(function, table=module)
    }
    assert there - set(parameters()) == set(), "describe these in gis_renovation/run/parameters.toml"
    assert set(parameters()) - there == set(), "these are no parameters any more"


def test_labels_are_chinese_and_english_and_lengths_have_units():
    for (_, name), entry in parameters().items():
        assert any("\u4e00" <= letter <= "\u9fff" for letter in entry.label.zh), name
        assert entry.label.en.isascii(), name
        if name.endswith("_m") and name != "service_radii_m":  # pairs of an area and a length
            assert entry.unit == "m", name
        if name.endswith("_yuan"):
            assert entry.unit == "元", name


@pytest.mark.parametrize(
    ("module", "name", "value", "zh", "en"),
    [
        (
            "zones",
            "households",
            {"min": 300, "max": 1500.0},
            "不少于 300 户，不超过 1,500 户",
            "at least 300 households",
        ),
        ("zones", "cost_yuan", {"max": 12_345_600}, "不超过 1,234.56 万元", "at most 12,345,600 yuan"),
        ("zones", "budgets_yuan", {"2025": 1e7}, "2025：1,000.00 万元", "2025: 10,000,000 yuan"),
        ("zones", "target", {"households": 1000}, "片区户数：1,000 户", "Households of a zone: 1,000 households"),
        ("zones", "must_join", [["A", "B"], ["C", "D"]], "A + B；C + D", "A + B; C + D"),
        ("zones", "zone_preference", "fewest", "尽量少", "fewest"),
        ("zones", "zone_count", None, "未设", "not set"),
        ("zones", "must_join", (), "未设", "not set"),
        ("zones", "carry_over", True, "是", "yes"),
        ("zones", "age_weight", 0.1, "0.1", "0.1"),
        ("contiguity", "max_gap_m", 60.0, "60 m", "60 m"),
        ("greenways", "distances_m", (300.0, 500.0), "300 m、500 m", "300 m, 500 m"),
        ("land_evidence", "buildings_on", datetime.date(2024, 5, 1), "2024-05-01", "2024-05-01"),
    ],
)
def test_values_read_as_words(module, name, value, zh, en):
    entry = parameter(module, name)
    assert value_text(value, entry, "zh") == zh
    assert value_text(value, entry, "en").startswith(en)


def test_a_parameter_nobody_described_goes_by_its_own_name():
    assert parameter("zones", "new_weight").label.zh == "new_weight"


def test_the_tables_of_a_project_keep_their_names_wherever_our_modules_lie():
    assert list(parameter_tables()) == [
        "rasters",
        "contiguity",
        "zones",
        "land",
        "land_evidence",
        "land_shapes",
        "land_ranking",
        "land_status",
        "land_statements",
        "utilities",
        "greenways",
        "greenway_gaps",
        "services",
        "progress",
        "excavation",
    ]
