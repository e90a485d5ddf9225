"""Drawn towns, networkx as the independent judge, and properties of park access and path provision."""

import itertools
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import ConfigError, CRSError, DataError
from gis_renovation.greenways.access import park_access
from gis_renovation.greenways.provision import slow_path_provision
from gis_renovation.greenways.rules import ParkGoals, WalkingRules
from gis_renovation.sample.city import make_city, situation
from gis_renovation.schemas import layer_schema

CRS = "EPSG:4548"
SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"


def areas(key="community_id", **boxes):
    """Boxes (left, bottom, right, top) by id."""
    frame = gpd.GeoDataFrame(
        {key: list(boxes), "name": list(boxes)}, geometry=[shapely.box(*b) for b in boxes.values()], crs=CRS
    )
    return frame.astype({key: "object", "name": "object"}).set_index(key)


def parks(*, public=True, **boxes):
    """Park boxes, all of one openness."""
    frame = areas("park_id", **boxes)
    frame["public"] = pd.Series([public] * len(frame), index=frame.index, dtype="object")
    return frame


def paths(*, public=True, kind="footway", **courses):
    """Paths by id."""
    frame = gpd.GeoDataFrame(
        {"path_id": list(courses), "kind": kind, "public": pd.Series([public] * len(courses), dtype="object")},
        geometry=[shapely.LineString(c) for c in courses.values()],
        crs=CRS,
    )
    return frame.astype({"path_id": "object", "kind": "object"}).set_index("path_id")


def streets(*, walkway=None, kind="secondary", **courses):
    """Streets by id."""
    frame = paths(public=walkway, kind=kind, **courses).rename(columns={"public": "walkway", "kind": "class"})
    return frame.rename_axis("street_id")


# A path of 1,000 m along the foot of community A (100 m wide); the park begins 600 m east of it.
A = {"A": (0, 0, 100, 100)}
PATH = {"p": [(0, 0), (1000, 0)]}
PARK = {"K": (700, 0, 900, 200)}


def test_the_walk_is_measured_along_the_path_to_the_parks_edge():
    row = park_access(areas(**A), paths(**PATH), parks(**PARK)).loc["A"]
    assert row["network_distance_m"] == pytest.approx(600)
    assert row["straight_distance_m"] == pytest.approx(600)
    assert (row["park_id"], row["detour_ratio"]) == ("K", pytest.approx(1))
    assert row["frontage_m"] == pytest.approx(130)  # 100 m at the wall and 30 m beyond it, to the east


@pytest.mark.parametrize("park", [(700, 0, 900, 200), (398, 0, 500, 9), (130, 0, 150, 9)])
def test_the_sentence_says_that_the_walk_ends_at_the_edge_as_no_entrance_is_known(park):
    table = park_access(areas(**A), paths(**PATH), parks(K=park), goals=ParkGoals(distances_m=(300.0,)))
    row = table.loc["A"]
    # From the wall at x = 100 along the path to where the park's box begins: its edge, whatever its gates.
    assert row["network_distance_m"] == pytest.approx(park[0] - 100)
    assert row["reason_zh"].startswith(f"步行 {park[0] - 100} m 可到K边缘；")
    assert row["reason_en"].startswith(f"{park[0] - 100} m on foot to the edge of K; a park within 300 m of ")
    assert not any(word in row["reason_zh"] for word in ("入口", "出入口", "大门"))


def test_drawing_paths_parks_or_streets_twice_changes_no_walk_and_no_share():
    course = paths(p=[(0, 0), (1000, 0)], q=[(300, -200), (300, 400)])
    around = streets(s=[(0, -30), (1000, -30)], walkway=True)
    ground = parks(**PARK, L=(250, 300, 350, 400))

    def twice(frame):
        return pd.concat([frame, frame.set_axis([f"{key}2" for key in frame.index]).rename_axis(frame.index.name)])

    numbers = ["network_distance_m", "straight_distance_m", "frontage_m", "covered_300_m_share", "covered_500_m_share"]
    plain = park_access(areas(**A), course, ground, streets=around)[numbers]
    for layers in ((twice(course), ground, around), (course, twice(ground), around), (course, ground, twice(around))):
        again = park_access(areas(**A), *layers[:2], streets=layers[2])[numbers]
        pd.testing.assert_frame_equal(again, plain, rtol=1e-9)


@pytest.mark.parametrize(("within_m", "share"), [(550, 0.0), (650, 80 / 130), (615, 45 / 130), (1000, 1.0)])
def test_the_share_is_of_the_frontages_length_and_exact(within_m, share):
    # From the wall at x the walk is 700 - x; from beyond it, at 100 < x <= 130, it is (x - 100) + (700 - x) = 600.
    table = park_access(areas(**A), paths(**PATH), parks(**PARK), goals=ParkGoals(distances_m=(within_m,)))
    assert table.loc["A", f"covered_{within_m}_m_share"] == pytest.approx(share, abs=1e-9)


def test_connectors_count_at_both_ends():
    # The path runs 20 m below the wall and 10 m below the park: straight down, along, straight up.
    row = park_access(areas(**A), paths(p=[(50, -20), (50, -19), (800, -19)]), parks(K=(800, -9, 900, 90))).loc["A"]
    straight_down = 19 + (800 - 100) + 10
    assert row["network_distance_m"] <= straight_down
    assert row["network_distance_m"] >= row["straight_distance_m"] == pytest.approx(np.hypot(700, 0))


def test_a_park_across_a_river_is_as_far_as_the_bridge_makes_it():
    # Two banks 100 m apart; the only bridge is 2 km east.
    banks = paths(south=[(0, 0), (2000, 0)], bridge=[(2000, 0), (2000, 100)], north=[(0, 100), (2000, 100)])
    row = park_access(areas(A=(0, -100, 100, -1)), banks, parks(K=(0, 101, 100, 200))).loc["A"]
    assert row["straight_distance_m"] == pytest.approx(102)
    # Connectors may slant by up to 30 m: from 20 m beyond the corner they gain most, being measured every 10 m.
    assert row["network_distance_m"] == pytest.approx(2 * (1880 + np.hypot(20, 1)) + 100)
    assert row["detour_ratio"] > 35
    assert (row["guide_300_m"], row["guide_500_m"]) == ("exceeds", "exceeds")
    bridged = pd.concat([banks, paths(new=[(50, 0), (50, 100)])])
    assert park_access(areas(A=(0, -100, 100, -1)), bridged, parks(K=(0, 101, 100, 200))).loc[
        "A", "network_distance_m"
    ] == pytest.approx(102)


def test_a_crossing_on_another_level_is_no_junction():
    under = paths(p=[(50, 0), (50, 400)], over=[(-100, 200), (700, 200)])
    under["level"] = [0, 1]
    park = parks(K=(690, 190, 800, 300))
    assert np.isnan(park_access(areas(**A), under, park).loc["A", "network_distance_m"])
    assert park_access(areas(**A), under.drop(columns="level"), park).loc["A", "network_distance_m"] > 0


def test_inside_paths_count_without_connector_and_by_length():
    # 100 m of path inside, from 50 m inside the wall to beyond it, and on to the park at 300 m.
    row = park_access(areas(**A), paths(p=[(0, 50), (400, 50)]), parks(K=(400, 0, 500, 100))).loc["A"]
    assert row["network_distance_m"] == pytest.approx(300)
    # On 0..100 the walk is 400 - x; only x = 100 and what lies beyond is within 300.
    assert row["covered_300_m_share"] == pytest.approx(30 / 130)
    assert row["covered_500_m_share"] == pytest.approx(1)
    assert (row["guide_300_m"], row["guide_500_m"]) == ("meets", "meets")


def test_no_network_near_is_unknown_with_a_reason():
    row = park_access(areas(A=(0, 31, 100, 100)), paths(**PATH), parks(**PARK)).loc["A"]
    assert np.isnan(row["network_distance_m"])
    assert np.isnan(row["covered_300_m_share"])
    assert (row["frontage_m"], row["guide_300_m"]) == (0, "unknown")
    assert "没有可确认能步行的道路" in row["reason_zh"]


def test_a_network_that_leads_to_no_park_has_a_share_of_zero_and_no_distance():
    row = park_access(areas(**A), paths(p=[(0, 0), (300, 0)]), parks(**PARK)).loc["A"]
    assert np.isnan(row["network_distance_m"])
    assert (row["covered_500_m_share"], row["guide_500_m"]) == (0, "exceeds")
    assert "不通往" in row["reason_zh"]


@pytest.mark.parametrize(
    ("path_options", "park_options"),
    [({"public": None}, {}), ({"kind": "cycleway"}, {}), ({"kind": None}, {}), ({}, {"public": None})],
)
def test_what_is_not_known_to_be_open_is_possible_but_not_confirmed(path_options, park_options):
    near = areas(A=(300, 0, 400, 100))
    row = park_access(near, paths(**path_options, **PATH), parks(**park_options, **PARK)).loc["A"]
    assert np.isnan(row["network_distance_m"])
    assert np.isnan(row["covered_500_m_share"])
    assert row["possible_distance_m"] == pytest.approx(300)
    assert (row["guide_300_m"], row["guide_500_m"]) == ("unknown", "unknown")
    assert "核实" in row["reason_zh"]


@pytest.mark.parametrize(("path_options", "park_options"), [({"public": False}, {}), ({}, {"public": False})])
def test_what_is_known_to_be_closed_is_not_even_possible(path_options, park_options):
    row = park_access(areas(**A), paths(**path_options, **PATH), parks(**park_options, **PARK)).loc["A"]
    assert row[["network_distance_m", "possible_distance_m"]].isna().all()


@pytest.mark.parametrize(
    ("walkway", "kind", "confirmed", "possible"),
    [
        (True, "arterial", True, True),
        (None, "arterial", False, True),
        (False, "arterial", False, False),
        (False, "access", True, True),
        (None, "branch", True, True),
        (None, "expressway", False, False),
        (True, "expressway", True, True),
    ],
)
def test_streets_are_walked_by_their_walkway_and_class(walkway, kind, confirmed, possible):
    street = streets(walkway=walkway, kind=kind, s=PATH["p"])
    row = park_access(areas(**A), paths(), parks(**PARK), street).loc["A"]
    assert np.isnan(row["network_distance_m"]) != confirmed
    assert np.isnan(row["possible_distance_m"]) != possible


def test_a_closer_unverified_park_leaves_the_guide_verdict_open():
    both = pd.concat([parks(K=(700, 0, 900, 200)), parks(public=None, U=(200, 0, 220, 20))])
    row = park_access(areas(**A), paths(**PATH), both).loc["A"]
    assert (row["network_distance_m"], row["possible_distance_m"]) == (pytest.approx(600), pytest.approx(100))
    assert (row["guide_300_m"], row["guide_500_m"]) == ("unknown", "unknown")
    assert (row["park_id"], row["possible_park_id"], row["straight_park_id"]) == ("K", "U", "U")


def test_an_empty_park_layer_is_not_checked_rather_than_far():
    table = park_access(areas(**A), paths(**PATH), parks())
    row = table.loc["A"]
    assert row[["network_distance_m", "covered_300_m_share", "straight_distance_m"]].isna().all()
    assert row["guide_300_m"] == "unknown"
    assert "未核查" in row["reason_zh"]


def canal(**rules):
    """A community and a park on either side of a canal 16 m wide with a path on its north bank, and a far bridge."""
    walks = paths(north=[(-100, 10), (1000, 10)], bridge=[(1000, 10), (1000, -20)], south=[(1000, -20), (-100, -20)])
    water = gpd.GeoDataFrame(
        {"kind": ["canal"]},
        geometry=[shapely.box(-200, -8, 2000, 8)],
        index=pd.Index(["w"], name="barrier_id"),
        crs=CRS,
    )
    home, park = areas(A=(0, 12, 100, 100)), parks(K=(0, -120, 100, -11))
    return park_access(home, walks, park, None, water, walking=WalkingRules(**rules)).loc["A"]


def test_connectors_do_not_jump_a_canal_narrower_than_they_are_long():
    with_water = canal()
    assert with_water["network_distance_m"] > 1700
    assert with_water["straight_distance_m"] == pytest.approx(23)
    assert canal(blocking_kinds=())["network_distance_m"] < 30


def test_a_wall_drawn_along_the_network_does_not_block_it():
    # The railway runs 1 m beside the path, as one drawn on a bank does.
    rail = gpd.GeoDataFrame(
        {"kind": ["railway"]}, geometry=[shapely.LineString([(-50, -1), (2000, -1)])], index=["r"], crs=CRS
    )
    row = park_access(areas(A=(0, 5, 100, 100)), paths(**PATH), parks(**PARK), None, rail).loc["A"]
    assert row["network_distance_m"] == pytest.approx(600, abs=1)


def test_the_service_radius_grows_with_the_park():
    # The path runs along the wall from the park's edge to the far corner, 100 to 700 m away.
    home, walks = areas(A=(0, 0, 600, 100)), paths(p=[(0, 0), (700, 0)])
    parks_of = {"tiny": 40, "pocket": 80, "community": 110, "large": 300}  # 0.16, 0.64, 1.21, 9 ha
    served = {
        name: park_access(home, walks, parks(K=(700, -side, 700 + side, 0))).loc["A"] for name, side in parks_of.items()
    }
    # Frontage: 600 m of wall and 30 m beyond it, where the walk is (x - 600) + (700 - x) = 100.
    assert served["tiny"]["served_share"] == 0
    assert served["pocket"]["served_share"] == pytest.approx((200 + 30) / 630)
    assert served["community"]["served_share"] == pytest.approx((400 + 30) / 630)
    assert served["large"]["served_share"] == pytest.approx(1)
    assert [row["covered_300_m_share"] for row in served.values()] == pytest.approx([(200 + 30) / 630] * 4)


def test_a_small_park_beside_does_not_hide_a_large_one_farther_off():
    home, walks = areas(A=(0, 0, 100, 100)), paths(p=[(0, 0), (500, 0)])
    both = parks(small=(100, -20, 120, -1), large=(500, -300, 800, 0))
    assert park_access(home, walks, both).loc["A", "served_share"] == pytest.approx(1)


def grid_town(seed, blocks=5, pitch=120.0):
    """A street grid with missing pieces, communities in some blocks and parks in others."""
    rng = np.random.default_rng(seed)
    courses = {}
    for i in range(blocks + 1):
        for j in range(blocks):
            for a, b in (((i, j), (i, j + 1)), ((j, i), (j + 1, i))):
                if rng.random() < 0.75:
                    courses[f"s{i}{j}{a[0]}{a[1]}{b[0]}{b[1]}"] = [
                        tuple(pitch * np.array(a)),
                        tuple(pitch * np.array(b)),
                    ]
    cells = [(i, j) for i in range(blocks) for j in range(blocks)]
    order = rng.permutation(len(cells))

    def block(k):
        x, y = pitch * np.array(cells[order[k]])
        return (x + 12, y + 12, x + pitch - 12, y + pitch - 12)

    homes = areas(**{f"C{k}": block(k) for k in range(6)})
    green = parks(**{f"K{k}": block(k) for k in range(6, 9)})
    return homes, paths(**courses), green


def judged(homes, walks, green, connect_m=30.0):
    """Distance and shares by networkx on a graph of every metre of the lines as GEOS nodes them."""
    graph = nx.Graph()
    for line in shapely.get_parts(shapely.node(shapely.union_all(walks.geometry.to_numpy()))):
        spots = [tuple(np.round(xy, 3)) for xy in shapely.get_coordinates(shapely.segmentize(line, 1.0))]
        for a, b in itertools.pairwise(spots):
            graph.add_edge(a, b, weight=float(np.hypot(a[0] - b[0], a[1] - b[1])))
    spots = list(graph)
    points = shapely.points(spots)
    gaps = np.min([shapely.distance(park, points) for park in green.geometry], axis=0)
    graph.add_weighted_edges_from(("park", spots[k], gaps[k]) for k in np.flatnonzero(gaps <= connect_m))
    ways = nx.single_source_dijkstra_path_length(graph, "park") if "park" in graph else {}
    on = np.array([ways.get(spot, np.inf) for spot in spots])
    result = {}
    for name, home in homes.geometry.items():
        off = shapely.distance(home, points)
        walks_m = (off + on)[off <= connect_m]
        result[name] = (walks_m.min(initial=np.inf), {d: np.mean(walks_m <= d) for d in (300, 500) if len(walks_m)})
    return result


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_walks_and_shares_equal_those_of_networkx_on_a_graph_of_metres(seed):
    homes, walks, green = grid_town(seed)
    table = park_access(homes, walks, green, walking=WalkingRules(step_m=5.0))
    for name, (metres, shares) in judged(homes, walks, green).items():
        row = table.loc[name]
        if np.isinf(metres):
            assert np.isnan(row["network_distance_m"])
        else:
            assert row["network_distance_m"] == pytest.approx(metres, abs=2.0)
        for within_m, share in shares.items():
            assert row[f"covered_{within_m}_m_share"] == pytest.approx(share, abs=0.03)


@pytest.mark.shared_data
def test_real_parcels_walk_as_far_as_networkx_says():
    source = SHARED_DATA / "cambridge_two_neighbourhoods.gpkg"
    roads, green, homes = (
        gpd.read_file(source, layer=name).to_crs("EPSG:26986") for name in ("streets", "open_space", "parcels")
    )
    roads = roads[["geometry"]].assign(walkway=True).set_axis([f"S{k:03d}" for k in range(len(roads))])
    green = green[["geometry"]].assign(public=True).set_axis([f"K{k:02d}" for k in range(len(green))])
    homes = homes[["geometry"]].set_axis(pd.Index([f"P{k:04d}" for k in range(len(homes))], name="community_id"))
    homes = homes[homes.is_valid & homes.geom_type.eq("Polygon")].iloc[::60]
    no_paths = gpd.GeoDataFrame(geometry=[], crs=roads.crs)
    table = park_access(homes, no_paths, green, roads, walking=WalkingRules(snap_m=0.001, step_m=2.0))
    expected = judged(homes, roads, green)
    assert sum(np.isfinite(metres) for metres, _ in expected.values()) > 20
    for name, (metres, shares) in expected.items():
        row = table.loc[name]
        if np.isinf(metres):
            assert np.isnan(row["network_distance_m"])
            continue
        assert row["network_distance_m"] == pytest.approx(metres, abs=1.5)
        for within_m, share in shares.items():
            assert row[f"covered_{within_m}_m_share"] == pytest.approx(share, abs=0.04)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), ends=st.lists(st.floats(0, 600), min_size=4, max_size=4))
def test_adding_a_path_never_lengthens_access(seed, ends):
    homes, walks, green = grid_town(seed, blocks=4)
    new = paths(new=[ends[:2], [ends[2], ends[3] + 0.5]])
    before = park_access(homes, walks, green)["network_distance_m"]
    after = park_access(homes, pd.concat([walks, new]), green)["network_distance_m"]
    assert (after.fillna(np.inf) <= before.fillna(np.inf) + 1e-6).all()


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), corner=st.tuples(st.floats(0, 500), st.floats(0, 500)))
def test_adding_a_park_never_lengthens_access_or_lowers_a_share(seed, corner):
    homes, walks, green = grid_town(seed, blocks=4)
    more = pd.concat([green, parks(new=(*corner, corner[0] + 60, corner[1] + 60))])
    before, after = park_access(homes, walks, green), park_access(homes, walks, more)
    assert (after["network_distance_m"].fillna(np.inf) <= before["network_distance_m"].fillna(np.inf) + 1e-6).all()
    for column in ("covered_300_m_share", "covered_500_m_share"):
        assert (after[column].fillna(1) >= before[column].fillna(0) - 1e-6).all()


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.tuples(st.integers(-3000, 3000), st.integers(-3000, 3000)))
def test_row_order_and_place_change_nothing(seed, shift):
    town = grid_town(seed, blocks=4)
    base = park_access(*town)
    assert_frame_equal(park_access(*(layer.sample(frac=1, random_state=seed) for layer in town)), base)
    moved = park_access(*(layer.set_geometry(layer.translate(*shift)) for layer in town))
    numbers = base.select_dtypes("number").columns
    assert_frame_equal(moved[numbers], base[numbers], rtol=1e-6, atol=1e-6)


def test_shares_grow_with_the_distance_and_the_walk_is_never_below_the_straight_line():
    for seed in range(3):
        table = park_access(*grid_town(seed), goals=ParkGoals(distances_m=(100, 300, 500, 900)))
        shares = table[[f"covered_{d}_m_share" for d in (100, 300, 500, 900)]].to_numpy()
        assert (np.diff(shares, axis=1) >= 0).all()
        known = table.dropna(subset="network_distance_m")
        assert (known["network_distance_m"] >= known["straight_distance_m"]).all()


def test_results_keep_their_schemas_and_inputs_stay_as_they_were():
    town = grid_town(3)
    before = [layer.copy() for layer in town]
    access, provision = park_access(*town), slow_path_provision(*town[:2])
    for table, name in ((access, "park_access"), (provision, "slow_path_provision")):
        schema = layer_schema(name)
        assert check_layer(table, schema) == []
        assert [schema.key, *table.columns] == list(schema.fields)
        assert table.index.is_monotonic_increasing
    for layer, old in zip(town, before, strict=True):
        assert_geodataframe_equal(layer, old)


def test_empty_layers_give_the_same_columns():
    homes, walks, green = grid_town(3)
    full, provision = park_access(homes, walks, green), slow_path_provision(homes, walks)
    for empty in ((0,), (1,), (2,), (0, 1, 2)):
        town = [layer.iloc[:0] if i in empty else layer for i, layer in enumerate((homes, walks, green))]
        for got, expected in ((park_access(*town), full), (slow_path_provision(*town[:2]), provision)):
            assert len(got) == len(town[0])
            assert got.dtypes.to_dict() == expected.dtypes.to_dict()


def test_wrong_options_and_coordinates_are_refused():
    town = grid_town(3)
    with pytest.raises(ConfigError, match="connect_m"):
        park_access(*town, walking=WalkingRules(connect_m=0))
    with pytest.raises(CRSError, match="EPSG:4490"):
        park_access(town[0].to_crs("EPSG:4490"), *town[1:])


def test_provision_divides_the_length_around_by_light_width_and_kind():
    walks = paths(lit=[(0, 50), (100, 50)], dark=[(0, 60), (60, 60)], dim=[(0, 70), (40, 70)], shut=[(0, 80), (30, 80)])
    walks["lit"] = pd.Series([True, False, None, True], index=walks.index, dtype="object")
    walks["width_m"] = [3.0, 1.0, np.nan, 9.0]
    walks["public"] = pd.Series([True, None, True, False], index=walks.index, dtype="object")
    walks["kind"] = ["greenway", "footway", "steps", "footway"]
    row = slow_path_provision(areas(A=(0, 0, 50, 100)), walks, around_m=20).loc["A"]
    # Within 20 m of the box the 100 m path is seen to x = 70.
    assert row["length_m"] == pytest.approx(50 + 50 + 40)
    assert row["around_length_m"] == pytest.approx(70 + 60 + 40)
    assert [row[f"{n}_length_m"] for n in ("lit", "unlit", "lit_unknown", "narrow", "width_unknown")] == pytest.approx(
        [70, 60, 40, 60, 40]
    )
    assert [row[f"{n}_length_m"] for n in ("greenway", "steps", "public_unknown", "closed")] == pytest.approx(
        [70, 40, 60, 30]
    )
    assert row["lit_share"] == pytest.approx(70 / 130)
    assert row["mean_width_m"] == pytest.approx((70 * 3 + 60 * 1) / 130)


def test_loose_ends_and_pieces_are_counted_and_a_street_ties_an_end():
    walks = paths(a=[(10, 10), (90, 10)], b=[(90, 10), (90, 90)], c=[(10, 50), (50, 50)])
    home = areas(A=(0, 0, 100, 100))
    alone = slow_path_provision(home, walks, around_m=10).loc["A"]
    assert (alone["component_count"], alone["dangle_count"]) == (2, 4)
    tied = slow_path_provision(home, walks, streets(s=[(10, 0), (10, 100)]), around_m=10).loc["A"]
    assert (tied["component_count"], tied["dangle_count"]) == (1, 2)  # (90, 90) and (50, 50) stay loose
    assert "断头 2 处" in tied["reason_zh"]


def test_a_community_without_paths_around_says_so():
    row = slow_path_provision(areas(A=(0, 0, 50, 50)), paths(p=[(900, 900), (950, 900)])).loc["A"]
    assert (row["around_length_m"], row["dangle_count"]) == (0, 0)
    assert np.isnan(row["lit_share"])
    assert "没有慢行道" in row["reason_zh"]


def test_the_sample_citys_park_across_the_creek_is_near_but_not_on_foot():
    city = make_city(layers=("communities", "slow_paths", "parks", "streets", "barriers"))
    table = park_access(*(city[name] for name in ("communities", "slow_paths", "parks", "streets", "barriers")))
    row = table.loc[situation("park_across_river").ids[0]]
    assert row["straight_distance_m"] < 300
    assert not row["network_distance_m"] <= 500
    assert row["guide_500_m"] == "exceeds"
    assert "阻隔" in row["reason_zh"]


def test_plain_frames_count_their_rows_as_ids_and_forgotten_ids_are_refused():
    town = (areas(**A), paths(**PATH), parks(**PARK))
    plain = [layer.reset_index(drop=True) for layer in town]
    access, provision = park_access(*plain), slow_path_provision(*plain[:2])
    assert access.index.tolist() == provision.index.tolist() == ["0"]
    assert access.loc["0", "park_id"] == "0"
    assert access.loc["0", "network_distance_m"] == park_access(*town).loc["A", "network_distance_m"]
    for k in range(3):
        with pytest.raises(DataError, match="set_index"):
            park_access(*town[:k], town[k].reset_index(), *town[k + 1 :])
