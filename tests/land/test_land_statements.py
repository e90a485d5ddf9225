"""What the land check says: every statement against brute force on random drawings, and patches drawn twice."""

import datetime

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from land_sheets import contradictions

from gis_renovation.errors import ConfigError
from gis_renovation.land import (
    assess_parcels,
    assess_premises,
    check_land_status,
    compare_land_uses,
    conclude_land_sites,
    draw_facility_statements,
    draw_land_statements,
    list_touched_parcels,
    met_controls,
    outline_land_sites,
    rank_parcels,
    screen_parcels,
    screen_premises,
    shape_usable_land,
)
from gis_renovation.land.codes import broad_uses, registered_uses
from gis_renovation.land.measures import control_kinds
from gis_renovation.rule_packs import rules_in_force

CRS = "EPSG:4548"
RULES = rules_in_force()
box = shapely.box


def layer(key, shapes, **columns):
    index = pd.Index([f"{key[0].upper()}{number}" for number in range(len(shapes))], name=key, dtype=object)
    return gpd.GeoDataFrame(columns, geometry=list(shapes), index=index, crs=CRS)


def parcels_of(shapes, use="城镇住宅用地", **facts):
    facts = {"ownership": "state", "right_type": "allocated", "holder_kind": "government", "holder_name": "局"} | facts
    return layer("parcel_id", shapes, registered_use=use, **facts)


def plan_of(shapes, codes="070102"):
    return layer("plan_patch_id", shapes, planned_use_code=codes, code_system="sea_land_2023")


def survey_of(shapes, codes="0701"):
    return layer("patch_id", shapes, land_use_code=codes, code_system="survey")


def lines_of(shapes, kinds):
    return layer("control_line_id", shapes, kind=kinds)


def papers_of(parcels, *kinds):
    rows = [(key, kind) for key in parcels.index for kind in kinds or ("certificate", "same_holder")]
    return pd.DataFrame(rows, columns=["parcel_id", "kind"])


def site_of(*shapes):
    return outline_land_sites(layer("zone_id", shapes, name=[f"片区{number}" for number in range(len(shapes))]))


SQUARE = site_of(box(0, 0, 100, 100))


def check(sites, parcels, survey=None, plan=None, lines=None, papers=None, **wishes):
    status = check_land_status(sites, parcels, survey, plan, lines)
    touched = None if parcels is None else list_touched_parcels(sites, parcels)
    uses = compare_land_uses(sites, parcels, survey, plan)
    said = draw_land_statements(sites, status, touched, uses, papers, **wishes)
    return status, touched, uses, said, conclude_land_sites(sites, status, said, touched, uses)


def verdicts(*args, **kwargs):
    said = check(*args, **kwargs)[3]
    return {(row.site_id, row.statement): row.verdict for row in said.itertuples()}


def doubled(frame):
    """Every feature drawn a second time under another id."""
    if frame is None or not isinstance(frame, gpd.GeoDataFrame):
        return frame
    return pd.concat([frame, frame.set_axis(pd.Index([f"{key}再" for key in frame.index], name=frame.index.name))])


def doubled_papers(papers):
    return pd.concat([papers, papers.assign(parcel_id=papers["parcel_id"] + "再")], ignore_index=True)


# --- coverage is a union --------------------------------------------------------------------------


def test_a_plan_of_half_the_site_leaves_the_use_open_however_often_it_is_drawn():
    parcels, half = parcels_of([box(0, 0, 100, 100)]), box(0, 0, 50, 100)
    for times in (1, 2, 3, 7):
        status, _, uses, said, _ = check(SQUARE, parcels, plan=plan_of([half] * times))
        found = said.set_index("statement").loc["no_use_change"]
        assert found["verdict"] == "unknown"
        assert "5,000.00" in found["rests_on_zh"], "what is missing is told once, whatever was drawn"
        own = uses[uses["comparison"] == "registered_planned"].set_index("agreement")["area_m2"]
        assert own.to_dict() == {"agrees": 5000.0, "missing": 5000.0}
        planned = status[status["section"] == "planned"].set_index("item")["area_m2"]
        assert planned.to_dict() == {"070102": 5000.0, "uncovered": 5000.0}


def test_two_parcels_over_each_other_do_not_stand_in_for_the_half_without_a_plan():
    parcels = parcels_of([box(0, 0, 100, 100), box(0, 0, 50, 100)])
    found = verdicts(SQUARE, parcels, plan=plan_of([box(0, 0, 50, 100)]), papers=papers_of(parcels))
    assert found["Z0", "no_use_change"] == "unknown"


def test_where_two_plans_lie_on_each_other_a_difference_counts_and_counts_once():
    parcels = parcels_of([box(0, 0, 100, 100)])
    plan = plan_of([box(0, 0, 100, 100), box(0, 0, 30, 100), box(20, 0, 50, 100)], ["070102", "1401", "080403"])
    _, _, uses, said, sites = check(SQUARE, parcels, plan=plan)
    own = uses[uses["comparison"] == "registered_planned"]
    assert own.groupby("agreement")["area_m2"].sum().to_dict() == {"agrees": 5000.0, "differs": 5000.0}
    assert said.set_index("statement").loc["no_use_change", "rests_on_en"].endswith("5,000.00 m²")
    assert sites["differs_m2"].item() == 5000.0


USES = ("城镇住宅用地", "商业用地", "其他")
CODES = ("070102", "1401", "9999")


def _drawing(seed):
    """Sites, parcels and plan patches as random rectangles, some over each other, some drawn several times."""
    rng = np.random.default_rng(seed)

    def boxes(count, least=5, most=90):
        at, size = rng.uniform(0, 100, (count, 2)).round(1), rng.uniform(least, most, (count, 2)).round(1)
        return [box(*a, *(a + s)) for a, s in zip(at, size, strict=True)]

    def several(shapes):
        return [shapes[at] for at in rng.integers(0, len(shapes), len(shapes) + rng.integers(0, 4))]

    ground, planned = several(boxes(rng.integers(1, 6))), several(boxes(rng.integers(1, 6)))
    parcels = parcels_of(ground, rng.choice([*USES, None], len(ground)))
    parcels["registered_use"] = parcels["registered_use"].astype(object)
    return site_of(*boxes(2, 20)), parcels, plan_of(planned, rng.choice(CODES, len(planned)))


def _told(first, second):
    a, b = registered_uses(first), broad_uses("sea_land_2023", second)
    return "unknown" if not a or not b else "agrees" if a & b else "differs"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_place_of_a_site_counts_once_by_the_worst_that_is_drawn_there(seed):
    sites, parcels, plan = _drawing(seed)
    uses = compare_land_uses(sites, parcels, planned_use=plan, sliver_width_m=0.0)
    known = parcels[parcels["registered_use"].notna()]
    for key, site in sites.geometry.items():
        own = uses[(uses["site_id"] == key) & (uses["comparison"] == "registered_planned")]
        if not len(known):
            assert own["agreement"].tolist() == ["not_checked"]
            continue
        assert round(own["area_m2"].sum(), 2) == round(site.area, 2)
        left = {"differs": [], "unknown": [], "agrees": []}
        for one, use in zip(known.geometry, known["registered_use"], strict=True):
            for other, code in zip(plan.geometry, plan["planned_use_code"], strict=True):
                left[_told(use, code)].append(site & one & other)
        done, expected = shapely.Polygon(), {}
        for name, pieces in left.items():
            ground = shapely.union_all([piece for piece in pieces if piece.area > 0.0]).buffer(0)
            expected[name], done = ground.difference(done).area, ground.union(done)
        expected["missing"] = site.area - done.area
        areas = own.groupby("agreement")["area_m2"].sum()
        for name, area in expected.items():
            assert areas.get(name, 0.0) == pytest.approx(area, abs=0.05), name


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_statement_says_yes_beside_ground_that_its_own_tables_leave_open(seed):
    sites, parcels, plan = _drawing(seed)
    status, _, uses, said, _ = check(sites, parcels, plan=plan, papers=papers_of(parcels))
    for key in sites.index:
        own = said[said["site_id"] == key].set_index("statement")["verdict"]
        mine = status[(status["site_id"] == key) & (status["item"] == "uncovered")].set_index("section")["state"]
        if mine["ownership"] == "touched":
            assert set(own[["no_new_land", "no_holder_change", "no_tenure_change"]]) == {"unknown"}
        if mine.get("planned") == "touched":
            assert own["no_use_change"] != "yes"
        kinds = set(uses["agreement"][(uses["site_id"] == key) & (uses["comparison"] == "registered_planned")])
        assert (own["no_use_change"] == "no") == ("differs" in kinds)
        assert (own["no_use_change"] == "yes") == (kinds <= {"agrees", "sliver"})


# --- patches drawn twice --------------------------------------------------------------------------

LAYERS = ("parcels", "survey", "plan", "lines")


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_drawing_every_patch_of_a_layer_twice_changes_no_statement_and_no_area(seed):
    rng = np.random.default_rng(seed)
    sites, parcels, plan = _drawing(seed)
    shapes = [box(*a, *(a + s)) for a, s in zip(rng.uniform(0, 90, (6, 2)), rng.uniform(3, 80, (6, 2)), strict=True)]
    given_ = {
        "parcels": parcels,
        "survey": survey_of(shapes, rng.choice(["0701", "08H2", "1004"], 6)),
        "plan": plan,
        "lines": lines_of(shapes, rng.choice(["urban_boundary", "blue", "purple"], 6)),
    }
    papers = doubled_papers(papers_of(parcels))
    plain = check(sites, **given_, papers=papers)
    for name in LAYERS:
        status, _, uses, said, found = check(sites, **given_ | {name: doubled(given_[name])}, papers=papers)
        pd.testing.assert_frame_equal(
            said.drop(columns=["rests_on_zh", "rests_on_en"]), plain[3].drop(columns=["rests_on_zh", "rests_on_en"])
        )
        pd.testing.assert_frame_equal(uses.drop(columns="patch_count"), plain[2].drop(columns="patch_count"), rtol=1e-9)
        drop = ["feature_count", "note_zh", "note_en"]
        pd.testing.assert_frame_equal(status.drop(columns=drop), plain[0].drop(columns=drop), rtol=1e-9, atol=1e-9)
        assert found.drop(columns=["geometry", "parcel_count"]).equals(
            plain[4].drop(columns=["geometry", "parcel_count"])
        )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_no_sheet_of_any_drawing_says_yes_beside_a_table_that_leaves_it_open(seed, whole, papered):
    sites, parcels, plan = _drawing(seed)
    if whole:
        # Ground and plan under everything, so that a yes is possible at all.
        base = box(-10, -10, 300, 300)
        parcels = pd.concat([parcels, parcels_of([base]).set_axis(["P-base"])])
        plan = pd.concat([plan, plan_of([base]).set_axis(["L-base"])])
    papers = papers_of(parcels) if papered else None
    status, _, uses, said, found = check(sites, parcels, plan=plan, papers=papers)
    sheets = {"land_sites": sites, "land_status": status, "land_statements": said}
    assert contradictions(sheets | {"land_use_comparison": uses, "land_checks": found}) == []
    if whole and papered:
        assert (said["verdict"] == "yes").any()


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_drawing_a_layer_twice_changes_no_verdict_on_idle_land_rooms_and_uses(seed):
    rng = np.random.default_rng(seed)
    at, size = rng.uniform(0, 400, (12, 2)), rng.uniform(8, 60, (12, 2))
    shapes = [box(*a, *(a + s)) for a, s in zip(at, size, strict=True)]
    idle = parcels_of(shapes[:4], inspected_vacant=True, registered_area_m2=900.0)
    idle["inspected_vacant"] = idle["inspected_vacant"].astype(object)
    rooms = layer("premises_id", [shapely.Point(*a) for a in at[4:7]], status="vacant", floor_area_m2=300.0)
    layers = {
        "communities": layer("community_id", shapes[7:9], households=[300.0, 400.0]),
        "control_lines": lines_of(shapes[8:12], rng.choice(control_kinds(), 4)),
        "buildings": layer("building_id", shapes[5:8]),
    }
    kinds, day = control_kinds(), datetime.date(2024, 9, 30)

    def found(communities, control_lines, buildings):
        ledger = assess_parcels(idle, communities, control_lines, buildings, rules=RULES, as_of=day)
        screened = screen_parcels(idle, ledger, communities)
        room_ledger = assess_premises(rooms, communities, control_lines, rules=RULES, as_of=day, checked_kinds=kinds)
        usable = shape_usable_land(screened, control_lines, buildings, rules=RULES)
        ranked = rank_parcels(screened, communities, usable_shapes=usable)
        return (
            ledger["verdict"].tolist(),
            screened[["verdict", "deciding_rules", "legal_idle"]].to_numpy().tolist(),
            room_ledger["verdict"].tolist(),
            screen_premises(rooms, room_ledger, communities)["verdict"].tolist(),
            usable[["fitting_uses", "unclear_uses"]].to_numpy().tolist(),
            ranked[["rank", "need_zone_state"]].to_numpy().tolist(),
            ranked["need_share"].round(9).tolist(),
        )

    plain = found(**layers)
    for name, frame in layers.items():
        assert found(**layers | {name: doubled(frame)}) == plain, name


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_drawing_a_layer_twice_changes_no_statement_on_a_facility(seed):
    sites, parcels, plan = _drawing(seed)
    rng = np.random.default_rng(seed)
    places = layer("facility_id", shapely.points(rng.uniform(0, 120, (6, 2))), kind="service_station", works="rebuilt")
    papers = doubled_papers(papers_of(parcels))

    def found(parcels, plan):
        table = draw_facility_statements(sites, places, parcels=parcels, planned_use=plan, proof_papers=papers)
        return table[["site_id", "facility_id", "statement", "verdict"]].to_numpy().tolist()

    plain = found(parcels, plan)
    assert found(doubled(parcels), plan) == found(parcels, doubled(plan)) == plain


# --- new land, users ------------------------------------------------------------------------------

HOLES = {"2 x 2 m": box(10, 10, 12, 12), "half": box(0, 0, 50, 100), "corner": box(90, 90, 101, 101)}


@pytest.mark.parametrize("hole", HOLES)
def test_ground_in_no_parcel_is_open_and_never_called_new_land(hole):
    parcels = parcels_of([box(0, 0, 100, 100).difference(HOLES[hole])])
    found = check(SQUARE, parcels, plan=plan_of([box(0, 0, 100, 100)]), papers=papers_of(parcels))[3]
    found = found.set_index("statement")
    assert set(found["verdict"]) == {"unknown"}
    area = HOLES[hole].intersection(box(0, 0, 100, 100)).area
    assert f"{area:,.2f} m²" in found.loc["no_new_land", "rests_on_zh"]
    assert "未登记不等于新增用地" in found.loc["no_new_land", "rests_on_zh"]


@pytest.mark.parametrize(
    ("hole", "verdict"),
    [
        (box(0, 0, 0.4, 100), "yes"),  # a seam along one side: the error of a boundary
        (shapely.union(box(0, 0, 0.4, 100), box(0, 0, 5, 5)), "unknown"),  # a yard at the seam's end
        (shapely.union_all([box(x, 0, x + 0.9, 100) for x in range(0, 100, 2)]), "unknown"),  # a comb over half of it
    ],
)
def test_a_seam_is_no_ground_but_a_yard_at_its_end_or_a_comb_of_seams_is(hole, verdict):
    parcels = parcels_of([box(0, 0, 100, 100).difference(hole)])
    assert verdicts(SQUARE, parcels, papers=papers_of(parcels))["Z0", "no_new_land"] == verdict


def test_that_the_holder_stays_rests_on_somebody_having_said_so():
    parcels = parcels_of([box(0, 0, 60, 100), box(60, 0, 100, 100)])
    only_titles = papers_of(parcels, "certificate")

    def holder(papers, **wishes):
        return check(SQUARE, parcels, papers=papers, **wishes)[3].set_index("statement").loc["no_holder_change"]

    assert holder(only_titles)["verdict"] == "unknown"
    assert holder(only_titles)["rests_on_zh"] == "所涉 2 宗土地均没有使用主体不变的声明"
    assert holder(papers_of(parcels))["verdict"] == "yes"
    assert holder(only_titles, declared_same_holder_parcel_ids=("P0", "P1"))["verdict"] == "yes"
    assert holder(only_titles, declared_same_holder_parcel_ids=("P0",))["verdict"] == "unknown"
    assert holder(papers_of(parcels, "same_holder"))["rests_on_zh"] == "所涉 2 宗土地均缺证明材料"
    assert holder(papers_of(parcels), declared_new_holder_parcel_ids=("P1",))["verdict"] == "no"
    mixed = pd.concat([papers_of(parcels.loc[["P0"]], "certificate"), papers_of(parcels.iloc[:0], "certificate")])
    assert holder(mixed)["rests_on_zh"] == "所涉 2 宗土地中，1 宗缺证明材料，各宗均没有使用主体不变的声明"
    assert holder(mixed)["rests_on_en"] == (
        "no paper for 1 of 2 parcels, no statement that the holder stays for all 2 parcels touched"
    )
    with pytest.raises(ConfigError, match="P1"):
        holder(None, declared_new_holder_parcel_ids=("P1",), declared_same_holder_parcel_ids=("P0", "P1"))


# --- the development boundary ---------------------------------------------------------------------

BOUNDARIES = {
    "round": ([box(-50, -50, 150, 150)], "inside", 10_000.0, None),
    "two halves": ([box(-50, -50, 50, 150), box(50, -50, 150, 150)], "inside", 10_000.0, None),
    "drawn twice": ([box(0, 0, 40, 100)] * 2, "partly_outside", 4_000.0, "界外 6,000.00 m²（9.0000 亩）"),
    "overlapping": (
        [box(0, 0, 40, 100), box(20, 0, 60, 100)],
        "partly_outside",
        6_000.0,
        "界外 4,000.00 m²（6.0000 亩）",
    ),
    "elsewhere": ([box(500, 500, 600, 600)], "outside", 0.0, "界外 10,000.00 m²（15.0000 亩）"),
    "a seam off": ([box(0.3, 0, 100, 100)], "inside", 9_970.0, "界外仅有细碎部分 30.00 m²，可能是边界误差，需核对"),
    "a seam on": ([box(-50, 0, 0.3, 100)], "outside", 30.0, "界外 9,970.00 m²（14.9550 亩）"),
    "a yard off": (
        [box(0, 0, 100, 100).difference(box(0, 0, 2, 2))],
        "partly_outside",
        9_996.0,
        "界外 4.00 m²（0.0060 亩）",
    ),
}


@pytest.mark.parametrize("name", BOUNDARIES)
def test_a_site_lies_inside_partly_outside_or_outside_the_development_boundary_with_areas(name):
    shapes, state, inside, note = BOUNDARIES[name]
    status, *_, concluded = check(SQUARE, None, lines=lines_of(shapes, "urban_boundary"))
    found = status[status["item"] == "urban_boundary"].iloc[0]
    assert (found["state"], found["area_m2"]) == (state, inside)
    assert found["note_zh"] == note if note else pd.isna(found["note_zh"])
    said = {"partly_outside": "城镇开发边界（部分在界外）", "outside": "城镇开发边界（在界外）", "inside": ""}
    assert concluded["controls_zh"].item() == said[state]
    assert met_controls(status)["label_zh"].tolist() == ([said[state]] if said[state] else [])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_development_boundary_against_a_plain_union(seed):
    rng = np.random.default_rng(seed)
    at, size = rng.uniform(-80, 90, (4, 2)), rng.uniform(20, 200, (4, 2))
    shapes = [box(*a, *(a + s)) for a, s in zip(at, size, strict=True)]
    found = check_land_status(SQUARE, control_lines=lines_of(shapes, "urban_boundary"), sliver_width_m=0.0)
    found = found[found["item"] == "urban_boundary"].iloc[0]
    inside = box(0, 0, 100, 100).intersection(shapely.union_all(shapes)).area
    expected = "inside" if inside > 9_999.99 else "outside" if inside < 0.01 else "partly_outside"
    assert found["state"] == expected
    assert found["area_m2"] == pytest.approx(inside, abs=0.006)
