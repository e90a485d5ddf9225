"""Drawn networks, networkx as the independent judge, and properties."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from docstrings import failed_examples
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_series_equal
from scipy.sparse.csgraph import dijkstra

from gis_renovation.errors import ConfigError, CRSError
from gis_renovation.networks import (
    build_network,
    edge_graph,
    lengths_within,
    network_components,
    network_from_networkx,
    network_to_networkx,
    node_degrees,
    node_distances,
    reach_tiles,
)

CRS = "EPSG:4548"


def lines(**courses):
    """Lines by id; a course is a list of coordinates, or a shapely geometry."""
    shapes = [c if isinstance(c, shapely.Geometry) else shapely.LineString(c) for c in courses.values()]
    return gpd.GeoDataFrame(index=pd.Index(list(courses), name="path_id", dtype="object"), geometry=shapes, crs=CRS)


def node_at(nodes, x, y):
    """The id of the node at a place."""
    distance = shapely.distance(nodes.geometry.to_numpy(), shapely.Point(x, y))
    assert distance.min() < 0.6
    return nodes.index[distance.argmin()]


def test_lines_that_cross_meet_in_a_node():
    nodes, edges = build_network(lines(a=[(0, 0), (100, 0)], b=[(40, -30), (40, 50)]))
    assert len(nodes) == 5
    assert edges["length_m"].to_dict() == {"a#000": 40, "a#001": 60, "b#000": 30, "b#001": 50}
    assert node_degrees(nodes, edges)[node_at(nodes, 40, 0)] == 4


def test_lines_that_only_cross_do_not_meet_when_not_asked():
    nodes, edges = build_network(lines(a=[(0, 0), (100, 0)], b=[(40, -30), (40, 50)]), node_crossings=False)
    assert (len(nodes), len(edges)) == (4, 2)


def test_a_bridge_on_another_level_crosses_without_meeting_but_its_ends_do_meet():
    drawn = lines(street=[(0, 0), (100, 0)], bridge=[(40, -30), (40, 50)], ramp=[(40, 50), (90, 50)])
    drawn["level"] = [None, 1, None]
    nodes, edges = build_network(drawn)
    assert sorted(edges["line_id"]) == ["bridge", "ramp", "street"]
    assert network_components(nodes, edges).nunique() == 2
    assert node_degrees(nodes, edges)[node_at(nodes, 40, 50)] == 2


def test_an_end_just_short_of_a_line_reaches_it_and_one_too_far_off_does_not():
    drawn = lines(street=[(0, 0), (100, 0)], near=[(40, 0.4), (40, 50)], far=[(70, 0.6), (70, 50)])
    nodes, edges = build_network(drawn, snap_m=0.5)
    component = network_components(nodes, edges)
    assert component[node_at(nodes, 40, 50)] == component[node_at(nodes, 0, 0)]
    assert component[node_at(nodes, 70, 50)] != component[node_at(nodes, 0, 0)]
    assert edges.loc["near#000", "length_m"] == pytest.approx(49.6)  # the course stays as drawn


def test_ends_within_the_snap_share_a_node():
    nodes, _ = build_network(lines(a=[(0, 0), (50, 0)], b=[(50.3, 0.3), (90, 0)]), snap_m=0.5)
    assert len(nodes) == 3
    apart, _ = build_network(lines(a=[(0, 0), (50, 0)], b=[(50.3, 0.3), (90, 0)]), snap_m=0.4)
    assert len(apart) == 4


def test_lines_meeting_at_vertices_in_their_middle_meet():
    nodes, edges = build_network(lines(a=[(0, 0), (50, 0), (100, 0)], b=[(0, 50), (50, 0), (100, 50)]))
    assert (len(nodes), len(edges)) == (5, 4)


def test_overlapping_lines_meet_where_the_overlap_begins_and_ends():
    nodes, edges = build_network(lines(a=[(0, 0), (100, 0)], b=[(30, 0), (60, 0), (60, 40)]))
    assert len(set(network_components(nodes, edges))) == 1
    assert edges.loc[edges["line_id"] == "a", "length_m"].tolist() == [30, 30, 40]


def test_multilines_and_loops_become_edges_of_their_own():
    both = shapely.MultiLineString([[(0, 0), (10, 0)], [(20, 0), (30, 0)]])
    lollipop = [(100, 0), (100, 20), (110, 30), (90, 30), (100, 20)]
    nodes, edges = build_network(lines(m=both, p=lollipop))
    assert edges.loc[edges["line_id"] == "m", "length_m"].tolist() == [10, 10]
    assert node_degrees(nodes, edges)[node_at(nodes, 100, 20)] == 3
    assert edges.loc[edges["line_id"] == "p", "length_m"].sum() == pytest.approx(shapely.LineString(lollipop).length)


def test_stops_become_nodes():
    stops = gpd.GeoSeries([shapely.Point(30, 0), shapely.Point(30, 7)], crs=CRS)
    nodes, edges = build_network(lines(a=[(0, 0), (100, 0)]), stops=stops)
    assert edges["length_m"].tolist() == [30, 70]
    assert len(nodes) == 3


def test_a_dead_end_has_degree_one():
    nodes, edges = build_network(lines(a=[(0, 0), (100, 0)], b=[(50, 0), (50, 30)]))
    assert (node_degrees(nodes, edges) == 1).sum() == 3


def ring():
    """A ring road of 400 m with one start at its lower left corner, after 5 m of connector."""
    nodes, edges = build_network(
        lines(s=[(0, 0), (100, 0)], e=[(100, 0), (100, 100)], nw=[(100, 100), (0, 100), (0, 0)])
    )
    walked = node_distances(nodes, edges, pd.Series({node_at(nodes, 0, 0): 5.0}))
    return nodes, edges, walked


def test_distances_go_round_by_the_shorter_way():
    nodes, _, walked = ring()
    assert walked.loc[node_at(nodes, 100, 100), "distance_m"] == 205


def test_a_limit_leaves_farther_nodes_unreached():
    nodes, edges, _ = ring()
    walked = node_distances(nodes, edges, pd.Series({node_at(nodes, 0, 0): 5.0}), limit_m=110)
    assert np.isinf(walked.loc[node_at(nodes, 100, 100), "distance_m"])
    assert walked.loc[node_at(nodes, 100, 100), "start_node"] is None


def test_a_cheaper_parallel_edge_is_used():
    nodes, edges = build_network(lines(long=[(0, 0), (50, 80), (100, 0)], short=[(0, 0), (100, 0)]))
    walked = node_distances(nodes, edges, pd.Series({node_at(nodes, 0, 0): 0.0}))
    assert walked.loc[node_at(nodes, 100, 0), "distance_m"] == 100


def test_lengths_within_areas_are_cut_at_the_rim():
    drawn = [
        shapely.LineString([(-10, 5), (30, 5)]),
        shapely.LineString([(2, 1), (2, 4)]),
        shapely.LineString([(0, 50), (9, 50)]),
    ]
    found = lengths_within(np.array(drawn), np.array([shapely.box(0, 0, 10, 10), shapely.box(5, 0, 20, 10)]))
    assert found.to_dict() == pytest.approx({(0, 0): 10, (0, 1): 3, (1, 0): 15})


def test_empty_lines_give_empty_frames_with_the_same_columns():
    full = build_network(lines(a=[(0, 0), (100, 0)]))
    empty = build_network(lines())
    for mine, theirs in zip(empty, full, strict=True):
        assert len(mine) == 0
        assert list(mine.columns) == list(theirs.columns)
        assert mine.index.name == theirs.index.name
    assert len(node_distances(*empty, pd.Series(dtype="float64"))) == 0
    assert len(network_components(*empty)) == 0
    assert len(node_degrees(*empty)) == 0


def test_degrees_are_refused():
    with pytest.raises(CRSError, match="EPSG:4490"):
        build_network(lines(a=[(117, 32), (118, 32)]).set_crs("EPSG:4490", allow_override=True))


def random_lines(seed, count=25):
    rng = np.random.default_rng(seed)
    return lines(**{f"L{i:02d}": rng.uniform(0, 500, (rng.integers(2, 5), 2)) for i in range(count)})


def judge(drawn):
    """The same network by unary_union and networkx."""
    graph = nx.Graph()
    for piece in shapely.get_parts(shapely.node(shapely.union_all(drawn.geometry.to_numpy()))):
        ends = [tuple(np.round(end, 5)) for end in shapely.get_coordinates(piece)[[0, -1]]]
        if not graph.has_edge(*ends) or graph.edges[ends]["weight"] > piece.length:
            graph.add_edge(*ends, weight=piece.length)
    return graph


@pytest.mark.parametrize("seed", range(6))
def test_shortest_ways_equal_those_of_networkx_on_a_network_noded_by_geos(seed):
    drawn = random_lines(seed)
    nodes, edges = build_network(drawn, snap_m=0.0)
    graph = judge(drawn)
    starts = sorted(graph)[:: max(1, len(graph) // 3)]
    expected = nx.multi_source_dijkstra_path_length(graph, starts)
    walked = node_distances(nodes, edges, pd.Series(0.0, index=[node_at(nodes, *start) for start in starts]))
    assert edges["length_m"].sum() == pytest.approx(drawn.length.sum())
    assert network_components(nodes, edges).nunique() == nx.number_connected_components(graph)
    places = {
        tuple(np.round(xy, 5)): name
        for name, xy in zip(nodes.index, shapely.get_coordinates(nodes.geometry), strict=True)
    }
    for place in graph:
        assert walked.loc[places[place], "distance_m"] == pytest.approx(expected.get(place, np.inf), abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_row_order_changes_nothing(seed):
    drawn = random_lines(seed, 12)
    for mine, theirs in zip(build_network(drawn), build_network(drawn.sample(frac=1, random_state=seed)), strict=True):
        assert_geodataframe_equal(mine, theirs)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.tuples(st.integers(-3000, 3000), st.integers(-3000, 3000)))
def test_a_moved_network_has_the_same_lengths(seed, shift):
    drawn = random_lines(seed, 12)
    _, edges = build_network(drawn)
    _, moved = build_network(drawn.set_geometry(drawn.translate(*shift)))
    assert_series_equal(moved["length_m"], edges["length_m"], rtol=1e-6, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), added=st.integers(1, 5))
def test_adding_lines_never_lengthens_a_way(seed, added):
    drawn = random_lines(seed, 12 + added)
    before, after = build_network(drawn.iloc[:12]), build_network(drawn)
    start = shapely.get_point(drawn.geometry.iloc[0], 0)
    ways = []
    for nodes, edges in (before, after):
        walked = node_distances(nodes, edges, pd.Series({node_at(nodes, start.x, start.y): 0.0}))
        ways.append(
            {
                tuple(xy): d
                for xy, d in zip(shapely.get_coordinates(nodes.geometry).round(3), walked["distance_m"], strict=True)
            }
        )
    ends = (
        {tuple(xy) for xy in shapely.get_coordinates(drawn.geometry.iloc[:12]).round(3)}
        & ways[0].keys()
        & ways[1].keys()
    )
    assert ends
    assert all(ways[1][end] <= ways[0][end] + 1e-6 for end in ends)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), limit_m=st.floats(1, 900))
def test_a_limited_search_in_tiles_finds_what_one_on_the_whole_network_finds(seed, limit_m):
    nodes, edges = build_network(random_lines(seed, 10))
    ends = [nodes.index.get_indexer(edges[name]) for name in ("from_node", "to_node")]
    graph = edge_graph(pd.DataFrame({"from": ends[0], "to": ends[1], "length_m": edges["length_m"]}), len(nodes))
    whole = dijkstra(graph, limit=limit_m)
    starts = np.arange(0, len(nodes), 2)
    seen = []
    for block, inside in reach_tiles(shapely.get_coordinates(nodes.geometry), starts, limit_m):
        part = dijkstra(graph[inside][:, inside], indices=np.searchsorted(inside, block), limit=limit_m)
        np.testing.assert_allclose(part, whole[block][:, inside])
        assert np.isinf(np.delete(whole[block], inside, axis=1)).all()
        seen += block.tolist()
    assert sorted(seen) == starts.tolist()


def test_without_a_limit_the_tile_is_the_whole_network():
    xy = np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 2.0]])
    ((block, inside),) = reach_tiles(xy, np.array([0, 2]), np.inf)
    assert (block.tolist(), inside.tolist()) == ([0, 2], [0, 1, 2])


def test_of_parallel_edges_the_shortest_makes_the_graph():
    edges = pd.DataFrame({"from": [0, 0], "to": [1, 1], "length_m": [9.0, 4.0]})
    assert edge_graph(edges, 2).toarray().tolist() == [[0, 4], [4, 0]]
    assert edge_graph(edges, 2, directed=True).toarray().tolist() == [[0, 4], [0, 0]]


# --- networkx -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_a_network_goes_to_networkx_and_comes_back(seed):
    nodes, edges = build_network(random_lines(seed))
    lonely = gpd.GeoDataFrame(geometry=[shapely.Point(-9, -9)], index=pd.Index(["lonely"], name="node_id"), crs=CRS)
    nodes = pd.concat([nodes, lonely.set_axis(lonely.index.astype(object))])
    graph = network_to_networkx(nodes, edges)
    assert (len(graph), graph.number_of_edges(), list(nx.isolates(graph))) == (len(nodes), len(edges), ["lonely"])
    back_nodes, back_edges = network_from_networkx(graph)
    assert_geodataframe_equal(back_nodes, nodes.sort_index(), check_index_type=False)
    assert_geodataframe_equal(back_edges, edges)
    start = nodes.index[0]
    ways = nx.single_source_dijkstra_path_length(graph, start, weight="length_m")
    walked = node_distances(nodes, edges, pd.Series({start: 0.0}))["distance_m"]
    assert ways == pytest.approx(walked[np.isfinite(walked)].to_dict())


def test_no_order_of_rows_changes_the_graph():
    nodes, edges = build_network(random_lines(7))
    one, other = network_to_networkx(nodes, edges), network_to_networkx(nodes.iloc[::-1], edges.iloc[::-1])
    assert list(one.nodes) == list(other.nodes)
    assert list(one.edges(keys=True)) == list(other.edges(keys=True))


def test_rings_and_parallel_lines_stay_apart():
    drawn = lines(long=[(0, 0), (50, 80), (100, 0)], short=[(0, 0), (100, 0)], ring=[(0, 0), (-9, 9), (-9, 0), (0, 0)])
    graph = network_to_networkx(*build_network(drawn))
    assert graph.number_of_edges() == 3
    assert_geodataframe_equal(network_from_networkx(graph)[1], build_network(drawn)[1])


def test_a_bare_graph_of_somebody_else_gets_straight_lines():
    graph = nx.MultiGraph(crs=CRS)
    graph.add_node(2, x=30.0, y=40.0)
    graph.add_node(1, x=0.0, y=0.0)
    graph.add_edge(1, 2)
    graph.add_edge(1, 2, length_m=70.0)
    nodes, edges = network_from_networkx(graph)
    assert nodes.index.tolist() == ["1", "2"]
    assert edges["length_m"].to_dict() == {"1~2#0": 50.0, "1~2#1": 70.0}
    assert node_degrees(nodes, edges).tolist() == [2, 2]


def test_an_empty_graph_gives_empty_frames_with_the_same_columns():
    nodes, edges = network_from_networkx(network_to_networkx(*build_network(lines())))
    full = build_network(lines(a=[(0, 0), (100, 0)]))
    assert (len(nodes), len(edges)) == (0, 0)
    assert [list(frame.columns) for frame in (nodes, edges)] == [list(frame.columns) for frame in full]


def test_one_way_streets_and_degrees_do_not_come_back():
    with pytest.raises(ConfigError, match="to_undirected"):
        network_from_networkx(nx.MultiDiGraph(crs=CRS))
    with pytest.raises(CRSError):
        network_from_networkx(nx.MultiGraph())


def test_the_examples_hold():
    assert failed_examples("gis_renovation.networks") == 0
