"""Drawn gaps of every kind, networkx as the independent judge, and properties of the gap search."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_renovation.checking.remedies import check_layer
from gis_renovation.errors import ConfigError, DataError
from gis_renovation.greenways.detours import GapLimits
from gis_renovation.greenways.gaps import find_greenway_gaps
from gis_renovation.networks import build_network
from gis_renovation.schemas import layer_schema

CRS = "EPSG:4548"


def lines(key, **courses):
    """Lines by id."""
    frame = gpd.GeoDataFrame({key: list(courses)}, geometry=[shapely.LineString(c) for c in courses.values()], crs=CRS)
    return frame.astype({key: "object"}).set_index(key)


def paths(**courses):
    return lines("path_id", **courses).assign(public=True)


def streets(**courses):
    return lines("street_id", **courses).assign(walkway=False)


def test_a_street_between_two_paths_is_a_gap_that_joins_them():
    gaps = find_greenway_gaps(paths(a=[(0, 0), (100, 0)], b=[(300, 0), (360, 0)]), streets(s=[(100, 0), (300, 0)]))
    row = gaps.loc["a~b"]
    assert (row["kind"], row["length_m"], row["street_ids"]) == ("street", 200, "s")
    assert row["joins_pieces"]
    assert row["smaller_piece_length_m"] == 60
    assert np.isnan(row["detour_ratio"])
    assert row.geometry.equals(shapely.LineString([(100, 0), (300, 0)]))


def test_a_short_gap_along_a_street_is_a_crossing():
    gaps = find_greenway_gaps(paths(a=[(0, 0), (100, 0)], b=[(130, 0), (360, 0)]), streets(s=[(100, 0), (130, 0)]))
    assert gaps["kind"].tolist() == ["crossing"]


def test_a_gap_across_a_river_is_named_for_it():
    river = lines("barrier_id", r=[(200, -50), (200, 50)])
    gaps = find_greenway_gaps(
        paths(a=[(0, 0), (100, 0)], b=[(300, 0), (360, 0)]), streets(s=[(100, 0), (300, 0)]), river
    )
    assert gaps.loc["a~b", ["kind", "barrier_ids"]].tolist() == ["barrier", "r"]


def ring(straight_m, round_m):
    """Two path ends joined by a street, and by paths round about."""
    height = (round_m - straight_m) / 2
    course = [(0, 0), (0, height), (straight_m, height), (straight_m, 0)]
    return paths(p=course), streets(s=[(0, 0), (straight_m, 0)])


@pytest.mark.parametrize(("round_m", "found"), [(140, False), (149, False), (150, True), (400, True)])
def test_a_gap_counts_from_the_given_detour_on(round_m, found):
    gaps = find_greenway_gaps(*ring(100, round_m))
    assert len(gaps) == found
    if found:
        assert gaps["slow_distance_m"].tolist() == [pytest.approx(round_m)]
        assert gaps["detour_ratio"].tolist() == [pytest.approx(round_m / 100)]
        assert not gaps["joins_pieces"].any()


def test_a_way_through_a_third_contact_is_two_gaps_and_not_three():
    walks = paths(a=[(0, 0), (0, 50)], b=[(100, 0), (100, 50)], c=[(200, 0), (200, 50)])
    gaps = find_greenway_gaps(walks, streets(s=[(0, 0), (200, 0)]), limits=GapLimits(missing_m=1))
    assert gaps.index.tolist() == ["a~b", "b~c"]


def test_a_street_longer_than_a_way_over_paths_is_no_gap():
    # From p's left to its right end the path itself is the shortest way.
    gaps = find_greenway_gaps(paths(p=[(0, 0), (100, 0)]), streets(s=[(0, 0), (50, 80), (100, 0)]))
    assert len(gaps) == 0


def test_a_walkway_closes_a_gap_unless_only_paths_count():
    walks, road = paths(a=[(0, 0), (100, 0)], b=[(300, 0), (360, 0)]), streets(s=[(100, 0), (300, 0)])
    assert len(find_greenway_gaps(walks, road.assign(walkway=True))) == 0
    assert len(find_greenway_gaps(walks, road.assign(walkway=None))) == 1
    assert len(find_greenway_gaps(walks, road.assign(walkway=True), walkways_count=False)) == 1


def test_an_expressway_is_no_way_for_a_path():
    walks, road = paths(a=[(0, 0), (100, 0)], b=[(300, 0), (360, 0)]), streets(s=[(100, 0), (300, 0)])
    road["class"] = "expressway"
    assert find_greenway_gaps(walks, road)["kind"].tolist() == ["missing"]


def test_a_closed_path_does_not_carry_the_network():
    walks, road = ring(100, 140)
    extra = paths(a=[(-50, 0), (0, 0)], b=[(100, 0), (150, 0)])
    walks = pd.concat([walks, extra])
    assert len(find_greenway_gaps(walks, road)) == 0
    walks["public"] = pd.Series([False, True, True], index=walks.index, dtype="object")
    assert find_greenway_gaps(walks, road).index.tolist() == ["a~b"]


def test_a_dead_end_short_of_another_path_is_a_missing_link_found_once():
    gaps = find_greenway_gaps(paths(a=[(0, 0), (100, 0)], b=[(220, 0), (400, 0)]))
    row = gaps.loc["a~b"]
    assert (len(gaps), row["kind"], row["length_m"], row["smaller_piece_length_m"]) == (1, "missing", 120, 100)
    assert row["street_ids"] is None


def test_a_dead_end_beside_the_middle_of_a_path_links_to_the_nearest_place():
    gaps = find_greenway_gaps(paths(a=[(50, 40), (50, 90)], b=[(0, 0), (100, 0)]), limits=GapLimits(missing_m=45))
    assert gaps.loc["a~b"].geometry.equals(shapely.LineString([(50, 40), (50, 0)]))


def test_two_long_paths_side_by_side_are_linked_at_both_ends():
    gaps = find_greenway_gaps(paths(a=[(0, 0), (400, 0)], b=[(0, 30), (400, 30)]))
    assert gaps["length_m"].tolist() == [30, 30]


def test_of_three_broken_pieces_only_neighbours_are_linked():
    gaps = find_greenway_gaps(paths(a=[(0, 0), (100, 0)], b=[(150, 0), (250, 0)], c=[(310, 0), (400, 0)]))
    assert gaps["length_m"].to_dict() == {"a~b": 50, "b~c": 60}


def test_a_missing_link_beyond_the_limit_is_not_looked_for():
    walks = paths(a=[(0, 0), (100, 0)], b=[(220, 0), (400, 0)])
    assert len(find_greenway_gaps(walks, limits=GapLimits(missing_m=119))) == 0


def test_only_the_chosen_kinds_make_the_network():
    walks = paths(a=[(0, 0), (100, 0)], m=[(100, 0), (150, 0)], b=[(150, 0), (300, 0)])
    walks["kind"] = ["greenway", "alley", "greenway"]
    assert len(find_greenway_gaps(walks)) == 0
    assert find_greenway_gaps(walks, kinds=("greenway",)).index.tolist() == ["a~b"]


def random_town(seed, count=9):
    """A grid of streets with some paths on it in their stead."""
    rng = np.random.default_rng(seed)
    walks, roads = {}, {}
    for i in range(count // 2):
        for j in range(count // 2):
            for name, step in (("h", (1, 0)), ("v", (0, 1))):
                start = np.array([i, j]) * 100.0
                bend = start + 50 * np.array(step) + rng.uniform(0, 15, 2)
                course = [tuple(start), tuple(bend), tuple(start + 100 * np.array(step))]
                kind = rng.random()
                if kind < 0.35:
                    walks[f"{name}{i}{j}"] = course
                elif kind < 0.9:
                    roads[f"{name}{i}{j}"] = course
    return paths(**walks), streets(**roads)


def judged(walks, roads, ratio, limit_m):
    """End places of all gaps along streets by networkx: every pair of contacts, every shortest way."""
    both = pd.concat([walks.assign(slow=True), roads.assign(slow=False)])
    nodes, edges = build_network(both)
    edges = edges.assign(slow=edges["line_id"].map(both["slow"]))
    whole, slow, grey = nx.Graph(), nx.Graph(), nx.Graph()
    for graph, part in ((whole, edges), (slow, edges[edges["slow"]]), (grey, edges[~edges["slow"]])):
        graph.add_nodes_from(nodes.index)
        graph.add_weighted_edges_from(part[["from_node", "to_node", "length_m"]].itertuples(index=False))
    contacts = sorted(n for n in nodes.index if slow.degree(n) and grey.degree(n))
    gaps = set()
    for k, a in enumerate(contacts):
        for b in contacts[k + 1 :]:
            open_grey = grey.subgraph([n for n in grey if n in (a, b) or n not in contacts])
            try:
                metres = nx.dijkstra_path_length(open_grey, a, b)
            except nx.NetworkXNoPath:
                continue
            shortest = nx.dijkstra_path_length(whole, a, b)
            try:
                detour = nx.dijkstra_path_length(slow, a, b)
            except nx.NetworkXNoPath:
                detour = np.inf
            if metres <= min(limit_m, shortest + 1e-6) and detour >= ratio * metres - 1e-6:
                gaps.add((round(metres, 3), frozenset(tuple(nodes.geometry[n].coords[0]) for n in (a, b))))
    return gaps


@pytest.mark.parametrize("seed", range(8))
def test_gaps_along_streets_equal_those_of_networkx_over_every_pair(seed):
    walks, roads = random_town(seed)
    gaps = find_greenway_gaps(walks, roads, limits=GapLimits(limit_m=450, missing_m=0.1))
    found = {
        (round(row.length_m, 3), frozenset(tuple(xy) for xy in shapely.get_coordinates(row.geometry)[[0, -1]]))
        for row in gaps.itertuples()
    }
    assert found == judged(walks, roads, 1.5, 450)
    assert found


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_row_order_changes_nothing(seed):
    walks, roads = random_town(seed)
    shuffled = find_greenway_gaps(walks.sample(frac=1, random_state=seed), roads.iloc[::-1])
    assert_geodataframe_equal(shuffled, find_greenway_gaps(walks, roads))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_closing_every_gap_leaves_none_of_them(seed):
    walks, roads = random_town(seed)
    gaps = find_greenway_gaps(walks, roads, limits=GapLimits(missing_m=0.1))
    built = gpd.GeoDataFrame(
        {"public": True}, geometry=list(gaps.geometry), index=[f"new{k:03d}" for k in range(len(gaps))], crs=CRS
    )
    after = find_greenway_gaps(pd.concat([walks, built]), roads, limits=GapLimits(missing_m=0.1))
    before_ends = {frozenset(map(tuple, shapely.get_coordinates(g)[[0, -1]])) for g in gaps.geometry}
    after_ends = {frozenset(map(tuple, shapely.get_coordinates(g)[[0, -1]])) for g in after.geometry}
    assert not before_ends & after_ends


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), ratio=st.floats(1, 4), more=st.floats(0, 4))
def test_asking_for_a_greater_detour_never_finds_more(seed, ratio, more):
    walks, roads = random_town(seed)
    strict = find_greenway_gaps(walks, roads, limits=GapLimits(min_detour_ratio=ratio + more, missing_m=0.1))
    loose = find_greenway_gaps(walks, roads, limits=GapLimits(min_detour_ratio=ratio, missing_m=0.1))
    assert set(strict.geometry.to_wkt()) <= set(loose.geometry.to_wkt())


def test_the_result_keeps_its_schema_and_empty_layers_give_the_same_columns():
    walks, roads = random_town(4)
    full = find_greenway_gaps(walks, roads)
    schema = layer_schema("greenway_gaps")
    assert check_layer(full, schema) == []
    assert [schema.key, *full.columns.drop("geometry")] == list(schema.fields)
    assert full.index.is_monotonic_increasing
    for got in (find_greenway_gaps(walks.iloc[:0], roads), find_greenway_gaps(walks.iloc[:0], None, None)):
        assert len(got) == 0
        assert got.dtypes.to_dict() == full.dtypes.to_dict()
        assert got.crs == full.crs


def test_options_out_of_range_are_all_named_at_once():
    walks, roads = random_town(4)
    with pytest.raises(ConfigError, match=r"limit_m = 0.*min_detour_ratio = 0.5"):
        find_greenway_gaps(walks, roads, limits=GapLimits(limit_m=0, min_detour_ratio=0.5))


def test_plain_frames_count_their_rows_as_ids_and_forgotten_ids_are_refused():
    walks, road = paths(a=[(0, 0), (100, 0)], b=[(300, 0), (360, 0)]), streets(s=[(100, 0), (300, 0)])
    plain = find_greenway_gaps(walks.reset_index(drop=True), road.reset_index(drop=True))
    assert (plain.index.tolist(), plain["street_ids"].tolist()) == (["0~1"], ["0"])
    with pytest.raises(DataError, match="set_index"):
        find_greenway_gaps(walks.reset_index(), road)
