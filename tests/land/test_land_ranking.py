"""Ranking of candidates: scores by head, unknowns as intervals, firm and shaky ranks."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import ConfigError
from gis_renovation.land.measures import NEED_ZONE_COLUMNS
from gis_renovation.land.ranking import grade_candidates, rank_parcels
from gis_renovation.run.binding import gather_arguments
from gis_renovation.schemas import layer_schema

CRS = "EPSG:4548"


def places(**verdicts):
    verdicts = verdicts or {"A": "candidate", "B": "unknown", "C": "excluded"}
    shapes = [shapely.box(100 * i, 0, 100 * i + 10, 10) for i in range(len(verdicts))]
    index = pd.Index(list(verdicts), name="parcel_id", dtype=object)
    return gpd.GeoDataFrame({"verdict": list(verdicts.values())}, geometry=shapes, index=index, crs=CRS)


def shapes(**areas):
    index = pd.Index(list(areas), name="parcel_id", dtype=object)
    frame = pd.DataFrame({"area_m2": areas.values(), "rectangle_m2": [a / 2 for a in areas.values()]}, index=index)
    return gpd.GeoDataFrame(frame, geometry=[shapely.box(0, 0, 1, 1)] * len(areas), crs=CRS)


def ranked(parcels, usable=None, evidence=None, communities=None, zones=None, **options):
    options = gather_arguments(rank_parcels, options)
    return rank_parcels(parcels, communities, zones, usable, evidence, **options)


def strength(**shares):
    return pd.DataFrame(
        {"strength_share": shares.values()}, index=pd.Index(list(shares), name="parcel_id", dtype=object)
    )


HOMES = gpd.GeoDataFrame(
    {"households": [400, 300]},
    geometry=[shapely.box(0, 110, 10, 120), shapely.box(0, 250, 10, 260)],
    index=pd.Index(["C1", "C2"], name="community_id"),
    crs=CRS,
)


def test_points_and_score_are_those_of_the_drawing():
    found = ranked(places(A="candidate"), shapes(A=500.0), strength(A=0.9), HOMES).loc["A"]
    # 100 m to C1, 240 m to C2: 1 - 100/300 near, 700 of 1,000 households.
    expected = {"evidence": 0.9, "size": 0.25, "shape": 0.5, "nearness": 2 / 3, "need": 0.7}
    for name, value in expected.items():
        assert found[f"{name}_share"] == pytest.approx(value)
    assert found["score"] == pytest.approx(0.3 * 0.9 + 0.2 * 0.25 + 0.1 * 0.5 + 0.2 * 2 / 3 + 0.2 * 0.7)
    assert found["score_low"] == found["score_high"] == found["score"]
    assert "证据强度 0.90 × 0.30" in found["reason_zh"]


def test_excluded_parcels_are_not_ranked():
    assert list(ranked(places()).index) == ["A", "B"]


def test_an_unknown_criterion_makes_an_interval_not_a_zero():
    found = ranked(places(A="candidate"), shapes(A=2000.0), None, HOMES.drop(columns="households")).loc["A"]
    assert np.isnan(found["evidence_share"])
    assert np.isnan(found["need_share"])
    assert found["known_weight_share"] == pytest.approx(0.5)
    assert found["score_high"] - found["score_low"] == pytest.approx(0.5)
    assert found["score"] == pytest.approx((found["score_low"] + found["score_high"]) / 2)


def test_a_community_of_unknown_size_within_reach_leaves_the_need_unknown():
    some = HOMES.assign(households=pd.array([400, None], dtype="Int64"))
    assert np.isnan(ranked(places(A="candidate"), communities=some).loc["A", "need_share"])
    near = ranked(places(A="candidate"), communities=some, reach_m=200.0)
    assert near.loc["A", "need_share"] == pytest.approx(0.4)


def test_no_usable_ground_is_zero_because_it_is_known():
    assert ranked(places(A="candidate"), shapes(B=100.0)).loc["A", "size_share"] == 0.0


def test_one_that_is_better_in_everything_is_first_under_every_weighting():
    found = ranked(
        places(A="candidate", B="candidate"),
        shapes(A=100.0, B=900.0),
        strength(A=0.2, B=0.9),
        HOMES.iloc[:0],
        top_count=1,
    )
    assert found["rank"].tolist() == [2, 1]
    assert found["top_share"].tolist() == [0.0, 1.0]
    assert found["rank_worst"].tolist() == [2, 1]


def test_a_rank_that_hangs_on_the_weights_shows_it():
    arguments = (places(A="candidate", B="candidate"), shapes(A=1000.0, B=0.0), strength(A=0.0, B=0.6))
    found = ranked(*arguments, criterion_weights={"shape": 0.0}, weight_spread=0.3, top_count=1)
    assert found["rank_best"].tolist() == [1, 1]
    assert found["rank_worst"].tolist() == [2, 2]
    assert found["top_share"].sum() == pytest.approx(1.0)
    assert (found["top_share"] > 0.1).all()


def test_the_share_of_first_ranks_agrees_with_the_integral_over_the_weights():
    # Only two criteria with equal weight and a flat Dirichlet (1 / spread - 1 = 2): w is uniform on 0..1.
    # A has (1, 0), B has (0, 0.5): A leads where w > 0.5 (1 - w), that is for w > 1/3.
    weights = {"evidence": 1.0, "size": 1.0, "shape": 0.0, "nearness": 0.0, "need": 0.0}
    found = ranked(
        places(A="candidate", B="candidate"),
        shapes(A=0.0, B=1000.0),
        strength(A=1.0, B=0.0),
        criterion_weights=weights,
        weight_spread=1 / 3,
        weight_draws=20_000,
        top_count=1,
    )
    assert found.loc["A", "top_share"] == pytest.approx(2 / 3, abs=0.015)


def test_the_same_seed_gives_the_same_ranks_and_row_order_does_not_matter():
    arguments = (shapes(A=1000.0, B=500.0), strength(A=0.3, B=0.6), HOMES)
    first = ranked(places(), *arguments)
    pd.testing.assert_frame_equal(ranked(places().iloc[::-1], *arguments), first)


@pytest.mark.parametrize(
    "options",
    [
        {"criterion_weights": {"sise": 1.0}},
        {"criterion_weights": {"size": -1.0}},
        {"weight_draws": 0},
        {"weight_spread": 1.0},
    ],
)
def test_unfit_options_are_refused(options):
    with pytest.raises(ConfigError):
        ranked(places(), **options)


def test_results_keep_their_schema_and_empty_in_gives_empty_out():
    schema = layer_schema("parcel_ranking")
    for some in (places(), places().iloc[:0]):
        found = ranked(some, shapes(A=10.0), strength(A=0.5), HOMES)
        assert [fault for fault in check_layer(found, schema) if fault.severity == "error"] == []
        assert {*found.columns, schema.key} == set(schema.fields)


def test_candidates_are_points_graded_by_their_score_and_nothing_else_is_graded():
    found = places(A="candidate", B="candidate", C="candidate", D="unknown", E="excluded")
    facts = ("holder_kind", "right_type", "nearest_community_id")
    found = found.assign(**dict.fromkeys(facts), area_m2=100.0, leasing_approval="no", legal_idle="unknown",
                         community_distance_m=1.0)  # fmt: skip
    ranking = pd.DataFrame({"score": [0.8, 0.6, 0.59, 0.9]}, index=found.index[:4])
    ranking = ranking.assign(rank=[2, 3, 4, 1], rank_best=1, rank_worst=4, score_low=0.0, score_high=1.0)
    ranking = ranking.assign(**dict.fromkeys(NEED_ZONE_COLUMNS)).assign(
        need_zone_state="found", need_zone_name="东片区", need_zone_distance_m=25.0
    )
    graded = grade_candidates(found, ranking)
    assert dict(graded["strength"]) == {"A": "strong", "B": "medium", "C": "weak"}
    assert set(graded["need_zone_name"]) == {"东片区"}
    assert set(graded["need_zone_distance_m"]) == {25.0}
    assert graded.within(found.geometry.loc[graded.index]).all()
    assert dict(grade_candidates(found, ranking, strong_score=0.9, medium_score=0.9)["strength"]) == dict.fromkeys(
        "ABC", "weak"
    )
    assert [f for f in check_layer(graded, layer_schema("idle_candidates")) if f.severity == "error"] == []
    assert len(grade_candidates(found.iloc[3:], ranking)) == 0


# --- the nearest zone in need ---------------------------------------------------------------------


def zones(**needs):
    """Zones 20 m wide, 100 m apart, north of the parcels: the first one 50 m from parcel A."""
    index = pd.Index(list(needs), name="zone_id", dtype=object)
    boxes = [shapely.box(100 * i, 60, 100 * i + 20, 80) for i in range(len(needs))]
    table = pd.DataFrame({f"need_{name}": 0.0 for name in ("basic", "improvement", "enhancement")}, index=index)
    table = table.assign(name=[f"{key} 片区" for key in needs], need_enhancement=list(needs.values()))
    return gpd.GeoDataFrame(table, geometry=boxes, crs=CRS)


def nearest(parcel, found):
    return tuple(ranked(places(A="candidate", B="unknown"), zones=found).loc[parcel, list(NEED_ZONE_COLUMNS)])


def test_the_nearest_zone_in_need_is_measured_edge_to_edge_past_a_zone_without_needs():
    found = zones(Z1=0.0, Z2=3.0)
    # A: 10 m wide at x = 0, Z2 from x = 100 at y = 60: 90 m east, 50 m north. B stands under Z2.
    state, zone, name, metres = nearest("A", found)
    assert (state, zone, name) == ("found", "Z2", "Z2 片区")
    assert metres == pytest.approx(np.hypot(90.0, 50.0))
    assert nearest("B", found)[3] == pytest.approx(50.0)


def test_a_parcel_inside_a_zone_in_need_is_at_no_distance_from_it():
    around = zones(Z1=1.0).set_geometry([shapely.box(-50, -50, 50, 50)], crs=CRS)
    assert nearest("A", around) == ("found", "Z1", "Z1 片区", 0.0)


def test_a_nearer_zone_of_unknown_need_leaves_the_answer_unknown_and_a_farther_one_does_not():
    state, *rest = nearest("A", zones(Z1=np.nan, Z2=3.0))
    assert state == "unknown"
    assert all(pd.isna(value) for value in rest)
    assert nearest("A", zones(Z1=3.0, Z2=np.nan))[:2] == ("found", "Z1")


def test_a_need_on_record_counts_whatever_else_is_unknown_and_a_zero_only_when_all_is_known():
    partly = zones(Z1=2.0).assign(need_enhancement_unknown_count=1)
    assert nearest("A", partly)[0] == "found"
    assert nearest("A", partly.assign(need_enhancement=0.0))[0] == "unknown"
    assert nearest("A", zones(Z1=0.0))[0] == "none"


def test_without_zones_nobody_knows_and_it_is_not_zero_metres():
    state, *rest = nearest("A", None)
    assert state == "unknown"
    assert all(pd.isna(value) for value in rest)
    assert nearest("A", zones())[0] == "none"


def test_the_classes_that_make_a_need_are_the_users_to_name():
    pipes = zones(Z1=0.0).assign(need_basic=7.0)
    assert nearest("A", pipes)[0] == "none"
    chosen = ranked(places(A="candidate"), zones=pipes, need_classes=("basic",)).loc["A"]
    assert chosen["need_zone_id"] == "Z1"
    for wrong in (("parking",), ()):
        with pytest.raises(ConfigError, match="need_classes"):
            ranked(places(), need_classes=wrong)


def test_the_zones_change_no_score_and_no_rank():
    layers = (places(A="candidate", B="candidate"), shapes(A=900.0, B=200.0), strength(A=0.2, B=0.9), HOMES)
    with_zones = ranked(*layers, zones(Z1=1.0, Z2=2.0)).drop(columns=list(NEED_ZONE_COLUMNS))
    pd.testing.assert_frame_equal(with_zones, ranked(*layers).drop(columns=list(NEED_ZONE_COLUMNS)))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(-300, 300), st.integers(-300, 300), st.sampled_from([0.0, 2.0, np.nan])), max_size=8)
)
def test_any_drawing_agrees_with_a_search_by_hand(drawn):
    index = pd.Index([f"Z{i}" for i in range(len(drawn))], name="zone_id", dtype=object)
    boxes = [shapely.box(x, y, x + 30, y + 30) for x, y, _ in drawn]
    found = gpd.GeoDataFrame(
        {"name": list(index), "need_improvement": 0.0, "need_enhancement": [need for *_, need in drawn]},
        geometry=boxes,
        index=index,
        crs=CRS,
    )
    ground = places(A="candidate").geometry["A"]
    metres = [ground.distance(box) for box in boxes]
    needed = [m for m, (*_, need) in zip(metres, drawn, strict=True) if need > 0]
    doubt = [m for m, (*_, need) in zip(metres, drawn, strict=True) if np.isnan(need)]
    expected = min(needed, default=np.inf)
    row = ranked(places(A="candidate"), zones=found, weight_draws=1).loc["A"]
    if min(doubt, default=np.inf) < expected:
        assert row["need_zone_state"] == "unknown"
    elif not needed:
        assert row["need_zone_state"] == "none"
    else:
        assert row["need_zone_distance_m"] == pytest.approx(expected)
        assert metres[index.get_loc(row["need_zone_id"])] == pytest.approx(expected)


# --- communities drawn over each other ------------------------------------------------------------


def _need(drawn, households):
    index = pd.Index([f"C{k}" for k in range(len(drawn))], name="community_id")
    homes = gpd.GeoDataFrame(
        {"households": pd.array(households, dtype="Float64")}, geometry=drawn, index=index, crs=CRS
    )
    return ranked(places(A="candidate"), communities=homes)["need_share"].item()


def test_households_of_communities_drawn_over_each_other_count_once():
    home = shapely.box(0, 150, 100, 250)
    half = shapely.box(50, 150, 150, 250)
    apart = shapely.box(110, 150, 210, 250)
    assert _need([home], [400.0]) == pytest.approx(0.4)
    assert _need([home, home], [400.0, 400.0]) == pytest.approx(0.4)
    assert _need([home, home, home], [400.0, 300.0, None]) == pytest.approx(0.4)
    assert _need([home, half], [400.0, 200.0]) == pytest.approx(0.5)
    assert _need([home, apart], [400.0, 200.0]) == pytest.approx(0.6)
    assert np.isnan(_need([home, half], [400.0, None]))
