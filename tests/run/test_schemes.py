"""Schemes side by side: read, refused, run once each, compared with separate runs, and shown."""

import dataclasses
import shutil

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from gis_renovation.cli.commands import init_project
from gis_renovation.errors import ConfigError
from gis_renovation.reports.schemes_page import schemes_page
from gis_renovation.run import open_project, run_project
from gis_renovation.run.schemes import read_schemes
from gis_renovation.run.steps import plan_steps
from gis_renovation.schemas import layer_schema

HOSTILE = "</script><img src=x onerror=a()>&\"'`${a}"
# What is compared, and what a comparison needs.
COMPARED = ("zone_schemes", "scheme_zones", "scheme_differences")
PROJECT = """
[project]
name = "示意"
crs = "EPSG:4548"
as_of = 2024-09-30
{chosen}

[zones]
households = {{ min = 500, max = 1800 }}
zone_preference = "fewest"
{more}

[schemes.most]
zone_preference = "most"

[schemes."{hostile}"]
title = "{hostile}"

[schemes."{hostile}".contiguity]
max_gap_m = 8
"""


def write_project(folder, *, chosen="", more=""):
    """Eight communities in a row, 10 m apart but for 50 m in the middle, and two schemes over [zones]."""
    import geopandas as gpd
    import shapely

    (folder / "layers" / "data").mkdir(parents=True, exist_ok=True)
    x = np.arange(8) * 110.0 + np.where(np.arange(8) > 3, 40.0, 0.0) + 500_000.0
    frame = gpd.GeoDataFrame(
        {
            "community_id": [f"C{k}" for k in range(8)],
            "name": [f"第{k}小区" for k in range(8)],
            "households": [300, 250, 200, 400, 300, 250, 200, 400],
        },
        geometry=shapely.box(x, 3_600_000.0, x + 100.0, 3_600_080.0),
        crs="EPSG:4548",
    )
    frame.to_file(folder / "layers" / "data" / "c.gpkg")
    card = '[source]\nlayer = "communities"\npath = "data/c.gpkg"\nowner = "示意"\nlicence = "示意"\n'
    card += 'classification = "internal"\nobserved = 2024-09-30\n\n[columns]\n'
    card += "".join(f'{name} = "{name}"\n' for name in ("community_id", "name", "households"))
    (folder / "layers" / "communities.toml").write_text(card, encoding="utf-8")
    hostile = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
    text = PROJECT.format(chosen=chosen, more=more, hostile=hostile)
    (folder / "project.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = write_project(tmp_path_factory.mktemp("schemes"))
    return folder, run_project(open_project(folder), only=COMPARED)


def test_each_scheme_equals_a_run_that_asks_it_alone(compared, tmp_path):
    folder, run = compared
    zones = run.layers["scheme_zones"]
    for name in ("", "most", HOSTILE):
        other = tmp_path / str(len(list(tmp_path.iterdir())))
        shutil.copytree(folder, other, ignore=shutil.ignore_patterns("runs"))
        text = (other / "project.toml").read_text(encoding="utf-8")
        if name:
            quoted = name.replace('"', '\\"')
            text = text.replace("as_of = 2024-09-30", f'as_of = 2024-09-30\nscheme = "{quoted}"')
            (other / "project.toml").write_text(text, encoding="utf-8")
        alone = run_project(open_project(other), only="zones")
        own = zones[zones["scheme"] == name].set_index("zone_id")
        expected = alone.layers["zones"]
        assert own["households"].to_dict() == expected["households"].to_dict()
        assert own.geometry.geom_equals(expected.geometry).all()
        row = run.layers["zone_schemes"].loc[name]
        assert row["zone_count"] == len(expected)
        assert row["left_out_count"] == alone.layers["zone_members"]["zone_id"].isna().sum()
        assert row["households_most"] == pytest.approx(expected["households"].max(), nan_ok=True)


def test_the_chosen_scheme_alone_reaches_later_steps_and_the_others_are_taken_from_earlier_runs(compared):
    folder, run = compared
    base = run.layers["zones"]
    text = (folder / "project.toml").read_text(encoding="utf-8")
    chosen = text.replace("as_of = 2024-09-30", 'as_of = 2024-09-30\nscheme = "most"')
    (folder / "project.toml").write_text(chosen, encoding="utf-8")
    try:
        other = run_project(open_project(folder), only=(*COMPARED, "zone_sheets"))
    finally:
        (folder / "project.toml").write_text(text, encoding="utf-8")
    assert len(other.layers["zones"]) > len(base)
    assert other.layers["zone_sheets"].index.tolist() == other.layers["zones"].index.tolist()
    made = other.manifest.made
    assert all(made[name].reused for name in ("community_links", "zone_members", "zones"))
    table = other.layers["zone_schemes"]
    assert table["is_chosen"].to_dict() == {"most": True, HOSTILE: False}
    assert table.loc["most", "changed_count"] == 0


def test_schemes_keep_their_schemas_and_say_how_they_differ(compared):
    _, run = compared
    for name in COMPARED:
        schema, frame = layer_schema(name), run.layers[name]
        assert [frame.index.name, *frame.columns.drop("geometry", errors="ignore")] == list(schema.fields)
    differences = run.layers["scheme_differences"]
    table = run.layers["zone_schemes"]
    assert differences.groupby("scheme").size().to_dict() == {
        name: count for name, count in table["changed_count"].items() if count
    }
    # With gaps of at most 8 m nobody has a neighbour, and no community has 500 households alone.
    cut = differences[differences["scheme"] == HOSTILE]
    assert set(cut["change"]) == {"left_out"}
    assert len(cut) == table.loc[HOSTILE, "newly_left_out_count"] == 8


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_hostile_names_stand_on_the_page_as_text(compared, lang):
    _, run = compared
    page = schemes_page(run.layers, run.manifest, lang)
    assert "<img" not in page
    assert "&lt;/script&gt;&lt;img src=x" in page
    assert "<script" not in page


def test_without_schemes_nothing_is_compared_and_asking_for_it_says_what_to_write(tmp_path):
    folder = write_project(tmp_path)
    text = (folder / "project.toml").read_text(encoding="utf-8")
    (folder / "project.toml").write_text(text[: text.index("[schemes")], encoding="utf-8")
    project = open_project(folder)
    assert not set(COMPARED) & {step.step for step in run_project(project).manifest.steps}
    with pytest.raises(ConfigError, match=r"\[schemes\.名称\]"):
        run_project(project, only="zone_schemes")


def test_a_comparison_plans_the_zones_of_its_schemes():
    steps = [step.layer for step in plan_steps("zone_schemes")]
    assert steps == ["community_links", "zone_changes", "zone_members", "zones", "zone_schemes"]


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"zone_preferense": "most"}, "zone_preference"),
        ({"zone_preference": "lots"}, "zone_preference"),
        ({"max_gap_m": 40}, "[schemes.x.contiguity]"),
        ({"budgets_yuan": {"2025": 1.0}}, "[zones]"),
        ({"contiguity": {"zone_count": 3}}, "[schemes.x]"),
        ({"contiguity": 5}, "[schemes.x.contiguity]"),
        ({"title": 5}, "title"),
        ("few", "[schemes.x]"),
    ],
)
def test_a_scheme_with_a_wrong_key_is_one_clear_message(table, told):
    with pytest.raises(ConfigError) as caught:
        read_schemes({"x": table})
    for text in caught.value.text:
        assert "[schemes.x" in text
        assert told in text


def test_faults_of_all_schemes_come_at_once_and_names_must_be_visible():
    with pytest.raises(ConfigError) as caught:
        read_schemes({"a": {"zone_cuont": 3}, "b": {"zones": {}}, "\n": {}, "x" * 41: {}})
    assert all(word in caught.value.text.zh for word in ("schemes.a", "schemes.b", r"\n", "x" * 41))


def test_a_chosen_scheme_that_is_not_there_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(ConfigError, match="most"):
        open_project(write_project(tmp_path, chosen='scheme = "mots"'))


def test_a_scheme_that_contradicts_itself_is_named_in_the_message(tmp_path):
    folder = write_project(tmp_path)
    text = (folder / "project.toml").read_text(encoding="utf-8")
    wrong = text.replace('zone_preference = "most"', "households = { min = 900, max = 500 }")
    (folder / "project.toml").write_text(wrong, encoding="utf-8")
    with pytest.raises(ConfigError, match="方案“most”"):
        run_project(open_project(folder), only="zone_schemes")


# --- sensitivity ------------------------------------------------------------------------------------


def test_thresholds_are_confirmed_by_a_run_on_either_side(tmp_path):
    folder = write_project(tmp_path, more="sensitivity_share = 0.5")
    run = run_project(open_project(folder), only="zone_sensitivity")
    found = run.layers["zone_sensitivity"]
    assert list(layer_schema("zone_sensitivity").fields) == [found.index.name, *found.columns]
    thresholds = found.dropna(subset=["other_value"])
    # The gap of 50 m in the middle, and sums of the zones of 550 and 600 households.
    gaps = thresholds[thresholds["parameter"] == "max_gap_m"]
    assert [(row.same_value, row.other_value) for row in gaps.itertuples()] in ([], [(50.0, 49.9)])
    assert (thresholds["parameter"] == "households").any()
    for row in thresholds.itertuples():
        answers = [_groups(folder, row, value) for value in (row.same_value, row.other_value)]
        assert answers[0] != answers[1]
        assert len(answers[1]) == row.zone_count


def _groups(folder, row, value):
    """The zones of a separate run with one number changed."""
    project = open_project(folder)
    own = dict(project.tables.get(row.table_name, {}))
    number = float(value) if row.parameter != "households" else int(value)
    own[row.parameter] = {**own[row.parameter], row.side: number} if isinstance(row.side, str) else number
    other = dataclasses.replace(project, stated={**project.stated, row.table_name: own})
    members = run_project(other, only="zone_members").layers["zone_members"]["zone_id"].dropna()
    return frozenset(frozenset(group) for group in members.groupby(members).groups.values())


def test_without_a_share_nothing_is_tried(compared):
    folder, _ = compared
    run = run_project(open_project(folder), only="zone_sensitivity")
    assert not len(run.layers["zone_sensitivity"])


def test_a_wrong_share_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="sensitivity_share"):
        run_project(open_project(write_project(tmp_path, more="sensitivity_share = 1.0")), only="zone_sensitivity")


# --- the sample -------------------------------------------------------------------------------------


def test_the_sample_shows_three_schemes_of_which_one_is_chosen(tmp_path):
    init_project(tmp_path / "s", sample=True)
    schemes = open_project(tmp_path / "s").schemes
    assert len(schemes) == 3
    assert open_project(tmp_path / "s").scheme.name in schemes


def test_the_same_schemes_give_the_same_rows(compared, tmp_path):
    _, run = compared
    again = run_project(open_project(write_project(tmp_path)), only=COMPARED)
    for name in COMPARED:
        assert_frame_equal(again.layers[name], run.layers[name])
