"""The synthetic city: totals of the plan, clean layers, planted situations that really lie there, stable files."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis_renovation.checking.remedies import check_layer, check_references
from gis_renovation.crs import gcj02_to_wgs84
from gis_renovation.errors import ConfigError
from gis_renovation.rasters.grid import Raster
from gis_renovation.sample.cards import FILES, card_texts
from gis_renovation.sample.city import LAYERS, SITUATIONS, make_city, situation
from gis_renovation.sample.files import project_text, write_city
from gis_renovation.sample.housing import whole_parts
from gis_renovation.sample.place import PATCHES, UNITS, seat_of
from gis_renovation.sample.plots import segments_between
from gis_renovation.schemas import layer_schema

REPOSITORY = Path(__file__).parents[2]
RASTERS = ("terrain", "greenness_before", "greenness_after", "night_light", "night_light_before", "land_cover")


@pytest.fixture(scope="module")
def city():
    return make_city()


@pytest.fixture(scope="module")
def other_city():
    return make_city(seed=7)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    write_city(folder)
    return folder


def shape_of(city, layer, key):
    return city[layer].geometry[key]


def digest(layer):
    """Content of a layer as one hash, whatever its kind."""
    if isinstance(layer, Raster):
        return hashlib.sha256(layer.values.tobytes()).hexdigest()
    table = pd.DataFrame(layer.drop(columns="geometry", errors="ignore")).to_csv()
    shapes = shapely.to_wkt(layer.geometry.to_numpy(), rounding_precision=-1) if "geometry" in layer else []
    return hashlib.sha256("\n".join([table, *shapes]).encode()).hexdigest()


# --- totals and cleanness -------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["city", "other_city"])
def test_totals_are_those_of_the_plan(which, request):
    communities = request.getfixturevalue(which)["communities"]
    plans = communities.groupby("plan_batch")
    assert plans.size().to_dict() == {"main": 100, "supplement": 51, "reserve": 12}
    assert plans["households"].sum()[["main", "supplement"]].tolist() == [22_595, 11_162]
    assert plans["floor_area_m2"].sum()[["main", "supplement"]].tolist() == [1_735_100, 1_421_200]


def test_every_layer_keeps_its_schema_and_points_to_what_exists(city):
    assert tuple(city) == LAYERS
    frames = {name: layer for name, layer in city.items() if name not in RASTERS}
    findings = [
        f"{f.layer}: {f.sentence('en')}"
        for name, frame in frames.items()
        for f in check_layer(frame, layer_schema(name))
    ]
    findings += [f.sentence("en") for f in check_references(frames)]
    assert findings == []
    for name, frame in frames.items():
        if layer_schema(name).key:
            assert frame.index.is_monotonic_increasing, name
        if layer_schema(name).geometry:
            assert frame.crs.to_epsg() == 4548, name


def test_the_other_seed_keeps_every_schema_and_every_planted_id(other_city):
    city = other_city
    for name, layer in city.items():
        if name not in RASTERS:
            assert check_layer(layer, layer_schema(name)) == [], name
    for one in SITUATIONS:
        known = city[one.layer]["project_id"] if one.layer == "works_records" else city[one.layer].index
        assert set(one.ids) <= set(known), one.id


def test_unknown_values_occur_where_a_real_table_has_them(city):
    assert city["communities"]["year_built"].isna().any()
    assert city["parcels"]["holder_kind"].isna().any()
    assert city["parcels"]["inspected_vacant"].isna().any()
    assert city["utility_lines"]["year_built"].isna().any()
    assert city["premises"]["structure_safe"].isna().any()


@given(
    total=st.integers(0, 100_000),
    weights=st.lists(st.floats(0.01, 1e6), min_size=1, max_size=40),
)
def test_whole_parts_add_up_and_are_off_by_less_than_one(total, weights):
    parts = whole_parts(total, np.array(weights))
    assert parts.sum() == total
    assert np.abs(parts - total * np.array(weights) / sum(weights)).max() < 1 + 1e-6


@given(st.lists(st.floats(-20.0, 120.0), max_size=12))
def test_a_street_cut_at_taps_keeps_its_length_and_its_ends(taps):
    edge = {"patch": 0, "orient": 0, "line": 2, "cell": 1}
    edges = pd.DataFrame([{**edge, "fixed": 5.0, "a": 0.0, "b": 100.0, "kind": "branch"}])
    table = pd.DataFrame([{**edge, "at": at} for at in taps], columns=[*edge, "at"])
    cut = segments_between(edges, table)
    assert cut["a"].iloc[0] == 0.0
    assert cut["b"].iloc[-1] == 100.0
    assert cut["b"].iloc[:-1].tolist() == cut["a"].iloc[1:].tolist()
    assert (cut["b"] > cut["a"]).all()
    inside = [at for at in taps if 0.5 < at < 99.5]
    assert all(min(abs(cut["b"] - at)) <= 0.5 * len(inside) for at in inside)


# --- the same each time ---------------------------------------------------------------------------


def test_nothing_depends_on_the_hash_seed(city):
    code = (
        "import sys; sys.path.insert(0, 'tests/sample')\nfrom test_sample import digest\n"
        "from gis_renovation.sample.city import make_city\n"
        "print(*[digest(layer) for layer in make_city().values()])"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4242"}
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=REPOSITORY,
        timeout=60,
    )
    assert found.stdout.split() == [digest(layer) for layer in city.values()]


def test_asking_for_fewer_layers_changes_none(city):
    some = make_city(layers=["crossings", "funds", "communities"])
    assert list(some) == ["communities", "crossings", "funds"]
    for name, layer in some.items():
        assert digest(layer) == digest(city[name])


def test_another_seed_is_another_city(city, other_city):
    assert not np.array_equal(other_city["communities"]["households"], city["communities"]["households"])


def test_a_larger_city_leaves_the_towns_and_adds_patches_that_overlap_nothing(city):
    large = make_city(communities=1500, layers=["communities", "barriers", "crossings"])
    towns, communities = city["communities"], large["communities"]
    assert len(communities) == 1500
    assert communities.index.is_unique
    pd.testing.assert_frame_equal(communities.loc[towns.index], towns)
    added = communities.drop(index=towns.index)
    assert set(added["plan_batch"]) == {"main"}
    count = len(added)
    assert added["households"].sum() == round(22_595 * count / 100)
    assert added["floor_area_m2"].sum() == round(1_735_100 * count / 100)
    pairs = communities.sindex.query(communities.geometry, predicate="intersects")
    assert (pairs[0] == pairs[1]).all()
    assert {"river", "railway", "expressway"} <= set(
        large["barriers"]["kind"][large["barriers"].index.str.startswith("B-KZ")]
    )
    assert large["crossings"]["barrier_id"].str.startswith("B-KZ").any()


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"layers": ["community"]}, "communities"),
        ({"scale": 2.0, "communities": 400}, "not both"),
        ({"communities": 0}, "1 community"),
    ],
)
def test_a_city_that_cannot_be_made_says_why(options, hint):
    with pytest.raises(ConfigError) as caught:
        make_city(**options)
    assert hint in caught.value.text.en


@pytest.mark.parametrize("count", [1, 9, 40])
def test_a_small_city_is_a_whole_one_around_few_communities(city, count):
    town = make_city(communities=count)
    assert tuple(town) == LAYERS
    assert len(town["communities"]) == count
    window = shapely.box(*town["communities"].buffer(401).total_bounds)
    for name, layer in town.items():
        if isinstance(layer, Raster):
            left, top = layer.transform.c, layer.transform.f
            right, bottom = (
                left + layer.transform.a * layer.values.shape[1],
                top + layer.transform.e * layer.values.shape[0],
            )
            assert shapely.box(*town["communities"].total_bounds).within(shapely.box(left, bottom, right, top))
            row, column = (round(d) for d in ((city[name].transform.f - top) / -layer.transform.e, (left - city[name].transform.c) / layer.transform.a))  # fmt: skip
            np.testing.assert_array_equal(layer.values, city[name].values[row:, column:][: layer.values.shape[0], : layer.values.shape[1]])  # fmt: skip
            continue
        assert not [finding for finding in check_layer(layer, layer_schema(name)) if finding.severity == "error"]
        if "geometry" in layer and name != "reporting_units":
            assert layer.intersects(window).all()
        if layer_schema(name).key:
            pd.testing.assert_frame_equal(pd.DataFrame(layer), pd.DataFrame(city[name].loc[layer.index]))
    assert not check_references({n: f for n, f in town.items() if not isinstance(f, Raster)})


def test_a_part_of_the_layers_of_a_small_city_is_the_same(city):
    town = make_city(communities=5, layers=["funds", "meter_readings"])
    assert tuple(town) == ("meter_readings", "funds")
    whole = make_city(communities=5)
    for name, frame in town.items():
        pd.testing.assert_frame_equal(frame, whole[name])


# --- it resembles the place -----------------------------------------------------------------------


def test_units_have_their_codes_and_tile_the_city_around_their_seats(city):
    units = city["reporting_units"]
    assert sorted(units.index[units["level"] == "county"]) == [
        "340402", "340403", "340404", "340405", "340406", "340421", "340422",
    ]  # fmt: skip
    assert sum(units.area) == pytest.approx(units.union_all().area, rel=1e-9)
    for unit in UNITS:
        seat = seat_of(unit)
        if seat:
            assert units.geometry[unit.code].contains(shapely.Point(seat))


def test_a_seat_is_where_published_points_put_it_once_the_map_offset_is_undone():
    # 田家庵 117.018 E, 32.644 N in GCJ-02; the offset there is some 550 m to the east-south-east.
    unit = next(unit for unit in UNITS if unit.name == "田家庵区")
    shifted = gpd.GeoSeries([shapely.Point(117.018, 32.644)], crs="EPSG:4490").to_crs("EPSG:4548")[0]
    assert 500 < shifted.distance(shapely.Point(seat_of(unit))) < 600


def test_every_community_lies_in_its_unit(city):
    units = city["reporting_units"].geometry
    for community in city["communities"].itertuples():
        assert units[community.unit_code].contains(community.geometry), community.Index


def test_towns_form_a_belt_from_east_to_west(city):
    belt = [p.centre for p in PATCHES if p.unit_code in ("340402", "340403", "340404") and p.key != "kongdian"]
    east, north = np.array(belt, float).T
    assert np.ptp(east) > 3 * np.ptp(north)


def test_communities_overlap_neither_each_other_nor_water_nor_rails(city):
    communities = city["communities"].geometry
    pairs = city["communities"].sindex.query(communities, predicate="intersects")
    assert (pairs[0] == pairs[1]).all()
    fixed = city["barriers"][city["barriers"]["kind"].isin(["river", "railway", "expressway"])]
    assert not communities.intersects(fixed.union_all()).any()


def test_buildings_stand_in_their_community_and_add_up(city):
    communities = city["communities"]
    buildings = city["buildings"][city["buildings"]["community_id"].notna()]
    around = communities.geometry.loc[buildings["community_id"]]
    assert shapely.covers(shapely.buffer(around.to_numpy(), 0.01), buildings.geometry.to_numpy()).all()
    by = buildings.groupby("community_id")
    assert by.size().eq(communities["building_count"]).all()
    known = communities["households"].dropna()
    homes = (
        buildings.assign(households=pd.to_numeric(buildings["households"])).groupby("community_id")["households"].sum()
    )
    assert homes[known.index].astype(int).tolist() == known.astype(int).tolist()
    area = by["floor_area_m2"].sum()
    assert (area - communities["floor_area_m2"]).abs().max() <= 0.05 * communities["building_count"].max() + 0.01


def test_sizes_are_those_of_such_communities(city):
    # Huainan's plan of 2024: 226 households and 17,400 m² a community in the main plan, 77 m² a household.
    main = city["communities"][city["communities"]["plan_batch"] == "main"]
    hectares = main.area / 1e4
    assert hectares.min() > 0.2
    assert hectares.max() < 6
    assert 4 <= city["buildings"].dropna(subset="community_id")["floors"].median() <= 7


def test_neighbours_within_60_m_form_groups_of_up_to_twenty(city):
    """Groups by distance alone, counted with a plain union-find over all pairs."""
    graph = nx.Graph()
    communities = city["communities"].geometry
    graph.add_nodes_from(communities.index)
    close = communities.sindex.query(communities, predicate="dwithin", distance=60.0)
    graph.add_edges_from((communities.index[a], communities.index[b]) for a, b in close.T if a < b)
    sizes = sorted(len(part) for part in nx.connected_components(graph))
    assert sizes[-1] <= 20
    assert sum(size for size in sizes if size >= 2) > 0.85 * len(communities)


def walking_network(city):
    """Streets with a walkway and public paths as a graph of shared end points, by networkx alone."""
    graph = nx.Graph()
    streets, paths = city["streets"], city["slow_paths"]
    lines = [*streets.geometry[streets["walkway"].eq(True)], *paths.geometry[paths["public"].eq(True)]]
    for line in lines:
        xy = [tuple(point) for point in np.round(shapely.get_coordinates(line), 3)]
        for a, b in pairwise(xy):
            graph.add_edge(a, b, weight=float(np.hypot(a[0] - b[0], a[1] - b[1])))
    return graph


def test_streets_meet_in_shared_nodes(city):
    graph = walking_network(city)
    dangling = sum(1 for _, degree in graph.degree if degree == 1)
    assert dangling < 0.35 * graph.number_of_nodes()
    lit = city["street_lights"]
    streets = city["streets"].geometry
    assert shapely.dwithin(lit.geometry.to_numpy(), streets.union_all(), 0.1).all()


def test_each_network_follows_the_streets_and_is_joined_in_towns(city):
    lines = city["utility_lines"]
    assert set(lines["network"]) == {"water", "sewer", "gas", "power", "telecom"}
    for network, mine in lines.groupby("network"):
        graph = nx.Graph()
        for line in mine.geometry:
            a, b = (tuple(p) for p in np.round(shapely.get_coordinates(line), 3))
            graph.add_edge(a, b)
        assert max(map(len, nx.connected_components(graph))) > 30, network
        nodes = city["utility_nodes"][city["utility_nodes"]["network"] == network]
        assert {tuple(p) for p in np.round(shapely.get_coordinates(nodes.geometry.to_numpy()), 3)} == set(graph.nodes)


# --- planted situations ---------------------------------------------------------------------------


def test_every_situation_is_labelled_once_and_names_features_that_exist(city):
    assert len({one.id for one in SITUATIONS}) == len(SITUATIONS)
    for one in SITUATIONS:
        known = city[one.layer]["project_id"] if one.layer == "works_records" else city[one.layer].index
        assert set(one.ids) <= set(known), one.id
        assert one.zh
        assert one.en
        assert one.expect
    with pytest.raises(ConfigError, match="gap_59"):
        situation("gap59")


@pytest.mark.parametrize(
    ("name", "gap_m", "barrier", "crossing"),
    [
        ("railway_between", 44.0, "B-TL-01", None),
        ("footbridge_joins", 44.0, "B-TL-01", "GC-TQ-01"),
        ("expressway_between", 52.0, "B-GS-02", None),
        ("river_between", 50.0, "B-HE-03", None),
        ("gap_59", 59.0, None, None),
        ("gap_61", 61.0, None, None),
    ],
)
def test_pairs_are_as_far_apart_and_as_divided_as_labelled(city, name, gap_m, barrier, crossing):
    one, other = (shape_of(city, "communities", key) for key in situation(name).ids)
    assert one.distance(other) == pytest.approx(gap_m, abs=0.005)
    shortest = shapely.shortest_line(one, other)
    divides = {key for key, line in city["barriers"].geometry.items() if line.intersects(shortest)}
    assert divides == ({barrier} if barrier else set())
    # Between the two: the ground that a crossing must lie on to join them.
    between = shapely.union_all([one, other]).convex_hull
    joins = {key for key, place in city["crossings"].geometry.items() if place.intersects(between)}
    assert joins == ({crossing} if crossing else set())
    if crossing:
        bridge = shape_of(city, "crossings", crossing)
        assert bridge.crosses(shape_of(city, "barriers", barrier))
        assert bridge.distance(one) < 1.0 or bridge.intersects(one)
        assert bridge.distance(other) < 1.0 or bridge.intersects(other)


def test_the_planted_pairs_have_no_other_neighbour(city):
    names = ("railway_between", "footbridge_joins", "expressway_between", "river_between", "gap_59", "gap_61")
    groups = [situation(name).ids for name in names]
    for one, other in combinations(groups, 2):
        for a in one:
            for b in other:
                assert shape_of(city, "communities", a).distance(shape_of(city, "communities", b)) > 61.5


def test_the_isolated_community_is_far_from_all_and_without_gas(city):
    (key,) = situation("isolated").ids
    others = city["communities"].drop(index=key)
    assert others.distance(shape_of(city, "communities", key)).min() > 3000
    lines = city["utility_lines"]
    assert lines[lines["network"] == "gas"].distance(shape_of(city, "communities", key)).min() > 1000
    assert lines[lines["network"] == "water"].distance(shape_of(city, "communities", key)).min() == 0


def test_the_park_is_near_in_a_straight_line_and_far_on_foot(city):
    (key,) = situation("park_across_river").ids
    home, park = shape_of(city, "communities", key), shape_of(city, "parks", "GY-90001")
    assert home.distance(park) < 300
    creek = shape_of(city, "barriers", "B-HE-03")
    assert shapely.shortest_line(home, park).crosses(creek)
    graph = walking_network(city)
    nodes = {node: shapely.Point(node) for node in graph}
    starts = {node for node, point in nodes.items() if point.within(home)}
    assert starts
    reached = nx.multi_source_dijkstra_path_length(graph, starts, cutoff=500, weight="weight")
    for park_id, ground in city["parks"].geometry.items():
        assert not any(nodes[node].distance(ground) < 20 for node in reached), park_id


def test_the_same_name_stands_in_two_units(city):
    communities = city["communities"]
    repeated = communities[communities["name"].duplicated(keep=False)]
    assert tuple(repeated.index) == situation("duplicate_name").ids
    assert repeated["unit_code"].nunique() == 2
    assert communities["subdistrict"]["340405-001"] == "八公山镇"


def test_the_abandoned_line_supplies_a_community(city):
    line = city["utility_lines"].loc["JS-90001"]
    assert (line["status"], line["network"]) == ("abandoned", "water")
    home = shape_of(city, "communities", "340403-001")
    assert line.geometry.intersects(home)
    inside = city["utility_lines"][
        city["utility_lines"].intersects(home) & (city["utility_lines"]["network"] == "water")
    ]
    assert inside.index.tolist() == ["JS-90001"]


def test_each_planted_parcel_breaks_one_condition(city):
    parcels, communities = city["parcels"], city["communities"]
    planted = {name: parcels.loc[situation(name).ids[0]] for name in (
        "idle_candidate", "parcel_used", "parcel_collective", "parcel_granted", "parcel_too_small", "parcel_farmland",
        "parcel_in_compound", "parcel_holder_unknown", "parcel_overdue",
    )}  # fmt: skip
    farmland = city["control_lines"][city["control_lines"]["kind"] == "prime_farmland"].union_all()
    asked = {
        "parcel_used": lambda p: p["inspected_vacant"] is True,
        "parcel_collective": lambda p: p["ownership"] == "state",
        "parcel_granted": lambda p: (
            p["holder_kind"] in ("government", "public_institution", "state_company", "none")
            or pd.isna(p["holder_kind"])
        ),
        "parcel_too_small": lambda p: p.geometry.area >= 150,
        "parcel_farmland": lambda p: p.geometry.intersection(farmland).area < 1,
        "parcel_in_compound": lambda p: not communities.intersects(p.geometry.buffer(-0.1)).any(),
        "parcel_holder_unknown": lambda p: pd.notna(p["holder_kind"]),
    }
    # A collective parcel has a collective holder; being overdue is what makes a company's land worth a look.
    expected = {
        "idle_candidate": set(),
        "parcel_overdue": {"parcel_granted"},
        "parcel_collective": {"parcel_collective", "parcel_granted"},
    }
    for name, parcel in planted.items():
        broken = {condition for condition, holds in asked.items() if not holds(parcel)}
        assert broken == expected.get(name, {name}), name
    built = city["buildings"].geometry.union_all()
    for name, parcel in planted.items():
        assert parcel.geometry.intersection(built).area == 0, name


def test_contract_dates_tell_overdue_from_not_yet_due(city):
    as_of = dt.date(2024, 9, 30)
    due = {name: city["parcels"].loc[situation(name).ids[0]] for name in ("parcel_granted", "parcel_overdue")}
    assert due["parcel_granted"]["start_due_on"] > as_of
    assert due["parcel_overdue"]["start_due_on"] == dt.date(2021, 6, 30)
    assert pd.isna(due["parcel_overdue"]["started_on"])


def test_the_overlap_is_a_sliver_and_parcels_overlap_nowhere_else(city):
    parcels = city["parcels"].geometry
    a, b = parcels.sindex.query(parcels, predicate="overlaps")
    mine = [
        (parcels.index[i], parcels.index[j])
        for i, j in zip(a, b, strict=True)
        if parcels.iloc[i].intersection(parcels.iloc[j]).area > 0.5
    ]
    assert mine
    (key,) = situation("parcel_overlap").ids
    assert all(key in pair for pair in mine)
    sliver = parcels[mine[0][0]].intersection(parcels[mine[0][1]])
    assert 2 * sliver.area / sliver.length == pytest.approx(1.5, rel=0.03)


def test_one_registered_area_is_18_per_cent_off(city):
    (key,) = situation("parcel_area_off").ids
    parcel = city["parcels"].loc[key]
    assert parcel["registered_area_m2"] / parcel.geometry.area == pytest.approx(1.18, abs=1e-4)


def test_one_community_has_127_m2_a_household(city):
    (key,) = situation("area_per_household").ids
    main = city["communities"][city["communities"]["plan_batch"] == "main"]
    ratio = main["floor_area_m2"] / main["households"].astype(float)
    assert ratio[key] == pytest.approx(127, rel=0.02)
    assert ratio.drop(key).max() < 105


def test_progress_goes_back_once_in_the_whole_city(city):
    records = city["works_records"]
    assert records["recorded_on"].max() == dt.date(2024, 9, 30)
    assert records["recorded_on"].nunique() == 12
    back = [
        (project, day)
        for project, mine in records.groupby("project_id")
        for day, step in zip(mine["recorded_on"][1:], np.diff(mine["progress_share"]), strict=True)
        if step < 0
    ]
    assert back == [(situation("progress_backward").ids[0], dt.date(2024, 8, 31))]


def test_projects_and_communities_are_many_to_many(city):
    pairs = city["project_communities"]
    assert pairs.groupby("community_id").size().max() == 2
    assert pairs[pairs["project_id"] == "XM-2024-001"]["community_id"].tolist() == ["340402-003", "340402-004"]
    planned = city["communities"][city["communities"]["plan_batch"] != "reserve"]
    assert set(pairs["community_id"]) == set(planned.index)


def test_no_basis_of_money_exceeds_the_one_before(city):
    wide = city["funds"].pivot_table(index=["project_id", "source"], columns="basis", values="amount_yuan")
    for later, earlier in (("allocated", "planned"), ("received", "allocated"), ("paid", "received")):
        assert not (wide[later] > wide[earlier] + 50).any()


def test_vacant_rooms_use_no_water_and_no_power(city):
    used = city["meter_readings"].groupby("place_id")["used_amount"].sum()
    status = city["premises"]["status"].reindex(used.index)
    assert used[status == "vacant"].eq(0).all()
    assert used[status == "used"].gt(0).all()
    assert used[situation("idle_candidate").ids[0]] == 0
    assert used[situation("parcel_used").ids[0]] > 0


def test_hostile_names_are_there(city):
    names = city["facilities"]["name"]
    assert names["FW-90001"] == "<img src=x onerror=alert(1)>"
    assert names["FW-90002"].startswith("=")


def test_idle_land_greens_over_between_the_two_dates(city):
    before, after = city["greenness_before"], city["greenness_after"]
    assert before.transform == after.transform

    def mean(raster, key):
        x, y = shapely.get_coordinates(shape_of(city, "parcels", key).centroid)[0]
        column, row = (x - raster.transform.c) / raster.transform.a, (y - raster.transform.f) / raster.transform.e
        return raster.values[int(row) - 1 : int(row) + 2, int(column) - 1 : int(column) + 2].mean()

    (idle,), (used,) = situation("idle_candidate").ids, situation("parcel_used").ids
    assert mean(after, idle) - mean(before, idle) > 0.1
    assert abs(mean(after, used) - mean(before, used)) < 0.05
    assert np.isnan(before.values).any()


def test_the_ground_is_as_high_as_huainan(city):
    heights = city["terrain"].values
    assert heights.min() == pytest.approx(16.5)  # the river; the city lies at 16.5 to 240 m
    assert 150 < heights.max() <= 245


# --- files ----------------------------------------------------------------------------------------


def test_the_same_bytes_each_time(written, tmp_path):
    write_city(tmp_path)
    first = {path.relative_to(written): path.read_bytes() for path in written.rglob("*") if path.is_file()}
    second = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_the_repository_holds_exactly_what_is_written(written, city):
    """Cards and texts byte by byte; binary files by name, for another GDAL writes other bytes."""
    texts = (".toml", ".csv", ".geojson")
    mine = sorted(p.relative_to(written) for p in (written / "layers").rglob("*") if p.is_file())
    theirs = sorted(p.relative_to(REPOSITORY) for p in (REPOSITORY / "layers").rglob("*") if p.is_file())
    assert mine == theirs
    assert [p for p in mine if p.suffix in texts and (written / p).read_bytes() != (REPOSITORY / p).read_bytes()] == []
    for name, text in card_texts(city).items():
        assert (REPOSITORY / "layers" / f"{name}.toml").read_text(encoding="utf-8") == text
    assert sum((REPOSITORY / p).stat().st_size for p in theirs) <= 6_000_000


def test_the_repository_holds_the_drawn_photos_and_shows_them(written):
    names = sorted(p.name for p in (written / "photos").iterdir())
    assert names == sorted(p.name for p in (REPOSITORY / "photos").iterdir())
    for text in ("photos/photos.csv", "maps/public.toml"):
        assert (written / text).read_bytes() == (REPOSITORY / text).read_bytes()
    assert (written / "photos/photos.csv").read_text(encoding="utf-8-sig").count("示意图，非实景") == len(names) - 1


def test_the_project_states_the_plan(written):
    import tomllib

    project = tomllib.loads((written / "project.toml").read_text(encoding="utf-8"))
    assert project == tomllib.loads(project_text())
    assert project["project"]["synthetic"] is True
    assert project["targets"]["main"] == {"communities": 100, "households": 22_595, "floor_area_m2": 1_735_100}
    assert "communities" not in project["targets"]["supplement"]


def test_every_card_says_the_data_are_synthetic(written):
    for path in (written / "layers").glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        assert "合成示例数据（非真实）" in text
        assert "不代表任何真实" in text


@pytest.fixture(scope="module")
def read_back():
    from gis_renovation.run.inputs import read_inputs
    from gis_renovation.run.project import open_project

    inputs = read_inputs(open_project(REPOSITORY))
    assert [f.sentence("en") for f in inputs.findings if f.severity == "error"] == []
    return inputs.layers


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in RASTERS])
def test_a_layer_read_by_its_card_is_the_layer_that_was_made(city, read_back, name):
    made, found = city[name], read_back[name]
    schema = layer_schema(name)
    if not schema.key:
        order = list(made.columns[:3])
        made, found = (f.sort_values(order, ignore_index=True) for f in (made, found[list(made.columns)]))
    assert list(found.index) == list(made.index)
    if schema.geometry:
        apart = shapely.hausdorff_distance(found.geometry.to_numpy(), made.geometry.to_numpy())
        assert apart.max() < 0.005
    for column in made.columns.drop("geometry", errors="ignore"):
        if schema.fields[column].type in ("number", "integer"):
            a, b = (pd.to_numeric(f[column], errors="coerce").to_numpy("float64") for f in (made, found))
            places = {"cost_yuan": 50.0, "progress_share": 1e-9, "built_share": 0.005, "invested_share": 0.005}
            np.testing.assert_allclose(b, a, atol=places.get(column, 0.01), rtol=0)
        else:
            a, b = ([None if pd.isna(v) else v for v in f[column]] for f in (made, found))
            assert a == b, column


def test_rasters_read_by_their_cards_are_those_that_were_made(city, read_back):
    for name in RASTERS:
        np.testing.assert_allclose(read_back[name].values, city[name].values, atol=1e-5)
        assert read_back[name].transform == city[name].transform


def test_the_gcj02_file_is_some_550_m_off_until_converted(written, city):
    table = pd.read_csv(written / "layers" / FILES["facilities"].path, encoding="utf-8-sig")
    raw = gpd.GeoSeries(gpd.points_from_xy(table["经度"], table["纬度"]), crs="EPSG:4490").to_crs("EPSG:4548")
    truth = city["facilities"].geometry.loc[table["设施编号"]]
    assert raw.distance(truth, align=False).between(500, 600).all()
    lon, lat = gcj02_to_wgs84(table["经度"].to_numpy(), table["纬度"].to_numpy())
    mended = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs="EPSG:4490").to_crs("EPSG:4548")
    assert mended.distance(truth, align=False).max() < 0.01


def test_the_survey_table_has_the_northing_in_x(written):
    table = pd.read_csv(written / "layers" / FILES["street_lights"].path, encoding="utf-8-sig")
    assert table["X"].between(3_500_000, 3_660_000).all()
    assert table["Y"].between(438_000, 520_000).all()


def test_the_shapefile_is_gbk_without_a_code_page_file(written):
    folder = written / "layers" / "data"
    assert not (folder / "parcels.cpg").exists()
    content = (folder / "parcels.dbf").read_bytes()
    assert "宗地编号".encode("gbk") in content
    assert "城镇住宅用地".encode("gbk") in content


def test_files_differ_in_format_system_unit_and_encoding():
    suffixes = {Path(spec.path).suffix for spec in FILES.values()}
    assert suffixes == {".gpkg", ".shp", ".geojson", ".parquet", ".csv", ".xlsx", ".tif"}
    assert {spec.crs for spec in FILES.values()} >= {"EPSG:4490", "EPSG:4326", "EPSG:4548", "EPSG:4527"}
    assert {spec.encoding for spec in FILES.values()} >= {"GB18030", ""}
