"""Weak pipes, isolation segments and valves of drawn networks, of the sample, and against closing each by hand."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal

from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import CRSError
from gis_renovation.sample.city import make_city
from gis_renovation.schemas import layer_schema
from gis_renovation.utilities.isolation import list_isolation_segments, rank_valves
from gis_renovation.utilities.network import utility_network
from gis_renovation.utilities.segments import close_segments, cuts_at_nodes, find_segments
from gis_renovation.utilities.weak_pipes import rank_weak_pipes

CRS = "EPSG:4548"
STEPS = {
    "utility_weak_points": rank_weak_pipes,
    "isolation_segments": list_isolation_segments,
    "valve_failures": rank_valves,
}


def lines(network="water", **rows):
    """Lines by id: their coordinates, or (coordinates, status)."""
    told = [row if isinstance(row, tuple) else (row, "in_use") for row in rows.values()]
    return gpd.GeoDataFrame(
        {"network": network, "status": [status for _, status in told], "diameter_mm": 200.0},
        geometry=[shapely.LineString(xy) for xy, _ in told],
        index=pd.Index(rows, name="line_id", dtype="object"),
        crs=CRS,
    )


def points(network="water", **rows):
    """Points by id: (kind, x, y) and what else is known."""
    return gpd.GeoDataFrame(
        {
            "network": network,
            "kind": [row[0] for row in rows.values()],
            "operable": [row[3].get("operable") if len(row) > 3 else None for row in rows.values()],
            "open": [row[3].get("open") if len(row) > 3 else None for row in rows.values()],
        },
        geometry=[shapely.Point(row[1], row[2]) for row in rows.values()],
        index=pd.Index(rows, name="node_id", dtype="object"),
        crs=CRS,
    )


def homes(**rows):
    """Squares of 20 m around a middle, with households."""
    return gpd.GeoDataFrame(
        {"households": [n for *_, n in rows.values()]},
        geometry=[shapely.box(x - 10, y - 10, x + 10, y + 10) for x, y, _ in rows.values()],
        index=pd.Index(rows, name="community_id", dtype="object"),
        crs=CRS,
    )


# A source S, a main to V, then a ring V-P-Q-V with home B on it at Q, and a branch of home A from P.
MAIN = {"main": [(0, 0), (100, 0)]}
RING = {"r1": [(100, 0), (200, 50)], "r2": [(200, 50), (200, -50)], "r3": [(200, -50), (100, 0)]}
BRANCH = {"branch": [(200, 50), (300, 50)]}
DRAWN = lines(**MAIN, **RING, **BRANCH)
POINTS = points(
    S=("source", 0, 0), V=("valve", 100, 0), A=("inlet", 300, 50), B=("inlet", 200, -50), P=("joint", 200, 50)
)
HOMES = homes(a=(300, 50, 40), b=(200, -50, 60))


def test_what_hangs_on_one_pipe_or_point_is_listed_and_a_ring_is_not():
    found = rank_weak_pipes(DRAWN, POINTS, HOMES)
    assert found["households_behind"].to_dict() == {
        "water/main": 100,
        "water/branch": 40,
        "water/V": 100,
        "water/P": 40,
    }
    assert found["rank"].to_dict() == {"water/main": 1, "water/V": 1, "water/branch": 3, "water/P": 3}
    assert found.loc["water/main"].geometry.equals(shapely.Point(50, 0))
    assert rank_weak_pipes(DRAWN, POINTS, HOMES, least_households=41).index.tolist() == ["water/V", "water/main"]


def test_abandoned_empty_and_planned_lines_back_nobody_up():
    second = {"second": [(0, 0), (0, 200), (200, 200), (200, 50)]}
    assert "water/main" not in rank_weak_pipes(lines(**MAIN, **RING, **BRANCH, **second), POINTS, HOMES).index
    for status in ("abandoned", "empty", "planned"):
        told = lines(**MAIN, **RING, **BRANCH, second=(second["second"], status))
        assert_geodataframe_equal(rank_weak_pipes(told, POINTS, HOMES), rank_weak_pipes(DRAWN, POINTS, HOMES))
    unsure = rank_weak_pipes(lines(main=(MAIN["main"], None), **RING, **BRANCH), POINTS, HOMES)
    assert unsure["status_unknown"].to_dict() == {
        "water/main": True,
        "water/branch": False,
        "water/V": False,
        "water/P": False,
    }


def test_lines_that_cross_without_a_point_do_not_meet_and_with_one_do():
    crossing = lines(a=[(0, 0), (100, 0)], b=[(50, -50), (50, 50)])
    ends = {"S": ("source", 0, 0), "A": ("inlet", 50, 50)}
    assert len(rank_weak_pipes(crossing, points(**ends), homes(a=(50, 50, 9)))) == 0
    found = rank_weak_pipes(crossing, points(**ends, J=("joint", 50, 0)), homes(a=(50, 50, 9)))
    assert found.index.tolist() == ["water/J", "water/a", "water/b"]


def test_a_network_without_a_source_on_record_has_no_weak_points_and_unknown_losses():
    blind = POINTS.drop(index="S")
    assert len(rank_weak_pipes(DRAWN, blind, HOMES)) == 0
    assert list_isolation_segments(DRAWN, blind, HOMES)["households_behind"].isna().all()


def test_a_drain_hangs_on_the_way_to_its_outfall():
    drain = DRAWN.assign(network="sewer")
    ends = POINTS.assign(network="sewer", kind=POINTS["kind"].replace("source", "outfall"))
    assert rank_weak_pipes(drain, ends, HOMES)["households_behind"].max() == 100
    assert len(list_isolation_segments(drain, ends, HOMES)) == 0


def test_segments_lie_between_valves_that_turn_and_say_what_is_lost():
    found = list_isolation_segments(DRAWN, POINTS, HOMES)
    assert found.index.tolist() == ["water/branch", "water/main"]
    ring = found.loc["water/branch"]
    assert ring["length_m"] == pytest.approx(2 * np.hypot(100, 50) + 200)
    assert ring["volume_m3"] == pytest.approx(ring["length_m"] * np.pi * 0.1**2)
    assert (ring["valves"], ring["untried_valves"], ring["households"], ring["households_behind"]) == ("V", "V", 100, 0)
    assert (found.loc["water/main", "households"], found.loc["water/main", "households_behind"]) == (0, 100)


def test_a_stuck_valve_closes_nothing_and_a_shut_one_parts_already():
    stuck = points(S=("source", 0, 0), V=("valve", 100, 0, {"operable": False}), A=("inlet", 300, 50))
    (row,) = list_isolation_segments(DRAWN, stuck, HOMES).itertuples()
    assert (row.valve_count, row.stuck_valves, row.households) == (0, "V", 40)
    valve = rank_valves(DRAWN, stuck, HOMES).loc["V"]
    assert valve["state"] == "stuck"
    assert np.isnan(valve["added_households"])
    shut = points(S=("source", 0, 0), V=("valve", 100, 0, {"open": False}), A=("inlet", 300, 50))
    found = list_isolation_segments(DRAWN, shut, HOMES)
    assert found["valve_count"].tolist() == [0, 0]
    # Behind a shut valve nobody is supplied, so closing the main takes nothing from them.
    assert found["households_behind"].tolist() == [0, 0]


def test_a_valve_that_fails_adds_its_larger_side():
    valve = rank_valves(DRAWN, POINTS, HOMES).loc["V"]
    assert valve["added_length_m"] == pytest.approx(2 * np.hypot(100, 50) + 200)
    assert (valve["segments"], valve["added_households"], valve["state"]) == (2, 100, "untried")


def test_households_of_a_community_are_shared_by_its_inlets_and_nobody_is_counted_twice():
    ends = points(S=("source", 0, 0), A=("inlet", 300, 50), B=("inlet", 200, -50))
    wide = gpd.GeoDataFrame({"households": [90]}, geometry=[shapely.box(150, -90, 350, 90)], index=["c"], crs=CRS)
    network = utility_network(DRAWN, ends, wide, network="water")
    assert sorted(network.households[network.households > 0]) == [45, 45]
    assert network.left_households == 0
    twice = pd.concat([wide, wide.set_axis(["d"])])
    assert utility_network(DRAWN, ends, twice, network="water").left_households == 90


@pytest.fixture(scope="module")
def city():
    layers = make_city()
    return layers["utility_lines"], layers["utility_nodes"], layers["communities"]


@pytest.mark.parametrize("layer", STEPS)
def test_layers_of_the_sample_keep_their_schema_and_do_not_depend_on_row_order(city, layer):
    found = STEPS[layer](*city)
    assert len(found) > 100
    assert check_layer(found, layer_schema(layer)) == []
    shuffled = STEPS[layer](*(frame.sample(frac=1, random_state=4) for frame in city))
    assert_geodataframe_equal(shuffled, found)
    empty = STEPS[layer](city[0].iloc[:0], city[1].iloc[:0], city[2].iloc[:0])
    assert [finding.code for finding in check_layer(empty, layer_schema(layer))] == ["empty_layer"]
    assert empty.columns.tolist() == found.columns.tolist()
    bare = check_layer(STEPS[layer](city[0], city[1].iloc[:0], city[2]), layer_schema(layer))
    assert {finding.code for finding in bare} <= {"empty_layer"}


def test_losses_of_the_sample_are_those_of_closing_each_segment_by_hand(city):
    listed = list_isolation_segments(*city)
    network = utility_network(*city, network="water")
    cuts = cuts_at_nodes(network.graph, np.flatnonzero((network.kind == "valve") & ~network.stuck))
    segments = find_segments(network.graph, cuts)
    label = {f"water/{min(network.line_id[segments.of_edge == s])}": s for s in np.unique(segments.of_edge)}
    none = close_segments(network.graph, cuts, network.sources, np.empty(0, dtype=int), segments)
    for name in listed[listed["network"] == "water"].sort_values("households_behind").index[-12:]:
        if name not in label:
            continue
        lost = close_segments(network.graph, cuts, network.sources, np.array([label[name]]), segments).nodes
        lost &= ~none.nodes & (segments.of_node != label[name])
        assert listed.loc[name, "households_behind"] == pytest.approx(network.households[lost].sum())


def test_layers_in_two_systems_are_refused(city):
    with pytest.raises(CRSError):
        rank_weak_pipes(city[0], city[1].to_crs("EPSG:4549"), city[2])


def test_layers_of_pipes_points_and_valves_are_restricted_to_the_last_column():
    for layer in STEPS:
        schema = layer_schema(layer)
        assert schema.disclosure == "restricted"
        assert {field.disclosure for field in schema.fields.values()} == {"restricted"}


@pytest.mark.parametrize("nobody", [None, np.nan])
def test_communities_of_unknown_households_are_cut_off_too_and_never_counted_as_nobody(nobody):
    places = homes(a=(300, 50, nobody), b=(200, -50, 60))
    weak = rank_weak_pipes(DRAWN, POINTS, places)
    assert weak["households_behind"].to_dict() == {"water/P": 0, "water/V": 60, "water/branch": 0, "water/main": 60}
    assert weak["households_unknown"].all()
    assert weak.loc["water/branch", "reason_zh"].startswith("此处中断，户数未知的小区与全部水源")
    assert weak.loc["water/main", "reason_zh"].startswith("此处中断，至少 60 户（另有小区户数未知）与")
    counted = rank_weak_pipes(DRAWN, POINTS, homes(a=(300, 50, 40), b=(200, -50, nobody)))
    assert counted["households_unknown"].to_dict() == {
        "water/P": False, "water/V": True, "water/branch": False, "water/main": True,
    }  # fmt: skip
    assert counted.loc["water/branch", "reason_en"].startswith("A break here cuts 40 households off")
    segments = list_isolation_segments(DRAWN, POINTS, places)
    assert segments["households_unknown"].all()
    known = list_isolation_segments(DRAWN, POINTS, homes(a=(300, 50, 40), b=(200, -50, 60)))
    assert not known["households_unknown"].any()
    valves, of_known = rank_valves(DRAWN, POINTS, places), rank_valves(DRAWN, POINTS, HOMES)
    assert valves["added_households"].isna().all()
    assert of_known["added_households"].notna().all()
