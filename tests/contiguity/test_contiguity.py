"""Neighbours, gaps, barriers that close every way, crossings, borders, shared walls, groups."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from shapely import LineString, MultiLineString, MultiPolygon, Point, Polygon, box

from gis_renovation.checking.remedies import check_layer
from gis_renovation.contiguity import judging
from gis_renovation.contiguity.graphs import connected_groups
from gis_renovation.contiguity.limits import LinkLimits
from gis_renovation.contiguity.links import link_communities
from gis_renovation.contiguity.pairs import nearby_pairs
from gis_renovation.contiguity.shared_walls import list_shared_walls
from gis_renovation.errors import ConfigError, CRSError, DataError
from gis_renovation.schemas import layer_schema

METRIC = "EPSG:4548"


def layer(shapes, key, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(shapes.values()), index=pd.Index(list(shapes), name=key), crs=METRIC)


def communities(shapes, **columns):
    return layer(shapes, "community_id", name=[f"小区{i}" for i in shapes], **columns)


def barriers(shapes, kind="railway", **columns):
    return layer(shapes, "barrier_id", kind=kind, **columns)


def crossings(shapes, kind="footbridge", **columns):
    return layer(shapes, "crossing_id", kind=kind, **columns)


def only(links):
    assert len(links) == 1
    return links.iloc[0]


def status(shapes, fences=None, bridges=None, **limits):
    """Status of the one link between two drawn communities."""
    fences = None if fences is None else barriers(fences)
    bridges = None if bridges is None else crossings(bridges)
    return only(link_communities(communities(shapes), fences, bridges, limits=LinkLimits(**limits))).status


# A and B are squares of 100 m, 40 m apart; the railway runs north-south in the middle of the gap.
SQUARES = {"A": box(0, 0, 100, 100), "B": box(140, 0, 240, 100)}
TOUCHING = {"A": box(0, 0, 100, 100), "B": box(100, 0, 200, 100)}
RAILWAY = {"R": LineString([(120, -500), (120, 600)])}


# --- pairs ----------------------------------------------------------------------------------------


def test_a_lattice_has_the_pairs_one_counts_by_head():
    side = 120
    x, y = (axis.ravel() * 15.0 for axis in np.meshgrid(np.arange(side), np.arange(side)))
    squares = shapely.box(x, y, x + 10, y + 10)
    assert len(nearby_pairs(squares, max_gap_m=4.9).first) == 0
    beside = nearby_pairs(squares, max_gap_m=5.0)
    assert len(beside.first) == 2 * side * (side - 1)
    assert set(beside.gap_m) == {5.0}
    assert len(nearby_pairs(squares, max_gap_m=7.08).first) == 2 * side * (side - 1) + 2 * (side - 1) ** 2


def any_polygons(rng, count):
    """Boxes, stars, rings with a hole, doubles and pairs of boxes on whole metres, so that ties occur."""
    shapes = []
    for kind, (x, y) in zip(rng.integers(0, 6, count), rng.integers(0, 300, (count, 2)).astype(float), strict=True):
        if kind == 0:
            shapes.append(box(x, y, x + 40, y + 30))
        elif kind == 1:
            angle = np.sort(rng.uniform(0, 2 * np.pi, 12))
            radius = rng.uniform(5, 40, 12)
            star = Polygon(np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], 1))
            shapes.append(star if star.is_valid else box(x, y, x + 3, y + 3))
        elif kind == 2:
            shapes.append(box(x, y, x + 60, y + 60) - box(x + 10, y + 10, x + 50, y + 50))
        elif kind == 3 and shapes:
            shapes.append(shapes[-1])
        elif kind == 4:
            shapes.append(MultiPolygon([box(x, y, x + 10, y + 10), box(x + 50, y, x + 60, y + 10)]))
        else:
            shapes.append(Polygon([(x, y), (x + 20, y + 20), (x, y + 40), (x - 20, y + 20)]))
    return np.array(shapes, dtype=object)


def measured_one_by_one(shapes, bound):
    return [
        (i, j, shapes[i].distance(shapes[j]))
        for i in range(len(shapes))
        for j in range(i + 1, len(shapes))
        if shapes[i].distance(shapes[j]) <= bound
    ]


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(0, 40),
    st.one_of(st.integers(0, 60), st.floats(0, 80), st.sampled_from([np.sqrt(200.0), np.hypot(20, 40)])),
    st.sampled_from([0.0, 500_000.0, 40_500_000.0]),
)
def test_pairs_equal_every_pair_measured_one_by_one(seed, count, bound, east):
    shapes = any_polygons(np.random.default_rng(seed), count)
    shapes = shapely.transform(shapes, lambda xy: xy + np.array([east, 3_600_000.0]))
    found = nearby_pairs(shapes, max_gap_m=float(bound))
    expected = measured_one_by_one(shapes, bound)
    assert list(zip(found.first.tolist(), found.second.tolist(), found.gap_m.tolist(), strict=True)) == expected


def test_pairs_do_not_depend_on_threads_or_row_order():
    rng = np.random.default_rng(5)
    shapes = any_polygons(rng, 300)
    order = rng.permutation(300)
    one, many, mixed = (
        nearby_pairs(shapes, max_gap_m=12.0, threads=1),
        nearby_pairs(shapes, max_gap_m=12.0, threads=4),
        nearby_pairs(shapes[order], max_gap_m=12.0),
    )
    assert all((a == b).all() for a, b in zip(one, many, strict=True))
    pairs = {tuple(sorted(pair)) for pair in zip(order[mixed.first], order[mixed.second], strict=True)}
    assert pairs == set(zip(one.first.tolist(), one.second.tolist(), strict=True))


def test_missing_and_empty_polygons_have_no_neighbour():
    shapes = np.array([box(0, 0, 1, 1), None, Polygon(), box(2, 0, 3, 1)], dtype=object)
    found = nearby_pairs(shapes, max_gap_m=5.0)
    assert (found.first.tolist(), found.second.tolist(), found.gap_m.tolist()) == ([0], [3], [1.0])
    assert len(nearby_pairs(shapes[1:3], max_gap_m=5.0).first) == 0


def test_pairs_of_a_layer_in_degrees_are_refused():
    with pytest.raises(CRSError, match="EPSG:4490"):
        nearby_pairs(communities(SQUARES).set_crs(4490, allow_override=True), max_gap_m=5.0)


# --- links without barriers -----------------------------------------------------------------------


def test_squares_within_the_bound_are_joined_across_the_gap():
    link = only(link_communities(communities(SQUARES)))
    assert (link.name, link.focal, link.neighbor) == ("A~B", "A", "B")
    assert (link.status, link.cause, link.gap_m, link.walk_m) == ("joined", "near", 40.0, 40.0)
    assert link.geometry.length == 40.0
    assert link.reason_zh == "相距 40 米，其间无阻隔"


def test_the_bound_itself_is_in_and_beyond_is_out():
    assert len(link_communities(communities(SQUARES), limits=LinkLimits(max_gap_m=40.0))) == 1
    assert len(link_communities(communities(SQUARES), limits=LinkLimits(max_gap_m=39.999))) == 0


def test_no_communities_give_no_links_with_the_same_columns_and_types():
    full = link_communities(communities(SQUARES), barriers(RAILWAY), crossings({"F": Point(120, 50)}))
    none = link_communities(communities(SQUARES).iloc[:0], barriers(RAILWAY), crossings({"F": Point(120, 50)}))
    assert len(none) == 0
    assert none.dtypes.to_dict() == full.dtypes.to_dict()
    assert (none.index.name, none.crs) == ("link_id", full.crs)


def test_empty_barriers_and_crossings_change_nothing():
    plain = link_communities(communities(SQUARES))
    nothing = link_communities(communities(SQUARES), barriers(RAILWAY).iloc[:0], crossings({"F": Point(0, 0)}).iloc[:0])
    assert plain.equals(nothing)


def test_the_layer_keeps_its_schema():
    shapes = {**SQUARES, "C": box(240, 0, 300, 100), "D": box(0, 130, 100, 200)}
    links = link_communities(
        communities(shapes, unit_code=["1", "1", "2", None], owner_unit=["矿务局", "矿务局", None, None]),
        barriers(RAILWAY),
        crossings({"F": Point(120, 160)}),
    )
    assert len(links) == 4
    assert check_layer(links, layer_schema("community_links")) == []
    assert set(links.columns) - {"geometry"} == set(layer_schema("community_links").fields) - {"link_id"}


def test_degrees_are_refused():
    with pytest.raises(CRSError, match="EPSG:4326"):
        link_communities(communities(SQUARES).set_crs(4326, allow_override=True))
    with pytest.raises(CRSError, match="barriers"):
        link_communities(communities(SQUARES), barriers(RAILWAY).set_crs(4549, allow_override=True))


@pytest.mark.parametrize(
    "name", ["max_gap_m", "min_opening_m", "crossing_reach_m", "max_detour_m", "wall_gap_m", "tie_reach_m"]
)
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_length_that_is_none_is_refused_by_name(name, value):
    with pytest.raises(ConfigError, match=name):
        LinkLimits(**{name: value})


def test_repeated_ids_are_refused_by_name():
    twice = communities(SQUARES).set_axis(["A", "A"])
    with pytest.raises(DataError, match="A"):
        link_communities(twice)


@pytest.mark.parametrize("ids", [[7, 12], pd.Categorical(["x", "y"]), [2.5, 3.5], pd.array(["m", "n"], "string")])
def test_any_kind_of_index_gives_text_ids(ids):
    link = only(link_communities(communities(SQUARES).set_axis(pd.Index(ids), axis="index")))
    assert link.name == "~".join(sorted(str(value) for value in ids))


def test_plain_frames_from_files_work_and_forgotten_ids_are_refused():
    plain = communities(SQUARES).reset_index(drop=True)
    fence, bridge = barriers(RAILWAY).reset_index(drop=True), crossings({"F": Point(120, 50)}, barrier_id=[0])
    links = link_communities(plain, fence, bridge)
    assert (only(links).name, only(links).status, only(links).crossing_id) == ("0~1", "rejoined", "F")
    assert len(list_shared_walls(plain, links)) == 0
    assert connected_groups(plain, links).to_dict() == {0: "G-0", 1: "G-0"}
    with pytest.raises(DataError, match=r'communities\.set_index\("community_id"\)'):
        link_communities(communities(SQUARES).reset_index())


def test_duplicates_and_contained_communities_touch_and_their_link_can_be_drawn():
    shapes = {"A": box(0, 0, 100, 100), "B": box(0, 0, 100, 100), "C": box(40, 40, 60, 60)}
    links = link_communities(communities(shapes))
    assert links.gap_m.tolist() == [0.0, 0.0, 0.0]
    assert (links.geometry.length > 0).all()
    assert links.geometry.is_valid.all()


# --- barriers -------------------------------------------------------------------------------------


def test_a_railway_through_the_gap_cuts_and_is_named():
    link = only(
        link_communities(communities(SQUARES), barriers(RAILWAY, name="淮南铁路"), crossings({"F": Point(9e3, 0)}))
    )
    assert (link.status, link.cause, link.barrier_id, link.barrier_kind) == ("cut", "barrier", "R", "railway")
    assert np.isnan(link.walk_m)
    assert link.reason_zh == "隔淮南铁路，相距 40 米；步行 300 米内无可用通道"


def test_without_a_crossings_layer_the_reason_does_not_claim_there_is_none():
    link = only(link_communities(communities(SQUARES), barriers(RAILWAY)))
    assert link.reason_zh == "隔铁路 R，相距 40 米；未提供通道资料"


def test_a_railway_elsewhere_cuts_nothing():
    assert status(SQUARES, {"R": LineString([(300, -500), (300, 600)])}) == "joined"
    assert status(SQUARES, {"R": LineString([(-100, 120), (400, 120)])}) == "joined"


def test_a_barrier_over_the_shortest_line_that_leaves_half_the_gap_open_does_not_cut():
    # All of the facing sides is 40 m apart; the wall closes y > 40, where GEOS draws its shortest line.
    link = only(link_communities(communities(SQUARES), barriers({"R": LineString([(120, 40), (120, 600)])})))
    assert (link.status, link.cause, link.barrier_id) == ("joined", "around", "R")
    assert not link.geometry.intersects(LineString([(120, 40), (120, 600)]))
    assert link.walk_m == link.geometry.length == pytest.approx(40.0, abs=0.2)


def test_a_wall_as_long_as_the_facing_sides_cuts():
    assert status(SQUARES, {"W": LineString([(120, 0), (120, 100)])}) == "cut"


def test_two_half_walls_cut_together_and_neither_alone():
    low, high = LineString([(120, -10), (120, 51)]), LineString([(121, 49), (121, 110)])
    assert status(SQUARES, {"L": low}) == "joined"
    assert status(SQUARES, {"H": high}) == "joined"
    link = only(link_communities(communities(SQUARES), barriers({"L": low, "H": high}, kind="wall")))
    assert link.status == "cut"
    assert "围墙 H、围墙 L" in link.reason_zh


@pytest.mark.parametrize(("opening", "expected"), [(1.0, "cut"), (3.0, "joined")])
def test_an_opening_counts_when_a_person_passes(opening, expected):
    wall = MultiLineString([[(120, -50), (120, 60)], [(120, 60 + opening), (120, 150)]])
    assert status(SQUARES, {"W": wall}, min_opening_m=1.2) == expected


def test_a_river_polygon_cuts_and_one_that_ends_in_the_gap_does_not():
    assert status(SQUARES, {"V": box(110, -900, 130, 900)}) == "cut"
    assert status(SQUARES, {"V": box(110, 30, 130, 900)}) == "joined"


def test_a_river_as_long_as_a_city_cuts_the_same():
    y = np.linspace(-50_000, 50_000, 5001)
    bank = np.stack([112 + 3 * np.sin(y / 40.0), y], 1)
    river = Polygon(np.concatenate([bank, (bank + np.array([12, 0]))[::-1]]))
    assert status(SQUARES, {"V": river}) == "cut"
    assert status(SQUARES, {"V": LineString(bank)}) == "cut"
    assert status(SQUARES, {"V": LineString([(114, -50_000), (126, 50_000)])}) == "cut"


def test_a_river_over_the_corner_of_a_community_neither_fails_nor_cuts_another_side():
    shapes = {**SQUARES, "C": box(0, 120, 100, 220)}
    river = {"V": Polygon([(80, -200), (130, -200), (130, 400), (110, 400), (110, 20), (80, 20)])}
    links = link_communities(communities(shapes), barriers(river, kind="river"))
    assert links.status.to_dict() == {"A~B": "cut", "A~C": "joined", "B~C": "cut"}


def test_a_community_under_a_lake_is_cut_from_all_and_does_not_fail():
    assert status(SQUARES, {"V": box(-50, -50, 110, 150)}) == "cut"
    assert status(SQUARES, {"V": box(-50, -50, 110, 150)}, {"F": Point(110, 50)}) == "cut"


def test_a_railway_drawn_a_little_inside_a_community_still_cuts_it_from_the_other_side():
    assert status(SQUARES, {"R": LineString([(97, -500), (97, 600)])}) == "cut"


def test_a_railway_through_the_middle_of_a_community_leaves_it_the_neighbour_of_both_sides():
    shapes = {"A": box(0, 0, 100, 100), "B": box(120, 0, 200, 100), "C": box(-100, 0, -20, 100)}
    links = link_communities(communities(shapes), barriers({"R": LineString([(50, -500), (50, 600)])}))
    assert links.status.tolist() == ["joined", "joined"]


def test_a_wall_along_the_shared_boundary_cuts_communities_that_touch():
    link = only(link_communities(communities(TOUCHING), barriers({"W": LineString([(100, 0), (100, 100)])}, "wall")))
    assert (link.status, link.gap_m) == ("cut", 0.0)


def test_a_wall_along_half_the_shared_boundary_does_not_cut():
    assert status(TOUCHING, {"W": LineString([(100, -50), (100, 55)])}) == "joined"


def test_communities_that_touch_at_a_corner_under_a_railway_are_cut():
    shapes = {"A": box(0, 0, 100, 100), "B": box(100, 100, 200, 200)}
    assert status(shapes, {"R": LineString([(0, 200), (200, 0)])}) == "cut"
    assert status(shapes, {"R": LineString([(0, 290), (290, 0)])}) == "joined"


def test_a_wall_all_round_a_community_cuts_it_and_its_gate_joins_again():
    ring = {"W": box(-10, -10, 110, 110).exterior}
    assert status(SQUARES, ring) == "cut"
    assert status(SQUARES, ring, {"G": Point(110, 50)}) == "rejoined"


def test_a_barrier_that_can_be_opened_is_mentioned_and_does_not_cut():
    wall = barriers({"W": LineString([(120, -50), (120, 150)])}, kind="wall", grade=3)
    link = only(link_communities(communities(SQUARES), wall))
    assert (link.status, link.cause, link.barrier_id) == ("joined", "soft_barrier", "W")
    assert only(link_communities(communities(SQUARES), wall, limits=LinkLimits(max_cutting_grade=3))).status == "cut"


def test_a_wall_that_can_be_opened_on_the_shared_boundary_is_mentioned():
    wall = barriers({"W": LineString([(100, 20), (100, 80)])}, kind="wall", grade=3, name="南墙")
    link = only(link_communities(communities(TOUCHING), wall))
    assert (link.status, link.cause, link.barrier_id) == ("joined", "soft_barrier", "W")
    assert link.reason_zh == "隔南墙（可拆除或开口），边界相接，共用边界约 100 米"


def test_a_barrier_of_unknown_grade_cuts():
    wall = barriers({"W": LineString([(120, -50), (120, 150)])}, kind="wall", grade=pd.array([None], "Int64"))
    assert only(link_communities(communities(SQUARES), wall)).status == "cut"


# --- crossings ------------------------------------------------------------------------------------


def test_a_footbridge_near_by_joins_again_at_the_price_of_the_walk():
    bridge = crossings({"F": Point(120, 160)}, name="人民天桥")
    link = only(link_communities(communities(SQUARES), barriers(RAILWAY, name="淮南铁路"), bridge))
    assert (link.status, link.barrier_id, link.crossing_id, link.crossing_kind) == ("rejoined", "R", "F", "footbridge")
    assert link.walk_m == pytest.approx(2 * np.hypot(20, 60))
    assert link.geometry.length == pytest.approx(link.walk_m)
    assert link.reason_zh == "隔淮南铁路，相距 40 米；经人民天桥（绕行 126 米）可连通"


def test_the_walk_decides_at_its_bound():
    walk = 2 * np.hypot(20, 60)
    bridge = {"F": Point(120, 160)}
    assert status(SQUARES, RAILWAY, bridge, max_detour_m=walk + 1e-6) == "rejoined"
    assert status(SQUARES, RAILWAY, bridge, max_detour_m=walk - 1e-6) == "cut"


def test_a_bridge_drawn_as_a_line_is_walked_from_end_to_end():
    # From (100, 100) up to (110, 200), 20 m over, back down to (140, 100).
    bridge = crossings({"F": LineString([(130, 200), (110, 200)])})
    link = only(link_communities(communities(SQUARES), barriers(RAILWAY), bridge))
    assert link.walk_m == pytest.approx(20 + 2 * np.hypot(10, 100))
    assert link.geometry.length == pytest.approx(link.walk_m)


def test_the_nearer_of_two_bridges_is_taken():
    links = link_communities(
        communities(SQUARES), barriers(RAILWAY), crossings({"F": Point(120, 160), "G": Point(120, -20)})
    )
    assert only(links).crossing_id == "G"


def test_a_bridge_over_another_barrier_joins_nothing():
    fences = barriers({**RAILWAY, "S": LineString([(120, 165), (400, 165)])})
    named = crossings({"F": Point(120, 160)}, barrier_id=["S"])
    assert only(link_communities(communities(SQUARES), fences, named)).status == "cut"
    unnamed = crossings({"F": Point(120, 160)}, barrier_id=[None])
    assert only(link_communities(communities(SQUARES), fences, unnamed)).status == "rejoined"


def test_a_crossing_off_the_line_serves_the_nearest_barrier_in_reach():
    assert status(SQUARES, RAILWAY, {"F": Point(130, 130)}, crossing_reach_m=10.0) == "rejoined"
    assert status(SQUARES, RAILWAY, {"F": Point(130, 130)}, crossing_reach_m=9.0) == "cut"


def test_a_bridge_that_one_reaches_only_across_another_barrier_is_of_no_use():
    # The wall parts B from the bridge, and runs too far to be in B's gap to A.
    wall = {"W": LineString([(121, 130), (400, 130)])}
    assert status(SQUARES, {**RAILWAY, **wall}, {"F": Point(120, 200)}) == "cut"
    assert status(SQUARES, RAILWAY, {"F": Point(120, 200)}) == "rejoined"


def test_two_barriers_need_two_crossings_or_one_over_both():
    both = {"R": LineString([(110, -500), (110, 600)]), "S": LineString([(130, -500), (130, 600)])}
    assert status(SQUARES, both, {"F": Point(110, 120)}, crossing_reach_m=5.0) == "cut"
    two = {"F": Point(110, 120), "G": Point(130, 120)}
    link = only(
        link_communities(communities(SQUARES), barriers(both), crossings(two), limits=LinkLimits(crossing_reach_m=5.0))
    )
    assert link.status == "rejoined"
    assert link.walk_m == pytest.approx(20 + 2 * np.hypot(10, 20))
    assert status(SQUARES, both, {"F": LineString([(105, 110), (135, 110)])}) == "rejoined"


def test_removing_the_footbridge_cuts_and_splits_the_group():
    places, fence, bridge = communities(SQUARES), barriers(RAILWAY), crossings({"F": Point(120, 160)})
    with_bridge = link_communities(places, fence, bridge)
    without = link_communities(places, fence, bridge.iloc[:0])
    assert (only(with_bridge).status, only(without).status) == ("rejoined", "cut")
    assert set(connected_groups(places, with_bridge)) == {"G-A"}
    assert set(connected_groups(places, without)) == {"G-A", "G-B"}


# --- borders --------------------------------------------------------------------------------------


def test_different_known_counties_cut_and_unknown_ones_do_not():
    units = gpd.GeoDataFrame({"name": ["大通区"]}, geometry=[box(0, 0, 1, 1)], index=["1"], crs=METRIC)
    link = only(link_communities(communities(SQUARES, unit_code=["1", "2"]), reporting_units=units))
    assert (link.status, link.cause, bool(link.same_unit)) == ("cut", "unit_border", False)
    assert link.reason_zh.startswith("分属不同县区（大通区、2），不跨界连片")
    for codes, same in ((["1", None], pd.NA), (["1", "1"], True)):
        link = only(link_communities(communities(SQUARES, unit_code=codes)))
        assert link.status == "joined"
        assert link.same_unit is same or link.same_unit == same


def test_subdistricts_cut_only_when_asked():
    places = communities(SQUARES, subdistrict=["田东", "洞山"])
    assert only(link_communities(places)).status == "joined"
    link = only(link_communities(places, limits=LinkLimits(within_subdistrict=True)))
    assert (link.status, link.cause) == ("cut", "subdistrict_border")


def test_a_bridge_does_not_join_across_a_county_border():
    places = communities(SQUARES, unit_code=["1", "2"])
    assert only(link_communities(places, barriers(RAILWAY), crossings({"F": Point(120, 50)}))).status == "cut"


# --- shared walls ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "length"),
    [
        (box(100, 0, 200, 100), 100.0),  # side by side
        (box(100, 60, 200, 160), 40.0),  # shifted
        (box(101.5, 0, 200, 100), 100.0),  # 1.5 m apart
        (box(103, 0, 200, 100), 0.0),  # 3 m apart
        (box(100, 100, 200, 200), 0.0),  # corner to corner
        (box(99, 20, 200, 70), 50.0),  # drawn 1 m over
        (Polygon([(100, 0), (110, 0), (110, 100), (104, 100)]), 50.0),  # slants away: within 2 m up to y = 50
        (Polygon([(100, 50), (200, 0), (200, 100)]), 0.0),  # a tip at 63 degrees
    ],
)
def test_shared_walls_are_as_long_as_drawn(other, length):
    link = only(
        link_communities(communities({"A": box(0, 0, 100, 100), "B": other}), limits=LinkLimits(wall_gap_m=2.0))
    )
    assert link.shared_wall_m == pytest.approx(length, abs=0.05)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_walls_of_touching_boxes_equal_the_line_their_boundaries_share(seed):
    y, wide, high = np.random.default_rng(seed).integers(0, 6, 3) * 10.0
    one, other = box(0, 0, 30, 30), box(30, y - 30, 40 + wide, y + 10 + high)
    links = link_communities(communities({"A": one, "B": other}), limits=LinkLimits(wall_gap_m=0.01))
    walls = links.shared_wall_m.tolist() or [0.0]
    assert walls == pytest.approx([one.boundary.intersection(other.boundary).length])


# --- ties -----------------------------------------------------------------------------------------


def test_every_shared_wall_is_listed_with_its_length_and_what_opening_it_would_do():
    # Four in a row, 1 m apart, 40, 30 and 20 m side by side; a railway in the last gap.
    shapes = {"A": box(0, 0, 50, 40), "B": box(51, 0, 99, 40), "C": box(100, 10, 150, 60), "D": box(151, 40, 200, 90)}
    places = communities(shapes)
    links = link_communities(places, barriers({"R": LineString([(150.5, -500), (150.5, 500)])}))
    links = links[links["shared_wall_m"] > 0]
    members = pd.DataFrame({"zone_id": ["Z-A", "Z-A", "Z-C", "Z-C"]}, index=places.index)
    walls = list_shared_walls(places, links, members)
    assert walls["shared_wall_m"].tolist() == pytest.approx([40, 30, 20])
    assert walls["use"].tolist() == ["same_zone", "other_zone", "blocked"]
    assert walls["zone_id"].fillna("").tolist() == ["Z-A", "", "Z-C"]
    assert walls["reason_zh"].iloc[0] == "小区A与小区B边界并行约 40 米，同在一个片区，可研究拆墙并院"
    # Drawn on the first one's boundary, with the corners that are within the gap of the other.
    assert walls.geometry.length.tolist() == pytest.approx([40, 30, 20], abs=2 * 2.0)
    assert [f.text.en for f in check_layer(walls, layer_schema("shared_walls"))] == []
    assert list_shared_walls(places, links)["use"].tolist() == ["unzoned", "unzoned", "blocked"]
    none = list_shared_walls(places, links, min_wall_m=41.0)
    assert len(none) == 0
    assert list(none) == list(walls)


def test_mains_in_use_and_paths_at_both_communities_are_shared_and_unknown_without_a_layer():
    street = LineString([(120, -100), (120, 200)])
    mains = layer(
        {"W": street, "G": street, "O": street, "E": LineString([(300, 0), (300, 100)]), "W2": street},
        "line_id",
        network=["water", "gas", "heat", "power", "water"],
        status=["in_use", None, "abandoned", "in_use", "in_use"],
    )
    paths = layer({"P": LineString([(-20, -10), (300, -10)])}, "path_id")
    link = only(link_communities(communities(SQUARES), utility_lines=mains, slow_paths=paths))
    assert (link.shared_main_count, bool(link.shares_path)) == (2, True)
    near = only(
        link_communities(
            communities(SQUARES), utility_lines=mains, slow_paths=paths, limits=LinkLimits(tie_reach_m=5.0)
        )
    )
    assert (near.shared_main_count, bool(near.shares_path)) == (0, False)
    unknown = only(link_communities(communities(SQUARES)))
    assert unknown.shared_main_count is pd.NA
    assert unknown.shares_path is pd.NA
    empty = only(link_communities(communities(SQUARES), utility_lines=mains.iloc[:0], slow_paths=paths.iloc[:0]))
    assert (empty.shared_main_count, bool(empty.shares_path)) == (0, False)


# --- properties -----------------------------------------------------------------------------------


def walls_on_a_grid(seed, count):
    """Straight walls between places 10 m apart, along the axes."""
    rng = np.random.default_rng(seed)
    shapes = {}
    for number in range(count):
        x, y = rng.integers(-3, 15, 2) * 10.0
        reach = rng.integers(1, 14) * 10.0
        end = (x + reach, y) if rng.integers(2) else (x, y + reach)
        shapes[f"W{number}"] = LineString([(x, y), end])
    return shapes


def flooded(one, other, walls, reach):
    """Whether water poured on the one reaches the other: the corridor as pixels of 1 m, walls as dams."""
    left, bottom, right, top = np.round(one.union(other).bounds)
    points = shapely.points(*np.meshgrid(np.arange(left - 4.5, right + 5), np.arange(bottom - 4.5, top + 5)))
    hull = shapely.convex_hull(
        shapely.union(one.intersection(other.buffer(reach)), other.intersection(one.buffer(reach)))
    )
    dry = ~(
        (shapely.distance(points, one) <= reach)
        & (shapely.distance(points, other) <= reach)
        & (shapely.distance(points, hull) <= 0.0)
    )
    dammed = np.zeros(points.shape, dtype=bool)
    for wall in walls:
        dammed |= shapely.distance(points, wall) <= 0.75
    label, _ = ndimage.label(~dry & ~dammed)
    inside_one, inside_other = (shapely.contains(shape, points) for shape in (one, other))
    return bool((set(label[inside_one & (label > 0)]) & set(label[inside_other & (label > 0)])) - {0})


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.sampled_from([0, 10, 30, 50]), st.sampled_from([-70, -20, 0, 40]))
def test_walls_cut_exactly_when_water_does_not_get_through(seed, count, gap, shift):
    # Walls lie in the gap and around, not in the communities, where slivers have a rule of their own.
    one, other = box(0, 0, 60, 60), box(60 + gap, shift, 120 + gap, shift + 60)
    if one.distance(other) > 60:
        return
    inside = shapely.union(one.buffer(-1), other.buffer(-1))
    walls = {key: wall for key, wall in walls_on_a_grid(seed, count).items() if not wall.intersects(inside)}
    if walls:
        expected = "joined" if flooded(one, other, walls.values(), 62.5) else "cut"
        assert status({"A": one, "B": other}, walls) == expected


def small_town(seed):
    """Communities of 8 corners in rows, railways and a river between some of them, bridges."""
    rng = np.random.default_rng(seed)
    places = {}
    for number in range(30):
        x, y = number % 6 * 120.0, number // 6 * 120.0
        angle = np.sort(rng.uniform(0, 2 * np.pi, 8))
        radius = rng.uniform(35, 65, 8)
        shape = Polygon(np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], 1)).buffer(0)
        places[f"C{number:02d}"] = shape if shape.area > 500 else box(x - 40, y - 40, x + 40, y + 40)
    fences = {}
    for number in range(rng.integers(1, 6)):
        across = np.arange(-100.0, 760.0, 60.0)
        off = rng.integers(0, 5) * 120.0 + 60.0 + rng.normal(0, 12, len(across))
        xy = np.stack([across, off] if rng.integers(2) else [off, across], 1)[: rng.integers(3, len(across))]
        line = LineString(xy)
        fences[f"B{number}"] = line.buffer(rng.uniform(3, 15)) if rng.integers(2) else line
    bridges = {f"X{n}": Point(*rng.uniform(-50, 700, 2)) for n in range(12)}
    return communities(places), barriers(fences), crossings(bridges)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_a_barrier_more_never_joins_and_a_bridge_more_never_cuts(seed):
    places, fences, bridges = small_town(seed)
    rank = {"cut": 0, "rejoined": 1, "joined": 2}
    for more, fewer in (
        ((fences.iloc[1:], bridges), (fences, bridges)),
        ((fences, bridges), (fences, bridges.iloc[:0])),
    ):
        easier = link_communities(places, *more).status.map(rank)
        harder = link_communities(places, *fewer).status.map(rank)
        assert (easier >= harder).all()
        assert easier.index.equals(harder.index)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_row_order_and_place_on_the_map_change_nothing(seed):
    places, fences, bridges = small_town(seed)
    links = link_communities(places, fences, bridges)
    mixed = link_communities(*(frame.sample(frac=1.0, random_state=seed % 1000) for frame in (places, fences, bridges)))
    assert links.equals(mixed)
    moved = link_communities(
        *(f.set_geometry(f.geometry.translate(1000.0, -3000.0)) for f in (places, fences, bridges))
    )
    for column in ("status", "cause", "barrier_id", "crossing_id"):
        assert links[column].equals(moved[column])
    assert moved.gap_m.to_numpy() == pytest.approx(links.gap_m.to_numpy(), abs=1e-6)
    assert moved.shared_wall_m.to_numpy() == pytest.approx(links.shared_wall_m.to_numpy(), abs=1e-4)


@pytest.mark.parametrize("seed", range(25))
def test_the_quick_cut_agrees_with_the_corridor(seed, monkeypatch):
    places, fences, bridges = small_town(seed)
    quick = link_communities(places, fences, bridges)
    monkeypatch.setattr(judging, "_through_cuts", lambda *_: {})
    slow = link_communities(places, fences, bridges)
    assert quick.status.equals(slow.status)
    assert quick.walk_m.equals(slow.walk_m)


# --- groups ---------------------------------------------------------------------------------------


def test_groups_follow_joined_and_rejoined_links_and_keep_the_callers_index():
    places = communities({i: box(n * 150, 0, n * 150 + 100, 100) for n, i in enumerate("EDCBA")})
    fences = barriers({"R": LineString([(125, -900), (125, 900)]), "S": LineString([(275, -900), (275, 900)])})
    bridges = crossings({"F": Point(275, 50)})
    groups = connected_groups(places, link_communities(places, fences, bridges))
    assert groups.to_dict() == {"E": "G-E", "D": "G-A", "C": "G-A", "B": "G-A", "A": "G-A"}
    assert groups.index.equals(places.index)
    assert (groups.name, len(connected_groups(places.iloc[:0], link_communities(places.iloc[:0])))) == ("group_id", 0)


def test_links_to_communities_that_are_not_there_are_named():
    places = communities(SQUARES)
    with pytest.raises(DataError, match="A~B"):
        connected_groups(places.loc[["A"]], link_communities(places))
