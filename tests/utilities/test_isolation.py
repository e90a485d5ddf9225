"""Segments against wntr and against breaking every pipe in turn; what closures cut off, alone and together."""

import itertools

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from gis_renovation.utilities.graph import Graph
from gis_renovation.utilities.segments import (
    added_by_failure,
    close_segments,
    cuts_at_nodes,
    cuts_on_edges,
    find_segments,
    sum_by_segment,
    touching_segments,
)


def same_partition(ours, theirs):
    """Whether two labellings put the same things together."""
    pairs = set(zip(ours, theirs, strict=True))
    return len({a for a, _ in pairs}) == len(pairs) == len({b for _, b in pairs})


def drawn(seed):
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 18)), int(rng.integers(1, 28))
    start = rng.integers(0, n, m)
    return rng, Graph(n, start, (start + rng.integers(1, n, m)) % n)


def valves_beside_nodes(rng, graph, share=0.3):
    """Valves between edges and nodes, at most one a place."""
    edge, end = np.nonzero(rng.random((graph.edge_count, 2)) < share)
    node = np.where(end == 0, graph.start[edge], graph.end[edge])
    return edge, node, cuts_on_edges(graph, edge, node)


@pytest.mark.parametrize("seed", range(25))
def test_segments_and_what_a_failing_valve_adds_are_those_of_wntr(seed):
    topographic = pytest.importorskip("wntr.metrics.topographic")
    rng, graph = drawn(seed)
    theirs = nx.MultiDiGraph()
    theirs.add_nodes_from(str(x) for x in range(graph.node_count))
    theirs.add_edges_from((str(a), str(b), str(k)) for k, (a, b) in enumerate(zip(graph.start, graph.end, strict=True)))
    edge, node, cuts = valves_beside_nodes(rng, graph)
    if len(edge) == 0:
        pytest.skip("no valve was drawn")
    layer = pd.DataFrame({"link": edge.astype(str), "node": node.astype(str)}, dtype="object")
    node_segments, link_segments, sizes = topographic.valve_segments(theirs, layer)
    found = find_segments(graph, cuts)
    ours = [*found.of_node, *found.of_edge]
    order = [*map(str, range(graph.node_count))], [*map(str, range(graph.edge_count))]
    assert same_partition(ours, [*node_segments[order[0]], *link_segments[order[1]]])
    assert found.segment_count == len(sizes)

    lengths = rng.integers(1, 100, graph.edge_count).astype(float)
    by_length = pd.Series(lengths, index=order[1])
    expected = topographic.valve_segment_attributes(layer, node_segments, link_segments, length=by_length)
    size = sum_by_segment(found, edges=lengths)
    valve, segment = touching_segments(graph, cuts, found)
    added = added_by_failure(valve, segment, size, len(edge))
    largest = np.zeros(len(edge))
    np.maximum.at(largest, valve, size[segment])
    smaller = np.bincount(valve, weights=size[segment], minlength=len(edge)) - largest
    two = np.bincount(valve, minlength=len(edge)) == 2
    relative = np.divide(smaller, largest, out=np.zeros(len(edge)), where=two & (largest > 0))
    assert relative.tolist() == pytest.approx(expected["length_increase"].tolist())
    assert added[two].tolist() == largest[two].tolist()


@pytest.mark.parametrize("at_nodes", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_closing_off_is_what_flooding_from_the_burst_says(seed, at_nodes):
    rng, graph = drawn(seed)
    if at_nodes:
        cuts = cuts_at_nodes(graph, np.flatnonzero(rng.random(graph.node_count) < 0.4))
    else:
        cuts = valves_beside_nodes(rng, graph)[2]
    sources = np.unique(rng.integers(0, graph.node_count, 2))
    segments = find_segments(graph, cuts)
    pieces = {("e", e, k) for e, k in zip(cuts.edge, cuts.end, strict=True)}
    for burst in range(graph.edge_count):
        flooded = flood(graph, {("E", burst)}, lambda e, k: ("e", e, k) not in pieces)
        inside = segments.of_edge[burst]
        assert {("E", int(e)) for e in np.flatnonzero(segments.of_edge == inside)} == {
            x for x in flooded if x[0] == "E"
        }
        # What is shut are the ends at the rim of the flood.
        closed = {
            (int(e), int(k))
            for e, k in zip(cuts.edge, cuts.end, strict=True)
            if ("E", int(e)) in flooded or (not at_nodes and ("N", int((graph.start, graph.end)[k][e])) in flooded)
        }
        found = close_segments(graph, cuts, sources, np.array([inside]), segments)
        assert {(int(e), int(k)) for e, k in zip(cuts.edge[found.cuts], cuts.end[found.cuts], strict=True)} == closed
        starts = {("N", int(s)) for s in sources if ("N", int(s)) not in flooded}
        wet = flood(graph, starts, lambda e, k, closed=closed: (int(e), int(k)) not in closed) - flooded
        assert {int(x) for x in np.flatnonzero(~found.nodes)} == {x for kind, x in wet if kind == "N"}
        assert {int(x) for x in np.flatnonzero(~found.edges)} == {x for kind, x in wet if kind == "E"}


def flood(graph, starts, passes):
    """Edges and nodes met from ``starts`` through ends that let pass."""
    met, queue = set(starts), list(starts)
    while queue:
        kind, at = queue.pop()
        for edge, end in itertools.product(range(graph.edge_count), (0, 1)):
            node = int((graph.start, graph.end)[end][edge])
            if passes(edge, end) and (kind, at) in (("E", edge), ("N", node)):
                other = ("N", node) if kind == "E" else ("E", edge)
                if other not in met:
                    met.add(other)
                    queue.append(other)
    return met


def test_two_closures_together_cut_off_what_neither_does_alone():
    # A ring 0-1-2-3-4-5-0 with the source at 0 and a valve at every node but 0 and 3: 3 is fed from two sides.
    ring = Graph(6, np.arange(6), (np.arange(6) + 1) % 6)
    cuts = cuts_at_nodes(ring, np.array([1, 2, 4, 5]))
    segments = find_segments(ring, cuts)
    first, second = segments.of_edge[1], segments.of_edge[4]
    dry = [
        np.flatnonzero(close_segments(ring, cuts, np.array([0]), np.array(closed), segments).edges).tolist()
        for closed in ([first], [second], [first, second])
    ]
    assert dry == [[1], [4], [1, 2, 3, 4]]
