"""Weak points, traces and shortest ways against networkx, by taking each edge and node away in turn."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis_renovation.errors import ConfigError
from gis_renovation.utilities.graph import Graph
from gis_renovation.utilities.tracing import shortest_way, trace_nodes
from gis_renovation.utilities.weak_points import find_bridges, find_cut_nodes, find_weak_points


def drawn(seed, *, nodes=22, edges=36):
    """A random multigraph with loops and twins, and the same for networkx, its edges keyed by position."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, nodes)), int(rng.integers(0, edges))
    start, end = rng.integers(0, n, m), rng.integers(0, n, m)
    theirs = nx.MultiGraph()
    theirs.add_nodes_from(range(n))
    theirs.add_edges_from((a, b, key) for key, (a, b) in enumerate(zip(start.tolist(), end.tolist(), strict=True)))
    return rng, Graph(n, start, end), theirs


def without_edge(theirs, graph, edge):
    rest = theirs.copy()
    rest.remove_edge(graph.start[edge], graph.end[edge], edge)
    return rest


def fed(theirs, sources):
    return set().union(*(nx.node_connected_component(theirs, s) for s in sources if s in theirs))


@pytest.mark.parametrize("seed", range(60))
def test_bridges_and_cut_nodes_are_those_of_networkx(seed):
    _, graph, theirs = drawn(seed)
    parts = nx.number_connected_components(theirs)
    expected = [nx.number_connected_components(without_edge(theirs, graph, e)) > parts for e in range(graph.edge_count)]
    assert find_bridges(graph).tolist() == expected
    simple = nx.Graph(theirs)
    simple.remove_edges_from(list(nx.selfloop_edges(simple)))
    assert set(np.flatnonzero(find_cut_nodes(graph))) == set(nx.articulation_points(simple))
    bridges = {frozenset(e) for e in nx.bridges(simple)}
    assert {frozenset((int(graph.start[e]), int(graph.end[e]))) for e in np.flatnonzero(expected)} <= bridges


@pytest.mark.parametrize("seed", range(60))
def test_weight_behind_each_edge_and_node_is_what_its_removal_cuts_off(seed):
    rng, graph, theirs = drawn(seed)
    sources = np.unique(rng.integers(0, graph.node_count, int(rng.integers(0, 4)))).astype("int64")
    weights = rng.integers(0, 9, graph.node_count).astype(float)
    found = find_weak_points(graph, sources, weights)
    before = fed(theirs, sources.tolist())
    assert set(np.flatnonzero(found.supplied)) == before
    for edge in range(graph.edge_count):
        lost = before - fed(without_edge(theirs, graph, edge), sources.tolist())
        assert (found.edges[edge], found.behind_edge[edge]) == (bool(lost), sum(weights[x] for x in lost))
    for node in range(graph.node_count):
        rest = theirs.copy()
        rest.remove_node(node)
        lost = before - fed(rest, sources.tolist())
        assert (found.nodes[node], found.behind_node[node]) == (bool(lost - {node}), sum(weights[x] for x in lost))


def test_a_long_pipe_is_all_bridges_and_its_numbering_changes_nothing():
    count = 20_001
    order = np.random.default_rng(1).permutation(count)
    graph = Graph(count, order[:-1], order[1:])
    assert find_bridges(graph).all()
    found = find_weak_points(graph, order[:1], np.ones(count))
    assert found.behind_edge.tolist() == list(range(count - 1, 0, -1))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["connected", "downstream", "upstream"]))
def test_traces_with_valves_and_flow_are_those_of_networkx(seed, way):
    rng, graph, _ = drawn(seed)
    start = int(rng.integers(0, graph.node_count))
    flow = rng.integers(-1, 2, graph.edge_count)
    shut_nodes, shut_edges = rng.random(graph.node_count) < 0.2, rng.random(graph.edge_count) < 0.2
    theirs = nx.DiGraph()
    theirs.add_node(start)
    sign = {"connected": 0, "downstream": 1, "upstream": -1}[way]
    for edge in np.flatnonzero(~shut_edges):
        a, b = int(graph.start[edge]), int(graph.end[edge])
        for tail, head, direction in ((a, b, 1), (b, a, -1)):
            if not shut_nodes[tail] and sign * flow[edge] * direction >= 0:
                theirs.add_edge(tail, head)
    met = trace_nodes(graph, start, way=way, flow=flow, shut_nodes=shut_nodes, shut_edges=shut_edges)
    assert set(np.flatnonzero(met)) == {start, *nx.descendants(theirs, start)}


@pytest.mark.parametrize("seed", range(30))
def test_the_shortest_way_has_the_length_networkx_finds_and_is_a_way(seed):
    rng, graph, theirs = drawn(seed)
    lengths = rng.integers(0, 20, graph.edge_count).astype(float)
    start, goal = (int(x) for x in rng.integers(0, graph.node_count, 2))
    for a, b, key in theirs.edges(keys=True):
        theirs.edges[a, b, key]["m"] = lengths[key]
    metres, way = shortest_way(graph, lengths, start, goal)
    if not nx.has_path(theirs, start, goal):
        assert metres == np.inf
        assert len(way) == 0
        return
    assert metres == nx.shortest_path_length(theirs, start, goal, weight="m") == lengths[way].sum()
    at = start
    for edge in way:
        assert at in (graph.start[edge], graph.end[edge])
        at = graph.start[edge] + graph.end[edge] - at
    assert at == goal


def test_what_is_asked_of_nodes_that_do_not_exist_is_refused_in_words():
    with pytest.raises(ConfigError, match="2 nodes"):
        Graph(2, np.array([0]), np.array([2]))
    line = Graph(2, np.array([0]), np.array([1]))
    with pytest.raises(ConfigError, match="no node 5"):
        trace_nodes(line, 5)
    with pytest.raises(ConfigError, match="flow"):
        trace_nodes(line, 0, way="downstream")
