"""The land-status sheet: a drawn site of 100 x 60 m, areas by head, sums exact after rounding."""

import datetime

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import ConfigError, DataError
from gis_renovation.land.codes import list_code_conversions
from gis_renovation.land.comparison import compare_land_uses
from gis_renovation.land.facilities import draw_facility_statements
from gis_renovation.land.sites import M2_A_MU, list_touched_parcels, outline_land_sites
from gis_renovation.land.statements import conclude_land_sites, draw_land_statements
from gis_renovation.land.status import check_land_status, round_to_total
from gis_renovation.schemas import layer_schema

CRS = "EPSG:4548"
KINDS = tuple(layer_schema("control_lines").fields["kind"].values)
box = shapely.box


def layer(key, rows):
    frame = gpd.GeoDataFrame([facts for _, facts in rows.values()], geometry=[s for s, _ in rows.values()], crs=CRS)
    frame.index = pd.Index(list(rows), name=key, dtype=object)
    return frame


ZONES = layer("zone_id", {"Z-1": (box(0, 0, 100, 60), {"name": "一片区"})})
HOUSING = {
    "ownership": "state",
    "right_type": "allocated",
    "holder_kind": "government",
    "registered_use": "城镇住宅用地",
    "registered_area_m2": 4000.0,
}


def parcels(**changes):
    """West 60 m and east 40 m of the site, the east one reaching 20 m beyond it."""
    return layer(
        "parcel_id",
        {"E": (box(60, 0, 120, 60), HOUSING | {"right_type": None} | changes), "W": (box(0, 0, 60, 60), HOUSING)},
    )


def survey(*rows):
    rows = rows or ((box(0, 0, 50, 60), "0701"), (box(50, 0, 90, 60), "08H2"))
    return layer(
        "patch_id",
        {
            f"T{i}": (shape, {"code_system": "survey", "land_use_code": code, "source": "2022年度变更调查"})
            for i, (shape, code) in enumerate(rows)
        },
    )


def plan(code="070102"):
    facts = {"code_system": "sea_land_2023", "planned_use_code": code, "source": "中心城区详规"}
    return layer("plan_patch_id", {"G1": (box(-10, -10, 150, 80), facts)})


def lines(kind="blue", shape=None, **facts):
    return layer("control_line_id", {"L1": (shape or box(90, 0, 200, 60), {"kind": kind} | facts)})


SITES = outline_land_sites(ZONES)


def section(table, name):
    return table[table["section"] == name].set_index("item")


def test_sites_are_zones_and_the_ground_of_projects():
    communities = layer("community_id", {"A": (box(0, 0, 10, 10), {}), "B": (box(20, 0, 30, 10), {})})
    projects = pd.DataFrame({"name": ["一期", "二期"]}, index=pd.Index(["P1", "P2"], name="project_id"))
    members = pd.DataFrame({"project_id": ["P1", "P1", "P1"], "community_id": ["A", "B", "A"]})
    with pytest.warns(UserWarning, match="P2"):
        sites = outline_land_sites(ZONES, communities, projects, members)
    assert list(sites.index) == ["P1", "Z-1"]
    assert list(sites["kind"]) == ["project", "zone"]
    assert sites.loc["P1", "area_m2"] == 200.0
    assert sites.loc["Z-1", ["left_m", "bottom_m", "right_m", "top_m"]].tolist() == [0, 0, 100, 60]
    clash = projects.iloc[:1].rename(index={"P1": "Z-1"})
    with pytest.raises(DataError, match="Z-1"):
        outline_land_sites(ZONES, communities, clash, members.assign(project_id="Z-1"))


def test_every_section_without_its_layer_is_not_checked_and_has_no_area():
    table = check_land_status(SITES)
    rest = table[table["section"] != "total"]
    assert set(rest["state"]) == {"not_checked"}
    assert rest["area_m2"].isna().all()
    assert rest["note_zh"].str.contains("未核查").all()
    assert set(table["section"]) == {"total", "ownership", "right", "survey", "planned", "control", "illegal"}
    assert len(section(table, "control")) == len(KINDS)


def test_areas_by_class_are_those_of_the_drawing_and_what_is_uncovered_is_shown():
    found = section(check_land_status(SITES, parcels(), survey(), plan()), "survey")
    assert found["area_m2"].to_dict() == {"0701": 3000.0, "08H2": 2400.0, "uncovered": 600.0}
    assert found.loc["0701", "label_zh"] == "0701 城镇住宅用地"
    assert found.loc["0701", "area_mu"] == 4.5
    assert found.loc["0701", "share"] == 0.5
    assert found.loc["0701", "source"] == "2022年度变更调查"


def test_tenure_comes_from_the_parcels_and_what_is_not_recorded_says_so():
    table = check_land_status(SITES, parcels())
    assert section(table, "ownership")["area_m2"].to_dict() == {"state": 6000.0, "uncovered": 0.0}
    right = section(table, "right")
    assert right["area_m2"].to_dict() == {"allocated": 3600.0, "unknown": 2400.0, "uncovered": 0.0}
    assert right.loc["unknown", "label_zh"] == "未登记"
    assert right.loc["uncovered", "state"] == "nowhere"


def test_ground_counted_twice_is_deducted_so_that_the_parts_still_sum():
    twice = survey((box(0, 0, 60, 60), "0701"), (box(40, 0, 100, 60), "0810"))
    found = section(check_land_status(SITES, land_survey=twice), "survey")
    assert found["area_m2"].to_dict() == {"0701": 3600.0, "0810": 3600.0, "uncovered": 0.0, "overlap": -1200.0}
    assert found["area_m2"].sum() == 6000.0


def test_control_lines_show_zero_only_where_they_were_looked_for():
    found = section(check_land_status(SITES, control_lines=lines(), checked_kinds=("purple",)), "control")
    assert found.loc["blue", ["state", "area_m2", "area_mu"]].tolist() == ["touched", 600.0, 0.9]
    assert found.loc["purple", ["state", "area_m2"]].tolist() == ["none", 0.0]
    assert found.loc["prime_farmland", "state"] == "not_checked"
    assert np.isnan(found.loc["prime_farmland", "area_m2"])


def test_a_sliver_of_a_control_line_is_classed_as_one():
    found = section(check_land_status(SITES, control_lines=lines(shape=box(99.7, 0, 200, 60))), "control")
    assert found.loc["blue", ["state", "area_m2", "sliver_m2"]].tolist() == ["sliver", 18.0, 18.0]


def test_a_subsidence_area_needs_an_opinion_and_is_no_ban():
    table = check_land_status(SITES, control_lines=lines("subsidence", state="unstable"))
    note = section(table, "control").loc["subsidence", "note_zh"]
    assert note == "未稳沉；须取得稳定性意见，不等于禁止"


def test_illegal_structures_are_counted_by_state_and_unknown_areas_stay_unknown():
    structures = layer(
        "structure_id",
        {
            "S1": (shapely.Point(5, 5), {"state": "found", "area_m2": 12.0}),
            "S2": (box(10, 10, 12, 12), {"state": "found", "area_m2": 8.0}),
            "S3": (shapely.Point(6, 6), {"state": "ordered", "area_m2": None}),
            "S4": (shapely.Point(500, 6), {"state": "found", "area_m2": 99.0}),
        },
    )
    found = section(check_land_status(SITES, illegal_structures=structures), "illegal")
    assert found.loc["found", ["feature_count", "area_m2"]].tolist() == [2, 20.0]
    assert found.loc["removed", ["feature_count", "area_m2"]].tolist() == [0, 0.0]
    assert np.isnan(found.loc["ordered", "area_m2"])


@pytest.mark.parametrize(
    ("systems", "word"),
    [(["survey", "sea_land_2023"], "混用"), (["survey", None], "没有注明"), (["survey", "GB2017"], "未知的")],
)
def test_codes_without_or_with_two_systems_are_refused(systems, word):
    mixed = survey()
    mixed["code_system"] = systems
    with pytest.raises(DataError, match=word):
        check_land_status(SITES, land_survey=mixed)


def test_touched_parcels_keep_registered_drawn_and_geodesic_area_apart():
    found = list_touched_parcels(SITES, parcels()).set_index("parcel_id")
    assert found["area_in_m2"].to_dict() == {"E": 2400.0, "W": 3600.0}
    assert found.loc["E", "share_in"] == pytest.approx(2 / 3)
    assert found.loc["E", ["drawn_area_m2", "registered_area_m2"]].tolist() == [3600.0, 4000.0]
    assert found.loc["E", "area_difference_share"] == pytest.approx(-0.1)


def comparison(**layers):
    found = compare_land_uses(SITES, **layers)
    return found.set_index(["comparison", "agreement"])["area_m2"].to_dict()


def test_uses_are_compared_across_systems_on_their_broad_use():
    found = comparison(parcels=parcels(), land_survey=survey(), planned_use=plan())
    assert found["registered_surveyed", "agrees"] == 3000.0
    # Registered housing, surveyed as school ground: parcel W from x = 50 to 60 and parcel E from 60 to 90.
    table = compare_land_uses(SITES, parcels(), survey(), plan())
    differs = table[(table["comparison"] == "registered_surveyed") & (table["agreement"] == "differs")]
    assert differs["area_m2"].tolist() == [2400.0]
    assert found["registered_planned", "agrees"] == 6000.0
    assert found["surveyed_planned", "differs"] == 2400.0


def test_the_same_code_in_two_systems_is_not_the_same_use():
    # 0702 is a rural homestead in the survey and a community service facility in the plan.
    found = comparison(land_survey=survey((box(0, 0, 100, 60), "0702")), planned_use=plan("0702"))
    assert found["surveyed_planned", "differs"] == 6000.0


def test_a_difference_no_wider_than_a_drawing_error_is_a_sliver_and_changes_no_statement():
    # The plan's other class reaches 0.3 m into the site along its 60 m eastern edge: 18 m².
    facts = {"code_system": "sea_land_2023", "source": "中心城区详规"}
    planned = layer(
        "plan_patch_id",
        {
            "G1": (box(-10, -10, 99.7, 80), facts | {"planned_use_code": "070102"}),
            "G2": (box(99.7, -10, 150, 80), facts | {"planned_use_code": "1401"}),
        },
    )
    register = parcels(right_type="allocated")
    table = compare_land_uses(SITES, register, None, planned)
    own = table[table["comparison"] == "registered_planned"].set_index("agreement")
    assert set(own.index) == {"agrees", "sliver"}
    assert own.loc["sliver", "area_m2"] == pytest.approx(18.0)
    status = check_land_status(SITES, register, None, planned)
    touched = list_touched_parcels(SITES, register)
    verdicts = draw_land_statements(SITES, status, touched, table).set_index("statement")["verdict"]
    assert verdicts["no_use_change"] == "yes"
    wider = compare_land_uses(SITES, register, None, planned, sliver_width_m=0.1)
    assert set(wider[wider["comparison"] == "registered_planned"]["agreement"]) == {"agrees", "differs"}


def test_the_parcels_of_each_site_are_numbered_as_on_its_map():
    zones = layer(
        "zone_id", {"Z-1": (box(0, 0, 100, 60), {"name": "一"}), "Z-2": (box(70, 0, 110, 60), {"name": "二"})}
    )
    touched = list_touched_parcels(outline_land_sites(zones), parcels())
    numbers = touched.set_index(["site_id", "parcel_id"])["map_number"].to_dict()
    assert numbers == {("Z-1", "E"): 1, ("Z-1", "W"): 2, ("Z-2", "E"): 1}


def test_a_use_nobody_knows_is_neither_agreement_nor_difference():
    found = comparison(parcels=parcels(registered_use="其他"), planned_use=plan())
    assert found["registered_planned", "unknown"] == 2400.0
    assert found["registered_planned", "agrees"] == 3600.0
    assert ("registered_surveyed", "not_checked") in found


PAPERS = pd.DataFrame(
    {
        "parcel_id": ["E", "W", "E", "W"],
        "kind": ["certificate", "allocation_decision", "same_holder", "same_holder"],
    }
)
WITHOUT_ONE = PAPERS.drop(index=1)


def statements(ground=None, papers=PAPERS, planned=None, sites=SITES, **more):
    ground = parcels() if ground is None else ground
    table = draw_land_statements(
        sites,
        check_land_status(sites, ground),
        list_touched_parcels(sites, ground),
        compare_land_uses(sites, ground, planned_use=plan() if planned is None else planned),
        papers,
        **more,
    )
    return table.set_index("statement")


def test_the_four_statements_hold_where_every_fact_is_at_hand():
    assert statements()["verdict"].to_dict() == {
        "no_new_land": "yes",
        "no_use_change": "yes",
        "no_holder_change": "yes",
        "no_tenure_change": "yes",
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"papers": WITHOUT_ONE}, {"no_holder_change": "unknown", "no_tenure_change": "unknown"}),
        ({"papers": None}, {"no_holder_change": "unknown", "no_tenure_change": "unknown"}),
        (
            {"declared_new_holder_parcel_ids": ("W",)},
            {"no_holder_change": "no", "no_tenure_change": "no"},
        ),
        ({"ground": parcels(ownership="collective")}, {"no_tenure_change": "no"}),
        ({"ground": parcels(ownership=None)}, {"no_tenure_change": "unknown"}),
        ({"planned": plan("0804")}, {"no_use_change": "no"}),
        ({"ground": parcels(registered_use=None)}, {"no_use_change": "unknown"}),
    ],
)
def test_one_fact_changes_only_the_statements_that_rest_on_it(change, expected):
    before, after = statements()["verdict"], statements(**change)["verdict"]
    assert after[before != after].to_dict() == expected


def test_ground_outside_every_parcel_is_to_be_clarified_but_a_sliver_is_not():
    wide = outline_land_sites(layer("zone_id", {"Z-1": (box(-20, 0, 100, 60), {"name": "一片区"})}))
    found = statements(sites=wide)
    assert set(found["verdict"]) == {"unknown"}
    for name in ("no_new_land", "no_use_change", "no_holder_change"):
        assert "1,200.00" in found.loc[name, "rests_on_zh"]
    shifted = outline_land_sites(layer("zone_id", {"Z-1": (box(-0.2, 0, 100, 60), {"name": "一片区"})}))
    assert statements(sites=shifted).loc["no_new_land", "verdict"] == "yes"


def test_missing_papers_are_listed_by_parcel_with_who_must_confirm():
    found = statements(papers=WITHOUT_ONE).loc["no_tenure_change"]
    assert found["lacking_papers"] == "W"
    assert "自然资源主管部门" in found["confirm_by_zh"]


def test_results_keep_their_schemas_and_empty_in_gives_empty_out():
    full = SITES
    for sites in (full, full.iloc[:0]):
        ground = parcels()
        status = check_land_status(sites, ground, survey(), plan(), lines())
        touched = list_touched_parcels(sites, ground)
        uses = compare_land_uses(sites, ground, survey(), plan())
        results = {
            "land_sites": sites,
            "land_status": status,
            "touched_parcels": touched,
            "land_use_comparison": uses,
            "land_statements": (found := draw_land_statements(sites, status, touched, uses, PAPERS)),
            "land_checks": conclude_land_sites(sites, status, found, touched, uses),
        }
        for name, result in results.items():
            schema = layer_schema(name)
            assert [f for f in check_layer(result, schema) if f.severity == "error"] == []
            assert ({*result.columns, schema.key} - {"geometry", ""}) == set(schema.fields)
            assert (len(result) == 0) == (len(sites) == 0)


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=30), st.integers(0, 4))
@example([0.95], 1)
def test_rounded_parts_sum_to_the_rounded_whole_and_move_less_than_a_unit(parts, digits):
    parts = np.array(parts)
    rounded = round_to_total(parts, float(parts.sum()), digits)
    unit = 10.0**-digits
    # Of a whole that ends in a five, as 0.95 to one digit, either neighbour is right.
    assert rounded.sum() == pytest.approx(parts.sum(), abs=unit * 0.5001)
    assert rounded.sum() / unit == pytest.approx(round(rounded.sum() / unit), abs=0.01)
    assert (np.abs(rounded - parts) < unit * 1.0001).all()


def test_largest_remainder_gives_the_spare_units_to_those_who_lost_most():
    assert round_to_total(np.array([1 / 3, 1 / 3, 1 / 3]), 1.0, 2).tolist() == [0.34, 0.33, 0.33]
    assert round_to_total(np.array([0.126, 0.126, 0.748]), 1.0, 2).tolist() == [0.13, 0.12, 0.75]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_sections_sum_to_the_site_and_areas_equal_plain_loops(seed):
    rng = np.random.default_rng(seed)

    def shapes(count):
        at, size = rng.uniform(0, 100, (count, 2)), rng.uniform(5, 70, (count, 2))
        turn = rng.uniform(0, 90, count)
        boxes = shapely.box(*at.T, *(at + size).T)
        return [shapely.affinity.rotate(b, a) for b, a in zip(boxes, turn, strict=True)]

    sites = outline_land_sites(layer("zone_id", {f"Z-{i}": (s, {"name": "甲"}) for i, s in enumerate(shapes(3))}))
    patches = survey(*[(s, rng.choice(["0701", "0810", "1004"])) for s in shapes(8)])
    table = check_land_status(sites, land_survey=patches)
    for site_id, site in sites.geometry.items():
        own = table[(table["site_id"] == site_id) & (table["section"] == "survey")]
        assert round(own["area_m2"].sum(), 2) == round(site.area, 2)
        assert round(own["area_mu"].sum(), 4) == round(site.area / M2_A_MU, 4)
        by_item = own.set_index("item")["area_m2"]
        union = patches.geometry.union_all()
        assert by_item["uncovered"] == pytest.approx((site - union).area, abs=0.011)
        for code, group in patches.groupby("land_use_code"):
            expected = site.intersection(group.geometry.union_all()).area
            assert by_item.get(code, 0.0) == pytest.approx(expected, abs=0.011)


def test_dates_and_sources_of_what_was_laid_over_are_kept():
    dated = lines(source="水利局", dated_on=datetime.date(2023, 5, 1))
    found = section(check_land_status(SITES, control_lines=dated), "control").loc["blue"]
    assert found["source"] == "水利局"
    assert found["dated_from_on"] == found["dated_to_on"] == datetime.date(2023, 5, 1)


def test_fire_access_and_geohazards_have_rows_like_every_other_line():
    found = section(check_land_status(SITES, control_lines=lines("fire_access")), "control")
    assert set(found.index) == set(KINDS)
    assert found.loc["fire_access", "area_m2"] == 600.0
    assert "不得占用" in found.loc["fire_access", "note_zh"]
    assert found.loc["geohazard", "state"] == "not_checked"
    assert np.isnan(found.loc["geohazard", "area_m2"])


@pytest.mark.parametrize(
    ("change", "outcome", "left"),
    [
        ({}, "supported", ""),
        ({"papers": None}, "open", "不改变主体、不涉及权属变化"),
        ({"papers": None, "planned": plan("0804")}, "contradicted", "不改变用途、不改变主体、不涉及权属变化"),
    ],
)
def test_a_site_is_concluded_from_its_worst_statement(change, outcome, left):
    status = check_land_status(SITES, parcels(), control_lines=lines("purple"), checked_kinds=("blue",))
    uses = compare_land_uses(SITES, parcels(), planned_use=change.get("planned", plan()))
    table = statements(**change).reset_index()
    found = conclude_land_sites(SITES, status, table, list_touched_parcels(SITES, parcels()), uses).loc["Z-1"]
    assert (found["outcome"], found["open_zh"]) == (outcome, left)
    assert (found["parcel_count"], found["controls_zh"]) == (2, "紫线（历史文化）")
    # Survey, plan, illegal structures and every kind of line but purple and blue.
    assert found["unchecked_count"] == 3 + len(KINDS) - 2
    assert found["differs_m2"] == (6000.0 if "planned" in change else 0.0)
    bare = conclude_land_sites(SITES, status, table).loc["Z-1"]
    assert np.isnan(bare["parcel_count"])
    assert np.isnan(bare["differs_m2"])


def test_codes_of_one_system_are_listed_with_every_class_they_may_become_in_another():
    ground = survey((box(0, 0, 50, 60), "0701"), (box(50, 0, 90, 60), "08H2"), (box(90, 0, 99, 60), "9999"))
    table = list_code_conversions(ground, plan())
    assert set(table["code_system"]) == {"survey"}, "the plan already stands in the target system"
    by_code = table.groupby("code")
    assert dict(by_code["ambiguity"].first()) == {"0701": "one", "08H2": "several", "9999": "none"}
    assert list(by_code.get_group("0701")["target_code"]) == ["0701"]
    assert set(by_code.get_group("08H2")["target_code"]) == {"0802", "0803", "0804", "0805", "0806", "0807"}
    assert by_code.get_group("9999")["target_code"].isna().all()
    assert by_code.get_group("08H2")["note_zh"].str.contains("一对多").all()
    assert len(list_code_conversions(None, plan())) == 0
    with pytest.raises(ConfigError, match="sea_land_2023"):
        list_code_conversions(ground, target_system="sea_land_2032")
    mixed = ground.assign(code_system=["survey", "sea_land_2023", "survey"])
    with pytest.raises(DataError):
        list_code_conversions(mixed)


# --- the statements facility by facility ----------------------------------------------------------

STATION = {"name": "社区服务站", "kind": "service_station", "works": "rebuilt"}
PLACES = layer(
    "facility_id",
    {
        "F-1": (shapely.Point(30, 30), STATION),
        "F-2": (shapely.Point(80, 30), STATION | {"name": "停车场", "kind": "parking_charging", "works": "new"}),
        "F-9": (shapely.Point(300, 30), STATION),
    },
)
GIVEN = {"parcels": parcels(), "planned_use": plan(), "proof_papers": PAPERS}


def by_facility(facilities=PLACES, sites=SITES, **changes):
    table = draw_facility_statements(sites, facilities, **GIVEN | changes)
    return table.set_index(["facility_id", "statement"])


def test_every_facility_inside_the_site_has_the_four_statements_and_one_outside_has_none():
    found = by_facility()
    assert list(found.index.get_level_values("facility_id").unique()) == ["F-1", "F-2"]
    assert len(found) == 8
    assert set(found["verdict"]) == {"yes"}
    assert found.loc["F-1", "parcel_ids"].unique().tolist() == ["W"]
    assert found.loc["F-2", "works"].unique().tolist() == ["new"]
    assert "规划许可" in found.loc[("F-2", "no_use_change"), "rests_on_zh"]
    assert "规划许可" not in found.loc[("F-1", "no_use_change"), "rests_on_zh"]


TENURE = ("no_holder_change", "no_tenure_change")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"proof_papers": WITHOUT_ONE}, {("F-1", name): "unknown" for name in TENURE}),
        ({"proof_papers": None}, {(key, name): "unknown" for key in ("F-1", "F-2") for name in TENURE}),
        ({"declared_new_holder_parcel_ids": ("W",)}, {("F-1", name): "no" for name in TENURE}),
        ({"parcels": parcels(ownership="collective")}, {("F-2", "no_tenure_change"): "no"}),
        ({"parcels": parcels(registered_use=None)}, {("F-2", "no_use_change"): "unknown"}),
        ({"planned_use": plan("0804")}, {(key, "no_use_change"): "no" for key in ("F-1", "F-2")}),
        ({"planned_use": None}, {(key, "no_use_change"): "unknown" for key in ("F-1", "F-2")}),
        (
            {"parcels": parcels().drop(index="W")},
            {("F-1", f"no_{name}"): "unknown" for name in ("new_land", "use_change", "holder_change", "tenure_change")},
        ),
    ],
)
def test_one_fact_changes_only_the_facilities_and_statements_that_rest_on_it(change, expected):
    before, after = by_facility(), by_facility(**change)
    assert after["verdict"][before["verdict"] != after["verdict"]].to_dict() == expected
    open_ones = after[after["verdict"] != "yes"]
    assert (open_ones["rests_on_zh"].str.len() > 0).all()
    assert (open_ones["confirm_by_zh"].str.len() > 0).all()


def test_without_parcels_nothing_about_a_facility_is_known():
    found = by_facility(parcels=None)
    assert set(found["verdict"]) == {"unknown"}
    assert (found["parcel_ids"] == "").all()


def test_a_facility_in_no_parcel_is_to_be_clarified_and_told_apart_from_a_drawing_error():
    beside = PLACES.iloc[:1].set_geometry([shapely.Point(-0.4, 30)], crs=CRS)
    wide = outline_land_sites(layer("zone_id", {"Z-1": (box(-20, 0, 100, 60), {"name": "一片区"})}))
    near, far = (by_facility(beside, wide, sliver_width_m=w).loc[("F-1", "no_new_land")] for w in (1.0, 0.1))
    assert near["verdict"] == far["verdict"] == "unknown"
    assert "位置误差" in near["rests_on_zh"]
    assert "未登记不等于新增用地" in far["rests_on_zh"]


def test_vacant_rooms_are_checked_like_facilities_and_each_site_lists_its_own():
    rooms = layer("premises_id", {"R-1": (box(70, 10, 80, 20), {"name": "旧食堂"})})
    twice = outline_land_sites(pd.concat([ZONES, ZONES.set_index(pd.Index(["Z-2"], name="zone_id"))]))
    table = draw_facility_statements(twice, PLACES, rooms, **GIVEN)
    assert [tuple(row) for row in table[["site_id", "source_layer", "facility_id"]].drop_duplicates().to_numpy()] == [
        (site, *place)
        for site in ("Z-1", "Z-2")
        for place in (("facilities", "F-1"), ("facilities", "F-2"), ("premises", "R-1"))
    ]
    assert set(table.loc[table["facility_id"] == "R-1", "kind_zh"]) == {"空置房屋"}


def test_facility_statements_keep_their_schema_and_nothing_in_gives_nothing_out():
    schema = layer_schema("facility_statements")
    for found in (draw_facility_statements(SITES, PLACES, **GIVEN), draw_facility_statements(SITES)):
        assert [f for f in check_layer(found, schema) if f.severity == "error"] == []
        assert set(found.columns) == set(schema.fields)
    assert len(draw_facility_statements(SITES)) == len(draw_facility_statements(SITES.iloc[:0], PLACES)) == 0
